// Somebody turns out to be somebody else as well; and the last edit is taken back.

import { ask, here, tell } from "./api.js";

const kept = new URLSearchParams(location.search).get("merge");

for (const button of document.querySelectorAll("[data-merge]")) {
  button.addEventListener("click", () =>
    attempt(async () => {
      await ask(`${here}/people/${kept}/merge`, { method: "POST", body: { person_id: button.dataset.merge } });
      location.assign(`${location.pathname}/${kept}`);
    }),
  );
}

const undo = document.getElementById("undo");
undo?.addEventListener("click", () =>
  attempt(async () => {
    await ask(`${here}/edits/${undo.dataset.edit}`, { method: "DELETE" });
    location.reload();
  }),
);

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    tell(error.message, true);
  }
}
