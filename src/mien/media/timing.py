"""When a frame is shown, and whether it is one of those asked for."""

from __future__ import annotations

import math
import time

__all__ = ["TOLERANCE", "Clock", "Pace", "Sampler"]

_RESET = 1.0
"""A timestamp that falls back by more seconds than this starts to count anew; by less it is jitter."""
_LONGEST_BURST = 60.0
"""A timestamp that is further off than this many seconds belongs to another count."""
TOLERANCE = 1e-6
"""Seconds that two timestamps may differ by and still be the same: rounding, as no time base is finer."""


class Clock:
    """Turns what a container says into seconds that rise from frame to frame.

    Timestamps are taken as they are, less the start of the file. Containers that lost some, repeat some or start
    anew midway (recordings joined end to end) get the shortest step that keeps time running.

    Args:
        origin: The file's own time of its start, in seconds.
        interval: Seconds a frame lasts where nothing else is known.
    """

    def __init__(self, origin: float, interval: float) -> None:
        self._origin = origin
        self._interval = interval
        self._last: float | None = None

    def restart(self) -> None:
        """Forget the last frame, after a seek."""
        self._last = None

    def at(self, seconds: float | None) -> float:
        """Seconds from the start of the file, later than the frame before."""
        if self._last is None:
            # Pictures from before the start are shown at the start, if at all.
            self._last = max(0.0, (self._origin if seconds is None else seconds) - self._origin)
            return self._last
        following = self._last + self._interval
        timestamp = following if seconds is None else seconds - self._origin
        if timestamp <= self._last:
            if timestamp < self._last - _RESET:
                self._origin -= following - timestamp
            timestamp = following
        self._last = timestamp
        return timestamp


class Sampler:
    """Chooses at most so many frames a second: the first of each of the intervals of 1/fps that time is cut into.

    Args:
        fps: Frames a second, None for all of them.
    """

    def __init__(self, fps: float | None) -> None:
        self._fps = fps
        self._taken = -1

    def takes(self, timestamp: float) -> bool:
        """Whether the frame shown at this time is one of them."""
        if self._fps is None:
            return True
        interval = math.floor((timestamp + TOLERANCE) * self._fps)
        if interval <= self._taken:
            return False
        self._taken = interval
        return True


class Pace:
    """How long to hold frames back that arrive in bursts (a segment of HLS is seconds long), to show them in time."""

    def __init__(self) -> None:
        self._lead: float | None = None

    def wait(self, timestamp: float) -> float:
        """Seconds until a frame of this timestamp is due; the first is due at once."""
        now = time.perf_counter()
        if self._lead is None or not -_LONGEST_BURST < timestamp - now - self._lead < _LONGEST_BURST:
            self._lead = timestamp - now
        return max(0.0, timestamp - now - self._lead)
