"""Rates of an arm beside those of the originals, each difference with an interval over the same draws of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from readings import BONA_FIDE, Case, Detector, Readings

from mien import metrics
from mien.types import Array

__all__ = ["blanks", "detection", "quality", "recognition"]

Values = NDArray[np.float64]
Figures = dict[str, Any]

DRAWS, UPTO = 1000, 0.3
SHARES = (0.0, 0.005, 0.01, 0.02, 0.05)
"""Of masks that are blank."""
REPEATS = 20


def recognition(
    original: Readings, arm: Readings, people: NDArray[Any], fmr: float, *, guarded: bool = True
) -> Figures:
    """True match rates at a false match rate, at the arm's own threshold and at that of the originals.

    A failure to acquire counts as missed. ``sound`` is the same among pictures that neither side failed on.
    """
    failed = arm.failed(guarded=guarded)
    figures = _compared(original, arm, people, (original.missed, failed), fmr)
    kept = ~(original.missed | failed)
    none = np.zeros(int(kept.sum()), bool)
    figures["sound"] = {"images": len(none)}
    _, images = np.unique(people[kept], return_counts=True)
    # Where hardly anything is left there may be nothing to compare.
    if len(images) > 1 and images.max() > 1:
        figures["sound"] |= _compared(original.among(kept), arm.among(kept), people[kept], (none, none), fmr)
    return figures | {
        "missed": int(arm.missed.sum()),
        "refused": int((arm.refused & ~arm.missed).sum()),
        "failed": int(failed.sum()),
        "seconds": arm.seconds,
        "separation": separation(arm.templates[~arm.missed], people[~arm.missed]),
    }


def _compared(
    original: Readings, arm: Readings, people: NDArray[Any], failed: Sequence[NDArray[np.bool_]], fmr: float
) -> Figures:
    before, after = (
        metrics.all_pairs(readings.templates, people, failed=missing)
        for readings, missing in zip((original, arm), failed, strict=True)
    )
    threshold = metrics.threshold_at_fmr(before.tail, fmr, total=before.non_mated_total)
    point = metrics.operating_point(after, fmr, replicates=DRAWS)
    return {
        "threshold": point.threshold,
        "fmr": asdict(point.fmr),
        "tmr": _turned(asdict(point.fnmr)),
        "carried": {
            "threshold": threshold,
            "fmr": asdict(metrics.estimate_fmr(after, threshold)),
            "tmr": _turned(asdict(metrics.estimate_fnmr(after, threshold))),
            "change": _opposite(metrics.bootstrap_difference(before, after, fmr, carried=True, replicates=DRAWS)),
        },
        "change": _opposite(metrics.bootstrap_difference(before, after, fmr, replicates=DRAWS)),
    }


def _turned(fnmr: Figures) -> Figures:
    """A true match rate of a false non-match rate."""
    ends = {"value": 1 - fnmr["value"], "low": 1 - fnmr["high"], "high": 1 - fnmr["low"]}
    return ends | {name: fnmr[name] for name in ("errors", "trials", "supported", "people")}


def _opposite(change: metrics.Difference) -> Figures:
    return {"value": 0 - change.value, "low": 0 - change.high, "high": 0 - change.low}


def separation(templates: Array, people: NDArray[Any]) -> float | None:
    """Mean mated less mean non-mated cosine; None where there are none."""
    rows = np.triu_indices(len(people), 1)
    scores = (templates @ templates.T)[rows]
    same = people[rows[0]] == people[rows[1]]
    return float(scores[same].mean() - scores[~same].mean()) if 0 < same.sum() < len(same) else None


def quality(original: Readings, arm: Readings, people: NDArray[Any], thresholds: tuple[float, float]) -> Figures:
    """Utility, background and how well utility knows what fails, each less that of the originals.

    Args:
        original: Pictures as they are.
        arm: Corrected ones.
        people: (n,) whose they are.
        thresholds: Lowest scores that match, of the originals and of the arm.
    """
    names, codes = np.unique(people, return_inverse=True)
    drawn = _draws(len(names))
    figures: Figures = {}
    for name in ("utility", "uniformity"):
        before, after = (getattr(readings, name).astype(np.float64) for readings in (original, arm))
        both = np.isfinite(before) & np.isfinite(after)
        if both.any():
            weights = np.concatenate([np.ones((1, len(names))), drawn])[:, codes[both]]
            with np.errstate(invalid="ignore"):
                change = weights @ (after - before)[both] / weights.sum(axis=1)
            figures[name] = {"mean": float(after[both].mean()), "images": int(both.sum()), "change": _spread(change)}
    before, after = (
        _areas(readings, codes, threshold, drawn)
        for readings, threshold in zip((original, arm), thresholds, strict=True)
    )
    return figures | {"area": {"value": float(after[0]), "change": _spread(after - before)}}


def _areas(readings: Readings, codes: NDArray[np.intp], threshold: float, drawn: NDArray[np.int64]) -> Values:
    """Partial area of error versus discard by utility, a person a vote: of all, then of each draw."""
    groups = [np.flatnonzero(codes == code) for code in range(drawn.shape[1])]
    pairs = np.array([pair for group in groups for pair in combinations(group.tolist(), 2)])
    first, second = pairs.T
    scores = np.einsum("ij,ij->i", readings.templates[first], readings.templates[second]).astype(np.float64)
    failed = readings.failed()
    scores[failed[first] | failed[second]] = -np.inf
    utility = np.where(failed, np.nan, readings.utility)
    worth = metrics.pair_quality(utility[first], utility[second])
    owners = codes[first]
    vote = 1 / np.bincount(owners, minlength=drawn.shape[1])[owners]
    return np.array(
        [
            metrics.discard_curve(scores, worth, threshold, weights=vote * weights[owners]).area(UPTO)
            for weights in (np.ones(drawn.shape[1]), *drawn)
            if weights[owners].any()
        ]
    )


_Side = tuple[Values, Values, Values]


def detection(
    original: Readings,
    arm: Readings,
    cases: Sequence[Case],
    detector: Detector,
    macer: float,
    seed: int,
    asked: NDArray[np.bool_],
    *,
    guarded: bool = True,
) -> Figures:
    """BSCER and MACER of a detector at the threshold of the originals and at one set again for the arm.

    Documents that either side failed on have no score; they are counted, and left out of both.

    Args:
        original: Documents as they are.
        arm: Corrected ones.
        cases: All documents.
        detector: Which one.
        macer: Share of the morphs of the worst tool that thresholds are set to miss at most.
        seed: Of how people are parted to fit it.
        asked: (n,) the documents that were read in the arm.
        guarded: Whether documents whose masks the guard refuses count as failed.

    Returns:
        Rates and their changes; without an answer to any document of some kind only the counts.
    """
    known = original.kept[detector.name]
    before, after = (detector.judge(r.kept[detector.name], known, cases, seed).copy() for r in (original, arm))
    before[~asked] = after[arm.failed(guarded=guarded)] = np.nan
    answered = np.isfinite(before) & np.isfinite(after)
    kinds, weights = np.array([case.kind for case in cases]), _weights(cases)
    every = dict.fromkeys(kinds.tolist())
    unanswered = (np.isfinite(before) & ~np.isfinite(after)).any(axis=1)
    counts: Figures = {
        name: {kind: int(np.count_nonzero(flags & (kinds == kind))) for kind in every}
        for name, flags in (("unanswered", unanswered), ("documents", asked))
    }
    sides = {kind: _side(before, after, answered & (kinds == kind)[:, None], weights) for kind in every}
    if not all(len(side[0]) for side in sides.values()):
        return counts
    return counts | _told(sides.pop(BONA_FIDE), sides, macer)


def _told(honest: _Side, sides: Mapping[str, _Side], macer: float) -> Figures:
    thresholds = {
        name: np.min([_missing(side[column], side[2], macer) for side in sides.values()], axis=0)
        for name, column in (("original", 0), ("reset", 1))
    }
    rates = {
        "original": _rates(honest, sides, 0, thresholds["original"]),
        "carried": _rates(honest, sides, 1, thresholds["original"]),
        "reset": _rates(honest, sides, 1, thresholds["reset"]),
    }
    figures: Figures = {
        name: {kind: _spread(values) for kind, values in found.items()} for name, found in rates.items()
    }
    for name in ("carried", "reset"):
        figures[name]["threshold"] = float(thresholds["original" if name == "carried" else name][0])
        figures[name]["change"] = {
            kind: _spread(rates[name][kind] - rates["original"][kind]) for kind in ("bscer", "macer")
        }
    # How well the tool that is told worst is told, wherever a threshold is.
    figures["eer"] = {
        name: max(metrics.attack_eer(honest[column], side[column]) for side in sides.values())
        for name, column in (("original", 0), ("arm", 1))
    }
    return figures


def _weights(cases: Sequence[Case]) -> NDArray[np.int64]:
    """(r, n) of each document: once as it is, then as often as its people were drawn, morphs by their product."""
    names = sorted({person for case in cases for person in case.people})
    place = {name: n for n, name in enumerate(names)}
    drawn = np.concatenate([np.ones((1, len(names)), np.int64), _draws(len(names))])
    return np.stack([drawn[:, [place[person] for person in case.people]].prod(axis=1) for case in cases], axis=1)


def _side(before: Values, after: Values, chosen: NDArray[np.bool_], weights: NDArray[np.int64]) -> _Side:
    """Scores before and after, and (r, k) weights, of the comparisons of one kind."""
    rows, _ = np.nonzero(chosen)
    return before[chosen], after[chosen], weights[:, rows].astype(np.float64)


def _missing(scores: Values, weights: Values, missed: float) -> Values:
    """(r,) highest threshold that misses no more than a share of the attacks of each draw."""
    order = np.argsort(scores, kind="stable")
    running = np.cumsum(weights[:, order], axis=1)
    # Where a draw has none of these attacks, nothing binds it.
    allowed = missed * running[:, -1:] + 1e-9
    place = (running <= allowed).sum(axis=1)
    return np.where(running[:, -1] > 0, np.append(scores[order], np.inf)[place], np.inf)


def _rates(honest: _Side, sides: Mapping[str, _Side], column: int, thresholds: Values) -> dict[str, Values]:
    """(r,) BSCER, MACER by tool and that of the worst tool, at a threshold a draw."""
    rates = {"bscer": _share(honest[column] >= thresholds[:, None], honest[2])}
    tools = {tool: _share(side[column] < thresholds[:, None], side[2]) for tool, side in sides.items()}
    return rates | {"macer": np.fmax.reduce(list(tools.values())), **tools}


def _share(wrong: NDArray[np.bool_], weights: Values) -> Values:
    total = weights.sum(axis=1)
    empty = np.full(len(total), np.nan)
    return np.asarray(np.divide((wrong * weights).sum(axis=1), total, out=empty, where=total > 0))


def blanks(arm: Readings, people: NDArray[Any], blank: Array, fmrs: Sequence[float], seed: int) -> list[Figures]:
    """What a share of blank masks does where their pictures are embedded all the same, and where they are refused.

    Args:
        arm: Readings of sound masks.
        people: (n,) whose pictures they are.
        blank: (d,) template of a white picture, as one gets it where landmarks are reused and no face looked for.
        fmrs: Targets.
        seed: Of which masks are blank.

    Returns:
        By share and target true match rates, mean, lowest and highest of the draws: ``embedded``; ``refused``, where a
        blank one counts as missed; ``acquired``, among what is left; and at the threshold of sound masks both rates.
    """
    random = np.random.default_rng(seed)
    there = np.flatnonzero(~arm.failed())
    sound = metrics.all_pairs(arm.templates, people, failed=arm.failed())
    known = {fmr: metrics.threshold_at_fmr(sound.tail, fmr, total=sound.non_mated_total) for fmr in fmrs}
    rows: list[Figures] = []
    for share in SHARES:
        count = round(share * len(there))
        found: dict[tuple[float, str], list[float]] = {}
        for _ in range(REPEATS if count else 1):
            emptied = np.zeros(len(people), bool)
            emptied[random.permutation(there)[:count]] = True
            for key, value in _with_blanks(arm, people, emptied, blank, known).items():
                found.setdefault(key, []).append(value)
        for fmr in fmrs:
            named = {
                name: {"value": float(np.mean(v)), "low": float(np.min(v)), "high": float(np.max(v))}
                for (target, name), v in found.items()
                if target == fmr
            }
            rows.append({"share": share, "blank": count, "fmr": fmr, **named})
    return rows


def _with_blanks(
    arm: Readings, people: NDArray[Any], emptied: NDArray[np.bool_], blank: Array, known: Mapping[float, float]
) -> dict[tuple[float, str], float]:
    templates, failed = np.where(emptied[:, None], blank, arm.templates), arm.failed()
    sound = ~(failed | emptied)
    embedded = metrics.all_pairs(templates, people, failed=failed)
    ways = {
        "embedded": embedded,
        "refused": metrics.all_pairs(arm.templates, people, failed=failed | emptied),
        "acquired": metrics.all_pairs(arm.templates[sound], people[sound]),
    }
    found: dict[tuple[float, str], float] = {}
    for fmr, old in known.items():
        for name, pairs in ways.items():
            threshold = metrics.threshold_at_fmr(pairs.tail, fmr, total=pairs.non_mated_total)
            found[fmr, name] = 1 - metrics.estimate_fnmr(pairs, threshold).value
        found[fmr, "carried_fmr"] = metrics.estimate_fmr(embedded, old).value
        found[fmr, "carried_tmr"] = 1 - metrics.estimate_fnmr(embedded, old).value
    return found


def _draws(people: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).multinomial(people, np.full(people, 1 / people), DRAWS)


def _spread(values: Values) -> Figures:
    """The first value, and the interval of the others."""
    drawn = values[1:][np.isfinite(values[1:])]
    low, high = np.quantile(drawn, (0.025, 0.975)) if len(drawn) else (np.nan, np.nan)
    return {"value": float(values[0]), "low": float(low), "high": float(high)}
