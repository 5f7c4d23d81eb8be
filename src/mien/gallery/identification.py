"""Who the faces of one image are, or unknown; and whether one is who is claimed."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from mien import quality, recognition
from mien.gallery.people import Person
from mien.gallery.search import View
from mien.types import Array, Candidate, Decision, Faces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mien.gallery.search import Found
    from mien.recognition import Calibration
    from mien.watch import Probe

__all__ = ["confirm", "decide", "decide_tracks"]


def decide(
    images: Sequence[Faces],
    view: View,
    calibration: Calibration | None,
    fpir: float,
    candidates: int,
    gate: quality.Gate = quality.OPEN,
) -> list[Faces]:
    """The faces of each image with a decision each; arguments and rules as in `mien.Gallery.decide_all`."""
    people = view.people
    probes = [faces.templates for faces in images if len(faces) and faces.templates is not None]
    if not probes or not people:
        return [dataclasses.replace(faces, decisions=(_nobody(fpir),) * len(faces)) for faces in images]
    found = iter(view.search(np.concatenate(probes), candidates))
    return [
        dataclasses.replace(faces, decisions=_one_face_each(_decided(faces, found, calibration, fpir, people, gate)))
        for faces in images
    ]


def _decided(
    faces: Faces,
    found: Iterator[Found],
    calibration: Calibration | None,
    fpir: float,
    people: int,
    gate: quality.Gate,
) -> list[Decision]:
    return [
        recognition.decide_identification(
            next(found).candidates,
            calibration=calibration,
            fpir=fpir,
            people=people,
            reasons=tuple(dict.fromkeys((*always, *required))),
        )
        for always, required in zip(quality.reasons(faces), gate.reasons(faces), strict=True)
    ]


def decide_tracks(
    probes: Sequence[Probe], view: View, calibration: Calibration | None, fpir: float, candidates: int
) -> list[Decision]:
    """A decision for each track; arguments and rules as in `mien.Gallery.watch`."""
    people = view.people
    if not probes or not people:
        return [_nobody(fpir)] * len(probes)
    found = view.search(np.stack([probe.template for probe in probes]), candidates)
    return [
        recognition.decide_identification(
            likely.candidates, calibration=calibration, fpir=fpir, people=people, reasons=probe.reasons, probe="track"
        )
        for likely, probe in zip(found, probes, strict=True)
    ]


def confirm(faces: Faces, person: Person, templates: Array, calibration: Calibration | None, fmr: float) -> Decision:
    """Whether the largest face is a person's, whose templates are (n, d); rules as in `mien.Gallery.verify`."""
    largest = faces.largest
    score = -math.inf
    reasons: tuple[str, ...] = ("no_face",)
    if largest is not None:
        reasons = quality.reasons(faces[largest.index : largest.index + 1])[0]
    if not len(templates):
        reasons = (*reasons, "empty_gallery")
    elif largest is not None:
        assert largest.template is not None
        score = float(np.clip(largest.template @ recognition.fuse(templates), -1.0, 1.0))
    decision = recognition.decide_verification(
        score,
        calibration=calibration,
        fmr=fmr,
        comparison=recognition.comparison_type(max(1, len(templates))),
        reasons=reasons,
    )
    return dataclasses.replace(decision, candidates=(Candidate(person.person_id, person.label, score, len(templates)),))


def _nobody(fpir: float) -> Decision:
    return Decision(
        match=False,
        score=-math.inf,
        threshold=math.inf,
        rate=fpir,
        rate_kind="fpir",
        interval=(0.0, 0.0),
        comparison="image-person/1",
        reasons=("empty_gallery",),
    )


def _one_face_each(decisions: list[Decision]) -> tuple[Decision, ...]:
    """Nobody is twice in one image: of two faces decided to be one person, the better one is."""
    best: dict[str, int] = {}
    for index in sorted(range(len(decisions)), key=lambda i: -decisions[i].score):
        person = decisions[index].person
        if person is not None and best.setdefault(person.person_id, index) != index:
            reasons = (*decisions[index].reasons, "same_person_twice")
            decisions[index] = dataclasses.replace(decisions[index], match=False, reasons=reasons)
    return tuple(decisions)
