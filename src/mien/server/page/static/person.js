// One person: renamed, or erased with a proof.

import { ask, askPatiently, here, tell } from "./api.js";
import { say } from "./words.js";

const person = document.getElementById("person");
const path = `${here}/people/${person.dataset.id}`;
const sure = document.getElementById("sure");

document.getElementById("rename")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await ask(path, { method: "PATCH", body: { label: new FormData(event.target).get("label") } });
    location.reload();
  } catch (error) {
    tell(error.message, true);
  }
});

document.getElementById("erase")?.addEventListener("click", () => sure.showModal());
sure?.addEventListener("close", async () => {
  if (sure.returnValue !== "erase") return;
  sure.returnValue = "";
  tell(say("common", "working"));
  try {
    show(await askPatiently(`${path}?proof=true`, { method: "DELETE" }));
    tell();
  } catch (error) {
    tell(error.message, true);
  }
});

function show(done) {
  const gone = document.getElementById("gone");
  gone.querySelector("h2").textContent = say("person", "erased", { label: person.dataset.label });
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
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return say("person", "proof_clean", {
    files: files.length,
    pieces,
    size: `${Number((size / 1000 ** power).toPrecision(3))} ${units[power]}`,
  });
}
