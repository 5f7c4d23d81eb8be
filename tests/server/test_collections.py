"""Collections over HTTP: what is asked for in them, and at which rates they decide."""

from __future__ import annotations

import pytest

from mien.recognition import load_calibration

HERE = "/v1/collections/main"
NAME = "yunet-2023mar/mesh5/sface-2021dec-centred/second-look/mean"


def test_what_is_left_out_stays(client, holders, main_collection):
    assert (main_collection["consent_required"], main_collection["crops"]) == (True, False)

    def put(**rules):
        answer = client.put("/v1/collections", headers=holders["admin"], json={"name": "main", **rules})
        assert answer.status_code == 200
        return answer.json()["consent_required"], answer.json()["crops"]

    assert put(consent_required=False) == (False, False)
    assert put(crops=True) == (False, True)
    assert put() == (False, True)
    assert client.get(HERE, headers=holders["reader"]).json()["crops"] is True


@pytest.mark.parametrize("name", ["a/b", "", " x", ".", "..", "a\nb", "x" * 201])
def test_names_stand_in_addresses(client, holders, name):
    assert client.put("/v1/collections", headers=holders["admin"], json={"name": name}).status_code == 422
    assert client.get("/v1/collections", headers=holders["admin"]).json()["collections"] == []


@pytest.mark.weights
def test_what_decisions_rest_on(client, holders, main_collection):
    said = client.get(f"{HERE}/calibration", headers=holders["reader"]).json()
    known = load_calibration(NAME)
    assert (said["name"], said["space"], said["people"]) == ("lfw-dev", "sface-2021dec-centred", 0)
    assert said["population"]["people"] == known.population.people
    assert {*said["comparisons"]} == {*known.comparisons}
    assert said["lowest_fmr"] == min(p.fmr for p in known.comparisons["image-image"].supported)


@pytest.mark.weights
@pytest.mark.samples
def test_the_operating_point_is_chosen_among_what_is_supported(client, holders, enrolled, photo, main_collection):
    person_id = enrolled(names=("obama.jpg",)).json()["person_id"]
    path = f"{HERE}/operating-point"
    before = client.get(path, headers=holders["reader"]).json()
    assert (before["fpir"], before["fmr"], before["people"]) == (0.01, 1e-4, 1)
    for points, rate, miss in ((before["searches"], "fpir", "fnir"), (before["comparisons"], "fmr", "fnmr")):
        assert [one[rate] for one in points] == sorted((one[rate] for one in points), reverse=True)
        assert [one[miss] for one in points] == sorted(one[miss] for one in points)
    chosen = client.put(path, headers=holders["admin"], json={"fpir": 0.001}).json()
    assert (chosen["fpir"], chosen["fmr"]) == (0.001, 1e-4)
    chosen = client.put(path, headers=holders["admin"], json={"fmr": 0.01}).json()
    assert (chosen["fpir"], chosen["fmr"]) == (0.001, 0.01)
    files = {"image": photo("obama3.jpg")}
    (face,) = client.post(f"{HERE}/identify", headers=holders["reader"], files=files).json()["faces"]
    assert face["decision"]["rate"] == 0.001
    claim = client.post(f"{HERE}/people/{person_id}/verify", headers=holders["reader"], files=files).json()
    assert (claim["rate"], claim["match"]) == (0.01, True)
    for rates in ({"fpir": 1e-9}, {"fmr": 1e-9}):
        refused = client.put(path, headers=holders["admin"], json=rates)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "unsupported_error_rate")
    assert client.get(path, headers=holders["reader"]).json()["fpir"] == 0.001


def test_models_tell_their_licences(client, holders):
    listed = client.get("/v1/models", headers=holders["reader"]).json()["models"]
    assert {"sface-2021dec", "yunet-2023mar"} <= {one["name"] for one in listed}
    assert {one["commercial"] for one in listed} <= {"yes", "no", "unclear"}
    assert client.get("/v1/models/sface-2021dec", headers=holders["reader"]).json() in listed
    missing = client.get("/v1/models/no-such", headers=holders["reader"])
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "unknown_model")
