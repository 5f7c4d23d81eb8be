"""Evaluation reports on the page: those of one folder, which load and run nothing."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from mien.server import Settings, create_app
from mien.server.access import Role
from mien.server.page.reports import POLICY, reports


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "reports"
    made.mkdir()
    (made / "lfw.html").write_text("<!DOCTYPE html><title>LFW &amp; more</title><script>alert(1)</script>")
    (made / "plain.html").write_text("no title")
    (made / "data.json").write_text("{}")
    (tmp_path / "secret.html").write_text("<title>secret</title>")
    (made / "link.html").symlink_to(tmp_path / "secret.html")
    return made


@pytest.fixture
def client(tmp_path, folder):
    settings = Settings(gallery=str(tmp_path / "people.mien"), state=tmp_path / "service.db", reports=folder)
    with TestClient(create_app(settings), follow_redirects=False) as made:
        made.app.state.service.access.declare("main")
        yield made


def sign_in(client, role, collections=("*",)):
    secret = client.app.state.service.access.issue("test", role, collections)[1]
    client.post("/sign-in", data={"key": secret}, headers={"Origin": "http://testserver"})


def test_reports_are_files_of_the_folder_itself(folder):
    assert {(report.name, report.title) for report in reports(folder)} == {
        ("lfw.html", "LFW & more"),
        ("plain.html", "plain"),
    }


def test_a_report_is_shown_and_noted(client):
    sign_in(client, Role.reader)
    listed = client.get("/collections/main/reports")
    assert "LFW &amp; more" in listed.text
    assert 'href="/collections/main/reports/lfw.html"' in listed.text
    shown = client.get("/collections/main/reports/lfw.html")
    assert (shown.status_code, shown.headers["content-security-policy"]) == (200, POLICY)
    assert shown.headers["x-content-type-options"] == "nosniff"
    (line,) = client.app.state.service.galleries.main.audit()
    assert line.action == "report"


@pytest.mark.parametrize("name", ["link.html", "data.json", "..%2Fsecret.html", "nothing.html", "%2e%2e/secret.html"])
def test_nothing_else_is_shown(client, name):
    sign_in(client, Role.admin)
    answer = client.get(f"/collections/main/reports/{name}")
    assert (answer.status_code, "secret" in answer.text.replace(name, "").replace("../secret.html", "")) == (404, False)


def test_reports_are_for_those_who_may_see_every_collection(client, tmp_path):
    sign_in(client, Role.admin, ("main",))
    for path in ("reports", "reports/lfw.html"):
        assert client.get(f"/collections/main/{path}").status_code == 403


def test_without_a_folder_there_is_no_view(tmp_path):
    with TestClient(create_app(Settings(str(tmp_path / "people.mien"), tmp_path / "service.db"))) as client:
        client.app.state.service.access.declare("main")
        sign_in(client, Role.admin)
        assert "/reports" not in client.get("/collections/main/people").text
        assert client.get("/collections/main/reports").status_code == 403
