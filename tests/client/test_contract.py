"""The client against the service's OpenAPI document: every operation, every parameter, every field of an answer."""

from __future__ import annotations

import inspect
import json
import re
import runpy
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("urllib3")

from mien.client import Client, documents

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8"))
MADE = runpy.run_path(str(ROOT / "tools" / "documents.py"))

# What a method's parameters are given, by their name: everything, so that everything is sent.
GIVEN = {
    "image": b"x",
    "images": [b"x", b"y"],
    "first": b"x",
    "second": b"y",
    "label": "Ada",
    "labels": "ferplus",
    "model": "accurate",
    "purpose": "door",
    "until": "2030-01-01",
    "person_id": "1",
    "request": "badge 7",
    "page": 10,
    "proof": True,
    "fmr": 1e-3,
    "fpir": 0.02,
    "candidates": 3,
    "name": "door",
    "role": "reader",
    "collections": ["main"],
    "calibration": {"schema": "mien.calibration/1"},
    "pipeline": "detector/aligner",
    "expires": None,
    "key_id": "1",
    "consent_required": False,
    "crops": True,
    "scopes": ["read"],
    "rate": 600,
    "templates": [[1.0, 0.0]],
    "space": "x",
    "k": 3,
    "threshold": 0.2,
    "where": None,
    "max_faces": 3,
    "require": "quality=medium",
    "other": "2",
    "force": True,
    "samples": ["3"],
    "faces": ["3"],
    "face_id": "3",
    "suggestion_id": "4",
    "keep_days": 3,
    "min_faces": 2,
    "edit_id": 5,
    "kinds": ["person.enrolled"],
    "seconds": 0,
    "after": "6",
    "url": "https://hooks.example",
    "names": True,
    "enabled": False,
    "webhook_id": "7",
    "delivery_id": "8",
    "state": "dead",
    "limit": 9,
    "job_id": "9",
    "stream_id": "10",
    "challenge_id": "11",
    "steps": 3,
    "source": b"x",
    "fps": 5,
    "rules": {"confirm_frames": 5},
    "task": "identification",
}

# Operations that no method asks for, and why.
LEFT_OUT = {("GET", "/v1/metrics"): "text, which Prometheus asks for"}

# What serves the client alone.
NO_OPERATION = {"close", "within", "wait", "send_folder"}


def methods():
    """Names of the client's methods that ask something."""
    return sorted(
        name
        for name, _ in inspect.getmembers(Client, inspect.isfunction)
        if not name.startswith("_") and name not in NO_OPERATION
    )


def resolved(schema):
    name = schema.get("$ref", "").rpartition("/")[2]
    return resolved(DOCUMENT["components"]["schemas"][name]) if name else schema


def example(schema):
    """Something that fits a schema; nothing more of a list that goes on."""
    schema = resolved(schema)
    if "anyOf" in schema:
        return None if {"type": "null"} in schema["anyOf"] else example(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    kinds = {"string": "x", "integer": 1, "number": 1.0, "boolean": True, "null": None}
    if schema.get("type") == "array":
        return [example(schema["items"])]
    if schema.get("type") == "object":
        return {name: example(one) for name, one in schema.get("properties", {}).items()}
    return kinds.get(schema.get("type"))


def operation_of(method, path):
    for template, operations in DOCUMENT["paths"].items():
        if method.lower() in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return template, operations[method.lower()]
    pytest.fail(f"the service has no {method} {path}")


class Asked:
    """Stands in for the connections: notes what is sent, and answers as the document says."""

    def __init__(self):
        self.requests = []

    def clear(self):
        pass

    def request(self, method, url, **sent):
        template, operation = operation_of(method, urlsplit(url).path)
        self.requests.append((method, template, operation, parse_qs(urlsplit(url).query), sent))
        success = next(one for status, one in operation["responses"].items() if status.startswith("2"))
        content = success.get("content", {}).get("application/json")
        return Answer(json.dumps(example(content["schema"])).encode() if content else b"")


class Answer:
    def __init__(self, data):
        self.status, self.headers, self.data = 200, {}, data

    def stream(self):
        return iter([self.data])

    def close(self):
        pass


@pytest.fixture(scope="module")
def asked():
    """What every method sends, by its name."""
    found = {}
    for name in methods():
        client = Client("http://faces.example", "mien_key")
        client._transport._pool = pool = Asked()
        method = getattr(client, name)
        answer = method(**{parameter: GIVEN[parameter] for parameter in inspect.signature(method).parameters})
        if inspect.isgenerator(answer):
            list(answer)
        (found[name],) = pool.requests
    return found


def test_every_operation_has_a_method(asked):
    offered = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    used = [(method, template) for method, template, *_ in asked.values()]
    assert len(used) == len({*used})
    assert offered - {*used} == {*LEFT_OUT}


@pytest.mark.parametrize("name", methods())
def test_what_is_sent_is_what_is_documented(asked, name):
    _, _, operation, query, sent = asked[name]
    documented = {one["name"]: one["in"] for one in operation.get("parameters", ())}
    # The page of a list that goes on is asked for by the cursor of the one before.
    assert {*query} | {"after"} == {one for one, where in documented.items() if where == "query"} | {"after"}
    headers = {one.lower() for one, where in documented.items() if where == "header"}
    assert {one.lower() for one in sent["headers"]} - {"authorization", "accept", "content-type"} == headers
    contents = operation.get("requestBody", {}).get("content", {})
    fields = {one for one, _ in sent.get("fields", ())}
    assert fields == {*resolved(contents.get("multipart/form-data", {}).get("schema", {})).get("properties", {})}
    assert isinstance(sent["body"], bytes) == ("application/octet-stream" in contents)
    body = json.loads(sent["body"]) if isinstance(sent["body"], str) else {}
    assert {*body} == {*resolved(contents.get("application/json", {}).get("schema", {})).get("properties", {})}
    assert sent["headers"]["Authorization"] == "Bearer mien_key"


@pytest.mark.parametrize("name", methods())
def test_what_comes_back_is_typed_as_documented(asked, name):
    operation = asked[name][2]
    success = next(one for status, one in operation["responses"].items() if status.startswith("2"))
    schema = success.get("content", {}).get("application/json", {}).get("schema")
    annotation = inspect.signature(getattr(Client, name)).return_annotation
    outer, inner = re.fullmatch(r"(\w+)(?:\[(\w+)\])?", str(annotation)).groups()
    if schema is None:
        plain = {"image/jpeg": "bytes", "text/html": "bytes", "text/event-stream": "Iterator[Event]"}
        assert annotation == plain.get(next(iter(success.get("content", {})), None), "None")
    elif inner:
        lists = [one for one in resolved(schema)["properties"].values() if one.get("type") == "array"]
        assert [one["items"]["$ref"].rpartition("/")[2] for one in lists] == [inner]
    else:
        assert outer == schema["$ref"].rpartition("/")[2]
        assert hasattr(documents, outer)


def test_documents_are_those_of_the_service():
    assert Path(documents.__file__).read_text(encoding="utf-8") == MADE["written"](DOCUMENT), "stale: make docs"
