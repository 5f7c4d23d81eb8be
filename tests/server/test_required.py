"""What a request requires of faces: refusals carry reasons, and what cannot be required changes nothing."""

from __future__ import annotations

import re
import time

import cv2
import numpy as np
import pytest

from mien import media
from mien.quality import Gate
from mien.quality.gate import LEVELS
from mien.recognition import default_pipeline

MAIN = "/v1/collections/main"
HIGH = {"require": "quality=high"}


@pytest.fixture
def far(samples):
    """A photo with 30 pixels between the eyes: enough for every face, and too few for ``high``; as it is sent."""

    def made(name):
        image = media.read(samples / name)
        scale = 30 / float(default_pipeline().find(image).extra["quality.size"][0])
        smaller = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        _, encoded = cv2.imencode(".png", np.ascontiguousarray(smaller[..., ::-1]))
        return (f"far {name}.png", encoded.tobytes(), "image/png")

    return made


@pytest.mark.weights
@pytest.mark.samples
def test_an_image_that_falls_short_is_refused_with_reasons(client, holders, photo, far, noted, main_collection):
    own, files = holders["operator"], [("images", far("obama.jpg"))]
    data = {"label": "Obama", "purpose": "door"}
    none = client.post(f"{MAIN}/people", headers=own, data=data | HIGH, files=files)
    assert (none.status_code, none.json()["person_id"], none.json()["added"]) == (200, None, [])
    assert "too_small" in none.json()["refused"][0]["reasons"]
    both = [*files, ("images", photo("obama2.jpg"))]
    part = client.post(f"{MAIN}/people", headers=own, data=data | HIGH, files=both)
    assert (part.status_code, part.json()["added"]) == (201, ["obama2.jpg"])
    samples = f"{MAIN}/people/{part.json()['person_id']}/samples"
    assert client.post(samples, headers=own, data=HIGH, files=files).json()["refused"] == none.json()["refused"]
    medium = client.post(samples, headers=own, data={"require": "quality=medium"}, files=files)
    assert (medium.status_code, medium.json()["added"]) == (201, ["far obama.jpg.png"])


@pytest.mark.weights
@pytest.mark.samples
def test_a_face_that_falls_short_is_unknown_with_reasons(client, holders, far, enrolled, main_collection):
    enrolled()

    def identified(**data):
        sent = {"headers": holders["reader"], "files": {"image": far("obama3.jpg")}, "data": data}
        (face,) = client.post(f"{MAIN}/identify", **sent).json()["faces"]
        return face

    assert identified()["person"] == "Obama"
    face = identified(**HIGH)
    assert face["person"] is None
    assert "too_small" in face["decision"]["reasons"]


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize("kind", ["identify", "enroll"])
def test_jobs_require_the_same(client, holders, far, enrolled, wait_for_job, kind):
    if kind == "identify":
        enrolled()
    options = HIGH | ({"purpose": "door"} if kind == "enroll" else {})
    result = wait_for_job(kind, options, "Barack/1.png", far("obama3.jpg")[1])
    if kind == "enroll":
        (reasons,) = [one["reasons"] for one in result["people"][0]["refused"]]
    else:
        (reasons,) = [face["decision"]["reasons"] for face in result["images"][0]["faces"]]
    assert "too_small" in reasons


@pytest.fixture
def wait_for_job(client, holders, main_collection):
    """Has a job done of one file, and returns what came of it."""

    def done(kind, options, name, content):
        own = holders["admin"]
        job = f"{MAIN}/jobs/{client.post(f'{MAIN}/jobs/{kind}', headers=own, json=options).json()['job_id']}"
        assert client.put(f"{job}/files/{name}", headers=own, content=content).status_code == 201
        assert client.post(f"{job}/start", headers=own).status_code == 202
        deadline = time.monotonic() + 60
        while client.get(job, headers=own).json()["state"] in {"waiting", "running"}:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return client.get(f"{job}/result", headers=own).json()["result"]

    return done


@pytest.mark.weights
@pytest.mark.samples
def test_a_video_requires_the_same(enrolled, far_clip, wait_for_job, samples):
    enrolled(label="the man", names=("single_face.jpg",))
    for options, expected in (({}, []), ({"require": "quality=medium"}, []), (HIGH, ["too_small"])):
        (track,) = wait_for_job("watch", options, "far.mp4", far_clip.read_bytes())["tracks"]
        assert [one for one in track["decision"]["reasons"] if one == "too_small"] == expected
        assert (track["person"] is None) is bool(expected)


IMAGE = ("x.jpg", b"never read", "image/jpeg")
CALLS = {
    "enroll": ("people", {"files": {"images": IMAGE}, "data": {"label": "Ada", "purpose": "door"}}),
    "samples": (f"people/{'0' * 32}/samples", {"files": {"images": IMAGE}, "data": {}}),
    "identify": ("identify", {"files": {"image": IMAGE}, "data": {}}),
    "enrolment of many": ("jobs/enroll", {"json": {"purpose": "door"}}),
    "identification of many": ("jobs/identify", {"json": {}}),
    "video": ("jobs/watch", {"json": {}}),
    "stream": ("streams", {"json": {"name": "door", "url": "http://127.0.0.1:9/", "enabled": False}}),
}


@pytest.mark.parametrize("require", ["quality=best", "attack=checked", "quality=low,quality=low", "medium"])
@pytest.mark.parametrize("call", CALLS)
def test_what_cannot_be_required_is_refused_and_changes_nothing(client, holders, noted, main_collection, call, require):
    path, sent = CALLS[call]
    before = noted()
    body = {name: part | {"require": require} if name in {"data", "json"} else part for name, part in sent.items()}
    refused = client.post(f"{MAIN}/{path}", headers=holders["admin"], **body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_request")
    assert "require" in refused.text
    assert noted() == before
    assert client.get(f"{MAIN}/people", headers=holders["reader"]).json()["people"] == []


@pytest.mark.parametrize("call", CALLS)
def test_who_may_not_learns_nothing_of_what_may_be_required(client, holders, main_collection, call):
    path, sent = CALLS[call]
    for require in ("quality=low", "quality=best"):
        body = {name: part | {"require": require} if name in {"data", "json"} else part for name, part in sent.items()}
        assert client.post(f"{MAIN}/{path}", headers=holders["foreign admin"], **body).status_code == 404
        assert client.post(f"{MAIN}/{path}", **body).status_code == 401


def test_the_document_says_what_may_be_required(client):
    document = client.get("/v1/openapi.json").json()
    (pattern,) = {
        one["pattern"]
        for one in document["components"]["schemas"]["IdentifyJob"]["properties"]["require"]["anyOf"]
        if "pattern" in one
    }
    assert all(re.fullmatch(pattern, f"quality={level}") and Gate.parse(f"quality={level}") for level in LEVELS)
