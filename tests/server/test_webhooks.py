"""Webhooks, told over real connections: signed, repeated, given up, and to nobody who may not be told."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("fastapi")

import standardwebhooks
from fastapi.testclient import TestClient

from mien.client import Client
from mien.errors import InvalidArgument, StoreUnavailable
from mien.server import Settings, create_app, delivering, webhooks
from mien.server.access import Role
from mien.server.delivering import check_url, is_public, send
from mien.server.events import Event

PERSON = "a" * 32
ENROLLED = {"person_id": PERSON, "label": "Ada", "samples": 1}


class Receiver(socketserver.ThreadingTCPServer):
    """Takes what it is told, and answers with the statuses that it is given, one after the other, and then with 204."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *statuses, drip=False, port=0):
        self.statuses = [*statuses]
        self.told = []
        self.drip = drip
        self.changed = threading.Condition()
        super().__init__(("127.0.0.1", port), _Handler)
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?token=x"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """Senders that hang up are what these tests are about."""

    def wait_for(self, many, timeout=15):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= many, timeout), self.told
        return self.told


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.drip:
            for _ in range(200):
                self.wfile.write(b"H")
                time.sleep(0.05)
        with self.server.changed:
            self.server.told.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            status = self.server.statuses.pop(0) if self.server.statuses else 204
            self.server.changed.notify_all()
        self.send_response(status)
        self.send_header("Location", self.server.url)
        self.end_headers()

    do_GET = do_POST


@pytest.fixture
def settings(tmp_path):
    return Settings(
        gallery=str(tmp_path / "people.mien"), state=tmp_path / "service.db", rate=0, webhook_allow_private=True
    )


@pytest.fixture
def hook(client, holders, main_collection):
    """Makes a webhook of ``main``; its record, with the secret."""

    def made(url, *kinds, **more):
        sent = {"url": url, "kinds": kinds, **more}
        answer = client.post("/v1/collections/main/webhooks", headers=holders["admin"], json=sent)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return made


@pytest.fixture
def deliveries(client, holders):
    """What a webhook was told, as soon as none waits."""

    def listed(webhook_id, state=None, many=1):
        path, deadline = f"/v1/collections/main/webhooks/{webhook_id}/deliveries", time.monotonic() + 15
        while True:
            params = {"state": state} if state else {}
            found = client.get(path, headers=holders["admin"], params=params).json()["deliveries"]
            if len(found) >= many or time.monotonic() > deadline:
                return found
            time.sleep(0.02)

    return listed


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(webhooks, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(webhooks, "LONGEST_PAUSE", 0.02)


def test_what_is_told_can_be_checked_by_others(service, hook, deliveries):
    with Receiver() as receiver:
        made = hook(receiver.url, "person.enrolled")
        service.bus.publish("person.enrolled", "main", **ENROLLED)
        service.bus.publish("person.changed", "main", person_id=PERSON, label="Ada")
        service.bus.publish("person.enrolled", "elsewhere", **ENROLLED)
        ((path, headers, body),) = receiver.wait_for(1)
        (delivered,) = deliveries(made["webhook_id"], "delivered")
        time.sleep(0.1)
        assert len(receiver.told) == 1
    said = standardwebhooks.Webhook(made["secret"]).verify(body, headers)
    assert said == json.loads(body)
    assert (said["kind"], said["collection"], said["data"]) == (
        "person.enrolled",
        "main",
        {"person_id": PERSON, "samples": 1},
    )
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(made["secret"]).verify(body + b" ", headers)
    assert path == "/hook?token=x"
    assert (delivered["delivery_id"], delivered["status"]) == (headers["webhook-id"], 204)
    assert not service.webhooks.deliveries(made["webhook_id"])[0].body


def test_names_are_told_where_that_was_asked_for_and_not_of_who_is_erased(service, hook, monkeypatch):
    monkeypatch.setattr(webhooks, "FIRST_PAUSE", 0.3)
    with Receiver(503) as receiver:
        hook(receiver.url, names=True)
        service.bus.publish("person.enrolled", "main", **ENROLLED)
        receiver.wait_for(1)
        service.bus.publish("person.erased", "main", person_id=PERSON)
        told = [json.loads(body) for _, _, body in receiver.wait_for(3)]
    first, *others = told
    assert first["data"] == ENROLLED
    assert sorted(one["kind"] for one in others) == ["person.enrolled", "person.erased"]
    assert all("label" not in one["data"] for one in others)


def test_it_is_tried_again_with_the_same_id_until_it_is_taken(service, hook, deliveries, soon):
    with Receiver(500, 302, 429) as receiver:
        made = hook(receiver.url)
        service.bus.publish("person.enrolled", "main", **ENROLLED)
        told = receiver.wait_for(4)
        (delivered,) = deliveries(made["webhook_id"], "delivered")
    assert len({headers["webhook-id"] for _, headers, _ in told}) == 1
    assert len({body for _, _, body in told}) == 1
    assert (delivered["tries"], delivered["problem"]) == (4, None)


def test_what_nobody_takes_is_a_dead_letter_that_can_be_sent_anew(
    service, client, holders, hook, deliveries, soon, monkeypatch
):
    monkeypatch.setattr(webhooks, "TRIES", 3)
    with Receiver(500, 500, 500) as receiver:
        made = hook(receiver.url)
        service.bus.publish("person.enrolled", "main", **ENROLLED)
        (dead,) = deliveries(made["webhook_id"], "dead")
        assert (dead["tries"], dead["status"], dead["problem"]) == (3, 500, "answered with 500")
        path = f"/v1/collections/main/webhooks/{made['webhook_id']}/deliveries/{dead['delivery_id']}/redeliver"
        assert client.post(path, headers=holders["admin"]).status_code == 202
        (again,) = deliveries(made["webhook_id"], "delivered")
        assert again["delivery_id"] == dead["delivery_id"]
        refused = client.post(path, headers=holders["admin"])
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_dead")
        assert len(receiver.told) == 4


def test_pauses_grow(service, hook):
    # What delivers must not try it meanwhile, and end it by its own clock.
    service._courier.close()
    made = hook("http://127.0.0.1:9/")
    found = service.webhooks.ping(service.webhooks.find("main", made["webhook_id"]))
    pauses = []
    for tries in range(9):
        before = time.time()
        service.webhooks.ended(webhooks.Delivery(**{**fields(found), "tries": tries}), 500, "no")
        pauses.append(service.webhooks.deliveries(made["webhook_id"])[0].due - before)
    expected = [min(6 * 3600, 5 * 4**tries) for tries in range(9)]
    assert all(0.7 * said <= pause <= 1.3 * said for pause, said in zip(pauses, expected, strict=True))


def fields(delivery):
    return {name: getattr(delivery, name) for name in delivery.__dataclass_fields__}


def test_gone_ends_it(service, client, holders, hook):
    with Receiver(410) as receiver:
        made = hook(receiver.url)
        service.bus.publish("person.enrolled", "main", **ENROLLED)
        receiver.wait_for(1)
        path, deadline = f"/v1/collections/main/webhooks/{made['webhook_id']}", time.monotonic() + 10
        while client.get(path, headers=holders["admin"]).json()["enabled"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert client.post(f"{path}/ping", headers=holders["admin"]).status_code == 409
        assert client.patch(path, headers=holders["admin"], json={"enabled": True}).json()["enabled"]
        assert client.post(f"{path}/ping", headers=holders["admin"]).status_code == 202
        # What had waited for it comes too.
        kinds = {json.loads(body)["kind"] for _, _, body in receiver.wait_for(2)}
    assert "webhook.ping" in kinds


def test_a_receiver_that_answers_without_end_is_given_up(monkeypatch):
    with Receiver(drip=True) as receiver:
        start = time.monotonic()
        with pytest.raises((OSError, http.client.HTTPException)):
            send(receiver.url, b"{}", {}, private=True, timeout=0.5)
    assert time.monotonic() - start < 3


def test_one_that_is_slow_keeps_nobody_waiting(service, hook):
    with Receiver(drip=True) as slow, Receiver() as quick:
        hook(slow.url)
        hook(quick.url)
        start = time.monotonic()
        for _ in range(5):
            service.bus.publish("person.enrolled", "main", **ENROLLED)
        assert time.monotonic() - start < 2
        quick.wait_for(5, timeout=5)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(address) == public


@pytest.mark.parametrize(
    ("url", "sound"),
    [
        ("https://example.com/hook", True),
        ("https://example.com:8443/hook?x=1", True),
        ("https://93.184.216.34/", True),
        ("http://example.com/", False),
        ("https://127.0.0.1/", False),
        ("https://[::1]/", False),
        ("https://localhost/", False),
        ("https://user:word@example.com/", False),
        ("https://example.com/#x", False),
        ("https:///x", False),
        ("https://example.com:99999/", False),
        ("https://exa mple.com/", False),
        ("https://example.com/\r\nX: y", False),
        ("file:///etc/passwd", False),
        ("ftp://example.com/", False),
        ("", False),
    ],
)
def test_which_addresses_are_taken(url, sound):
    if sound:
        check_url(url, private=False)
    else:
        with pytest.raises(InvalidArgument, match="url: expected"):
            check_url(url, private=False)


def test_what_a_name_leads_to_is_looked_at_when_it_is_connected_to(monkeypatch):
    """A name that led elsewhere when the webhook was made."""
    with Receiver() as receiver:
        resolved = [(2, 1, 6, "", ("127.0.0.1", receiver.port))]
        monkeypatch.setattr(delivering.socket, "getaddrinfo", lambda *_, **__: resolved)
        with pytest.raises(delivering.NotPublic):
            send(f"http://example.com:{receiver.port}/", b"{}", {}, private=False)
        assert send(f"http://example.com:{receiver.port}/", b"{}", {}, private=True) == 204
        ((_, headers, _),) = receiver.told
    assert headers["host"] == f"example.com:{receiver.port}"


def test_by_default_nothing_private_is_told(tmp_path, headers, holders):
    app = create_app(Settings(gallery=str(tmp_path / "other.mien"), state=tmp_path / "other.db", rate=0))
    service = app.state.service
    service.access.declare("main")
    with Receiver() as receiver, TestClient(app):
        url = f"http://127.0.0.1:{receiver.port}/"
        made, _ = service.webhooks.make("main", url, (), names=False)
        service.bus.publish("person.enrolled", "main", **ENROLLED)
        deadline = time.monotonic() + 10
        while not (found := service.webhooks.deliveries(made.webhook_id)[0]).tries:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert "its name leads to an address of this machine" in found.problem
        assert not receiver.told


def test_neither_secrets_nor_addresses_lie_open_in_the_file(service, hook, client, holders):
    with Receiver() as receiver:
        made = hook(receiver.url)
        listed = client.get("/v1/collections/main/webhooks", headers=holders["admin"]).json()["webhooks"]
        (kept,) = service.settings.state.parent.glob("service.db.secret-key")
        assert kept.stat().st_mode & 0o777 == 0o600
        content = b"".join(
            path.read_bytes() for path in service.settings.state.parent.glob("service.db*") if path.is_file()
        )
    assert receiver.url in listed[0]["url"]
    assert "secret" not in listed[0]
    for secret in (made["secret"].encode(), b"token=x"):
        assert secret not in content


@pytest.mark.parametrize("left", [None, "0" * 64, "no key"], ids=["lost", "another", "broken"])
def test_with_another_secret_key_webhooks_are_listed_removed_and_not_told(settings, left):
    with Receiver() as receiver:
        first = create_app(settings).state.service
        first.access.declare("main")
        made, _ = first.webhooks.make("main", receiver.url, (), names=False)
        first.webhooks.listen(Event("person.enrolled", "main", ENROLLED))
        kept = settings.state.parent / "service.db.secret-key"
        kept.unlink()
        if left is not None:
            kept.write_text(left)
        app = create_app(settings)
        with TestClient(app) as web:
            headers = {"Authorization": f"Bearer {app.state.service.access.issue('test', Role.admin)[1]}"}
            path = f"/v1/collections/main/webhooks/{made.webhook_id}"
            (listed,) = web.get("/v1/collections/main/webhooks", headers=headers).json()["webhooks"]
            assert listed == web.get(path, headers=headers).json()
            assert (listed["url"], listed["enabled"], listed["problem"]) == (None, False, webhooks.UNREADABLE)
            refused = [
                web.post(f"{path}/ping", headers=headers),
                web.patch(path, headers=headers, json={"enabled": True}),
            ]
            assert [(one.status_code, one.json()["error"]["code"]) for one in refused] == [
                (409, "webhook_unreadable")
            ] * 2
            if left != "no key":
                disabled_soon(app.state.service, made.webhook_id)
            assert web.delete(path, headers=headers).status_code == 204
            assert web.get("/v1/collections/main/webhooks", headers=headers).json()["webhooks"] == []
        assert not receiver.told


def disabled_soon(service, webhook_id):
    """Wait until nothing is tried any more, and see that what was to be told says why and still waits."""
    deadline = time.monotonic() + 10
    while service.webhooks.find("main", webhook_id).enabled:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (waiting,) = service.webhooks.deliveries(webhook_id)
    assert (waiting.state, waiting.problem) == ("pending", webhooks.UNREADABLE)


def test_an_outbox_that_cannot_be_written_stops_nobody(service, hook, monkeypatch):
    hook("http://127.0.0.1:9/")

    def broken(*_, **__):
        raise StoreUnavailable("no room")

    monkeypatch.setattr(service.webhooks, "_put", broken)
    assert service.bus.publish("person.enrolled", "main", **ENROLLED).kind == "person.enrolled"


def test_a_collection_has_no_more_webhooks_than_it_may_however_many_are_made_at_once(client, holders, main_collection):
    def make(number):
        sent = {"url": f"http://127.0.0.1:9/{number}"}
        return client.post("/v1/collections/main/webhooks", headers=holders["admin"], json=sent).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(make, range(webhooks.MOST + 6))]
    assert (answers.count(201), answers.count(409)) == (webhooks.MOST, 6)


def test_an_outbox_has_an_end(service, hook, monkeypatch):
    monkeypatch.setattr(webhooks, "WAITING", 2)
    made = hook("http://127.0.0.1:9/")
    service.webhooks.enable(made["webhook_id"], enabled=True)
    for _ in range(4):
        service.webhooks.listen(Event("person.enrolled", "main", ENROLLED))
    assert len(service.webhooks.deliveries(made["webhook_id"], "dead")) == 2


def test_what_was_to_be_told_when_the_service_was_killed_is_told(serve):
    served = serve(options=["--webhook-allow-private"])
    client = Client(served.url, served.key)
    client.make_collection()
    away = Receiver()
    port = away.port
    away.__exit__()
    made = call(served, "POST", "webhooks", {"url": f"http://127.0.0.1:{port}/"})
    call(served, "POST", f"webhooks/{made['webhook_id']}/ping")
    path, deadline = f"webhooks/{made['webhook_id']}/deliveries", time.monotonic() + 10
    while not call(served, "GET", path)["deliveries"][0]["tries"] and time.monotonic() < deadline:
        time.sleep(0.02)
    served.kill()
    with Receiver(port=port) as receiver:
        served.start()
        ((_, headers, body),) = receiver.wait_for(1, timeout=30)
    assert standardwebhooks.Webhook(made["secret"]).verify(body, headers)["kind"] == "webhook.ping"


def call(served, method, path, said=None):
    """Ask a service about its collection ``main``."""
    request = urllib.request.Request(
        f"{served.url}/v1/collections/main/{path}",
        method=method,
        data=None if said is None else json.dumps(said).encode(),
        headers={"Authorization": f"Bearer {served.key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")
