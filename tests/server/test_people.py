"""People and their samples over HTTP: put right, taken back, and claimed to be somebody."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.weights, pytest.mark.samples]

PEOPLE = "/v1/collections/main/people"


@pytest.fixture
def two(enrolled, main_collection):
    """Keys of two people, of whom the second is the first again."""
    first = enrolled().json()["person_id"]
    second = enrolled("Barack", ("biden.jpg",)).json()["person_id"]
    return first, second


def ask(client, holders, method, path, **sent):
    answer = client.request(method, path, headers=holders["operator"], **sent)
    return answer.status_code, answer.json()


def test_a_request_is_done_once(client, holders, enrolled, main_collection):
    sent = {**holders["operator"], "Idempotency-Key": "badge-1815"}
    answers = [enrolled(headers=sent) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    other = enrolled(names=("biden.jpg",), headers=sent)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "invalid_argument")
    assert enrolled(headers={**sent, "Idempotency-Key": "two words"}).status_code == 422


def test_a_request_that_requires_something_else_is_another_one(client, holders, enrolled, main_collection):
    keys = {require: {**holders["operator"], "Idempotency-Key": f"badge-{require}"} for require in ("low", "nothing")}
    first = enrolled(headers=keys["low"], require="quality=low")
    assert first.status_code == 201
    assert enrolled(headers=keys["low"], require="quality=low").json() == first.json()
    nothing = enrolled(headers=keys["nothing"])
    assert enrolled(headers=keys["nothing"]).json() == nothing.json()
    for key, more in (("low", {"require": "quality=medium"}), ("low", {}), ("nothing", {"require": "quality=low"})):
        answer = enrolled(headers=keys[key], **more)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_argument"), (key, more)


def test_samples_are_listed_added_and_erased(client, holders, photo, two):
    path = f"{PEOPLE}/{two[0]}/samples"
    _, listed = ask(client, holders, "GET", path)
    assert [one["source"] for one in listed["samples"]] == ["obama.jpg", "obama2.jpg"]
    assert {"left", "top", "right", "bottom"} == {*listed["samples"][0]["box"]}
    assert all(one["quality"] > 0 and one["crop"] is False for one in listed["samples"])
    files = [("images", photo(name)) for name in ("obama3.jpg", "biden.jpg")]
    status, added = ask(client, holders, "POST", path, files=files)
    assert (status, added["added"]) == (201, ["obama3.jpg"])
    assert [one["source"] for one in added["refused"]] == ["biden.jpg"]
    assert "matches_other_person" in added["refused"][0]["reasons"]
    status, erased = ask(client, holders, "DELETE", f"{path}/{listed['samples'][0]['face_id']}", params={"proof": True})
    assert (status, erased["samples"], erased["proof"]["found"]) == (200, 1, [])
    assert len(ask(client, holders, "GET", path)[1]["samples"]) == 2
    assert ask(client, holders, "DELETE", f"{path}/{listed['samples'][0]['face_id']}")[0] == 404


def test_a_person_who_never_consented_gets_no_samples_without_a_purpose(client, holders, photo, two):
    _, samples = ask(client, holders, "GET", f"{PEOPLE}/{two[0]}/samples")
    body = {"samples": [samples["samples"][0]["face_id"]]}
    status, new = ask(client, holders, "POST", f"{PEOPLE}/{two[0]}/split", json=body)
    assert (status, new["given"]) == (201, "not recorded")
    path, files = f"{PEOPLE}/{new['person_id']}/samples", {"images": photo("obama3.jpg")}
    status, refused = ask(client, holders, "POST", path, files=files)
    assert (status, refused["error"]["code"]) == (422, "consent_required")
    said = ask(client, holders, "PUT", f"{PEOPLE}/{new['person_id']}/consent", json={"purpose": "door"})
    assert (said[0], said[1]["purpose"], said[1]["expires"]) == (200, "door", "not recorded")
    assert ask(client, holders, "POST", path, files=files)[0] in {200, 201}


def test_people_are_put_right_and_edits_are_taken_back(client, holders, two):
    status, merged = ask(client, holders, "POST", f"{PEOPLE}/{two[0]}/merge", json={"person_id": two[1]})
    assert (status, merged["samples"]) == (200, 3)
    assert ask(client, holders, "GET", f"{PEOPLE}/{two[1]}")[0] == 404
    _, samples = ask(client, holders, "GET", f"{PEOPLE}/{two[0]}/samples")
    wrong = next(one["face_id"] for one in samples["samples"] if one["source"] == "biden.jpg")
    status, new = ask(client, holders, "POST", f"{PEOPLE}/{two[0]}/split", json={"samples": [wrong], "label": "Joe"})
    assert (status, new["label"], new["samples"]) == (201, "Joe", 1)
    faces = f"/v1/collections/main/faces/{wrong}"
    status, moved = ask(client, holders, "POST", f"{faces}/move", json={"person_id": two[0]})
    assert (status, moved["samples"]) == (200, 3)
    status, face = ask(client, holders, "POST", f"{faces}/reject", json={"person_id": two[0]})
    assert (status, face["person_id"]) == (200, None)
    _, edits = ask(client, holders, "GET", "/v1/collections/main/edits")
    assert [one["action"] for one in edits["edits"]] == ["reject", "move", "split", "merge"]
    path = "/v1/collections/main/edits/{}"
    status, late = ask(client, holders, "DELETE", path.format(edits["edits"][1]["edit_id"]))
    assert (status, late["error"]["details"]) == (409, {"last": edits["edits"][0]["edit_id"]})
    for edit in edits["edits"]:
        assert ask(client, holders, "DELETE", path.format(edit["edit_id"])) == (200, edit)
    assert ask(client, holders, "DELETE", path.format(edits["edits"][0]["edit_id"]))[0] == 404
    assert [ask(client, holders, "GET", f"{PEOPLE}/{key}")[1]["samples"] for key in two] == [2, 1]


@pytest.mark.parametrize(("name", "match"), [("obama3.jpg", True), ("biden.jpg", False)])
def test_a_claim_is_verified(client, holders, photo, noted, two, name, match):
    path = f"{PEOPLE}/{two[0]}/verify"
    said = client.post(path, headers=holders["reader"], files={"image": photo(name)}, data={"fmr": "1e-3"}).json()
    assert (said["match"], said["rate"], said["comparison"]) == (match, 1e-3, "image-person/2-4")
    assert (said["space"], said["calibration"]) == ("sface-2021dec-centred", "lfw-dev")
    assert noted()[-1][0] == "verify"
    assert client.post(path, headers=holders["reader"], files={"image": photo(name)}).json()["rate"] == 1e-4


BAD = [
    ("a rejection of nobody", "POST", "faces/{face}/reject", {}, "invalid_request"),
    ("a split of everything", "POST", "people/{person}/split", {"samples": ["{face}", "{second}"]}, "invalid_argument"),
    ("a merge with oneself", "POST", "people/{person}/merge", {"person_id": "{person}"}, "invalid_argument"),
    (
        "a day that is past",
        "PUT",
        "people/{person}/consent",
        {"purpose": "x", "until": "2001-01-01"},
        "invalid_argument",
    ),
    ("no purpose", "PUT", "people/{person}/consent", {"purpose": " "}, "invalid_argument"),
    ("more than is known", "PATCH", "people/{person}", {"label": "x", "age": 3}, "invalid_request"),
]


@pytest.mark.parametrize(("case", "method", "path", "body", "code"), BAD, ids=[row[0] for row in BAD])
def test_what_cannot_be_changes_nothing(client, holders, strangers, case, method, path, body, code):
    _, before = ask(client, holders, "GET", f"{PEOPLE}/{strangers[0]}/samples")
    ids = dict(zip(("face", "second"), (one["face_id"] for one in before["samples"]), strict=True)) | {
        "person": strangers[0]
    }

    def filled(value):
        if isinstance(value, list):
            return [filled(one) for one in value]
        return value.format(**ids) if isinstance(value, str) else value

    sent = {name: filled(value) for name, value in body.items()}
    status, answer = ask(client, holders, method, f"/v1/collections/main/{filled(path)}", json=sent)
    assert (status, answer["error"]["code"]) == (422, code)
    assert ask(client, holders, "GET", f"{PEOPLE}/{strangers[0]}/samples")[1] == before
