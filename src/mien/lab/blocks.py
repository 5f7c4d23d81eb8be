"""Layers that several methods' networks share, written once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["ConvNorm", "ResidualBlock", "SqueezeExcite", "residual_stage", "stem"]


class ConvNorm(nn.Sequential):
    """Convolution without bias, then batch normalisation: (n, c, H, W) -> (n, width, H / stride, W / stride).

    Args:
        channels: Of the input.
        width: Of the output.
        kernel: Side of the kernel, odd.
        stride: Of the convolution.
        groups: Of the convolution; ``channels`` makes it depthwise.
    """

    def __init__(self, channels: int, width: int, kernel: int = 3, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(width)
        )


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole map holds (Hu, Shen and Sun, CVPR 2018): shape unchanged.

    Args:
        channels: Of the map.
        reduction: By how much the bottleneck is narrower.
    """

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        hidden = max(4, channels // reduction)
        self.gate = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid())

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c, H, W) -> (n, c, H, W)."""
        return maps * self.gate(maps.mean((2, 3)))[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., CVPR 2016), with channels weighed where asked for.

    Args:
        channels: Of the input.
        width: Of the output.
        stride: Of the first convolution.
        excite: Whether channels are weighed.
    """

    def __init__(self, channels: int, width: int, *, stride: int = 1, excite: bool = False) -> None:
        super().__init__()
        self.first = ConvNorm(channels, width, stride=stride)
        self.second = ConvNorm(width, width)
        self.excite = SqueezeExcite(width) if excite else nn.Identity()
        same = stride == 1 and channels == width
        self.shortcut = nn.Identity() if same else ConvNorm(channels, width, 1, stride=stride)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels, H, W) -> (n, width, H / stride, W / stride)."""
        inner = self.excite(self.second(torch.relu(self.first(maps))))
        return torch.relu(inner + self.shortcut(maps))


def residual_stage(channels: int, width: int, blocks: int, *, stride: int, excite: bool = False) -> nn.Sequential:
    """Residual blocks of one width, of which the first strides: (n, channels, H, W) -> (n, width, H / stride, ...)."""
    layers = [ResidualBlock(channels, width, stride=stride, excite=excite)]
    layers += [ResidualBlock(width, width, excite=excite) for _ in range(blocks - 1)]
    return nn.Sequential(*layers)


def stem(channels: int, widths: Sequence[int], *, strides: Sequence[int]) -> nn.Sequential:
    """Plain 3x3 convolutions, each normalised and rectified."""
    layers: list[nn.Module] = []
    for width, stride in zip(widths, strides, strict=True):
        layers += [ConvNorm(channels, width, stride=stride), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers)
