"""Searches agree with brute force, whatever index, kernel and moment they are made with."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock, Timeout
from gallery_fakes import DIMENSION, vector

from mien.gallery import index as indices
from mien.gallery import search
from mien.gallery.index import Index
from mien.gallery.scan import FileTable, MemoryTable
from mien.gallery.scan.kernels import FaissKernel, NumpyKernel, OpenVinoKernel
from mien.gallery.sqlite import SqliteStore
from mien.gallery.store import Sample
from mien.recognition import fuse


@pytest.fixture
def store(path):
    opened = SqliteStore(path)
    yield opened
    opened.close()


def unit(*seed):
    return vector(*seed).astype(np.float32)


def add(store, label, templates, until=None):
    with store.writing("main") as transaction:
        if transaction.space() is None:
            transaction.pin("space", DIMENSION)
        person_id = transaction.add_person(label)
        for number, template in enumerate(templates):
            transaction.add_sample(person_id, Sample(template, "a.jpg", f"{number:064}", "f32", None))
        if until:
            transaction.consent(person_id, None, until)
    return person_id


def searched(store, index, probes, k, **options):
    with store.reading("main") as transaction:
        return [found.candidates for found in index.view(transaction).search(probes, k, **options)]


def by_brute_force(store, probes, k):
    with store.reading("main") as transaction:
        people = {p.person_id: fuse(transaction.templates(p.person_id)) for p in transaction.people() if p.samples}
    answers = []
    for probe in probes.astype(np.float64):
        scores = {key: float(template.astype(np.float64) @ probe) for key, template in people.items()}
        answers.append(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:k])
    return answers


def agree(found, expected):
    for candidates, best in zip(found, expected, strict=True):
        assert [candidate.person_id for candidate in candidates] == [key for key, _ in best]
        assert [candidate.score for candidate in candidates] == pytest.approx([score for _, score in best], abs=1e-6)


@pytest.fixture
def crowd(store):
    """300 people with one to three samples, close to each other; probes of theirs and of strangers."""
    with store.writing("main") as transaction:
        transaction.pin("space", DIMENSION)
        for number in range(300):
            person_id = transaction.add_person(f"p{number}")
            for look in range(1 + number % 3):
                template = fuse([unit("all"), unit(number), unit(number, look)])
                transaction.add_sample(person_id, Sample(template, "a.jpg", f"{number}{look:060}", "f32", None))
    return np.stack([fuse([unit("all"), unit(n), unit("x", n)]) for n in range(0, 600, 20)])


@pytest.mark.parametrize("tail", [1000, 0, 40])
@pytest.mark.parametrize("k", [1, 7, 300, 400])
def test_the_best_are_those_of_brute_force(store, crowd, path, tail, k):
    found = searched(store, Index(path, tail=tail), crowd, k)
    agree(found, by_brute_force(store, crowd, k))
    assert (indices.table_path(path, identity(store)).exists()) == (tail < 300)


def identity(store):
    with store.reading("main") as transaction:
        return transaction.identity()


@pytest.mark.parametrize("n", [1, 5, 30, 70])
@pytest.mark.parametrize("make", [NumpyKernel, OpenVinoKernel, FaissKernel])
def test_every_kernel_gives_the_same_answer(store, crowd, path, make, n, monkeypatch):
    monkeypatch.setattr(search, "FIRST", 8)
    kernel = make() if make is NumpyKernel else make(DIMENSION, *([NumpyKernel()] if make is FaissKernel else []))
    probes = np.concatenate([crowd, crowd[::-1], crowd])[:n]
    monkeypatch.setattr(search, "best_kernel", lambda dimension: kernel)
    agree(searched(store, Index(path, tail=0), probes, 5), by_brute_force(store, probes, 5))


def test_only_a_few_stored_templates_are_read(store, crowd, path):
    with store.reading("main") as transaction:
        found = Index(path, tail=0).view(transaction).search(crowd, 3)
        strict = Index(path, tail=0).view(transaction).search(crowd, 3, threshold=0.999)
    assert max(each.compared for each in found) < 30
    assert all(each.candidates == () and each.compared <= 1 for each in strict)
    assert {each.searched for each in found} == {300}


def test_a_threshold_leaves_out_who_is_below(store, crowd, path):
    everybody = searched(store, Index(path, tail=0), crowd, 300)
    for threshold in (everybody[0][4].score, 0.5):
        expected = [tuple(c for c in candidates if c.score >= threshold) for candidates in everybody]
        assert searched(store, Index(path, tail=0), crowd, 300, threshold=threshold) == expected


@pytest.mark.parametrize("tail", [1000, 0])
def test_a_score_does_not_depend_on_the_batch(store, crowd, path, tail):
    index = Index(path, tail=tail)
    assert searched(store, index, crowd, 37) == [searched(store, index, probe[None], 37)[0] for probe in crowd]


@pytest.mark.parametrize("tail", [1000, 0])
def test_equal_scores_are_ordered_by_person(store, path, tail):
    ids = [add(store, f"p{number}", [unit("same")]) for number in range(9)]
    (found,) = searched(store, Index(path, tail=tail), unit("same")[None], 5)
    assert [candidate.person_id for candidate in found] == sorted(ids)[:5]


def test_an_empty_collection_finds_nobody(store, path):
    assert searched(store, Index(path), np.zeros((2, DIMENSION), np.float32), 3) == [(), ()]


@pytest.mark.parametrize("tail", [1000, 0])
def test_a_person_can_be_left_out(store, path, tail):
    ada, bob = add(store, "Ada", [unit("ada")]), add(store, "Bob", [unit("bob")])
    (found,) = searched(store, Index(path, tail=tail), unit("ada")[None], 5, without=ada)
    assert [candidate.person_id for candidate in found] == [bob]


@pytest.mark.parametrize("tail", [1000, 0])
def test_whose_consent_has_expired_is_not_searched(store, path, tail, monkeypatch):
    day = dt.date(2030, 1, 1)
    for number in range(20):
        add(store, f"p{number}", [unit(number)], until=day if number % 2 else None)
    index = Index(path, tail=tail)
    assert len(searched(store, index, unit(1)[None], 99)[0]) == 20
    monkeypatch.setattr(search, "today", lambda: day + dt.timedelta(1))
    (found,) = searched(store, index, unit(1)[None], 99)
    assert len(found) == 10
    with store.reading("main") as transaction:
        assert index.view(transaction).people == 10


@pytest.mark.parametrize("tail", [1000, 12, 3, 0])
def test_a_refreshed_index_equals_a_new_one(store, path, tail):
    index = Index(path, tail=tail)
    rng = np.random.default_rng(0)
    ids = []
    for step in range(60):
        change = rng.integers(5) if len(ids) > 3 else 0
        if change < 2:
            ids.append(add(store, f"p{step}", [unit(step, look) for look in range(2)]))
        else:
            chosen = ids[rng.integers(len(ids))]
            with store.writing("main") as transaction:
                if change == 2:
                    transaction.rename(chosen, f"renamed {step}")
                elif change == 3:
                    transaction.add_sample(chosen, Sample(unit("more", step), "a.jpg", f"{step:064}", "f32", None))
                else:
                    transaction.remove(chosen)
                    ids.remove(chosen)
        if step % 7 == 0:
            with store.reading("main") as transaction:
                index.purge(transaction)
        probes = np.stack([unit("probe", step), unit(step)])
        agree(searched(store, index, probes, 99), by_brute_force(store, probes, 99))
        assert searched(store, Index(path, tail=tail), probes, 99) == searched(store, index, probes, 99)
        with store.reading("main") as transaction:
            assert index.view(transaction).people == len(ids)


def test_a_search_that_runs_keeps_the_view_it_began_with(store, path):
    index = Index(path, tail=0)
    for number in range(5):
        add(store, f"p{number}", [unit(number)])
    with store.reading("main") as transaction:
        before = index.view(transaction)
        add(store, "new", [unit("new")])
        searched(store, index, unit("new")[None], 9)
        assert index.view(transaction).people == 5, "also where the index went on meanwhile"
        assert len(before.search(unit("new")[None], 9)[0].candidates) == 5
    assert len(searched(store, index, unit("new")[None], 9)[0]) == 6


def changed_and_purged(store, path, living, erased):
    """Somebody gets a sample, somebody is erased, and the rows of both are wiped."""
    with store.writing("main") as transaction:
        transaction.add_sample(living, Sample(unit("second"), "b.jpg", "b" * 64, "f32", None))
        transaction.erase(erased)
    with store.reading("main") as transaction:
        Index(path, tail=99).purge(transaction)


@pytest.mark.parametrize("own", [True, False], ids=["index at hand", "index of its own"])
def test_a_search_older_than_a_purge_finds_whom_it_wiped(store, path, own):
    ids = [add(store, f"p{number}", [unit(number)]) for number in range(50)]
    index = Index(path, tail=0)
    searched(store, index, unit(0)[None], 1)
    expected = by_brute_force(store, unit(7)[None], 50)
    with store.reading("main") as transaction:
        view = index.view(transaction)
        changed_and_purged(store, path, ids[7], ids[9])
        view = view if own else Index(path, tail=99).view(transaction)
        agree([view.search(unit(7)[None], 50)[0].candidates], expected)
    assert len(searched(store, index, unit(7)[None], 99)[0]) == 49


@pytest.mark.parametrize("times", [1, 99])
def test_a_search_that_a_purge_overtakes_is_repeated(store, path, times, monkeypatch):
    ids = [add(store, f"p{number}", [unit(number)]) for number in range(50)]
    index = Index(path, tail=0)
    searched(store, index, unit(0)[None], 1)
    overtaken = []

    class Overtaken(NumpyKernel):
        def best(self, *query):
            held = FileLock(path.with_name(f"{path.name}-scan.lock"), timeout=0)
            if len(overtaken) < times:
                try:
                    with held:
                        pass
                except Timeout:
                    return super().best(*query)
                overtaken.append(changed_and_purged(store, path, ids.pop(), ids.pop()) if not overtaken else touched())
            return super().best(*query)

    def touched():
        with store.reading("main") as transaction:
            Index(path, tail=99).purge(transaction)

    monkeypatch.setattr(search, "best_kernel", lambda _: Overtaken())
    expected = by_brute_force(store, unit(49)[None], 50)
    agree(searched(store, index, unit(49)[None], 50), expected)
    assert len(overtaken) == min(times, search.TRIES)


def test_erasing_wipes_the_codes_in_the_file(store, crowd, path):
    index = Index(path, tail=0)
    searched(store, index, crowd, 1)
    table = FileTable(indices.table_path(path, identity(store)), identity(store), verify=True)
    with store.reading("main") as transaction:
        victim = transaction.people()[100]
        key = transaction.key_of(victim.person_id)
    code = bytes(table.codes[np.flatnonzero(table.keys == key)[0]])
    assert code in table.path.read_bytes()
    with store.writing("main") as transaction:
        transaction.erase(victim.person_id)
    with store.reading("main") as transaction:
        index.purge(transaction)
    assert code not in table.path.read_bytes()
    assert not table.current()
    FileTable(table.path, identity(store), verify=True)
    agree(searched(store, index, crowd, 9), by_brute_force(store, crowd, 9))


def spoil_byte(path):
    data = bytearray(path.read_bytes())
    data[-100_000 if len(data) > 100_000 else 9000] ^= 1
    path.write_bytes(data)


def spoil_header(path):
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(data)


def leave_half_written(path):
    data = bytearray(path.read_bytes())
    data[16] |= 1
    path.write_bytes(data)


@pytest.mark.parametrize("spoil", [spoil_header, leave_half_written, lambda p: p.write_bytes(b""), Path.unlink])
def test_a_table_that_does_not_fit_is_made_anew(store, crowd, path, spoil):
    searched(store, Index(path, tail=0), crowd, 1)
    table = indices.table_path(path, identity(store))
    sound = table.read_bytes()
    spoil(table)
    agree(searched(store, Index(path, tail=0), crowd, 9), by_brute_force(store, crowd, 9))
    assert table.read_bytes() == sound


def test_a_damaged_row_is_noticed_at_opening(store, crowd, path):
    searched(store, Index(path, tail=0), crowd, 1)
    table = indices.table_path(path, identity(store))
    sound = table.read_bytes()
    spoiled = bytearray(sound)
    spoiled[8192 + 5 * DIMENSION] ^= 0x40
    table.write_bytes(spoiled)
    agree(searched(store, Index(path, tail=0), crowd, 9), by_brute_force(store, crowd, 9))
    assert table.read_bytes() == sound


def test_where_no_table_can_be_written_it_is_kept_in_memory(store, crowd, path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(indices.FileTable, "build", full)
    index = Index(path, tail=0)
    agree(searched(store, index, crowd, 9), by_brute_force(store, crowd, 9))
    with store.reading("main") as transaction:
        assert isinstance(index.view(transaction)._state.table, MemoryTable)


def test_what_a_killed_builder_left_is_removed(store, crowd, path):
    table = indices.table_path(path, identity(store))
    leftover = table.with_name(f"{table.name}.tmp999")
    leftover.write_bytes(b"codes of somebody")
    with store.reading("main") as transaction:
        Index(path).purge(transaction)
    assert not leftover.exists()


SEARCHER = """
import sys
from pathlib import Path
import numpy as np
from mien.gallery.index import Index
from mien.gallery.sqlite import SqliteStore
path = Path(sys.argv[1])
store, index = SqliteStore(path), Index(path, tail=3)
probe = np.ones((1, int(sys.argv[2])), np.float32) / np.sqrt(int(sys.argv[2]))
for line in sys.stdin:
    with store.reading("main") as transaction:
        found = index.view(transaction).search(probe, 99)[0]
    print(len(found.candidates), flush=True)
"""


def test_processes_see_each_others_commits_at_once(store, path):
    ids = [add(store, "first", [unit(0)])]
    reader = subprocess.Popen(
        [sys.executable, "-c", SEARCHER, str(path), str(DIMENSION)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    index = Index(path, tail=3)
    with reader:
        for step in range(25):
            if step % 4 == 3:
                with store.writing("main") as transaction:
                    transaction.erase(ids.pop(0))
                with store.reading("main") as transaction:
                    index.purge(transaction)
            else:
                ids.append(add(store, f"p{step}", [unit(step)]))
            searched(store, index, unit(0)[None], 1)
            reader.stdin.write("\n")
            reader.stdin.flush()
            assert int(reader.stdout.readline()) == len(ids)
        reader.stdin.close()
    assert reader.returncode == 0
