// The service, asked as any client asks it: `/v1`, with the session's cookie and the header that shows whose page this is.

import { say } from "./words.js";

const { csrf, collection } = document.documentElement.dataset;

/** Where the collection of this page is. */
export const here = `/v1/collections/${encodeURIComponent(collection ?? "")}`;

/** An answer that is no success. */
export class Refusal extends Error {
  constructor(status, code, message, retryAfter) {
    super(message);
    Object.assign(this, { status, code, retryAfter });
  }
}

/** Ask for something; an object is sent as JSON, a form as it is. */
export async function ask(path, { method = "GET", body, headers = {}, signal } = {}) {
  const sent = { "X-Mien-CSRF": csrf, ...headers };
  if (body && !(body instanceof FormData)) {
    sent["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, { method, body, headers: sent, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "gone", say("common", "gone"), 2);
  }
  if (answer.status === 204) return null;
  const said = await answer.json();
  if (answer.ok) return said;
  if (answer.status === 401) {
    location.assign(`/sign-in?then=${encodeURIComponent(location.pathname)}`);
    throw new Refusal(401, "over", say("common", "over"));
  }
  throw new Refusal(answer.status, said.error.code, said.error.message, Number(answer.headers.get("Retry-After")) || 0);
}

/** Send a file, and tell how many bytes of it went; `fetch` does not say. */
export function send(path, file, sent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    request.setRequestHeader("X-Mien-CSRF", csrf);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => sent(event.loaded));
    request.addEventListener("error", () => reject(new Refusal(0, "gone", say("common", "gone"), 2)));
    request.addEventListener("load", () => {
      const { status, response } = request;
      if (status < 300) resolve(response);
      else reject(new Refusal(status, response?.error.code, response?.error.message ?? say("common", "gone"), 0));
    });
    request.send(file);
  });
}

/** Ask, and come back as often as the service says that it is busy. */
export async function askPatiently(path, options) {
  for (;;) {
    try {
      return await ask(path, options);
    } catch (error) {
      if (error.status !== 503 && error.status !== 429) throw error;
      const seconds = error.retryAfter || 2;
      tell(say("common", "busy", { seconds }));
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    }
  }
}

/** Say something below the page, where it is read out; nothing takes it back. */
export function tell(text = "", wrong = false) {
  const status = document.getElementById("status");
  status.textContent = text;
  status.classList.toggle("wrong", wrong);
}
