"""Which unnamed faces seem to be of one person: known people first, clusters of the others then."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien import recognition
from mien.errors import NotCalibrated
from mien.gallery.records import Unnamed
from mien.gallery.search import View
from mien.gallery.store import Transaction
from mien.types import Array, Candidate

if TYPE_CHECKING:
    from mien.recognition import Calibration

__all__ = ["Evidence", "Group", "group", "keys", "known_people"]

SMALL = 100
"""A pool is clustered at least as strictly as one of so many faces: in a small one, every wrong pair is seen."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of unnamed faces that seem to be of one person, and who that is where they are known."""

    rows: tuple[int, ...]
    candidate: Candidate | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The unnamed faces and all that was said of them, as one transaction sees them."""

    faces: Unnamed
    not_people: Collection[tuple[str, str]]
    not_one: Sequence[tuple[str, str]]
    owners: dict[str, set[str]]

    @classmethod
    def of(cls, transaction: Transaction) -> Evidence:
        """Those of a collection."""
        return cls(
            transaction.unnamed(), transaction.not_people(), transaction.not_one(), transaction.owners_of_unnamed()
        )

    def bars(self, row: int, person_id: str) -> bool:
        """Whether a face cannot be a person's: that was said, or the person has another face of its image."""
        said = (self.faces.face_ids[row], person_id) in self.not_people
        return said or person_id in self.owners.get(self.faces.sha256[row], ())


def group(
    evidence: Evidence, known: Sequence[Group], calibration: Calibration | None, *, fmr: float | None
) -> list[Group]:
    """Group the unnamed faces, largest group first; every face is in one.

    Args:
        evidence: The faces, and what was said of them.
        known: Those decided to be of known people (see `known_people`).
        calibration: Of the pipeline that made the templates.
        fmr: Share of pairs of strangers' faces that may be taken for one person's in clustering; None for one that
            falls as the pool grows.

    Raises:
        NotCalibrated: No calibration fits, so that no rate could be kept.
        UnsupportedErrorRate: The calibration cannot support a rate.
    """
    calibration = _fitting(calibration)
    if not evidence.faces.face_ids:
        return []
    if fmr is None:
        threshold = recognition.clustering_threshold(calibration, max(SMALL, len(evidence.faces.face_ids)))
    else:
        threshold = calibration.verification_threshold("image-image", fmr).value
    groups = list(known)
    taken = {row for one in known for row in one.rows}
    rest = [row for row in range(len(evidence.faces.face_ids)) if row not in taken]
    groups += [Group(tuple(rest[i] for i in members)) for members in _clusters(evidence, rest, threshold)]
    return sorted(groups, key=lambda one: (-len(one.rows), one.rows))


def known_people(evidence: Evidence, view: View, calibration: Calibration | None, fpir: float) -> list[Group]:
    """The faces decided to be a known person's, one face an image, the best one.

    Args:
        evidence: The faces, and what was said of them.
        view: The known people, within the transaction that the evidence is of.
        calibration: Of the pipeline that made the templates.
        fpir: Share of strangers' faces that may be taken for somebody known.

    Raises:
        NotCalibrated: No calibration fits, so that no rate could be kept.
        UnsupportedErrorRate: The calibration cannot support the rate.
    """
    calibration = _fitting(calibration)
    people = view.people
    if not people or not len(evidence.faces.templates):
        return []
    best: dict[tuple[str, str], tuple[float, int]] = {}
    named: dict[str, Candidate] = {}
    for row, found in enumerate(view.search(evidence.faces.templates, min(people, 5))):
        allowed = [candidate for candidate in found.candidates if not evidence.bars(row, candidate.person_id)]
        decision = recognition.decide_identification(allowed, calibration=calibration, fpir=fpir, people=people)
        if decision.person is None:
            continue
        person, key = decision.person, (decision.person.person_id, evidence.faces.sha256[row])
        best[key] = max(best.get(key, (-2.0, 0)), (person.score, row))
        if person.person_id not in named or named[person.person_id].score < person.score:
            named[person.person_id] = person
    rows: dict[str, list[int]] = {}
    for (person_id, _), (_, row) in best.items():
        rows.setdefault(person_id, []).append(row)
    return [Group(tuple(sorted(rows[person_id])), candidate) for person_id, candidate in named.items()]


def _fitting(calibration: Calibration | None) -> Calibration:
    if calibration is None:
        raise NotCalibrated("suggest: no calibration fits this pipeline, and without one nobody can say who is alike")
    return calibration


def _clusters(evidence: Evidence, rest: Sequence[int], threshold: float) -> list[list[int]]:
    """Positions in ``rest``, by cluster."""
    if not rest:
        return []
    position = {evidence.faces.face_ids[row]: index for index, row in enumerate(rest)}
    apart = [(position[one], position[other]) for one, other in evidence.not_one if {one, other} <= position.keys()]
    _, photos = np.unique([evidence.faces.sha256[row] for row in rest], return_inverse=True)
    labels = recognition.cluster(
        _rows(evidence.faces.templates, rest),
        threshold=threshold,
        must_link=np.empty((0, 2), np.int64),
        cannot_link=np.array(apart, np.int64).reshape(-1, 2),
        photos=photos.astype(np.int64),
    )
    clusters: dict[int, list[int]] = {}
    for index, label in enumerate(labels.tolist()):
        clusters.setdefault(label, []).append(index)
    return list(clusters.values())


def _rows(templates: Array, rows: Sequence[int]) -> Array:
    return np.asarray(templates[list(rows)])


def keys(groups: Sequence[Group], faces: Unnamed) -> list[str]:
    """A key for each group: that of an earlier suggestion whose faces, those still unnamed, are mostly in the group.

    Of several such suggestions the one with most faces in the group gives its key.
    """
    size = Counter(key for key in faces.suggestion_ids if key is not None)
    chosen: list[str] = []
    for one in groups:
        shared = Counter(key for row in one.rows if (key := faces.suggestion_ids[row]) is not None)
        heirs = [key for key, count in shared.items() if 2 * count > size[key]]
        chosen.append(max(heirs, key=lambda key: (shared[key], key)) if heirs else _new_key({*size, *chosen}))
    return chosen


def _new_key(taken: set[str]) -> str:
    while (key := uuid.uuid4().hex[:8]) in taken:
        pass
    return key
