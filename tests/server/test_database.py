"""The service's own file: connections that stay open, and what another process wrote."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from mien.server.database import Database


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "service.db")
    made.create("CREATE TABLE number (value INTEGER PRIMARY KEY) STRICT")
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
