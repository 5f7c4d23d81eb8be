"""A service that is killed amid enrolments, and two services over one gallery: nothing acknowledged is lost or torn."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("urllib3")

from served import small

from mien.client import Client
from mien.errors import ServiceError
from mien.gallery import Gallery

ENROLMENTS = 100
KILLS = (15, 45, 75)
"""After how many acknowledged enrolments the service is killed."""

PEOPLE = {"Obama": "obama.jpg", "Biden": "biden.jpg"}


@pytest.fixture(scope="module")
def faces(samples):
    """A small photo of each, which is soon looked at."""
    return {label: small(samples / name) for label, name in PEOPLE.items()}


class Enrolments:
    """A hundred enrolments of two images each, by eight clients, who ask again until they are answered."""

    def __init__(self, service, faces):
        self._service = service
        self._faces = faces
        self._up = threading.Event()
        self._running = []
        self.acknowledged = {}
        self._up.set()

    def run(self):
        with ThreadPoolExecutor(8) as pool:
            self._running = [pool.submit(self._enroll, number) for number in range(ENROLMENTS)]

    def wait_for(self, many):
        """Until so many are acknowledged, or one failed."""
        deadline = time.monotonic() + 120
        while len(self.acknowledged) < many and time.monotonic() < deadline:
            for one in self._running:
                if one.done():
                    one.result()
            time.sleep(0.005)

    def kill(self):
        """Kill the service; returns what it had acknowledged by then."""
        self._up.clear()
        self._service.kill()
        return dict(self.acknowledged)

    def restart(self):
        self._service.start()
        self._up.set()

    def where(self, number):
        label = (*PEOPLE,)[number % 2]
        return f"c{number % 3}", label

    def _enroll(self, number):
        collection, label = self.where(number)
        # What follows a JPEG's end is no part of the picture, but makes another file of it.
        images = [io.BytesIO(self._faces[label] + f"{number}-{image}".encode()) for image in range(2)]
        for image, stream in enumerate(images):
            stream.name = f"{number}-{image}"
        client = Client(self._service.url, self._service.key, collection=collection, tries=1)
        deadline = time.monotonic() + 120
        while True:
            self._up.wait(60)
            try:
                for stream in images:
                    stream.seek(0)
                answer = client.enroll(label, images, purpose="door", request=f"enrolment-{number}")
            except ServiceError as error:
                if error.code not in {"unreachable", "busy"} or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                self.acknowledged[number] = answer
                return


def enrolled(path):
    """What the gallery holds: by enrolment, the names of its images."""
    found = {}
    with Gallery(path) as main:
        names = main.collections()
    for name in names:
        with Gallery(path, collection=name) as gallery:
            assert len({person.label for person in gallery.people()}) == len(gallery.people())
            for person in gallery.people():
                for sample in gallery.samples(person.person_id):
                    number = int(sample.source.partition("-")[0])
                    found.setdefault((number, name, person.label), []).append(sample.source)
    return found


@pytest.mark.weights
@pytest.mark.samples
def test_killed_amid_a_hundred_enrolments(serve, faces):
    service = serve(options=["--queue", "64"])
    for collection in ("c0", "c1", "c2"):
        Client(service.url, service.key, collection=collection).make_collection()
    enrolments = Enrolments(service, faces)
    running = threading.Thread(target=enrolments.run)
    running.start()
    for moment in KILLS:
        enrolments.wait_for(moment)
        acknowledged = enrolments.kill()
        held = enrolled(service.gallery)
        assert {number for number, _, _ in held} >= {*acknowledged}
        assert all(sorted(names) == [f"{key[0]}-0", f"{key[0]}-1"] for key, names in held.items()), "half an enrolment"
        enrolments.restart()
    enrolments.wait_for(ENROLMENTS)
    running.join(timeout=10)
    assert service.stop() in {0, -15}
    held = enrolled(service.gallery)
    assert {*held} == {(number, *enrolments.where(number)) for number in range(ENROLMENTS)}
    assert {len(names) for names in held.values()} == {2}
    assert all(sorted(one["added"]) == [f"{n}-0", f"{n}-1"] for n, one in enrolments.acknowledged.items())
    with Gallery(service.gallery, collection="c0") as gallery:
        assert gallery.verify_audit().sound


@pytest.mark.weights
@pytest.mark.samples
def test_two_services_over_one_gallery(serve, faces, tmp_path):
    first = serve()
    second = serve(gallery=first.gallery, state=first.state)
    one, other = (Client(service.url, first.key) for service in (first, second))
    one.make_collection()
    with ThreadPoolExecutor(8) as pool:
        done = [
            pool.submit(client.enroll, label, faces[label] + f"{number}".encode(), purpose="door")
            for number in range(5)
            for client, label in ((one, "Obama"), (other, "Obama"), (one, "Biden"), (other, "Biden"))
        ]
        assert {one.result()["label"] for one in done} == {"Obama", "Biden"}
    assert {(person["label"], person["samples"]) for person in one.people()} == {("Obama", 5), ("Biden", 5)}
    assert [face["person"] for face in other.identify(faces["Obama"])["faces"]] == ["Obama"]
    (obama,) = [person["person_id"] for person in one.people() if person["label"] == "Obama"]
    assert one.erase(obama, proof=True)["proof"]["found"] == []
    # Each sees at once what the other did.
    assert [face["person"] for face in other.identify(faces["Obama"])["faces"]] == [None]
    issued = other.issue_key("door", "reader")
    assert Client(first.url, issued["secret"]).me()["name"] == "door"
    one.revoke_key(issued["key_id"])
    with pytest.raises(ServiceError, match="valid key"):
        Client(second.url, issued["secret"]).me()
