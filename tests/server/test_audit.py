"""The audit log over HTTP."""

from __future__ import annotations

import sqlite3

from mien.server.access import Role


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
