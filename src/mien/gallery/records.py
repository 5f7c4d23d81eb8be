"""Records of faces and of what was done with them: `FaceRecord`, `Suggestion`, `Edit`, and templates by the row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import Detail
from mien.types import Array, Candidate

__all__ = ["Edit", "FaceRecord", "Samples", "Suggestion", "Unnamed"]


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """A face that a gallery keeps: a sample of a person, or unnamed.

    Attributes:
        face_id: Key of the face, 32 hexadecimal digits; stays when the face is named, moved or sent back.
        person_id: Whose sample it is, None for an unnamed face.
        source: Base name of the image it was found in.
        path: Where the image was, to show the face; None for samples of people, whose folders are nobody's business,
            and for images that were no file.
        sha256: Hexadecimal hash of the image's content; faces of one image share it.
        box: Left, top, right, bottom in pixels of the upright image; None where it was enrolled before boxes were kept.
        quality: 0 (useless) to 100, None where it was not assessed.
        created: When it came into the gallery (UTC).
    """

    face_id: str
    person_id: str | None
    source: str
    path: str | None
    sha256: str
    box: tuple[float, float, float, float] | None
    quality: float | None
    created: dt.datetime

    def to_dict(self) -> dict[str, Detail]:
        """The face as JSON."""
        return {
            "face_id": self.face_id,
            "person_id": self.person_id,
            "source": self.source,
            "path": self.path,
            "sha256": self.sha256,
            "box": None if self.box is None else list(self.box),
            "quality": self.quality,
            "created": self.created.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Unnamed faces that seem to be of one person.

    Attributes:
        suggestion_id: Key of the suggestion, 8 hexadecimal digits; stays as long as most of its faces do.
        faces: The faces, best quality first.
        candidate: The known person every one of the faces is decided to be, None for somebody unknown.
    """

    suggestion_id: str
    faces: tuple[FaceRecord, ...]
    candidate: Candidate | None = None

    def to_dict(self) -> dict[str, Detail]:
        """The suggestion as JSON."""
        known = self.candidate
        return {
            "suggestion_id": self.suggestion_id,
            "candidate": None
            if known is None
            else {
                "person_id": known.person_id,
                "label": known.label,
                "score": known.score,
                "samples": known.samples,
            },
            "faces": [face.to_dict() for face in self.faces],
        }


@dataclass(frozen=True, slots=True)
class Edit:
    """Something that was done by hand and can be undone.

    Attributes:
        edit_id: Key of the edit; a later one is larger.
        action: ``"name"``, ``"rename"``, ``"merge"``, ``"split"``, ``"move"`` or ``"reject"``.
        summary: The edit in words, with the labels of its time.
        created: When it was done (UTC).
    """

    edit_id: int
    action: str
    summary: str
    created: dt.datetime

    def to_dict(self) -> dict[str, Detail]:
        """The edit as JSON."""
        return {
            "edit_id": self.edit_id,
            "action": self.action,
            "summary": self.summary,
            "created": self.created.isoformat(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Templates of people, as an index reads them.

    Attributes:
        keys: (m,) int64, the number of each person, ascending.
        counts: (m,) int64, how many samples each has.
        expires: (m,) int32, last day of each consent as a proleptic ordinal, `mien.gallery.scan.FOREVER` for no end.
        templates: (sum of counts, d) float32, one person's samples after the other's, in the order of enrolment.
    """

    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    expires: NDArray[np.int32]
    templates: Array


@dataclass(frozen=True, slots=True, eq=False)
class Unnamed:
    """Unnamed faces, one row a face.

    Attributes:
        face_ids: Their keys.
        templates: (n, d) float32 of unit length.
        sha256: Hash of the content each was found in.
        suggestion_ids: Which suggestion each was in last, None for none.
    """

    face_ids: tuple[str, ...]
    templates: Array
    sha256: tuple[str, ...]
    suggestion_ids: tuple[str | None, ...]
