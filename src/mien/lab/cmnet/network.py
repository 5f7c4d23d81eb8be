"""CMNet, after its released ``Model_5``: one trunk looks at a face and at both its halves; details and sizes ours.

Trained from scratch and narrower than published (ResNet-18 with MS-Celeb-1M weights there), and named so.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mien.lab.blocks import ConvNorm, residual_stage, stem

__all__ = ["CMNet", "QuadrantChannelGate", "SplitSpatialGate"]


class QuadrantChannelGate(nn.Module):
    """Channels weighed by what each quadrant of the map holds, pooled by mean and by maximum: shape unchanged.

    Args:
        channels: Of the map.
        hidden: Width of the shared bottleneck.
    """

    def __init__(self, channels: int, hidden: int = 32) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(4 * channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c, H, W) -> (n, c, H, W); rows and columns are cut at H // 2 and W // 2."""
        row, column = maps.shape[2] // 2, maps.shape[3] // 2
        quadrants = [part for half in (maps[:, :, :row], maps[:, :, row:]) for part in _cut(half, column)]
        mean = torch.cat([part.mean((2, 3)) for part in quadrants], 1)
        highest = torch.cat([part.amax((2, 3)) for part in quadrants], 1)
        return maps * torch.sigmoid(self.mlp(mean) + self.mlp(highest))[:, :, None, None]


class SplitSpatialGate(nn.Module):
    """Places weighed by four groups of channels, whose maps lie side by side as a 2x2 mosaic: shape unchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.look = ConvNorm(2, 1, 7)
        self.join = nn.Conv2d(1, 1, 2, 2)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c, H, W), c a multiple of 4 -> (n, c, H, W)."""
        summed = [
            torch.cat([part.amax(1, keepdim=True), part.mean(1, keepdim=True)], 1) for part in maps.chunk(4, dim=1)
        ]
        mosaic = torch.cat([torch.cat(summed[:2], 3), torch.cat(summed[2:], 3)], 2)
        return maps * torch.sigmoid(self.join(self.look(mosaic)))


class CMNet(nn.Module):
    """The trunk alone (M0), or with halves, gates and half-face features to be aligned (M5).

    Args:
        width: Of the first stage; 64 is ResNet-18's.
        classes: How many.
        symmetric: Whether halves, fusion and gates are there; without, this is the trunk the gain is measured against.
        mirror_right: Whether the right half is mirrored before the trunk sees it, so that what is aligned shows the
            same side (ours; the released code compares halves as they lie).
    """

    def __init__(
        self, width: int = 16, classes: int = 7, *, symmetric: bool = True, mirror_right: bool = False
    ) -> None:
        super().__init__()
        self.symmetric, self.mirror_right = symmetric, mirror_right
        widths = [width, 2 * width, 4 * width]
        stages, channels = [stem(1, [width], strides=[1])], width
        for index, value in enumerate(widths):
            stages.append(residual_stage(channels, value, 2, stride=1 if index == 0 else 2))
            channels = value
        self.trunk = nn.Sequential(*stages)
        self.last = residual_stage(channels, 8 * width, 2, stride=2)
        gates = [QuadrantChannelGate(8 * width), SplitSpatialGate()] if symmetric else []
        self.refine = nn.Sequential(*gates)
        self.head = nn.Linear(8 * width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 1, H, W) grey of 0 to 1, W a multiple of 8 -> (n, classes) logits."""
        return self.with_halves(images)[0]

    def with_halves(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, and the (n, 4 width) features of the left and the right half; the trunk alone gives empty ones."""
        images = (images - 0.5) * 4.0
        maps = self.trunk(images)
        left = right = maps.new_zeros((len(maps), 0))
        if self.symmetric:
            first, second = self._halves(images)
            left, right = first.mean((2, 3)), second.mean((2, 3))
            maps = maps + torch.cat([first, second.flip(3) if self.mirror_right else second], 3)
        logits: Tensor = self.head(self.refine(self.last(maps)).mean((2, 3)))
        return logits, left, right

    def _halves(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The trunk's maps of both halves; weights and batch statistics are the whole face's."""
        left, right = _cut(images, images.shape[3] // 2)
        return self.trunk(left), self.trunk(right.flip(3) if self.mirror_right else right)


def _cut(maps: Tensor, column: int) -> tuple[Tensor, Tensor]:
    return maps[:, :, :, :column], maps[:, :, :, column:]
