"""People in the tables of the embedded engine."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator
from typing import Any

from mien.gallery.people import Person, now
from mien.gallery.sqlite.pool import Pool
from mien.gallery.store import Sample
from mien.types import Array

__all__ = ["SqliteTransaction"]


class SqliteTransaction(Pool):
    """One collection within one SQLite transaction; see `mien.gallery.store.Transaction`."""

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
        query = "SELECT person_id FROM sample WHERE sha256 = ? AND collection_id = ? AND person_id IS NOT NULL"
        return [row[0] for row in self._connection.execute(query, (sha256, self._collection_id))]

    def changed(self, since: int) -> Iterator[tuple[Person, Array]]:
        """People added or changed after a revision, each with their (n, d) templates."""
        rows = self._connection.execute(
            """SELECT person_id, label, purpose, given, person.expires, person.created, template
               FROM person JOIN sample USING (person_id)
               WHERE person.collection_id = ? AND person.revision > ? ORDER BY person.rowid, sample_key""",
            (self._collection_id, since),
        )
        for columns, samples in itertools.groupby(rows, key=lambda row: row[:6]):
            blobs = [row[6] for row in samples]
            yield _person(columns, len(blobs)), self._decode(blobs)

    def person_ids(self) -> set[str]:
        """Keys of everybody who has a sample."""
        query = "SELECT DISTINCT person_id FROM sample WHERE collection_id = ? AND person_id IS NOT NULL"
        return {row[0] for row in self._connection.execute(query, (self._collection_id,))}

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
        person_id = self.add_person(person.label)
        given = person.given.isoformat() if person.given else None
        expires = person.expires.isoformat() if person.expires else None
        self._change(
            person_id, purpose=person.purpose, given=given, expires=expires, created=person.created.isoformat()
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
        self._record("person", person_id)
        assignments = "".join(f", {name} = :{name}" for name in columns)
        self._connection.execute(
            f"UPDATE person SET revision = :revision{assignments} WHERE person_id = :person_id",  # noqa: S608 - see above
            {"revision": self._bump(), "person_id": person_id, **columns},
        )


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
