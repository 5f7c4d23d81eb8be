"""The client asks a real service, and one that misbehaves as networks do."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("urllib3")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mien.client import Client
from mien.errors import InvalidArgument, ServiceError, UnreadableImage


@pytest.mark.weights
@pytest.mark.samples
def test_a_person_from_enrolment_to_erasure(serve, samples):
    pytest.importorskip("fastapi")
    service = serve()
    with Client(service.url, service.key) as admin:
        assert admin.health()["status"] == admin.ready()["status"] == "ok"
        assert admin.make_collection()["name"] == "main"
        assert admin.within("staff").make_collection(consent_required=False)["consent_required"] is False
        assert [one["name"] for one in admin.collections()] == ["main", "staff"]
        issued = admin.issue_key("door", "operator", ["main"])
        assert {one["name"] for one in admin.keys()} == {"admin", "door"}  # noqa: SIM118 - API keys
        with Client(f"{service.url}/v1/", issued["secret"]) as client:
            assert client.me()["role"] == "operator"
            done = client.enroll("Obama", [samples / "obama.jpg", str(samples / "obama2.jpg")], purpose="door")
            assert done["added"] == ["obama.jpg", "obama2.jpg"]
            data = (samples / "biden.jpg").read_bytes()
            assert client.enroll("Biden", data, purpose="door")["added"] == ["image 1"]
            with (samples / "obama3.jpg").open("rb") as file:
                (face,) = client.identify(file)["faces"]
            assert face["person"] == "Obama"
            assert client.verify(samples / "obama.jpg", samples / "obama2.jpg", fmr=1e-3)["match"] is True
            assert len(client.detect(data)["faces"]) == 1
            assert [one["label"] for one in client.people(page=1)] == ["Obama", "Biden"]
            person_id = done["person_id"]
            assert client.rename(person_id, "Barack")["label"] == client.person(person_id)["label"] == "Barack"
            assert client.show_collection()["people"] == 2
            with pytest.raises(ServiceError, match="purpose") as refused:
                client.enroll("Ada", data)
            error = refused.value
            assert (error.status, error.code, len(error.request_id)) == (422, "consent_required", 16)
            with pytest.raises(ServiceError) as refused:
                client.within("staff").show_collection()
            assert (refused.value.status, refused.value.code) == (404, "not_found")
            assert client.erase(person_id, proof=True)["proof"]["found"] == []
        assert [line["action"] for line in admin.audit()][-1] == "proof"
        assert admin.verify_audit()["sound"]
        admin.revoke_key(issued["key_id"])
        with pytest.raises(ServiceError, match="valid key"):
            Client(service.url, issued["secret"]).me()


class Wire:
    """Answers one request after the other from a list: a status and headers, or None to hang up."""

    def __init__(self, *script, certificate=None):
        self.seen = []
        wire, answers = self, iter(script)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                wire.seen.append((self.command, self.path, dict(self.headers), body))
                said = next(answers)
                if said is None:
                    self.close_connection = True
                    return
                status, headers, document = said
                data = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.url = self.url.replace("http", "https")

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


DONE = (200, {}, {"person_id": "1"})
BUSY = {"error": {"code": "busy", "message": "come back", "details": {}}, "request_id": "7"}
SOON = {"Retry-After": "0"}


def enroll(client):
    return client.enroll("Ada", b"image", purpose="door")


def erase(client):
    return client.erase("1")


def person(client):
    return client.person("1")


@pytest.mark.parametrize(
    ("call", "script", "sent", "code"),
    [
        pytest.param(enroll, [(503, SOON, BUSY), (429, SOON, BUSY), DONE], 3, None, id="busy, then done"),
        pytest.param(erase, [(503, SOON, BUSY), DONE], 2, None, id="nothing was done while it was busy"),
        pytest.param(enroll, [(503, SOON, BUSY)] * 3, 3, "busy", id="busy for too long"),
        pytest.param(enroll, [(503, {}, BUSY)], 1, "busy", id="not said when to come back"),
        pytest.param(enroll, [None, DONE], 2, None, id="an enrolment whose answer was lost"),
        pytest.param(person, [None, DONE], 2, None, id="a question whose answer was lost"),
        pytest.param(erase, [None], 1, "unreachable", id="an erasure whose answer was lost"),
        pytest.param(person, [None] * 3, 3, "unreachable", id="lost again and again"),
        pytest.param(person, [(502, {}, b"<h1>Bad gateway</h1>")], 1, "no_envelope", id="a proxy's page"),
        pytest.param(
            person, [(307, {"Location": "http://elsewhere.example/"}, b"")], 1, "no_envelope", id="a redirection"
        ),
    ],
)
def test_what_is_sent_again(call, script, sent, code):
    with Wire(*script) as wire, Client(wire.url, "mien_key", tries=3) as client:
        if code is None:
            assert call(client) == {"person_id": "1"}
        else:
            with pytest.raises(ServiceError) as refused:
                call(client)
            assert refused.value.code == code
            assert (refused.value.status is None) == (code == "unreachable")
    assert len(wire.seen) == sent
    # Sent again, a request is the same one; a second call is another.
    assert len({headers.get("Idempotency-Key") for _, _, headers, _ in wire.seen}) == 1


def stream(*events):
    """A connection that tells of some events, and ends."""
    told = "".join(f"id: {place}\nevent: {kind}\ndata: {json.dumps({'event_id': place})}\n\n" for place, kind in events)
    return 200, {"Content-Type": "text/event-stream"}, f"retry: 2000\n\n: alive\n\n{told}".encode()


def test_events_go_on_where_the_connection_was_lost(monkeypatch):
    monkeypatch.setattr("mien.client.events._PAUSE", 0)
    gone = (401, {}, {"error": {"code": "unauthenticated", "message": "no key", "details": {}}, "request_id": "7"})
    script = [stream(("1", "person.enrolled"), ("2", "person.erased")), None, stream(("3", "person.enrolled")), gone]
    with Wire(*script) as wire, Client(wire.url, "mien_key") as client:
        told = []
        with pytest.raises(ServiceError, match="no key"):  # noqa: PT012 - what was told before is looked at
            for event in client.events(["person.enrolled", "person.erased"]):
                told.append((event.place, event.kind))  # noqa: PERF401 - told until it is refused
    assert told == [("1", "person.enrolled"), ("2", "person.erased"), ("3", "person.enrolled")]
    assert [headers.get("Last-Event-ID") for _, _, headers, _ in wire.seen] == [None, "2", "2", "3"]
    assert wire.seen[0][1] == "/v1/collections/main/events?kind=person.enrolled&kind=person.erased"


@pytest.mark.weights
@pytest.mark.samples
def test_events_of_a_service(serve, samples):
    pytest.importorskip("fastapi")
    service = serve(options=["--webhook-allow-private"])
    client = Client(service.url, service.key)
    client.make_collection()
    listening = threading.Thread(target=lambda: told.extend(client.events(seconds=4)))
    told = []
    listening.start()
    time.sleep(1)
    person_id = client.enroll("Obama", samples / "obama.jpg", purpose="door")["person_id"]
    client.erase(person_id)
    listening.join(timeout=30)
    assert [event.kind for event in told] == ["person.enrolled", "person.erased"]
    assert told[0].document["data"]["person_id"] == person_id
    again = client.events(seconds=0, after=told[0].place)
    assert [event.kind for event in again] == ["person.erased"]
    hook = client.make_webhook("http://127.0.0.1:9/hook", ["person.enrolled"])
    assert [one["webhook_id"] for one in client.webhooks()] == [hook["webhook_id"]]
    assert client.ping_webhook(hook["webhook_id"])["kind"] == "webhook.ping"
    assert [one["kind"] for one in client.deliveries(hook["webhook_id"])] == ["webhook.ping"]
    assert client.enable_webhook(hook["webhook_id"], enabled=False)["enabled"] is False
    with pytest.raises(ServiceError) as refused:
        client.redeliver(hook["webhook_id"], client.deliveries(hook["webhook_id"])[0]["delivery_id"])
    assert refused.value.code == "not_dead"
    client.remove_webhook(hook["webhook_id"])
    with pytest.raises(ServiceError, match="nothing of that name"):
        client.webhook(hook["webhook_id"])


def test_every_enrolment_has_a_key_of_its_own():
    with Wire(DONE, DONE, DONE) as wire, Client(wire.url, "mien_key") as client:
        enroll(client)
        enroll(client)
        client.enroll("Ada", b"image", request="badge 7")
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in wire.seen]
    assert len({*keys}) == 3
    assert keys[-1] == "badge 7"


@pytest.fixture
def certificate(tmp_path):
    """A certificate for this machine that signs itself, and its key, in one file."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path / "both.pem"
    path.write_bytes(key.private_bytes(*form) + signed.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_key_is_told_to_nobody_whom_the_authority_does_not_know(certificate):
    with Wire(DONE, certificate=certificate) as wire:
        another = wire.url.replace("127.0.0.1", "localhost")
        for url, authority in ((wire.url, None), (another, certificate)):
            with pytest.raises(ServiceError, match="no answer"):
                person(Client(url, "mien_key", tries=1, ca=authority))
        assert wire.seen == []
        with Client(wire.url, "mien_key", ca=certificate) as client:
            assert person(client) == {"person_id": "1"}


def test_names_stay_names():
    with Wire(DONE) as wire, Client(wire.url, "mien_key", collection="a/../b?c") as client:
        client.show_collection()
    assert wire.seen[0][1] == "/v1/collections/a%2F..%2Fb%3Fc"
    for name in ("..", ".", ""):
        with pytest.raises(InvalidArgument, match="expected a name"):
            client.within(name).show_collection()


@pytest.mark.parametrize("url", ["faces.example", "ftp://faces.example", "http://", "http://a:b@faces.example", ""])
def test_addresses_that_cannot_be(url):
    with pytest.raises(InvalidArgument, match="url: expected"):
        Client(url, "mien_key")


def test_what_cannot_be_read_or_reached():
    client = Client("http://127.0.0.1:9", "mien_key", tries=1)
    with pytest.raises(UnreadableImage, match=r"nowhere\.jpg"):
        client.detect("nowhere.jpg")
    with pytest.raises(ServiceError, match="no answer") as gone:
        client.health()
    assert "mien_key" not in repr(client) + str(gone.value)
    with pytest.raises(InvalidArgument, match="tries"):
        Client("http://127.0.0.1:9", "mien_key", tries=0)


def test_it_is_light():
    code = "import mien.client, sys; sys.exit(' '.join({'numpy', 'cv2', 'urllib3', 'fastapi'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stderr == "\n"
