"""The service, asked as its clients do: real images, real networks, a gallery in a real file."""

from __future__ import annotations

import json
import stat

import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from mien.server import Settings, create_app
from mien.server.access import Access, Role


@pytest.fixture
def settings(tmp_path):
    return Settings(gallery=str(tmp_path / "people.mien"), state=tmp_path / "service.db", max_bytes=4 << 20)


@pytest.fixture
def app(settings):
    return create_app(settings)


@pytest.fixture
def client(app):
    """Somebody without a key."""
    with TestClient(app) as made:
        yield made


@pytest.fixture
def holders(app):
    """Headers of one key of each role, and of one that is granted another collection."""

    def headers(*key):
        return {"Authorization": f"Bearer {app.state.service.access.issue('test', *key)[1]}"}

    foreign = {f"foreign {role.name}": headers(role, ("elsewhere",)) for role in Role}
    return {role.name: headers(role) for role in Role} | foreign


def photo(samples, name):
    return (name, (samples / name).read_bytes(), "image/jpeg")


def enrolled(client, headers, samples, label="Obama", names=("obama.jpg", "obama2.jpg"), **more):
    files = [("images", photo(samples, name)) for name in names]
    return client.post(
        "/v1/collections/main/people", headers=headers, data={"label": label, "purpose": "door", **more}, files=files
    )


@pytest.fixture
def main_collection(client, holders):
    made = client.put("/v1/collections", headers=holders["admin"], json={"name": "main"})
    assert made.status_code == 201
    return made.json()


@pytest.mark.weights
@pytest.mark.samples
def test_a_person_from_enrolment_to_erasure(client, holders, samples, main_collection):
    done = enrolled(client, holders["operator"], samples)
    assert (done.status_code, len(done.json()["added"]), done.json()["label"]) == (201, 2, "Obama")
    assert done.json()["added"] == ["obama.jpg", "obama2.jpg"]
    person_id = done.json()["person_id"]
    again = enrolled(client, holders["operator"], samples)
    assert (again.status_code, len(again.json()["already"])) == (200, 2)
    found = client.post(
        "/v1/collections/main/identify", headers=holders["reader"], files={"image": photo(samples, "obama3.jpg")}
    ).json()
    (face,) = found["faces"]
    assert face["decision"]["person"] == {"person_id": person_id, "label": "Obama"}
    assert (face["decision"]["rate"], face["decision"]["rate_kind"]) == (0.01, "fpir")
    assert "template" not in face
    stranger = client.post(
        "/v1/collections/main/identify", headers=holders["reader"], files={"image": photo(samples, "biden.jpg")}
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
    assert [entry["action"] for entry in log["entries"]] == ["erase", "purge", "proof"]
    assert log["report"]["sound"]


@pytest.mark.weights
@pytest.mark.samples
def test_detection_and_verification(client, holders, samples):
    found = client.post("/v1/detect", headers=holders["reader"], files={"image": photo(samples, "obama.jpg")}).json()
    assert (found["schema"], found["source"], len(found["faces"])) == ("mien.faces/1", "obama.jpg", 1)
    pairs = [("obama.jpg", "obama2.jpg", True), ("obama.jpg", "biden.jpg", False)]
    for first, second, expected in pairs:
        files = {"first": photo(samples, first), "second": photo(samples, second)}
        said = client.post("/v1/verify", headers=holders["reader"], files=files, data={"fmr": "1e-3"}).json()
        assert (said["match"], said["rate"], said["rate_kind"]) == (expected, 1e-3, "fmr")


@pytest.mark.weights
@pytest.mark.samples
def test_what_cannot_be_is_told_in_one_envelope(client, holders, samples, main_collection):
    no_consent = enrolled(client, holders["operator"], samples, purpose=" ")
    assert (no_consent.status_code, no_consent.json()["error"]["code"]) == (422, "consent_required")
    client.put("/v1/collections", headers=holders["admin"], json={"name": "main", "consent_required": False})
    assert enrolled(client, holders["operator"], samples, purpose=" ").status_code == 201
    files = {"image": ("x.jpg", b"no image")}
    broken = client.post("/v1/detect", headers=holders["reader"], files=files)
    assert (broken.status_code, broken.json()["error"]["code"]) == (422, "unreadable_image")
    assert broken.json()["request_id"] == broken.headers["x-request-id"]
    files = {"image": ("x.jpg", bytes(5 << 20))}
    large = client.post("/v1/detect", headers=holders["reader"], files=files)
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")
    files = {"image": photo(samples, "obama.jpg")}
    rate = client.post("/v1/collections/main/identify", headers=holders["reader"], files=files, data={"fpir": "1e-9"})
    assert (rate.status_code, rate.json()["error"]["code"]) == (422, "unsupported_error_rate")
    missing = client.post("/v1/verify", headers=holders["reader"], files={"first": photo(samples, "obama.jpg")})
    assert (missing.status_code, missing.json()["error"]["code"]) == (422, "invalid_request")
    assert client.get("/v1/nothing").json()["error"]["code"] == "not_found"


@pytest.mark.weights
@pytest.mark.samples
def test_a_request_is_done_once(client, holders, samples, main_collection):
    headers = {**holders["operator"], "Idempotency-Key": "badge 1815"}
    answers = [enrolled(client, headers, samples) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    other = enrolled(client, headers, samples, names=("biden.jpg",))
    assert (other.status_code, other.json()["error"]["code"]) == (422, "invalid_argument")


ROUTES = [
    ("GET", "/v1/me", "reader"),
    ("GET", "/v1/keys", "admin"),
    ("POST", "/v1/keys", "admin"),
    ("DELETE", "/v1/keys/0", "admin"),
    ("GET", "/v1/collections", "reader"),
    ("PUT", "/v1/collections", "admin"),
    ("GET", "/v1/collections/{}", "reader"),
    ("GET", "/v1/collections/{}/people", "reader"),
    ("POST", "/v1/collections/{}/people", "operator"),
    ("GET", "/v1/collections/{}/people/0", "reader"),
    ("PATCH", "/v1/collections/{}/people/0", "operator"),
    ("DELETE", "/v1/collections/{}/people/0", "operator"),
    ("POST", "/v1/collections/{}/identify", "reader"),
    ("POST", "/v1/detect", "reader"),
    ("POST", "/v1/verify", "reader"),
    ("GET", "/v1/audit", "admin"),
    ("GET", "/v1/metrics", "admin"),
]


def bodies(method, path):
    """What gets a request as far as its role and collection are looked at."""
    files = {"image": ("a.jpg", b"x"), "images": ("a.jpg", b"x"), "first": ("a", b"x"), "second": ("b", b"x")}
    if path.endswith(("identify", "detect", "verify")) or (method, path.endswith("people")) == ("POST", True):
        return {"files": files, "data": {"label": "x", "purpose": "y"}}
    name = {"label": "x"} if method == "PATCH" else {"name": "x", "role": "reader"}
    return {"json": {"name": "main"} if "collections" in path and method == "PUT" else name} if method != "GET" else {}


def asked(client, method, path, headers):
    body = {} if method == "DELETE" else bodies(method, path)
    return client.request(method, path, headers=headers, **body)


def test_every_route_is_in_the_matrix(app):
    document = app.openapi()
    known = {(method, path.replace("{}", "{collection}")) for method, path, _ in ROUTES}
    known = {
        (method, path.replace("/people/0", "/people/{person_id}").replace("keys/0", "keys/{key_id}"))
        for method, path in known
    }
    offered = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert offered - known == {("GET", "/v1/health"), ("GET", "/v1/ready")}
    assert known <= offered


@pytest.mark.parametrize(("method", "path", "least"), ROUTES)
def test_the_access_matrix(client, holders, main_collection, method, path, least):
    here = path.format("main")
    assert asked(client, method, here, {}).status_code == 401
    wrong = {"Authorization": f"{holders['admin']['Authorization'][:-3]}xyz"}
    assert asked(client, method, here, wrong).status_code == 401
    for role in Role:
        status = asked(client, method, here, holders[role.name]).status_code
        assert (status == 403) == (role < Role[least]), (role, status)
        if "{}" in path:
            # What a key may not see answers like what is not there.
            foreign = asked(client, method, here, holders[f"foreign {role.name}"])
            nothing = asked(client, method, path.format("nowhere"), holders[role.name])
            assert foreign.status_code == nothing.status_code == (403 if role < Role[least] else 404)
            told = [
                one.json()["error"]["message"].replace(name, "")
                for one, name in ((foreign, "main"), (nothing, "nowhere"))
            ]
            assert told[0] == told[1]
    listed = client.get("/v1/collections", headers=holders["foreign reader"]).json()["collections"]
    assert listed == []
    grabbed = client.put("/v1/collections", headers=holders["foreign admin"], json={"name": "main"})
    assert grabbed.status_code == 403


def test_keys_are_given_shown_once_and_revoked(client, holders, settings):
    new = {"name": "door", "role": "operator", "collections": ["main"], "expires": "2999-01-01T00:00:00Z"}
    given = client.post("/v1/keys", headers=holders["admin"], json=new).json()
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
    past = client.post("/v1/keys", headers=holders["admin"], json={**new, "expires": "2001-01-01T00:00:00Z"})
    assert past.status_code == 422


def test_an_expired_key_is_refused(client, app, monkeypatch):
    import datetime as dt

    soon = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=1)
    headers = {"Authorization": f"Bearer {app.state.service.access.issue('door', Role.reader, ('main',), soon)[1]}"}
    assert client.get("/v1/me", headers=headers).status_code == 200
    monkeypatch.setattr("mien.server.access.now", lambda: soon)
    assert client.get("/v1/me", headers=headers).status_code == 401


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


def test_who_comes_too_many_is_told_when_to_come_back(client, holders, app):
    app.state.service.work.limit = 0
    full = client.post("/v1/detect", headers=holders["reader"], files={"image": ("a.jpg", b"x")})
    assert (full.status_code, full.json()["error"]["code"]) == (503, "busy")
    assert int(full.headers["retry-after"]) >= 1
