"""One evaluation: what it rests on, what was acquired, what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mien import metrics
from mien.evaluation.identification import Identification
from mien.evaluation.provenance import Provenance
from mien.evaluation.samples import Samples
from mien.evaluation.verification import Verification

__all__ = ["Evaluation"]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One evaluation, as reports show it.

    Attributes:
        provenance: What it rests on.
        samples: The captures and what became of them.
        result: What was found.
    """

    provenance: Provenance
    samples: Samples
    result: Verification | Identification

    @property
    def task(self) -> Literal["verification", "identification"]:
        """What was evaluated."""
        return "verification" if isinstance(self.result, Verification) else "identification"

    @property
    def failure_to_acquire(self) -> metrics.Rate:
        """Share of captures that gave no template; every comparison of theirs failed."""
        return metrics.estimate(int(self.samples.failed.sum()), len(self.samples.records))
