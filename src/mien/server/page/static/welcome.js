// The first collection.

import { ask, tell } from "./api.js";

document.getElementById("make")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  try {
    await ask("/v1/collections", {
      method: "PUT",
      body: { name: form.get("name"), consent_required: form.has("consent") },
    });
    location.assign("/");
  } catch (error) {
    tell(error.message, true);
  }
});
