"""A service over a gallery in a real file, keys of every kind for it, and real photos."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi")

# Tests are imported by file, so that a module they share has to be put on the path.
sys.path.insert(0, str(Path(__file__).parent))

from fastapi.testclient import TestClient

from mien.gallery.store import Sample
from mien.server import Settings, create_app
from mien.server.access import Role


@pytest.fixture
def settings(tmp_path):
    return Settings(
        gallery=str(tmp_path / "people.mien"),
        state=tmp_path / "service.db",
        max_bytes=4 << 20,
        rate=0,
        attempts=1_000_000,
    )


@pytest.fixture
def app(settings):
    return create_app(settings)


@pytest.fixture
def service(app):
    return app.state.service


@pytest.fixture
def client(app):
    """Somebody without a key."""
    with TestClient(app) as made:
        yield made


@pytest.fixture
def headers(service):
    """Makes a key and returns the headers of its holder."""

    def made(*key, **more):
        return {"Authorization": f"Bearer {service.access.issue('test', *key, **more)[1]}"}

    return made


@pytest.fixture
def holders(headers):
    """Headers of one key of each role, and of one that is granted another collection."""
    foreign = {f"foreign {role.name}": headers(role, ("elsewhere",)) for role in Role}
    return {role.name: headers(role) for role in Role} | foreign


@pytest.fixture
def photo(samples):
    """A photo, as it is sent."""
    return lambda name: (name, (samples / name).read_bytes(), "image/jpeg")


@pytest.fixture
def enrolled(client, holders, photo):
    """Enrols photos of one person in ``main`` and returns the answer."""

    def done(label="Obama", names=("obama.jpg", "obama2.jpg"), *, headers=None, **more):
        files = [("images", photo(name)) for name in names]
        data = {"label": label, "purpose": "door", **more}
        sent = headers or holders["operator"]
        return client.post("/v1/collections/main/people", headers=sent, data=data, files=files)

    return done


@pytest.fixture
def main_collection(client, holders):
    made = client.put("/v1/collections", headers=holders["admin"], json={"name": "main"})
    assert made.status_code == 201
    return made.json()


@pytest.fixture
def noted(service):
    """Actions and details of the audit log's lines so far, and the keys behind them."""
    return lambda after=0: [
        (entry.action, entry.actor, dict(entry.details)) for entry in service.galleries.main.audit(after)
    ]


@pytest.fixture
def strangers(service, main_collection):
    """Keys of two people in ``main``, of two samples and of one, as no network ever saw them: it takes no time."""
    drawn = np.random.default_rng(0).standard_normal((3, 128)).astype(np.float32)
    templates = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    with service.galleries.main._store.writing("main") as transaction:
        transaction.pin("sface-2021dec-centred", 128)
        people = [transaction.add_person(label) for label in ("Ada", "Bob")]
        for row, template in enumerate(templates):
            sample = Sample(template, f"{row}.jpg", f"{row:064x}", "test/f32", 90.0, (0, 0, 99, 99))
            transaction.add_face(sample, people[row // 2])
    return people
