"""Every route x every role x own and foreign collections: who may, what is noted of it, and that nothing else is told.

The routes are those of the OpenAPI document: one that has no row in ``access_rows`` fails the first test.
"""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from access_rows import GUARDED, MISSING, ROWS, WITH_IDS, WITHIN, job_for, new_world
from fastapi.testclient import TestClient

from mien.server import Settings, create_app
from mien.server.access import Role

NUMBERS = itertools.count(100)


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
    least = row.scope.role if row.scope else Role.reader
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
    for path in ("/v1/audit", "/v1/audit/verification", "/v1/calibrations"):
        assert client.get(path, headers=holders["foreign admin"]).status_code == 403


def test_a_challenge_is_of_the_key_that_began_it(client, headers):
    own, other = headers(Role.reader), headers(Role.admin)
    path = f"/v1/challenges/{client.post('/v1/challenges', headers=own, json={}).json()['challenge_id']}"
    missing = f"/v1/challenges/{MISSING.challenge_id}"
    assert client.get(path, headers=own).status_code == 200
    answers = [told(client.get(one, headers=other), one.rpartition("/")[2]) for one in (path, missing)]
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


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
    if "{job_id}" in row.path:
        world.job_id = job_for(service, name, row)
    if "{challenge_id}" in row.path:
        world.challenge_id = service.challenges.begin(key.key_id, 2).challenge_id
    world.photo, world.key_id = photo, service.access.issue("x", Role.reader, ("nowhere",))[0].key_id
    service.crops.keep(gallery, [content], [gallery.face(world.face_id), gallery.face(world.unnamed_id)])
    before = len(gallery.audit())
    audit = service.galleries.main.audit
    answer = ask(client, row, world, {"Authorization": f"Bearer {secret}"})
    assert answer.status_code < 300, answer.text
    lines = audit(before)
    if row.noted is None:
        assert lines == []
    else:
        assert row.noted in {line.action for line in lines}
        assert {line.actor for line in lines if line.action != "purge"} == {key.key_id}
