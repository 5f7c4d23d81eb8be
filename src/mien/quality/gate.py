"""What a face must have been through before it is enrolled or identified, beyond what every face is asked.

A gate gives reasons, and whoever decides refuses for them: it need not know who found them. Quality is the one check
there is; a further one is a further key of `Gate.parse`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Self, TypeAlias, get_args

import numpy as np

from mien.errors import InvalidArgument
from mien.quality.policy import ENROLMENT, IDENTIFICATION, Policy, reasons
from mien.types import Faces

__all__ = ["LEVELS", "OPEN", "Gate", "Level", "Require"]

Level: TypeAlias = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class _Grade:
    """What a level asks: the limits of a policy, and the least utility where that is known (``low_quality``)."""

    policy: Policy
    utility: float


_HIGH = Policy(
    size=45, sharpness=0.1, brightness=0.1, under_exposure=0.6, over_exposure=0.1, yaw=20, pitch=20, cut_off=0.02
)

LEVELS = MappingProxyType(
    {"low": _Grade(IDENTIFICATION, 15), "medium": _Grade(ENROLMENT, 40), "high": _Grade(_HIGH, 50)}
)
"""``low``: what recognition needs. ``medium``: a clear photo of somebody who looks about into the camera.
``high``: nearly a portrait. Photos for documents are for `mien.quality.portrait_reasons`.

Of the 152 portraits of the Face Research Lab London set (development half) ``medium`` refuses 1 and ``high`` 3. Utility
of 60 would have been asked for ``high``, were it not that it refuses 3 of 20 portraits of black people there, beside 6
of 104 of white people."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What is required.

    Attributes:
        quality: The least level, or None for no more than every face is asked.
    """

    quality: Level | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """A gate from ``"quality=medium"``: checks with their levels, separated by commas.

        Raises:
            InvalidArgument: A check or level that there is not, or one given twice.
        """
        found: dict[str, str] = {}
        for part in text.split(","):
            name, _, level = (piece.strip() for piece in part.partition("="))
            if name != "quality" or name in found or level not in get_args(Level):
                raise InvalidArgument(f"require: expected quality=low, quality=medium or quality=high, got {text!a}")
            found[name] = level
        return cls(**found)  # type: ignore[arg-type]

    @classmethod
    def of(cls, require: Require) -> Self:
        """A gate as it is given: itself, in words, or None for one that asks nothing."""
        if isinstance(require, str):
            return cls.parse(require)
        return cls() if require is None else cls(require.quality)

    def reasons(self, faces: Faces) -> tuple[tuple[str, ...], ...]:
        """Why each face may not pass.

        Args:
            faces: Faces that went through `mien.quality.assess`.

        Returns:
            For each face the reasons of `mien.quality.reasons`, and ``low_quality``; none where it passes.

        Raises:
            InvalidArgument: The faces were not assessed.
        """
        if self.quality is None:
            return ((),) * len(faces)
        grade = LEVELS[self.quality]
        found = reasons(faces, grade.policy)
        utility = faces.extra.get("quality.utility")
        if utility is None:
            return found
        # A utility that is not known is no utility.
        poor = ~(np.asarray(utility) >= grade.utility)
        return tuple((*why, "low_quality") if low else why for why, low in zip(found, poor, strict=True))


OPEN = Gate()
"""Asks nothing more."""

Require: TypeAlias = Gate | str | None
"""A gate, the same in words, or None."""
