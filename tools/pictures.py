"""Make the pictures of the docs: official portraits, with what Mien decided drawn by Mien. See docs/pictures.md.

    python tools/pictures.py

Barack Obama is enrolled from two photos that are not shown, Eileen Collins is not; both are then looked for.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
import samples

import mien
from mien import media, render
from mien.models.registry import Wheel
from mien.types import Image

TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "portraits.jpg"
SIDE = 440

COLLINS = samples.Archive(
    Wheel(
        "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
        "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
        "skimage/data",
    ),
    {"astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"},
)
PORTRAITS = {"obama.jpg": (110, 0, 760), "astronaut.png": (50, 0, 370)}
"""Of each: left, top and side in pixels of the square that is shown."""
ENROLLED = ("obama2.jpg", "obama3.jpg")


def main() -> None:
    argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None).parse_args()
    photos = samples.fetch((*samples.ARCHIVES, COLLINS))
    with tempfile.TemporaryDirectory() as folder, mien.Gallery(Path(folder) / "people.mien") as gallery:
        enrolment = gallery.enroll("Barack Obama", [photos / name for name in ENROLLED])
        assert len(enrolment.added) == len(ENROLLED), enrolment
        shown = [framed(media.read(photos / name), *square) for name, square in PORTRAITS.items()]
        found = [gallery.identify(image) for image in shown]
    assert [faces[0].person for faces in found] == ["Barack Obama", None]
    annotated = [render.annotate(image, faces) for image, faces in zip(shown, found, strict=True)]
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    media.write(TARGET, np.hstack(annotated))
    print(TARGET, TARGET.stat().st_size, "bytes")


def framed(image: Image, left: int, top: int, side: int) -> Image:
    """A square of an image, scaled."""
    square = image[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()
