"""Pictures of faces, where a collection keeps them: sealed with a key that the gallery does not hold.

A crop is sealed with AES-256-GCM and bound to its face: put in another's place, it does not open. The sealed bytes lie
in the gallery, which removes them with their face (see `mien.gallery.cropping`).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from mien.errors import InputError, UnknownFace

if TYPE_CHECKING:
    from mien.gallery import FaceRecord, Gallery
    from mien.server.vault import Vault

__all__ = ["Crops"]

SIZE = 256
"""Width and height of a crop in pixels, at most."""


class Crops:
    """Seals and opens crops.

    Args:
        vault: Seals them, with a key of their own.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def keep(self, gallery: Gallery, images: Iterable[bytes], faces: Iterable[FaceRecord]) -> int:
        """Keep crops of faces that were found in some images just now.

        Args:
            gallery: Which holds the faces.
            images: The images' content.
            faces: Those that may be in them; the others, and those that have a crop, are left alone.

        Returns:
            How many were kept.

        Raises:
            StoreError: The key or the gallery failed; what was kept before stays.
        """
        contents = {hashlib.sha256(image).hexdigest(): image for image in images}
        found = [face for face in faces if face.sha256 in contents and face.box is not None]
        there, kept = gallery.cropped(found), 0
        for face in found:
            # A face that is gone meanwhile needs no picture, and one whose image is read no second time gets none.
            with suppress(UnknownFace, InputError):
                if face.face_id not in there and face.box is not None:
                    picture = _cut(contents[face.sha256], face.box)
                    gallery.keep_crop(face.face_id, self._vault.close(picture, _bound(face.face_id)))
                    kept += 1
        return kept

    def open(self, gallery: Gallery, face: FaceRecord) -> bytes | None:
        """The crop of a face as a JPEG; None where none is kept.

        Raises:
            UnknownFace: The face is gone.
            WrongKey: The key is not the one it was sealed with.
        """
        sealed = gallery.crop(face.face_id)
        return None if sealed is None else self._vault.open(sealed, _bound(face.face_id))


def _bound(face_id: str) -> str:
    return f"mien crop {face_id}"


def _cut(image: bytes, box: tuple[float, float, float, float]) -> bytes:
    """A square around a face with some margin, as far as the image reaches."""
    from PIL import Image

    from mien import media
    from mien.render import face_square

    square = Image.fromarray(face_square(media.read(image), box))
    square.thumbnail((SIZE, SIZE))
    encoded = io.BytesIO()
    square.save(encoded, "JPEG", quality=90, subsampling=0)
    return encoded.getvalue()
