"""Real clips, watched against a gallery of real photos."""

from __future__ import annotations

import datetime as dt

import pytest
from gallery_fakes import set_today

from mien import Gallery
from mien.errors import InvalidArgument, UnreadableVideo
from mien.media import open_video
from mien.watch import EventRules

pytestmark = [pytest.mark.weights, pytest.mark.samples]


@pytest.fixture(autouse=True)
def _reasons_of_the_fake():
    """The real reasons here, not those of the room's fake pipeline."""


@pytest.fixture
def known(weights, samples, tmp_path):
    with Gallery(tmp_path / "people.mien") as gallery:
        gallery.enroll("the man", samples / "single_face.jpg")
        gallery.enroll("Obama", samples / "obama.jpg")
        yield gallery


def seen(frames):
    """Frames, tracks, names and events of a watch."""
    frames = list(frames)
    faces = [face for frame in frames for face in frame.faces]
    events = [(event.kind, event.person) for frame in frames for event in frame.events]
    return len(frames), {face.track_id for face in faces}, {face.person for face in faces}, events


def test_the_man_is_named_once_from_one_photo_and_nobody_else(known, samples):
    frames, tracks, names, events = seen(known.watch(samples / "single_face.mp4"))
    assert (frames, tracks, names) == (72, {0}, {None, "the man"})
    assert events == [("appeared", None), ("recognised", "the man"), ("left", "the man")]


def test_the_woman_who_turns_her_head_is_one_track_and_unknown_throughout(known, samples):
    _, tracks, names, events = seen(known.watch(samples / "WolfgangLanger_Pexels.mp4", fps=8))
    assert (tracks, names) == ({0}, {None})
    assert events == [("appeared", None), ("unknown", None), ("left", None)]


def test_where_there_is_no_face_there_is_none(known, samples):
    _, tracks, _, events = seen(known.watch(samples / "no_face.mp4", fps=8))
    assert (tracks, events) == (set(), [])


@pytest.mark.parametrize(("clip", "start"), [("face_noface.mov", 1.5), ("noface_face.mov", 3.0)])
def test_a_face_comes_and_goes(known, samples, clip, start):
    _, tracks, names, events = seen(known.watch(samples / clip, start=start, end=start + 2.5, fps=12))
    assert (tracks, names) == ({0}, {None, "the man"})
    assert [kind for kind, _ in events] == ["appeared", "recognised", "left"]


def test_an_open_video_is_watched_as_it_was_opened_and_left_open(known, samples):
    with open_video(samples / "single_face.mp4", fps=10, start=0.5) as video:
        first = next(video)
        frames = list(known.watch(video, end=0.6))
        assert frames[0].timestamp > first.timestamp, "it goes on from where it stood"
        assert len(frames) == 18, "the options of a source to be opened do not apply"
        assert {face.person for frame in frames for face in frame.faces} == {None, "the man"}
    with open_video(samples / "single_face.mp4") as video:
        watched = known.watch(video)
        before = next(watched).timestamp
        watched.close()
        assert next(video).timestamp > before


def test_consent_that_expires_ends_the_naming(known, samples, monkeypatch):
    known.enroll("the man", samples / "single_face.jpg", purpose="front door", until="2999-01-01")
    named = []
    for frame in known.watch(samples / "single_face.mp4"):
        if frame.timestamp > 0.5:
            set_today(monkeypatch, dt.date(2999, 1, 2))
        named += [(frame.timestamp, face.person) for face in frame.faces]
    assert "the man" in {person for _, person in named}
    assert {person for time, person in named if time > 1.6} == {None}


def test_somebody_erased_is_named_no_more_within_about_a_second(known, samples):
    named = []
    for frame in known.watch(samples / "single_face.mp4"):
        if frame.timestamp > 0.5 and known.people()[-1].label == "the man":
            known.erase("the man")
        named += [(frame.timestamp, face.person) for face in frame.faces]
    assert "the man" in {person for _, person in named}
    assert {person for time, person in named if time > 1.6} == {None}


def test_rules_and_the_callback(known, samples):
    told = []
    rules = EventRules(confirm_frames=10, emit_unknown=False)
    for _ in known.watch(samples / "single_face.mp4", rules=rules, on_event=told.append, end=1.0):
        pass
    assert [event.kind for event in told] == ["appeared", "recognised", "left"]


@pytest.mark.parametrize(
    "options",
    [{"fpir": 0.0}, {"candidates": 0}, {"fpir": 1.0}, {"require": "quality=best"}],
    ids=["no rate", "no candidates", "certainty", "no level"],
)
def test_what_cannot_be_is_refused_before_the_first_frame(known, options):
    with pytest.raises(InvalidArgument):
        known.watch("missing.mp4", **options)


def test_a_missing_file_is_no_video(known, tmp_path):
    with pytest.raises(UnreadableVideo):
        next(known.watch(tmp_path / "missing.mp4"))
