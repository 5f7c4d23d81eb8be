"""Presentation attacks by a challenge: somebody is asked to turn, blink and smile, in an order that was drawn for them.

A photograph does none of it, and a recording does it in an order of its own. What this cannot tell: a mask worn by a
person who does as asked, and a face that is drawn over somebody's as they move. Nothing here was tested with real
attack instruments (ISO/IEC 30107-3 has the terms), so no error rate is stated.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np

from mien.attacks.signals import Signals
from mien.errors import InvalidArgument

__all__ = ["Challenge", "Outcome", "Progress", "Rules", "Step", "draw_steps"]

Step: TypeAlias = Literal["turn_left", "turn_right", "blink", "smile"]
"""What is asked; left and right are the subject's own."""

Outcome: TypeAlias = Literal["live", "attack", "uncertain"]
"""What a challenge ends with."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as an answer.

    Attributes:
        baseline: Seconds of a face at rest, from which everything else is measured.
        patience: Seconds that an answer may take.
        reaction: Seconds before which nobody answers what they were just asked.
        turn: Degrees of yaw from the baseline.
        closed: Share of the baseline's eye opening below which an eye is closed.
        smile: Growth of the mouth's width, as a share of the distance between the outer corners of the eyes.
        same: Least cosine similarity to the baseline's template; below, it is another face.
        absence: Seconds without a face, or with another one beside it, after which nothing can be said.
    """

    baseline: float = 1.0
    patience: float = 6.0
    reaction: float = 0.15
    turn: float = 15.0
    closed: float = 0.7
    smile: float = 0.04
    same: float = 0.35
    absence: float = 1.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a challenge is.

    Attributes:
        step: What is asked now; None while the face is to be at rest, and at the end.
        done: What was answered.
        outcome: None before the end. ``uncertain`` is no accusation: whoever does not answer may not have understood.
        reasons: ``no_response``, ``no_face``, ``several_faces``, ``other_face`` or ``wrong_response``.
    """

    step: Step | None
    done: tuple[Step, ...]
    outcome: Outcome | None
    reasons: tuple[str, ...] = ()


def draw_steps(count: int = 3) -> tuple[Step, ...]:
    """Steps in an order that nobody can foresee; none twice in a row.

    Raises:
        InvalidArgument: Fewer than two, which a recording answers by chance too often, or more than eight.
    """
    if not 2 <= count <= 8:
        raise InvalidArgument(f"count: expected 2 to 8 steps, got {count}")
    steps: list[Step] = []
    while len(steps) < count:
        steps.append(secrets.choice([step for step in get_args(Step) if step not in steps[-1:]]))
    return tuple(steps)


@dataclass(slots=True)
class _Asked:
    """One step that was asked."""

    since: float
    answered: float | None = None
    rested: bool = False


@dataclass(slots=True)
class Challenge:
    """One challenge: fed with what is seen, frame by frame.

    Args:
        steps: What is asked, in order; see `draw_steps`.
        rules: What counts.

    Examples:
        >>> challenge = Challenge(draw_steps())  # doctest: +SKIP
        >>> for frame in video:
        ...     progress = challenge.see(frame.timestamp, read_signals(frame.image))
    """

    steps: Sequence[Step]
    rules: Rules = field(default_factory=Rules)
    _rest: list[Signals] = field(default_factory=list)
    _start: float | None = None
    _asked: _Asked | None = None
    _done: list[Step] = field(default_factory=list)
    _lost: float | None = None
    _end: Progress | None = None
    _wrong: bool = False

    def __post_init__(self) -> None:
        """Refuse steps that are none."""
        unknown = [step for step in self.steps if step not in get_args(Step)]
        if unknown or not self.steps:
            raise InvalidArgument(f"steps: expected some of {', '.join(get_args(Step))}, got {unknown or 'none'}")

    def see(self, timestamp: float, signals: Signals | None, faces: int = 1) -> Progress:
        """Take note of a frame.

        Args:
            timestamp: Seconds, growing.
            signals: What the face in it shows; None where there is none.
            faces: How many faces are in it.

        Returns:
            How far the challenge is; once there is an outcome it stays.
        """
        if self._end is not None:
            return self._end
        if signals is None or faces != 1:
            return self._absent(timestamp, "no_face" if signals is None else "several_faces")
        self._lost = None
        if self._asked is None:
            return self._at_rest(timestamp, signals)
        if signals.template is not None and not self._is_same(signals):
            return self._ended("attack", "other_face")
        return self._answer(timestamp, signals, self._asked)

    @property
    def progress(self) -> Progress:
        """How far the challenge is."""
        if self._end is not None:
            return self._end
        step = None if self._asked is None else self.steps[len(self._done)]
        return Progress(step, tuple(self._done), None)

    def _absent(self, timestamp: float, reason: str) -> Progress:
        self._lost = timestamp if self._lost is None else self._lost
        return self._ended("uncertain", reason) if timestamp - self._lost > self.rules.absence else self.progress

    def _at_rest(self, timestamp: float, signals: Signals) -> Progress:
        self._start = timestamp if self._start is None else self._start
        self._rest.append(signals)
        if timestamp - self._start >= self.rules.baseline and len(self._rest) >= 3:
            self._asked = _Asked(timestamp)
        return self.progress

    def _is_same(self, signals: Signals) -> bool:
        first = next((rest.template for rest in self._rest if rest.template is not None), None)
        assert signals.template is not None
        # A face in the middle of a turn looks less like itself.
        allowed = self.rules.same - 0.15 * min(1.0, abs(signals.yaw) / 30)
        return first is None or float(first @ signals.template) >= allowed

    def _answer(self, timestamp: float, signals: Signals, asked: _Asked) -> Progress:
        step = self.steps[len(self._done)]
        shown = self._shown(signals)
        if asked.answered is None:
            if timestamp - asked.since > self.rules.patience:
                if self._wrong:
                    return self._ended("attack", "wrong_response")
                return self._ended("uncertain", "no_response")
            if step not in shown:
                asked.rested = True
                self._wrong |= self._is_opposite(step, shown)
            # What was going on when the step was asked is no answer to it.
            elif asked.rested and timestamp - asked.since >= self.rules.reaction:
                asked.answered = timestamp
        if asked.answered is not None and not shown - {"smile"}:
            self._done.append(step)
            if len(self._done) == len(self.steps):
                return self._ended("live")
            self._asked = _Asked(timestamp)
        return self.progress

    @staticmethod
    def _is_opposite(step: Step, shown: set[Step]) -> bool:
        """Turned the other way: nobody who was asked confuses a smile with that, and blinks come by themselves."""
        return (step == "turn_left" and "turn_right" in shown) or (step == "turn_right" and "turn_left" in shown)

    def _shown(self, signals: Signals) -> set[Step]:
        yaw, eyes, mouth = (
            float(np.median([getattr(rest, name) for rest in self._rest])) for name in ("yaw", "eyes", "mouth")
        )
        turned = signals.yaw - yaw
        shown: set[Step] = set()
        if turned >= self.rules.turn:
            shown.add("turn_left")
        if turned <= -self.rules.turn:
            shown.add("turn_right")
        # Lids and lips of a head in a turn are seen askew.
        if abs(turned) < self.rules.turn / 2:
            if signals.eyes < self.rules.closed * eyes:
                shown.add("blink")
            if signals.mouth - mouth >= self.rules.smile:
                shown.add("smile")
        return shown

    def _ended(self, outcome: Outcome, *reasons: str) -> Progress:
        self._end = Progress(None, tuple(self._done), outcome, reasons)
        return self._end
