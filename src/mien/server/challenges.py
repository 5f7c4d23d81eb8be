"""Challenges that are under way: kept in memory, each of one key, and gone soon."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from mien.attacks import Challenge, Progress, draw_steps, read_signals
from mien.faces import default_landmarker
from mien.media import Source
from mien.media.image import decode
from mien.quality import head_pose
from mien.recognition import default_pipeline

__all__ = ["SECONDS", "Challenges", "Session"]

SECONDS = 60.0
"""After which a challenge is forgotten, answered or not."""
_MOST = 1000


@dataclass(slots=True, eq=False)
class Session:
    """One challenge.

    Attributes:
        challenge_id: Its key.
        holder: Id of the API key that began it.
        steps: How many will be asked.
        ends: Monotonic time at which it is forgotten.
    """

    challenge_id: str
    holder: str
    steps: int
    ends: float
    challenge: Challenge
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self.challenge.progress

    def see(self, moment: float, source: Source, *, max_pixels: int) -> Progress:
        """Take note of a picture.

        Args:
            moment: Seconds at which it came, by the service's clock: whoever sends it might say anything.
            source: The picture.
            max_pixels: Largest one.

        Raises:
            UnreadableImage, ImageTooLarge: As `mien.media.read`; the challenge is as it was.
        """
        image = decode(source, max_pixels=max_pixels).image
        pipeline = default_pipeline()
        (faces,) = pipeline.locate([image])
        signals = None
        if len(faces):
            (described,) = pipeline.describe([image], [faces[:1]])
            (meshes,) = default_landmarker().meshes([image], [described])
            yaw = float(head_pose(described.landmarks).yaw[0])
            template = None if described.templates is None else described.templates[0]
            signals = read_signals(meshes[0], yaw, template)
        with self.lock:
            return self.challenge.see(moment, signals, len(faces))


class Challenges:
    """Those under way.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._known: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, holder: str, steps: int) -> Session | None:
        """A challenge whose steps are drawn now; None where too many are under way.

        Args:
            holder: Id of the key that asks.
            steps: How many, 2 to 8.

        Raises:
            InvalidArgument: Another number of steps.
        """
        drawn = draw_steps(steps)
        with self._lock:
            self._forget()
            if len(self._known) >= _MOST:
                return None
            made = Session(secrets.token_hex(8), holder, steps, self.clock() + SECONDS, Challenge(drawn))
            self._known[made.challenge_id] = made
        return made

    def find(self, holder: str, challenge_id: str) -> Session | None:
        """A challenge of that key."""
        with self._lock:
            self._forget()
            found = self._known.get(challenge_id)
        return found if found is not None and found.holder == holder else None

    def remove(self, session: Session) -> None:
        """Forget it."""
        with self._lock:
            self._known.pop(session.challenge_id, None)

    def _forget(self) -> None:
        # All last as long, so that the oldest end first.
        while self._known and next(iter(self._known.values())).ends <= self.clock():
            self._known.popitem(last=False)
