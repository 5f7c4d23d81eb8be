"""Synthetic tracks: what a video might have shown of a face of which there is one still.

A track's comparison takes the highest score over its decision points, so its thresholds must be fitted to tracks. Sets
of many people on video are rarely at hand; a still, looked at again and again through small changes of place, size,
light and compression, stands in. Pose and expression do not change in it, as they do in a video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.faces.alignment import warp
from mien.recognition.embed import fuse_track
from mien.types import Array, Faces, Image

if TYPE_CHECKING:
    from mien.recognition.pipeline import Pipeline

__all__ = [
    "DECISION_POINTS",
    "LOOKS",
    "MOST_TRACKS",
    "TRACK_LIMITS",
    "Tracks",
    "choose_stills",
    "looks",
    "make_tracks",
    "track_scores",
]

DECISION_POINTS = (3, 6, 12)
"""After so many samples a track is compared; the highest of the scores counts."""

LOOKS = DECISION_POINTS[-1]
"""Samples of a synthetic track."""

MOST_TRACKS = 600
"""Tracks that a calibration rests on at most; each costs as much as a dozen images."""

TRACK_LIMITS = "tracks are synthetic: each one still, slightly changed again and again, in one pose and expression"
"""What a calibration says of them."""

# Of the face's size: what is around it helps the detector. Larger faces are brought down to a video's.
_FRAME = 2.5
_LARGEST_FACE = 160.0


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Synthetic tracks of people of whom there are other images.

    Attributes:
        templates: (t, k, d) float32 of unit length, in the order of the samples.
        quality: (t, k) float32, unified quality of each sample, 0 to 100.
        rows: (t,) which of the set's images each track was made from.
    """

    templates: Array
    quality: Array
    rows: NDArray[np.int64]


def choose_stills(people: Sequence[str], *, seed: int = 0, most: int = MOST_TRACKS) -> NDArray[np.int64]:
    """One image a person to make a track from: of those who have another image first, and of ``most`` people.

    Args:
        people: Whose each image is.
        seed: Of the choice.
        most: How many tracks.

    Returns:
        (t,) rows, ascending.
    """
    subjects = np.unique(np.asarray(people), return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(len(subjects))
    rows = order[np.unique(subjects[order], return_index=True)[1]]
    alone = np.bincount(subjects)[subjects[rows]] < 2
    shuffled = np.random.default_rng([seed, 1]).permutation(len(rows))
    return np.sort(rows[shuffled[np.argsort(alone[shuffled], kind="stable")][:most]])


def looks(image: Image, box: ArrayLike, rng: np.random.Generator, count: int = LOOKS) -> Iterator[Image]:
    """A face seen again and again: turned, moved, scaled, blurred, lit, noisy and compressed a little differently.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: (4,) xyxy in pixels: the face.
        rng: Draws the changes.
        count: How many looks.

    Yields:
        (s, s, 3) uint8 RGB with the face near its centre.
    """
    left, top, right, bottom = (float(edge) for edge in np.asarray(box))
    face = max(right - left, bottom - top, 1.0)
    for _ in range(count):
        scale = rng.uniform(0.75, 1.1) * min(1.0, _LARGEST_FACE / face)
        angle = np.deg2rad(rng.uniform(-6, 6))
        size = max(32, round(_FRAME * face * scale))
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([(left + right) / 2, (top + bottom) / 2])
        shift = size / 2 - linear @ middle + rng.uniform(-0.1, 0.1, 2) * face * scale
        yield _degrade(warp(image, np.column_stack([linear, shift]), size), face * scale, rng)


def _degrade(image: Image, face: float, rng: np.random.Generator) -> Image:
    blurred = cv2.GaussianBlur(image, (0, 0), max(0.1, rng.uniform(0, 0.015) * face))
    values = blurred * rng.uniform(0.75, 1.25) + rng.uniform(-12, 12) + rng.normal(0, rng.uniform(0, 5), image.shape)
    noisy = np.clip(values, 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))]
    compressed = cv2.imencode(".jpg", noisy[..., ::-1], quality)[1]
    decoded = np.asarray(cv2.imdecode(compressed, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])


def make_tracks(
    stills: Iterable[tuple[int, Image, ArrayLike]],
    pipeline: Pipeline,
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Tracks:
    """Make a track of each still.

    Args:
        stills: Row of each image in its set, (H, W, 3) uint8 RGB, and (4,) xyxy of the face in pixels.
        pipeline: Finds and embeds the face in every look.
        seed: Of the looks; the same still gives the same looks whatever others there are.
        progress: Called with the tracks begun so far.

    Returns:
        The tracks; a still in none of whose looks a face was found is left out.
    """
    rows: list[int] = []

    def feed() -> Iterator[Image]:
        for row, image, box in stills:
            rows.append(row)
            yield from looks(image, box, np.random.default_rng([seed, row]))

    found: dict[int, list[tuple[Array, float]]] = {}
    for index, image, faces in pipeline.find_all_indexed(feed()):
        if progress is not None and index % LOOKS == 0:
            progress(index // LOOKS + 1)
        if len(faces):
            found.setdefault(index // LOOKS, []).append(_middle(image, faces))
    # A frame in which a video shows no face gives no sample; others follow it.
    samples = [[seen[i % len(seen)] for i in range(LOOKS)] for seen in found.values()]
    return Tracks(
        np.array([[template for template, _ in track] for track in samples], np.float32),
        np.array([[grade for _, grade in track] for track in samples], np.float32),
        np.array([rows[i] for i in found], np.int64),
    )


def _middle(image: Image, faces: Faces) -> tuple[Array, float]:
    centres = faces.boxes.reshape(-1, 2, 2).mean(1)
    nearest = faces[int(np.argmin(np.abs(centres - np.array(image.shape[1::-1]) / 2).sum(1)))]
    assert nearest.template is not None
    return nearest.template, nearest.quality or 0.0


def track_scores(tracks: Tracks, references: Array) -> Array:
    """The score of each track against each person: the highest over the decision points.

    Args:
        tracks: Of k samples each.
        references: (m, d) float32 of unit length: templates of people.

    Returns:
        (t, m) float32.
    """
    best = np.full((len(tracks.rows), len(references)), -1.0, np.float32)
    for point in DECISION_POINTS:
        pairs = zip(tracks.templates[:, :point], tracks.quality[:, :point], strict=True)
        fused = np.stack([fuse_track(templates, quality) for templates, quality in pairs])
        np.maximum(best, fused @ references.T, out=best)
    return best
