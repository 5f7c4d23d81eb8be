"""What the service counts and logs, and what it must never tell."""

from __future__ import annotations

import json
import logging
import re
import socket
import sys
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from mien.errors import InvalidArgument, StoreUnavailable
from mien.server import Settings, create_app, logs
from mien.server.access import Access, Role


@pytest.fixture
def app(tmp_path):
    return create_app(Settings(gallery=str(tmp_path / "people.mien"), state=tmp_path / "service.db"))


@pytest.fixture
def client(app):
    with TestClient(app, raise_server_exceptions=False) as made:
        made.headers["Authorization"] = f"Bearer {app.state.service.access.issue('Ada', Role.admin)[1]}"
        yield made


@pytest.fixture
def logged(capfd):
    """Reads the lines that were logged; stderr is what a service's operator sees."""
    before = logging.root.handlers[:], logging.root.level

    def read(form="json"):
        handler = logs.install(form)
        handler.setStream(sys.stderr)
        return lambda: capfd.readouterr().err.splitlines()

    yield read
    logging.root.handlers[:], level = before
    logging.root.setLevel(level)


def counted(client):
    """Every sample by name and labels."""
    answer = client.get("/v1/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples
    }


def photo(samples, name):
    return {"image": (name, (samples / name).read_bytes(), "image/jpeg")}


@pytest.mark.weights
@pytest.mark.samples
def test_what_is_counted(client, samples):
    client.put("/v1/collections", json={"name": "main"})
    for name in ("obama.jpg", "biden.jpg"):
        assert client.post("/v1/collections/main/identify", files=photo(samples, name)).status_code == 200
    client.post("/v1/detect", files={"image": ("x.jpg", b"none")})
    files = {side: photo(samples, "obama.jpg")["image"] for side in ("first", "second")}
    client.post("/v1/verify", files=files)
    found = counted(client)
    identify = ("route", "/v1/collections/{collection}/identify")
    assert found["mien_requests_total", ("method", "POST"), identify, ("status", "200")] == 2
    assert found["mien_requests_total", ("method", "POST"), ("route", "/v1/detect"), ("status", "422")] == 1
    assert found["mien_request_seconds_count", identify] == 2
    assert found["mien_refused_total", ("code", "unreadable_image")] == 1
    assert found["mien_faces_total",] == 4
    assert found["mien_batch_images_sum",] == 4
    assert found["mien_decisions_total", ("kind", "identify"), ("match", "false")] == 2
    assert found["mien_decisions_total", ("kind", "verify"), ("match", "true")] == 1
    assert found["mien_waiting",] == 0
    assert found["process_resident_memory_bytes",] > 0


def test_jobs_and_streams_are_counted_by_what_they_are_and_how_they_are(client, app):
    service = app.state.service
    before = counted(client)
    kinds = {"identify", "enroll", "watch", "evaluate", "calibrate"}
    states = {"uploading", "waiting", "running", "finished", "failed", "cancelled"}
    jobs = {key[1:]: value for key, value in before.items() if key[0] == "mien_jobs"}
    assert jobs == {(("kind", kind), ("state", state)): 0 for kind in kinds for state in states}
    for _ in range(2):
        service.jobs.make("main", "identify", {}, "key")
    service.jobs.cancel(service.jobs.make("main", "watch", {}, "key"))
    for enabled in (False, False, True):
        stream = service.streams.make("main", "x", "http://127.0.0.1:9/", None, {}, enabled=enabled)
    service.streams.say(stream.stream_id, "failed", "no")
    found = counted(client)
    assert found["mien_jobs", ("kind", "identify"), ("state", "uploading")] == 2
    assert found["mien_jobs", ("kind", "watch"), ("state", "cancelled")] == 1
    assert sum(value for key, value in found.items() if key[0] == "mien_jobs") == 3
    streams = {key[1][1]: value for key, value in found.items() if key[0] == "mien_streams"}
    assert {*streams} == {"stopped", "connecting", "watching", "waiting", "failed"}
    assert (streams["stopped"], sum(streams.values())) == (2, 3)


def test_what_came_of_telling_webhooks_is_counted(client, app, monkeypatch):
    monkeypatch.setattr("mien.server.webhooks.TRIES", 3)
    monkeypatch.setattr("mien.server.webhooks.WAITING", 2)
    kept = app.state.service.webhooks
    made, _ = kept.make("main", "https://hooks.example/", (), names=False)
    kept.enable(made.webhook_id, enabled=False)
    first, second, _ = (kept.ping(made) for _ in range(3))  # the third finds no room
    kept.ended(first, 204, None)
    for tries in range(3):
        kept.ended(replace(second, tries=tries), 500, "answered with 500")
    found = counted(client)
    outcomes = {key[1][1]: value for key, value in found.items() if key[0] == "mien_webhook_deliveries_total"}
    assert outcomes == {"delivered": 1, "retried": 2, "dead": 2}


def test_a_file_that_cannot_be_read_hides_nothing_else(app, monkeypatch):
    def broken():
        raise StoreUnavailable("gone")

    monkeypatch.setattr(app.state.service.jobs, "counts", broken)
    text = app.state.service.metrics.text().decode()
    assert "mien_jobs{" not in text
    assert "mien_streams{" in text


def test_nobody_can_make_labels_up(client):
    for number in range(5):
        client.get(f"/v1/collections/Ada{number}/people/Ada{number}?name=Ada{number}")
        client.get(f"/Ada{number}")
        client.request(f"ADA{number}", "/v1/health")
        client.post(f"/v1/Ada{number}", files={"image": (f"Ada{number}.jpg", b"x")})
    text = client.get("/v1/metrics").text
    assert "Ada" not in text
    assert "ADA" not in text
    routes = set(re.findall(r'mien_requests_total\{.*route="([^"]*)"', text))
    assert routes == {"other", "/v1/collections/{collection}/people/{person_id}", "/v1/health"}


def test_metrics_at_an_address_of_their_own(app):
    metrics = app.state.service.metrics
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:{1}".format(*taken.getsockname())
        for impossible in (address, "nowhere", "127.0.0.1:99999999", "127.0.0.1:http"):
            with pytest.raises(InvalidArgument, match="HOST:PORT"), metrics.serving(impossible):
                pass
    url = f"http://{address}/metrics"
    with metrics.serving(address), urllib.request.urlopen(url, timeout=10) as answer:
        assert b"mien_waiting 0.0" in answer.read()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=10)


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_request_is_a_line_that_tells_of_no_one(client, app, logged, samples, form):
    lines = logged(form)
    client.get("/v1/health")
    client.get("/v1/me?name=Ada")
    client.get("/v1/collections/Lovelace/people?after=Ada")
    client.get("/v1/me", headers={"Authorization": "Bearer mien_x_Ada"})
    said = lines()
    assert len(said) == 3  # who looks whether the service is well is no news
    assert not re.search("Ada|Lovelace", "".join(said))
    if form == "text":
        told = r"\S+ info request request_id=\w{16} method=GET route=/v1/me status=200 ms=[\d.]+ key=\w{8}"
        assert re.fullmatch(told, said[0])
        return
    me, people, nobody = map(json.loads, said)
    key_id = app.state.service.access.every_key()[0].key_id
    assert (me["method"], me["route"], me["status"], me["key"]) == ("GET", "/v1/me", 200, key_id)
    assert re.fullmatch(r"[0-9a-f]{16}", me["request_id"])
    assert me["ms"] > 0
    assert (people["route"], people["status"]) == ("/v1/collections/{collection}/people", 404)
    assert (nobody["status"], nobody["key"]) == (401, None)


def test_a_fault_is_told_without_what_was_sent(client, logged, monkeypatch):
    lines = logged()

    def broken(*_):
        raise ValueError("Ada Lovelace, ada.jpg")

    monkeypatch.setattr(Access, "holder", broken)
    answer = client.get("/v1/me")
    said = [json.loads(line) for line in lines()]
    assert "Ada" not in json.dumps(said) + answer.text
    (fault,) = [one for one in said if one["event"] == "fault"]
    assert (fault["fault"], fault["request_id"]) == ("ValueError", answer.json()["request_id"])
    assert any(line.endswith(" broken") for line in fault["where"])
    (request,) = [one for one in said if one["event"] == "request"]
    assert (request["status"], request["request_id"]) == (500, fault["request_id"])
