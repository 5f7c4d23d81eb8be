"""Every route x every role x own and foreign collections: who may, what is noted of it, and that nothing else is told.

The routes are those of the OpenAPI document: one that has no row here fails the first test.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from mien.gallery.store import Sample
from mien.server import Settings, create_app
from mien.server.access import Role, Scope

SPACE = "sface-2021dec-centred"
NUMBERS = itertools.count(100)
COLLECTION = "/v1/collections/{collection}"
PERSON = f"{COLLECTION}/people/{{person_id}}"
SAMPLE = f"{PERSON}/samples/{{face_id}}"
WEBHOOK = f"{COLLECTION}/webhooks/{{webhook_id}}"
SUGGESTION = f"{COLLECTION}/suggestions/{{suggestion_id}}"


@dataclass(frozen=True)
class Row:
    """A route.

    Attributes:
        method: HTTP.
        path: As in the document.
        scope: What a key needs; None where any key will do.
        noted: What the audit log calls the access; None where nothing of a face is looked at or changed.
        send: Makes what to send, of a world; names of `World` in the path are filled in.
        open: Whether it needs no key at all.
    """

    method: str
    path: str
    scope: Scope | None = None
    noted: str | None = None
    send: Callable[[World], dict[str, Any]] = field(default=lambda _: {})
    open: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class World:
    """What there is in a collection: keys of two people, a suggestion, its faces, and an edit."""

    collection: str
    person_id: str
    face_id: str
    other_id: str
    suggestion_id: str
    unnamed_id: str
    edit_id: int
    webhook_id: str = "6" * 16
    delivery_id: str = f"msg_{'7' * 24}"
    photo: Callable[[str], tuple[str, bytes, str]] | None = None
    key_id: str = "00000000"

    @property
    def nowhere(self) -> str:
        """A name that no collection has, and that is as long."""
        return self.collection.replace("c", "n")

    def path(self, row: Row, collection: str | None = None) -> str:
        face_id = self.face_id if "samples" in row.path else self.unnamed_id
        ids = {**vars(self), "face_id": face_id, "name": "sface-2021dec"}
        return row.path.format(**{**ids, "collection": collection or self.collection})

    def image(self) -> tuple[str, bytes, str]:
        return self.photo("obama.jpg") if self.photo else ("a.jpg", b"x", "image/jpeg")


ROWS = [
    Row("GET", "/v1/health", open=True),
    Row("GET", "/v1/ready", open=True),
    Row("GET", "/v1/metrics", Scope.admin),
    Row("GET", "/v1/me"),
    Row("GET", "/v1/models"),
    Row("GET", "/v1/models/{name}"),
    Row("GET", "/v1/keys", Scope.admin),
    Row(
        "POST", "/v1/keys", Scope.admin, send=lambda _: {"json": {"name": "x", "role": "reader", "collections": ["x"]}}
    ),
    Row("DELETE", "/v1/keys/{key_id}", Scope.admin),
    Row("GET", "/v1/audit", Scope.audit),
    Row("GET", "/v1/audit/verification", Scope.audit),
    Row(
        "POST",
        "/v1/detect",
        Scope.identify,
        "detect",
        lambda w: {"files": {"image": w.image()}, "data": {"templates": "true"}},
    ),
    Row("POST", "/v1/verify", Scope.identify, "verify", lambda w: {"files": {"first": w.image(), "second": w.image()}}),
    Row("GET", "/v1/collections", Scope.read),
    Row("PUT", "/v1/collections", Scope.admin, send=lambda w: {"json": {"name": w.collection}}),
    Row("GET", COLLECTION, Scope.read),
    Row("GET", f"{COLLECTION}/calibration", Scope.read),
    Row("GET", f"{COLLECTION}/operating-point", Scope.read),
    Row("PUT", f"{COLLECTION}/operating-point", Scope.admin, send=lambda _: {"json": {"fpir": 0.02}}),
    Row("POST", f"{COLLECTION}/identify", Scope.identify, "identify", lambda w: {"files": {"image": w.image()}}),
    Row(
        "POST",
        f"{COLLECTION}/search",
        Scope.identify,
        "search",
        lambda _: {"json": {"space": SPACE, "templates": [[1.0, *[0.0] * 127]]}},
    ),
    Row("GET", f"{COLLECTION}/people", Scope.read, "list"),
    Row(
        "POST",
        f"{COLLECTION}/people",
        Scope.enroll,
        "enroll",
        lambda w: {"files": {"images": w.image()}, "data": {"label": "x", "purpose": "y"}},
    ),
    Row("GET", PERSON, Scope.read, "read"),
    Row("PATCH", PERSON, Scope.edit, "rename", lambda _: {"json": {"label": "x"}}),
    Row("DELETE", PERSON, Scope.edit, "erase"),
    Row("PUT", f"{PERSON}/consent", Scope.edit, "consent", lambda _: {"json": {"purpose": "x"}}),
    Row("POST", f"{PERSON}/merge", Scope.edit, "merge", lambda w: {"json": {"person_id": w.other_id}}),
    Row("POST", f"{PERSON}/split", Scope.edit, "split", lambda w: {"json": {"samples": [w.face_id]}}),
    Row("POST", f"{PERSON}/verify", Scope.identify, "verify", lambda w: {"files": {"image": w.image()}}),
    Row("GET", f"{PERSON}/samples", Scope.read, "read"),
    Row("POST", f"{PERSON}/samples", Scope.enroll, "enroll", lambda w: {"files": {"images": w.image()}}),
    Row("DELETE", SAMPLE, Scope.edit, "erase_sample"),
    Row("GET", f"{SAMPLE}/crop", Scope.read, "crop"),
    Row("GET", f"{COLLECTION}/faces/{{face_id}}/crop", Scope.read, "crop"),
    Row(
        "POST",
        f"{COLLECTION}/faces/{{face_id}}/move",
        Scope.edit,
        "move",
        lambda w: {"json": {"person_id": w.other_id}},
    ),
    Row(
        "POST",
        f"{COLLECTION}/faces/{{face_id}}/reject",
        Scope.edit,
        "reject",
        lambda w: {"json": {"person_id": w.person_id}},
    ),
    Row("DELETE", f"{COLLECTION}/faces/{{face_id}}", Scope.edit, "forget"),
    Row("DELETE", f"{COLLECTION}/faces", Scope.edit, "forget"),
    Row("GET", f"{COLLECTION}/suggestions", Scope.read, "list"),
    Row("POST", f"{COLLECTION}/suggestions", Scope.enroll, "suggest", lambda w: {"files": {"images": w.image()}}),
    Row("POST", f"{SUGGESTION}/name", Scope.enroll, "name", lambda _: {"json": {"label": "x", "purpose": "y"}}),
    Row("DELETE", SUGGESTION, Scope.edit, "forget"),
    Row("GET", f"{COLLECTION}/edits", Scope.edit, "list"),
    Row("GET", f"{COLLECTION}/events", Scope.read, "follow", lambda _: {"params": {"seconds": 0}}),
    Row("GET", f"{COLLECTION}/webhooks", Scope.admin),
    Row("POST", f"{COLLECTION}/webhooks", Scope.admin, send=lambda _: {"json": {"url": "https://example.com/"}}),
    Row("GET", WEBHOOK, Scope.admin),
    Row("PATCH", WEBHOOK, Scope.admin, send=lambda _: {"json": {"enabled": False}}),
    Row("DELETE", WEBHOOK, Scope.admin),
    Row("POST", f"{WEBHOOK}/ping", Scope.admin),
    Row("GET", f"{WEBHOOK}/deliveries", Scope.admin),
    Row("POST", f"{WEBHOOK}/deliveries/{{delivery_id}}/redeliver", Scope.admin),
    Row("DELETE", f"{COLLECTION}/edits/{{edit_id}}", Scope.edit, "undo"),
]
GUARDED = [row for row in ROWS if not row.open]
WITHIN = [row for row in ROWS if "{collection}" in row.path]
WITH_IDS = [row for row in WITHIN if "{" in row.path.replace("{collection}", "")]


MISSING = World("unheard-of", "1" * 32, "2" * 32, "3" * 32, "4" * 8, "5" * 32, 999)


def fill(gallery, photo: bytes = b"photo") -> World:
    """People as an enrolment leaves them, without the time that networks take."""
    drawn = np.random.default_rng(len(gallery.collection)).standard_normal((8, 128)).astype(np.float32)
    templates = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    box = (200.0, 100.0, 500.0, 500.0)
    digest = hashlib.sha256(photo).hexdigest()

    def face(row, sha256=None):
        return Sample(templates[row], f"{row}.jpg", sha256 or f"{row:064x}", "test/f32", 90.0, box)

    with gallery._store.writing(gallery.collection) as transaction:
        transaction.pin(SPACE, 128)
        person_id, other_id = transaction.add_person("Ada"), transaction.add_person("Bob")
        face_id = transaction.add_face(face(0, digest), person_id)
        transaction.add_face(face(1), person_id)
        transaction.add_face(face(2), other_id)
        unnamed = [transaction.add_face(face(3, digest)), transaction.add_face(face(4))]
        suggestion_id = hashlib.sha256(gallery.collection.encode()).hexdigest()[:8]
        transaction.group(unnamed, suggestion_id, None)
        for known in (person_id, other_id):
            transaction.consent(known, "door", None)
    gallery.rename("Bob", "Rob")
    return World(
        gallery.collection, person_id, face_id, other_id, suggestion_id, unnamed[0], gallery.edits()[0].edit_id
    )


def new_world(service, name: str, **more) -> World:
    service.access.declare(name)
    world = fill(service.galleries.of(service.access.issue("x", Role.admin)[0], name), **more)
    world.webhook_id, world.delivery_id = dead_letter(service, name)
    return world


def dead_letter(service, collection: str) -> tuple[str, str]:
    """A webhook that nothing reaches, and what it was not told."""
    webhook, _ = service.webhooks.make(collection, "https://127.0.0.1/", ("never.told",), names=False)
    delivery_id = service.webhooks.ping(webhook).delivery_id
    with service.database.connected() as connection:
        connection.execute("UPDATE delivery SET state = 'dead', tries = 10 WHERE delivery_id = ?", (delivery_id,))
    return webhook.webhook_id, delivery_id


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    return Settings(gallery=str(folder / "people.mien"), state=folder / "service.db", rate=0, attempts=1_000_000)


@pytest.fixture(scope="module")
def app(settings):
    """One for all tests: each has a collection of its own."""
    return create_app(settings)


@pytest.fixture(scope="module")
def service(app):
    return app.state.service


@pytest.fixture(scope="module")
def client(app):
    with TestClient(app) as made:
        yield made


@pytest.fixture(scope="module")
def elsewhere(service):
    return new_world(service, "elsewhere")


@pytest.fixture(scope="module")
def shared(service):
    """For requests that are refused, and change nothing."""
    return new_world(service, "c000")


@pytest.fixture
def world(service):
    return new_world(service, f"c{next(NUMBERS)}")


@pytest.fixture(scope="module")
def holders(service):
    def headers(*key):
        return {"Authorization": f"Bearer {service.access.issue('test', *key)[1]}"}

    foreign = {f"foreign {role.name}": headers(role, ("elsewhere",)) for role in Role}
    return {role.name: headers(role) for role in Role} | foreign


def told(answer, *names):
    """All that an answer says, less what differs by chance, or is the asker's own words."""
    text = answer.text
    for name in sorted(map(str, (answer.headers["x-request-id"], *names)), key=len, reverse=True):
        text = text.replace(name, "*")
    own = {"x-request-id", "date", "content-length"}
    return answer.status_code, text, {name: value for name, value in answer.headers.items() if name not in own}


def ask(client, row, world, headers, collection=None):
    return client.request(row.method, world.path(row, collection), headers=headers, **row.send(world))


def test_every_route_is_in_the_matrix(app):
    offered = {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    assert offered == {(row.method, row.path) for row in ROWS}
    assert len(ROWS) == len(offered)


@pytest.mark.parametrize("row", GUARDED, ids=str)
def test_without_a_valid_key_there_is_one_answer(client, service, shared, row, monkeypatch):
    soon = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=1)
    keys = [service.access.issue("test", Role.admin, ("*",), end)[1] for end in (None, soon)]
    monkeypatch.setattr("mien.server.access.now", lambda: soon)
    # The last character of a secret holds four bits alone.
    sent = [{}, *({"Authorization": f"Bearer {text}"} for text in (keys[0][:-3] + "xyz", keys[1], "mien_x_y", "x"))]
    answers = {str(told(ask(client, row, shared, one))) for one in sent}
    assert len(answers) == 1
    assert ask(client, row, shared, {}).status_code == 401
    assert ask(client, row, shared, sent[0], shared.nowhere).status_code == 401


@pytest.mark.parametrize("row", GUARDED, ids=str)
def test_roles_do_what_they_may(client, holders, shared, row):
    least = row.scope.role if row.scope else Role.reader
    for role in Role:
        if role < least:
            assert ask(client, row, shared, holders[role.name]).status_code == 403


@pytest.mark.parametrize("row", WITHIN, ids=str)
def test_what_a_key_may_not_see_is_as_if_it_were_not_there(client, holders, shared, row):
    least = row.scope.role
    for role in Role:
        foreign = ask(client, row, shared, holders[f"foreign {role.name}"])
        nothing = ask(client, row, shared, holders[role.name], shared.nowhere)
        assert told(foreign, shared.collection) == told(nothing, shared.nowhere)
        assert foreign.status_code == (403 if role < least else 404)


@pytest.mark.parametrize("row", WITH_IDS, ids=str)
def test_ids_of_another_collection_are_as_if_they_were_nobodys(client, holders, service, shared, elsewhere, row):
    """Also for a key that may see both: an id is looked for in the collection that is asked."""
    missing = MISSING
    answers = [
        told(ask(client, row, ids, holders["admin"], shared.collection), *vars(ids).values())
        for ids in (elsewhere, missing)
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


IN_BODIES = [row for row in ROWS if row.path.endswith(("/merge", "/split", "/move", "/reject"))]


@pytest.mark.parametrize("row", IN_BODIES, ids=str)
def test_ids_of_another_collection_in_a_body_are_nobodys_either(client, holders, shared, elsewhere, row):
    answers = []
    for ids in (elsewhere, MISSING):
        answer = client.request(row.method, shared.path(row), headers=holders["admin"], **row.send(ids))
        answers.append(told(answer, *vars(ids).values()))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_lists_hold_what_the_key_may_see(client, holders, headers, world, elsewhere):
    for key, expected in (
        (holders["foreign reader"], {"elsewhere"}),
        (headers(Role.reader, ("x",)), set()),
    ):
        listed = client.get("/v1/collections", headers=key).json()["collections"]
        assert {one["name"] for one in listed} == expected
    assert {"elsewhere", world.collection} <= {
        one["name"] for one in client.get("/v1/collections", headers=holders["reader"]).json()["collections"]
    }
    names = world.collection, world.nowhere
    grabbed = [client.put("/v1/collections", headers=holders["foreign admin"], json={"name": name}) for name in names]
    assert told(grabbed[0], names[0]) == told(grabbed[1], names[1])
    assert grabbed[0].status_code == 403
    for path in ("/v1/audit", "/v1/audit/verification"):
        assert client.get(path, headers=holders["foreign admin"]).status_code == 403


def test_a_place_in_another_collections_list_is_none_here(client, holders, world, elsewhere):
    def listed(collection, **params):
        return client.get(f"/v1/collections/{collection}/people", headers=holders["admin"], params=params)

    foreign, own = (listed(name, limit=1).json()["next"] for name in ("elsewhere", world.collection))
    answers = [listed(world.collection, after=place) for place in (foreign, "x" * len(foreign))]
    assert told(answers[0], foreign) == told(answers[1], "x" * len(foreign))
    assert answers[0].status_code == 422
    assert [one["label"] for one in listed(world.collection, after=own).json()["people"]] == ["Rob"]


def test_requests_of_other_keys_are_nobodys_business(client, headers, world):
    path = f"/v1/collections/{world.collection}/people/{world.person_id}/split"
    first, second = ({**headers(Role.operator), "Idempotency-Key": "order-7"} for _ in range(2))
    done = client.post(path, headers=first, json={"samples": [world.face_id]})
    again = client.post(path, headers=first, json={"samples": [world.face_id]})
    assert (done.status_code, again.status_code) == (201, 201)
    assert done.json() == again.json()
    other = client.post(path, headers=first, json={"samples": [world.unnamed_id]})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "invalid_argument")
    # Another key's request of the same name is a request of its own: it finds that the sample is no longer there.
    assert client.post(path, headers=second, json={"samples": [world.face_id]}).status_code == 404


def test_an_erasure_names_other_collections_to_those_who_may_see_them(client, headers, service, world, elsewhere):
    path = f"/v1/collections/{world.collection}/people/{world.person_id}"
    both = client.delete(f"{path}/samples/{world.face_id}", headers=headers(Role.operator))
    assert "elsewhere" in both.json()["elsewhere"]
    one = client.delete(path, headers=headers(Role.operator, (world.collection,)))
    assert (one.status_code, one.json()["elsewhere"]) == (200, [])


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize("row", GUARDED, ids=str)
def test_whoever_may_does_and_it_is_noted(client, service, photo, row):
    # Keys are given by those who have what they give.
    scopes = (row.scope,) if row.scope and "/keys" not in row.path else ()
    key, secret = service.access.issue("x", row.scope.role if row.scope else Role.reader, scopes=scopes)
    name, content = f"c{next(NUMBERS)}", photo("obama2.jpg")[1]
    service.access.declare(name, crops=True)
    world = new_world(service, name, photo=content)
    gallery = service.galleries.of(key, name)
    world.photo, world.key_id = photo, service.access.issue("x", Role.reader, ("nowhere",))[0].key_id
    service.crops.keep(gallery, [content], [gallery.face(world.face_id), gallery.face(world.unnamed_id)])
    before = len(gallery.audit())
    answer = ask(client, row, world, {"Authorization": f"Bearer {secret}"})
    assert answer.status_code < 300, answer.text
    lines = gallery.audit(before)
    if row.noted is None:
        assert lines == []
    else:
        assert row.noted in {line.action for line in lines}
        assert {line.actor for line in lines if line.action != "purge"} == {key.key_id}
