"""A composed clip with known tracks: portraits that move over a drawn background. Synthetic, and never kept."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien import media
from mien.recognition import default_pipeline
from mien.types import Image

SIZE = (640, 360)
RATE = 25
SECONDS = 14
# A face of which less than this share shows is not there to be found.
_VISIBLE = 0.5

Path2D: TypeAlias = "Callable[[float], tuple[float, float, float]]"
"""Takes seconds, gives the middle of the face and its height in pixels."""


@dataclass(frozen=True)
class Cutout:
    """A person: head and neck cut out of a portrait.

    Attributes:
        name: Who they are.
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) float32, 1 where the person is.
        box: Left, top, right, bottom of the face in pixels of the image, as the detector sees it in the still.
    """

    name: str
    image: Image
    mask: NDArray[np.float32]
    box: NDArray[np.float32]


def people(archive: zipfile.ZipFile, expression: str) -> dict[str, str]:
    """Members of the archive by person; ``expression`` is ``neutral`` or ``smiling``."""
    names = [n for n in archive.namelist() if n.startswith(f"frll/{expression}_front/") and n.endswith(".jpg")]
    return {Path(name).name.split("_")[0]: name for name in sorted(names)}


def cut_out(name: str, data: bytes) -> Cutout:
    image = media.read(data)
    face = default_pipeline().locate([image])[0].largest
    assert face is not None
    left, top, right, bottom = face.box
    middle = (int((left + right) / 2), int((top + bottom) / 2))
    axes = (int((right - left) * 0.72), int((bottom - top) * 0.74))
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(mask, middle, axes, 0, 0, 360, 255, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), float(face.size) * 0.02)
    x0, x1 = max(0, middle[0] - axes[0] - 20), middle[0] + axes[0] + 20
    y0, y1 = max(0, middle[1] - axes[1] - 20), middle[1] + axes[1] + 20
    shifted = np.array([left - x0, top - y0, right - x0, bottom - y0], np.float32)
    return Cutout(name, image[y0:y1, x0:x1], soft[y0:y1, x0:x1].astype(np.float32) / 255, shifted)


@dataclass(frozen=True)
class Frame:
    """One frame, and what is true of it: ids are positions among the people, boxes those of visible faces."""

    image: Image
    timestamp: float
    ids: NDArray[np.int64]
    boxes: NDArray[np.float64]


def clip(cast: list[Cutout], seed: int) -> Iterator[Frame]:
    """Six people over 14 seconds.

    The first two walk along one row and cross three times. The third walks behind a pillar and is hidden for a second
    or more. The fourth leaves the picture and comes back on the other side three seconds later. The fifth comes
    nearer and goes away, from half to one and a half times the size. The sixth appears out of nowhere at a third of
    the time, walks across the first two, and jumps once.
    """
    rng = np.random.default_rng(seed)
    background = _background(rng)
    paths, pillar = _paths(rng)
    # Who stands in front is drawn, too; the pillar is before everybody.
    order = rng.permutation(len(cast))
    for number in range(SECONDS * RATE):
        time = number / RATE
        yield _compose(background, cast, [path(time) for path in paths], order, pillar, time)


def _paths(rng: np.random.Generator) -> tuple[list[Path2D], tuple[int, int, int, int]]:
    width, height = SIZE
    size = rng.uniform(52, 68, 6)
    row = np.array([0.2, 0.2, 0.52, 0.84, 0.52, 0.2]) * height + rng.uniform(-6, 6, 6)
    turn = rng.uniform(4.2, 5.2)
    phase = rng.uniform(0, 0.4)
    speed = rng.uniform(70, 110)
    pillar_left = int(rng.uniform(170, 230))
    pillar = (pillar_left, int(0.36 * height), pillar_left + int(size[2] * 1.5 + speed * 1.1), int(0.69 * height))
    away = rng.uniform(3.5, 4.5)
    jump = rng.uniform(9, 11)
    first: Path2D = lambda t: (width * (0.5 + 0.38 * math.cos(math.pi * t / turn + phase)), row[0], size[0])  # noqa: E731
    second: Path2D = lambda t: (width * (0.5 - 0.38 * math.cos(math.pi * t / turn + phase)), row[1], size[1])  # noqa: E731

    def third(t: float) -> tuple[float, float, float]:
        start = pillar[0] - 60.0
        return start + max(0.0, min(speed * (t - 1.5), pillar[2] + 60 - start)), row[2], size[2]

    def fourth(t: float) -> tuple[float, float, float]:
        before, after = 120 + 160 * t * 0.3, width + 60 - 90 * (t - away - 3)
        leaving = 120 + 160 * 0.3 * (away - 1) - 330 * (t - away + 1)
        return (before if t < away - 1 else leaving if t < away + 3 else max(380.0, after)), row[3], size[3]

    def fifth(t: float) -> tuple[float, float, float]:
        grown = size[4] * (1 + 0.5 * math.sin(2 * math.pi * t / 6 + phase))
        return width * 0.82 + 20 * math.sin(2 * math.pi * t / 4), row[4], grown

    def sixth(t: float) -> tuple[float, float, float]:
        if t < SECONDS / 3:
            return -500.0, 0.0, size[5]
        x, y = width * 0.5 + 60 * math.sin(t), row[5] + 40 * math.cos(1.3 * t)
        return (x, y, size[5]) if t < jump else (width * 0.3 + 10 * math.sin(t), row[3], size[5])

    return [first, second, third, fourth, fifth, sixth], pillar


def _background(rng: np.random.Generator) -> Image:
    coarse = rng.uniform(60, 190, (9, 16, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255), np.uint8)


def _compose(
    background: Image,
    cast: list[Cutout],
    places: list[tuple[float, float, float]],
    order: NDArray[Any],
    pillar: tuple[int, int, int, int],
    time: float,
) -> Frame:
    canvas = background.astype(np.float32)
    covered = np.zeros(canvas.shape[:2], np.int64)  # by whom; 0 for nobody
    boxes = np.zeros((len(cast), 4))
    for index in order:
        person, (x, y, face_height) = cast[index], places[index]
        scale = face_height / float(person.box[3] - person.box[1])
        middle = (person.box[:2] + person.box[2:]) / 2
        matrix = np.array([[scale, 0, x - scale * middle[0]], [0, scale, y - scale * middle[1]]])
        # Averaging down first: sampling a portrait of a thousand pixels at one of sixty would be all noise.
        small = cv2.resize(person.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        soft = cv2.resize(person.mask, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
        shift = np.array([[1, 0, matrix[0, 2]], [0, 1, matrix[1, 2]]])
        layer = cv2.warpAffine(small, shift, SIZE)
        mask = cv2.warpAffine(soft, shift, SIZE)
        canvas += (layer - canvas) * mask[..., None]
        covered[mask > 0.5] = index + 1
        boxes[index] = (person.box * scale).astype(np.float64) + np.tile(matrix[:, 2], 2)
    left, top, right, bottom = pillar
    canvas[top:bottom, left:right] = (70, 60, 50)
    covered[top:bottom, left:right] = -1
    visible = np.array([_share(covered, box, index + 1) >= _VISIBLE for index, box in enumerate(boxes)], bool)
    image = np.asarray(np.clip(canvas, 0, 255), np.uint8)
    return Frame(image, time, np.flatnonzero(visible), boxes[visible])


def _share(covered: NDArray[np.int64], box: NDArray[np.float64], who: int) -> float:
    left, top, right, bottom = np.round(box).astype(int)
    area = max(1, (right - left) * (bottom - top))
    part = covered[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return int(np.count_nonzero(part == who)) / int(area)
