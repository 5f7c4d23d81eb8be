"""Whether a portrait would do for a document: limits after ISO/IEC 39794-5 (ICAO Doc 9303), and the reasons if not.

A help for photographers, not the acceptance test of any authority. Limits are as wide as the measures are coarse, so
that a portrait that is refused here most likely has the fault. Two of the standard's measures are reported and refuse
nobody: under-exposure and mean luminance are taken in linear light, in which dark skin counts as dark though it is
well lit (of 76 people of the Face Research Lab London set, all lit alike, the darkest score below 30).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mien.quality.examination import Examination

__all__ = ["PORTRAIT", "Limit", "portrait_reasons"]


@dataclass(frozen=True, slots=True)
class Limit:
    """What is asked of one component.

    Attributes:
        reason: What is said of a portrait beyond it.
        component: Of `mien.quality.COMPONENTS`.
        least: Smallest raw measure that passes.
        most: Largest raw measure that passes.
    """

    reason: str
    component: str
    least: float = -float("inf")
    most: float = float("inf")


PORTRAIT = (
    Limit("several_faces", "single_face", most=0.3),
    Limit("too_small", "inter_eye_distance", least=90),
    Limit("too_far", "head_size", least=0.2),
    Limit("too_near", "head_size", most=0.6),
    Limit("close_to_border", "margin_left", least=1.2),
    Limit("close_to_border", "margin_right", least=1.2),
    Limit("close_to_border", "margin_above", least=1.25),
    Limit("close_to_border", "margin_below", least=1.4),
    Limit("turned", "yaw", -12, 12),
    Limit("nodding", "pitch", -15, 15),
    Limit("tilted", "roll", -8, 8),
    Limit("eyes_closed", "eyes_open", least=0.035),
    Limit("mouth_open", "mouth_closed", most=0.12),
    Limit("blurred", "sharpness", least=0.12),
    Limit("too_bright", "over_exposure", most=0.1),
    Limit("uneven_light", "illumination_uniformity", least=0.2),
    Limit("flat", "dynamic_range", least=3.5),
    Limit("unnatural_colour", "natural_colour", most=8),
    Limit("uneven_background", "background_uniformity", most=130),
    Limit("compressed", "compression", least=0.9),
)
"""In the order in which a photographer would put them right."""


def portrait_reasons(examination: Examination, limits: tuple[Limit, ...] = PORTRAIT) -> Mapping[str, tuple[str, ...]]:
    """Why a portrait would not do.

    Args:
        examination: Of the face, see `mien.quality.examine`.
        limits: What is asked.

    Returns:
        Reasons, none for a portrait that will do, each with the components that gave it; and last, as
        ``not_measured``, components that are asked for and not known.
    """
    found: dict[str, list[str]] = {}
    unknown: list[str] = []
    for limit in limits:
        measured = examination.components.get(limit.component)
        if measured is None:
            if limit.component not in unknown:
                unknown.append(limit.component)
        elif not limit.least <= measured.value <= limit.most:
            found.setdefault(limit.reason, []).append(limit.component)
    if unknown:
        found["not_measured"] = unknown
    return MappingProxyType({reason: tuple(names) for reason, names in found.items()})
