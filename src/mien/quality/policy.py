"""What is asked of a face for a purpose, and the reasons why one falls short.

What the limits cost: of 3,811 ordinary press photos (LFW, 44 px between the eyes) identification refuses 0.5 % and
enrolment 2.0 %, nearly all for their pose; of 152 studio portraits (FRLL), none. Of 400 of the press photos degraded
on purpose, the share refused, beside the share of 250 mated comparisons, one photo of the two degraded, that SFace
still puts above cosine 0.36:

=============================  =======  ==============  =========
degradation                    matched  identification  enrolment
=============================  =======  ==============  =========
none                            97.6 %           1.2 %      2.8 %
Gaussian blur, sigma 1 px       97.6 %           1.2 %      3.2 %
Gaussian blur, sigma 2 px       95.2 %          13.8 %     50.2 %
Gaussian blur, sigma 3 px       90.4 %          72.0 %     98.2 %
Gaussian blur, sigma 4 px       74.8 %          97.0 %    100.0 %
Gaussian blur, sigma 6 px       20.8 %          99.5 %    100.0 %
motion blur over 11 px          92.8 %          32.8 %     71.2 %
motion blur over 17 px          59.2 %          55.5 %     88.8 %
motion blur over 25 px          16.4 %          71.8 %     94.8 %
reduced to 6 px between eyes    62.8 %         100.0 %    100.0 %
reduced to 8 px                 86.0 %         100.0 %    100.0 %
reduced to 12 px                95.6 %           1.2 %    100.0 %
reduced to 20 px                97.2 %           1.2 %      2.8 %
light x 0.2                     96.0 %           3.0 %     61.0 %
light x 0.08                    86.0 %         100.0 %    100.0 %
light x 0.04                    37.2 %         100.0 %    100.0 %
light x 2, clipped              89.6 %          15.5 %     53.0 %
light x 3, clipped              50.8 %          68.5 %     94.5 %
light x 4, clipped              20.0 %          89.0 %     99.2 %
noise, deviation 30             76.8 %           1.2 %      2.8 %
=============================  =======  ==============  =========

Blurs are scaled to 42 px between the eyes. Noise is not refused: no measure here sees it.
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
    size=10, sharpness=0.055, brightness=0.05, under_exposure=0.95, over_exposure=0.65, yaw=50, pitch=35, cut_off=0.35
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
