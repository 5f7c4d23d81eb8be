"""Any colours Pillow can hold to 8-bit sRGB: profiles, alpha, grey, palettes, CMYK and 16 bits."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image, ImageCms

__all__ = ["BACKGROUND", "to_srgb"]

BACKGROUND = (255, 255, 255)
"""What shows through where an image is transparent: white, as on the pages cut-out portraits are made for."""

_PROFILED = {"RGB", "L", "CMYK"}


def to_srgb(image: Image.Image) -> Image.Image:
    """The image in 8-bit sRGB, mode ``RGB``; transparency shows `BACKGROUND`.

    An embedded ICC profile is honoured, perceptually; one that is damaged or of another colour space is ignored,
    as browsers do. CMYK without a profile is converted by the plain formula. 16-bit grey keeps its upper byte, as
    Pillow does for 16-bit colour.

    Args:
        image: A loaded image of any mode.

    Raises:
        ValueError: Pixels without a known range (32-bit integers, floats) or of a mode without a conversion.
    """
    profile = image.info.get("icc_profile")
    if image.mode == "RGB" and not profile and "transparency" not in image.info:
        return image
    if image.mode in {"I", "F"}:
        raise ValueError("32-bit pixels have no fixed range: save it with 8 or 16 bits a channel")
    alpha = None
    if image.mode.startswith("I;16"):
        image = _upper_byte(image)
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
    if image.mode not in _PROFILED:
        image = image.convert("L" if image.mode == "1" else "RGB")
    colours = _apply_profile(image, profile) if profile else image.convert("RGB")
    if alpha is None:
        return colours
    canvas = Image.new("RGB", colours.size, BACKGROUND)
    canvas.paste(colours, mask=alpha)
    return canvas


def _upper_byte(image: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    transform = _transform(bytes(profile), image.mode)
    return image.convert("RGB") if transform is None else transform.apply(image)


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile to sRGB; None where that would change nothing, or nothing can be made of it.

    Cached, as a camera or an editor writes the same few profiles into every file.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        return None if mode == "RGB" and _is_identity(transform) else transform
    except (OSError, ImageCms.PyCMSError, ValueError):
        return None


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether the profile is sRGB, by what it does: its name may be anything (``"c2"``, ``"sRGB built-in"``)."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 3)
    changed = np.asarray(transform.apply(Image.fromarray(colours)))
    return int(np.abs(changed.astype(int) - colours).max()) <= 2
