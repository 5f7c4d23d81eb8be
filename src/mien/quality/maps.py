"""What each component measures, in which unit, and how a raw measure becomes a score from 0 to 100.

Scores are OFIQ's: its published maps and their parameters (version 1.0.3, ``ofiq_config.jaxn``). How far the raw
measure is OFIQ's as well stands in `Component.follows`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from mien.quality.components import sigmoid_map

__all__ = ["COMPONENTS", "Component", "Follows"]

Follows: TypeAlias = Literal["standard", "adapted", "own"]


@dataclass(frozen=True, slots=True)
class Component:
    """A component measure.

    Attributes:
        unit: Of the raw measure.
        follows: ``"standard"``: measure and map are OFIQ's, on our landmarks; ``"adapted"``: one of its networks is
            replaced by something that measures the same; ``"own"``: measure and map are ours.
        describes: What it measures.
        score: From the raw measure to 0 (useless) to 100.
    """

    unit: str
    follows: Follows
    describes: str
    score: Callable[[float], float]


def _sigmoid(*, x0: float, w: float, h: float = 100.0, a: float = 0.0, s: float = 1.0) -> Callable[[float], float]:
    return lambda raw: float(sigmoid_map(raw, x0=x0, w=w, h=h, a=a, s=s))


def _turned(degrees: float) -> float:
    return 100 * max(0.0, math.cos(math.radians(degrees))) ** 2


def _head_size(share: float) -> float:
    return float(sigmoid_map(abs(share - 0.45), x0=0.0, w=0.05, h=200, a=1, s=-1))


def _over_exposure(share: float) -> float:
    return min(100.0, 1 / (share + 0.01))


def _luminance_mean(mean: float) -> float:
    dark, bright = (float(sigmoid_map(mean, x0=x0, w=0.05)) / 100 for x0 in (0.2, 0.8))
    return 100 * dark * (1 - bright)


def _luminance_variance(variance: float) -> float:
    return 100 * math.sin(60 * variance / (60 * variance + 1) * math.pi)


_SHARE, _EYES, _CHIN = "share of pixels", "inter-eye distances", "distances from eyes to chin"

COMPONENTS: Mapping[str, Component] = MappingProxyType(
    {
        "background_uniformity": Component(
            "gradient of luminance, 0 to 255 a pixel",
            "adapted",
            "mean gradient of the background around the head; a mask of people stands for face parsing",
            _sigmoid(x0=10, w=100, h=190, a=1, s=-1),
        ),
        "illumination_uniformity": Component(
            "overlap, 0 to 1",
            "standard",
            "overlap of the luminance histograms of both cheeks",
            lambda raw: 100 * raw**0.3,
        ),
        "luminance_mean": Component("share of white", "standard", "mean luminance of the face", _luminance_mean),
        "luminance_variance": Component(
            "square of the share of white", "standard", "variance of the face's luminance", _luminance_variance
        ),
        "under_exposure": Component(
            _SHARE,
            "adapted",
            "face with luminance 0 to 25 of 255; what covers a face is not left out",
            _sigmoid(x0=0.92, w=0.05, h=120, a=0.832, s=-1),
        ),
        "over_exposure": Component(
            _SHARE,
            "adapted",
            "face with luminance 247 to 255 of 255; what covers a face is not left out",
            _over_exposure,
        ),
        "dynamic_range": Component(
            "bits", "standard", "entropy of the face's luminance", lambda raw: min(100.0, 12.5 * raw)
        ),
        "sharpness": Component(
            "share of gradient lost to a further blur",
            "own",
            "detail left in the face, at the size of 64 pixels; OFIQ has a forest of trees, which we lack",
            _sigmoid(x0=0.1, w=0.02),
        ),
        "compression": Component(
            "expected structural similarity, 0 to 1",
            "own",
            "what the file's JPEG tables leave of a face; OFIQ has a network that guesses the same from the pixels",
            _sigmoid(h=1, a=-0.0278, s=103, x0=0.3308, w=0.092),
        ),
        "natural_colour": Component(
            "distance in CIE L*a*b*",
            "standard",
            "distance of the cheeks' colour from the range of skin",
            _sigmoid(x0=0, w=10, h=200, a=1, s=-1),
        ),
        "single_face": Component(
            "share of the largest face's size", "standard", "size of the next face", lambda raw: 100 * (1 - raw)
        ),
        "eyes_open": Component(_CHIN, "standard", "opening of the less open eye", _sigmoid(x0=0.02, w=0.01)),
        "mouth_closed": Component(_CHIN, "standard", "opening between the lips", _sigmoid(x0=0.2, w=0.06, a=1, s=-1)),
        "inter_eye_distance": Component(
            "pixels", "standard", "distance between the eyes, as if the face were not turned", _sigmoid(x0=70, w=20)
        ),
        "head_size": Component("share of the image's height", "standard", "distance from eyes to chin", _head_size),
        "margin_left": Component(
            _EYES, "standard", "room from the eye on the image's left to its left border", _sigmoid(x0=0.9, w=0.1)
        ),
        "margin_right": Component(
            _EYES, "standard", "room from the eye on the image's right to its right border", _sigmoid(x0=0.9, w=0.1)
        ),
        "margin_above": Component(_CHIN, "standard", "room above the eyes", _sigmoid(x0=1.4, w=0.1)),
        "margin_below": Component(_CHIN, "standard", "room below the eyes", _sigmoid(x0=1.8, w=0.1)),
        "yaw": Component("degrees", "adapted", "turn to the subject's left; from the mesh", _turned),
        "pitch": Component("degrees", "adapted", "nod down; from the mesh", _turned),
        "roll": Component("degrees", "adapted", "lean to the subject's right; from the mesh", _turned),
    }
)
"""By name. Of the standard's others, which take networks that Mien lacks, nothing is said: head coverings, eyes
visible, face and mouth free of what covers them, neutral expression."""
