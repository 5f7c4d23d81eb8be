"""Attacks on recognition, and what tells them."""

from mien.attacks.challenge import Challenge, Outcome, Progress, Rules, Step, draw_steps
from mien.attacks.morphing import MORPHING_TOOLS, Morph, morph
from mien.attacks.signals import Signals, read_signals

__all__ = [
    "MORPHING_TOOLS",
    "Challenge",
    "Morph",
    "Outcome",
    "Progress",
    "Rules",
    "Signals",
    "Step",
    "draw_steps",
    "morph",
    "read_signals",
]
