"""Pictures of faces, where a collection keeps them: sealed with a key that the gallery does not hold.

A crop is sealed with AES-256-GCM and bound to its face: put in another's place, it does not open. The sealed bytes lie
in the gallery, which removes them with their face (see `mien.gallery.cropping`).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from mien.errors import InputError, UnknownFace, UnwritableFile
from mien.gallery.sealing import Seal, make_key, read_key

if TYPE_CHECKING:
    from pathlib import Path

    from mien.gallery import FaceRecord, Gallery

__all__ = ["Crops"]

SIZE = 256
"""Width and height of a crop in pixels, at most."""


class Crops:
    """Seals and opens crops.

    Args:
        key_file: The key, made where there is none when it is first needed, readable by its owner alone.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    @cached_property
    def _seal(self) -> Seal:
        if not self._key_file.exists():
            # Another process may make it at the same time.
            with suppress(UnwritableFile):
                make_key(self._key_file)
        return Seal(read_key(self._key_file))

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
                    gallery.keep_crop(face.face_id, self._seal.close(picture, _bound(face.face_id)))
                    kept += 1
        return kept

    def open(self, gallery: Gallery, face: FaceRecord) -> bytes | None:
        """The crop of a face as a JPEG; None where none is kept.

        Raises:
            UnknownFace: The face is gone.
            WrongKey: The key is not the one it was sealed with.
        """
        sealed = gallery.crop(face.face_id)
        return None if sealed is None else self._seal.open(sealed, _bound(face.face_id))


def _bound(face_id: str) -> bytes:
    return f"mien crop {face_id}".encode()


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
