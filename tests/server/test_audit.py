"""The audit log over HTTP."""

from __future__ import annotations

import sqlite3

from mien.server.access import Role


def test_a_long_log_comes_in_pages_that_do_not_shift_while_it_grows(client, holders, service):
    service.access.declare("main")
    gallery = service.galleries.main
    gallery.note_access("identify", "key", [f"{number:032x}" for number in range(2500)])
    found, after = [], 0
    while after is not None:
        page = client.get("/v1/audit", headers=holders["admin"], params={"after": after, "limit": 600}).json()
        found += page["entries"]
        after = page["next"]
        if len(found) < 2500:
            gallery.note_access("verify", "key")
    assert [entry["sequence"] for entry in found] == [*range(1, 2505)]
    assert [entry["hash"] for entry in found] == [entry.hash for entry in gallery.audit()]


def test_the_log_comes_in_pages_and_is_verified(client, holders, headers, service, settings):
    service.access.declare("main")
    for number in range(7):
        service.galleries.main.note_access("identify", "key", faces=number)
    found, after = [], 0
    while True:
        page = client.get("/v1/audit", headers=holders["admin"], params={"after": after, "limit": 3}).json()
        found += [entry["sequence"] for entry in page["entries"]]
        if page["next"] is None:
            break
        assert page["next"] == found[-1]
        after = page["next"]
    assert found == [*range(1, 8)]
    said = client.get("/v1/audit/verification", headers=holders["admin"]).json()
    assert (said["sound"], said["entries"], said["problems"]) == (True, 7, [])
    assert said["public_key"] == service.galleries.main.public_key
    with sqlite3.connect(settings.gallery) as connection:
        connection.execute("DELETE FROM audit WHERE entry = 3")
    said = client.get("/v1/audit/verification", headers=holders["admin"]).json()
    assert (said["sound"], said["problems"][0]) == (False, "line 3: a line before it is missing, or it was put in")
    assert client.get("/v1/audit", headers=headers(Role.admin, ("main",))).status_code == 403
