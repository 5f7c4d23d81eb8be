"""`mien serve` as a process: it prints a key, answers, and ends in good order."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mien.cli import main
from mien.errors import InvalidArgument

pytest.importorskip("uvicorn")


class Asked:
    """A service that was started: its address, its admin's key, and its process."""

    def __init__(self, process, trusted=None):
        self.process = process
        self.url = process.stdout.readline().rpartition(" ")[2].strip()
        self.key = process.stdout.readline().rpartition(" ")[2].strip()
        self.trusted = trusted

    def ask(self, path, key=None, **more):
        request = urllib.request.Request(f"{self.url}{path}", **more)
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.trusted) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def until(self, what, path="/health"):
        """Ask again and again until an answer is what it should be."""
        deadline = time.monotonic() + 60
        while not what(answer := self.ask(path)):
            assert time.monotonic() < deadline, answer
            time.sleep(0.01)
        return answer


@contextmanager
def serving(folder, *options, trusted=None):
    where = ["--gallery", str(folder / "people.mien"), "--state", str(folder / "service.db"), "--port", "0"]
    command = [sys.executable, "-m", "mien", "serve", *where, *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Asked(process, trusted)
        finally:
            process.kill()


def test_a_service_is_started_asked_and_stopped(tmp_path):
    with serving(tmp_path) as service:
        assert service.ask("/health") == (200, {"status": "ok", "waiting": 0})
        assert service.ask("/me", service.key)[1]["role"] == "admin"
        assert service.ask("/me")[0] == 401
        service.process.send_signal(signal.SIGINT)
        service.process.wait(timeout=30)
        said = service.process.stderr.read()
    assert "Traceback" not in said
    assert "warning" not in said
    assert [line.split()[1:3] for line in said.splitlines()] == [["info", "request"]] * 2


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A certificate for this machine that signs itself, its key plain and with a passphrase, and another key."""
    folder = tmp_path_factory.mktemp("certificates")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )

    def written(file, key, encryption=None):
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        (folder / file).write_bytes(key.private_bytes(*form, encryption or serialization.NoEncryption()))

    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    written("key.pem", key)
    written("locked.pem", key, serialization.BestAvailableEncryption(b"secret"))
    written("other.pem", ec.generate_private_key(ec.SECP256R1()))
    (folder / "both.pem").write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    (folder / "none.pem").write_bytes(b"no PEM")
    return folder


def test_tls_and_a_log_for_programs_and_metrics_for_an_address(tmp_path, certificates):
    trusted = ssl.create_default_context(cafile=certificates / "cert.pem")
    with socket.create_server(("127.0.0.1", 0)) as free:
        metrics = f"127.0.0.1:{free.getsockname()[1]}"
    tls = ["--certificate", certificates / "cert.pem", "--certificate-key", certificates / "key.pem"]
    with serving(tmp_path, *tls, "--log-format", "json", "--metrics-address", metrics, trusted=trusted) as service:
        assert service.url.startswith("https://127.0.0.1:")
        assert service.ask("/me", service.key)[1]["role"] == "admin"
        service.trusted = ssl.create_default_context()
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            service.ask("/health")
        with urllib.request.urlopen(f"http://{metrics}", timeout=10) as answer:
            assert b'route="/v1/me",status="200"} 1.0' in answer.read()
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=30)
        lines = [json.loads(line) for line in service.process.stderr.read().splitlines()]
    (request,) = [line for line in lines if line["event"] == "request"]
    assert (request["route"], request["status"], request["key"]) == ("/v1/me", 200, service.key.split("_")[1])


@pytest.mark.parametrize(
    ("certificate", "key", "told"),
    [
        ("cert.pem", None, "without --certificate-key: expected certificates and the key"),
        ("cert.pem", "other.pem", "KEY_VALUES_MISMATCH"),
        ("cert.pem", "locked.pem", "without a passphrase"),
        ("none.pem", "key.pem", "in PEM"),
        ("missing.pem", "key.pem", "missing.pem: cannot be read"),
        ("cert.pem", "missing.pem", "missing.pem: cannot be read"),
        (None, "key.pem", "give its certificate as well"),
    ],
)
def test_what_tls_cannot_be_served_with_is_told_at_once(tmp_path, certificates, capsys, certificate, key, told):
    given = {"--certificate": certificate, "--certificate-key": key}
    options = [text for name, file in given.items() if file for text in (name, str(certificates / file))]
    assert main(["serve", "--state", str(tmp_path / "service.db"), *options]) == 2
    assert told in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def test_a_certificate_and_its_key_may_lie_in_one_file(certificates):
    from mien.server.listening import check_certificate

    check_certificate(certificates / "both.pem", None)


def test_an_address_that_is_taken_is_told_at_once(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = ["--port", str(taken.getsockname()[1]), "--state", str(tmp_path / "service.db")]
        assert main(["serve", *options]) == 2
    assert "expected a free address" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def people(samples, names):
    """A body and its type that enrol somebody."""
    parts = [b'--x\r\nContent-Disposition: form-data; name="label"\r\n\r\nObama\r\n']
    parts += [b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\ndoor\r\n']
    for name in names:
        head = f'--x\r\nContent-Disposition: form-data; name="images"; filename="{name}"\r\n\r\n'
        parts.append(head.encode() + (samples / name).read_bytes() + b"\r\n")
    return {"data": b"".join(parts) + b"--x--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}


@pytest.mark.weights
@pytest.mark.samples
def test_what_was_accepted_is_finished(tmp_path, samples):
    answers = []
    with serving(tmp_path) as service:
        body = people(samples, ["obama.jpg", "obama2.jpg", "obama3.jpg"])
        enrol = threading.Thread(
            target=lambda: answers.append(service.ask("/collections/main/people", service.key, **body))
        )
        enrol.start()
        service.until(lambda answer: answer[1]["waiting"] == 1)
        service.process.send_signal(signal.SIGTERM)
        enrol.join(60)
        service.process.wait(timeout=30)
        with pytest.raises(urllib.error.URLError, match="refused"):
            service.ask("/health")
    ((status, enrolled),) = answers
    assert (status, len(enrolled["added"])) == (201, 3)


def test_while_it_drains_it_serves_but_is_not_ready_and_a_second_signal_ends_it(tmp_path):
    with serving(tmp_path, "--drain", "300", "--host", "0.0.0.0") as service:
        assert "unencrypted" in service.process.stderr.readline()
        service.url = service.url.replace("0.0.0.0", "127.0.0.1")
        assert service.ask("/ready")[0] == 200
        service.process.send_signal(signal.SIGTERM)
        status, said = service.until(lambda answer: answer[0] != 200, "/ready")
        assert (status, said["error"]["code"]) == (503, "stopping")
        assert service.ask("/me", service.key)[0] == 200
        assert service.ask("/health")[0] == 200
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=10) == 128 + signal.SIGTERM


def test_another_admins_key(tmp_path, capsys):
    state = ["--state", str(tmp_path / "service.db")]
    assert main(["serve", "--new-admin-key", *state]) == 0
    assert main(["serve", "--new-admin-key", *state]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("admin's API key, shown this once: mien_")
    assert first != second
    assert main(["serve", "--new-admin-key", "--state", str(tmp_path / "nowhere" / "service.db")]) == 5


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ([], {}, None),
        (["--crop-key", "own.key"], {"MIEN_CROP_KEY": "another.key"}, "own.key"),
        ([], {"MIEN_CROP_KEY": "another.key"}, "another.key"),
        ([], {"MIEN_CROP_KEY": ""}, None),
    ],
    ids=["beside the state", "as said", "from the environment", "from one that is empty"],
)
def test_where_the_key_of_pictures_lies(tmp_path, monkeypatch, options, environment, expected):
    asked = []

    def started(settings):
        asked.append(settings.crop_key)
        raise InvalidArgument("not in this test")

    monkeypatch.delenv("MIEN_CROP_KEY", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("mien.server.create_app", started)
    assert main(["serve", "--state", str(tmp_path / "service.db"), "--port", "0", *options]) == 2
    assert asked == [expected and Path(expected)]
