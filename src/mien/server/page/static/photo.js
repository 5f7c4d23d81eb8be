// Photos: read, drawn, and marked with what was found in them.

import { title, verdict } from "./words.js";

/** An image file as pixels, upright; null where the browser cannot read it. */
export async function pixels(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
}

/** Draw pixels on a canvas of at most `side` pixels. */
export function draw(canvas, bitmap, side = 1600) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}

/** Draw the surroundings of a box (fractions of the picture) on a square canvas. */
export function drawFace(canvas, bitmap, box) {
  const width = (box.right - box.left) * bitmap.width;
  const height = (box.bottom - box.top) * bitmap.height;
  const side = 1.35 * Math.max(width, height);
  const x = box.left * bitmap.width + (width - side) / 2;
  const y = box.top * bitmap.height + (height - side) / 2;
  canvas.getContext("2d").drawImage(bitmap, x, y, side, side, 0, 0, canvas.width, canvas.height);
}

/** A face with what is around it, as a JPEG: other people of the photo stay out. */
export function surroundings(bitmap, box) {
  const [width, height] = [(box.right - box.left) * bitmap.width, (box.bottom - box.top) * bitmap.height];
  const [x, y] = [Math.max(0, box.left * bitmap.width - 0.4 * width), Math.max(0, box.top * bitmap.height - 0.4 * height)];
  const canvas = new OffscreenCanvas(Math.min(bitmap.width - x, 1.8 * width), Math.min(bitmap.height - y, 1.8 * height));
  canvas.getContext("2d").drawImage(bitmap, -x, -y);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
}

/** Lay an element over a box (fractions of the picture); its words stay inside of the picture. */
export function place(element, { left, top, right, bottom }, look) {
  element.className = `box ${look}`;
  element.classList.toggle("above", bottom > 0.9 && top > 0.1);
  element.classList.toggle("left", left < 0.1);
  element.classList.toggle("right", right > 0.9 && left >= 0.1);
  const sides = { left, top, width: right - left, height: bottom - top };
  for (const [side, value] of Object.entries(sides)) element.style[side] = `${100 * value}%`;
}

/** Mark a face in an element that lies over its picture. */
export function mark(layer, face, choose) {
  const box = document.createElement(choose ? "button" : "div");
  place(box, face.box_normalised, verdict(face.decision));
  const label = document.createElement("span");
  label.textContent = title(face);
  box.append(label);
  if (choose) {
    box.type = "button";
    // Small boxes show no words.
    box.setAttribute("aria-label", title(face));
    box.addEventListener("click", choose);
  }
  layer.append(box);
  return box;
}
