"""What is asked of a face for a purpose, and the reasons why one falls short.

What the limits cost, on 250 LFW people (crops, 44 px between the eyes) whose second photo was degraded on purpose: the
share of mated comparisons that still reach the threshold of FMR 1e-3, beside the shares of found faces refused
(``python bench/refusals.py lfw_dev.zip``):

================================  =======  ==============  =========
degradation                       matched  identification  enrolment
================================  =======  ==============  =========
none                               98.4 %           0.0 %      0.0 %
Gaussian blur, sigma 2 px          97.2 %           0.8 %     37.2 %
Gaussian blur, sigma 3 px          91.6 %          16.8 %     98.0 %
Gaussian blur, sigma 4 px          79.2 %          50.0 %    100.0 %
Gaussian blur, sigma 6 px          15.2 %          87.1 %    100.0 %
motion blur over 11 px             94.4 %           3.6 %     72.8 %
motion blur over 25 px             25.6 %          23.0 %     91.9 %
reduced to 13 px between eyes      97.6 %           0.0 %     99.2 %
reduced to 9 px between eyes       92.0 %           0.4 %    100.0 %
light x 0.2                        97.6 %           0.0 %     60.4 %
light x 0.08                       62.4 %           9.9 %    100.0 %
light x 2, clipped                 91.6 %           2.5 %     50.2 %
light x 3, clipped                 46.4 %          28.7 %     88.6 %
light x 4, clipped                 13.2 %          48.6 %     93.2 %
noise, deviation 30                55.6 %           0.0 %      0.0 %
================================  =======  ==============  =========

Noise is not refused: no measure here sees it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.errors import InvalidArgument
from mien.types import Faces

__all__ = ["ENROLMENT", "IDENTIFICATION", "Policy", "reasons"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of the component measures.

    Attributes:
        size: Least inter-eye distance in pixels (``too_small``).
        sharpness: Least sharpness (``blurred``).
        brightness: Least mean luminance, 0 to 1 (``too_dark``).
        under_exposure: Largest share of nearly black pixels (``too_dark``).
        over_exposure: Largest share of nearly white pixels (``too_bright``).
        yaw: Largest turn to either side in degrees (``extreme_pose``).
        pitch: Largest nod up or down in degrees (``extreme_pose``).
        cut_off: Largest share of the face's box outside the image (``cut_off``).
    """

    size: float
    sharpness: float
    brightness: float
    under_exposure: float
    over_exposure: float
    yaw: float
    pitch: float
    cut_off: float


IDENTIFICATION = Policy(
    size=7, sharpness=0.04, brightness=0.03, under_exposure=1.0, over_exposure=0.75, yaw=60, pitch=40, cut_off=0.4
)
"""For a probe: refuses what recognition fails on."""

ENROLMENT = Policy(
    size=18, sharpness=0.07, brightness=0.1, under_exposure=0.6, over_exposure=0.4, yaw=40, pitch=30, cut_off=0.2
)
"""For a reference, stricter: a poor sample spoils every later search."""


def reasons(faces: Faces, policy: Policy = IDENTIFICATION) -> tuple[tuple[str, ...], ...]:
    """Why each face is not fit for a purpose.

    Args:
        faces: Faces that went through `mien.quality.assess`.
        policy: What is asked of them.

    Returns:
        For each face the reasons, none where it is fit: ``too_small``, ``blurred``, ``too_dark``, ``too_bright``,
        ``extreme_pose``, ``cut_off``.

    Raises:
        InvalidArgument: The faces were not assessed.
    """
    if "quality.size" not in faces.extra:
        raise InvalidArgument("faces: expected the columns of mien.quality.assess, got none; assess the faces first")
    column = {name.removeprefix("quality."): values for name, values in faces.extra.items()}
    # A measure that could not be taken is NaN, and must not pass: hence the negations.
    failed = {
        "too_small": ~(column["size"] >= policy.size),
        "blurred": ~(column["sharpness"] >= policy.sharpness),
        "too_dark": ~(
            (column["brightness"] >= policy.brightness) & (column["under_exposure"] <= policy.under_exposure)
        ),
        "too_bright": ~(column["over_exposure"] <= policy.over_exposure),
        "extreme_pose": ~((np.abs(column["yaw"]) <= policy.yaw) & (np.abs(column["pitch"]) <= policy.pitch)),
        "cut_off": ~(column["cut_off"] <= policy.cut_off),
    }
    return tuple(tuple(name for name, bad in failed.items() if bad[row]) for row in range(len(faces)))
