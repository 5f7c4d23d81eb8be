"""Faces that nobody has a name for, over HTTP: kept, grouped, named with consent, forgotten."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.weights, pytest.mark.samples]

HERE = "/v1/collections/main"


@pytest.fixture
def waiting(client, holders, photo, main_collection):
    files = [("images", photo(name)) for name in ("obama.jpg", "obama2.jpg", "biden.jpg")]
    files.append(("images", ("broken.jpg", b"no image")))
    answer = client.post(f"{HERE}/suggestions", headers=holders["operator"], files=files, data={"keep_days": "3"})
    assert answer.status_code == 200
    return answer.json()


def test_faces_are_kept_grouped_and_named(client, holders, photo, waiting):
    assert [len(one["faces"]) for one in waiting["suggestions"]] == [2, 1]
    assert [(one["source"], one["reasons"]) for one in waiting["refused"]] == [("broken.jpg", ["unreadable_image"])]
    assert waiting["space"] == "sface-2021dec-centred"
    listed = client.get(f"{HERE}/suggestions", headers=holders["reader"]).json()
    assert listed["suggestions"] == waiting["suggestions"]
    assert len(client.get(f"{HERE}/suggestions?min_faces=2", headers=holders["reader"]).json()["suggestions"]) == 1
    path = f"{HERE}/suggestions/{waiting['suggestions'][0]['suggestion_id']}"
    refused = client.post(f"{path}/name", headers=holders["operator"], json={"label": "Obama"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "consent_required")
    both = client.post(f"{path}/name", headers=holders["operator"], json={"label": "x", "person_id": "0" * 32})
    assert both.status_code == 422
    named = client.post(f"{path}/name", headers=holders["operator"], json={"label": "Obama", "purpose": "album"}).json()
    assert (named["label"], named["samples"], named["purpose"]) == ("Obama", 2, "album")
    files = {"image": photo("obama3.jpg")}
    (face,) = client.post(f"{HERE}/identify", headers=holders["reader"], files=files).json()["faces"]
    assert face["person"] == "Obama"
    # More faces of somebody known need no other consent than theirs.
    more = client.post(f"{HERE}/suggestions", headers=holders["operator"], files={"images": photo("obama3.jpg")}).json()
    (known,) = [one for one in more["suggestions"] if one["candidate"]]
    assert known["candidate"]["person_id"] == named["person_id"]
    path = f"{HERE}/suggestions/{known['suggestion_id']}/name"
    again = client.post(path, headers=holders["operator"], json={"person_id": named["person_id"]})
    assert (again.status_code, again.json()["samples"]) == (200, 3)


def test_faces_are_forgotten(client, holders, waiting):
    large, small = waiting["suggestions"]
    path = f"{HERE}/faces/{large['faces'][0]['face_id']}"
    assert client.delete(path, headers=holders["operator"]).json() == {"faces": 1}
    assert client.delete(path, headers=holders["operator"]).status_code == 404
    path = f"{HERE}/suggestions/{small['suggestion_id']}"
    assert client.delete(path, headers=holders["operator"]).json() == {"faces": 1}
    assert client.delete(f"{HERE}/faces", headers=holders["operator"]).json() == {"faces": 1}
    assert client.get(f"{HERE}/suggestions", headers=holders["reader"]).json()["suggestions"] == []


def test_a_sample_is_not_forgotten_as_an_unnamed_face(client, holders, enrolled, main_collection):
    person_id = enrolled().json()["person_id"]
    path = f"{HERE}/people/{person_id}/samples"
    face_id = client.get(path, headers=holders["reader"]).json()["samples"][0]["face_id"]
    assert client.delete(f"{HERE}/faces/{face_id}", headers=holders["operator"]).status_code == 404
    assert len(client.get(path, headers=holders["reader"]).json()["samples"]) == 2
