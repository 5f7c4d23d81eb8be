"""Enrol three people from sample photos, look for them in others and in three clips, and check every decision.

Leaves ``people.mien`` (the gallery), ``report.html``, ``report.json`` and annotated pictures in the folder given, and
in its ``clips`` an annotated copy and a report of each clip.
Exit status: 0 when everything was decided as expected, 1 when anything was not, else as ``mien``'s.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import samples

import mien
from mien import media, models, render
from mien.gallery import Enrolment
from mien.types import Image
from mien.watch import Event, WatchedFrame

OBAMA, BIDEN, MAN = "Barack Obama", "Joe Biden", "The man of single_face.jpg"
UNKNOWN = "unknown"
# At the command line's default of 0.01 one stranger in a hundred may be taken for somebody, and the demo shows nine.
FPIR = 0.001

ENROLLED = {OBAMA: "obama.jpg", BIDEN: "biden.jpg", MAN: "single_face.jpg"}
FRAME = "single_face.png"

EXPECTED = {
    "obama2.jpg": (OBAMA,),
    "obama3.jpg": (OBAMA,),
    "obama_partial_face.jpg": (OBAMA,),
    "obama_partial_face2.jpg": (OBAMA,),
    FRAME: (MAN,),
    "multi_face.jpg": (UNKNOWN,) * 5,
    "Image_with_alpha.png": (UNKNOWN,),
    "45-m7-di-ph.jpg": (UNKNOWN,),
    "free-mountain-vector-01.jpg": (),
}
"""What each photo is to show. Nobody is enrolled from any of them, though the partial faces are cut from obama.jpg."""

CLIPS = {"single_face.mp4": [MAN], "face_noface.mov": [MAN], "no_face.mp4": []}
"""Who is to be recognised in each clip, as often as they are; nobody else is in view."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One photo: what was decided, beside what should have been."""

    name: str
    faces: mien.Faces

    @property
    def expected(self) -> list[str]:
        return sorted(EXPECTED[self.name])

    @property
    def decided(self) -> list[str]:
        return sorted(face.person or UNKNOWN for face in self.faces)

    @property
    def right(self) -> bool:
        return self.decided == self.expected

    def to_dict(self) -> dict[str, object]:
        decisions = {"expected": self.expected, "decided": self.decided, "as_expected": self.right}
        return decisions | {"result": render.faces_to_dict(self.faces, self.name)}


def take_frame(video: Path, path: Path) -> None:
    """Save a frame from the middle of a clip: a likeness of the man that he was not enrolled from."""
    with media.open_video(video) as clip:
        middle = (clip.duration or 0.0) / 2
    with media.open_video(video, start=middle) as clip:
        media.write(path, next(clip).image)


def enroll(gallery: mien.Gallery, photos: Path) -> list[Enrolment]:
    enrolments = []
    for label, name in ENROLLED.items():
        enrolment = gallery.enroll(label, photos / name, purpose="demonstration")
        enrolments.append(enrolment)
        print(f"  enrolled {label} from {name}" if enrolment.added else f"  {label}: {enrolment.refused[0].message}")
    return enrolments


def identify(gallery: mien.Gallery, photos: list[Path], out: Path) -> list[Outcome]:
    """Identify everybody, and write the annotated pictures and the HTML report as the results come."""
    outcomes: list[Outcome] = []

    def results() -> Iterator[tuple[str, Image, mien.Faces]]:
        for index, image, faces in gallery.identify_all(photos, fpir=FPIR):
            outcome = Outcome(photos[index].name, faces)
            outcomes.append(outcome)
            print(f"  {'ok   ' if outcome.right else 'WRONG'} {outcome.name:<28} {describe(outcome)}")
            media.write(out / "pictures" / f"{photos[index].stem}.jpg", render.annotate(image, faces))
            yield outcome.name, image, faces

    render.write_report(out / "report.html", results())
    return outcomes


def watch(gallery: mien.Gallery, clip: Path, out: Path) -> list[str]:
    """Watch a clip, write its annotated copy and its report; says who was recognised, in that order."""
    recognised: list[str] = []

    def told(event: Event) -> None:
        if event.kind in {"recognised", "unknown"}:
            recognised.append(event.person or UNKNOWN)

    with (
        media.open_video(clip) as video,
        media.VideoWriter(out / f"{clip.stem}.mp4", size=video.size, rate=video.rate or 25) as copy,
    ):
        annotator = render.Annotator()

        def frames() -> Iterator[WatchedFrame]:
            for frame in gallery.watch(video, fpir=FPIR, on_event=told):
                copy.write(annotator.annotate(frame.image, frame.faces), frame.timestamp)
                yield frame

        render.write_video_report(out / f"{clip.stem}.html", frames(), title=f"Faces in {clip.name}")
    said = ", ".join(recognised) or "nobody"
    print(f"  {'ok   ' if recognised == CLIPS[clip.name] else 'WRONG'} {clip.name:<28} {said}")
    return recognised


def describe(outcome: Outcome) -> str:
    names = ", ".join(f"{outcome.decided.count(name)} x {name}" for name in dict.fromkeys(outcome.decided))
    said = names.replace("1 x ", "") or "no face"
    return said if outcome.right else f"{said}; expected {', '.join(outcome.expected) or 'no face'}"


def run(out: Path) -> bool:
    """The whole demonstration; says whether every decision was as expected."""
    started = time.perf_counter()
    print("Fetching weights and sample photos (some 60 MB, the first time only) ...", flush=True)
    models.pull()
    photos = samples.fetch()
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    for stale in out.glob("people.mien*"):
        stale.unlink()
    take_frame(photos / "single_face.mp4", out / FRAME)
    probes = [out / name if name == FRAME else photos / name for name in EXPECTED]
    with mien.Gallery(out / "people.mien") as gallery:
        enrolments = enroll(gallery, photos)
        print(f"Identifying at a stated FPIR of {FPIR:g}:")
        outcomes = identify(gallery, probes, out)
        print("Watching clips at the same rate:")
        (out / "clips").mkdir(exist_ok=True)
        watched = {name: watch(gallery, photos / name, out / "clips") for name in CLIPS}
    right = all(outcome.right for outcome in outcomes) and all(enrolment.added for enrolment in enrolments)
    right &= watched == CLIPS
    report = {
        "schema": "mien.demo/1",
        "mien": mien.__version__,
        "fpir": FPIR,
        "as_expected": right,
        "enrolled": [enrolment.to_dict() for enrolment in enrolments],
        "photos": [outcome.to_dict() for outcome in outcomes],
        "clips": [{"source": name, "expected": CLIPS[name], "decided": decided} for name, decided in watched.items()],
    }
    media.write_bytes(out / "report.json", json.dumps(report, indent=1, allow_nan=False).encode())
    wrong = sum(not outcome.right for outcome in outcomes)
    wrong_clips = sum(watched[name] != CLIPS[name] for name in CLIPS)
    seconds = time.perf_counter() - started
    print(
        f"{len(outcomes) - wrong} of {len(outcomes)} photos and {len(CLIPS) - wrong_clips} of {len(CLIPS)} clips "
        f"decided as expected, in {seconds:.1f} s"
    )
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description="Show Mien at work on sample photos.")
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), metavar="DIR", help="where results go (default: demo)"
    )
    out = parser.parse_args().out
    try:
        right = run(out)
    except mien.MienError as error:
        print(f"demo: {error.message}", file=sys.stderr)
        return error.exit_status
    print(f"""
Look at {out / "report.html"} and {out / "clips" / "single_face.html"}; pictures are in {out / "pictures"}, decisions in
{out / "report.json"}. Then try:
  mien identify YOUR_PHOTO.jpg --gallery {out / "people.mien"}
  mien enroll "Your Name" YOU.jpg --gallery {out / "people.mien"}
  mien doctor""")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
