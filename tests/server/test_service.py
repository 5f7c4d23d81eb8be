"""The service, asked as its clients do: real images, real networks, a gallery in a real file."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from mien.errors import StoreFull
from mien.gallery import Gallery
from mien.server import create_app
from mien.server.access import Access


@pytest.mark.weights
@pytest.mark.samples
def test_a_person_from_enrolment_to_erasure(client, holders, photo, enrolled, main_collection):
    done = enrolled()
    assert (done.status_code, len(done.json()["added"]), done.json()["label"]) == (201, 2, "Obama")
    assert done.json()["added"] == ["obama.jpg", "obama2.jpg"]
    person_id = done.json()["person_id"]
    again = enrolled()
    assert (again.status_code, len(again.json()["already"])) == (200, 2)
    found = client.post(
        "/v1/collections/main/identify", headers=holders["reader"], files={"image": photo("obama3.jpg")}
    ).json()
    (face,) = found["faces"]
    assert face["decision"]["person"] == {"person_id": person_id, "label": "Obama"}
    assert (face["decision"]["rate"], face["decision"]["rate_kind"]) == (0.01, "fpir")
    assert (found["space"], face["decision"]["calibration"]) == ("sface-2021dec-centred", "lfw-dev")
    assert "template" not in face
    stranger = client.post(
        "/v1/collections/main/identify", headers=holders["reader"], files={"image": photo("biden.jpg")}
    ).json()
    assert [one["person"] for one in stranger["faces"]] == [None]
    path = f"/v1/collections/main/people/{person_id}"
    assert client.patch(path, headers=holders["operator"], json={"label": "Barack"}).json()["label"] == "Barack"
    listed = client.get("/v1/collections/main/people", headers=holders["reader"]).json()
    assert [(one["label"], one["samples"], one["purpose"]) for one in listed["people"]] == [("Barack", 2, "door")]
    erased = client.delete(path, headers=holders["operator"], params={"proof": True}).json()
    assert (erased["level"], erased["proof"]["found"], erased["samples"]) == ("purged_logs", [], 2)
    assert client.get(path, headers=holders["reader"]).status_code == 404
    log = client.get("/v1/audit", headers=holders["admin"]).json()
    did = ["enroll", "enroll", "identify", "identify", "rename", "list", "erase", "purge", "proof"]
    assert [entry["action"] for entry in log["entries"]] == did
    assert client.get("/v1/audit/verification", headers=holders["admin"]).json()["sound"]


@pytest.mark.weights
@pytest.mark.samples
def test_what_cannot_be_is_told_in_one_envelope(client, holders, photo, enrolled, main_collection):
    no_consent = enrolled(purpose=" ")
    assert (no_consent.status_code, no_consent.json()["error"]["code"]) == (422, "consent_required")
    client.put("/v1/collections", headers=holders["admin"], json={"name": "main", "consent_required": False})
    assert enrolled(purpose=" ").status_code == 201
    files = {"image": ("x.jpg", b"no image")}
    broken = client.post("/v1/detect", headers=holders["reader"], files=files)
    assert (broken.status_code, broken.json()["error"]["code"]) == (422, "unreadable_image")
    assert broken.json()["request_id"] == broken.headers["x-request-id"]
    files = {"image": ("x.jpg", bytes(5 << 20))}
    large = client.post("/v1/detect", headers=holders["reader"], files=files)
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")
    files = {"image": photo("obama.jpg")}
    rate = client.post("/v1/collections/main/identify", headers=holders["reader"], files=files, data={"fpir": "1e-9"})
    assert (rate.status_code, rate.json()["error"]["code"]) == (422, "unsupported_error_rate")
    missing = client.post("/v1/verify", headers=holders["reader"], files={"first": photo("obama.jpg")})
    assert (missing.status_code, missing.json()["error"]["code"]) == (422, "invalid_request")
    assert client.get("/v1/nothing").json()["error"]["code"] == "not_found"


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/jsonx", None])
def test_json_that_does_not_say_so_is_told_to(client, holders, kind):
    """As curl sends it, where nobody tells it otherwise."""
    sent = holders["admin"] if kind is None else {**holders["admin"], "Content-Type": kind}
    answer = client.put("/v1/collections", headers=sent, content=b'{"name": "main"}')
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_request")
    expected = f"body: expected JSON and Content-Type: application/json, got {kind or 'no type'!r}"
    assert error["message"] == expected
    assert "body: Input should be" in client.put("/v1/collections", headers=holders["admin"], json=[]).text


def test_what_cannot_be_noted_is_not_answered(client, holders, photo, enrolled, main_collection, monkeypatch):
    person_id = enrolled().json()["person_id"]

    def full(*_, **__):
        raise StoreFull("no room")

    monkeypatch.setattr(Gallery, "note_access", full)
    monkeypatch.setattr("mien.gallery.audit.Chain.append", full)
    image, people = {"image": photo("obama3.jpg")}, "/v1/collections/main/people"
    asked = [
        client.post("/v1/collections/main/identify", headers=holders["reader"], files=image),
        client.post("/v1/detect", headers=holders["reader"], files=image, data={"templates": "true"}),
        client.post(f"{people}/{person_id}/verify", headers=holders["reader"], files=image),
        client.get(f"{people}/{person_id}", headers=holders["reader"]),
        client.get(people, headers=holders["reader"]),
        client.patch(f"{people}/{person_id}", headers=holders["operator"], json={"label": "Barack"}),
        client.delete(f"{people}/{person_id}", headers=holders["operator"]),
    ]
    for answer in asked:
        assert (answer.status_code, answer.json()["error"]) == (
            507,
            {"code": "store_full", "message": "no room", "details": {}},
        )
    monkeypatch.undo()
    assert client.get(f"{people}/{person_id}", headers=holders["reader"]).json()["label"] == "Obama"


def test_answers_carry_their_headers_also_where_mien_fails(settings, monkeypatch):
    app = create_app(settings)
    monkeypatch.setattr(Access, "holder", lambda *_: 1 / 0)
    with TestClient(app, raise_server_exceptions=False) as client:
        fault = client.get("/v1/me", headers={"Authorization": "Bearer x"})
        sound = client.get("/v1/health")
    assert (fault.status_code, fault.json()["error"]["code"]) == (500, "fault")
    assert "division" not in fault.text
    for answer in (fault, sound):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-request-id"]


def test_who_comes_too_many_is_told_when_to_come_back(client, holders, service):
    service.work.limit = 0
    full = client.post("/v1/detect", headers=holders["reader"], files={"image": ("a.jpg", b"x")})
    assert (full.status_code, full.json()["error"]["code"]) == (503, "busy")
    assert int(full.headers["retry-after"]) >= 1
