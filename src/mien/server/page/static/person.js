// One person: renamed, or erased with a proof.

import { ask, askPatiently, here, tell } from "./api.js";
import { bytes, say } from "./words.js";

const person = document.getElementById("person");
const path = `${here}/people/${person.dataset.id}`;
const { label } = person.dataset;
const sure = document.getElementById("sure");

on("rename", async (form) => {
  await ask(path, { method: "PATCH", body: { label: form.get("label") } });
  location.reload();
});
on("consent", async (form) => {
  const body = { purpose: form.get("purpose"), until: form.get("until") || null };
  await ask(`${path}/consent`, { method: "PUT", body });
  location.reload();
});
on("split", async (form) => {
  const body = { samples: form.getAll("samples"), label: form.get("label") || null };
  const other = await ask(`${path}/split`, { method: "POST", body });
  location.assign(location.pathname.replace(person.dataset.id, other.person_id));
});
document.getElementById("split").addEventListener("change", ({ currentTarget }) => {
  const off = document.getElementById("off");
  if (off) off.hidden = !new FormData(currentTarget).has("samples");
});
for (const button of document.querySelectorAll("[data-reject]")) {
  button.addEventListener("click", () =>
    attempt(async () => {
      const body = { person_id: person.dataset.id };
      await ask(`${here}/faces/${button.dataset.reject}/reject`, { method: "POST", body });
      location.reload();
    }),
  );
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
  } catch (error) {
    tell(error.message, true);
  }
}

document.getElementById("erase")?.addEventListener("click", () => {
  confirm(say("person", "erase_title", { label }), say("person", "erase_lead"), async () => {
    show(await askPatiently(`${path}?proof=true`, { method: "DELETE" }));
  });
});
for (const button of document.querySelectorAll("[data-erase]")) {
  button.addEventListener("click", () => {
    const name = button.closest("li").querySelector("strong").textContent;
    confirm(say("person", "erase_one_title", { name, label }), say("person", "erase_one_lead"), async () => {
      await askPatiently(`${path}/samples/${button.dataset.erase}`, { method: "DELETE" });
      location.reload();
    });
  });
}

function confirm(title, lead, act) {
  sure.querySelector("h2").textContent = title;
  sure.querySelector("p").textContent = lead;
  sure.returnValue = "";
  sure.showModal();
  sure.onclose = () => {
    if (sure.returnValue !== "erase") return;
    tell(say("common", "working"));
    attempt(async () => {
      await act();
      tell();
    });
  };
}

function show(done) {
  const gone = document.getElementById("gone");
  gone.querySelector("h2").textContent = say("person", "erased", { label });
  const lines = [say("person", "level", { level: say("levels", done.level) })];
  if (done.proof) lines.unshift(proof(done.proof));
  lines.push(say("person", "entry", { number: done.entry.sequence }));
  if (done.elsewhere.length) {
    lines.push(say("person", "elsewhere", { names: done.elsewhere.join(say("common", "and")) }));
  }
  for (const line of lines) {
    const item = document.createElement("li");
    item.textContent = line;
    gone.querySelector("ul").append(item);
  }
  person.hidden = true;
  gone.hidden = false;
  gone.focus();
}

function proof({ files, size, pieces, found }) {
  if (found.length) return say("person", "proof_found", { places: found.join(say("common", "and")) });
  return say("person", "proof_clean", {
    files: files.length,
    pieces,
    size: bytes(size),
  });
}
