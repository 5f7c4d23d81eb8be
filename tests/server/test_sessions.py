"""Sign-in sessions: when they end, and that no other site can use them."""

from __future__ import annotations

import datetime as dt
import stat

import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from mien.server import Settings, create_app
from mien.server.access import Role
from mien.server.sessions import CSRF_HEADER, IDLE, LONGEST

ORIGIN = "http://testserver"


@pytest.fixture
def app(tmp_path):
    return create_app(Settings(gallery=str(tmp_path / "people.mien"), state=tmp_path / "service.db"))


@pytest.fixture
def client(app):
    with TestClient(app, follow_redirects=False) as made:
        yield made


@pytest.fixture
def service(app):
    return app.state.service


@pytest.fixture
def admin(service):
    """A key, and what its holder types."""
    return service.access.issue("admin", Role.admin)


def signed_in(client, secret, **headers):
    return client.post("/sign-in", data={"key": secret}, headers={"Origin": ORIGIN, **headers})


def test_a_key_opens_a_session_and_the_page_ends_it(client, service, admin, tmp_path):
    done = signed_in(client, admin[1])
    assert (done.status_code, done.headers["location"]) == (303, "/")
    cookie = done.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
    token = client.cookies["mien"]
    state = tmp_path / "service.db"
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("service.db*") if path.is_file())
    assert kept
    assert token.encode() not in kept
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert client.get("/v1/me").json()["key_id"] == admin[0].key_id
    session = service.sessions.holder(token)
    assert token not in repr(session)
    out = client.post("/sign-out", data={"csrf": session.csrf}, headers={"Origin": ORIGIN})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    client.cookies.set("mien", token)
    assert client.get("/v1/me").status_code == 401


def test_with_tls_the_cookie_is_tied_to_the_host(app, admin):
    with TestClient(app, base_url="https://testserver", follow_redirects=False) as client:
        done = signed_in(client, admin[1], Origin="https://testserver")
        assert done.headers["set-cookie"].startswith("__Host-mien=")
        assert "secure" in done.headers["set-cookie"].lower()
        assert client.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    "secret",
    ["", "mien_00000000_nobody", "admin", "x" * 5000],
)
def test_nothing_but_a_key_signs_in(client, secret):
    done = signed_in(client, secret)
    assert done.status_code in {401, 422}
    assert "set-cookie" not in done.headers


NEW = {"name": "door", "role": "reader"}
SITES = [
    # name, headers beside the cookie, whether the token is right, status
    ("own page", {"Origin": ORIGIN}, True, 201),
    ("own page, fetch metadata", {"Sec-Fetch-Site": "same-origin"}, True, 201),
    ("no token", {"Origin": ORIGIN}, False, 403),
    ("another site", {"Origin": "http://evil.example"}, True, 403),
    ("another site's form", {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}, True, 403),
    ("a neighbour", {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"}, True, 403),
    ("no origin", {}, True, 403),
    ("a hidden origin", {"Origin": "null"}, True, 403),
]


@pytest.mark.parametrize(("headers", "knows", "status"), [case[1:] for case in SITES], ids=[case[0] for case in SITES])
def test_a_cookie_changes_something_only_from_a_page_of_ours(client, service, admin, headers, knows, status):
    signed_in(client, admin[1])
    token = service.sessions.holder(client.cookies["mien"]).csrf
    sent = {**headers, CSRF_HEADER: token if knows else "0" * len(token)}
    assert client.post("/v1/keys", json=NEW, headers=sent).status_code == status
    # Keys that are sent as such are nothing that a browser adds by itself.
    bearer = {**headers, "Authorization": f"Bearer {admin[1]}"}
    assert client.post("/v1/keys", json=NEW, headers=bearer).status_code == 201
    assert client.get("/v1/keys", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}])
def test_nobody_is_signed_in_or_out_by_another_site(client, admin, headers):
    assert client.post("/sign-in", data={"key": admin[1]}, headers=headers).status_code == 403
    signed_in(client, admin[1])
    assert client.post("/sign-out", data={"csrf": "0"}, headers={"Origin": ORIGIN}).status_code == 403
    assert client.get("/v1/me").status_code == 200


def test_a_wrong_key_is_not_covered_by_a_cookie(client, admin):
    signed_in(client, admin[1])
    assert client.get("/v1/me", headers={"Authorization": "Bearer mien_0_0"}).status_code == 401


def test_a_session_ends_with_its_key(client, service, admin):
    key, secret = service.access.issue("door", Role.reader)
    signed_in(client, secret)
    assert client.get("/v1/me").status_code == 200
    service.access.revoke(key.key_id)
    assert client.get("/v1/me").status_code == 401


MINUTE = dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("steps", "alive"),
    [
        ([IDLE - MINUTE], True),
        ([IDLE], False),
        ([IDLE - MINUTE] * 3, True),
        # However much somebody does, it ends.
        ([IDLE - MINUTE] * (LONGEST // IDLE) + [LONGEST % IDLE + 7 * MINUTE], False),
    ],
    ids=["short pause", "long pause", "in use", "too old"],
)
def test_sessions_end_by_themselves(client, service, admin, monkeypatch, steps, alive):
    signed_in(client, admin[1])
    token, time = client.cookies["mien"], dt.datetime.now(dt.UTC).replace(microsecond=0)
    for step in steps:
        time += step
        monkeypatch.setattr("mien.server.sessions.now", lambda at=time: at)
        found = service.sessions.holder(token)
    assert (found is not None) == alive


def test_sessions_that_are_over_are_forgotten(service, admin, monkeypatch):
    service.sessions.begin(admin[1])
    later = dt.datetime.now(dt.UTC).replace(microsecond=0) + LONGEST
    monkeypatch.setattr("mien.server.sessions.now", lambda: later)
    service.sessions.begin(admin[1])
    with service.database.connected() as connection:
        assert connection.execute("SELECT count(*) FROM session").fetchone() == (1,)
