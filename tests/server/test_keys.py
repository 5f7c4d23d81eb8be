"""Keys over HTTP: given, shown once, revoked; and by nobody who may less than they."""

from __future__ import annotations

import datetime as dt
import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mien.errors import InvalidArgument
from mien.server.access import Role, Scope

NEW = {"name": "door", "role": "operator", "collections": ["main"], "expires": "2999-01-01T00:00:00Z"}


def test_keys_are_given_shown_once_and_revoked(client, holders, settings):
    given = client.post("/v1/keys", headers=holders["admin"], json=NEW).json()
    secret = given.pop("secret")
    assert secret.startswith(f"mien_{given['key_id']}_")
    own = {"Authorization": f"Bearer {secret}"}
    assert client.get("/v1/me", headers=own).json() == given
    assert secret not in json.dumps(client.get("/v1/keys", headers=holders["admin"]).json())
    assert secret.rpartition("_")[2].encode() not in settings.state.read_bytes()
    assert stat.S_IMODE(settings.state.stat().st_mode) == 0o600
    assert client.delete(f"/v1/keys/{given['key_id']}", headers=holders["admin"]).status_code == 204
    assert client.get("/v1/me", headers=own).status_code == 401
    admin = client.get("/v1/me", headers=holders["admin"]).json()["key_id"]
    assert client.delete(f"/v1/keys/{admin}", headers=holders["admin"]).status_code == 409


BAD = [
    ("past", {"expires": "2001-01-01T00:00:00Z"}, "invalid_argument"),
    ("no zone has it", {"expires": "9999-12-31T23:59:59-01:00"}, "invalid_argument"),
    ("a scope beyond the role", {"scopes": ["audit"]}, "invalid_argument"),
    ("no such scope", {"scopes": ["fly"]}, "invalid_request"),
    ("no such role", {"role": "owner"}, "invalid_request"),
    ("nowhere", {"collections": []}, "invalid_request"),
    ("no requests", {"rate": 0}, "invalid_request"),
    ("requests without end", {"rate": 1_000_001}, "invalid_request"),
    ("half a request", {"rate": 1.5}, "invalid_request"),
    ("no name", {"name": " "}, "invalid_argument"),
]


@pytest.mark.parametrize(("case", "change", "code"), BAD, ids=[row[0] for row in BAD])
def test_keys_that_cannot_be_are_refused(client, holders, case, change, code):
    before = client.get("/v1/keys", headers=holders["admin"]).json()
    answer = client.post("/v1/keys", headers=holders["admin"], json={**NEW, **change})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert client.get("/v1/keys", headers=holders["admin"]).json() == before


def test_an_expired_key_is_refused(client, headers, monkeypatch):
    soon = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=1)
    own = headers(Role.reader, ("main",), soon)
    assert client.get("/v1/me", headers=own).status_code == 200
    monkeypatch.setattr("mien.server.access.now", lambda: soon)
    assert client.get("/v1/me", headers=own).status_code == 401


def test_a_request_makes_one_key(client, holders):
    sent = {**holders["admin"], "Idempotency-Key": "door 1"}
    sent["Idempotency-Key"] = "door-1"
    first, second = (client.post("/v1/keys", headers=sent, json=NEW) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 409)
    assert second.json()["error"]["details"] == {"key_id": first.json()["key_id"]}
    other = {**holders["foreign admin"], "Idempotency-Key": "door-1"}
    assert client.post("/v1/keys", headers=other, json={**NEW, "collections": ["elsewhere"]}).status_code == 201


BEYOND = [
    ("another collection", {"collections": ["main", "other"]}),
    ("every collection", {"collections": ["*"]}),
    ("a scope that it has not", {"role": "admin", "scopes": ["audit"]}),
    ("a role without end", {"role": "admin"}),
]


@pytest.mark.parametrize(("case", "change"), BEYOND, ids=[row[0] for row in BEYOND])
def test_nobody_gives_more_than_they_have(client, headers, case, change):
    own = headers(Role.admin, ("main",), scopes=(Scope.admin, Scope.read, Scope.enroll, Scope.edit, Scope.identify))
    assert client.post("/v1/keys", headers=own, json=NEW).status_code == 201
    answer = client.post("/v1/keys", headers=own, json={**NEW, **change})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_a_rate_is_shown_and_nobody_gives_a_greater_one(client, headers, holders):
    own = headers(Role.admin, rate=100)
    assert client.get("/v1/me", headers=own).json()["rate"] == 100
    rates = {None: 403, 101: 403, 100: 201, 1: 201}
    answers = {rate: client.post("/v1/keys", headers=own, json={**NEW, "rate": rate}) for rate in rates}
    assert {rate: answer.status_code for rate, answer in answers.items()} == rates
    assert answers[None].json()["error"]["message"].startswith("rate: expected at most 100 requests a minute")
    assert answers[1].json()["rate"] == 1
    assert (
        client.post("/v1/keys", headers=holders["admin"], json={**NEW, "rate": 1_000_000}).json()["rate"] == 1_000_000
    )
    assert client.post("/v1/keys", headers=holders["admin"], json=NEW).json()["rate"] is None


def test_nobody_sees_or_revokes_keys_that_may_more(client, holders, headers):
    larger = client.post("/v1/keys", headers=holders["admin"], json=NEW).json()["key_id"]
    own = holders["foreign admin"]
    assert larger not in [key["key_id"] for key in client.get("/v1/keys", headers=own).json()["keys"]]
    missing, foreign = (client.delete(f"/v1/keys/{key}", headers=own) for key in ("00000000", larger))
    told = [answer.json()["error"]["message"].replace(larger, "00000000") for answer in (missing, foreign)]
    assert (missing.status_code, foreign.status_code) == (404, 404)
    assert told[0] == told[1]
    assert larger in [key["key_id"] for key in client.get("/v1/keys", headers=holders["admin"]).json()["keys"]]


SCOPES = [
    (Scope.identify, "POST", "/v1/detect"),
    (Scope.read, "GET", "/v1/collections"),
    (Scope.enroll, "POST", "/v1/collections/main/people"),
    (Scope.edit, "DELETE", f"/v1/collections/main/people/{'0' * 32}"),
    (Scope.audit, "GET", "/v1/audit"),
    (Scope.admin, "GET", "/v1/keys"),
]


@pytest.mark.parametrize("scope", Scope)
def test_a_key_does_what_its_scopes_stand_for(client, headers, main_collection, scope):
    own = headers(Role.admin, scopes=(scope,))
    assert client.get("/v1/me", headers=own).json()["scopes"] == [scope]
    for needed, method, path in SCOPES:
        answer = client.request(method, path, headers=own)
        assert (answer.status_code == 403) == (needed != scope), path
        if answer.status_code == 403:
            assert needed in answer.json()["error"]["message"]


def test_of_two_admins_who_revoke_each_other_at_once_one_stays(client, service, headers, monkeypatch):
    owners = [headers(Role.admin) for _ in range(2)]
    keys = [client.get("/v1/me", headers=own).json()["key_id"] for own in owners]
    barrier, whole = threading.Barrier(2), service.access.revoke

    def together(*arguments):
        barrier.wait(10)
        return whole(*arguments)

    monkeypatch.setattr(service.access, "revoke", together)

    def revoke(own, other):
        return client.delete(f"/v1/keys/{other}", headers=own).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(revoke, owners, reversed(keys))) == [204, 404]
    assert sorted(client.get("/v1/me", headers=own).status_code for own in owners) == [200, 401]


def test_a_grant_is_of_the_collection_whose_name_looks_the_same(client, holders, headers):
    assert client.put("/v1/collections", headers=holders["admin"], json={"name": "Café"}).status_code == 201
    new = {**NEW, "collections": ["Cafe\u0301", " Café ", "main"]}
    made = client.post("/v1/keys", headers=holders["admin"], json=new).json()
    assert made["collections"] == ["Café", "main"]
    own = {"Authorization": f"Bearer {made['secret']}"}
    assert [one["name"] for one in client.get("/v1/collections", headers=own).json()["collections"]] == ["Café"]
    granted = client.post(
        "/v1/keys", headers=headers(Role.admin, ("Café",)), json={**NEW, "collections": ["Cafe\u0301"]}
    )
    assert (granted.status_code, granted.json()["collections"]) == (201, ["Café"])
    refused = client.post("/v1/keys", headers=holders["admin"], json={**NEW, "collections": ["main\u0000"]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_argument")


def test_a_key_covers_what_it_may_itself(service):
    every, one = (service.access.issue("test", Role.admin, where)[0] for where in (("*",), ("main",)))
    assert every.covers(one)
    assert not one.covers(every)
    assert all(key.covers(key) for key in (every, one))
    with pytest.raises(InvalidArgument, match="rate: expected 1 to 1,000,000"):
        service.access.issue("test", Role.reader, rate=0)
    with pytest.raises(InvalidArgument, match="scopes"):
        service.access.issue("test", Role.reader, scopes=(Scope.enroll,))
