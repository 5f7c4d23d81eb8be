"""The page without a browser: who gets which view, and that every word of it stands in one place."""

from __future__ import annotations

import html
import re

import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from mien.server import Settings, create_app
from mien.server.access import Role, Scope
from mien.server.page.pages import FOLDER, STATIC, VIEWS
from mien.server.page.strings import WORDS

ORIGIN = {"Origin": "http://testserver"}
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
SCRIPTS = sorted((FOLDER / "static").glob("*.js"))
CODE = [path for path in sorted(FOLDER.glob("*.py")) if path.name != "strings.py"]


@pytest.fixture
def app(tmp_path):
    made = create_app(Settings(gallery=str(tmp_path / "people.mien"), state=tmp_path / "service.db", reports=tmp_path))
    made.state.service.access.declare("main", consent_required=True)
    return made


@pytest.fixture
def client(app):
    with TestClient(app, follow_redirects=False) as made:
        yield made


@pytest.fixture
def sign_in(client, app):
    def signed(role, collections=("*",)):
        secret = app.state.service.access.issue("test", role, collections)[1]
        assert client.post("/sign-in", data={"key": secret}, headers=ORIGIN).status_code == 303

    return signed


def shown(answer):
    """Names of the views in the menu."""
    return re.findall(r'/collections/main/([\w-]+)"[^>]*>\s*<svg', answer.text)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("view", VIEWS, ids=[view.name for view in VIEWS])
@pytest.mark.weights
def test_views_are_for_those_who_have_use_of_them(weights, client, sign_in, role, view):
    sign_in(role)
    answer = client.get(f"/collections/main/{view.name}")
    assert answer.status_code == (200 if role >= view.scope.role else 403)
    if answer.status_code == 200:
        assert shown(answer) == [one.name for one in VIEWS if role >= one.scope.role]
        assert answer.text.count('aria-current="page"') == 1
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*(src|application/json))|style=|\son\w+=", answer.text)


def test_nothing_is_looked_up_for_who_has_no_use_of_it(client, app, sign_in):
    service = app.state.service
    secret = service.access.issue("test", Role.reader, scopes=(Scope.identify,))[1]
    client.post("/sign-in", data={"key": secret}, headers=ORIGIN)
    for path in ("people", "people/0", "unknown", "settings", "audit", "enrol"):
        assert client.get(f"/collections/main/{path}").status_code == 403
    assert service.galleries.main.audit() == []
    assert client.get("/").headers["location"].endswith("/recognise")


@pytest.mark.parametrize("view", ["recognise", "people", "people/0"])
def test_what_a_key_may_not_see_is_as_what_is_not_there(client, sign_in, view):
    sign_in(Role.admin, ("elsewhere",))
    foreign, missing = (client.get(f"/collections/{name}/{view}") for name in ("main", "nowhere"))
    assert foreign.status_code == missing.status_code == 404
    assert foreign.text.replace("main:", "nowhere:") == missing.text
    assert "There is no collection yet" in client.get("/").text
    assert "Ask an admin" not in client.get("/").text
    sign_in(Role.reader, ("elsewhere",))
    assert "Ask an admin" in client.get("/").text


def test_nobody_sees_anything_before_signing_in(client):
    for view in VIEWS:
        answer = client.get(f"/collections/main/{view.name}")
        assert (answer.status_code, answer.text) == (303, "")
        assert answer.headers["location"] == f"/sign-in?then=/collections/main/{view.name}"
    assert client.get("/").headers["location"] == "/sign-in"


@pytest.mark.weights
@pytest.mark.samples
def test_people_are_listed_a_page_at_a_time_and_found_by_name(weights, samples, client, app, sign_in, monkeypatch):
    monkeypatch.setattr("mien.server.page.routes._PEOPLE", 1)
    gallery = app.state.service.galleries.main
    for label, name in (("Ada & Co", "biden.jpg"), ("Bob", "obama2.jpg")):
        gallery.enroll(label, [samples / name], purpose="<b>door</b>")
    sign_in(Role.reader)
    first = client.get("/collections/main/people")
    assert ("Ada &amp; Co" in first.text, "Bob" in first.text) == (True, False)
    assert "&lt;b&gt;door" in first.text
    following = html.unescape(re.search(r'href="(\?[^"]*after=[^"]*)"', first.text)[1])
    second = client.get(f"/collections/main/people{following}")
    assert ("Ada &amp; Co" in second.text, "Bob" in second.text, "after=" in second.text) == (False, True, False)
    for query, found in (("a & c", True), ("bob", False), ("%", False)):
        shown = client.get("/collections/main/people", params={"query": query})
        assert ("Ada &amp; Co</strong>" in shown.text) == found
    assert client.get("/collections/main/people", params={"after": "x"}).status_code == 422


THEN = [
    ("/collections/main/people", "/collections/main/people"),
    ("//evil.example", "/"),
    ("/\\evil.example", "/"),
    ("https://evil.example", "/"),
    ("/\t/evil.example", "/"),
    ("", "/"),
]


@pytest.mark.parametrize(("then", "expected"), THEN)
def test_after_signing_in_one_stays_here(client, app, then, expected):
    secret = app.state.service.access.issue("test", Role.reader)[1]
    done = client.post("/sign-in", data={"key": secret, "then": then}, headers=ORIGIN)
    assert (done.status_code, done.headers["location"]) == (303, expected)
    again = client.get("/sign-in", params={"then": then})
    assert (again.status_code, again.headers["location"]) == (303, expected)


def test_a_collection_may_be_called_anything(client, app, sign_in):
    name = 'B & C "<script>" 50 %'
    app.state.service.access.declare(name, consent_required=False)
    sign_in(Role.admin, (name,))
    where = client.get("/").headers["location"]
    answer = client.get(where)
    assert answer.status_code == 200
    assert "<script>" not in answer.text.replace('<script type="', "")
    assert "&lt;script&gt;" in answer.text


def test_own_files_are_kept_by_browsers(client):
    for path in (FOLDER / "static").iterdir():
        answer = client.get(f"{STATIC}/{path.name}")
        assert (answer.status_code, answer.content) == (200, path.read_bytes())
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    for strange in ("../strings.py", "%2e%2e/strings.py", "nothing.js"):
        assert client.get(f"{STATIC}/{strange}").status_code == 404


def test_the_page_is_no_part_of_the_interface(app):
    assert all(path.startswith("/v1/") for path in app.openapi()["paths"])


@pytest.mark.parametrize("path", TEMPLATES, ids=[path.stem for path in TEMPLATES])
def test_templates_hold_no_words(path):
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", " ", path.read_text(), flags=re.DOTALL)
    for label in re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"', text):
        assert not re.search(r"[A-Za-z]{2}", label), label
    assert re.findall(r"[A-Za-z]{2,}", re.sub(r"<[^>]*>", " ", text)) == []


SLOTS = re.compile(r"\{(\w+)\}")


def test_words_that_scripts_say_are_there_with_their_slots():
    said = 0
    for path in SCRIPTS:
        for part, name, slots in re.findall(r'say\("(\w+)", "(\w+)"(?:, \{([^{}]*)\})?\)', path.read_text()):
            given = set(re.findall(r"(\w+)\s*(?::[^,]*(?:\([^)]*\))?[^,]*)?(?:,|$)", slots)) if slots else set()
            assert set(SLOTS.findall(WORDS[part][name])) <= given, (path.name, part, name)
            said += 1
    assert said > 20


def test_templates_reach_every_word():
    # Of a dict, `words.keys` is a method.
    assert [name for words in WORDS.values() for name in words if hasattr(dict, name)] == []


def test_no_word_is_left_over():
    sources = "\n".join(path.read_text() for path in [*TEMPLATES, *SCRIPTS, *CODE])
    computed = {"views", "roles", "rates", "levels", "kinds", "states", "job_kinds", "job_states", "job_units"}
    computed |= {"challenge", "challenge_reasons", "expressions", "stream_kinds", "stream_states"}
    for part, words in WORDS.items():
        if part in computed:
            continue
        for name in words:
            assert re.search(rf'words\.{part}\.{name}\b|\["{part}"\]\["{name}"\]|"{name}"', sources) or (
                f"{name}:" in sources
            ), f"{part}.{name}"
