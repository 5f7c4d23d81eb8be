"""Many threads, served as one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import mien
from mien.gallery.together import Together


def test_who_comes_meanwhile_is_served_next_and_together():
    begun, release, served = threading.Event(), threading.Event(), []

    def serve(asked):
        served.append(sorted(asked))
        begun.set()
        assert release.wait(30)
        return [10 * one for one in asked]

    together = Together(serve)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(together, 0)
        assert begun.wait(30)
        rest = [pool.submit(together, one) for one in range(1, 6)]
        while len(together._waiting) < 5:
            pass
        release.set()
        assert [one.result(30) for one in (first, *rest)] == [0, 10, 20, 30, 40, 50]
    assert served == [[0], [1, 2, 3, 4, 5]]


def test_what_fails_fails_for_all_that_were_served_with_it_and_for_nobody_else():
    def serve(asked):
        return [1 / one for one in asked]

    together = Together(serve)
    with pytest.raises(ZeroDivisionError):
        together(0)
    assert together(2) == 0.5


def test_accesses_noted_at_the_same_time_are_lines_of_one_sound_log(tmp_path):
    with mien.Gallery(tmp_path / "people.mien") as gallery, ThreadPoolExecutor(8) as pool:
        noted = list(pool.map(lambda n: gallery.note_access("identify", f"key {n}", faces=n), range(40)))
        log = gallery.audit()
        assert gallery.verify_audit().sound
    assert [(entry.actor, entry.details) for (entry,) in noted] == [(f"key {n}", {"faces": n}) for n in range(40)]
    assert sorted(entry.hash for (entry,) in noted) == sorted(entry.hash for entry in log)
