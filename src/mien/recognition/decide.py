"""Decisions: a score, a calibration and a stated error rate in, match or unknown out, with the reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mien.recognition.calibration import Calibration, Probe, comparison_type
from mien.recognition.points import Threshold
from mien.types import Candidate, Decision

__all__ = ["decide_identification", "decide_verification"]

_ANYTHING = (0.0, 1.0)


def decide_verification(
    score: float,
    *,
    calibration: Calibration | None,
    fmr: float,
    comparison: str = "image-image",
    reasons: Sequence[str] = (),
) -> Decision:
    """Is it the same person, at a target false match rate?

    Args:
        score: Comparison score; ``-inf`` where a face is missing.
        calibration: Of the pipeline that made both templates; None gives no match and reason ``"uncalibrated"``.
        fmr: Target false match rate.
        comparison: Comparison type.
        reasons: Why the comparison may not count as a match, such as a face that is too small; any forbids it.

    Raises:
        InvalidArgument: The rate is not between 0 and 1.
        UnsupportedErrorRate: The calibration cannot support the rate.
    """
    if calibration is None or comparison not in calibration.comparisons:
        return _uncalibrated(score, fmr, "fmr", comparison, reasons)
    threshold = calibration.verification_threshold(comparison, fmr)
    return _decided(score, threshold, calibration, fmr, "fmr", comparison, reasons)


def decide_identification(
    candidates: Sequence[Candidate],
    *,
    calibration: Calibration | None,
    fpir: float,
    people: int,
    reasons: Sequence[str] = (),
    probe: Probe = "image",
) -> Decision:
    """Who of the gallery is it, at a target false positive identification rate?

    Args:
        candidates: Best first; may be empty.
        calibration: Of the pipeline that made the templates; None gives unknown and reason ``"uncalibrated"``.
        fpir: Target rate at which a stranger is taken for somebody in a gallery of this size.
        people: Size of the gallery searched.
        reasons: Why the face may not be identified; any forbids it.
        probe: What was searched with: ``"image"``, or ``"track"``.

    Raises:
        InvalidArgument: The rate is not between 0 and 1.
        UnsupportedErrorRate: The calibration cannot support the rate at this size.
    """
    best = candidates[0] if candidates else None
    comparison = comparison_type(best.samples if best else 1, probe=probe)
    score = best.score if best else -math.inf
    if calibration is None or comparison not in calibration.comparisons:
        return _uncalibrated(score, fpir, "fpir", comparison, reasons, candidates)
    threshold = calibration.identification_threshold(fpir, max(1, people), comparison)
    return _decided(score, threshold, calibration, fpir, "fpir", comparison, reasons, candidates)


def _uncalibrated(
    score: float,
    rate: float,
    rate_kind: str,
    comparison: str,
    reasons: Sequence[str],
    candidates: Sequence[Candidate] = (),
) -> Decision:
    why = (*reasons, "uncalibrated")
    listed = tuple(candidates)
    return Decision(False, score, math.inf, rate, rate_kind, _ANYTHING, comparison, reasons=why, candidates=listed)


def _decided(
    score: float,
    threshold: Threshold,
    calibration: Calibration,
    rate: float,
    rate_kind: str,
    comparison: str,
    reasons: Sequence[str],
    candidates: Sequence[Candidate] = (),
) -> Decision:
    return Decision(
        match=score >= threshold.value and not reasons,
        score=score,
        threshold=threshold.value,
        rate=rate,
        rate_kind=rate_kind,
        interval=(threshold.low, threshold.high),
        comparison=comparison,
        llr=calibration.llr(comparison, score),
        reasons=tuple(reasons),
        candidates=tuple(candidates),
        calibration=calibration.name,
    )
