// Cameras that the service watches, and what happens before them, as it happens.

import { ask, here, tell } from "./api.js";
import { say, share } from "./words.js";

const MOST = 100;
const STATES = { "stream.watching": "matched", "stream.waiting": "found", "stream.failed": "failed" };
const KINDS = ["stream.recognised", "stream.unknown", "stream.left", ...Object.keys(STATES)];

const list = document.getElementById("events");
const line = document.getElementById("line");
const shown = new Set();

for (const section of document.querySelectorAll("[data-stream]")) {
  const path = `${here}/streams/${section.dataset.stream}`;
  section.querySelector("[data-enable]")?.addEventListener("click", ({ target }) =>
    attempt(() => ask(path, { method: "PATCH", body: { enabled: Boolean(target.dataset.enable) } })));
  section.querySelector("[data-remove]")?.addEventListener("click", () =>
    attempt(() => ask(path, { method: "DELETE" })));
}

document.getElementById("new")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const body = { name: form.get("name"), url: form.get("url"), fps: Number(form.get("fps")) || null, require: form.get("require") || null };
  attempt(() => ask(`${here}/streams`, { method: "POST", body }));
});

if (list) {
  follow(attempt(remember, false));
}

/** What happened of late, before the page was there. */
async function remember() {
  const ids = [...document.querySelectorAll("[data-stream]")].map((section) => section.dataset.stream);
  const told = await Promise.all(ids.map((id) => ask(`${here}/streams/${id}/events?limit=${MOST}`)));
  const events = told.flatMap(({ events }) => events).filter(({ kind }) => KINDS.includes(kind));
  for (const event of events.sort((a, b) => (a.time < b.time ? -1 : 1))) show(event);
}

/** The browser connects again by itself, and says what it read last. */
function follow(remembered = null) {
  const source = new EventSource(`${here}/events?${KINDS.map((kind) => `kind=${kind}`).join("&")}`);
  source.addEventListener("open", () => (line.textContent = say("streams", "connected")));
  source.addEventListener("error", () => {
    line.textContent = say("streams", "cut");
    // A refusal ends it for good, and an answer says why.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => ask(here).then(() => follow(), (error) => tell(error.message, true)), 3000);
  });
  source.addEventListener("missed", () => add(say("streams", "missed")));
  for (const kind of KINDS) source.addEventListener(kind, async ({ data }) => {
    mark(JSON.parse(data));
    await remembered;
    show(JSON.parse(data));
  });
  addEventListener("pagehide", () => source.close());
}

function show({ event_id: id, kind, time, data }) {
  // What is told as it happens may also be among what happened of late.
  if (shown.has(id)) return;
  shown.add(id);
  const label = data.label ?? say("stream_kinds", "somebody");
  const when = say("streams", "utc", { time: time.slice(11, 19) });
  const rate = data.label && data.rate ? ` \u00b7 ${share(data.rate)}` : "";
  add(say("stream_kinds", kind, { label, problem: data.problem }), say("streams", "at", { stream: data.stream, time: when }) + rate);
}

/** A camera's own state, beside its name. */
function mark({ kind, time, data }) {
  const section = document.querySelector(`[data-stream="${data.stream_id}"]`);
  if (!section || !(kind in STATES)) return;
  const badge = section.querySelector("[data-state]");
  badge.className = `badge ${STATES[kind]}`;
  badge.textContent = say("stream_states", kind.split(".")[1]);
  const since = say("streams", "since", { time: time.slice(0, 19).replace("T", " ") });
  section.querySelector("[data-since]").textContent = [since, data.problem].filter(Boolean).join(" \u00b7 ");
}

function add(what, about = "") {
  list.querySelector(":scope > .soft")?.remove();
  const entry = document.createElement("li");
  const text = document.createElement("span");
  text.className = "about";
  const strong = document.createElement("strong");
  strong.textContent = what;
  const soft = document.createElement("span");
  soft.className = "soft";
  soft.textContent = about;
  text.append(strong, " ", soft);
  entry.append(text);
  list.prepend(entry);
  while (list.children.length > MOST) list.lastElementChild.remove();
}

async function attempt(act, anew = true) {
  try {
    await act();
    if (anew) location.reload();
  } catch (error) {
    tell(error.message, true);
  }
}
