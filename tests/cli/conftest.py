import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.errors import AmbiguousPerson, NothingToUndo, UnknownPerson, UnreadableImage
from mien.gallery import AuditEntry, Edit, Enrolment, Erasure, FaceRecord, Person, Proof, Refusal, Suggestion
from mien.types import Candidate, Decision, Faces

DAY = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def person(number, label, samples=1, **consent):
    fields = {"purpose": None, "given": None, "expires": None} | consent
    return Person(person_id=f"{number:032x}", label=label, samples=samples, created=DAY, **fields)


def face_record(number, person_id=None):
    return FaceRecord(f"{number:012x}{0:020x}", person_id, f"p{number}.jpg", None, "0" * 64, (1, 2, 3, 4), 80.5, DAY)


def faces_of(*labels, index=0):
    """One face a label in a row, None for a stranger."""
    n = len(labels)
    boxes = [[100 * i + 10, 10, 100 * i + 90, 110] for i in range(n)]
    faces = Faces.of(boxes, np.full(n, 0.9), np.full((n, 5, 2), 50), (100 * max(n, 1), 120), image_index=index)
    decisions = []
    for label in labels:
        candidates = (Candidate("0" * 32, label or "Ada", 0.8 if label else 0.1, 2),)
        reasons = () if label else ("too_small",)
        decisions.append(
            Decision(bool(label), candidates[0].score, 0.4, 0.01, "fpir", (0.002, 0.02), "image-person/2-4",
                     llr=1.0, reasons=reasons, candidates=candidates, calibration="fake")
        )  # fmt: skip
    columns = {name: getattr(faces, name) for name in ("boxes", "scores", "landmarks", "image_size", "image_index")}
    return Faces(**columns, timestamp=faces.timestamp, track_id=faces.track_id, decisions=tuple(decisions))


class FakeGallery:
    """Stands where a gallery would, decides by file name (``ada+stranger.jpg``), and remembers what it was asked."""

    def __init__(self):
        self.calls = []
        self.left = ()
        self.journal = [Edit(2, "merge", "Bo merged into Ada", DAY), Edit(1, "rename", "A renamed Ada", DAY)]
        self.suggestions = [
            Suggestion("0a1b2c3d", tuple(face_record(n) for n in range(5))),
            Suggestion("4e5f6a7b", (face_record(9),), Candidate("0" * 32, "Ada", 0.7, 2)),
        ]
        self.known = [person(1, "Ada", samples=2, purpose="door", expires=dt.date(2020, 1, 1)), person(2, "Bo")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.calls.append("closed")

    def enroll(self, label, sources, **options):
        self.calls.append((label, [Path(s).name for s in sources], options))
        bad = [Path(s).name for s in sources if "bad" in Path(s).name]
        refused = tuple(Refusal(name, ("several_faces",), f"{name}: 3 faces, expected one") for name in bad)
        added = tuple(Path(s).name for s in sources if Path(s).name not in bad)
        return Enrolment("a" * 32, label, added=added, already=(), refused=refused, checked=True)

    def enroll_all(self, people, *, workers, **options):
        self.calls.append(f"{workers} workers")
        for label, sources in people:
            yield self.enroll(label, sources, **options)

    def identify_all(self, sources, *, fpir, require, on_error):
        self.calls.append(fpir if require is None else (fpir, require))
        for index, source in enumerate(sources):
            name = Path(source).stem
            if "bad" in name:
                on_error(index, UnreadableImage(f"{source}: expected an image, got an empty file"))
                continue
            labels = [] if name == "empty" else [None if part == "stranger" else part for part in name.split("+")]
            yield index, np.zeros((120, 100 * max(len(labels), 1), 3), np.uint8), faces_of(*labels, index=index)

    def people(self):
        return self.known

    def person(self, who):
        found = [p for p in self.known if who in (p.person_id, p.label)]
        if not found:
            raise UnknownPerson(f"{who}: nobody of that id or label")
        if len(found) > 1:
            raise AmbiguousPerson(f"{who}: two people bear that label", person_ids=[p.person_id for p in found])
        return found[0]

    def rename(self, who, label):
        return person(1, label)

    def merge(self, who, other, *, force):
        self.calls.append((who, other, force))
        return self.person(who)

    def erase(self, who, *, proof):
        self.calls.append(("erased", who))
        entry = AuditEntry(
            1, DAY, "erase", "ab" * 32, "cd" * 32, {"samples": 2}, "invisible", "0" * 64, "ef" * 32, None
        )
        found = Proof(("people.mien", "people.mien-wal"), 1234, 12, self.left) if proof else None
        return Erasure(self.person(who), "invisible" if self.left else "purged_logs", entry, found)

    def suggest(self, photos, *, on_error, **options):
        names = []
        for index, photo in enumerate(photos):
            names.append(photo.name)
            if "bad" in photo.name:
                on_error(index, UnreadableImage(f"{photo}: expected an image, got an empty file"))
        self.calls.append((names, options))
        return self.suggestions

    def import_names(self, photos, *, on_error, **options):
        names = [photo.name for photo in photos]
        self.calls.append((names, options))
        for index, name in enumerate(names):
            if "bad" in name:
                on_error(index, UnreadableImage(f"{name}: its metadata cannot be read"))
        refused = (Refusal("b.jpg", ("no_face_in_region",), "no face was found at 1,2-3,4"),)
        bo = Enrolment(None, "Bo", (), (), refused if "b.jpg" in names else (), checked=True)
        return [Enrolment("a" * 32, "Ada", ("a.jpg",), (), (), checked=True), bo] if "a.jpg" in names else []

    def name(self, suggestion_id, label, **options):
        self.calls.append((suggestion_id, label, options))
        return person(3, label)

    def forget(self, *keys):
        self.calls.append(keys)
        return 7

    def samples(self, who):
        return [face_record(number, person_id=who) for number in range(2)]

    def split(self, who, faces, label):
        self.calls.append((who, faces, label))
        return person(3, label or f"{who} (2)")

    def move(self, face, who):
        self.calls.append((face, who))
        return self.person(who)

    def reject(self, face, who):
        self.calls.append((face, who))
        return face_record(0)

    def undo(self):
        if not self.journal:
            raise NothingToUndo("undo: there is none left")
        return self.journal.pop(0)

    def edits(self):
        return self.journal


@pytest.fixture
def gallery(monkeypatch):
    fake = FakeGallery()
    for module in ("enroll", "identify", "people", "_naming", "_edits", "_importing"):
        monkeypatch.setattr(f"mien.cli.{module}.open_gallery", lambda arguments, *, must_exist=False: fake)
    return fake


@pytest.fixture
def files(tmp_path) -> Callable[..., Path]:
    """Makes empty files below a fresh folder and returns the folder."""

    def make(*names):
        for name in names:
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "in"

    return make
