// Who is told of what happens.

import { ask, here, tell } from "./api.js";
import { say } from "./words.js";

const PATIENCE = 12000;

for (const section of document.querySelectorAll("[data-webhook]")) {
  const path = `${here}/webhooks/${section.dataset.webhook}`;
  const on = (what, act) => {
    for (const button of section.querySelectorAll(`[data-${what}]`)) {
      button.addEventListener("click", () => attempt(() => act(button.dataset[what])));
    }
  };
  on("enable", async (yes) => {
    await ask(path, { method: "PATCH", body: { enabled: Boolean(yes) } });
    location.reload();
  });
  on("ping", async () => {
    await settled(path, await ask(`${path}/ping`, { method: "POST" }));
  });
  on("remove", async () => {
    await ask(path, { method: "DELETE" });
    section.remove();
  });
  on("again", async (delivery) => {
    await settled(path, await ask(`${path}/deliveries/${delivery}/redeliver`, { method: "POST" }));
  });
}

/** Wait for what comes of a try, as long as a receiver may take, and show it. */
async function settled(path, { delivery_id: id, tries }) {
  tell(say("common", "working"));
  for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { deliveries } = await ask(`${path}/deliveries`);
    const one = deliveries.find((delivery) => delivery.delivery_id === id);
    if (!one || one.state !== "pending" || one.tries > tries) break;
  }
  location.reload();
}

document.getElementById("new").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    const form = new FormData(event.target);
    const body = { url: form.get("url"), kinds: form.getAll("kinds"), names: form.has("names") };
    const made = await ask(`${here}/webhooks`, { method: "POST", body });
    event.target.reset();
    const secret = document.getElementById("secret");
    secret.querySelector("code").textContent = made.secret;
    secret.hidden = false;
    secret.focus();
  });
});

async function attempt(act) {
  try {
    await act();
    tell();
  } catch (error) {
    tell(error.message, true);
  }
}
