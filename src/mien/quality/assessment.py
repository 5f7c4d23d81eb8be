"""From an image and its faces to columns of quality."""

from __future__ import annotations

import dataclasses

import numpy as np

from mien.errors import InvalidArgument
from mien.quality.components import (
    brightness,
    cut_off,
    face_regions,
    over_exposure,
    sharpness,
    sigmoid_map,
    under_exposure,
)
from mien.quality.pose import head_pose
from mien.quality.utility import MEASURES, load_utility
from mien.types import Array, Faces, Image

__all__ = ["assess"]

_OF_THE_REGION = {
    "sharpness": sharpness,
    "brightness": brightness,
    "under_exposure": under_exposure,
    "over_exposure": over_exposure,
}

# Parameters x0, w, h, a, s of `sigmoid_map`, so placed that a component's worth falls as recognition does under it
# (figures in `mien.quality.policy`). Under-exposure is left
# out: a face of nothing but near-black pixels is still recognised.
_WORTH = {
    "size": (9, 2.5, 100, 0, 1),
    "sharpness": (0.06, 0.02, 100, 0, 1),
    "brightness": (0.04, 0.012, 100, 0, 1),
    "over_exposure": (0.6, 0.1, 100, 1, -1),
    "cut_off": (0.35, 0.08, 100, 1, -1),
    "turned": (60, 8, 100, 1, -1),
}


def assess(image: Image, faces: Faces) -> Faces:
    """Measure how far each face can be trusted.

    Args:
        image: (height, width, 3) uint8 RGB, the image the faces were found in.
        faces: Its faces; columns of an earlier assessment are replaced.

    Returns:
        The same faces with ``quality`` (0 to 100, the product of what the components are worth: one bad component
        is enough to spoil a face) and these extra columns, each (n,) float32:

        - ``quality.size``: inter-eye distance in pixels, as if the face were turned to the camera;
        - ``quality.sharpness``: 0 to 1; about 0.17 for an ordinary photo, below 0.05 badly blurred;
        - ``quality.brightness``: mean luminance of the face, 0 to 1;
        - ``quality.under_exposure``, ``quality.over_exposure``: share of its pixels nearly black, nearly white;
        - ``quality.yaw``, ``quality.pitch``, ``quality.roll``: degrees, see `mien.quality.head_pose`;
        - ``quality.cut_off``: share of the box outside the image;
        - ``quality.utility``: 0 to 100, how well the face will be recognised as far as the recogniser itself can tell
          (see `mien.quality.utility`); only of faces with templates of a space for which that was learnt.

    Raises:
        InvalidArgument: The image is not the size that the faces say.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InvalidArgument(f"image: expected (height, width, 3) uint8 RGB, got {image.shape} {image.dtype}")
    if (image.shape[1], image.shape[0]) != tuple(faces.image_size):
        raise InvalidArgument(
            f"image: the faces were found in one of {faces.image_size[0]}x{faces.image_size[1]} pixels, "
            f"got {image.shape[1]}x{image.shape[0]}"
        )
    pose = head_pose(faces.landmarks)
    regions = face_regions(image, faces.landmarks, pose.scale)
    measures = {"size": pose.scale, "yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll}
    measures["cut_off"] = cut_off(faces.boxes, faces.image_size)
    for name, measure in _OF_THE_REGION.items():
        measures[name] = np.array([measure(region) for region in regions], np.float32)
    extra = {**faces.extra, **{f"quality.{name}": column for name, column in measures.items()}}
    assessed = dataclasses.replace(faces, quality=_unified(measures), extra=extra)
    known = faces.space is not None and set(MEASURES) <= {"score", *extra}
    model = load_utility(str(faces.space)) if known else None
    if model is None:
        return assessed
    return dataclasses.replace(assessed, extra={**extra, "quality.utility": model.score(assessed)})


def _unified(measures: dict[str, Array]) -> Array:
    """(n,) float32, 0 to 100: the product of the components' worth."""
    column = measures | {"turned": np.hypot(measures["yaw"], measures["pitch"])}
    raw = np.stack([column[name] for name in _WORTH]).astype(np.float64)
    x0, w, h, a, s = np.array(list(_WORTH.values())).T[:, :, None]
    unified = 100 * np.prod(sigmoid_map(raw, x0=x0, w=w, h=h, a=a, s=s) / 100, axis=0)
    return np.asarray(np.nan_to_num(unified), np.float32)
