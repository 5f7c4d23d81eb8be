"""Everything that can be said of a face's quality, on demand: `mien.quality.assess` is what every face gets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InvalidArgument
from mien.quality import measures
from mien.quality.assessment import assess
from mien.quality.compression import similarity_of_blocks, similarity_of_tables
from mien.quality.maps import COMPONENTS
from mien.quality.normalised import Normalised
from mien.types import Array, Faces, Image

__all__ = ["Examination", "Measured", "examine"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One component of one face.

    Attributes:
        value: The raw measure, in the unit of `mien.quality.COMPONENTS`.
        score: 0 (useless) to 100.
    """

    value: float
    score: float


@dataclass(frozen=True, slots=True)
class Examination:
    """What was measured of one face.

    Attributes:
        box: (4,) left, top, right, bottom in pixels.
        image_size: Width and height of the image in pixels.
        quality: The unified score, 0 to 100, see `mien.quality.assess`; None where it was not assessed.
        components: By name; what could not be measured is missing.
    """

    box: tuple[float, float, float, float]
    image_size: tuple[int, int]
    quality: float | None
    components: Mapping[str, Measured]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; a component that is not known is null, with its unit."""
        known = {name: self.components.get(name) for name in COMPONENTS}
        return {
            "box": dict(zip(("left", "top", "right", "bottom"), (round(edge, 2) for edge in self.box), strict=True)),
            "image": {"width": self.image_size[0], "height": self.image_size[1]},
            "quality": None if self.quality is None else round(self.quality, 2),
            "components": {
                name: None
                if one is None
                else {"value": float(f"{one.value:.6g}"), "unit": COMPONENTS[name].unit, "score": round(one.score)}
                for name, one in known.items()
            },
        }


def examine(
    image: Image,
    faces: Faces,
    index: int = 0,
    *,
    mesh: Array | None = None,
    mask: Array | None = None,
    table: NDArray[np.integer] | None = None,
) -> Examination:
    """Measure the components of one face.

    Args:
        image: (height, width, 3) uint8 RGB, the image the faces were found in.
        faces: All of its faces: whether one is alone is a component.
        index: Which one.
        mesh: (468, 3) its mesh, as from `mien.faces.Landmarker.meshes`; without it what rests on it is missing.
        mask: (height, width) float32 in [0, 1], people, as from `mien.segmentation`; without it the background is
            missing.
        table: How the file was quantised, as from `mien.media.quantisation`; without it compression is looked for in
            the picture, and missing where none is seen.

    Returns:
        The components that could be measured.

    Raises:
        InvalidArgument: An image, mesh or mask that is not of these faces, or no such face.
    """
    if not 0 <= index < len(faces):
        raise InvalidArgument(f"index: expected a face of {len(faces)}, got {index}")
    assessed = assess(image, faces)
    found = {"sharpness": float(assessed.extra["quality.sharpness"][index])}
    found["single_face"] = measures.single_face(faces.sizes) if index == int(np.argmax(faces.sizes)) else 1.0
    found["compression"] = similarity_of_blocks(image) if table is None else similarity_of_tables(table)
    if mesh is not None:
        if np.shape(mesh) != (468, 3):
            raise InvalidArgument(f"mesh: expected (468, 3) pixels, got {np.shape(mesh)}")
        found |= _of_geometry(mesh, faces.image_size) | _of_pixels(image, faces.landmarks[index], mesh, mask)
    elif mask is not None:
        raise InvalidArgument("mask: expected the face's mesh with it, got none")
    components = {
        name: Measured(found[name], float(np.clip(COMPONENTS[name].score(found[name]), 0, 100)))
        for name in COMPONENTS
        if math.isfinite(found.get(name, math.nan))
    }
    left, top, right, bottom = (float(edge) for edge in faces.boxes[index])
    quality = assessed.quality
    return Examination(
        (left, top, right, bottom),
        faces.image_size,
        None if quality is None else float(quality[index]),
        MappingProxyType(components),
    )


def _of_geometry(mesh: Array, size: tuple[int, int]) -> dict[str, float]:
    pose = measures.mesh_pose(mesh)
    turned = math.cos(math.radians(pose.yaw))
    found = {"eyes_open": measures.eyes_open(mesh), "mouth_closed": measures.mouth_closed(mesh), **pose._asdict()}
    found["inter_eye_distance"] = measures.between_eyes(mesh) / turned if turned > 0 else math.nan
    found["head_size"] = measures.t_metric(mesh) / size[1]
    return found | {f"margin_{side}": room for side, room in measures.margins(mesh, size).items()}


def _of_pixels(image: Image, landmarks: Array, mesh: Array, mask: Array | None) -> dict[str, float]:
    face = Normalised(image, landmarks, mesh)
    mean, variance = measures.luminance_moments(face)
    found = {
        "illumination_uniformity": measures.illumination_uniformity(face),
        "luminance_mean": mean,
        "luminance_variance": variance,
        "under_exposure": measures.share_of_skin(face, 0, 25),
        "over_exposure": measures.share_of_skin(face, 247, 255),
        "dynamic_range": measures.dynamic_range(face),
        "natural_colour": measures.natural_colour(face),
    }
    if mask is not None:
        if np.shape(mask) != image.shape[:2]:
            raise InvalidArgument(f"mask: expected {image.shape[:2]}, one number a pixel, got {np.shape(mask)}")
        found["background_uniformity"] = measures.background_uniformity(face, mask)
    return found
