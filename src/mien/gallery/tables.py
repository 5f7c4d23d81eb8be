"""The tables of the embedded engine, and what is asked of them."""

from __future__ import annotations

import datetime as dt
import itertools
import sqlite3
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np

from mien.errors import StoreCorrupt
from mien.gallery.people import Person, now
from mien.gallery.store import Sample
from mien.types import Array

__all__ = ["APPLICATION_ID", "MIGRATIONS", "PAGE_SIZE", "SqliteTransaction"]

APPLICATION_ID = 0x4D69656E
"""``Mien`` in the file's header: tells a gallery from anybody else's SQLite file."""

PAGE_SIZE = 16384
"""Templates of 512 floats stored at 1.15 times their bytes, where pages of 4096 take twice their bytes."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # A collection pins one embedding space, so that templates of different spaces never meet. ``revision`` grows
        # with every change: an index in any process sees by one row whether it is behind, and reads only what is newer.
        """CREATE TABLE collection (
            collection_id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            space TEXT NOT NULL,
            dimension INTEGER NOT NULL,
            revision INTEGER NOT NULL DEFAULT 0)""",
        # The key is the id and never the label: two people may bear one name.
        """CREATE TABLE person (
            person_id TEXT NOT NULL PRIMARY KEY,
            collection_id INTEGER NOT NULL REFERENCES collection,
            label TEXT NOT NULL,
            purpose TEXT,
            given TEXT,
            expires TEXT,
            created TEXT NOT NULL,
            revision INTEGER NOT NULL)""",
        "CREATE INDEX person_by_label ON person (collection_id, label)",
        "CREATE INDEX person_by_revision ON person (collection_id, revision)",
        # The hash of the content makes enrolling idempotent, per person: twins may share a photo, on request.
        """CREATE TABLE sample (
            sample_key INTEGER PRIMARY KEY,
            sample_id TEXT NOT NULL UNIQUE,
            person_id TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
            template BLOB NOT NULL,
            source TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            artefact TEXT NOT NULL,
            quality REAL,
            created TEXT NOT NULL,
            UNIQUE (person_id, sha256))""",
        "CREATE INDEX sample_by_content ON sample (sha256)",
    ),
)
"""What makes each schema out of the one before; ``PRAGMA user_version`` counts those that were applied."""


class SqliteTransaction:
    """One collection within one SQLite transaction; see `mien.gallery.store.Transaction`."""

    def __init__(self, connection: sqlite3.Connection, collection: str, location: str) -> None:
        self._connection = connection
        self._collection = collection
        self._location = location
        self._bumped = False
        self._collection_id = -1
        self._space = ""
        self._dimension = 0
        self._load()

    def _load(self) -> None:
        row = self._connection.execute(
            "SELECT collection_id, space, dimension FROM collection WHERE name = ?", (self._collection,)
        ).fetchone()
        if row is not None:
            self._collection_id, self._space, self._dimension = row

    def space(self) -> tuple[str, int] | None:
        """Embedding space and dimension, None before the first enrolment."""
        return (self._space, self._dimension) if self._space else None

    def revision(self) -> int:
        """A number that grows with every committed change."""
        query = "SELECT revision FROM collection WHERE collection_id = ?"
        row = self._connection.execute(query, (self._collection_id,)).fetchone()
        return int(row[0]) if row else 0

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
            f"""SELECT person_id, label, purpose, given, expires, created,
                       (SELECT count(*) FROM sample WHERE sample.person_id = person.person_id)
                FROM person WHERE collection_id = ? {condition} ORDER BY rowid""",  # noqa: S608 - constants of ours
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
        query = "SELECT person_id FROM sample JOIN person USING (person_id) WHERE sha256 = ? AND collection_id = ?"
        return [row[0] for row in self._connection.execute(query, (sha256, self._collection_id))]

    def changed(self, since: int) -> Iterator[tuple[Person, Array]]:
        """People added or changed after a revision, each with their (n, d) templates."""
        rows = self._connection.execute(
            """SELECT person_id, label, purpose, given, expires, person.created, template
               FROM person JOIN sample USING (person_id)
               WHERE collection_id = ? AND person.revision > ? ORDER BY person.rowid, sample_key""",
            (self._collection_id, since),
        )
        for columns, samples in itertools.groupby(rows, key=lambda row: row[:6]):
            blobs = [row[6] for row in samples]
            yield _person(columns, len(blobs)), self._decode(blobs)

    def person_ids(self) -> set[str]:
        """Keys of everybody."""
        query = "SELECT person_id FROM person WHERE collection_id = ?"
        return {row[0] for row in self._connection.execute(query, (self._collection_id,))}

    def _decode(self, blobs: list[bytes]) -> Array:
        if any(len(blob) != 4 * self._dimension for blob in blobs):
            message = (
                f"{self._location}: a template is not of {self._dimension} numbers; restore the file from a backup"
            )
            raise StoreCorrupt(message, path=self._location)
        return np.frombuffer(b"".join(blobs), "<f4").astype(np.float32).reshape(len(blobs), self._dimension)

    def pin(self, space: str, dimension: int) -> None:
        """Pin a new collection to its embedding space."""
        query = "INSERT INTO collection (name, space, dimension) VALUES (?, ?, ?)"
        self._connection.execute(query, (self._collection, space, dimension))
        self._load()

    def add_person(self, label: str) -> str:
        """Create a person without samples or consent; returns the key."""
        person_id = uuid.uuid4().hex
        self._connection.execute(
            "INSERT INTO person (person_id, collection_id, label, created, revision) VALUES (?, ?, ?, ?, ?)",
            (person_id, self._collection_id, label, now().isoformat(), self._bump()),
        )
        return person_id

    def add_sample(self, person_id: str, sample: Sample) -> None:
        """Add a sample."""
        self._connection.execute(
            """INSERT INTO sample (sample_id, person_id, template, source, sha256, artefact, quality, created)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                uuid.uuid4().hex,
                person_id,
                np.asarray(sample.template, "<f4").tobytes(),
                sample.source,
                sample.sha256,
                sample.artefact,
                sample.quality,
                now().isoformat(),
            ),
        )
        self._change(person_id)

    def consent(self, person_id: str, purpose: str | None, expires: dt.date | None) -> None:
        """Record a consent given now, in place of an earlier one."""
        until = expires.isoformat() if expires else None
        self._change(person_id, purpose=purpose, given=now().isoformat(), expires=until)

    def rename(self, person_id: str, label: str) -> None:
        """Change a label."""
        self._change(person_id, label=label)

    def move_samples(self, person_id: str, into: str) -> None:
        """Give a person's samples to another; content that the other has already is dropped."""
        self._connection.execute("UPDATE OR IGNORE sample SET person_id = ? WHERE person_id = ?", (into, person_id))
        self._change(into)

    def remove(self, person_id: str) -> None:
        """Remove a person and every sample."""
        self._bump()
        self._connection.execute("DELETE FROM person WHERE person_id = ?", (person_id,))

    def _change(self, person_id: str, **columns: str | None) -> None:
        assignments = "".join(f", {name} = :{name}" for name in columns)
        self._connection.execute(
            f"UPDATE person SET revision = :revision{assignments} WHERE person_id = :person_id",  # noqa: S608 - see above
            {"revision": self._bump(), "person_id": person_id, **columns},
        )

    def _bump(self) -> int:
        if not self._bumped:
            query = "UPDATE collection SET revision = revision + 1 WHERE collection_id = ?"
            self._connection.execute(query, (self._collection_id,))
            self._bumped = True
        return self.revision()


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
