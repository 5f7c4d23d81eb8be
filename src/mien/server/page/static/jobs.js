// Jobs: files are gathered and sent one by one, and how far each job is is asked for until it is over.

import { ask, askPatiently, here, send, tell } from "./api.js";
import { bytes, say } from "./words.js";

const OPEN = ["uploading", "waiting", "running"];
const EVERY = 1500;

const form = document.getElementById("new");
const kind = form.elements.kind;
const sent = document.getElementById("sent");
let chosen = [];

kind.addEventListener("change", fields);
fields();

for (const id of ["files", "folder"]) {
  const input = document.getElementById(id);
  const take = () => {
    if (input.files.length) gather([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
    input.value = "";
  };
  input.addEventListener("change", take);
  take();
}

document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  // Entries are gone after the first await: they are taken at once.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...event.dataTransfer.files];
  const found = entries.length ? (await Promise.all(entries.map((entry) => within(entry, "")))).flat() : [];
  gather(found.length ? found : files.map((file) => ({ file, name: file.name })));
});

/** Fields that only some kinds of jobs have. */
function fields() {
  for (const part of form.querySelectorAll("[data-for]")) {
    part.hidden = !part.dataset.for.split(" ").includes(kind.value);
    for (const input of part.querySelectorAll("input")) input.disabled = part.hidden;
  }
}

async function within(entry, folder) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, name: folder + file.name }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    for (const inner of some) found.push(...(await within(inner, `${folder}${entry.name}/`)));
  }
  return found;
}

function gather(files) {
  chosen = files.filter(({ name, file }) => file.size && !name.split("/").some((part) => part.startsWith(".")));
  // A folder around those of people is no person.
  const outer = new Set(chosen.map(({ name }) => name.split("/")[0]));
  if (outer.size === 1 && chosen.every(({ name }) => name.split("/").length > 2)) {
    chosen = chosen.map(({ file, name }) => ({ file, name: name.slice(name.indexOf("/") + 1) }));
  }
  const size = bytes(chosen.reduce((sum, { file }) => sum + file.size, 0));
  const words = chosen.length === 1 ? "files_one" : "files";
  document.getElementById("chosen").textContent = say("jobs", words, { count: chosen.length, size });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!chosen.length) {
    tell(say("jobs", "no_files"), true);
    return;
  }
  const begin = form.querySelector("[type=submit]");
  begin.disabled = true;
  let job = null;
  try {
    job = await askPatiently(`${here}/jobs/${kind.value}`, { method: "POST", body: options() });
    await upload(job);
    await ask(`${here}/jobs/${job.job_id}/start`, { method: "POST" });
    location.reload();
  } catch (error) {
    tell(error.message, true);
    begin.disabled = false;
    sent.hidden = true;
    if (job) ask(`${here}/jobs/${job.job_id}/cancel`, { method: "POST" }).catch(() => {});
  }
});

function options() {
  const require = document.getElementById("require").value || null;
  if (kind.value === "identify" || kind.value === "watch") {
    return { fpir: Number(document.getElementById("rate").value), require };
  }
  if (kind.value !== "enroll") return {};
  const { purpose, until } = form.elements;
  return { purpose: purpose.value || null, until: until.value || null, require };
}

async function upload(job) {
  sent.hidden = false;
  sent.max = chosen.reduce((sum, { file }) => sum + file.size, 0);
  let before = 0;
  for (const { file, name } of chosen) {
    tell(say("jobs", "sending", { name }));
    const path = name.split("/").map(encodeURIComponent).join("/");
    await send(`${here}/jobs/${job.job_id}/files/${path}`, file, (loaded) => {
      sent.value = before + loaded;
    });
    before += file.size;
  }
}

for (const row of document.querySelectorAll("[data-job]")) {
  const button = row.querySelector("[data-end]");
  button.addEventListener("click", async () => {
    const path = `${here}/jobs/${row.dataset.job}`;
    try {
      if (button.dataset.end === "remove") {
        await ask(path, { method: "DELETE" });
        row.remove();
      } else {
        await ask(`${path}/cancel`, { method: "POST" });
        location.reload();
      }
    } catch (error) {
      tell(error.message, true);
    }
  });
}

watch();

async function watch() {
  const open = () => [...document.querySelectorAll("[data-job]")].filter((row) => OPEN.includes(row.dataset.state));
  while (open().length) {
    await new Promise((resolve) => setTimeout(resolve, EVERY));
    let jobs;
    try {
      ({ jobs } = await ask(`${here}/jobs`));
    } catch (error) {
      if (error.status === 401) return;
      continue;
    }
    for (const row of open()) {
      const job = jobs.find((one) => one.job_id === row.dataset.job);
      if (!job || !OPEN.includes(job.state)) {
        location.reload();
        return;
      }
      show(row, job);
    }
  }
}

function show(row, job) {
  row.dataset.state = job.state;
  const bar = row.querySelector("progress");
  let words = say("job_states", job.state);
  if (job.state === "running" && job.total) {
    Object.assign(bar, { max: job.total, value: job.done });
    const unit = job.kind === "watch" ? "seconds" : "images";
    words = say("job_units", unit, { done: Math.round(job.done), total: Math.round(job.total) });
  }
  row.querySelector(".badge").textContent = words;
}
