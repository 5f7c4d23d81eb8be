"""Attacks on recognition, and what tells them."""

from mien.attacks.challenge import Challenge, Outcome, Progress, Rules, Step, draw_steps
from mien.attacks.detection import MorphDecision, MorphThreshold, detect_morph, load_threshold
from mien.attacks.morphing import MORPHING_TOOLS, Morph, morph
from mien.attacks.signals import Signals, read_signals

__all__ = [
    "MORPHING_TOOLS",
    "Challenge",
    "Morph",
    "MorphDecision",
    "MorphThreshold",
    "Outcome",
    "Progress",
    "Rules",
    "Signals",
    "Step",
    "detect_morph",
    "draw_steps",
    "load_threshold",
    "morph",
    "read_signals",
]
