// The browser's camera.

import { say } from "./words.js";

/** Show a camera in a video element; says why it cannot be. */
export async function open(video, deviceId) {
  if (!navigator.mediaDevices) throw new Error(say("camera", "insecure"));
  try {
    const wanted = { width: { ideal: 1280 }, height: { ideal: 720 }, ...(deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" }) };
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    const reason = { NotAllowedError: "denied", NotFoundError: "missing" }[error.name] ?? "failed";
    throw new Error(say("camera", reason, { message: error.message }));
  }
  await video.play();
}

/** Let go of the camera: its light goes out. */
export function shut(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

/** What it sees, as a JPEG of at most `side` pixels. */
export function still(video, side, quality = 0.92) {
  const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
  const canvas = new OffscreenCanvas(Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale));
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality });
}

/** Names of the cameras there are. */
export async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === "videoinput")
    .map((device, n) => ({ id: device.deviceId, label: device.label || say("camera", "unnamed", { number: n + 1 }) }));
}
