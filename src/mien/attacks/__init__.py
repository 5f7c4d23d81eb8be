"""Attacks on recognition, and what tells them."""

from mien.attacks.challenge import Challenge, Outcome, Progress, Rules, Step, draw_steps
from mien.attacks.signals import Signals, read_signals

__all__ = ["Challenge", "Outcome", "Progress", "Rules", "Signals", "Step", "draw_steps", "read_signals"]
