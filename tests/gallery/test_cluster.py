"""A gallery over several servers: the same answers, and nothing acknowledged is lost with one of them."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from cluster import Cluster, missing
from gallery_fakes import looks, open_fake, template

from mien.errors import InvalidArgument, StoreUnavailable
from mien.gallery import Eq
from mien.recognition import fuse


@pytest.fixture(scope="module")
def cluster():
    """The first server, two shards, and a standby of the first shard."""
    why = missing()
    if why is not None:
        pytest.skip(why)
    with Cluster() as made:
        first, one, other, standby = (made.node() for _ in range(4))
        for node in (first, one, other):
            node.create()
        standby.follow(one)
        yield first, one, other, standby


@pytest.fixture(scope="module")
def probes():
    return np.stack([fuse(np.stack([template(f"p{n}", 7), template(f"p{n + 1}", 8)])) for n in range(0, 40, 3)])


def answers(gallery, probes, **options):
    found = gallery.search(probes, k=7, **options)
    return [[(c.label, c.samples, round(c.score, 6)) for c in one.candidates] for one in found], found[0].searched


def test_shards_change_no_answer_and_survive_their_server(cluster, probes, tmp_path):
    first, one, other, standby = cluster
    with open_fake(first.url()) as gallery, open_fake(tmp_path / "people.mien") as alone:
        for number in range(24):
            gallery.enroll(
                f"p{number}", looks(f"p{number}", *range(1 + number % 3)), purpose=("door", "album")[number % 2]
            )
        gallery.copy_to(alone)
        store = gallery._store
        with pytest.raises(InvalidArgument, match="two"):
            store.spread([one.url()])
        with pytest.raises(InvalidArgument, match="password"):
            store.spread(["postgresql://postgres:secret@10.77.0.11/postgres", other.url()])
        assert answers(gallery, probes) == answers(alone, probes)
        store.spread([one.url(standby), other.url()])
        assert all(0 < count_on(node) < 24 for node in (one, other))
        assert answers(gallery, probes) == answers(alone, probes)
    with open_fake(first.url()) as gallery, open_fake(tmp_path / "people.mien") as alone:
        for opened in (gallery, alone):
            opened.erase("p3")
            opened.enroll("p4", looks("p4", 5))
            opened.merge("p5", "p6", force=True)
            opened.enroll("late", looks("late", 0))
        assert answers(gallery, probes) == answers(alone, probes)
        where = Eq("purpose", "album")
        assert answers(gallery, probes, where=where) == answers(alone, probes, where=where)
        assert answers(gallery, probes, threshold=0.5) == answers(alone, probes, threshold=0.5)
        with pytest.raises(InvalidArgument, match="already"):
            gallery._store.spread([one.url(), other.url()])
        survive(gallery, first, one, standby)


def count_on(node):
    import psycopg

    with psycopg.connect(node.url()) as connection:
        return connection.execute("SELECT count(*) FROM mien.fused").fetchone()[0]


def survive(gallery, first, one, standby):
    """A shard's server is killed while people are enrolled; its standby takes over."""
    acknowledged, refused, stop = [], [], threading.Event()

    def write():
        with open_fake(first.url()) as writer:
            number = 0
            while not stop.is_set():
                label, number = f"new{number}", number + 1
                try:
                    writer.enroll(label, looks(label, 0))
                    acknowledged.append(label)
                except StoreUnavailable:
                    refused.append(label)

    thread = threading.Thread(target=write)
    thread.start()
    wait_for(lambda: len(acknowledged) > 15)
    before = len(acknowledged)
    one.kill()
    killed = time.monotonic()
    time.sleep(1)
    standby.promote()

    def searched():
        try:
            return gallery.search(template("p1", 0), k=1)[0].candidates[0].label == "p1"
        except StoreUnavailable:
            return False

    wait_for(searched)
    back = time.monotonic() - killed
    wait_for(lambda: len(acknowledged) > before + 15)
    stop.set()
    thread.join()
    assert back < 5
    assert refused, "the kill was noticed"
    people = {person.label for person in gallery.people()}
    assert set(acknowledged) <= people
    for label in acknowledged:
        assert gallery.search(template(label, 0), k=1)[0].candidates[0].label == label


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
