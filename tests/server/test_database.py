"""The service's own file: connections that stay open, and what another process wrote."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from mien.errors import StoreCorrupt
from mien.server.access import Access, Role
from mien.server.database import Database
from mien.server.schema import MIGRATIONS


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "service.db")
    with made.connected() as connection:
        connection.execute("CREATE TABLE number (value INTEGER PRIMARY KEY) STRICT")
    yield made
    made.close()


def numbers(database):
    with database.connected() as connection:
        return [value for (value,) in connection.execute("SELECT value FROM number ORDER BY value")]


def add(database, *values):
    with database.connected() as connection:
        for value in values:
            connection.execute("INSERT INTO number VALUES (?)", (value,))


def test_a_connection_stays_open_and_is_used_again(database):
    with database.connected() as first:
        pass
    with database.connected() as second, database.connected() as beside:
        assert second is first
        assert beside is not first


def test_what_fails_changes_nothing_and_leaves_a_connection_that_serves(database):
    add(database, 1)
    with pytest.raises(sqlite3.IntegrityError):
        add(database, 2, 1)
    with pytest.raises(sqlite3.IntegrityError):
        add(database, 3, "of another kind")
    add(database, 4)
    assert numbers(database) == [1, 4]


def test_what_another_process_wrote_is_seen_at_once(database):
    assert numbers(database) == []
    other = Database(database.path)
    add(other, 7)
    assert numbers(database) == [7]
    other.close()


def test_threads_write_beside_one_another(database):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda value: add(database, value), range(100)))
    assert numbers(database) == [*range(100)]


def layout(path):
    """What a file's tables are made with, and how its layout is counted."""
    with sqlite3.connect(path) as connection:
        tables = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
        ).fetchall()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    # SQLite writes a column that was added on the line of the one before.
    return {name: " ".join(sql.split()) for name, sql in tables}, version


def of_before(path, layouts):
    """A file as it was made when there were so many layouts; 0 for one of before they were counted."""
    connection = sqlite3.connect(path)
    for statements in MIGRATIONS[: max(1, layouts)]:
        for statement in statements:
            connection.execute(statement)
    columns = "key_id, name, digest, role, collections, created, scopes"
    row = ("0123abcd", "door", b"x", 1, '["main"]', "2026-01-01T00:00:00+00:00", "[]")
    connection.execute(f"INSERT INTO api_key ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute(f"PRAGMA user_version = {layouts}")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("layouts", range(len(MIGRATIONS) + 1))
def test_a_file_of_an_earlier_layout_is_brought_to_this_one(tmp_path, layouts):
    of_before(tmp_path / "old.db", layouts)
    access = Access(Database(tmp_path / "old.db"))
    (key,) = access.every_key()
    assert (key.name, key.role, key.collections) == ("door", Role.reader, ("main",))
    assert key.rate is None
    access.issue("another", Role.admin, rate=60)
    assert [key.rate for key in access.every_key()] == [None, 60]
    Database(tmp_path / "new.db").close()
    assert layout(tmp_path / "old.db") == layout(tmp_path / "new.db")


def test_what_a_newer_mien_wrote_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "service.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match=r"written by a newer Mien .*; upgrade Mien") as refused:
        Database(path)
    assert refused.value.details["schema"] == len(MIGRATIONS) + 1
    assert path.read_bytes() == before


def test_processes_that_start_together_migrate_once(tmp_path):
    of_before(tmp_path / "service.db", 0)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Database(tmp_path / "service.db"), range(8)))
    assert layout(tmp_path / "service.db")[1] == len(MIGRATIONS)
    for one in made:
        one.close()
