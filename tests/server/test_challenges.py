"""Challenges over HTTP: told step by step, by the service's own clock, and forgotten soon."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mien import media

pytest.importorskip("fastapi")

HERE = "/v1/challenges"


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(service):
    service.challenges.clock = Clock()
    return service.challenges.clock


def jpeg(image):
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "JPEG", quality=92)
    return {"image": ("frame.jpg", encoded.getvalue(), "image/jpeg")}


@pytest.fixture(scope="module")
def frames(samples):
    """A real man who smiles after half a second, and blinks a quarter of a second later."""
    with media.open_video(samples / "single_face.mp4", fps=15) as video:
        return [(frame.timestamp, jpeg(frame.image)) for frame in video]


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize(("steps", "outcome"), [(("smile", "blink"), "live"), (("turn_left", "smile"), None)])
def test_a_real_face_answers_in_the_order_that_was_drawn(
    client, holders, clock, frames, noted, monkeypatch, steps, outcome
):
    monkeypatch.setattr("mien.server.challenges.draw_steps", lambda _: steps)
    begun = client.post(HERE, headers=holders["reader"], json={"steps": 2})
    assert begun.status_code == 201
    said = begun.json()
    assert (said["step"], said["done"], said["outcome"], said["steps"]) == (None, [], None, 2)
    path, asked = f"{HERE}/{said['challenge_id']}", []
    for moment, frame in frames:
        # The face is at rest for less than the second that the rules want: the clock runs faster than the clip.
        clock.now = 1000.0 + 2.5 * moment
        said = client.post(f"{path}/frames", headers=holders["reader"], files=frame).json()
        asked += [] if said["step"] in {None, *asked[-1:]} else [said["step"]]
    assert said["outcome"] == outcome
    assert asked == ([*steps] if outcome else [*steps[:1]])
    assert [action for action, _, _ in noted()] == (["challenge"] if outcome else [])
    assert client.get(path, headers=holders["reader"]).json()["done"] == said["done"]
    assert client.delete(path, headers=holders["reader"]).status_code == 204
    assert client.get(path, headers=holders["reader"]).status_code == 404


@pytest.mark.weights
def test_where_nobody_is_nothing_is_said_and_it_is_forgotten(client, holders, clock, weights):
    own = holders["reader"]
    path = f"{HERE}/{client.post(HERE, headers=own, json={}).json()['challenge_id']}"
    blank = jpeg(np.full((120, 160, 3), 90, np.uint8))
    assert client.post(f"{path}/frames", headers=own, files=blank).json()["outcome"] is None
    clock.now += 2
    said = client.post(f"{path}/frames", headers=own, files=blank).json()
    assert (said["outcome"], said["reasons"], said["seconds_left"]) == ("uncertain", ["no_face"], 58.0)
    broken = {"image": ("x.jpg", b"no image", "image/jpeg")}
    assert client.post(f"{path}/frames", headers=own, files=broken).status_code == 422
    clock.now += 58
    assert client.get(path, headers=own).status_code == 404


@pytest.mark.parametrize("steps", [1, 9, "x"])
def test_other_numbers_of_steps_are_refused(client, holders, steps):
    assert client.post(HERE, headers=holders["reader"], json={"steps": steps}).status_code == 422


def test_too_many_at_a_time_are_refused_for_a_while(client, holders, monkeypatch):
    monkeypatch.setattr("mien.server.challenges._MOST", 1)
    assert client.post(HERE, headers=holders["reader"], json={}).status_code == 201
    refused = client.post(HERE, headers=holders["reader"], json={})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
