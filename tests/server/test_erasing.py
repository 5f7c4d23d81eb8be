"""A collection is erased over HTTP: with all that the service has of it, and nothing of it comes back."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from access_rows import CAMERA, fill
from fastapi.testclient import TestClient

from mien.errors import StoreUnavailable
from mien.gallery import Gallery
from mien.server import create_app, erasing
from mien.server.access import Role

STAFF = "/v1/collections/staff"


@pytest.fixture
def staff(client, holders, service):
    """A collection with people, a webhook, a stream and a job."""
    assert client.put("/v1/collections", headers=holders["admin"], json={"name": "staff"}).status_code == 201
    world = fill(service.galleries.opened("staff"))
    for path, document in (
        ("webhooks", {"url": "https://example.com/"}),
        ("streams", CAMERA),
        ("jobs/identify", {}),
    ):
        made = client.post(f"{STAFF}/{path}", headers=holders["admin"], json=document)
        assert made.status_code == 201, made.text
    return world


def erase(client, headers, **params):
    return client.delete(STAFF, headers=headers, params=params)


def test_all_that_the_service_has_of_it_goes(client, holders, headers, service, staff, noted):
    both, alone = (headers(Role.operator, names) for names in (("staff", "elsewhere"), ("staff",)))
    service.bus.publish("person.changed", "staff", person_id=staff.person_id, label="Ada")
    service.bus.publish("person.changed", "elsewhere", person_id="0", label="Bob")
    done = erase(client, holders["admin"], proof=True)
    assert done.status_code == 200, done.text
    said = done.json()
    assert (said["collection"], said["people"], said["level"], said["elsewhere"]) == ("staff", 2, "purged_logs", [])
    assert (said["keys"], said["keys_revoked"]) == (2, 1)
    assert said["proof"]["found"] == []
    assert [action for action, _, _ in noted()][-3:] == ["erase_collection", "purge", "proof"]
    assert client.get(STAFF, headers=holders["admin"]).status_code == 404
    assert client.get("/v1/me", headers=alone).status_code == 401
    assert client.get("/v1/me", headers=both).json()["collections"] == ["elsewhere"]
    assert service.webhooks.of("staff") == service.streams.of("staff") == []
    assert service.jobs.of("staff", ["identify"]) == []
    assert service.feed.recent("staff", lambda event: event.kind != "collection.erased", 10) == []
    assert len(service.feed.recent("elsewhere", lambda _: True, 10)) == 1
    assert erase(client, holders["admin"]).status_code == 404


def test_of_two_who_erase_it_at_once_one_does(client, holders, service, staff, noted, monkeypatch):
    barrier, whole = threading.Barrier(2), service.galleries.leaving

    def together(name):
        barrier.wait(10)
        return whole(name)

    monkeypatch.setattr(service.galleries, "leaving", together)
    with ThreadPoolExecutor(2) as pool:
        answers = [*pool.map(lambda _: erase(client, holders["admin"]).status_code, range(2))]
    assert sorted(answers) == [200, 404]
    assert [action for action, _, _ in noted()].count("erase_collection") == 1


def test_another_of_its_name_is_a_new_one(client, headers, holders, service, staff):
    operator = headers(Role.operator, ("staff", "elsewhere"))
    own = headers(Role.admin, ("staff",))
    client.put("/v1/collections", headers=own, json={"name": "staff", "consent_required": False, "crops": True})
    assert erase(client, own).status_code == 200
    made = client.put("/v1/collections", headers=own, json={"name": "staff"})
    assert made.status_code == 201
    assert (made.json()["people"], made.json()["consent_required"], made.json()["crops"]) == (0, True, False)
    assert client.get(f"{STAFF}/people", headers=operator).status_code == 404
    assert client.get(f"{STAFF}/webhooks", headers=own).json() == {"webhooks": []}


def test_another_process_lets_go_of_it(client, holders, settings, staff):
    with TestClient(create_app(settings)) as other:
        operator = holders["operator"]
        assert len(other.get(f"{STAFF}/people", headers=operator).json()["people"]) == 2
        held = other.app.state.service.galleries.opened("staff")
        assert erase(client, holders["admin"]).status_code == 200
        assert other.get(f"{STAFF}/people", headers=operator).status_code == 404
        with pytest.raises(StoreUnavailable, match="closed"):
            held.people()
        client.put("/v1/collections", headers=holders["admin"], json={"name": "staff"})
        assert other.get(f"{STAFF}/people", headers=operator).json()["people"] == []


def test_who_asks_meanwhile_finds_nothing_and_what_is_under_way_brings_nobody_back(
    client, holders, service, staff, monkeypatch
):
    begun, go_on = threading.Event(), threading.Event()
    erase_it = Gallery.erase_collection

    def slowly(gallery, *, proof):
        begun.set()
        assert go_on.wait(30)
        return erase_it(gallery, proof=proof)

    monkeypatch.setattr(Gallery, "erase_collection", slowly)
    held, answers = service.galleries.opened("staff"), []
    thread = threading.Thread(target=lambda: answers.append(erase(client, holders["admin"]).status_code))
    thread.start()
    assert begun.wait(30)
    assert client.get(STAFF, headers=holders["admin"]).status_code == 404
    assert erase(client, holders["admin"]).status_code == 404
    making = client.put("/v1/collections", headers=holders["admin"], json={"name": "staff"})
    assert (making.status_code, making.json()["error"]["code"]) == (409, "collection_busy")
    with pytest.raises(StoreUnavailable, match="closed"):
        held.rename(staff.person_id, "Eve")
    go_on.set()
    thread.join()
    assert answers == [200]
    assert client.get("/v1/collections", headers=holders["admin"]).json() == {"collections": []}


def test_nobody_is_removed_while_a_job_does_not_end(client, holders, service, staff, monkeypatch):
    monkeypatch.setattr(erasing, "PATIENCE", 0.2)
    held = threading.Event()
    monkeypatch.setattr(service.jobs, "_work", lambda *_: held.wait(30))
    (job,) = service.jobs.of("staff", ["identify"])
    path = f"{STAFF}/jobs/{job.job_id}"
    client.put(f"{path}/files/a.jpg", headers=holders["admin"], content=b"x")
    assert client.post(f"{path}/start", headers=holders["admin"]).status_code < 300
    deadline = time.monotonic() + 10
    while client.get(path, headers=holders["admin"]).json()["state"] != "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    refused = erase(client, holders["admin"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "collection_busy")
    assert refused.headers["retry-after"] == "10"
    assert len(client.get(f"{STAFF}/people", headers=holders["admin"]).json()["people"]) == 2
    held.set()
    monkeypatch.setattr(erasing, "PATIENCE", 10)
    assert erase(client, holders["admin"]).status_code == 200


def test_what_fails_after_somebody_was_removed_takes_the_grants_along(client, headers, holders, service, staff):
    operator = headers(Role.operator, ("staff", "elsewhere"))
    gallery = service.galleries.opened("staff")
    gallery.close()
    service.galleries._open.clear()
    with service.galleries.opened("main")._store.reading("main"):
        # Somebody reads on, so that the log beside the file cannot be emptied.
        service.galleries._made = lambda name: impatient(service, name)
        failed = erase(client, holders["admin"])
    assert (failed.status_code, failed.json()["error"]["details"]["removed"]) == (503, True)
    assert client.get("/v1/me", headers=operator).json()["collections"] == ["elsewhere"]
    assert client.get(STAFF, headers=holders["admin"]).status_code == 404


def impatient(service, name):
    gallery = Gallery(service.settings.gallery, collection=name)
    gallery._store._timeout = 0.2
    gallery._store.close()
    gallery._store._closed = False
    return gallery
