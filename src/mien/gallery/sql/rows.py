"""What every table of a collection has in common: its key, its embedding space, its revision."""

from __future__ import annotations

import numpy as np

from mien.errors import StoreCorrupt, WrongKey
from mien.gallery.sealing import Seal
from mien.gallery.sql.dialect import Connection, Dialect
from mien.types import Array

__all__ = ["Rows"]


class Rows:
    """One collection within one transaction.

    Args:
        connection: Within the transaction.
        dialect: The engine's.
        collection: Name of the collection.
        location: What to call the store in messages.
        seal: Seals its templates.
    """

    def __init__(
        self, connection: Connection, dialect: Dialect, collection: str, location: str, seal: Seal | None
    ) -> None:
        self._dialect = dialect
        self._connection = connection
        self._seal = seal
        self._collection = collection
        self._location = location
        self._bumped = False
        self._collection_id = -1
        self._space = ""
        self._dimension = 0
        self._load()

    def _load(self) -> None:
        row = self._connection.execute(
            "SELECT collection_id, space, dimension, sealed FROM collection WHERE name = ?", (self._collection,)
        ).fetchone()
        if row is not None:
            self._collection_id, self._space, self._dimension, sealed = row
            self._check_key(sealed)

    def _check_key(self, sealed: str | None) -> None:
        where = f"{self._location}: collection {self._collection}"
        if sealed is None and self._seal is not None:
            raise WrongKey(
                f"{where} is not sealed, and a key was given; open it without, or enrol into a new collection"
            )
        if sealed is not None and self._seal is None:
            raise WrongKey(f"{where} is sealed; give its key: key=, --key-file, or the path in MIEN_GALLERY_KEY")
        if sealed is not None and self._seal is not None and not self._seal.matches(sealed):
            raise WrongKey(f"{where} is sealed with another key than the one that was given")

    @property
    def collection(self) -> str:
        """Name of the collection."""
        return self._collection

    def space(self) -> tuple[str, int] | None:
        """Embedding space and dimension, None before the first face."""
        return (self._space, self._dimension) if self._space else None

    def pin(self, space: str, dimension: int) -> None:
        """Pin a new collection to its embedding space."""
        columns, number = "collection_id, name, space, dimension, sealed", self._dialect.next_collection
        query = f"INSERT INTO collection ({columns}) VALUES ({number}, ?, ?, ?, ?)"  # noqa: S608 - constants
        sealed = None if self._seal is None else self._seal.check()
        self._connection.execute(query, (self._collection, space, dimension, sealed))
        self._load()

    def collections(self) -> list[str]:
        """Names of the store's collections."""
        return [row[0] for row in self._connection.execute("SELECT name FROM collection ORDER BY name")]

    def collection_numbers(self) -> set[int]:
        """Numbers of the store's collections, by which the names of index files end."""
        return {row[0] for row in self._connection.execute("SELECT collection_id FROM collection")}

    def rename_collection(self, name: str, new: str) -> None:
        """Give a collection of the store another name, which is free."""
        self._connection.execute("UPDATE collection SET name = ? WHERE name = ?", (new, name))

    def revision(self) -> int:
        """A number that grows with every committed change."""
        query = "SELECT revision FROM collection WHERE collection_id = ?"
        row = self._connection.execute(query, (self._collection_id,)).fetchone()
        return int(row[0]) if row else 0

    def _bump(self) -> int:
        if not self._bumped:
            query = "UPDATE collection SET revision = revision + 1 WHERE collection_id = ?"
            self._connection.execute(query, (self._collection_id,))
            self._bumped = True
        return self.revision()

    def _touch(self, person_id: str | None) -> None:
        """Let every index read a person anew; nobody is ``None``."""
        query = "UPDATE person SET revision = ? WHERE person_id = ?"
        self._connection.execute(query, (self._bump(), person_id))

    def _encode(self, template: Array) -> bytes:
        plain = np.asarray(template, "<f4").tobytes()
        return plain if self._seal is None else self._seal.close(plain)

    def _decode(self, blobs: list[bytes]) -> Array:
        if self._seal is not None:
            blobs = [self._seal.open(blob) for blob in blobs]
        if any(len(blob) != 4 * self._dimension for blob in blobs):
            message = (
                f"{self._location}: a template is not of {self._dimension} numbers; restore the file from a backup"
            )
            raise StoreCorrupt(message, path=self._location)
        return np.frombuffer(b"".join(blobs), "<f4").astype(np.float32).reshape(len(blobs), self._dimension)
