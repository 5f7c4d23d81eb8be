"""``mien watch``: who is in this video, or in front of this camera?"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli._interrupt import Interruption
from mien.cli._options import Commands, a_path, add_format, add_gallery, add_require, error_rate, open_gallery
from mien.cli._output import compared, count, print_json, print_moment, printable
from mien.errors import InputError, InvalidArgument, StreamUnavailable

if TYPE_CHECKING:
    from mien.gallery import Gallery
    from mien.media import Video, VideoWriter
    from mien.render import EventWriter
    from mien.watch import Event, EventRules, WatchedFrame

__all__ = ["register", "run"]

EPILOG = """\
Each person in view has one track, and each track one decision: one of the gallery's people, or unknown. A track of
somebody who is not in the gallery is given a name in at most the share of cases that --fpir states.

SOURCE is a video file, rtsp://..., http(s)://... or camera:0. A live source is watched until Ctrl-C, which finishes
the outputs and ends with status 0. A file that is interrupted has its outputs finished as far as it was watched, and
ends with status 130. A second Ctrl-C ends at once and leaves no output but the events.

examples:
  mien watch door.mp4 --save named.mp4 --report report.html
  mien watch rtsp://camera.local/stream --events events.jsonl --format json
"""

_USUAL_RATE = 25.0


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "watch",
        help="name the people in a video or live stream",
        description="Follow the people in a video, stream or camera, at a stated false positive identification rate.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=_a_source, metavar="SOURCE", help="a video file, a stream's address, camera:0")
    parser.add_argument(
        "--fpir",
        type=error_rate,
        default=0.01,
        metavar="RATE",
        help="false positive identification rate to decide at, for this gallery (default: 0.01)",
    )
    add_require(parser)
    parser.add_argument("--fps", type=float, metavar="N", help="look at no more than N frames a second (default: all)")
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="begin S seconds into a file")
    parser.add_argument("--end", type=float, metavar="S", help="end S seconds after the start of the source")
    parser.add_argument("--save", type=a_path, metavar="OUT.mp4", help="write an annotated copy, the sound kept")
    parser.add_argument("--report", type=a_path, metavar="FILE.html", help="write a self-contained report")
    parser.add_argument("--events", type=a_path, metavar="FILE.jsonl", help="append events to a file as they happen")
    _add_rules(parser)
    add_gallery(parser)
    add_format(parser, "table", "json")
    parser.set_defaults(run=run)


def _add_rules(parser: argparse.ArgumentParser) -> None:
    rules = parser.add_argument_group("what is told")
    rules.add_argument(
        "--confirm-frames", type=int, default=3, metavar="N", help="frames a face must be seen in (default: 3)"
    )
    rules.add_argument(
        "--absence", type=float, default=2.0, metavar="S", help="seconds after which somebody has left (default: 2)"
    )
    rules.add_argument(
        "--cooldown",
        type=float,
        default=30.0,
        metavar="S",
        help="seconds in which somebody who is back is not told of again (default: 30)",
    )
    rules.add_argument("--no-unknown", action="store_true", help="tell only of people who are in the gallery")


def run(arguments: argparse.Namespace) -> int:
    """Watch in constant memory: each frame is looked at, saved and let go."""
    from mien import media, watch

    rules = watch.EventRules(
        confirm_frames=arguments.confirm_frames,
        absence_seconds=arguments.absence,
        cooldown_seconds=arguments.cooldown,
        emit_unknown=not arguments.no_unknown,
    )
    _check_outputs(arguments)
    with contextlib.ExitStack() as cleanup:
        gallery = cleanup.enter_context(open_gallery(arguments, must_exist=True))
        video = cleanup.enter_context(
            media.open_video(arguments.source, fps=arguments.fps, start=arguments.start, end=arguments.end)
        )
        watching = _Run(arguments, video, rules)
        watching.go(gallery)
    return watching.finish()


class _Run:
    """One video, watched: what was asked for, and what came of it."""

    def __init__(self, arguments: argparse.Namespace, video: Video, rules: EventRules) -> None:
        self._arguments, self._video, self._rules = arguments, video, rules
        # A live source may be silent for long, so that only closing it ends the wait for the next frame.
        self._interruption = Interruption(video.close if video.live else lambda: None)
        self._events: EventWriter | None = None
        self._people: dict[str, str] = {}
        self._unknown: set[int] = set()
        self._failures: list[tuple[str, str]] = []
        self._frames, self._last, self._seconds = 0, arguments.start, 0.0
        self._shown = -1  # whole seconds that the progress said last

    def go(self, gallery: Gallery) -> None:
        """Watch to the end, or until it is asked for."""
        from mien import render

        with contextlib.ExitStack() as outputs:
            frames = self._followed(gallery)
            if self._arguments.save:
                frames = self._saved(frames, outputs.enter_context(self._copy()))
            if self._arguments.events:
                self._events = outputs.enter_context(render.EventWriter(self._arguments.events, self._video.name))
            outputs.enter_context(self._interruption)
            if self._arguments.report:
                title = f"Faces in {self._video.name if self._video.live else Path(self._video.name).name}"
                render.write_video_report(
                    self._arguments.report, frames, title=title, rules=self._rules, failures=self._failures
                )
            else:
                for _ in frames:
                    pass

    def finish(self) -> int:
        """Say what came of it; returns the exit status."""
        if self._arguments.format == "table":
            self._print_summary()
        for source, reason in self._failures:
            print(f"mien: error: {printable(source)}: {printable(reason)}", file=sys.stderr)
        if self._failures:
            return InputError.exit_status
        return 130 if self._interruption.requested and not self._video.live else 0

    def _followed(self, gallery: Gallery) -> Iterator[WatchedFrame]:
        began = time.perf_counter()
        asked = self._arguments
        watched = gallery.watch(
            self._video, fpir=asked.fpir, require=asked.require, rules=self._rules, on_event=self._tell
        )
        try:
            for frame in watched:
                self._frames, self._last = self._frames + 1, frame.timestamp
                self._print_progress(time.perf_counter() - began)
                if self._interruption.requested:
                    self._video.close()
                yield frame
        except StreamUnavailable as error:
            # What was seen until the line was lost is worth keeping.
            if not self._frames:
                raise
            self._failures.append((self._video.name, error.message.removeprefix(f"{self._video.name}: ")))
        self._seconds = time.perf_counter() - began
        if self._video.damaged:
            self._failures.append((self._video.name, self._video.damaged))

    def _copy(self) -> VideoWriter:
        from mien.media import VideoWriter

        video, arguments = self._video, self._arguments
        rate = min(arguments.fps or video.rate or _USUAL_RATE, video.rate or _USUAL_RATE)
        has_sound = video.audio and Path(arguments.source).is_file()
        sound = arguments.source if has_sound else None
        return VideoWriter(
            arguments.save, size=video.size, rate=rate, audio_from=sound, start=arguments.start, end=arguments.end
        )

    def _saved(self, frames: Iterator[WatchedFrame], copy: VideoWriter) -> Iterator[WatchedFrame]:
        from mien.render import Annotator

        annotator = Annotator()
        for frame in frames:
            copy.write(annotator.annotate(frame.image, frame.faces), frame.timestamp)
            yield frame
        if self._interruption.requested:
            copy.cut()

    def _tell(self, event: Event) -> None:
        if event.kind == "recognised":
            assert event.decision is not None
            assert event.decision.person is not None
            self._people[event.decision.person.person_id] = event.decision.person.label
            self._unknown.discard(event.track_id)
        elif event.kind == "unknown":
            self._unknown.add(event.track_id)
        if self._events is not None:
            self._events.write([event])
        print_moment(None)
        if self._arguments.format == "json":
            from mien.render import event_to_dict

            print_json(event_to_dict(event, self._video.name))
        else:
            print(printable(describe(event)))
        sys.stdout.flush()

    def _print_progress(self, elapsed: float) -> None:
        end = self._video.duration if self._arguments.end is None else self._arguments.end
        if not self._video.live and end is not None and int(self._last) != self._shown:
            self._shown = int(self._last)
            print_moment(self._last, start=self._arguments.start, end=end, elapsed=elapsed)

    def _print_summary(self) -> None:
        from mien.render.words import clock

        names = ", ".join(sorted(self._people.values(), key=str.casefold))
        rate = f"{self._frames / self._seconds:.0f}" if self._seconds > 0 else "0"
        dropped = f", {self._video.dropped:,} dropped to keep up" if self._video.dropped else ""
        print(
            f"{count(len(self._people), 'person', 'people')} recognised{f': {printable(names)}' if names else ''}; "
            f"{len(self._unknown):,} unknown"
        )
        print(
            f"watched {clock(self._last - self._arguments.start)}: {count(self._frames, 'frame')} "
            f"at {rate} a second{dropped}"
        )
        print(f"decided at a false positive identification rate of {self._arguments.fpir:g} for this gallery")


def describe(event: Event) -> str:
    """One line about an event."""
    from mien.render.words import clock

    who = event.person or ("unknown" if event.decision is not None else "somebody")
    line = f"{clock(event.timestamp):>9}  {event.kind:<10}  {who:<24}"
    if event.decision is None or event.kind not in {"recognised", "unknown"}:
        return f"{line}  track {event.track_id}"
    reasons = f"  ({', '.join(event.decision.reasons)})" if event.decision.reasons else ""
    return f"{line}  track {event.track_id}  {compared(event.decision)}{reasons}"


def _a_source(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("expected a video, a stream's address or camera:0, got an empty text")
    return text


def _check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse an output that would replace the source, the gallery, another output, or what is no file."""
    from mien.gallery.locations import locate

    taken = {_identity(arguments.source): "the source", _identity(locate(arguments.gallery)): "the gallery"}
    for name in ("save", "report", "events"):
        path = getattr(arguments, name)
        if path is None:
            continue
        before = taken.setdefault(_identity(path), f"--{name}")
        if before != f"--{name}":
            raise InvalidArgument(f"--{name} {path}: would overwrite {before}; name another file")
        # Events are appended, which a pipe or device may take; the others are put in the place of what is there.
        if name != "events" and Path(path).exists() and not Path(path).is_file():
            raise InvalidArgument(f"--{name} {path}: expected the name of a file, got a folder, a pipe or a device")


def _identity(path: str | os.PathLike[str]) -> str | tuple[int, int]:
    """What two names of one file have in common, hard links too."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
