"""One evaluation: what it rests on, what was acquired, what was found."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mien import metrics
from mien.datasets import PROTOCOLS, Protocol, attach_groups, find_protocol, read_groups
from mien.errors import InvalidArgument
from mien.evaluation.identification import Identification, identify_all
from mien.evaluation.pair_list import index_pairs
from mien.evaluation.provenance import Provenance, trace
from mien.evaluation.samples import Choice, Samples, embed
from mien.evaluation.verification import Verification, verify_all, verify_pairs
from mien.recognition import Calibration, load_calibration, pipeline_for

__all__ = ["Evaluation", "evaluate_identification", "evaluate_verification"]


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


def evaluate_verification(
    protocol: str,
    root: str | os.PathLike[str],
    *,
    images: str | None = None,
    recogniser: str = "sface",
    groups: str | os.PathLike[str] | None = None,
    weigh: metrics.Weigh = "person",
    replicates: int = 1000,
    seed: int = 0,
    command: str = "",
    calibration: Calibration | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluate one-to-one comparisons.

    Args:
        protocol: Name of a protocol, see `mien.datasets.PROTOCOLS`.
        root: Where its data set lies, as published.
        images: Its folder of images, where it has several.
        recogniser: Whose pipeline.
        groups: A CSV file with a header and a row a person, see `mien.datasets.read_groups`: rates are told by group.
        weigh: Whether mated comparisons weigh one per person or one each; published pairs weigh one each.
        replicates: Draws of people behind each interval.
        seed: Of the draws.
        command: What makes the report again.
        calibration: Whose stated rates are checked; the one that is installed for the pipeline otherwise.
        progress: Called with the captures done and their total.

    Raises:
        InvalidArgument: No such protocol, or too little to compare.
        WrongLayout: The data set does not lie as published.
        UnknownModel: No such recogniser.
    """
    known, pipeline = find_protocol(protocol, images=images), pipeline_for(recogniser)
    calibration = calibration or load_calibration(pipeline.name)
    listed = None if known.pairs is None else index_pairs(known.pairs(Path(root)))
    records = listed.records if listed is not None else tuple(known.captures(Path(root)))
    if groups is not None:
        if listed is not None:
            raise InvalidArgument(f"{known.name}: a list of pairs is too short for groups; expected all comparisons")
        records = tuple(attach_groups(records, read_groups(groups)))
    samples = embed(records, pipeline, face=_face(known), progress=_of(len(records), progress))
    if listed is not None:
        weigh = "comparison"
        result = verify_pairs(samples, listed.rows, listed.mated, listed.folds, calibration=calibration)
    else:
        result = verify_all(samples, calibration=calibration, weigh=weigh, replicates=replicates, seed=seed)
    provenance = trace(
        samples,
        pipeline,
        known,
        face=_face(known),
        recogniser=recogniser,
        command=command,
        calibration=None if calibration is None else calibration.name,
        weigh=weigh,
        replicates=replicates if listed is None else 0,
        seed=seed,
    )
    return Evaluation(provenance, samples, result)


def evaluate_identification(
    protocol: str,
    root: str | os.PathLike[str],
    *,
    images: str | None = None,
    recogniser: str = "sface",
    draws: int = 4,
    seed: int = 0,
    command: str = "",
    calibration: Calibration | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluate searches of galleries of several sizes.

    Args:
        protocol: Name of a protocol that says who is on its captures.
        root: As in `evaluate_verification`, and so on.
        images: Its folder of images, where it has several.
        recogniser: Whose pipeline.
        draws: How often to draw which image of a person is enrolled and which is searched with.
        seed: Of the draws.
        command: What makes the report again.
        calibration: Whose stated rates are checked; the one that is installed for the pipeline otherwise.
        progress: Called with the captures done and their total.

    Raises:
        InvalidArgument: No such protocol, a list of pairs, or too few people.
        WrongLayout: The data set does not lie as published.
        UnknownModel: No such recogniser.
    """
    known, pipeline = find_protocol(protocol, images=images), pipeline_for(recogniser)
    calibration = calibration or load_calibration(pipeline.name)
    if known.kind == "pairs":
        others = ", ".join(name for name, other in PROTOCOLS.items() if other.kind == "captures")
        raise InvalidArgument(f"{known.name}: a list of pairs has no gallery; expected one of {others}")
    records = tuple(known.captures(Path(root)))
    samples = embed(records, pipeline, face=_face(known), progress=_of(len(records), progress))
    result = identify_all(samples, calibration=calibration, draws=draws, seed=seed)
    provenance = trace(
        samples,
        pipeline,
        known,
        face=_face(known),
        recogniser=recogniser,
        command=command,
        calibration=None if calibration is None else calibration.name,
        weigh="person",
        replicates=0,
        seed=seed,
    )
    return Evaluation(provenance, samples, result)


def _face(protocol: Protocol) -> Choice:
    """Published sets are cut around their subject; in photos of one's own it is the largest face, as in enrolling."""
    return "largest" if protocol.name == "folder" else "central"


def _of(total: int, progress: Callable[[int, int], None] | None) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda done: progress(done, total)
