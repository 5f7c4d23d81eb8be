"""Many people at once: nobody is lost, nobody is doubled, whatever dies."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal

import pytest
from gallery_fakes import looks, template

from mien import Gallery
from mien.errors import InvalidArgument, WorkerLost
from mien.gallery import bulk


def people(count):
    return [(f"p{number}", looks(f"p{number}", 0, 1)) for number in range(count)]


def test_everybody_is_enrolled_as_one_by_one(gallery):
    done = list(gallery.enroll_all(people(5), purpose="door"))
    assert [(one.label, len(one.added)) for one in done] == [(f"p{n}", 2) for n in range(5)]
    assert {person.purpose for person in gallery.people()} == {"door"}
    revision = gallery.revision
    again = list(gallery.enroll_all(people(5)))
    assert [len(one.already) for one in again] == [2] * 5
    assert gallery.revision == revision


def test_a_run_that_was_stopped_is_started_again(gallery):
    run = gallery.enroll_all(people(6))
    assert [next(run).label for _ in range(2)] == ["p0", "p1"]
    run.close()
    assert len(gallery.people()) == 2
    assert sum(len(one.added) for one in gallery.enroll_all(people(6))) == 8
    assert gallery.search(template("p5", 1), k=1)[0].candidates[0].label == "p5"


def test_what_is_wrong_with_one_does_not_stop_the_others(gallery):
    gallery.enroll("two", looks("two", 0))
    gallery.enroll("two", looks("other", 0), new=True)
    done = list(
        gallery.enroll_all([("two", looks("two", 1)), ("", looks("x", 0)), ("none", []), ("ada", looks("ada", 0))])
    )
    assert [one.refused[0].reasons for one in done[:3]] == [
        ("ambiguous_person",),
        ("invalid_argument",),
        ("no_images",),
    ]
    assert done[3].added


def test_several_workers_need_a_pipeline_with_a_name(gallery):
    with pytest.raises(Exception, match="fake-space"):
        list(gallery.enroll_all(people(1), workers=2))
    with pytest.raises(InvalidArgument, match="workers"):
        gallery.enroll_all(people(1), workers=0)


class Pool:
    """Stands where a pool of processes would; dies over the labels it is told to."""

    deaths = None

    def __enter__(self):
        self.broken = False
        return self

    def __exit__(self, *_):
        pass

    def submit(self, function, task):
        future = bulk.Future()
        if self.broken or self.deaths.get(task.label, 0) > 0:
            self.deaths[task.label] = self.deaths.get(task.label, 0) - (not self.broken)
            self.broken = True
            future.set_exception(bulk.BrokenExecutor("killed"))
        else:
            future.set_result(function(task))
        return future


def run(monkeypatch, deaths, labels):
    monkeypatch.setattr(bulk, "_pool", lambda workers, space: Pool())
    monkeypatch.setattr(bulk, "check_pipeline", lambda pipeline: None)
    monkeypatch.setattr(bulk, "_look", lambda task: [task.label])
    monkeypatch.setattr(Pool, "deaths", dict(deaths))
    tasks = [bulk.Task(label, (label,), frozenset(), ()) for label in labels]
    pipeline = type("Pipeline", (), {"space": "any"})()
    return sorted((task.label, found) for task, found in bulk.in_processes(2)(iter(tasks), pipeline))


def test_who_was_with_a_process_that_died_is_looked_at_again(monkeypatch):
    labels = [f"p{number:02}" for number in range(30)]
    assert run(monkeypatch, {"p03": 1, "p17": 1}, labels) == [(label, [label]) for label in labels]


def test_who_kills_every_process_is_told(monkeypatch):
    found = dict(run(monkeypatch, {"p1": 99}, ["p0", "p1", "p2"]))
    assert isinstance(found["p1"], WorkerLost)


@pytest.fixture
def folder(weights, samples, tmp_path):
    made = {}
    for number, name in enumerate(("obama.jpg", "obama2.jpg", "biden.jpg", "single_face.jpg", "obama3.jpg")):
        made[f"person {number}"] = [tmp_path / f"{number}{name}"]
        shutil.copy(samples / name, made[f"person {number}"][0])
    return list(made.items())


@pytest.mark.weights
@pytest.mark.samples
def test_real_processes_enrol_real_photos(folder, tmp_path, monkeypatch):
    monkeypatch.undo()
    with Gallery(tmp_path / "one.mien") as one, Gallery(tmp_path / "two.mien") as two:
        options = {"allow": ("matches_other_person",)}
        alone = sorted(one.enroll_all(folder, **options), key=lambda done: done.label)
        several = two.enroll_all(folder, workers=2, **options)
        first = next(several)
        # One of the processes is killed in the middle of its work.
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        done = sorted([first, *several], key=lambda done: done.label)
        assert [(d.label, d.added, d.refused) for d in done] == [(d.label, d.added, d.refused) for d in alone]
        assert [(p.label, p.samples) for p in two.people()] == [(p.label, p.samples) for p in one.people()]
        assert len(two.people()) == 5
