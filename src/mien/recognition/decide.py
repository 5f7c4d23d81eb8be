"""Decisions: a score, a calibration and a stated error rate in, match or unknown out, with the reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mien.recognition.calibration import Calibration, comparison_type
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
        return Decision(False, score, math.inf, fmr, "fmr", _ANYTHING, comparison, reasons=(*reasons, "uncalibrated"))
    threshold = calibration.verification_threshold(comparison, fmr)
    return Decision(
        match=score >= threshold.value and not reasons,
        score=score,
        threshold=threshold.value,
        rate=fmr,
        rate_kind="fmr",
        interval=(threshold.low, threshold.high),
        comparison=comparison,
        llr=calibration.llr(comparison, score),
        reasons=tuple(reasons),
        calibration=calibration.name,
    )


def decide_identification(
    candidates: Sequence[Candidate],
    *,
    calibration: Calibration | None,
    fpir: float,
    people: int,
    reasons: Sequence[str] = (),
) -> Decision:
    """Who of the gallery is it, at a target false positive identification rate?

    Args:
        candidates: Best first; may be empty.
        calibration: Of the pipeline that made the templates; None gives unknown and reason ``"uncalibrated"``.
        fpir: Target rate at which a stranger is taken for somebody in a gallery of this size.
        people: Size of the gallery searched.
        reasons: Why the face may not be identified; any forbids it.

    Raises:
        InvalidArgument: The rate is not between 0 and 1.
        UnsupportedErrorRate: The calibration cannot support the rate at this size.
    """
    best = candidates[0] if candidates else None
    comparison = comparison_type(best.samples) if best else "image-person/1"
    score = best.score if best else -math.inf
    listed = tuple(candidates)
    if calibration is None or comparison not in calibration.comparisons:
        why = (*reasons, "uncalibrated")
        return Decision(False, score, math.inf, fpir, "fpir", _ANYTHING, comparison, reasons=why, candidates=listed)
    threshold = calibration.identification_threshold(fpir, max(1, people), comparison)
    return Decision(
        match=best is not None and score >= threshold.value and not reasons,
        score=score,
        threshold=threshold.value,
        rate=fpir,
        rate_kind="fpir",
        interval=(threshold.low, threshold.high),
        comparison=comparison,
        llr=calibration.llr(comparison, score),
        reasons=tuple(reasons),
        candidates=listed,
        calibration=calibration.name,
    )
