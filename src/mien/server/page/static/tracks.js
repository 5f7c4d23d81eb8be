// Faces from look to look. Each look is decided by itself; what is shown is what most of the last looks agree on, so that
// names do not flicker, and one wrong look in five is not seen.

import { title, verdict } from "./words.js";

const REMEMBERED = 5;
const PATIENCE = 2;
const OVERLAP = 0.25;

let last = 0;

/** How much of two boxes' union they share. */
export function overlap(a, b) {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const area = (box) => (box.right - box.left) * (box.bottom - box.top);
  return (width * height) / (area(a) + area(b) - width * height);
}

/** Faces of a look, joined to those of the looks before; returns the tracks that are in view. */
export function follow(tracks, faces) {
  const pairs = tracks.flatMap((track) => faces.map((face) => [overlap(track.box, face.box_normalised), track, face]));
  pairs.sort((a, b) => b[0] - a[0]);
  const taken = new Set();
  for (const [shared, track, face] of pairs) {
    if (shared < OVERLAP || taken.has(track) || taken.has(face)) continue;
    taken.add(track).add(face);
    see(track, face);
  }
  for (const track of tracks) if (!taken.has(track)) track.missed += 1;
  for (const face of faces) {
    if (taken.has(face)) continue;
    const track = { id: ++last, votes: [] };
    see(track, face);
    tracks.push(track);
  }
  return tracks.filter((track) => track.missed < PATIENCE);
}

function see(track, face) {
  const kind = verdict(face.decision);
  const person = kind === "matched" ? face.decision.person : null;
  track.box = face.box_normalised;
  track.missed = 0;
  track.votes.push({ key: person?.person_id ?? kind, kind, person, words: title(face) });
  if (track.votes.length > REMEMBERED) track.votes.shift();
}

/** What most of the last looks say of a track; null while they do not agree, or were too few. */
export function agreed(track) {
  const count = (vote) => track.votes.filter((other) => other.key === vote.key).length;
  const best = track.votes.reduce((a, b) => (count(b) >= count(a) ? b : a));
  return count(best) >= 2 && count(best) > track.votes.length / 2 ? best : null;
}
