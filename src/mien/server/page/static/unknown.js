// Unknown faces: found in photos, named, turned down, or forgotten.

import { ask, askPatiently, here, tell } from "./api.js";
import { receive } from "./drop.js";
import { say } from "./words.js";

const zone = document.getElementById("drop");
if (zone) receive(zone, document.getElementById("file"), (photos) => attempt(() => search(photos)));

async function search(photos) {
  const body = new FormData();
  for (const photo of photos) body.append("images", photo, photo.name);
  const days = document.getElementById("days").value;
  if (days) body.append("keep_days", days);
  tell(say("common", "working"));
  await askPatiently(`${here}/suggestions`, { method: "POST", body });
  location.reload();
}

for (const group of document.querySelectorAll("[data-suggestion]")) {
  const id = group.dataset.suggestion;
  const name = (body) => ask(`${here}/suggestions/${id}/name`, { method: "POST", body });
  group.querySelector("form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const body = { label: form.get("label") };
    for (const field of ["purpose", "until"]) if (form.get(field)) body[field] = form.get(field);
    attempt(async () => gone(await name(body), group));
  });
  const known = group.querySelector("[data-person]");
  known?.addEventListener("click", () => attempt(async () => gone(await name({ person_id: known.dataset.person }), group)));
  for (const button of group.querySelectorAll("[data-reject]")) {
    button.addEventListener("click", () =>
      attempt(async () => {
        const whose = known ? { person_id: known.dataset.person } : { suggestion_id: id };
        await ask(`${here}/faces/${button.dataset.reject}/reject`, { method: "POST", body: whose });
        button.closest("li").remove();
      }),
    );
  }
  group.querySelector("[data-forget]")?.addEventListener("click", () =>
    attempt(async () => gone(await ask(`${here}/suggestions/${id}`, { method: "DELETE" }), group)),
  );
}

function gone(done, group) {
  group.remove();
  if (done?.label) tell(say("unknown", "named", { label: done.label }));
}

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    tell(error.message, true);
  }
}
