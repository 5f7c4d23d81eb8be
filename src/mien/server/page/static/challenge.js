// Is somebody before the camera, who does as asked? One picture after the other, as fast as the service answers.

import { ask, tell } from "./api.js";
import { open, shut, still } from "./camera.js";
import { say } from "./words.js";

const SIDE = 640;

const stage = document.getElementById("stage");
const video = stage.querySelector("video");
const start = document.getElementById("start");
const asked = document.getElementById("asked");
const done = document.getElementById("done");

start.addEventListener("click", begin);
addEventListener("pagehide", () => shut(video));

async function begin() {
  start.disabled = true;
  tell();
  asked.textContent = "";
  done.textContent = "";
  try {
    await open(video);
    stage.classList.add("awake");
    show(await answered());
  } catch (error) {
    tell(error.message, true);
  } finally {
    shut(video);
    stage.classList.remove("awake");
    start.disabled = false;
    start.querySelector("span").textContent = say("challenge", "again");
    start.focus();
  }
}

/** The challenge, shown step by step to its end. */
async function answered() {
  let said = await ask("/v1/challenges", { method: "POST", body: { steps: 3 } });
  while (!said.outcome) {
    show(said);
    const form = new FormData();
    form.append("image", await still(video, SIDE), "camera.jpg");
    try {
      said = await ask(`/v1/challenges/${said.challenge_id}/frames`, { method: "POST", body: form });
    } catch (error) {
      if (error.status === 404) throw new Error(say("challenge", "over"));
      if (error.status !== 503 && error.status !== 429) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * (error.retryAfter || 1)));
    }
  }
  return said;
}

function show({ outcome, step, steps, done: answers, reasons }) {
  const why = reasons.map((reason) => say("challenge_reasons", reason));
  const words = [say("challenge", outcome ?? step ?? "rest"), ...why].join(" ");
  // What is said again is read out again.
  if (asked.textContent !== words) asked.textContent = words;
  asked.className = `big ${{ live: "good", attack: "wrong" }[outcome] ?? ""}`;
  done.textContent = say("challenge", "done", { done: answers.length, steps });
}
