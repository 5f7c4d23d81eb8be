"""How often somebody may ask: the arithmetic, and what is answered to who asks too often, too much or too slowly."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import threading
import time

import pytest

pytest.importorskip("fastapi")

import uvicorn
from fastapi.testclient import TestClient

from mien.server import Settings, create_app, limits
from mien.server.access import Role
from mien.server.heads import PromptProtocol
from mien.server.limits import Rate, network


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_a_burst_and_then_a_steady_rate():
    clock = Clock()
    rate = Rate(60, 3, clock)
    assert [rate.taken("a") for _ in range(4)] == [0, 0, 0, 1]
    assert rate.taken("b") == 0  # a holder's own affair
    clock.now += 0.25
    assert rate.taken("a") == pytest.approx(0.75)
    clock.now += 0.75
    assert [rate.taken("a") for _ in range(2)] == [0, 1]
    clock.now += 3600  # saved up: a burst, and no more
    assert [rate.taken("a") for _ in range(4)] == [0, 0, 0, 1]


@pytest.mark.parametrize("burst", [1, 7])
def test_it_is_a_token_bucket(burst):
    """The plain bucket, token by token, says the same of random arrivals."""
    clock, chance = Clock(), random.Random(burst)
    rate, tokens = Rate(600, burst, clock), float(burst)
    for _ in range(2000):
        waited = chance.choice([0, 0, 0.03, 0.2, 1.5])
        clock.now += waited
        tokens = min(burst, tokens + waited * 10)
        wait = rate.taken("a")
        assert (wait == 0) == (tokens >= 1 - 1e-5)
        if wait == 0:
            tokens -= 1
        else:
            assert wait == pytest.approx((1 - tokens) / 10, abs=1e-4)


def test_who_waits_as_long_as_they_were_told_is_let_through():
    clock = Clock()
    rate = Rate(7, 1, clock)
    rate.taken("a")
    for _ in range(1000):
        wait = rate.taken("a")
        assert wait > 0
        clock.now += wait
        assert rate.taken("a") == 0


def test_no_limit():
    rate = Rate(0, 1)
    assert not any(rate.taken("a") for _ in range(1000))


def test_memory_has_an_end(monkeypatch):
    monkeypatch.setattr(limits, "_MOST", 100)
    clock = Clock()
    rate = Rate(60, 1, clock)
    rate.taken("old")
    clock.now += 30
    for number in range(1000):
        rate.taken(f"{number}")
    assert len(rate._full) <= 101
    assert rate.taken("999") > 0


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_whose_an_address_is(address, whose):
    assert network(address) == whose


@pytest.fixture
def service(tmp_path):
    """Starts an application with some settings; its client, and a key's headers."""
    clients = []

    def start(**settings):
        app = create_app(Settings(gallery=str(tmp_path / "people.mien"), state=tmp_path / "service.db", **settings))
        client = TestClient(app)
        client.__enter__()
        clients.append(client)
        headers = [
            {"Authorization": f"Bearer {app.state.service.access.issue('test', Role.reader)[1]}"} for _ in range(2)
        ]
        return client, headers

    yield start
    for client in clients:
        client.__exit__(None, None, None)


def test_a_key_that_asks_too_often_is_told_when_to_come_back(service):
    client, (greedy, other) = service(rate=60, burst=5)
    answers = [client.get("/v1/me", headers=greedy) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert answers[-1].json()["error"]["code"] == "too_many_requests"
    assert int(answers[-1].headers["retry-after"]) == 1
    assert client.get("/v1/me", headers=other).status_code == 200


def test_a_key_may_have_a_rate_of_its_own(service):
    client, (usual, _) = service(rate=60, burst=5)
    issue = client.app.state.service.access.issue
    slow, fast = ({"Authorization": f"Bearer {issue('test', Role.reader, rate=rate)[1]}"} for rate in (2, 100_000))
    answers = {
        name: [client.get("/v1/me", headers=own) for _ in range(6)]
        for name, own in {"slow": slow, "fast": fast, "usual": usual}.items()
    }
    assert {name: [one.status_code for one in found].count(200) for name, found in answers.items()} == {
        "slow": 2,
        "fast": 6,
        "usual": 5,
    }
    assert 25 < int(answers["slow"][-1].headers["retry-after"]) <= 30


def test_a_holder_s_own_rate_is_steady_and_holds_where_others_have_none():
    clock = Clock()
    for rate in (Rate(0, 3, clock), Rate(6000, 3, clock)):
        assert [rate.taken("a", 30) for _ in range(4)] == [0, 0, 0, 2]
        clock.now += 2
        assert [rate.taken("a", 30) for _ in range(2)] == [0, 2]
        assert rate.taken("b", 1) == 0
        assert rate.taken("b", 1) == 60


def test_who_tries_keys_is_told_to_wait_and_who_has_one_is_not(service):
    client, (headers, _) = service(attempts=10)
    wrong = {"Authorization": f"{headers['Authorization'][:-3]}xyz"}
    statuses = [client.get("/v1/me", headers=wrong).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert client.get("/v1/me").status_code == 429
    here = {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/sign-in", data={"key": "mien_x_y"}, headers=here).status_code == 429
    assert client.get("/v1/me", headers=headers).status_code == 200


def test_every_route_says_so(service):
    client, _ = service()
    document = client.get("/v1/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            assert {"408", "413", "429"} <= set(operation["responses"])


@pytest.fixture
def listening(service):
    """A real server over a real socket: its address, and its service."""
    servers = []

    def start(**settings):
        client, (headers, _) = service(**settings)
        server = uvicorn.Server(uvicorn.Config(client.app, http=PromptProtocol, lifespan="off", log_config=None))
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        servers.append((server, thread, listener))
        return listener.getsockname(), client.app.state.service, headers["Authorization"]

    yield start
    for server, thread, listener in servers:
        server.should_exit = True
        thread.join(30)
        listener.close()


def sent(address, head, body=b"", *, timeout=20):
    """The status, the headers and the envelope of an answer to what may be half a request."""
    with socket.create_connection(address, timeout=timeout) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    top, _, said = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), top.decode().lower(), json.loads(said)


def upload(length, key, path="/v1/detect"):
    return [
        f"POST {path} HTTP/1.1",
        "Host: x",
        f"Authorization: {key}",
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {length}",
    ]


BEGUN = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'


def test_a_body_that_is_announced_as_too_large_is_not_read(listening):
    address, _, key = listening(max_bytes=1000)
    status, top, said = sent(address, upload(1001, key))
    assert (status, said["error"]["code"]) == (413, "too_large")
    assert "connection: close" in top
    assert "x-content-type-options: nosniff" in top


def test_a_body_that_turns_out_too_large_is_read_no_further(listening):
    address, _, key = listening(max_bytes=1000)
    head = [*upload(0, key)[:-1], "Transfer-Encoding: chunked"]
    status, _, said = sent(address, head, b"400\r\n" + b"x" * 1024 + b"\r\n")
    assert (status, said["error"]["code"]) == (413, "too_large")


def test_a_body_that_stalls_is_given_up_and_never_had_a_place_in_the_queue(listening):
    address, service, key = listening(body_seconds=0.5, queue=1)
    waiting = []
    watch = threading.Timer(0.25, lambda: waiting.append(service.work.waiting))
    watch.start()
    start = time.monotonic()
    status, top, said = sent(address, upload(500, key), BEGUN)
    watch.join()
    assert (status, said["error"]["code"], waiting) == (408, "slow_body", [0])
    assert "connection: close" in top
    assert 0.4 < time.monotonic() - start < 10


def test_large_bodies_together_have_an_end_too(listening, monkeypatch):
    monkeypatch.setattr("mien.server.envelope._BODIES", 2)
    address, _, key = listening(max_bytes=1000)
    held = [socket.create_connection(address) for _ in range(2)]
    try:
        for connection in held:
            connection.sendall("\r\n".join([*upload(1000, key), "", ""]).encode() + BEGUN + b"x" * 900)
        time.sleep(0.2)
        status, top, said = sent(address, upload(900, key), BEGUN + b"x" * 500)
        assert (status, said["error"]["code"]) == (503, "busy")
        assert "retry-after: 1" in top
    finally:
        for connection in held:
            connection.close()
    deadline = time.monotonic() + 10
    while sent(address, [*upload(4, key), "Connection: close"], b"abcd")[0] == 503:  # their room is free again
        assert time.monotonic() < deadline
        time.sleep(0.05)


def hung_up(connection):
    """After how many seconds the other side closed a connection; whatever it said before is passed over."""
    start = time.monotonic()
    connection.settimeout(10)
    while connection.recv(65536):
        pass
    return time.monotonic() - start


ME = b"GET /v1/me HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("said", [b"", b"G", ME], ids=["nothing", "a letter", "half a head"])
def test_who_connects_and_does_not_say_what_they_want_is_hung_up_on(listening, monkeypatch, said):
    monkeypatch.setattr("mien.server.heads.HEAD_SECONDS", 0.4)
    address, _, _ = listening()
    with socket.create_connection(address) as connection:
        connection.sendall(said)
        assert 0.2 < hung_up(connection) < 4


def test_the_next_head_on_a_connection_has_to_come_in_time_too(listening, monkeypatch):
    monkeypatch.setattr("mien.server.heads.HEAD_SECONDS", 0.4)
    address, _, _ = listening()
    with socket.create_connection(address) as connection:
        connection.sendall(ME + b"\r\n")
        assert b" 401 " in connection.recv(65536)
        time.sleep(0.2)
        connection.sendall(ME)
        assert 0.2 < hung_up(connection) < 4


def test_a_head_that_comes_letter_by_letter_is_hung_up_on(listening, monkeypatch):
    monkeypatch.setattr("mien.server.heads.HEAD_SECONDS", 0.4)
    address, _, _ = listening()
    start = time.monotonic()
    with socket.create_connection(address) as connection, contextlib.suppress(OSError):
        while time.monotonic() - start < 5:
            connection.sendall(b"G")
            time.sleep(0.02)
    assert time.monotonic() - start < 4


def test_who_asks_in_time_is_answered_however_long_that_takes(listening, monkeypatch):
    monkeypatch.setattr("mien.server.heads.HEAD_SECONDS", 0.3)
    address, service, key = listening()
    whole = service.access.holder
    monkeypatch.setattr(service.access, "holder", lambda text: time.sleep(0.8) or whole(text))
    assert sent(address, ["GET /v1/me HTTP/1.1", "Host: x", f"Authorization: {key}", "Connection: close"])[0] == 200


@pytest.mark.weights
@pytest.mark.samples
def test_an_image_of_too_many_pixels(service, samples):
    client, (headers, _) = service(max_pixels=1000)
    files = {"image": ("a.jpg", (samples / "obama.jpg").read_bytes())}
    said = client.post("/v1/detect", headers=headers, files=files)
    assert (said.status_code, said.json()["error"]["code"]) == (413, "image_too_large")
    operator = {"Authorization": f"Bearer {client.app.state.service.access.issue('test', Role.admin)[1]}"}
    client.put("/v1/collections", headers=operator, json={"name": "main"})
    files, data = {"images": files["image"]}, {"label": "Obama", "purpose": "door"}
    said = client.post("/v1/collections/main/people", headers=operator, files=files, data=data)
    assert (said.status_code, said.json()["error"]["code"]) == (413, "image_too_large")
