"""People in the tables of a store."""

from __future__ import annotations

import datetime as dt
import hmac
import json
import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.gallery.filters import Filter, compiled
from mien.gallery.moving import StoredSample, second_key
from mien.gallery.people import Person, now, today
from mien.gallery.records import Samples
from mien.gallery.scan import FOREVER, Identity
from mien.gallery.sql.pool import Pool
from mien.gallery.store import Sample, face_digest
from mien.types import Array

__all__ = ["SqlTransaction"]

PART = 8192
"""People read at once."""

# What another process was killed over is made up for, whichever collection is opened next.
_OWN_OR_ERASED = "(collection_id = ? OR collection_id NOT IN (SELECT collection_id FROM collection))"
_TWIN = "other.sha256 = sample.sha256 AND other.collection_id <> sample.collection_id"
_PERSON = """person_id, label, purpose, given, expires, created,
             (SELECT count(*) FROM sample WHERE sample.person_id = person.person_id)"""


class SqlTransaction(Pool):
    """One collection within one transaction; see `mien.gallery.store.Transaction`."""

    def people(self) -> list[Person]:
        """Everybody, by label, then by time of enrolment."""
        return sorted(self._select(""), key=lambda person: person.label.casefold())

    def by_id(self, person_id: str) -> Person | None:
        """The person of that key."""
        return next(self._select("AND person_id = ?", person_id), None)

    def by_label(self, label: str) -> list[Person]:
        """Everybody of that label, the first enrolled first."""
        return list(self._select("AND label = ?", label))

    def _select(self, condition: str, *values: str) -> Iterator[Person]:
        rows = self._connection.execute(
            f"SELECT {_PERSON} FROM person WHERE collection_id = ? {condition} ORDER BY person_key",  # noqa: S608 - constants
            (self._collection_id, *values),
        )
        return (_person(row[:6], row[6]) for row in rows)

    def templates(self, person_id: str) -> Array:
        """(n, d) float32: a person's templates in the order of enrolment."""
        query = "SELECT template FROM sample WHERE person_id = ? ORDER BY sample_key"
        return self._decode([row[0] for row in self._connection.execute(query, (person_id,))])

    def contents(self, person_id: str) -> set[str]:
        """Hashes of the contents a person is enrolled with."""
        query = "SELECT sha256 FROM sample WHERE person_id = ?"
        return {row[0] for row in self._connection.execute(query, (person_id,))}

    def owners(self, sha256: str) -> list[str]:
        """Keys of the people who have a sample of that content."""
        query = "SELECT person_id FROM sample WHERE sha256 = ? AND collection_id = ? AND person_id IS NOT NULL"
        return [row[0] for row in self._connection.execute(query, (sha256, self._collection_id))]

    def collections_with(self, contents: AbstractSet[str]) -> list[str]:
        """Names of the other collections that have samples of some contents."""
        rows = self._connection.execute(
            f"""SELECT DISTINCT name FROM collection JOIN sample USING (collection_id)
                WHERE collection_id <> ? AND {self._dialect.among("sha256")} ORDER BY name""",  # noqa: S608 - constants
            (self._collection_id, self._dialect.keys(contents)),
        )
        return [row[0] for row in rows]

    def identity(self) -> Identity | None:
        """What an index of the collection belongs to; None before the first enrolment."""
        if not self._space:
            return None
        (gallery_id,) = self._connection.execute("SELECT gallery_id FROM gallery").fetchone()
        return Identity(gallery_id, self._collection_id, self._space, self._dimension)

    def key_of(self, person_id: str) -> int | None:
        """The number by which indices know a person."""
        query = "SELECT person_key FROM person WHERE person_id = ? AND collection_id = ?"
        row = self._connection.execute(query, (person_id, self._collection_id)).fetchone()
        return None if row is None else int(row[0])

    def by_keys(self, keys: Collection[int]) -> dict[int, Person]:
        """People by the numbers that indices know them by."""
        rows = self._connection.execute(
            f"SELECT person_key, {_PERSON} FROM person WHERE {self._dialect.among('person_key')}",  # noqa: S608
            (self._dialect.keys(keys),),
        )
        return {row[0]: _person(row[1:7], row[7]) for row in rows}

    def samples_of(self, keys: Collection[int]) -> Samples:
        """The templates of people, by number."""
        rows = self._connection.execute(
            f"""SELECT person_key, person.expires, template FROM person LEFT JOIN sample USING (person_id)
               WHERE {self._dialect.among("person_key")} ORDER BY person_key, sample_key""",  # noqa: S608
            (self._dialect.keys(keys),),
        )
        return self._samples(rows.fetchall())

    def count_changed(self, since: int, limit: int) -> int:
        """How many people were added or changed after a revision, at most ``limit``."""
        query = "SELECT count(*) FROM (SELECT 1 FROM person WHERE collection_id = ? AND revision > ? LIMIT ?) AS some"
        return int(self._connection.execute(query, (self._collection_id, since, limit)).fetchone()[0])

    def changed(self, since: int) -> Iterator[Samples]:
        """People added or changed after a revision, some thousand at a time."""
        keys = [
            row[0]
            for row in self._connection.execute(
                "SELECT person_key FROM person WHERE collection_id = ? AND revision > ? ORDER BY person_key",
                (self._collection_id, since),
            )
        ]
        for first in range(0, len(keys), PART):
            yield self.samples_of(keys[first : first + PART])

    def gone(self, since: int) -> list[int]:
        """Numbers of the people who were removed after a revision."""
        query = "SELECT person_key FROM gone WHERE collection_id = ? AND revision > ?"
        return [row[0] for row in self._connection.execute(query, (self._collection_id, since))]

    def expired_people(self) -> list[Person]:
        """People whose last day is past."""
        return list(self._select("AND expires < ?", today().isoformat()))

    def digest(self, text: str) -> str:
        """A keyed hash, with a secret of the store."""
        (secret,) = self._connection.execute("SELECT secret FROM gallery").fetchone()
        return hmac.new(bytes.fromhex(secret), text.encode(), "sha256").hexdigest()

    def note_erased(self, texts: Collection[str]) -> None:
        """Keep keyed hashes of what must not come back unnoticed."""
        rows = [(self._collection_id, self.digest(text)) for text in texts]
        self._connection.executemany("INSERT INTO erased VALUES (?, ?) ON CONFLICT DO NOTHING", rows)

    def inherit_erased(self, collection: str) -> None:
        """What must not come back into another collection must not come into this one either."""
        self._connection.execute(
            """INSERT INTO erased SELECT ?, digest FROM erased
               WHERE collection_id = (SELECT collection_id FROM collection WHERE name = ?)""",
            (self._collection_id, collection),
        )

    def erased_before(self, texts: Collection[str]) -> set[str]:
        """Those of the texts whose hashes were kept."""
        query = "SELECT 1 FROM erased WHERE collection_id = ? AND digest = ?"
        execute = self._connection.execute
        return {text for text in texts if execute(query, (self._collection_id, self.digest(text))).fetchone()}

    def audit_lines(self, after: int | None = None, limit: int = 1) -> list[tuple[int, str]]:
        """Lines of the audit log after a place, oldest first, with their places."""
        query = "SELECT entry, line FROM audit WHERE entry > ? ORDER BY entry LIMIT ?"
        # A line that somebody put in before the first place must be found.
        return [*self._connection.execute(query, (-(2**63) if after is None else after, limit))]

    def last_audit_line(self, *, of_erasure: bool = False) -> str | None:
        """The last line of the audit log, or of those that tell how far bytes are gone."""
        condition = """WHERE line NOT LIKE '%"level": null%'""" if of_erasure else ""
        row = self._connection.execute(f"SELECT line FROM audit {condition} ORDER BY entry DESC LIMIT 1").fetchone()  # noqa: S608 - constants
        return None if row is None else str(row[0])

    def append_audit(self, line: str) -> None:
        """Add a line to the audit log."""
        self._connection.execute("INSERT INTO audit (line) VALUES (?)", (line,))

    def outcome(self, request: str) -> tuple[str, str] | None:
        """What was asked with a key before, as a keyed hash, and what came of it, as JSON."""
        query = "SELECT asked, outcome FROM request WHERE collection_id = ? AND request_key = ?"
        row = self._connection.execute(query, (self._collection_id, self.digest(f"request:{request}"))).fetchone()
        return None if row is None else (row[0], row[1])

    def keep_outcome(self, request: str, asked: str, outcome: str, person_id: str | None) -> None:
        """Keep what came of a request; it is forgotten with the person."""
        values = (self._collection_id, self.digest(f"request:{request}"), self.digest(asked), outcome, person_id)
        self._connection.execute(
            "INSERT INTO request (collection_id, request_key, asked, outcome, person_id) VALUES (?, ?, ?, ?, ?)", values
        )

    def unpurged(self) -> bool:
        """Whether bytes of removed templates may be left somewhere."""
        query = f"SELECT 1 FROM unpurged WHERE {_OWN_OR_ERASED}"  # noqa: S608 - a constant
        return self._connection.execute(query, (self._collection_id,)).fetchone() is not None

    def mark_purged(self) -> None:
        """Note that none are left."""
        self._connection.execute(f"DELETE FROM unpurged WHERE {_OWN_OR_ERASED}", (self._collection_id,))  # noqa: S608

    def erase_collection(self) -> None:
        """Remove the collection with everybody, every face and whatever was noted of them; its number stays taken."""
        number = (self._collection_id,)
        for table in ("edit", "sample", "person", "scan", "request", "gone", "collection"):
            self._connection.execute(f"DELETE FROM {table} WHERE collection_id = ?", number)  # noqa: S608 - named above
        self._collection_id, self._space, self._dimension = -1, "", 0

    def face_texts(self) -> Iterator[str]:
        """What stands for the content and the place of each face, those without a name among them."""
        rows = self._connection.execute(
            "SELECT sha256, box FROM sample WHERE collection_id = ?", (self._collection_id,)
        )
        for sha256, box in rows.fetchall():
            yield f"content:{sha256}"
            yield face_digest(sha256, None if box is None else tuple(json.loads(box)))

    def twin_collections(self) -> list[str]:
        """Names of the other collections that have samples of this one's contents."""
        query = f"""SELECT DISTINCT name FROM collection JOIN sample AS other USING (collection_id)
                    JOIN sample ON {_TWIN} WHERE sample.collection_id = ? ORDER BY name"""  # noqa: S608 - a constant
        return [row[0] for row in self._connection.execute(query, (self._collection_id,))]

    def some_templates(self, limit: int) -> Iterator[Array]:
        """(n, d) float32 templates of people, and of unnamed faces, at most so many of either, drawn by chance.

        Those that another collection has as well, of the same images, are left out.
        """
        shared = f"EXISTS (SELECT 1 FROM sample AS other WHERE {_TWIN})"  # noqa: S608 - a constant
        person = f"NOT EXISTS (SELECT 1 FROM sample WHERE sample.person_id = person.person_id AND {shared})"  # noqa: S608
        drawn = "ORDER BY random() LIMIT ?"
        execute, values = self._connection.execute, (self._collection_id, limit)
        query = f"SELECT person_id FROM person WHERE collection_id = ? AND {person} {drawn}"  # noqa: S608
        for (key,) in execute(query, values).fetchall():
            yield self.templates(key)
        query = f"SELECT sample_id FROM sample WHERE collection_id = ? AND person_id IS NULL AND NOT {shared} {drawn}"  # noqa: S608
        for (key,) in execute(query, values).fetchall():
            yield self.template(key)[None]

    def _samples(self, rows: list[tuple[int, str | None, bytes | None]]) -> Samples:
        people = {row[0]: row[1] for row in rows}
        blobs = [row[2] for row in rows if row[2] is not None]
        counts = Counter(row[0] for row in rows if row[2] is not None)
        last = [FOREVER if day is None else dt.date.fromisoformat(day).toordinal() for day in people.values()]
        return Samples(
            keys=np.array([*people], np.int64),
            counts=np.array([counts[key] for key in people], np.int64),
            expires=np.array(last, np.int32),
            templates=self._decode(blobs),
        )

    def sample_counts(self) -> frozenset[int]:
        """How many samples people have: each number that occurs."""
        query = """SELECT DISTINCT count(*) FROM sample WHERE collection_id = ? AND person_id IS NOT NULL
                   GROUP BY person_id"""
        return frozenset(int(row[0]) for row in self._connection.execute(query, (self._collection_id,)))

    def matching(self, where: Filter) -> NDArray[np.int64]:
        """Numbers of the people whom a filter lets through, ascending."""
        condition, values = compiled(where)
        query = f"SELECT person_key FROM person WHERE collection_id = ? AND ({condition}) ORDER BY person_key"  # noqa: S608
        rows = self._connection.execute(query, (self._collection_id, *values))
        return np.array([row[0] for row in rows], np.int64)

    def page(self, after: int, limit: int, where: Filter | None) -> list[tuple[int, Person]]:
        """People whose number is above another, by number."""
        condition, values = ("1 = 1", []) if where is None else compiled(where)
        rows = self._connection.execute(
            f"""SELECT person_key, {_PERSON} FROM person WHERE collection_id = ? AND person_key > ? AND ({condition})
                ORDER BY person_key LIMIT ?""",  # noqa: S608 - names of columns, and marks for values
            (self._collection_id, after, *values, limit),
        )
        return [(int(row[0]), _person(row[1:7], row[7])) for row in rows.fetchall()]

    def stored(self, person_id: str) -> list[StoredSample]:
        """A person's samples, whole, in the order of enrolment."""
        rows = self._connection.execute(
            """SELECT sample_id, created, source, sha256, artefact, quality, box, template FROM sample
               WHERE person_id = ? ORDER BY sample_key""",
            (person_id,),
        ).fetchall()
        templates = self._decode([row[7] for row in rows])
        return [_stored(row, template) for row, template in zip(rows, templates, strict=True)]

    def restore_person(self, person: Person) -> str:
        """Create a person as they were elsewhere, without samples; the key stays, unless it is taken."""
        person_id = person.person_id
        if self._connection.execute("SELECT 1 FROM person WHERE person_id = ?", (person_id,)).fetchone():
            person_id = second_key(person_id, self._collection)
        return self._insert_person(person, person_id)

    def restore_sample(self, person_id: str, stored: StoredSample) -> None:
        """Add a sample as it was elsewhere; its key stays, unless it is taken."""
        face_id = self.add_face(stored.sample, person_id)
        taken = self._connection.execute("SELECT 1 FROM sample WHERE sample_id = ?", (stored.face_id,)).fetchone()
        self._connection.execute(
            "UPDATE sample SET sample_id = ?, created = ? WHERE sample_id = ?",
            (face_id if taken else stored.face_id, stored.created.isoformat(), face_id),
        )

    def add_person(self, label: str) -> str:
        """Create a person without samples or consent; returns the key."""
        person_id = uuid.uuid4().hex
        self._record("person", person_id)
        self._connection.execute(
            "INSERT INTO person (person_id, collection_id, label, created, revision) VALUES (?, ?, ?, ?, ?)",
            (person_id, self._collection_id, label, now().isoformat(), self._bump()),
        )
        return person_id

    def copy_person(self, person: Person) -> str:
        """Create a person like one of another collection, consent included, without samples; returns the new key."""
        return self._insert_person(person, uuid.uuid4().hex)

    def _insert_person(self, person: Person, person_id: str) -> str:
        given = person.given.isoformat() if person.given else None
        expires = person.expires.isoformat() if person.expires else None
        values = (person_id, self._collection_id, person.label, person.purpose, given, expires)
        self._connection.execute(
            """INSERT INTO person (person_id, collection_id, label, purpose, given, expires, created, revision)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (*values, person.created.isoformat(), self._bump()),
        )
        return person_id

    def add_sample(self, person_id: str, sample: Sample) -> None:
        """Add a sample."""
        self.add_face(sample, person_id)

    def consent(self, person_id: str, purpose: str | None, expires: dt.date | None) -> None:
        """Record a consent given now, in place of an earlier one."""
        until = expires.isoformat() if expires else None
        self._change(person_id, purpose=purpose, given=now().isoformat(), expires=until)

    def limit(self, person_id: str, purpose: str | None, expires: dt.date | None) -> None:
        """Set what a person's faces are kept for and how long, where nobody has given a consent to it."""
        self._change(person_id, purpose=purpose, given=None, expires=expires.isoformat() if expires else None)

    def rename(self, person_id: str, label: str) -> None:
        """Change a label."""
        self._change(person_id, label=label)

    def remove(self, person_id: str) -> None:
        """Remove a person and every sample."""
        self._record("person", person_id)
        self._bump()
        self._connection.execute("DELETE FROM person WHERE person_id = ?", (person_id,))

    def erase(self, person_id: str) -> None:
        """Remove a person, every sample, the unnamed faces that were taken for theirs, and the edits about them."""
        self.forget_edits(person_id)
        self.forget_candidates(person_id)
        self.remove(person_id)
        self._forget_changes()

    def _change(self, person_id: str, **columns: str | None) -> None:
        self._record("person", person_id, columns)
        assignments = "".join(f", {name} = :{name}" for name in columns)
        self._connection.execute(
            f"UPDATE person SET revision = :revision{assignments} WHERE person_id = :person_id",  # noqa: S608 - see above
            {"revision": self._bump(), "person_id": person_id, **columns},
        )


def _stored(row: tuple[Any, ...], template: Array) -> StoredSample:
    face_id, created, source, sha256, artefact, quality, box, _ = row
    sides = None if box is None else tuple(json.loads(box))
    sample = Sample(template, source, sha256, artefact, quality, sides)
    return StoredSample(face_id, dt.datetime.fromisoformat(created), sample)


def _person(row: tuple[Any, ...], samples: int) -> Person:
    person_id, label, purpose, given, expires, created = row
    return Person(
        person_id=person_id,
        label=label,
        samples=samples,
        purpose=purpose,
        given=dt.datetime.fromisoformat(given) if given else None,
        expires=dt.date.fromisoformat(expires) if expires else None,
        created=dt.datetime.fromisoformat(created),
    )
