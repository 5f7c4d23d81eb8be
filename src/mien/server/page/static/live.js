// Names over what the camera sees. One look at a time, so that a slow service gets fewer.

import { ask, here, tell } from "./api.js";
import { cameras, open, shut, still } from "./camera.js";
import { place } from "./photo.js";
import { agreed, follow } from "./tracks.js";
import { meaning, say } from "./words.js";

const SIDE = 960;
const SOONEST = 200;
const LATEST = 10000;

const stage = document.getElementById("stage");
const video = stage.querySelector("video");
const layer = stage.querySelector(".boxes");
const start = document.getElementById("start");
const chosen = document.getElementById("camera");
const rate = document.getElementById("rate");
const boxes = new Map();
const seen = new Map();
let tracks = [];
let turn = 0;
let asked = null;

start.addEventListener("click", () => (video.srcObject ? stop() : begin()));
chosen.addEventListener("change", () => begin(chosen.value));
addEventListener("pagehide", () => shut(video));

async function begin(deviceId) {
  stop();
  tell();
  try {
    await open(video, deviceId);
  } catch (error) {
    tell(error.message, true);
    return;
  }
  stage.classList.add("awake");
  start.querySelector("span").textContent = say("live", "stop");
  const found = await cameras();
  chosen.replaceChildren(...found.map((one) => new Option(one.label, one.id)));
  chosen.value = video.srcObject?.getVideoTracks()[0]?.getSettings().deviceId ?? chosen.value;
  chosen.closest("label").hidden = found.length < 2;
  look(++turn);
}

function stop() {
  turn += 1;
  asked?.abort();
  shut(video);
  tracks = [];
  stage.classList.remove("awake");
  start.querySelector("span").textContent = say("live", "start");
  document.getElementById("pace").textContent = "";
  show();
}

async function look(own) {
  let pace = SOONEST;
  let delay = null;
  while (own === turn) {
    if (document.hidden) {
      await new Promise((resolve) => setTimeout(resolve, SOONEST));
      continue;
    }
    const began = performance.now();
    let wait = null;
    try {
      const form = new FormData();
      form.append("image", await still(video, SIDE), "camera.jpg");
      form.append("fpir", rate.value);
      form.append("candidates", "1");
      asked = new AbortController();
      const found = await ask(`${here}/identify`, { method: "POST", body: form, signal: asked.signal });
      if (own !== turn) return;
      const took = performance.now() - began;
      delay = delay === null ? took : delay + 0.2 * (took - delay);
      // As long again for others, and sooner or later by a little each time.
      pace += 0.3 * (Math.max(SOONEST, 2 * delay) - pace);
      tracks = follow(tracks, found.faces);
      show(found.faces);
      told(pace, delay);
      tell();
    } catch (error) {
      if (error.name === "AbortError" || own !== turn) return;
      if (error.status === 503 || error.status === 429 || error.status === 0) {
        pace = Math.min(LATEST, 2 * pace);
        wait = Math.max(pace, 1000 * (error.retryAfter || 0));
        document.getElementById("pace").textContent = say("live", "slow", { seconds: Math.round(wait / 1000) });
      } else {
        stop();
        tell(error.message, true);
        return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, wait ?? Math.max(0, pace - (performance.now() - began))));
  }
}

function told(pace, delay) {
  document.getElementById("pace").textContent = say("live", "pace", {
    looks: (1000 / pace).toFixed(1),
    delay: (delay / 1000).toFixed(2),
  });
}

function show(faces) {
  for (const [id, box] of boxes) {
    if (tracks.some((track) => track.id === id)) continue;
    box.remove();
    boxes.delete(id);
  }
  const names = [];
  for (const track of tracks) {
    const vote = agreed(track);
    move(track, vote);
    if (vote) names.push([vote.words, vote.kind]);
    if (vote?.person) remember(vote.person);
  }
  list(document.getElementById("now"), names.map(([words, kind]) => badge(words, kind)));
  list(document.getElementById("before"), [...seen.values()].map(entry));
  if (faces?.length) document.getElementById("meaning").textContent = meaning(faces);
}

function move(track, vote) {
  let box = boxes.get(track.id);
  if (!box) {
    box = document.createElement("div");
    box.append(document.createElement("span"));
    layer.append(box);
    boxes.set(track.id, box);
  }
  place(box, track.box, `moving ${vote?.kind ?? "found"}`);
  box.firstChild.textContent = vote?.words ?? say("live", "looking");
}

function remember(person) {
  const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const known = seen.get(person.person_id) ?? { label: person.label, first: time };
  seen.set(person.person_id, { ...known, last: time });
}

function badge(words, kind) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  name.className = `badge ${kind}`;
  name.textContent = words;
  item.append(name);
  return item;
}

function entry({ label, first, last }) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  const when = document.createElement("span");
  name.textContent = label;
  when.className = "soft";
  when.textContent = say("live", "since", { first, last });
  item.append(name, when);
  return item;
}

function list(element, items) {
  const now = items.map((item) => item.textContent).join("\n");
  // Screen readers say a list again that is written again.
  if (element.dataset.now === now) return;
  element.dataset.now = now;
  if (!items.length) {
    const nobody = document.createElement("li");
    nobody.className = "soft";
    nobody.textContent = say("live", "nobody");
    items = [nobody];
  }
  element.replaceChildren(...items);
}
