from __future__ import annotations

import zlib

import numpy as np
import pytest

from mien.errors import StreamUnavailable
from mien.media import Frame
from mien.quality import OPEN
from mien.types import Candidate, Decision, Faces
from mien.watch import EventRules, watch
from mien.watch.watcher import sameness

DIMENSION, SIZE, RATE = 128, (96, 64), 25
THRESHOLD = 0.35
RULES = EventRules(absence_seconds=0.5, cooldown_seconds=0.0)


def unit(*seed):
    drawn = np.random.default_rng(zlib.crc32(repr(seed).encode())).standard_normal(DIMENSION)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


class FakeVideo:
    """A script: for each frame who is where, as {who: x}; optionally with reasons against every look."""

    def __init__(self, script, *, live=False, step=1 / RATE, error=None):
        self.script, self.live, self.step, self.error = script, live, step, error
        self.delivered = 0
        self.grey = 0

    def __iter__(self):
        for number in range(len(self.script)):
            self.delivered += 1
            image = np.full((SIZE[1], SIZE[0], 3), self.grey, np.uint8)
            image[0, 0] = (*divmod(number, 256), 0)
            yield Frame(image, number * self.step, number)
        if self.error is not None:
            raise self.error


class FakePipeline:
    """Sees what the script says, and counts what it computes."""

    def __init__(self, script, templates=None):
        self.script, self.templates = script, templates or {}
        self.described = 0
        self.batches = []

    def locate(self, images, indices=None):
        self.batches.append(len(images))
        return [self._faces(index) for index in indices]

    def follow(self, image, before):
        now, then = self._number(image), int(before.image_index[0])
        return self._faces(now) if list(self.script[now]) == list(self.script[then]) else None

    @staticmethod
    def _number(image):
        return int(image[0, 0, 0]) * 256 + int(image[0, 0, 1])

    def _faces(self, index):
        people = self.script[index]
        boxes = [[x, 20, x + 16, 40] for x in people.values()]
        return Faces.of(
            np.reshape(boxes, (-1, 4)), [0.9] * len(people), np.zeros((len(people), 5, 2)), SIZE, image_index=index
        )

    def describe(self, images, located):
        described = []
        for image, faces in zip(images, located, strict=True):
            people = self.script[self._number(image)]
            by_place = {float(x): who for who, x in people.items()}
            templates = np.array([self._template(by_place[box[0]]) for box in faces.boxes]).reshape(-1, DIMENSION)
            self.described += len(faces)
            columns = {name: getattr(faces, name) for name in ("boxes", "scores", "landmarks", "image_size")}
            columns |= {name: getattr(faces, name) for name in ("image_index", "timestamp", "track_id")}
            described.append(
                Faces(**columns, templates=templates, space="fake", quality=np.full(len(faces), 80, np.float32))
            )
        return described

    def _template(self, who):
        return self.templates.get(who, unit(who))


class FakeGallery:
    """Knows the people of its dictionary, who may change while a video runs."""

    def __init__(self, **people):
        self.people = people
        self.searched = 0

    def __call__(self, probes):
        self.searched += len(probes)
        return [self._decide(probe) for probe in probes]

    def _decide(self, probe):
        scored = sorted(((float(probe.template @ t), who) for who, t in self.people.items()), reverse=True)
        candidates = tuple(Candidate(who, who, score, 1) for score, who in scored)
        score = scored[0][0] if scored else -np.inf
        match = score >= THRESHOLD and not probe.reasons
        return Decision(
            match, score, THRESHOLD, 0.01, "fpir", (0, 1), "track-person/1", None, probe.reasons, candidates
        )


@pytest.fixture
def calibration():
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1] / "gallery"))
    from gallery_fakes import make_calibration

    return make_calibration()


@pytest.fixture(autouse=True)
def poor(monkeypatch):
    """Reasons against every look that is taken."""
    reasons = []
    monkeypatch.setattr("mien.quality.reasons", lambda faces, policy=None: (tuple(reasons),) * len(faces))
    return reasons


@pytest.fixture
def run(calibration):
    def run(script, gallery, *, each=None, templates=None, gate=OPEN):
        video, pipeline = FakeVideo(script), FakePipeline(script, templates)
        told, frames = [], []
        for frame in watch(
            video, pipeline, gallery, calibration=calibration, fpir=0.01, gate=gate, rules=RULES, on_event=told.append
        ):
            frames.append(frame)
            if each is not None:
                each(frame)
        run.pipeline = pipeline
        assert told == [event for frame in frames for event in frame.events]
        return frames

    return run


def names(frames):
    """Each track's names in order, without repetition; None before a decision and for unknown."""
    said: dict[int, list[str | None]] = {}
    for frame in frames:
        for face in frame.faces:
            row = said.setdefault(face.track_id, [])
            if not row or row[-1] != face.person:
                row.append(face.person)
    return said


def kinds(frames):
    return [(event.kind, event.person) for frame in frames for event in frame.events]


def test_a_known_person_is_undecided_then_named_once_and_leaves(run):
    script = [{"ada": 10 + n / 4} for n in range(50)]
    frames = run(script, FakeGallery(ada=unit("ada")))
    assert [frame.timestamp for frame in frames] == [n * (1 / RATE) for n in range(50)]
    assert names(frames) == {0: [None, "ada"]}
    assert frames[0].faces.decisions[0].reasons == ("undecided",)
    assert kinds(frames) == [("appeared", None), ("recognised", "ada"), ("left", "ada")]
    assert frames[-1].events[0].kind == "left"
    assert run.pipeline.described < 20


def test_a_stranger_is_unknown_and_stays_so(run):
    frames = run([{"eve": 10}] * 100, FakeGallery(ada=unit("ada")))
    assert names(frames) == {0: [None]}
    assert kinds(frames) == [("appeared", None), ("unknown", None), ("left", None)]
    assert frames[-1].faces.decisions[0].reasons == ()


def test_a_video_without_faces_has_frames_and_nothing_else(run):
    frames = run([{}] * 30, FakeGallery(ada=unit("ada")))
    assert len(frames) == 30
    assert not any(len(frame.faces) or frame.events for frame in frames)
    assert run([], FakeGallery()) == []


def test_who_leaves_and_comes_back_has_the_same_track_and_needs_no_new_decision(run):
    script = [{"ada": 10}] * 20 + [{}] * 40 + [{"ada": 60}] * 20
    frames = run(script, FakeGallery(ada=unit("ada")))
    assert names(frames) == {0: [None, "ada"]}
    assert frames[60].faces[0].person == "ada"
    assert [kind for kind, _ in kinds(frames)] == ["appeared", "recognised", "left", "appeared", "recognised", "left"]


def test_a_track_of_poor_looks_alone_is_unknown_with_the_reasons(run, poor):
    poor.append("too_small")
    frames = run([{"ada": 10}] * 40, FakeGallery(ada=unit("ada")))
    assert names(frames) == {0: [None]}
    assert frames[-1].faces.decisions[0].reasons == ("too_small",)
    assert ("unknown", None) in kinds(frames)


def test_poor_looks_give_way_to_good_ones(run, poor):
    poor.append("blurred")
    frames = run(
        [{"ada": 10}] * 100,
        FakeGallery(ada=unit("ada")),
        each=lambda frame: poor.clear() if frame.timestamp > 1.5 else None,
    )
    assert names(frames) == {0: [None, "ada"]}


class FakeGate:
    """Refuses every look for some reasons, as long as there are any."""

    def __init__(self, *reasons):
        self.found = reasons

    def reasons(self, faces):
        return (self.found,) * len(faces)


def test_looks_that_fall_short_of_what_is_required_are_poor_ones(run, poor):
    gate = FakeGate("low_quality", "blurred")
    poor.append("blurred")
    frames = run([{"ada": 10}] * 40, FakeGallery(ada=unit("ada")), gate=gate)
    assert names(frames) == {0: [None]}
    assert frames[-1].faces.decisions[0].reasons == ("blurred", "low_quality")
    poor.clear()

    def pass_by(frame):
        gate.found = () if frame.timestamp > 1.5 else ("low_quality",)

    frames = run([{"ada": 10}] * 100, FakeGallery(ada=unit("ada")), gate=gate, each=pass_by)
    assert names(frames) == {0: [None, "ada"]}


def test_what_is_required_concerns_names_and_not_who_is_the_same(run):
    """Somebody who leaves and comes back is known again by looks that are too poor for a name."""
    script = [*[{"ada": 10}] * 30, *[{}] * 40, *[{"ada": 60}] * 30]
    frames = run(script, FakeGallery(ada=unit("ada")), gate=FakeGate("low_quality"))
    assert {face.track_id for frame in frames for face in frame.faces} == {0}


def test_two_faces_of_one_frame_are_never_one_person(run):
    near = unit("ada") + 0.8 * unit("twin")
    twin = (near / np.linalg.norm(near)).astype(np.float32)
    assert unit("ada") @ twin > THRESHOLD
    frames = run([{"ada": 10, "twin": 60}] * 60, FakeGallery(ada=unit("ada")), templates={"twin": twin})
    for frame in frames:
        assert [face.person for face in frame.faces].count("ada") <= 1
    assert names(frames) == {0: [None, "ada"], 1: [None]}
    assert frames[-1].faces.decisions[1].reasons == ("same_person_twice",)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({"ada": unit("ada")}, {}, [None, "ada", None], id="erased, or consent expired"),
        pytest.param({}, {"ada": unit("ada")}, [None, "ada"], id="enrolled"),
        pytest.param({"ada": unit("ada")}, {"ada": unit("ada"), "bob": unit("bob")}, [None, "ada"], id="another one"),
    ],
)
def test_what_changes_in_the_gallery_is_seen_within_about_a_second(run, before, after, expected):
    gallery = FakeGallery(**before)
    changed = []

    def each(frame):
        if frame.timestamp >= 2 and not changed:
            gallery.people = after
            changed.append(frame.timestamp)

    frames = run([{"ada": 10}] * 100, gallery, each=each)
    assert names(frames) == {0: expected}
    late = [frame for frame in frames if frame.timestamp > 2 + 1.1]
    assert {face.person for frame in late for face in frame.faces} == {expected[-1]}


def test_a_cut_of_the_scene_hands_no_name_on(calibration):
    script = [{"ada": 10}] * 30 + [{"eve": 10}] * 30

    class Cut(FakeVideo):
        def __iter__(self):
            for frame in super().__iter__():
                self.grey = 0 if frame.index < 29 else 200
                yield frame

    frames = list(
        watch(
            Cut(script), FakePipeline(script), FakeGallery(ada=unit("ada")), calibration=calibration, fpir=0.01,
            rules=RULES,
        )
    )  # fmt: skip
    assert [frame.faces[0].person for frame in frames[30:]] == [None] * 30
    assert names(frames) == {0: [None, "ada"], 1: [None]}


def test_a_live_stream_is_worked_on_frame_by_frame_and_told_at_once(calibration):
    script = [{"ada": 10}] * 20
    video, pipeline = FakeVideo(script, live=True), FakePipeline(script)
    frames = watch(video, pipeline, FakeGallery(ada=unit("ada")), calibration=calibration, fpir=0.01, rules=RULES)
    seen = []
    for number, frame in enumerate(frames, 1):
        assert video.delivered == number
        seen += frame.events
    assert set(pipeline.batches) == {1}
    assert [event.kind for event in seen] == ["appeared", "recognised"]
    assert all(event.time is not None for event in seen)


def test_a_stream_that_ends_or_breaks_lets_everybody_leave(calibration):
    script = [{"ada": 10}] * 20
    video = FakeVideo(script, live=True, error=StreamUnavailable("gone"))
    told = []
    gallery = FakeGallery(ada=unit("ada"))
    with pytest.raises(StreamUnavailable, match="gone"):
        list(watch(video, FakePipeline(script), gallery, calibration=calibration, fpir=0.01, on_event=told.append))
    assert [event.kind for event in told] == ["appeared", "recognised", "left"]


def test_files_are_read_ahead_by_a_bounded_number_of_frames(calibration, monkeypatch):
    monkeypatch.setattr("mien.models.available_threads", lambda: 2)
    script = [{}] * 400
    video = FakeVideo(script)
    ahead = 0
    for number, _ in enumerate(
        watch(video, FakePipeline(script), FakeGallery(), calibration=calibration, fpir=0.01), 1
    ):
        ahead = max(ahead, video.delivered - number)
    assert ahead <= 32


def test_a_watch_that_is_stopped_early_leaves_no_thread(calibration):
    import threading

    script = [{"ada": 10}] * 400
    frames = watch(FakeVideo(script), FakePipeline(script), FakeGallery(), calibration=calibration, fpir=0.01)
    next(frames)
    frames.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mien-watch")]


def test_an_unknown_gallery_of_faces_is_tracked_without_a_calibration():
    script = [{"ada": 10}] * 30
    frames = list(watch(FakeVideo(script), FakePipeline(script), FakeGallery(), calibration=None, fpir=0.01))
    assert names(frames) == {0: [None]}


def test_thresholds_between_tracks_come_from_the_calibration(calibration):
    same = sameness(calibration)
    assert same.same == pytest.approx(calibration.verification_threshold("image-image", 1e-5).value)
    assert calibration.llr("image-image", same.different) == pytest.approx(-np.log(100))
    assert sameness(None) is None
