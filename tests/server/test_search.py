"""Searches by template over HTTP."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.weights, pytest.mark.samples]

PATH = "/v1/collections/main/search"
SPACE = "sface-2021dec-centred"
UNIT = [1.0] + [0.0] * 127


@pytest.fixture
def template(client, holders, photo):
    files = {"image": photo("obama3.jpg")}
    return client.post("/v1/detect", headers=holders["reader"], files=files, data={"templates": "true"}).json()[
        "faces"
    ][0]["template"]


def test_a_search_finds_who_is_most_alike(client, holders, enrolled, main_collection, template, noted):
    obama = enrolled().json()["person_id"]
    biden = enrolled("Biden", ("biden.jpg",), purpose="album").json()["person_id"]

    def found(**more):
        asked = {"space": SPACE, "templates": [template, UNIT], **more}
        answer = client.post(PATH, headers=holders["reader"], json=asked)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["space"], answer.json()["calibration"]) == (SPACE, "lfw-dev")
        return [[one["person_id"] for one in result["candidates"]] for result in answer.json()["results"]]

    both = found()
    assert both[0] == [obama, biden]
    assert {*both[1]} == {obama, biden}
    assert found(k=1)[0] == [obama]
    assert found(threshold=0.4) == [[obama], []]
    filters = [
        ({"field": "purpose", "value": "album"}, [biden]),
        ({"not": {"field": "purpose", "value": "album"}}, [obama]),
        ({"any": [{"field": "label", "values": ["Obama"]}, {"field": "label", "contains": "bide"}]}, [obama, biden]),
        ({"all": [{"field": "label", "value": "Obama"}, {"field": "purpose", "value": "album"}]}, []),
        ({"field": "created", "low": "2001-01-01T00:00:00+01:00"}, [obama, biden]),
        ({"field": "created", "high": "2001-01-01"}, []),
        ({"field": "expires", "value": None}, [obama, biden]),
    ]
    for where, expected in filters:
        assert found(where=where)[0] == expected, where
    assert {action for action, _, _ in noted()} == {"detect", "enroll", "search"}


BAD = [
    ("another space", {"space": "dlib-resnet-v1"}, 409, "space_mismatch"),
    ("no unit vector", {"templates": [[2.0] + [0.0] * 127]}, 422, "invalid_argument"),
    ("no number", {"templates": [[float("inf")] + [0.0] * 127]}, 422, "invalid_argument"),
    ("another length", {"templates": [[1.0, 0.0]]}, 409, "space_mismatch"),
    ("several lengths", {"templates": [UNIT, [1.0]]}, 422, "invalid_argument"),
    ("no template", {"templates": []}, 422, "invalid_request"),
    ("a field that people do not have", {"where": {"field": "age", "value": "3"}}, 422, "invalid_request"),
    ("no time", {"where": {"field": "created", "low": "yesterday or so"}}, 422, "invalid_request"),
    ("too many values", {"where": {"field": "label", "values": ["x"] * 501}}, 422, "invalid_request"),
    ("too many people", {"k": 101}, 422, "invalid_request"),
]


@pytest.mark.parametrize(("case", "change", "status", "code"), BAD, ids=[row[0] for row in BAD])
def test_what_cannot_be_compared_is_refused(client, holders, strangers, case, change, status, code):
    asked = json.dumps({"space": SPACE, "templates": [UNIT], **change})
    sent = {**holders["reader"], "Content-Type": "application/json"}
    answer = client.post(PATH, headers=sent, content=asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_filter_that_is_nested_without_end_is_refused(client, holders, main_collection):
    where = '{"not":' * 5000 + '{"field":"label","value":"x"}' + "}" * 5000
    asked = f'{{"space":"{SPACE}","templates":[[1.0]],"where":{where}}}'
    sent = {**holders["reader"], "Content-Type": "application/json"}
    assert client.post(PATH, headers=sent, content=asked).status_code in {400, 422}
