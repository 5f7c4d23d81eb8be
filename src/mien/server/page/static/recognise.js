// Who is in a photo.

import { ask, askPatiently, here, tell } from "./api.js";
import { receive } from "./drop.js";
import { draw, drawFace, mark, pixels, surroundings } from "./photo.js";
import { meaning, number, say, title, verdict } from "./words.js";

const zone = document.getElementById("drop");
const result = document.getElementById("result");
const picture = document.getElementById("picture");
const rate = document.getElementById("rate");
const require = document.getElementById("require");
const boxes = new WeakMap();
const expressions = document.getElementById("expressions");
let shown = null;

receive(zone, document.getElementById("file"), ([file]) => look(file));
for (const choice of [rate, require]) choice.addEventListener("change", () => shown && look(shown));
expressions.addEventListener("change", () => {
  document.getElementById("expressions-meaning").hidden = !expressions.checked;
  for (const list of document.querySelectorAll("#faces .shares")) list.hidden = true;
  if (shown && expressions.checked) express(shown).then(() => tell(), (error) => tell(error.message, true));
});

async function look(file) {
  shown = file;
  const bitmap = await pixels(file);
  zone.classList.add("tight");
  result.hidden = false;
  picture.querySelector("canvas").hidden = !bitmap;
  document.getElementById("no-picture").hidden = Boolean(bitmap);
  picture.querySelector(".boxes").replaceChildren();
  document.getElementById("faces").replaceChildren();
  document.getElementById("meaning").textContent = "";
  if (bitmap) draw(picture.querySelector("canvas"), bitmap);
  document.getElementById("count").textContent = say("common", "working");
  picture.classList.add("busy");
  try {
    const form = new FormData();
    form.append("image", file, file.name);
    form.append("fpir", rate.value);
    if (require.value) form.append("require", require.value);
    const found = await askPatiently(`${here}/identify`, { method: "POST", body: form });
    if (shown !== file) return;
    show(found.faces, bitmap);
    if (expressions.checked) await express(file);
    tell();
  } catch (error) {
    document.getElementById("count").textContent = "";
    tell(error.message, true);
  } finally {
    picture.classList.remove("busy");
  }
}

function show(faces, bitmap) {
  const name = ["no_face", "one"][faces.length] ?? "many";
  document.getElementById("count").textContent = say("faces", name, { count: faces.length });
  document.getElementById("meaning").textContent = meaning(faces);
  // As one reads: the largest first would jump about in a group.
  const ordered = [...faces].sort((a, b) => a.box_normalised.left - b.box_normalised.left);
  for (const face of ordered) {
    const row = card(face, bitmap);
    const box = mark(picture.querySelector(".boxes"), face, () => choose(row, box));
    row.addEventListener("pointerenter", () => choose(row, box, false));
    document.getElementById("faces").append(row);
  }
}

/** Add to each face what it seems to express. */
async function express(file) {
  const form = new FormData();
  form.append("image", file, file.name);
  const { faces } = await askPatiently("/v1/expression", { method: "POST", body: form });
  if (shown !== file) return;
  for (const row of document.querySelectorAll("#faces .face")) {
    const own = boxes.get(row);
    const away = ({ box }) => Math.hypot(box.left - own.left, box.top - own.top, box.right - own.right, box.bottom - own.bottom);
    const nearest = faces.reduce((best, face) => (!best || away(face) < away(best) ? face : best), null);
    if (!nearest || away(nearest) > (own.right - own.left) / 2) continue;
    const list = row.querySelector("[data-is=expressions]");
    list.replaceChildren(...Object.entries(nearest.probabilities)
      .sort(([, one], [, other]) => other - one)
      .filter(([, value], place) => place === 0 || value >= 0.1)
      .map(([name, value]) => probable(name, value)));
    list.hidden = false;
  }
}

function probable(name, value) {
  const entry = document.createElement("li");
  const text = document.createElement("span");
  text.textContent = `${say("expressions", name)}, ${say("expressions", "share", { value: Math.round(100 * value) })}`;
  const meter = document.createElement("meter");
  meter.value = value;
  meter.setAttribute("aria-hidden", "true");
  entry.append(text, meter);
  return entry;
}

function choose(row, box, scroll = true) {
  for (const old of document.querySelectorAll(".chosen")) old.classList.remove("chosen");
  row.classList.add("chosen");
  box.classList.add("chosen");
  if (scroll) row.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

function card(face, bitmap) {
  const row = document.getElementById("face").content.cloneNode(true).firstElementChild;
  boxes.set(row, face.box);
  const badge = row.querySelector(".badge");
  const { decision } = face;
  badge.textContent = title(face);
  badge.classList.add(verdict(decision));
  if (bitmap) drawFace(row.querySelector("canvas"), bitmap, face.box_normalised);
  const { person } = decision ?? {};
  if (person) badge.href = location.pathname.replace(/recognise$/, `people/${person.person_id}`);
  const deed = row.querySelector(".deed");
  if (deed && bitmap && !person) {
    deed.hidden = false;
    deed.addEventListener("click", () => offer(face, bitmap));
  }
  const facts = {
    score: number(decision?.score),
    threshold: number(decision?.threshold),
    quality: say("faces", "of_hundred", { value: Math.round(face.quality ?? 0) }),
    nearest: (decision?.candidates ?? []).slice(0, 3).map((one) => `${one.label} (${number(one.score)})`).join(say("common", "and")) || say("common", "none"),
  };
  for (const [is, text] of Object.entries(facts)) row.querySelector(`[data-is=${is}]`).textContent = text;
  return row;
}

const dialog = document.getElementById("enrol");
let offered = null;

function offer(face, bitmap) {
  offered = { face, bitmap };
  drawFace(dialog.querySelector("canvas"), bitmap, face.box_normalised);
  dialog.querySelector(".wrong").hidden = true;
  dialog.showModal();
  dialog.querySelector("[name=label]").focus();
}

dialog?.querySelector("[value=cancel]").addEventListener("click", () => dialog.close());
dialog?.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new FormData(event.target);
  if (!body.get("until")) body.delete("until");
  if (require.value) body.append("require", require.value);
  body.append("images", await surroundings(offered.bitmap, offered.face.box_normalised), shown.name);
  try {
    const done = await ask(`${here}/people`, { method: "POST", body });
    if (!done.added.length) throw new Error(done.refused[0]?.message ?? say("enrol", "already"));
    dialog.close();
    event.target.reset();
    await look(shown);
  } catch (error) {
    dialog.querySelector(".wrong").textContent = error.message;
    dialog.querySelector(".wrong").hidden = false;
  }
});
