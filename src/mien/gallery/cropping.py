"""`Cropping`: pictures of faces, for those who keep some: sealed by whoever keeps them, gone with their face."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mien.errors import InvalidArgument
from mien.gallery.collection import Collection
from mien.gallery.resolve import face

if TYPE_CHECKING:
    from mien.gallery.records import FaceRecord

__all__ = ["Cropping"]

_MOST = 1 << 20


class Cropping(Collection):
    """Crops of faces.

    A gallery makes none and reads none: it keeps what it is given, as bytes that only their giver can open, and removes
    them with their face, in an erasure, when a consent runs out, or when an unnamed face is forgotten.
    """

    def keep_crop(self, face_id: str, sealed: bytes) -> None:
        """Keep the crop of a face, in place of an earlier one.

        Args:
            face_id: Key of a sample or of an unnamed face, or its first digits.
            sealed: At most 1 MiB, which nobody can open who has the gallery alone.

        Raises:
            UnknownFace: No face of that key.
            InvalidArgument: No bytes, or too many.
            StoreError: The store failed; nothing was changed.
        """
        if not 0 < len(sealed) <= _MOST:
            raise InvalidArgument(f"crop: expected 1 to {_MOST} bytes, got {len(sealed)}")
        with self._store.writing(self.collection) as transaction:
            transaction.keep_crop(face(transaction, face_id).face_id, sealed)

    def crop(self, face_id: str) -> bytes | None:
        """The crop of a face as it was given; None where there is none. Errors as in `keep_crop`."""
        with self._store.reading(self.collection) as transaction:
            return transaction.crop(face(transaction, face_id).face_id)

    def cropped(self, faces: Iterable[FaceRecord]) -> set[str]:
        """Keys of those of some faces that have a crop."""
        with self._store.reading(self.collection) as transaction:
            return transaction.cropped([face.face_id for face in faces])

    def forget_crops(self) -> int:
        """Remove every crop of the collection, and its bytes from all files of the store; returns how many.

        Raises:
            StoreUnavailable: As in `erase`.
        """
        with self._store.writing(self.collection) as transaction:
            removed = transaction.forget_crops()
        self._purge()
        return removed
