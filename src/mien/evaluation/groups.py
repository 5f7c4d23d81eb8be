"""Error rates by group, at one threshold for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien import metrics
from mien.evaluation.samples import Samples

__all__ = ["GroupTable", "rates_by_group"]

_MOST_GROUPS = 12


@dataclass(frozen=True, slots=True)
class GroupTable:
    """Rates of the groups of one attribute.

    Attributes:
        attribute: What people are grouped by, such as ``"gender"``.
        fmr: The false match rate of all at the threshold.
        threshold: Lowest score that is a match, one for all groups.
        groups: Rates within each group.
        exceeding: Groups whose false match rate exceeds that of all by more than its interval.
        ratio: Highest false match rate over the lowest, of the groups whose rates are supported; None for fewer than 2.
    """

    attribute: str
    fmr: float
    threshold: float
    groups: tuple[metrics.GroupRates, ...]
    exceeding: tuple[str, ...]
    ratio: float | None


def rates_by_group(
    samples: Samples, pairs: metrics.PairScores, point: metrics.OperatingPoint, weigh: metrics.Weigh
) -> tuple[GroupTable, ...]:
    """A table for every attribute that parts the people into two to twelve groups.

    A person's group is that of their first capture.

    Args:
        samples: Captures of known people, with groups.
        pairs: All their comparisons.
        point: Whose threshold.
        weigh: Whether mated comparisons weigh one per person or one each.
    """
    first = np.unique(samples.people, return_index=True)[1]
    attributes = sorted({name for row in first for name in samples.records[row].groups})
    tables = []
    for attribute in attributes:
        labels = [samples.records[row].groups.get(attribute) or None for row in first]
        if not 2 <= len({label for label in labels if label is not None}) <= _MOST_GROUPS:
            continue
        groups = metrics.group_rates(pairs, labels, point.threshold, weigh=weigh)
        supported = [one.fmr.value for one in groups if one.fmr is not None and one.fmr.supported]
        tables.append(
            GroupTable(
                attribute,
                point.fmr.value,
                point.threshold,
                groups,
                tuple(one.group for one in metrics.exceeding(groups, point.fmr.value)),
                metrics.ratio_to_lowest(supported) if len(supported) > 1 else None,
            )
        )
    return tuple(tables)
