"""What happened, as those read it who follow: over a real socket, in order, and for no longer than they may."""

from __future__ import annotations

import asyncio
import datetime as dt
import http.client
import json
import socket
import threading
import time

import numpy as np
import pytest

pytest.importorskip("fastapi")

import uvicorn

from mien.server import feed
from mien.server.access import Role, Scope
from mien.server.events import Bus, Event
from mien.server.feed import Feed
from mien.server.routes import events
from mien.types import Faces

PERSON = "a" * 32


@pytest.fixture
def address(client, main_collection):
    """Where the service really listens."""
    server = uvicorn.Server(uvicorn.Config(client.app, lifespan="off", log_config=None))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    client.app.state.service.stopping.set()
    thread.join(30)
    listener.close()


class Reader:
    """Somebody who follows the events of ``main``."""

    def __init__(self, address, headers, query="", **more):
        self._connection = http.client.HTTPConnection(*address, timeout=15)
        self._connection.request("GET", f"/v1/collections/main/events{query}", headers={**headers, **more})
        self.answer = self._connection.getresponse()
        self.place = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answer.close()
        self._connection.close()

    def lines(self):
        """The next block; None at the end."""
        block = []
        while line := self.answer.readline():
            if line == b"\n":
                return block
            block.append(line.decode().rstrip("\n"))
        return None

    def next(self):
        """The next event, its kind and its data; None at the end."""
        while (block := self.lines()) is not None:
            said = dict(line.split(": ", 1) for line in block)
            if "data" in said:
                self.place = said.get("id", self.place)
                return said["event"], json.loads(said["data"])
        return None


@pytest.fixture
def reading(address, holders):
    readers = []

    def start(headers=None, query="", **more):
        readers.append(Reader(address, headers or holders["reader"], query, **more))
        return readers[-1]

    yield start
    for one in readers:
        one.__exit__()


def test_events_come_in_order_and_of_this_collection_alone(service, reading):
    reader = reading()
    assert reader.answer.headers["content-type"].startswith("text/event-stream")
    assert reader.answer.headers["cache-control"] == "no-store"
    for number in range(20):
        service.bus.publish("person.changed", "main", person_id=PERSON, label=f"Zoë\n{number}")
        service.bus.publish("person.changed", "elsewhere", person_id=PERSON)
    said = [reader.next() for _ in range(20)]
    assert [kind for kind, _ in said] == ["person.changed"] * 20
    assert [one["data"]["label"] for _, one in said] == [f"Zoë\n{number}" for number in range(20)]
    assert {one["collection"] for _, one in said} == {"main"}


def test_who_comes_back_is_told_what_happened_since(service, reading, monkeypatch):
    reader = reading()
    service.bus.publish("job.finished", "main", number=0)
    reader.next()
    reader.__exit__()
    for number in range(1, 4):
        service.bus.publish("job.finished", "main", number=number)
    again = reading(**{"Last-Event-ID": reader.place})
    assert [again.next()[1]["data"]["number"] for _ in range(3)] == [1, 2, 3]
    # Another process, or more than is kept: that something is missing is said.
    stranger = reading(**{"Last-Event-ID": "0a0a0a0a-2"})
    assert stranger.next() == ("missed", {})
    assert stranger.next()[1]["data"]["number"] == 0


def test_kinds_can_be_chosen(service, reading):
    reader = reading(query="?kind=face.unknown&kind=job.failed")
    for kind in ("person.changed", "face.unknown", "job.finished", "job.failed"):
        service.bus.publish(kind, "main")
    assert [reader.next()[0] for _ in range(2)] == ["face.unknown", "job.failed"]


def test_it_says_that_it_is_alive(service, reading, monkeypatch):
    monkeypatch.setattr(events, "HEARTBEAT", 0.1)
    monkeypatch.setattr(events, "_LOOK", 0.05)
    reader = reading()
    assert [reader.lines() for _ in range(3)] == [["retry: 2000"], [": alive"], [": alive"]]


def test_it_ends_with_the_key(service, reading, headers, monkeypatch):
    key, secret = service.access.issue("x", Role.reader)
    revoked = reading({"Authorization": f"Bearer {secret}"})
    service.access.revoke(key.key_id)
    assert revoked.next() is None
    end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1.2)
    expired = reading(headers(Role.reader, ("main",), end))
    assert expired.next() is None


def test_it_ends_when_the_browser_signs_out(service, address, holders):
    secret = holders["reader"]["Authorization"].removeprefix("Bearer ")
    session = service.sessions.begin(secret)
    with Reader(address, {"Cookie": f"mien={session.token}"}) as reader:
        service.bus.publish("job.finished", "main")
        assert reader.next()[0] == "job.finished"
        service.sessions.end(session.token)
        service.bus.publish("job.finished", "main")
        assert reader.next() is None


def test_it_ends_when_that_was_asked_for(reading):
    start = time.monotonic()
    assert reading(query="?seconds=0.3").next() is None
    assert 0.25 < time.monotonic() - start < 5


def test_it_ends_with_the_service(service, reading):
    reader = reading()
    service.stopping.set()
    assert reader.next() is None


def test_who_may_identify_alone_is_told_no_names(client, headers):
    only = headers(Role.reader, ("*",), None, (Scope.identify,))
    assert client.get("/v1/collections/main/events", headers=only, params={"seconds": 0}).status_code in {403, 404}


def test_readers_have_an_end(service, reading, monkeypatch):
    monkeypatch.setattr(feed, "FOLLOWERS", 1)
    first, second = reading(), reading()
    assert (first.answer.status, second.answer.status) == (200, 503)
    assert second.answer.headers["retry-after"] == "10"


def test_who_is_slow_is_dropped_and_may_come_back(monkeypatch):
    monkeypatch.setattr(feed, "AHEAD", 10)

    async def read():
        own = Feed()
        follower = own.follow("main", None)
        for number in range(15):
            own.listen(Event("job.finished", "main", {"number": number}))
        assert follower.dropped
        read = [await follower.next(0) for _ in range(11)]
        assert [place and place[1].data["number"] for place in read] == [*range(10), None]
        own.leave(follower)
        back = own.follow("main", read[9][0])
        assert not back.missed
        return [(await back.next(0))[1].data["number"] for _ in range(5)]

    assert asyncio.run(read()) == [10, 11, 12, 13, 14]


def test_memory_has_an_end(monkeypatch):
    monkeypatch.setattr(feed, "KEPT", 5)

    async def read():
        own = Feed()
        first = own.follow("main", None)
        for number in range(8):
            own.listen(Event("job.finished", "main", {"number": number}))
        place = (await first.next(0))[0]
        back = own.follow("main", place)
        return back.missed, [(await back.next(0))[1].data["number"] for _ in range(5)]

    assert asyncio.run(read()) == (True, [3, 4, 5, 6, 7])


def test_who_is_erased_is_forgotten_here_too():
    async def read():
        own = Feed()
        waiting = own.follow("main", None)
        one = {"person_id": PERSON, "label": "Ada"}
        own.listen(Event("person.enrolled", "main", one))
        own.listen(Event("face.identified", "main", {"people": [one, {"person_id": "b" * 32, "label": "Bob"}]}))
        own.listen(Event("person.erased", "main", {"person_id": PERSON}))
        back = own.follow("main", "x-0")
        return [json.dumps([(await follower.next(0))[1].to_dict() for _ in range(3)]) for follower in (waiting, back)]

    for said in asyncio.run(read()):
        assert "Ada" not in said
        assert "Bob" in said
        assert said.count(PERSON) == 3


@pytest.mark.weights
@pytest.mark.samples
def test_routes_tell_what_they_did(client, service, holders, photo, enrolled, main_collection):
    told = []
    service.bus.listen(told.append)
    person_id = enrolled().json()["person_id"]
    enrolled()
    main = "/v1/collections/main"
    for name in ("obama3.jpg", "biden.jpg"):
        client.post(f"{main}/identify", headers=holders["reader"], files={"image": photo(name)})
    client.patch(f"{main}/people/{person_id}", headers=holders["operator"], json={"label": "Barack"})
    client.delete(f"{main}/people/{person_id}", headers=holders["operator"])
    obama = {"person_id": person_id, "label": "Obama"}
    assert [(event.kind, event.data) for event in told] == [
        ("person.enrolled", {**obama, "samples": 2}),
        ("face.identified", {"people": [obama]}),
        ("face.unknown", {"faces": 1}),
        ("person.changed", {"person_id": person_id, "label": "Barack"}),
        ("person.erased", {"person_id": person_id}),
    ]


@pytest.mark.weights
@pytest.mark.samples
def test_edits_and_unnamed_faces_are_told_of(client, service, holders, photo, enrolled, main_collection):
    person_id = enrolled().json()["person_id"]
    told = []
    service.bus.listen(told.append)
    main, own = "/v1/collections/main", holders["operator"]
    listed = client.get(f"{main}/people/{person_id}/samples", headers=own).json()["samples"]
    rejected = f"{main}/faces/{listed[0]['face_id']}/reject"
    assert client.post(rejected, headers=own, json={"person_id": person_id}).status_code == 200
    (edit, *_) = client.get(f"{main}/edits", headers=own).json()["edits"]
    assert client.delete(f"{main}/edits/{edit['edit_id']}", headers=own).status_code == 200
    client.post(f"{main}/suggestions", headers=own, files={"images": photo("biden.jpg")})
    client.delete(f"{main}/faces", headers=own)
    assert [(event.kind, event.data) for event in told] == [
        ("person.changed", {"person_id": person_id}),
        ("edit.undone", {"edit_id": edit["edit_id"], "action": "reject"}),
        ("faces.suggested", {"suggestions": 1, "faces": 1}),
        ("faces.forgotten", {"faces": 1}),
    ]


@pytest.mark.weights
@pytest.mark.samples
def test_a_consent_that_runs_out_is_told_as_an_erasure(
    client, service, holders, enrolled, main_collection, monkeypatch
):
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    person_id = enrolled(names=("obama.jpg",), until=tomorrow.isoformat()).json()["person_id"]
    told = []
    service.bus.listen(told.append)
    for module in ("collection", "sql.pool", "sql.tables", "search"):
        monkeypatch.setattr(f"mien.gallery.{module}.today", lambda: tomorrow + dt.timedelta(days=1))
    service.galleries.opened("main").decide(Faces.of(np.empty((0, 4)), [], np.empty((0, 5, 2)), (9, 9)))
    assert [(event.kind, event.data) for event in told] == [("person.erased", {"person_id": person_id})]


def test_listeners_can_go():
    bus, told = Bus(), []
    end = bus.listen(told.append)
    bus.publish("a.b", None)
    end()
    bus.publish("a.b", None)
    assert len(told) == 1
