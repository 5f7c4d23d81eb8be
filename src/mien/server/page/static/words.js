// What a view says lies in its page, in one language; scripts only put it together.

const said = JSON.parse(document.getElementById("said")?.textContent ?? "{}");

/** Words of a part, with `{slots}` filled in. */
export function say(part, name, slots = {}) {
  return said[part][name].replace(/\{(\w+)\}/g, (_, slot) => slots[slot]);
}

/** A number for people. */
export function number(value, digits = 3) {
  return value === null || value === undefined ? say("common", "none") : value.toFixed(digits);
}

/** An error rate: in per cent down to a thousandth, below that in powers of ten (as `mien.render.words.share`). */
export function share(value, like = value) {
  if (value === null || value === undefined) return say("common", "none");
  if (like >= 9.5e-4 || value === 0) return `${Number((100 * value).toPrecision(3))}\u00a0%`;
  const [digits, power] = value.toExponential(2).split("e");
  return `${Number(digits)}e${Number(power)}`;
}

/** A size for people. */
export function bytes(size) {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return `${Number((size / 1000 ** power).toPrecision(3))}\u00a0${units[power]}`;
}

/** What became of a face, as `mien.render.words.verdict` says it. */
export function verdict(decision) {
  if (!decision || decision.reasons.includes("undecided")) return "found";
  if (decision.match) return "matched";
  return decision.reasons.length ? "refused" : "unknown";
}

/** Reasons in words. */
export function reasons(codes) {
  return codes.map((code) => said.reasons[code] ?? code.replaceAll("_", " ")).join(say("common", "and"));
}

/** A face in a few words. */
export function title(face) {
  const kind = verdict(face.decision);
  if (kind === "matched") return face.decision.person?.label ?? say("faces", "match");
  return say("faces", kind, { reasons: reasons(face.decision?.reasons ?? []) });
}

/** What the stated rate of some faces' decisions promises. */
export function meaning(faces) {
  const decision = faces.find((face) => face.decision?.calibration)?.decision;
  if (!decision) return faces.length ? say("faces", faces[0].decision?.candidates.length ? "uncalibrated" : "nobody") : "";
  const [low, high] = decision.interval;
  return say("faces", "fpir", {
    rate: share(decision.rate),
    low: share(low, decision.rate),
    high: share(high, decision.rate),
    each: Math.round(1 / decision.rate).toLocaleString("en"),
  });
}
