"""How a stream is watched: frame by frame as far as requests leave time, and again when the line was lost."""

from __future__ import annotations

import contextlib
import json
import logging
import random
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mien.errors import MienError, StreamUnavailable
from mien.server.streams import Watch
from mien.server.tasks import pause

if TYPE_CHECKING:
    from mien.media import LiveOptions, Video
    from mien.server.service import Service
    from mien.watch import Event

__all__ = ["Monitor", "event_data"]

_log = logging.getLogger("mien.server")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
_CHANCE = random.SystemRandom()


class Monitor:
    """Watches streams for a service.

    Args:
        service: Whose collections, whose events.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def run(self, watch: Watch, stopped: threading.Event) -> None:
        """Watch a stream until that is to end; whatever is wrong with it, it is tried again.

        Args:
            watch: What.
            stopped: Set when it is to end.
        """
        wait = FIRST_PAUSE
        while not stopped.is_set():
            try:
                self._say(watch, "connecting")
                if self._watched(watch, stopped):
                    wait = FIRST_PAUSE
                state, problem = "waiting", "the stream ended"
            except StreamUnavailable as error:
                state, problem = "waiting", error.message
            except MienError as error:
                # It will hardly mend itself, but somebody may mend it.
                state, problem, wait = "failed", error.message, LONGEST_PAUSE
            except Exception as error:
                _log.error("fault", extra={"fields": {"stream": watch.stream_id}}, exc_info=error)
                state, problem, wait = "failed", "a fault in mien; its log has more", LONGEST_PAUSE
            if stopped.is_set():
                return
            self._say(watch, state, problem)
            stopped.wait(wait * _CHANCE.uniform(0.75, 1.25))
            wait = min(2 * wait, LONGEST_PAUSE)

    def _watched(self, watch: Watch, stopped: threading.Event) -> bool:
        """Watch until the line is lost; whether anything was seen."""
        from mien import media
        from mien.watch import EventRules

        gallery, seen = self._service.galleries.opened(watch.collection), False
        with media.open_video(watch.url, fps=watch.fps, live=_options()) as video, _closing(video, stopped):
            frames = gallery.watch(
                video,
                fpir=watch.fpir,
                require=watch.require,
                rules=EventRules(**json.loads(watch.rules)),
                on_event=lambda event: self._tell(watch, event),
            )
            for _ in frames:
                if not seen:
                    self._say(watch, "watching")
                    seen = True
                if stopped.is_set():
                    # Whoever is in view leaves.
                    video.close()
                # The newest frame is taken next; those that came meanwhile are left out.
                pause(self._service.work)
        return seen

    def _tell(self, watch: Watch, event: Event) -> None:
        data = event_data(event)
        person = data["person"]
        if person is not None and event.kind == "recognised":
            gallery = self._service.galleries.opened(watch.collection)
            gallery.note_access("watch", f"stream {watch.stream_id}", [person["person_id"]])
        data |= person or {}
        del data["person"]
        self._service.bus.publish(
            f"stream.{event.kind}", watch.collection, stream_id=watch.stream_id, stream=watch.name, **data
        )

    def _say(self, watch: Watch, state: Any, problem: str | None = None) -> None:  # noqa: ANN401 - a `State`
        try:
            self._service.streams.say(watch.stream_id, state, problem)
        except MienError as error:
            _log.error("stream not noted", extra={"fields": {"problem": error.code}})
        if state != "connecting":
            self._service.bus.publish(
                f"stream.{state}", watch.collection, stream_id=watch.stream_id, stream=watch.name, problem=problem
            )


def event_data(event: Event) -> dict[str, Any]:
    """What is told of an event: who and where, and not who else they might have been."""
    decided = event.decision
    person = decided.person if decided is not None else None
    edges = zip(("left", "top", "right", "bottom"), event.box, strict=True)
    return {
        "track_id": event.track_id,
        "person": None if person is None else {"person_id": person.person_id, "label": person.label},
        "started": round(event.started, 3),
        "ended": round(event.ended, 3),
        "frames": event.frames,
        "box": {name: round(float(edge), 1) for name, edge in edges},
        "rate": None if decided is None else decided.rate,
    }


@contextlib.contextmanager
def _closing(video: Video, stopped: threading.Event) -> Iterator[None]:
    """Close a video as soon as that is wanted: one that waits for a frame waits for long."""
    done = threading.Event()

    def close() -> None:
        while not done.is_set():
            if stopped.wait(0.1):
                video.close()
                return

    thread = threading.Thread(target=close, name="mien-stream-end", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _options() -> LiveOptions:
    from mien.media import LiveOptions

    # Given up soon, so that it is told that the line is lost; the pauses are those above.
    return LiveOptions(open_timeout=10, read_timeout=5, give_up_after=8)
