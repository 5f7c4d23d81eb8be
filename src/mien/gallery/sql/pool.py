"""Faces in the tables of a store: the unnamed ones, whose they become, and who they are not."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import uuid
from collections.abc import Collection
from typing import Any

import numpy as np

from mien.gallery.people import now, today
from mien.gallery.records import FaceRecord, Unnamed
from mien.gallery.sql.journal import Journal
from mien.gallery.store import SAME_FACE, Sample
from mien.types import Array

__all__ = ["Pool"]

_FACE = "sample_id, person_id, source, path, sha256, box, quality, created"
_ALIVE = "collection_id = ? AND person_id IS NULL AND (expires IS NULL OR expires >= ?)"


class Pool(Journal):
    """The faces of one collection within one transaction."""

    def add_face(
        self,
        sample: Sample,
        person_id: str | None = None,
        *,
        path: str | None = None,
        expires: dt.date | None = None,
    ) -> str:
        """Add a face: a person's sample, or an unnamed one; returns its key."""
        sample_id = uuid.uuid4().hex
        columns = {
            "sample_id": sample_id,
            "collection_id": self._collection_id,
            "person_id": person_id,
            "template": self._encode(sample.template),
            "source": sample.source,
            "sha256": sample.sha256,
            "artefact": sample.artefact,
            "quality": sample.quality,
            "created": now().isoformat(),
            "box": None if sample.box is None else json.dumps([round(float(side), 2) for side in sample.box]),
            "path": path,
            "expires": None if expires is None else expires.isoformat(),
        }
        names = ", ".join(columns)
        values = ", ".join(f":{name}" for name in columns)
        self._connection.execute(f"INSERT INTO sample ({names}) VALUES ({values})", columns)  # noqa: S608 - named above
        self._touch(person_id)
        return sample_id

    def scanned(self) -> set[str]:
        """Hashes of the contents that were searched for unnamed faces."""
        query = "SELECT sha256 FROM scan WHERE collection_id = ?"
        return {row[0] for row in self._connection.execute(query, (self._collection_id,))}

    def mark_scanned(self, sha256: str) -> bool:
        """Note a content as searched; False where it was before."""
        query = "INSERT INTO scan VALUES (?, ?) ON CONFLICT DO NOTHING"
        return self._connection.execute(query, (self._collection_id, sha256)).rowcount > 0

    def twins(self, sha256: str, template: Array) -> dict[str, str | None]:
        """Faces of the same content that are the same face: face_id to the person_id of whoever has it."""
        query = "SELECT sample_id, person_id, template FROM sample WHERE collection_id = ? AND sha256 = ?"
        rows = self._connection.execute(query, (self._collection_id, sha256)).fetchall()
        same = self._decode([row[2] for row in rows]) @ template >= SAME_FACE if rows else ()
        return {row[0]: row[1] for row, is_same in zip(rows, same, strict=True) if is_same}

    def unnamed(self) -> Unnamed:
        """Every unnamed face, in the order in which they came."""
        rows = self._connection.execute(
            f"SELECT sample_id, template, sha256, suggestion_id FROM sample WHERE {_ALIVE} ORDER BY sample_key",  # noqa: S608
            self._alive(),
        ).fetchall()
        return Unnamed(
            face_ids=tuple(row[0] for row in rows),
            templates=self._decode([row[1] for row in rows]),
            sha256=tuple(row[2] for row in rows),
            suggestion_ids=tuple(row[3] for row in rows),
        )

    def unnamed_faces(self, suggestion_id: str | None = None) -> dict[str, list[FaceRecord]]:
        """Unnamed faces by suggestion, best quality first: those of one suggestion, or all that are in one."""
        rows = self._connection.execute(
            f"""SELECT suggestion_id, {_FACE} FROM sample WHERE {_ALIVE} AND suggestion_id = coalesce(?, suggestion_id)
                ORDER BY suggestion_id, quality DESC NULLS LAST, sample_key""",  # noqa: S608 - constants above
            (*self._alive(), suggestion_id),
        )
        return {key: [_face(row[1:]) for row in group] for key, group in itertools.groupby(rows, lambda row: row[0])}

    def candidates(self) -> dict[str, str]:
        """The known people whom suggestions were decided to be: suggestion_id to person_id."""
        query = f"SELECT DISTINCT suggestion_id, candidate_id FROM sample WHERE {_ALIVE} AND candidate_id IS NOT NULL"  # noqa: S608
        return dict(self._connection.execute(query, self._alive()).fetchall())

    def samples(self, person_id: str) -> list[FaceRecord]:
        """A person's samples in the order of enrolment."""
        query = f"SELECT {_FACE} FROM sample WHERE person_id = ? ORDER BY sample_key"  # noqa: S608 - constant above
        return [_face(row) for row in self._connection.execute(query, (person_id,))]

    def faces_like(self, key: str) -> list[FaceRecord]:
        """The faces whose key begins so; two where there are more."""
        rows = self._connection.execute(
            f"""SELECT {_FACE} FROM sample WHERE sample_id >= ? AND sample_id < ? AND collection_id = ?
                AND (person_id IS NOT NULL OR expires IS NULL OR expires >= ?) LIMIT 2""",  # noqa: S608
            (key, key + "g", *self._alive()),
        )
        return [_face(row) for row in rows]

    def template(self, face_id: str) -> Array:
        """(d,) float32 of a face."""
        query = "SELECT template FROM sample WHERE sample_id = ?"
        return np.asarray(self._decode([self._connection.execute(query, (face_id,)).fetchone()[0]])[0])

    def owners_of_unnamed(self) -> dict[str, set[str]]:
        """For each content of an unnamed face the people who have a sample of it."""
        rows = self._connection.execute(
            """SELECT DISTINCT sha256, other.person_id FROM sample JOIN sample AS other USING (collection_id, sha256)
               WHERE collection_id = ? AND sample.person_id IS NULL AND other.person_id IS NOT NULL""",
            (self._collection_id,),
        )
        owners: dict[str, set[str]] = {}
        for content, person_id in rows:
            owners.setdefault(content, set()).add(person_id)
        return owners

    def shared_contents(self, person_id: str, other: str) -> list[tuple[str, str]]:
        """Pairs of samples, one of each person, that were found in one image."""
        rows = self._connection.execute(
            """SELECT sample.sample_id, other.sample_id FROM sample JOIN sample AS other USING (sha256)
               WHERE sample.person_id = ? AND other.person_id = ? ORDER BY sample.sample_key""",
            (person_id, other),
        )
        return rows.fetchall()

    def group(self, face_ids: Collection[str], suggestion_id: str, candidate_id: str | None) -> None:
        """Put unnamed faces into a suggestion."""
        values = {"suggestion_id": suggestion_id, "candidate_id": candidate_id}
        self._connection.executemany(
            """UPDATE sample SET suggestion_id = :suggestion_id, candidate_id = :candidate_id
               WHERE sample_id = :face_id AND person_id IS NULL
               AND (coalesce(suggestion_id, '') <> :suggestion_id
                    OR coalesce(candidate_id, '') <> coalesce(:candidate_id, ''))""",
            [{**values, "face_id": face_id} for face_id in face_ids],
        )

    def assign(self, face_ids: Collection[str], person_id: str | None) -> None:
        """Make faces samples of a person, or unnamed and in no suggestion; a name makes forget where the image was."""
        for face_id in face_ids:
            self._record("sample", face_id)
            self._touch_owner(face_id)
            kept = "expires = CASE WHEN person_id IS NULL THEN expires END"
            also = kept if person_id is None else "path = NULL, expires = NULL"
            self._connection.execute(
                f"UPDATE sample SET person_id = ?, suggestion_id = NULL, {also} WHERE sample_id = ?",  # noqa: S608
                (person_id, face_id),
            )
        self._touch(person_id)

    def drop_twin(self, face_id: str, kept: str) -> None:
        """Remove a sample of the same face in the same image as another, which takes over who it is not."""
        for link_id, person_id, other_id in self._links(face_id):
            self._remove_link(link_id)
            self.forbid(kept, person_id=person_id, other_id=other_id)
        self._record("sample", face_id, twin=kept)
        self._touch_owner(face_id)
        self._connection.execute("DELETE FROM sample WHERE sample_id = ?", (face_id,))

    def erase_face(self, face_id: str) -> None:
        """Remove a face for good, with what edits know of it."""
        self._touch_owner(face_id)
        self._connection.execute("DELETE FROM sample WHERE sample_id = ?", (face_id,))
        self._forget_changes()

    def forbid(self, face_id: str, *, person_id: str | None = None, other_id: str | None = None) -> None:
        """Note that a face is not a person, or not the one whom another face shows."""
        link = (face_id, person_id, other_id)
        same = "sample_id = ? AND coalesce(person_id, '') = ? AND coalesce(other_id, '') = ?"
        values = (face_id, person_id or "", other_id or "")
        if self._connection.execute(f"SELECT 1 FROM cannot_link WHERE {same}", values).fetchone():  # noqa: S608
            return
        query = "INSERT INTO cannot_link (sample_id, person_id, other_id) VALUES (?, ?, ?) RETURNING link_id"
        (link_id,) = self._connection.execute(query, link).fetchone()
        self._record_new("cannot_link", link_id)
        self._bump()

    def forbidden(self, face_ids: Collection[str], person_id: str) -> list[str]:
        """Those of the faces that are known not to be the person."""
        query = "SELECT sample_id FROM cannot_link WHERE person_id = ?"
        apart = {row[0] for row in self._connection.execute(query, (person_id,))}
        return [face_id for face_id in face_ids if face_id in apart]

    def allow(self, face_ids: Collection[str], person_id: str) -> None:
        """Take back that faces are not a person."""
        for face_id in face_ids:
            for link_id, not_person, _ in self._links(face_id):
                if not_person == person_id:
                    self._remove_link(link_id)

    def inherit_links(self, person_id: str, into: str) -> None:
        """Who is not a person, is not the one either whom that person turned out to be."""
        query = "SELECT link_id, sample_id FROM cannot_link WHERE person_id = ?"
        for link_id, face_id in self._connection.execute(query, (person_id,)).fetchall():
            self._remove_link(link_id)
            self.forbid(face_id, person_id=into)

    def not_people(self) -> set[tuple[str, str]]:
        """Unnamed faces and people who they are not: (face_id, person_id)."""
        query = """SELECT sample_id, cannot_link.person_id FROM cannot_link JOIN sample USING (sample_id)
                   WHERE collection_id = ? AND sample.person_id IS NULL AND cannot_link.person_id IS NOT NULL"""
        return set(self._connection.execute(query, (self._collection_id,)))

    def not_one(self) -> list[tuple[str, str]]:
        """Pairs of unnamed faces that are not of one person."""
        query = """SELECT cannot_link.sample_id, other_id FROM cannot_link
                   JOIN sample USING (sample_id) JOIN sample AS other ON other.sample_id = other_id
                   WHERE sample.collection_id = ? AND sample.person_id IS NULL AND other.person_id IS NULL
                   ORDER BY link_id"""
        return self._connection.execute(query, (self._collection_id,)).fetchall()

    def keep_crop(self, face_id: str, sealed: bytes) -> None:
        """Keep the crop of a face in place of an earlier one."""
        self._connection.execute("DELETE FROM crop WHERE sample_id = ?", (face_id,))
        query = "INSERT INTO crop (sample_id, collection_id, sealed) VALUES (?, ?, ?)"
        self._connection.execute(query, (face_id, self._collection_id, sealed))

    def crop(self, face_id: str) -> bytes | None:
        """The crop of a face."""
        row = self._connection.execute("SELECT sealed FROM crop WHERE sample_id = ?", (face_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def cropped(self, face_ids: Collection[str]) -> set[str]:
        """Those of some faces that have a crop."""
        query = f"SELECT sample_id FROM crop WHERE {self._dialect.among('sample_id')}"  # noqa: S608 - a column of ours
        return {row[0] for row in self._connection.execute(query, (self._dialect.keys(face_ids),))}

    def forget_crops(self) -> int:
        """Remove every crop of the collection."""
        return self._connection.execute("DELETE FROM crop WHERE collection_id = ?", (self._collection_id,)).rowcount

    def forget_unnamed(self, face_ids: Collection[str] | None = None) -> int:
        """Remove unnamed faces, or all of them and what was searched for them; returns how many."""
        if face_ids is None:
            self._connection.execute("DELETE FROM scan WHERE collection_id = ?", (self._collection_id,))
            return self._remove_unnamed("TRUE")
        return self._remove_unnamed(self._dialect.among("sample_id"), self._dialect.keys(face_ids))

    def forget_candidates(self, person_id: str) -> int:
        """Remove the unnamed faces that were taken for a person."""
        return self._remove_unnamed("candidate_id = ?", person_id)

    def forget_expired(self) -> int:
        """Remove the unnamed faces whose last day is past."""
        return self._remove_unnamed("expires < ?", today().isoformat())

    def any_expired(self) -> bool:
        """Whether there are people or unnamed faces whose last day is past."""
        query = """SELECT 1 FROM sample WHERE collection_id = ? AND person_id IS NULL AND expires < ?
                   UNION ALL SELECT 1 FROM person WHERE collection_id = ? AND expires < ?"""
        return self._connection.execute(query, 2 * self._alive()).fetchone() is not None

    def _remove_unnamed(self, condition: str, *values: object) -> int:
        query = f"DELETE FROM sample WHERE collection_id = ? AND person_id IS NULL AND {condition}"  # noqa: S608
        removed = self._connection.execute(query, (self._collection_id, *values)).rowcount
        if removed:
            self._forget_changes()
            self._bump()
        return removed

    def _links(self, face_id: str) -> list[tuple[int, str | None, str | None]]:
        query = "SELECT link_id, person_id, other_id FROM cannot_link WHERE sample_id = ?"
        return self._connection.execute(query, (face_id,)).fetchall()

    def _remove_link(self, link_id: int) -> None:
        self._record("cannot_link", link_id)
        self._connection.execute("DELETE FROM cannot_link WHERE link_id = ?", (link_id,))

    def _alive(self) -> tuple[int, str]:
        return self._collection_id, today().isoformat()


def _face(row: tuple[Any, ...]) -> FaceRecord:
    face_id, person_id, source, path, sha256, box, quality, created = row
    return FaceRecord(
        face_id=face_id,
        person_id=person_id,
        source=source,
        path=path,
        sha256=sha256,
        box=None if box is None else tuple(json.loads(box)),
        quality=quality,
        created=dt.datetime.fromisoformat(created),
    )
