"""`restore`: a gallery comes out of its backup, without those who were erased since."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from mien.errors import Detail, InvalidArgument
from mien.gallery import archive, audit
from mien.gallery.backup import in_a_file
from mien.gallery.sql import SqlTransaction
from mien.gallery.sql.dialect import SqliteDialect
from mien.gallery.sqlite import SqliteStore, copies
from mien.gallery.store import face_digest

__all__ = ["Restored", "restore"]

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Restored:
    """A gallery that was restored.

    Attributes:
        path: The gallery.
        created: When the backup was made (UTC), as ISO 8601.
        people: How many people are in it, over all collections.
        left_out: Ids of the people who are in the backup and were erased since.
        left_out_faces: How many faces of other people were left out, because they were erased since with somebody
            else, and of people without a name.
        compared: Whether the gallery of before was at hand; else erasures since the backup are not known.
        log_continued: Whether the audit log goes on with the lines that the gallery of before had since.
        signed_by: Public key that signed the backup.
        own_key: Whether that is this user's own, so that one key goes on signing the audit log.
        service: Whether the service's own file was restored.
    """

    path: str
    created: str
    people: int
    left_out: tuple[str, ...]
    left_out_faces: int
    compared: bool
    log_continued: bool
    signed_by: str
    own_key: bool
    service: bool

    def to_dict(self) -> dict[str, Detail]:
        """What was done, as JSON."""
        return {
            "path": self.path,
            "created": self.created,
            "people": self.people,
            "left_out": [*self.left_out],
            "left_out_faces": self.left_out_faces,
            "compared": self.compared,
            "log_continued": self.log_continued,
            "signed_by": self.signed_by,
            "own_key": self.own_key,
            "service": self.service,
        }


def restore(
    path: str | os.PathLike[str],
    location: str | os.PathLike[str] | None,
    *,
    service: str | os.PathLike[str] | None = None,
    before: str | os.PathLike[str] | None = None,
    public_key: str | None = None,
) -> Restored:
    """Make a gallery out of a backup, all or nothing; nothing is overwritten.

    The backup has to be whole and signed, and what is in it a sound gallery. The audit log gets a line that says so.

    Args:
        path: The backup.
        location: Of the gallery; nothing may be there.
        service: Where the service's own file goes; None leaves it in the backup.
        before: The gallery from which the backup was made, as it was last, moved aside: whom it erased since the backup
            is left out, and the audit log goes on with its lines.
        public_key: Who must have signed the backup, 64 hexadecimal digits; None for this user's own key.

    Raises:
        InvalidArgument: No such backup; something is at the location already; a gallery in PostgreSQL; or the gallery
            of before is another one.
        StoreCorrupt: The backup is cut short, changed, signed by another key or of a newer Mien, or one of the
            galleries is damaged.
        StoreFull, UnwritableFile: It cannot be written; nothing is left behind.
    """
    target = in_a_file(location, "restore it with its own tools: pg_restore")
    targets = {archive.GALLERY: target, **({} if service is None else {archive.SERVICE: Path(service)})}
    for one in targets.values():
        _check_free(one)
    if before is not None and not Path(before).is_file():
        raise InvalidArgument(f"{before}: there is no gallery of before")
    with archive.opened(Path(path), public_key) as backup:
        if service is not None and archive.SERVICE not in backup:
            raise InvalidArgument(f"{path}: the service's own file is not in it")
        # The gallery last: once it is there, everything is.
        with archive.workplace(Path(service or target)) as other, archive.workplace(target) as folder:
            if service is not None:
                backup.take(archive.SERVICE, other / archive.SERVICE)
                copies.check(other / archive.SERVICE)
            made = folder / archive.GALLERY
            backup.take(archive.GALLERY, made)
            copies.check_gallery(made)
            done = _brought_up_to_date(made, None if before is None else Path(before))
            people = done.pop("people")
            _on_disk(made)
            if service is not None:
                archive.put(other / archive.SERVICE, Path(service))
            archive.put(made, target)
        key = str(backup.manifest["public_key"])
        return Restored(
            path=str(target),
            created=str(backup.manifest["created"]),
            people=people,
            compared=before is not None,
            signed_by=key,
            own_key=key == audit.public_key(),
            service=service is not None,
            **done,
        )


def _check_free(target: Path) -> None:
    # A log of another database beside a new one would be played into it.
    for suffix in ("", "-wal", "-shm", "-journal"):
        path = target.with_name(target.name + suffix)
        if os.path.lexists(path):
            message = f"{path}: is there already; nothing is overwritten: move it and its neighbours aside"
            raise InvalidArgument(f"{message} ({target.name}-wal, -shm), or give another path")


def _brought_up_to_date(made: Path, before: Path | None) -> dict[str, Any]:
    SqliteStore(made).close()
    left_out: set[str] = set()
    faces, continued = 0, False
    with copies.opened(made, mode="rw") as new:
        new.execute("BEGIN IMMEDIATE")
        main = _Unread(new, SqliteDialect(), "main", str(made), None)
        if before is not None:
            with copies.opened(before) as old:
                _check_secret(new, old, before)
                left_out, faces = _leave_out(new, old, main.digest)
                continued = _continue_log(main, old)
        audit.Chain(main).append("restore", None, of_store=True, people=len(left_out), faces=faces)
        # Indices beside the old gallery are not of this one, whatever their revision says.
        new.execute("UPDATE gallery SET gallery_id = ?", (secrets.token_hex(16),))
        (people,) = new.execute("SELECT count(*) FROM person").fetchone()
        new.execute("COMMIT")
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        new.execute("DELETE FROM unpurged")
    return {
        "people": int(people),
        "left_out": tuple(sorted(left_out)),
        "left_out_faces": faces,
        "log_continued": continued,
    }


class _Unread(SqlTransaction):
    """A transaction that reads no template, and so needs no key of a sealed collection."""

    def _check_key(self, sealed: str | None) -> None:
        pass


def _check_secret(new: sqlite3.Connection, old: sqlite3.Connection, before: Path) -> None:
    query = "SELECT secret FROM gallery"
    if new.execute(query).fetchone() != old.execute(query).fetchone():
        raise InvalidArgument(f"{before}: expected the gallery that was backed up, got another")


def _leave_out(new: sqlite3.Connection, old: sqlite3.Connection, digest: Callable[[str], str]) -> tuple[set[str], int]:
    """Remove whom, and which faces, the gallery of before has erased; returns who they are, and how many faces."""
    erased = {row[0] for row in old.execute("SELECT digest FROM erased")}
    people = {key for (key,) in new.execute("SELECT person_id FROM person") if digest(f"person:{key}") in erased}
    faces = {key: owner for key, owner, face in _faces(new) if digest(face) in erased and not _has(old, key)}
    faces = {key: owner for key, owner in faces.items() if owner not in people}
    # Whose every face was erased had become one with somebody who was.
    left = Counter(owner for (owner,) in new.execute("SELECT person_id FROM sample"))
    people |= {owner for owner, gone in Counter(faces.values()).items() if owner and gone == left[owner]}
    faces = {key: owner for key, owner in faces.items() if owner not in people}
    for (name,) in new.execute("SELECT name FROM collection").fetchall():
        within = _Unread(new, SqliteDialect(), name, "backup", None)
        for key in sorted(faces):
            within.erase_face(key)
        for key in sorted(people):
            if within.by_id(key):
                within.erase(key)
    new.executemany(
        "INSERT OR IGNORE INTO erased VALUES (?, ?)", old.execute("SELECT collection_id, digest FROM erased")
    )
    # What must not come back into a collection that was made and erased since must not bar another of its number.
    highest = "(SELECT coalesce(max(collection_id), 0) FROM erased)"
    new.execute(f"UPDATE gallery SET last_collection = max(last_collection, {highest})")  # noqa: S608 - a constant
    return people, len(faces)


def _faces(new: sqlite3.Connection) -> Iterator[tuple[str, str | None, str]]:
    """Key, owner, and what stands for each face of a gallery."""
    for key, owner, sha256, box in new.execute("SELECT sample_id, person_id, sha256, box FROM sample"):
        yield key, owner, face_digest(sha256, None if box is None else tuple(json.loads(box)))


def _has(old: sqlite3.Connection, sample_id: str) -> bool:
    return old.execute("SELECT 1 FROM sample WHERE sample_id = ?", (sample_id,)).fetchone() is not None


def _continue_log(main: SqlTransaction, old: sqlite3.Connection) -> bool:
    """Append what the log of before has since; False where it is not the same log."""
    theirs = (str(line) for (line,) in old.execute("SELECT line FROM audit ORDER BY entry"))
    place = None
    while mine := main.audit_lines(place, _PAGE):
        if [line for _, line in mine] != [*islice(theirs, len(mine))]:
            return False
        place, _ = mine[-1]
    for line in theirs:
        main.append_audit(line)
    return True


def _on_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
