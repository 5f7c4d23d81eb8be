// Whether the log is sound.

import { ask, tell } from "./api.js";
import { say } from "./words.js";

document.getElementById("check").addEventListener("click", async () => {
  const told = document.getElementById("sound");
  told.textContent = say("common", "working");
  try {
    const { sound, entries, problems } = await ask("/v1/audit/verification");
    told.textContent = say("audit", sound ? "sound" : "unsound", { entries, problems: problems.join("; ") });
    told.className = sound ? "badge matched" : "wrong";
  } catch (error) {
    told.textContent = "";
    tell(error.message, true);
  }
});
