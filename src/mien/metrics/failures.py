"""Failures to enrol and to acquire, and the error rates of whole transactions (ISO/IEC 19795-1)."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.metrics.intervals import Rate, estimate

__all__ = [
    "FailurePolicy",
    "apply_failures",
    "false_accept_rate",
    "false_reject_rate",
    "fta",
    "fte",
    "generalised_false_accept_rate",
    "generalised_false_reject_rate",
]

FailurePolicy: TypeAlias = Literal["worst", "exclude"]
"""``"worst"``: a failed sample scores -inf in all its comparisons, so that it is missed at every threshold and never
matches (NIST FRTE). ``"exclude"``: its comparisons do not count, and the failure has to be told beside the rates."""


def fte(failed: int, attempts: int, *, confidence: float = 0.95) -> Rate:
    """Failure-to-enrol rate: enrolment transactions that gave no reference.

    Raises:
        InvalidArgument: No attempt, or more failures than attempts.
    """
    return estimate(failed, attempts, confidence=confidence)


def fta(failed: int, attempts: int, *, confidence: float = 0.95) -> Rate:
    """Failure-to-acquire rate: attempts that gave no probe, be it for want of a face, quality, or a usable mask.

    Raises:
        InvalidArgument: No attempt, or more failures than attempts.
    """
    return estimate(failed, attempts, confidence=confidence)


def apply_failures(
    scores: ArrayLike, failed: ArrayLike, failure_policy: FailurePolicy = "worst"
) -> NDArray[np.floating[Any]]:
    """Comparison scores after the failures of their samples.

    Args:
        scores: (n,) scores; what stands where a sample failed does not matter.
        failed: (n,) True where either sample of a comparison failed.
        failure_policy: What a failure means.

    Returns:
        (n,) with -inf for failures, or the scores of the others alone.

    Raises:
        InvalidArgument: No such policy, columns of different lengths, or NaN where nothing failed.
    """
    values, missing = np.asarray(scores), np.asarray(failed, bool)
    if failure_policy not in get_args(FailurePolicy):
        known = ", ".join(get_args(FailurePolicy))
        raise InvalidArgument(f"failure_policy: expected one of {known}, got {failure_policy!r}")
    if values.shape != missing.shape or values.ndim != 1:
        raise InvalidArgument(f"failed: expected one flag a score, {values.shape}, got {missing.shape}")
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    if np.isnan(values[~missing]).any():
        raise InvalidArgument("scores: expected numbers wherever nothing failed, got NaN")
    if failure_policy == "exclude":
        return np.asarray(values[~missing])
    return np.where(missing, values.dtype.type(-np.inf), values)


def false_reject_rate(fnmr: float, fta: float) -> float:
    """Of verification transactions of one attempt: FRR = FTA + FNMR (1 - FTA); the FNMR of acquired samples alone.

    Raises:
        InvalidArgument: A rate outside [0, 1].
    """
    _check(fnmr=fnmr, fta=fta)
    return fta + fnmr * (1 - fta)


def false_accept_rate(fmr: float, fta: float) -> float:
    """Of verification transactions of one attempt: FAR = FMR (1 - FTA).

    Raises:
        InvalidArgument: A rate outside [0, 1].
    """
    _check(fmr=fmr, fta=fta)
    return fmr * (1 - fta)


def generalised_false_reject_rate(frr: float, fte: float) -> float:
    """GFRR = FTE + (1 - FTE) FRR: who could not be enrolled is rejected ever after.

    Raises:
        InvalidArgument: A rate outside [0, 1].
    """
    _check(frr=frr, fte=fte)
    return fte + (1 - fte) * frr


def generalised_false_accept_rate(far: float, fte: float) -> float:
    """GFAR = (1 - FTE) FAR.

    Raises:
        InvalidArgument: A rate outside [0, 1].
    """
    _check(far=far, fte=fte)
    return (1 - fte) * far


def _check(**rates: float) -> None:
    for name, rate in rates.items():
        if not 0 <= rate <= 1:
            raise InvalidArgument(f"{name}: expected a rate in [0, 1], got {rate}")
