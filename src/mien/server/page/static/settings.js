// The operating point, the rules of the collection, keys, and other collections.

import { ask, here, tell } from "./api.js";

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
