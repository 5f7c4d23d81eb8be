"""Attack detection: presentation attacks (ISO/IEC 30107-3) and morphs (ISO/IEC 20059).

A score is the higher, the more likely an attack; at or above the threshold it is called one. Rates are of kinds of
attack, a species of presentation attack or a morphing tool, and of the worst of them: a mean over kinds hides the one
that gets through.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.metrics.det import det, eer
from mien.metrics.intervals import Rate, estimate
from mien.metrics.verification import allowed_errors, as_scores, as_thresholds, threshold_at_fmr

__all__ = [
    "AttackRates",
    "attack_eer",
    "attack_rates",
    "attacks_missed_at",
    "bona_fide_refused_at",
    "map_matrix",
    "mmpmr",
    "non_response_rate",
    "prodavg_mmpmr",
    "relative_morph_match_rate",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AttackRates:
    """Error rates of a detector at a threshold.

    Attributes:
        threshold: Lowest score that is called an attack.
        missed: By kind of attack, the share taken for bona fide: APCER by species, or MACER by morphing tool.
        refused: Share of bona fide presentations taken for attacks: BPCER, or BSCER.
    """

    threshold: float
    missed: Mapping[str, Rate]
    refused: Rate

    @property
    def worst(self) -> tuple[str, Rate]:
        """The kind of attack that is missed most, and its rate: the APCER or MACER of the system."""
        return max(self.missed.items(), key=lambda item: item[1].value)

    @property
    def acer(self) -> float:
        """Mean of the worst kind and of bona fide ones; deprecated by ISO/IEC 30107-3, as it hides the trade-off."""
        return (self.worst[1].value + self.refused.value) / 2


def attack_rates(
    bona_fide: ArrayLike, attacks: Mapping[str, ArrayLike], threshold: float, *, confidence: float = 0.95
) -> AttackRates:
    """Both kinds of error at a threshold, with Wilson intervals.

    Args:
        bona_fide: (n,) scores of bona fide presentations.
        attacks: Scores of attacks by species or morphing tool.
        threshold: Lowest score that is called an attack.
        confidence: Of the intervals.

    Raises:
        InvalidArgument: No score of some kind, or NaN or +inf among them.
    """
    kinds = _kinds(attacks)
    real = as_scores(bona_fide, "bona_fide")
    as_thresholds(threshold)
    missed = {
        name: estimate(int(np.count_nonzero(scores < threshold)), len(scores), confidence=confidence)
        for name, scores in kinds.items()
    }
    refused = estimate(int(np.count_nonzero(real >= threshold)), len(real), confidence=confidence)
    return AttackRates(threshold, missed, refused)


def bona_fide_refused_at(
    bona_fide: ArrayLike, attacks: Mapping[str, ArrayLike], missed: float, *, confidence: float = 0.95
) -> AttackRates:
    """BPCER at an APCER, BSCER at a MACER: the fewest bona fide refused while no kind of attack is missed more often.

    Args:
        bona_fide: (n,) scores.
        attacks: Scores by kind.
        missed: Highest share missed that is allowed of every kind: 0.05, 0.1 and 0.2 are customary.
        confidence: Of the intervals.

    Raises:
        InvalidArgument: As `attack_rates`, or ``missed`` is not in [0, 1).
    """
    if not 0 <= missed < 1:
        raise InvalidArgument(f"missed: expected a rate in [0, 1), got {missed}")
    thresholds = []
    for scores in _kinds(attacks).values():
        ordered = np.sort(scores)
        # So many may lie below; the next one is the highest threshold that keeps to it.
        allowed = int(allowed_errors(missed, len(ordered)))
        thresholds.append(float(ordered[min(allowed, len(ordered) - 1)]))
    return attack_rates(bona_fide, attacks, min(thresholds), confidence=confidence)


def attacks_missed_at(
    bona_fide: ArrayLike, attacks: Mapping[str, ArrayLike], refused: float, *, confidence: float = 0.95
) -> AttackRates:
    """APCER at a BPCER, MACER at a BSCER: the fewest attacks missed while at most so many bona fide are refused.

    Args:
        bona_fide: (n,) scores.
        attacks: Scores by kind.
        refused: Highest share of bona fide presentations that may be refused.
        confidence: Of the intervals.

    Raises:
        InvalidArgument: As `attack_rates`, or ``refused`` is not in [0, 1].
    """
    return attack_rates(bona_fide, attacks, threshold_at_fmr(bona_fide, refused), confidence=confidence)


def attack_eer(bona_fide: ArrayLike, attacks: ArrayLike) -> float:
    """Detection equal error rate (D-EER) of one kind of attack: where as many are missed as bona fide refused.

    Raises:
        InvalidArgument: No scores, or NaN or +inf among them.
    """
    return eer(det(attacks, bona_fide))


def non_response_rate(unanswered: int, presentations: int, *, confidence: float = 0.95) -> Rate:
    """APNRR or BPNRR: share of presentations to which the system gave no answer.

    Raises:
        InvalidArgument: No presentation, or more unanswered than there were.
    """
    return estimate(unanswered, presentations, confidence=confidence)


def mmpmr(scores: Sequence[ArrayLike], threshold: float) -> float:
    """Mated morph presentation match rate: share of morphs that match every contributing subject.

    Scherhag et al., "Biometric systems under morphing attacks", BIOSIG 2017.

    Args:
        scores: By morph, the score against each contributing subject (of their best probe, where there are several).
        threshold: Lowest score that is a match.

    Raises:
        InvalidArgument: No morph, or one without a subject.
    """
    as_thresholds(threshold)
    return float(np.mean([as_scores(morph, "scores").min() >= threshold for morph in _morphs(scores)]))


def prodavg_mmpmr(scores: Sequence[Sequence[ArrayLike]], threshold: float) -> float:
    """As `mmpmr` with several probes of each subject: the mean over morphs of the product of their match rates.

    Args:
        scores: By morph and contributing subject, the scores against that subject's probes.
        threshold: Lowest score that is a match.

    Raises:
        InvalidArgument: No morph, one without a subject, or a subject without a probe.
    """
    as_thresholds(threshold)
    rates = [
        math.prod(float(np.mean(as_scores(probes, "scores") >= threshold)) for probes in _morphs(morph))
        for morph in _morphs(scores)
    ]
    return float(np.mean(rates))


def relative_morph_match_rate(mmpmr: float, tmr: float) -> float:
    """RMMR = 1 + (MMPMR - TMR): near 1 where morphs match as well as people do, whatever the threshold.

    Raises:
        InvalidArgument: A rate outside [0, 1].
    """
    if not (0 <= mmpmr <= 1 and 0 <= tmr <= 1):
        raise InvalidArgument(f"expected rates in [0, 1], got {mmpmr} and {tmr}")
    return 1 + (mmpmr - tmr)


def map_matrix(scores: ArrayLike, thresholds: ArrayLike) -> NDArray[np.float64]:
    """Morphing attack potential (Ferrara et al.; ISO/IEC 20059).

    Args:
        scores: (morphs, subjects, attempts, systems) scores of each morph against probes of its subjects.
        thresholds: (systems,) lowest score that is a match, of each recognition system.

    Returns:
        (attempts, systems) float64: entry [r - 1, c - 1] is the share of morphs that with r attempts or more of *every*
        subject match in c systems or more; it falls with both.

    Raises:
        InvalidArgument: Shapes that do not fit, NaN or +inf among the scores, or NaN among the thresholds.
    """
    table, levels = np.asarray(scores, np.float64), as_thresholds(thresholds)
    if table.ndim != 4 or not table.size or levels.shape != table.shape[3:]:
        raise InvalidArgument(
            f"expected (morphs, subjects, attempts, systems) scores and a threshold a system, got {table.shape} and "
            f"{levels.shape}"
        )
    if not (table < np.inf).all():
        raise InvalidArgument("scores: expected neither NaN nor +inf; a missed face is -inf")
    successes = (table >= levels).sum(axis=2).min(axis=1)
    attempts = np.arange(1, table.shape[2] + 1)
    systems = (successes[:, None, :] >= attempts[None, :, None]).sum(axis=2)
    return np.asarray((systems[:, :, None] >= np.arange(1, len(levels) + 1)).mean(axis=0))


def _kinds(attacks: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.floating]]:
    if not attacks:
        raise InvalidArgument("attacks: expected scores of at least one kind")
    return {name: as_scores(scores, name) for name, scores in attacks.items()}


def _morphs(scores: Sequence[T]) -> Sequence[T]:
    if not len(scores):
        raise InvalidArgument("scores: expected at least one morph, with a subject each")
    return scores
