"""One photo examined: its main face found, meshed, told from what is behind it, and measured."""

from __future__ import annotations

import numpy as np

from mien import media, quality, segmentation
from mien.errors import NoFace, SegmentationFailed
from mien.recognition.pipeline import Pipeline
from mien.recognition.recognisers import default_pipeline
from mien.types import Faces, Image

__all__ = ["examine"]


def examine(source: media.Source, *, pipeline: Pipeline | None = None) -> tuple[Image, Faces, quality.Examination]:
    """Examine the largest face of a photo; see `mien.quality.examine`.

    Args:
        source: Path, bytes, file object, or (H, W, 3) uint8 RGB array.
        pipeline: Finds the face; the default one unless given.

    Returns:
        The image, the face that was examined, and what was measured of it.

    Raises:
        NoFace: There is none.
        UnreadableImage: The file is missing, damaged or no image.
        ImageTooLarge: More pixels or bytes than `mien.media.read` allows.
    """
    pipeline = pipeline or default_pipeline()
    image = media.read(source)
    faces = pipeline.find(image)
    if not len(faces):
        name = media.source_name(source)
        raise NoFace(f"{name}: expected a face, found none; it should be at least 24 pixels wide", source=name)
    index = int(np.argmax(faces.sizes))
    (meshes,) = pipeline.meshes([image], [faces])
    try:
        mask = segmentation.segmenter().segment(image, faces)
        segmentation.check_mask(mask, faces)
    except SegmentationFailed:
        mask = None
    table = media.quantisation(source)
    found = quality.examine(image, faces, index, mesh=meshes[index], mask=mask, table=table)
    return image, faces[index : index + 1], found
