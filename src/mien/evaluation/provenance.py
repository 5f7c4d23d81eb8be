"""What an evaluation rests on, so that it can be made again: data, weights, configuration, command."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mien import models
from mien.datasets import Protocol
from mien.evaluation.samples import Choice, Samples
from mien.metrics import Weigh
from mien.recognition import Pipeline, models_of

__all__ = ["Provenance", "trace"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything that a figure depends on.

    Attributes:
        protocol: Name of the protocol.
        title: What it is, in words.
        command: What makes the report again.
        captures: How many were given.
        people: How many people they show, None where the set does not say.
        failed: How many captures gave no template.
        data_sha256: Of the captures' names and files.
        pipeline: Name of the pipeline.
        artefact: What computed the templates, such as ``"openvino/bf16"``.
        weights: Sha256 of the file of each model that ran.
        calibration: Name of the calibration whose rates were checked, None for none.
        face: Which face of an image counted as its subject's.
        weigh: How mated comparisons were weighed.
        replicates: Draws of people behind each interval.
        seed: Of the draws.
        mien: Version.
        platform: Machine and Python.
        made: When, in UTC, ISO 8601.
    """

    protocol: str
    title: str
    command: str
    captures: int
    people: int | None
    failed: int
    data_sha256: str
    pipeline: str
    artefact: str
    weights: Mapping[str, str]
    calibration: str | None
    face: Choice
    weigh: Weigh
    replicates: int
    seed: int
    mien: str
    platform: str
    made: str


def trace(
    samples: Samples,
    pipeline: Pipeline,
    protocol: Protocol,
    *,
    face: Choice,
    recogniser: str,
    command: str,
    calibration: str | None,
    weigh: Weigh,
    replicates: int,
    seed: int,
) -> Provenance:
    """The provenance of an evaluation of these samples, now and here; arguments as `Provenance`'s attributes."""
    from mien import __version__

    people = {record.person for record in samples.records}
    return Provenance(
        protocol=protocol.name,
        title=protocol.title,
        command=command,
        captures=len(samples.records),
        people=None if None in people else len(people),
        failed=int(samples.failed.sum()),
        data_sha256=samples.sha256,
        pipeline=pipeline.name,
        artefact=pipeline.artefact,
        weights={name: models.card(name).artefact.sha256 for name in models_of(recogniser)},
        calibration=calibration,
        face=face,
        weigh=weigh,
        replicates=replicates,
        seed=seed,
        mien=__version__,
        platform=f"{platform.platform()}, Python {platform.python_version()}",
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
