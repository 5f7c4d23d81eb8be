"""Networks of one face on 48x48 grey pixels, with a head for each way in which the same faces were labelled."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mien.lab.blocks import residual_stage, stem

__all__ = ["HEADS", "ExpressionNetwork", "PlainNetwork", "build"]

HEADS = {"fer2013": 7, "ferplus": 10}
"""Outputs a head: FER2013's classes; FER+ votes: those seven, contempt, unknown and not a face."""


class _Heads(nn.Module):
    """(n, c) features -> (n, 17) logits: FER2013's seven, then the ten of FER+."""

    def __init__(self, features: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(features, sum(HEADS.values()))

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.dropout(features))
        return logits


class ExpressionNetwork(nn.Module):
    """Residual network with weighed channels.

    Args:
        widths: Of the four stages.
        blocks: How many each stage has.
        stems: Widths of the convolutions before the stages.
        stem_strides: Their strides.
        dropout: Before the heads.
        excite: Whether channels are weighed.
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512),
        blocks: Sequence[int] = (2, 2, 2, 2),
        *,
        stems: Sequence[int] = (64,),
        stem_strides: Sequence[int] = (1,),
        dropout: float = 0.3,
        excite: bool = True,
    ) -> None:
        super().__init__()
        self.stem = stem(1, stems, strides=stem_strides)
        stages, channels = [], stems[-1]
        for index, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            stages.append(residual_stage(channels, width, count, stride=1 if index == 0 else 2, excite=excite))
            channels = width
        self.stages = nn.Sequential(*stages)
        self.heads = _Heads(channels, dropout)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 1, 48, 48) grey of 0 to 1 -> (n, 17) logits."""
        maps = self.stages(self.stem((images - 0.5) * 4.0))
        logits: Tensor = self.heads(maps.mean((2, 3)))
        return logits


class PlainNetwork(nn.Module):
    """Convolutions and pooling without shortcuts, after VGG-13 as FER+ was first trained (Barsoum et al., ICMI 2016).

    Args:
        widths: Of the four stages, of two, two, three and three convolutions.
        dropout: Before the heads; half of it after each stage.
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 384), *, dropout: float = 0.4) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for width, count in zip(widths, (2, 2, 3, 3), strict=True):
            layers += [stem(channels, [width] * count, strides=[1] * count), nn.MaxPool2d(2), nn.Dropout2d(dropout / 4)]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.heads = _Heads(channels * 2, dropout)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 1, 48, 48) grey of 0 to 1 -> (n, 17) logits."""
        maps = self.layers((images - 0.5) * 4.0)
        logits: Tensor = self.heads(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1))
        return logits


def build(name: str) -> nn.Module:
    """A network of one of the sizes that are trained here."""
    if name == "teacher":
        return ExpressionNetwork()
    if name == "plain":
        return PlainNetwork()
    if name == "large":
        return ExpressionNetwork((64, 128, 256, 352), dropout=0.2)
    if name == "accurate":
        return ExpressionNetwork((48, 96, 192, 320), (1, 1, 2, 1), stems=(24, 48), stem_strides=(2, 1), dropout=0.2)
    if name == "small":
        return ExpressionNetwork(
            (24, 56, 112, 176), (1, 1, 1, 1), stems=(16, 24), stem_strides=(2, 2), dropout=0.1, excite=False
        )
    if name == "tiny":
        return ExpressionNetwork((4, 8), (1, 1), stems=(4,), stem_strides=(4,))
    if name == "reduced":
        return ExpressionNetwork(
            (16, 32, 64, 128), (1, 1, 1, 1), stems=(8, 16), stem_strides=(2, 2), dropout=0.1, excite=False
        )
    raise ValueError(name)
