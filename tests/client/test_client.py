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
from served import small

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
        issued = admin.issue_key("door", "operator", ["main"], rate=600)
        assert {one["name"] for one in admin.keys()} == {"admin", "door"}  # noqa: SIM118 - API keys
        with Client(f"{service.url}/v1/", issued["secret"]) as client:
            assert (client.me()["role"], client.me()["rate"]) == ("operator", 600)
            done = client.enroll("Obama", [samples / "obama.jpg", str(samples / "obama2.jpg")], purpose="door")
            assert done["added"] == ["obama.jpg", "obama2.jpg"]
            data = (samples / "biden.jpg").read_bytes()
            assert client.enroll("Biden", data, purpose="door")["added"] == ["image 1"]
            with (samples / "obama3.jpg").open("rb") as file:
                (face,) = client.identify(file)["faces"]
            assert face["person"] == "Obama"
            assert client.verify(samples / "obama.jpg", samples / "obama2.jpg", fmr=1e-3)["match"] is True
            assert len(client.detect(data)["faces"]) == 1
            assert client.expression(samples / "obama.jpg", labels="ferplus")["faces"][0]["expression"] == "happy"
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
                if self.headers.get("transfer-encoding") == "chunked":
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size + 2)[:-2]
                    self.rfile.readline()
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

            do_GET = do_POST = do_PUT = do_DELETE = answer

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


@pytest.mark.weights
@pytest.mark.samples
def test_jobs_of_a_service(serve, samples, tmp_path):
    pytest.importorskip("fastapi")
    service = serve()
    client = Client(service.url, service.key)
    client.make_collection()
    for name in ("Obama/obama.jpg", "Obama/obama2.jpg", "Biden/biden.jpg", ".hidden/x"):
        (tmp_path / "people" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "people" / name).write_bytes(small(samples / name.rpartition("/")[2]) if "jpg" in name else b"x")
    job_id = client.begin_enroll(purpose="door")["job_id"]
    sent = client.send_folder(job_id, tmp_path / "people")
    assert [one["name"] for one in sent] == ["Biden/biden.jpg", "Obama/obama.jpg", "Obama/obama2.jpg"]
    client.start_job(job_id)
    assert client.wait(job_id, seconds=60, every=0.1)["state"] == "finished"
    assert {(one["label"], one["samples"]) for one in client.people()} == {("Obama", 2), ("Biden", 1)}
    job_id = client.begin_identify()["job_id"]
    assert client.send_file(job_id, small(samples / "obama3.jpg"), "a.jpg")["name"] == "a.jpg"
    client.start_job(job_id)
    client.wait(job_id, seconds=60, every=0.1)
    (image,) = client.result(job_id)["result"]["images"]
    assert [face["person"] for face in image["faces"]] == ["Obama"]
    cancelled = client.begin_evaluate()["job_id"]
    with pytest.raises(TimeoutError, match="uploading"):
        client.wait(cancelled, seconds=0)
    assert client.cancel_job(cancelled)["state"] == "cancelled"
    client.remove_job(cancelled)
    assert job_id in {one["job_id"] for one in client.jobs()}
    with pytest.raises(InvalidArgument, match="folder with files"):
        client.send_folder(job_id, tmp_path / "nowhere")


def test_cameras_of_a_service(serve):
    pytest.importorskip("fastapi")
    service = serve()
    client = Client(service.url, service.key)
    client.make_collection()
    made = client.make_stream("door", "rtsp://ada:secret@127.0.0.1:9/door", rules={"confirm_frames": 5}, enabled=False)
    assert (made["source"], made["rules"]["confirm_frames"], made["state"]) == ("rtsp://127.0.0.1:9/door", 5, "stopped")
    assert [one["stream_id"] for one in client.streams()] == [made["stream_id"]]
    assert client.enable_stream(made["stream_id"])["enabled"] is True
    assert client.stream(made["stream_id"])["name"] == "door"
    # Whether nobody answers there is found out at once, or a little later.
    assert {event["kind"] for event in client.stream_events(made["stream_id"])} <= {"stream.waiting"}
    client.remove_stream(made["stream_id"])
    assert client.streams() == []


def test_a_file_is_read_while_it_is_sent(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(bytes(1 << 20))
    with Wire(DONE) as wire, Client(wire.url, "mien_key") as client:
        client.send_file("1", tmp_path / "clip.mp4", "Ada/clip.mp4")
    ((method, path, headers, body),) = wire.seen
    assert body == bytes(1 << 20)
    assert (method, path) == ("PUT", "/v1/collections/main/jobs/1/files/Ada/clip.mp4")
    assert headers["Transfer-Encoding"] == "chunked"


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
