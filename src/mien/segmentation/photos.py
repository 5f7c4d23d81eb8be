"""Photos before another background: read, masked, checked, put together, many at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from mien import media, models
from mien.errors import InvalidArgument, MienError, NoFace
from mien.faces import default_detector
from mien.segmentation.compositing import WHITE, blurred_background, replace_background
from mien.segmentation.guards import check_mask
from mien.segmentation.segmenters import DEFAULT, segmenter
from mien.types import Array, Image

if TYPE_CHECKING:
    from mien.media import Source

__all__ = ["Background", "person_mask", "replace_backgrounds"]

Background: TypeAlias = "tuple[int, int, int] | Image | None"
"""A colour; a picture, which is scaled and cropped to cover; or None for the photo's own, out of focus."""


def person_mask(image: Image, *, by: str = DEFAULT) -> Array:
    """A mask of the people in an image, or an error: never one that cannot be of them.

    Args:
        image: (height, width, 3) uint8 RGB.
        by: Name of the segmenter.

    Returns:
        (height, width) float32 in [0, 1].

    Raises:
        NoFace: Nobody is there.
        SegmentationFailed: The mask cannot be of these people.
    """
    (faces,) = default_detector().detect([image])
    if not len(faces):
        raise NoFace("image: expected a face, got none; people are looked for around their faces")
    mask = segmenter(by).segment(image, faces)
    check_mask(mask, faces)
    return mask


def replace_backgrounds(
    sources: Iterable[Source],
    background: Background = WHITE,
    *,
    by: str = DEFAULT,
    feather: float = 0.0,
) -> Iterator[tuple[int, Image | MienError]]:
    """Photos before another background, in order, in constant memory.

    Args:
        sources: Photos.
        background: What comes behind the people.
        by: Name of the segmenter.
        feather: See `replace_background`.

    Yields:
        Position, and (height, width, 3) uint8 RGB, or why there is none.

    Raises:
        InvalidArgument: A background or segmenter that cannot be.
        ModelUnavailable: Weights are missing and could not be fetched.
    """
    segmenter(by)  # a mistyped name is told at once
    return _replaced(iter(sources), background, by, feather)


def _replaced(
    sources: Iterator[Source], background: Background, by: str, feather: float
) -> Iterator[tuple[int, Image | MienError]]:
    def work(source: Source) -> Image | MienError:
        try:
            image = media.read(source)
            mask = person_mask(image, by=by)
            return replace_background(image, mask, _behind(image, mask, background), feather=feather)
        except InvalidArgument:
            raise
        except MienError as error:
            return error

    waiting: deque[Future[Image | MienError]] = deque()
    count = models.available_threads()
    position = 0
    with ThreadPoolExecutor(count, thread_name_prefix="mien-background") as pool:
        for source in islice(sources, 2 * count):
            waiting.append(pool.submit(work, source))
        while waiting:
            yield position, waiting.popleft().result()
            position += 1
            waiting.extend(pool.submit(work, source) for source in islice(sources, 1))


def _behind(image: Image, mask: Array, background: Background) -> tuple[int, int, int] | Image:
    if background is None:
        return blurred_background(image, mask)
    if isinstance(background, tuple):
        return background
    height, width = image.shape[:2]
    scale = max(height / background.shape[0], width / background.shape[1])
    size = (max(width, round(background.shape[1] * scale)), max(height, round(background.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(background, size, interpolation=method), np.uint8)
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    return scaled[top : top + height, left : left + width]
