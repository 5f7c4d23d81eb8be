"""Decisions in plain words: the same ones in pictures, tables and reports. Never a percentage of likeness."""

from __future__ import annotations

import enum
import math

from mien.metrics import Rate
from mien.types import Decision, Face

__all__ = [
    "Verdict",
    "advice",
    "clock",
    "interval",
    "number",
    "rate_meaning",
    "reason_words",
    "share",
    "title",
    "verdict",
]


class Verdict(enum.StrEnum):
    """What became of a face."""

    FOUND = "found"
    """Nothing was asked about it, or nothing is decided yet."""
    MATCHED = "matched"
    """Decided to be a known person, or the same person."""
    UNKNOWN = "unknown"
    """Fit to be decided about, and nobody known."""
    REFUSED = "refused"
    """Something forbade a match, whatever the score."""


_REASONS = {
    "blurred": "blurred",
    "close_to_border": "too close to the border",
    "compressed": "spoilt by compression",
    "cut_off": "cut off by the border",
    "extreme_pose": "turned away",
    "eyes_closed": "eyes not open",
    "flat": "without contrast",
    "low_quality": "of low quality",
    "mouth_open": "mouth open",
    "nodding": "looking up or down",
    "several_faces": "several faces",
    "tilted": "head tilted",
    "too_bright": "too bright",
    "too_dark": "too dark",
    "too_far": "too far away",
    "too_near": "too near",
    "too_small": "too small",
    "turned": "turned to a side",
    "uncalibrated": "not calibrated",
    "undecided": "not decided yet",
    "uneven_background": "background not plain",
    "uneven_light": "light from one side",
    "unnatural_colour": "colour of skin not natural",
}
_ADVICE = {
    "blurred": "focus on the eyes, hold still, use a shorter exposure",
    "close_to_border": "leave more room around the head",
    "compressed": "save with less compression, and send the original file",
    "eyes_closed": "both eyes are to be open",
    "flat": "use more light, and no filter",
    "mouth_open": "the mouth is to be closed, the face at rest",
    "nodding": "camera at the height of the eyes, chin level",
    "not_measured": "could not be measured in this photo",
    "several_faces": "one person alone in the picture",
    "tilted": "hold the head upright",
    "too_bright": "less exposure, or softer light: parts of the face are white",
    "too_far": "come nearer, or crop around the head",
    "too_near": "step back, or leave more around the head",
    "too_small": "come nearer or use more pixels: at least 90 between the eyes",
    "turned": "look straight into the camera",
    "uneven_background": "a plain, light wall behind, without shadows",
    "uneven_light": "light both sides of the face alike",
    "unnatural_colour": "set the white balance",
}
_PER_CENT_FROM = 9.5e-4
_RATES = {"fmr": "false match rate", "fpir": "false positive identification rate"}


def verdict(decision: Decision | None) -> Verdict:
    """What became of a face with this decision."""
    if decision is None or "undecided" in decision.reasons:
        return Verdict.FOUND
    if decision.match:
        return Verdict.MATCHED
    return Verdict.REFUSED if decision.reasons else Verdict.UNKNOWN


def reason_words(reason: str) -> str:
    """``"extreme_pose"`` as ``"turned away"``; a reason without words of its own loses its underscores."""
    return _REASONS.get(reason, reason.replace("_", " "))


def advice(reason: str) -> str:
    """What a photographer may do about a reason; empty where nothing is known to help."""
    return _ADVICE.get(reason, "")


def title(face: Face) -> str:
    """A face in a few words: a name, ``"unknown"``, ``"refused: too small"``; empty before a decision."""
    decision = face.decision
    match verdict(decision):
        case Verdict.MATCHED:
            return face.person or "match"
        case Verdict.UNKNOWN:
            return "unknown"
        case Verdict.REFUSED:
            assert decision is not None
            return f"refused: {', '.join(reason_words(reason) for reason in decision.reasons)}"
    return ""


def number(value: float | None, digits: int = 3) -> str:
    """A score for people; a dash where there is none."""
    return "\N{EN DASH}" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def clock(seconds: float) -> str:
    """A time in a video for people: ``"0:12.3"``, ``"1:02:03"``; tenths below an hour, and only where there are any."""
    if not math.isfinite(seconds):
        return "\N{EN DASH}"
    tenths = round(abs(seconds) * 10)
    sign = "-" if seconds < 0 and tenths else ""
    minutes, rest = divmod(tenths, 600)
    if minutes >= 60:
        return f"{sign}{minutes // 60}:{minutes % 60:02d}:{rest // 10:02d}"
    fraction = f".{rest % 10}" if rest % 10 else ""
    return f"{sign}{minutes}:{rest // 10:02d}{fraction}"


def rate_meaning(decision: Decision) -> str:
    """One sentence that says what the decision's error rate promises; empty without a calibration."""
    if decision.calibration is None or not 0 < decision.rate < 1:
        return ""
    share = f"about 1 in {round(1 / decision.rate):,}" if decision.rate <= 0.5 else f"a share of {decision.rate:g}"
    probes = "tracks" if decision.comparison.startswith("track-") else "faces"
    promise = (
        f"of {probes} of people who are not in this gallery, {share} would still be given a name"
        if decision.rate_kind == "fpir"
        else f"of comparisons between two different people, {share} would still be called a match"
    )
    kind = _RATES.get(decision.rate_kind, decision.rate_kind)
    return f"Decided at a {kind} of {decision.rate:g}: {promise}."


def share(value: float, *, like: float | None = None) -> str:
    """An error rate for people: in per cent down to a thousandth, below that in powers of ten.

    Args:
        value: The rate.
        like: Write it as this one is written, so that an interval reads in one unit.
    """
    if not math.isfinite(value):
        return "\N{EN DASH}"
    if (value if like is None else like) >= _PER_CENT_FROM or value == 0:
        return f"{100 * value:.3g} %"
    digits, _, power = f"{value:.2e}".partition("e")
    return f"{float(digits):g}e{int(power)}"


def interval(rate: Rate) -> str:
    """A measured rate with its interval; where the data do not support it, the bound and what it comes from."""
    if rate.supported:
        low, high = (share(end, like=rate.value) for end in (rate.low, rate.high))
        return f"{share(rate.value)} ({low} to {high})"
    errors = f"{rate.errors:,} error{'' if rate.errors == 1 else 's'}"
    if rate.people is not None and rate.errors > rate.people:
        errors += f" of {rate.people:,} {'person' if rate.people == 1 else 'people'}"
    return f"at most {share(rate.high)} ({errors})"
