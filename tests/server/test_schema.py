"""The whole OpenAPI document against the real service: no fault, and nothing that the document does not say.

``MIEN_SCHEMA_EXAMPLES=300 pytest tests/server/test_schema.py`` looks longer.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("schemathesis")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks as openapi

from mien.gallery.store import Sample
from mien.server import Settings, create_app
from mien.server.access import Role

EXAMPLES = int(os.environ.get("MIEN_SCHEMA_EXAMPLES", "4"))
DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
SCHEMA = schemathesis.openapi.from_path(DOCUMENT)
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
CHECKS = [
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    own = Settings(gallery=str(folder / "people.mien"), state=folder / "service.db", rate=0, attempts=10**9)
    app = create_app(own)

    async def running(scope, receive, send):
        # Whoever asks would start and stop the service for each test.
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await app(scope, receive, send)

    for it in (SCHEMA, *OPERATIONS):
        it.app = running
    app.state.service.start()
    yield app.state.service
    app.state.service.close()


@pytest.fixture(scope="module")
def key(service):
    return service.access.issue("test", Role.admin)[1]


@pytest.fixture(scope="module")
def known(service):
    """What the paths of requests are filled with, so that some lead somewhere; much of it is soon changed or gone."""
    service.access.declare("main", crops=True)
    gallery = service.galleries.main
    drawn = np.random.default_rng(0).standard_normal((60, 128)).astype(np.float32)
    templates = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    found: dict[str, list[object]] = {"collection": ["main"], "name": ["sface-2021dec"]}
    with gallery._store.writing("main") as transaction:
        transaction.pin("sface-2021dec-centred", 128)
        people = [transaction.add_person(f"person {number}") for number in range(20)]
        samples = [Sample(one, "a.jpg", f"{row:064x}", "test", 90.0, (0, 0, 9, 9)) for row, one in enumerate(templates)]
        faces = [transaction.add_face(one, people[row] if row < 20 else None) for row, one in enumerate(samples)]
        for number in range(10):
            transaction.group(faces[20 + 3 * number : 23 + 3 * number], f"{number:08x}", None)
    for person_id in people[:5]:
        gallery.rename(person_id, "renamed")
    keys = [service.access.issue("x", Role.reader)[0].key_id for _ in range(10)]
    edits = [edit.edit_id for edit in gallery.edits()]
    return {
        **found,
        "person_id": people,
        "face_id": faces,
        "suggestion_id": [f"{number:08x}" for number in range(10)],
        "edit_id": edits,
        "key_id": keys,
        "job_id": [service.jobs.make("main", "identify", {}, "00000000").job_id for _ in range(9)],
        "stream_id": [
            service.streams.make("main", "x", "http://127.0.0.1:9/", None, {}, enabled=False).stream_id
            for _ in range(9)
        ],
        "webhook_id": [
            service.webhooks.make("main", "https://127.0.0.1/", (), names=False)[0].webhook_id for _ in range(9)
        ],
    }


OPEN = {"GET /v1/health", "GET /v1/ready"}
"""They take nothing that could be wrong."""

ASKED = [
    (operation, mode)
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode.is_positive or operation.label not in OPEN
]


@pytest.mark.parametrize(("operation", "mode"), ASKED, ids=[f"{op.label} {mode.value}" for op, mode in ASKED])
def test_the_service_does_what_its_document_says(operation, mode, key, known):
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    def holds(case, data):
        if data.draw(st.integers(0, 3)):
            for name in case.path_parameters:
                if known.get(name):
                    case.path_parameters[name] = data.draw(st.sampled_from(known[name]))
        if operation.label.endswith("/events"):
            case.query = {**(case.query or {}), "seconds": 0}
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)
        # Busy, and saying when to come back, is the only thing that a service may be short of.
        assert answer.status_code < 500 or (answer.status_code == 503 and "retry-after" in answer.headers)

    holds()
