"""Pictures of faces: kept where a collection says so, sealed, bound to their face, and gone with it."""

from __future__ import annotations

import io
import stat

import numpy as np
import pytest
from PIL import Image

from mien.errors import WrongKey
from mien.gallery import Gallery
from mien.server.crops import SIZE, Crops
from mien.server.vault import Vault

pytestmark = [pytest.mark.weights, pytest.mark.samples]

HERE = "/v1/collections/main"


@pytest.fixture
def keeping(client, holders, main_collection):
    assert client.put("/v1/collections", headers=holders["admin"], json={"name": "main", "crops": True}).json()["crops"]


def sealed(service, person_id):
    gallery = service.galleries.main
    return {face.face_id: gallery.crop(face.face_id) for face in gallery.samples(person_id)}


def everything(settings):
    """All that the service and its gallery have on the disk, but for the key."""
    folder = settings.state.parent
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".crop-key")


def test_no_picture_is_kept_unless_somebody_says_so(client, holders, service, enrolled, main_collection, settings):
    person_id = enrolled().json()["person_id"]
    assert {*sealed(service, person_id).values()} == {None}
    assert not settings.state.with_name("service.db.crop-key").exists()
    face_id = service.galleries.main.samples(person_id)[0].face_id
    answer = client.get(f"{HERE}/people/{person_id}/samples/{face_id}/crop", headers=holders["reader"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_crop_shows_its_face_to_whoever_may_look(client, holders, service, enrolled, keeping, settings, photo):
    person_id = enrolled().json()["person_id"]
    path = f"{HERE}/people/{person_id}/samples"
    listed = client.get(path, headers=holders["reader"]).json()["samples"]
    assert all(one["crop"] for one in listed)
    for one in listed:
        answer = client.get(f"{path}/{one['face_id']}/crop", headers=holders["reader"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.headers["cache-control"] == "no-store"
        picture = Image.open(io.BytesIO(answer.content))
        assert max(picture.size) <= SIZE
        from mien.recognition import compare, find

        whole = find(io.BytesIO(photo(one["source"])[1])).largest
        (face,) = find(np.asarray(picture.resize((512, 512))))
        assert compare(face, whole) > 0.8
    key = settings.state.with_name("service.db.crop-key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert b"JFIF" not in everything(settings)


def test_crops_go_with_their_sample_with_their_person_and_when_they_are_no_longer_kept(
    client, holders, service, enrolled, keeping, settings
):
    person_id = enrolled(names=("obama.jpg", "obama2.jpg", "obama3.jpg")).json()["person_id"]
    other = enrolled("Biden", ("biden.jpg",)).json()["person_id"]
    crops = [*sealed(service, person_id).items()]
    (theirs,) = sealed(service, other).values()

    def left():
        files = everything(settings)
        return [any(crop[i : i + 32] in files for i in range(0, len(crop) - 32, 500)) for _, crop in crops]

    assert left() == [True, True, True]
    client.delete(f"{HERE}/people/{person_id}/samples/{crops[0][0]}", headers=holders["operator"])
    assert left() == [False, True, True]
    client.delete(f"{HERE}/people/{person_id}", headers=holders["operator"])
    assert left() == [False, False, False]
    assert theirs[:32] in everything(settings)
    client.put("/v1/collections", headers=holders["admin"], json={"name": "main", "crops": False})
    assert theirs[:32] not in everything(settings)


def test_crops_of_a_consent_that_ran_out_go_with_it(client, service, enrolled, keeping, settings, monkeypatch):
    import datetime as dt

    person_id = enrolled(until="2999-01-01").json()["person_id"]
    crops = sealed(service, person_id)
    monkeypatch.setattr("mien.gallery.people.today", lambda: dt.date(2999, 1, 2))
    for module in ("collection", "sql.tables", "sql.pool"):
        monkeypatch.setattr(f"mien.gallery.{module}.today", lambda: dt.date(2999, 1, 2))
    Gallery(settings.gallery).close()
    files = everything(settings)
    assert not any(crop[:32] in files or crop[-32:] in files for crop in crops.values())


def test_unnamed_faces_have_crops_that_stay_when_they_are_named(client, holders, photo, keeping):
    sent = client.post(f"{HERE}/suggestions", headers=holders["operator"], files={"images": photo("biden.jpg")})
    (one,) = sent.json()["suggestions"]
    assert one["faces"][0]["crop"] is True
    path = f"{HERE}/faces/{one['faces'][0]['face_id']}/crop"
    before = client.get(path, headers=holders["reader"])
    assert before.headers["content-type"] == "image/jpeg"
    named = client.post(
        f"{HERE}/suggestions/{one['suggestion_id']}/name",
        headers=holders["operator"],
        json={"label": "Joe", "purpose": "album"},
    ).json()
    path = f"{HERE}/people/{named['person_id']}/samples/{one['faces'][0]['face_id']}/crop"
    assert client.get(path, headers=holders["reader"]).content == before.content


def test_a_crop_opens_for_its_own_face_and_with_its_own_key(client, holders, service, enrolled, keeping, tmp_path):
    person_id = enrolled().json()["person_id"]
    gallery = service.galleries.main
    first, second = gallery.samples(person_id)
    gallery.keep_crop(first.face_id, gallery.crop(second.face_id))
    with pytest.raises(WrongKey):
        service.crops.open(gallery, first)
    assert service.crops.open(gallery, second).startswith(b"\xff\xd8")
    with pytest.raises(WrongKey):
        Crops(Vault(tmp_path / "another.key")).open(gallery, second)
    answer = client.get(f"{HERE}/people/{person_id}/samples/{first.face_id}/crop", headers=holders["reader"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "wrong_key")
