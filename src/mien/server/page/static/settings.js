// The operating point, the rules of the collection, its erasure, keys, and other collections.

import { ask, here, tell } from "./api.js";
import { bytes, say } from "./words.js";

const { collection } = document.documentElement.dataset;

on("point", async (form) => {
  await ask(`${here}/operating-point`, { method: "PUT", body: { fpir: Number(form.get("fpir")) } });
  location.reload();
});
on("rules", async (form) => {
  const rules = { consent_required: form.has("consent_required"), crops: form.has("crops") };
  await ask("/v1/collections", { method: "PUT", body: { name: collection, ...rules } });
  location.reload();
});
on("make", async (form) => {
  const made = await ask("/v1/collections", { method: "PUT", body: { name: form.get("name") } });
  location.assign(`/collections/${encodeURIComponent(made.name)}/settings`);
});
on("issue", async (form) => {
  const body = { name: form.get("name"), role: form.get("role"), collections: [form.get("collection")] };
  if (form.get("expires")) body.expires = `${form.get("expires")}T23:59:59Z`;
  if (form.get("rate")) body.rate = Number(form.get("rate"));
  const key = await ask("/v1/keys", { method: "POST", body });
  const secret = document.getElementById("secret");
  secret.querySelector("code").textContent = key.secret;
  secret.hidden = false;
  secret.focus();
});

for (const button of document.querySelectorAll("[data-revoke]")) {
  button.addEventListener("click", () =>
    attempt(async () => {
      await ask(`/v1/keys/${button.dataset.revoke}`, { method: "DELETE" });
      button.closest("li").remove();
    }),
  );
}

document.getElementById("point")?.addEventListener("change", ({ target }) => {
  for (const point of document.querySelectorAll(".point")) {
    point.classList.toggle("now", point.dataset.rate === target.value);
  }
});

const back = document.getElementById("back-sure");
document.getElementById("back")?.addEventListener("click", () => back.showModal());
back?.addEventListener("close", () => {
  if (back.returnValue !== "back") return;
  attempt(async () => {
    await ask(`/v1/calibrations/${back.dataset.pipeline}`, { method: "DELETE" });
    location.reload();
  });
});

const sure = document.getElementById("sure");
document.getElementById("erase")?.addEventListener("click", () => {
  sure.querySelector("form").reset();
  sure.querySelector("[value=erase]").disabled = true;
  sure.returnValue = "";
  sure.showModal();
});
sure?.querySelector("input").addEventListener("input", ({ target }) => {
  sure.querySelector("[value=erase]").disabled = target.value !== collection;
});
sure?.addEventListener("close", () => {
  if (sure.returnValue !== "erase") return;
  tell(say("common", "working"));
  attempt(async () => show(await ask(`${here}?proof=true`, { method: "DELETE" })));
});

function show({ people, faces, proof, level, entry, keys, keys_revoked: revoked }) {
  const { files, size, pieces, found } = proof;
  const searched = { files: files.length, pieces, size: bytes(size) };
  const lines = [
    say("settings", "erased_people", { people, faces }),
    found.length
      ? say("person", "proof_found", { places: found.join(say("common", "and")) })
      : say("person", "proof_clean", searched),
    say("person", "level", { level: say("levels", level) }),
    say("person", "entry", { number: entry.sequence }),
    say("settings", "erased_keys", { keys, revoked }),
  ];
  const gone = document.getElementById("gone");
  for (const line of lines) {
    const item = document.createElement("li");
    item.textContent = line;
    gone.querySelector("ul").append(item);
  }
  for (const card of document.querySelectorAll("main .card")) card.hidden = card !== gone;
  gone.hidden = false;
  gone.focus();
}

function on(id, act) {
  const form = document.getElementById(id);
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => act(new FormData(form)));
  });
}

async function attempt(act) {
  try {
    await act();
    tell();
  } catch (error) {
    tell(error.message, true);
  }
}
