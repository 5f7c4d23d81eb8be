"""Changes of whole batches of faces where the batch lies, on a processor or a GPU: one draw an image, and no loop.

Kornia draws one chain of operations a batch; RandAugment asks for one an image, which is why these are written here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Augmentation", "augment", "cover_half", "erase", "rand_augment"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a face may be changed.

    Attributes:
        flip: Share of images mirrored.
        degrees: Largest turn.
        scale: Largest relative change of size.
        shift: Largest move, as a share of the side.
        shear: Largest shear, as a share of the side.
        light: Largest relative change of brightness, of contrast, and of gamma.
        erasing: Share of images a rectangle of which is covered.
        noise: Standard deviation of noise, at most, on the scale of 0 to 1.
        blur: Share of images blurred.
    """

    flip: float = 0.5
    degrees: float = 15.0
    scale: float = 0.15
    shift: float = 0.1
    shear: float = 0.05
    light: float = 0.3
    erasing: float = 0.25
    noise: float = 0.02
    blur: float = 0.1


def augment(images: Tensor, how: Augmentation, generator: torch.Generator, *, side: int | None = None) -> Tensor:
    """(n, 1, H, W) grey of 0 to 1, each image changed by its own draw; same shape, or of that side."""
    n = len(images)

    def draw(limit: float) -> Tensor:
        return _uniform(n, images, generator) * limit

    mirrored = _share(n, how.flip, images, generator)
    images = _warp(
        images,
        mirrored,
        draw(how.degrees),
        draw(how.scale),
        draw(how.shift),
        draw(how.shift),
        draw(how.shear),
        side or images.shape[-1],
    )
    images = _light(images, draw(how.light), draw(how.light), draw(how.light))
    if how.blur:
        chosen = _share(n, how.blur, images, generator)[:, None, None, None]
        images = torch.where(chosen, functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False), images)
    if how.noise:
        strength = draw(how.noise).abs()[:, None, None, None]
        grain = torch.randn(images.shape, generator=generator, device=images.device, dtype=images.dtype)
        images = (images + strength * grain).clamp(0, 1)
    return erase(images, how.erasing, generator) if how.erasing else images


def rand_augment(images: Tensor, generator: torch.Generator, *, operations: int = 2, magnitude: int = 9) -> Tensor:
    """RandAugment (Cubuk et al., CVPR workshops 2020): for each image some operations of one strength out of ten.

    The operations are turn, scale, shift across, shift along, shear, brightness, contrast and gamma; those that move
    pixels are joined in one warp, so that an image is interpolated once.

    Args:
        images: (n, 1, H, W) grey of 0 to 1.
        generator: Of the draws.
        operations: How many an image (N).
        magnitude: How strong, 0 to 30 (M).
    """
    n, strength = len(images), magnitude / 30
    order = torch.rand((n, 8), generator=generator, device=images.device).argsort(1)
    signs = torch.where(_share(n * 8, 0.5, images, generator), 1.0, -1.0).reshape(n, 8)
    amount = (order < operations) * signs.to(images.dtype) * strength
    limits = torch.tensor([30.0, 0.5, 0.3, 0.3, 0.3, 0.9, 0.9, 0.9], device=images.device, dtype=images.dtype)
    turn, scale, across, along, shear, brightness, contrast, gamma = (amount * limits).unbind(1)
    still = torch.zeros(n, dtype=torch.bool, device=images.device)
    moved = _warp(images, still, turn, scale, across, along, shear, images.shape[-1])
    return _light(moved, brightness, contrast, gamma)


def erase(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Random erasing (Zhong et al., AAAI 2020): a rectangle of 2 to 25 % of the area becomes one random grey."""
    n, _, height, width = images.shape
    chosen = _share(n, share, images, generator)
    draws = torch.rand((5, n), generator=generator, device=images.device, dtype=torch.float32)
    area, ratio = 0.02 + 0.23 * draws[0], torch.exp((draws[1] * 2 - 1) * 0.9)
    tall, wide = (area * ratio).sqrt().clamp(max=0.9), (area / ratio).sqrt().clamp(max=0.9)
    top, left = draws[2] * (1 - tall), draws[3] * (1 - wide)
    rows = (torch.arange(height, device=images.device) + 0.5) / height
    columns = (torch.arange(width, device=images.device) + 0.5) / width
    inside_rows = (rows >= top[:, None]) & (rows < (top + tall)[:, None])
    inside_columns = (columns >= left[:, None]) & (columns < (left + wide)[:, None])
    covered = inside_rows[:, :, None] & inside_columns[:, None, :] & chosen[:, None, None]
    return torch.where(covered[:, None], draws[4].to(images.dtype)[:, None, None, None], images)


def cover_half(images: Tensor, side: str, value: float = 0.5) -> Tensor:
    """The images' ``"left"`` or ``"right"`` half in one grey."""
    covered = images.clone()
    middle = images.shape[-1] // 2
    covered[..., :middle] = value if side == "left" else covered[..., :middle]
    covered[..., middle:] = value if side == "right" else covered[..., middle:]
    return covered


def _warp(
    images: Tensor,
    mirrored: Tensor,
    degrees: Tensor,
    scale: Tensor,
    across: Tensor,
    along: Tensor,
    shear: Tensor,
    side: int,
) -> Tensor:
    radians = torch.deg2rad(degrees.float())
    zoom = 1 / (1 + scale.float())
    cosine, sine = torch.cos(radians) * zoom, torch.sin(radians) * zoom
    sign = torch.where(mirrored, -1.0, 1.0)
    matrix = torch.stack(
        [
            torch.stack([sign * cosine, sign * (shear.float() - sine), 2 * across.float()], 1),
            torch.stack([sine, cosine, 2 * along.float()], 1),
        ],
        1,
    ).to(images.dtype)
    grid = functional.affine_grid(matrix, [*images.shape[:2], side, side], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _light(images: Tensor, brightness: Tensor, contrast: Tensor, gamma: Tensor) -> Tensor:
    def per_image(values: Tensor) -> Tensor:
        return values[:, None, None, None]

    mean = images.mean((1, 2, 3), keepdim=True)
    changed = (images - mean) * (1 + per_image(contrast)) + mean + per_image(brightness) * 0.5
    return changed.clamp(1e-3, 1) ** torch.exp(per_image(gamma))


def _uniform(n: int, like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator, device=like.device, dtype=like.dtype) * 2 - 1


def _share(n: int, share: float, like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator, device=like.device) < share
