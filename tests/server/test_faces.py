"""Faces over HTTP: detected, compared, and identified in part."""

from __future__ import annotations

import numpy as np
import pytest

from mien.server.access import Role

pytestmark = [pytest.mark.weights, pytest.mark.samples]


def test_detection(client, holders, photo, noted):
    image = {"image": photo("obama.jpg")}
    found = client.post("/v1/detect", headers=holders["reader"], files=image).json()
    assert (found["schema"], found["source"], len(found["faces"])) == ("mien.faces/1", "obama.jpg", 1)
    assert "template" not in found["faces"][0]
    assert noted() == []
    found = client.post("/v1/detect", headers=holders["reader"], files=image, data={"templates": "true"}).json()
    assert np.linalg.norm(found["faces"][0]["template"]) == pytest.approx(1, abs=1e-5)
    assert [(action, details) for action, _, details in noted()] == [("detect", {"faces": 1})]


@pytest.mark.parametrize(
    ("first", "second", "same"), [("obama.jpg", "obama2.jpg", True), ("obama.jpg", "biden.jpg", False)]
)
def test_verification(client, holders, photo, noted, service, first, second, same):
    files = {"first": photo(first), "second": photo(second)}
    said = client.post("/v1/verify", headers=holders["reader"], files=files, data={"fmr": "1e-3"}).json()
    assert (said["match"], said["rate"], said["rate_kind"]) == (same, 1e-3, "fmr")
    assert (said["space"], said["calibration"]) == ("sface-2021dec-centred", "lfw-dev")
    assert [(action, details) for action, _, details in noted()] == [("verify", {"faces": 2})]
    assert service.galleries.main.audit()[0].collection is None


def test_faces_beyond_those_asked_for_are_told_as_unsearched(client, headers, photo, enrolled, main_collection):
    enrolled()
    own = headers(Role.reader, ("main",))
    path, image = "/v1/collections/main/identify", {"image": photo("multi_face.jpg")}
    whole = client.post(path, headers=own, files=image).json()
    assert whole["unsearched"] == []
    assert len(whole["faces"]) > 1
    part = client.post(path, headers=own, files=image, data={"max_faces": "1"}).json()
    boxes = {tuple(face["box"].values()) for face in whole["faces"]}
    assert len(part["faces"]) == 1
    assert {tuple(face["box"].values()) for face in (*part["faces"], *part["unsearched"])} == boxes
    assert {tuple(face["reasons"]) for face in part["unsearched"]} == {("exceeds_max_faces",)}


def test_apparent_expression(client, holders, photo, noted):
    image = {"image": photo("obama.jpg")}
    found = client.post("/v1/expression", headers=holders["reader"], files=image).json()
    assert (found["schema"], found["source"], found["timestamp"]) == ("mien.expressions/1", "obama.jpg", None)
    (face,) = found["faces"]
    assert face["expression"] == max(face["probabilities"], key=face["probabilities"].get) == "happy"
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert [(action, details) for action, _, details in noted()] == [("expression", {"faces": 1})]
    voted = client.post("/v1/expression", headers=holders["reader"], files=image, data={"labels": "ferplus"}).json()
    assert voted["faces"][0]["probabilities"] != face["probabilities"]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [("no_face.txt", {}, "unreadable_image"), ("obama.jpg", {"labels": "feelings"}, "invalid_request")],
)
def test_expressions_of_what_cannot_be_read_are_refused(client, holders, photo, noted, name, data, code):
    image = photo(name) if name.endswith("jpg") else (name, b"no image", "image/jpeg")
    answer = client.post("/v1/expression", headers=holders["reader"], files={"image": image}, data=data)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert noted() == []
