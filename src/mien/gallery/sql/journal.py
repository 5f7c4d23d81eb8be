"""The edit journal: what was changed by hand, as the rows were before, so that it can be undone.

The journal holds no template. An edit that drops a sample, because its person got another of the same content, names
the one that was kept, whose template is that of the dropped one.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from typing import Any

from mien.gallery.people import now
from mien.gallery.records import Edit
from mien.gallery.sql.dialect import Dialect
from mien.gallery.sql.rows import Rows

__all__ = ["Journal"]

MAX_EDITS = 1000
"""Older edits are forgotten: a journal is no archive of what was known about whom."""

_KEYS = {"person": "person_id", "sample": "sample_id", "cannot_link": "link_id"}
_COLUMNS = {
    "person": ("person_id", "collection_id", "label", "purpose", "given", "expires", "created"),
    "sample": (
        "sample_id",
        "collection_id",
        "person_id",
        "source",
        "sha256",
        "artefact",
        "quality",
        "created",
        "box",
        "path",
        "expires",
        "suggestion_id",
    ),
    "cannot_link": ("link_id", "sample_id", "person_id", "other_id"),
}


def _forget(dialect: Dialect) -> tuple[str, ...]:
    twin, sample, other = (dialect.field("before", name) for name in ("twin", "sample_id", "other_id"))
    lost = """{0} IS NOT NULL AND {0} NOT IN (SELECT sample_id FROM sample)
              AND {0} NOT IN (SELECT key FROM edit_change WHERE entity = 'sample')"""
    return (
        # A face is gone for good where it is no row, and no twin is there to make one of.
        f"""DELETE FROM edit_change WHERE entity = 'sample' AND key NOT IN (SELECT sample_id FROM sample)
       AND coalesce({twin}, '') NOT IN (SELECT sample_id FROM sample)""",  # noqa: S608 - constants of ours
        f"""DELETE FROM edit_change WHERE entity = 'cannot_link'
       AND ({lost.format(sample)} OR {lost.format(other)})""",  # noqa: S608
        # A link that was made is gone for good where no later edit has taken it away.
        """DELETE FROM edit_change WHERE entity = 'cannot_link' AND before IS NULL
       AND CAST(key AS BIGINT) NOT IN (SELECT link_id FROM cannot_link)
       AND key NOT IN (SELECT key FROM edit_change WHERE entity = 'cannot_link' AND before IS NOT NULL)""",
        "DELETE FROM edit WHERE edit_id NOT IN (SELECT edit_id FROM edit_change)",
    )


class Journal(Rows):
    """Edits of one collection within one transaction."""

    _edit_id: int | None = None

    def begin_edit(self, action: str, summary: str, person_ids: Collection[str]) -> None:
        """Note an edit; what the transaction changes from now on belongs to it.

        Args:
            action: What kind of edit.
            summary: The edit in words.
            person_ids: Everybody whom it concerns: it is forgotten with the first of them to be erased.
        """
        execute = self._connection.execute
        (self._edit_id,) = execute(
            "INSERT INTO edit (collection_id, action, summary, created) VALUES (?, ?, ?, ?) RETURNING edit_id",
            (self._collection_id, action, summary, now().isoformat()),
        ).fetchone()
        self.concern(person_ids)
        execute(
            """DELETE FROM edit WHERE collection_id = ? AND edit_id NOT IN
               (SELECT edit_id FROM edit WHERE collection_id = ? ORDER BY edit_id DESC LIMIT ?)""",
            (self._collection_id, self._collection_id, MAX_EDITS),
        )

    def concern(self, person_ids: Collection[str]) -> None:
        """Add people to those whom the edit concerns."""
        rows = [(self._edit_id, person_id) for person_id in person_ids]
        self._connection.executemany("INSERT INTO edit_person VALUES (?, ?) ON CONFLICT DO NOTHING", rows)

    def edits(self) -> list[Edit]:
        """Every edit that can be undone, newest first."""
        query = "SELECT edit_id, action, summary, created FROM edit WHERE collection_id = ? ORDER BY edit_id DESC"
        rows = self._connection.execute(query, (self._collection_id,))
        return [Edit(key, action, summary, dt.datetime.fromisoformat(when)) for key, action, summary, when in rows]

    def undo(self, edit: Edit) -> None:
        """Give every row that an edit changed its values of before, as far as the row is still there."""
        changes = self._connection.execute(
            "SELECT entity, key, before FROM edit_change WHERE edit_id = ? ORDER BY change_id DESC", (edit.edit_id,)
        ).fetchall()
        self._bump()
        for entity, key, before in changes:
            self._restore(entity, key, None if before is None else json.loads(before))
        self._connection.execute("DELETE FROM edit WHERE edit_id = ?", (edit.edit_id,))

    def forget_edits(self, person_id: str) -> None:
        """Forget the edits that concern a person, and those of people whom they were made of."""
        execute = self._connection.execute
        people, pending = set(), {person_id}
        while pending:
            people |= (found := {pending.pop()})
            edits = [row[0] for row in execute("SELECT edit_id FROM edit_person WHERE person_id = ?", (*found,))]
            for edit_id in edits:
                others = execute(
                    """SELECT person_id FROM edit_person WHERE edit_id = ?
                       AND person_id NOT IN (SELECT person_id FROM person)""",
                    (edit_id,),
                )
                pending |= {row[0] for row in others} - people
                execute("DELETE FROM edit WHERE edit_id = ?", (edit_id,))

    def _forget_changes(self) -> None:
        """Forget what was done to faces that are gone for good, and edits of which nothing is left."""
        for statement in _forget(self._dialect):
            self._connection.execute(statement)

    def _record(self, entity: str, key: str | int, changed: Collection[str] = (), **extra: str) -> None:
        """Keep a row as it is now, before it is changed; a row that is not there yet is removed by an undo.

        Args:
            entity: Its table.
            key: Its key.
            changed: Columns that are about to be changed, where the others may be changed by other ways than edits;
                none for all.
            extra: What to keep besides.
        """
        if self._edit_id is None:
            return
        columns = (_KEYS[entity], *changed) if changed else _COLUMNS[entity]
        row = self._connection.execute(
            f"SELECT {', '.join(columns)} FROM {entity} WHERE {_KEYS[entity]} = ?",  # noqa: S608 - constants above
            (key,),
        ).fetchone()
        self._change_of(entity, key, None if row is None else json.dumps(dict(zip(columns, row, strict=True)) | extra))

    def _record_new(self, entity: str, key: str | int) -> None:
        """Note a row that was made just now."""
        if self._edit_id is not None:
            self._change_of(entity, key, None)

    def _change_of(self, entity: str, key: str | int, before: str | None) -> None:
        query = "INSERT INTO edit_change (edit_id, entity, key, before) VALUES (?, ?, ?, ?)"
        self._connection.execute(query, (self._edit_id, entity, str(key), before))

    def _restore(self, entity: str, key: str, before: dict[str, Any] | None) -> None:
        execute = self._connection.execute
        if entity == "sample":
            self._touch_owner(key)
        if before is None:
            # A person who got samples since, by an enrolment, is no longer the edit's alone.
            condition = " AND person_id NOT IN (SELECT person_id FROM sample WHERE person_id IS NOT NULL)"
            execute(
                f"DELETE FROM {entity} WHERE {_KEYS[entity]} = ?{condition if entity == 'person' else ''}",  # noqa: S608
                (key,),
            )
            return
        twin = before.pop("twin", None)
        if entity == "sample":
            self._free_content(before)
        assignments = ", ".join(f"{name} = :{name}" for name in before)
        updated = execute(f"UPDATE {entity} SET {assignments} WHERE {_KEYS[entity]} = :{_KEYS[entity]}", before)  # noqa: S608
        if not updated.rowcount and before.keys() >= {*_COLUMNS[entity]}:
            self._insert(entity, before, twin)
        if entity != "cannot_link":
            self._touch(before["person_id"])

    def _insert(self, entity: str, before: dict[str, Any], twin: str | None) -> None:
        columns, values = ", ".join(before), ", ".join(f":{name}" for name in before)
        execute = self._connection.execute
        if entity == "person":
            execute(f"INSERT INTO person ({columns}, revision) VALUES ({values}, 0)", before)  # noqa: S608
        elif entity == "sample":
            # Nothing comes of a face that was forgotten since, nor of one whose twin was.
            execute(
                f"INSERT INTO sample ({columns}, template) SELECT {values}, template FROM sample "  # noqa: S608
                "WHERE sample_id = :twin",
                {**before, "twin": twin},
            )
        elif self._has("sample", before["sample_id"]) and (
            self._has("person", before["person_id"]) or self._has("sample", before["other_id"])
        ):
            execute(f"INSERT INTO cannot_link ({columns}) VALUES ({values})", before)  # noqa: S608

    def _free_content(self, before: dict[str, Any]) -> None:
        """A person who was enrolled with the same content since has no place for the face: it stays unnamed."""
        query = "SELECT 1 FROM sample WHERE person_id = ? AND sha256 = ? AND sample_id != ?"
        values = (before["person_id"], before["sha256"], before["sample_id"])
        if self._connection.execute(query, values).fetchone():
            before["person_id"] = None

    def _touch_owner(self, sample_id: str) -> None:
        row = self._connection.execute("SELECT person_id FROM sample WHERE sample_id = ?", (sample_id,)).fetchone()
        if row is not None:
            self._touch(row[0])

    def _has(self, entity: str, key: str | None) -> bool:
        query = f"SELECT 1 FROM {entity} WHERE {_KEYS[entity]} = ?"  # noqa: S608 - constants above
        return self._connection.execute(query, (key,)).fetchone() is not None
