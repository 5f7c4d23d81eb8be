// Somebody is enrolled: photos are gathered, sent, and each says what became of it.

import { askPatiently, here, tell } from "./api.js";
import { open, shut, still } from "./camera.js";
import { receive } from "./drop.js";
import { pixels } from "./photo.js";
import { say } from "./words.js";

const form = document.getElementById("enrol");
const viewfinder = document.getElementById("viewfinder");
const video = viewfinder.querySelector("video");
const outcome = document.getElementById("outcome");
const photos = new Map();
let shots = 0;

receive(document.getElementById("drop"), document.getElementById("file"), (files) => files.forEach(add));
document.getElementById("camera").addEventListener("click", async () => {
  tell();
  try {
    await open(video);
    viewfinder.hidden = false;
    document.getElementById("shoot").focus();
  } catch (error) {
    tell(error.message, true);
  }
});
document.getElementById("shoot").addEventListener("click", async () => {
  const name = say("enrol", "taken", { number: ++shots });
  add(new File([await still(video, 1600)], `${name}.jpg`, { type: "image/jpeg" }));
});
document.getElementById("shut").addEventListener("click", close);
addEventListener("pagehide", close);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

function close() {
  shut(video);
  viewfinder.hidden = true;
}

async function add(file) {
  const most = Number(form.dataset.most);
  if (photos.size >= most) {
    tell(say("enrol", "most", { most }), true);
    return;
  }
  const name = free(file.name);
  const item = document.getElementById("photo").content.cloneNode(true).firstElementChild;
  photos.set(name, { file, item });
  item.querySelector(".name").textContent = name;
  const remove = item.querySelector("button");
  remove.setAttribute("aria-label", say("enrol", "remove", { name }));
  remove.addEventListener("click", () => {
    photos.delete(name);
    item.remove();
  });
  document.getElementById("photos").append(item);
  const bitmap = await pixels(file);
  if (!bitmap) return;
  const canvas = item.querySelector("canvas");
  const side = Math.min(bitmap.width, bitmap.height);
  // Faces are in the upper half of what people photograph.
  const [x, y] = [(bitmap.width - side) / 2, (bitmap.height - side) / 6];
  canvas.getContext("2d").drawImage(bitmap, x, y, side, side, 0, 0, canvas.width, canvas.height);
  bitmap.close();
}

function free(name) {
  const [, stem, ending] = name.match(/^(.*?)(\.[^.]*)?$/s);
  for (let n = 1; ; n++) {
    const tried = n === 1 ? name : `${stem} (${n})${ending ?? ""}`;
    if (!photos.has(tried)) return tried;
  }
}

async function send() {
  const waiting = [...photos].filter(([, { done }]) => !done);
  if (!waiting.length) {
    tell(say("enrol", "no_photo"), true);
    return;
  }
  const body = new FormData(form);
  for (const empty of ["purpose", "until", "require"]) if (!body.get(empty)) body.delete(empty);
  for (const [name, { file }] of waiting) body.append("images", file, name);
  const submit = form.querySelector("[type=submit]");
  submit.disabled = true;
  outcome.replaceChildren();
  tell(say("common", "working"));
  try {
    const headers = { "Idempotency-Key": hex(crypto.getRandomValues(new Uint8Array(16))) };
    show(await askPatiently(`${here}/people`, { method: "POST", body, headers }));
    tell();
  } catch (error) {
    tell(error.message, true);
  } finally {
    submit.disabled = false;
  }
}

function hex(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function show(done) {
  for (const name of done.added) became(name, "matched", say("enrol", "added"));
  for (const name of done.already) became(name, "found", say("enrol", "already"));
  for (const { source, message } of done.refused) became(source, "failed", say("enrol", "refused"), message);
  const count = done.added.length;
  const words = say("enrol", ["done_none", "done_one"][count] ?? "done_many", { label: done.label, count });
  const sentence = document.createElement("p");
  sentence.className = count ? "note" : "wrong";
  sentence.textContent = done.checked || !count ? words : `${words} ${say("enrol", "unchecked")}`;
  outcome.replaceChildren(sentence);
  if (!done.person_id) return;
  const links = document.createElement("p");
  links.className = "row";
  const page = location.pathname;
  links.append(
    link(page.replace(/enrol$/, `people/${done.person_id}`), say("enrol", "see", { label: done.label }), "button second"),
    link(page, say("enrol", "next"), ""),
  );
  outcome.append(links);
}

function became(name, kind, words, why = "") {
  const photo = photos.get(name);
  if (!photo) return;
  photo.done = kind !== "failed";
  photo.item.querySelector("button").hidden = photo.done;
  const badge = document.createElement("span");
  badge.className = `badge ${kind}`;
  badge.textContent = words;
  photo.item.querySelector(".state").replaceChildren(badge, ` ${why}`);
}

function link(address, words, look) {
  const made = document.createElement("a");
  made.href = address;
  made.className = look;
  made.textContent = words;
  return made;
}
