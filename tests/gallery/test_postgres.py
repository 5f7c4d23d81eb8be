"""What only a server has: files of its own, connections that are lost, URLs that hold passwords."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from gallery_fakes import looks, open_fake, template

from mien.errors import InvalidArgument, StoreUnavailable
from mien.gallery import Gallery
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
