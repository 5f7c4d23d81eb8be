"""What a counted error rate is worth: intervals, and whether the data support the figure at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from mien.errors import InvalidArgument

__all__ = ["ENOUGH", "Rate", "estimate", "is_supported", "quantile_of", "rule_of_three", "wilson"]

ENOUGH = 30
"""Errors, and people behind them, that a figure needs: with 30 errors the true rate lies within 30 % of the measured
one at 90 % confidence (rule of 30, ISO/IEC 19795-1)."""


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate as measured, and how far it can be trusted.

    Attributes:
        value: Errors over trials, in [0, 1].
        low: Lower end of the interval.
        high: Upper end of the interval; the figure to quote where the rate is not supported.
        errors: How many errors were counted.
        trials: How many comparisons or searches were made.
        supported: Whether there are enough errors, from enough people, to state the value.
        people: Distinct people behind the errors, None where not known.
    """

    value: float
    low: float
    high: float
    errors: int
    trials: int
    supported: bool
    people: int | None = None

    def __str__(self) -> str:
        if self.supported:
            return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"
        return f"< {self.high:.3g} ({self.errors} errors in {self.trials} trials: unsupported)"


def quantile_of(confidence: float) -> float:
    """Standard normal quantile of a two-sided confidence: 1.96 for 0.95.

    Raises:
        InvalidArgument: The confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise InvalidArgument(f"confidence: expected a number between 0 and 1, such as 0.95, got {confidence}")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(errors: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a rate over independent trials, (low, high).

    Raises:
        InvalidArgument: No trials, or more errors than trials.
    """
    _check_counts(errors, trials)
    z = quantile_of(confidence)
    share, spread = errors / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    low = 0.0 if errors == 0 else max(0.0, centre - half)
    high = 1.0 if errors == trials else min(1.0, centre + half)
    return low, high


def rule_of_three(trials: int, *, confidence: float = 0.95) -> float:
    """One-sided upper bound of a rate after no error in ``trials`` independent trials: 3/n at 95 %.

    The exact bound, 1 - (1 - confidence)^(1/n), which 3/n approximates from above.

    Raises:
        InvalidArgument: No trials.
    """
    _check_counts(0, trials)
    quantile_of(confidence)
    return -math.expm1(math.log1p(-confidence) / trials)


def is_supported(errors: int, people: int | None = None) -> bool:
    """Whether so many errors, from so many distinct people, are enough to state their rate (rule of 30)."""
    return errors >= ENOUGH and (people is None or people >= ENOUGH)


def estimate(errors: int, trials: int, *, confidence: float = 0.95, people: int | None = None) -> Rate:
    """A rate over independent trials with its Wilson interval; after no errors, with the rule of three's bound.

    Where people recur in several trials the trials are not independent and the interval is too narrow:
    use `mien.metrics.bootstrap` instead.

    Raises:
        InvalidArgument: No trials, or more errors than trials.
    """
    low, high = wilson(errors, trials, confidence=confidence)
    if errors == 0:
        high = rule_of_three(trials, confidence=confidence)
    return Rate(errors / trials, low, high, errors, trials, is_supported(errors, people), people)


def _check_counts(errors: int, trials: int) -> None:
    if trials < 1 or not 0 <= errors <= trials:
        raise InvalidArgument(f"expected 0 <= errors <= trials and at least one trial, got {errors} of {trials}")
