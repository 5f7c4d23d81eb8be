"""`Watching`: who is in a video."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mien.gallery.collection import Collection
from mien.gallery.identifying import check_search, gate_of

if TYPE_CHECKING:
    from mien.media import Video
    from mien.quality import Gate, Require
    from mien.types import Decision
    from mien.watch import Event, EventRules, Probe, WatchedFrame

__all__ = ["Watching"]


class Watching(Collection):
    """Identification of people in videos and live streams."""

    def watch(
        self,
        source: str | os.PathLike[str] | Video,
        *,
        fpir: float = 0.01,
        candidates: int = 5,
        require: Require = None,
        rules: EventRules | None = None,
        fps: float | None = None,
        start: float = 0.0,
        end: float | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Iterator[WatchedFrame]:
        """Watch a video, and say of each track who it is, or unknown; memory does not grow with the video's length.

        A track has one decision, made after three good looks or half a second and changed only where later looks
        clearly say otherwise. Two tracks of one frame are never decided to be one person. People who are enrolled or
        erased meanwhile, or whose consent expires, are seen within about a second.

        Args:
            source: A path, ``rtsp://...``, ``http(s)://...``, ``camera:0``, or an open video: it is left open, and
                where somebody else closes it, all ends as at its end.
            fpir: Share of tracks of people who are not in the gallery that may be given a name, for this gallery.
            candidates: How many people to list for each track, best first.
            require: What a look at somebody must be beyond what every look is asked, as in `identify`: a track is
                decided by those looks that are, and unknown, with the reasons, where there are none.
            rules: When something is worth telling.
            fps: At most so many frames a second; all by default. An open video was opened with its own.
            start: Seconds from the start at which to begin; files only.
            end: Seconds from the start at which to end.
            on_event: Called with each event.

        Yields:
            Each frame with its faces, which bear ``track_id`` and ``decisions``, and what happened in it. The source
            is opened with the first frame and closed when the iterator ends or is closed.

        Raises:
            InvalidArgument: A rate, number or time outside what it may be.
            UnreadableVideo: The file is missing, empty, damaged or no video.
            StreamUnavailable: A stream or camera cannot be opened, or did not come back.
            UnsupportedErrorRate: The calibration cannot support this rate for a gallery of this size.
            SpaceMismatch: The collection is pinned to another embedding space than the pipeline's.
            StoreError: The store failed.

        Examples:
            >>> for frame in gallery.watch("door.mp4", on_event=print):  # doctest: +SKIP
            ...     print(frame.timestamp, [face.person for face in frame.faces])
        """
        gate = gate_of(require)
        check_search(fpir, candidates)
        return self._watch(source, fpir, candidates, gate, rules, {"fps": fps, "start": start, "end": end}, on_event)

    def _watch(
        self,
        source: str | os.PathLike[str] | Video,
        fpir: float,
        candidates: int,
        gate: Gate,
        rules: EventRules | None,
        part: dict[str, float | None],
        on_event: Callable[[Event], None] | None,
    ) -> Iterator[WatchedFrame]:
        from mien import media, watch
        from mien.gallery.identification import decide_tracks

        pipeline = self._pipeline()
        calibration = self._calibration(pipeline)

        def decide(probes: Sequence[Probe]) -> Sequence[Decision]:
            self._sweep()
            with self._store.reading(self.collection) as transaction:
                self._check_space(transaction, pipeline)
                return decide_tracks(probes, self._view(transaction), calibration, fpir, candidates)

        opening: contextlib.AbstractContextManager[Video] = (
            contextlib.nullcontext(source) if isinstance(source, media.Video) else media.open_video(source, **part)  # type: ignore[arg-type]
        )
        with opening as video:
            yield from watch.watch(
                video, pipeline, decide, calibration=calibration, fpir=fpir, gate=gate, rules=rules, on_event=on_event
            )
