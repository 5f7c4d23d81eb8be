"""What only a server has: files of its own, connections that are lost, URLs that hold passwords."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import psycopg
import pytest
from gallery_fakes import looks, open_fake, template

from mien.errors import InvalidArgument, StoreUnavailable
from mien.gallery import Eq, Gallery
from mien.gallery.postgres import database

ENGINES = ["postgres"]


def tables_hold(location, piece):
    with psycopg.connect(location, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        (number,) = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
    (folder,) = parse_qs(urlsplit(location).query)["host"]
    return any(piece in path.read_bytes() for path in (Path(folder) / "base" / str(number)).iterdir())


@pytest.mark.parametrize("small", [True, False])
def test_erased_bytes_are_gone_from_the_servers_tables_where_it_says_so(gallery, location, small, monkeypatch):
    monkeypatch.setattr(database, "REWRITTEN", 1 << 28 if small else 0)
    names = [f"p{number}" for number in range(30)]
    for name in names:
        gallery.enroll(name, looks(name, 0))
    assert tables_hold(location, template("p7", 0).tobytes()[-32:])
    levels = {gallery.erase(name).level for name in names[5:15]}
    assert levels == {"purged_store" if small else "invisible"}
    assert gallery.capabilities.purge_level == levels.pop()
    if small:
        assert not any(tables_hold(location, template(name, 0).tobytes()[-32:]) for name in names[5:15])
    assert [person.label for person in gallery.people()] == sorted(names[:5] + names[15:])


def test_a_transaction_that_may_still_see_them_holds_an_erasure_up(gallery, location):
    gallery.enroll("Ada", looks("ada", 0))
    gallery._store._first.timeout = 0.1
    with psycopg.connect(location) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM mien.sample")
        with pytest.raises(StoreUnavailable, match="began before") as caught:
            gallery.erase("Ada")
    assert caught.value.details == {"removed": True, "purged": False}
    assert gallery.people() == []
    with open_fake(location) as again:
        assert [entry.action for entry in again.audit()] == ["erase", "purge"], "the next opening makes up for it"


def test_connections_that_were_lost_are_made_again(gallery, location):
    gallery.enroll("Ada", looks("ada", 0))
    with psycopg.connect(location, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database()"
        )
    assert gallery.search(template("ada", 0), k=1)[0].candidates[0].label == "Ada"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://me:secret@127.0.0.1:1/db?connect_timeout=1", StoreUnavailable),
        ("postgresql://me:secret@[bad", InvalidArgument),
    ],
)
def test_messages_hold_no_password(url, error):
    with pytest.raises(error) as caught:
        Gallery(url)
    assert "secret" not in str(caught.value)
    assert "secret" not in str(caught.value.details)


def test_a_newer_schema_is_refused(gallery, location):
    with psycopg.connect(location, autocommit=True) as other:
        other.execute("UPDATE mien.gallery SET version = 99")
    with pytest.raises(Exception, match="newer Mien"):
        open_fake(location)


def test_a_failed_spread_can_be_repeated_and_running_processes_notice(gallery, location, databases):
    gallery.enroll("Ada", looks("ada", 0))
    one, other, third = (databases() for _ in range(3))
    nowhere = other.replace("/test", "/nowhere")
    with pytest.raises(StoreUnavailable):
        gallery.spread([one, nowhere])
    with pytest.raises(InvalidArgument, match="named twice"):
        gallery.spread([one, one])
    with pytest.raises(InvalidArgument, match="holds a gallery"):
        gallery.spread([one, location])
    open_fake(third).close()
    with pytest.raises(InvalidArgument, match="holds a gallery"):
        gallery.spread([one, third])
    assert gallery.search(template("ada", 1), k=1)[0].candidates[0].label == "Ada"
    with open_fake(location) as running:
        gallery.spread([one, other])
        running.enroll("Bo", looks("bo", 0))
        for opened in (running, gallery):
            assert [c.label for c in opened.search(template("bo", 1), k=2)[0].candidates] == ["Bo", "Ada"]
        asked = running._store._known
        assert [*asked] == [one, other]
        assert all(server._idle for server in asked.values()), "the search went to the shards themselves"
        running.erase("Bo")
    held = [count_rows(url) for url in (one, other)]
    assert sum(held) == 1
    with pytest.raises(InvalidArgument, match="holds a gallery"), open_fake(third) as again:
        again.spread([[one, other][held.index(1)], databases()])


def count_rows(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM mien.fused").fetchone()[0]


def scans_of_graph(url):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        query = "SELECT coalesce(sum(idx_scan), 0) FROM pg_stat_user_indexes WHERE indexrelname LIKE 'fused_hnsw%'"
        return connection.execute(query).fetchone()[0]


@pytest.mark.parametrize("shards", [0, 2])
def test_an_approximate_search_asks_the_graphs(location, databases, shards):
    urls = [databases() for _ in range(shards)]
    for url in urls or [location]:
        with psycopg.connect(url, autocommit=True) as connection:
            # Else so few people are read one after the other.
            connection.execute(f"ALTER DATABASE {url.partition('?')[0].rpartition('/')[2]} SET enable_seqscan = off")
    with open_fake(location) as gallery:
        if urls:
            gallery.spread(urls)
        with pytest.raises(InvalidArgument, match="expected a collection with people"):
            gallery.build_graph()
        for number in range(30):
            gallery.enroll(f"p{number}", looks(f"p{number}", 0), purpose="door" if number % 2 else "album")
        probes = np.stack([template(f"p{number}", 1) for number in range(30)])
        (first, *_) = gallery.search(probes, k=3, approximate=True)
        assert first.exact, "there is no graph yet"
        gallery.build_graph()
        gallery.build_graph()
        gallery.enroll("late", looks("late", 0))
        gallery.erase("p3")
        found = gallery.search(probes, k=3, approximate=True)
        exactly = gallery.search(probes, k=3)
        assert not any(one.exact for one in found)
        assert all(one.exact for one in exactly)
        named = [[c.label for c in one.candidates] for one in found]
        right = [[c.label for c in one.candidates] for one in exactly]
        agreeing = sum(len(set(some) & set(others)) for some, others in zip(named, right, strict=True))
        assert agreeing >= 0.95 * 90
        scores = {(probe, c.label): c.score for probe, one in enumerate(exactly) for c in one.candidates}
        for probe, one in enumerate(found):
            assert all(c.score == scores.get((probe, c.label), c.score) for c in one.candidates)
        assert gallery.search(template("late", 1), k=1, approximate=True)[0].candidates[0].label == "late"
        album = gallery.search(probes[:1], k=15, where=Eq("purpose", "album"), approximate=True)[0]
        assert {c.label for c in album.candidates} == {f"p{number}" for number in range(0, 30, 2)}
        assert gallery.search(probes[:1], k=300, approximate=True)[0].exact
    assert all(scans_of_graph(url) > 0 for url in urls or [location])
