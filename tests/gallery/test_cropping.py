"""Pictures of faces that a gallery keeps for others: they are there as long as the face, and then in no file."""

from __future__ import annotations

import datetime as dt
import os

import pytest
from gallery_fakes import files, looks, of_schema, open_fake, set_today

from mien.errors import InvalidArgument, UnknownFace


@pytest.fixture
def kept(gallery):
    """Ada with two samples and Cleo, who is unnamed: each face with a crop; and the crops by face."""
    gallery.enroll("Ada", looks("ada", 0, 1), purpose="album", until="2999-01-01")
    (cleo,) = gallery.suggest(looks("cleo", 0, 1, 2), keep_days=1)
    faces = [face.face_id for face in (*gallery.samples("Ada"), *cleo.faces)]
    gallery.crops = {face_id: os.urandom(20_000) for face_id in faces}
    for face_id, sealed in gallery.crops.items():
        gallery.keep_crop(face_id, b"an earlier one")
        gallery.keep_crop(face_id, sealed)
    return gallery


def test_a_crop_is_there_with_its_face(kept):
    assert {face_id: kept.crop(face_id) for face_id in kept.crops} == kept.crops
    kept.enroll("Bob", looks("bob", 0))
    assert kept.crop(kept.samples("Bob")[0].face_id) is None
    (cleo,) = kept.suggestions()
    named = kept.name(cleo.suggestion_id, "Cleo", purpose="album")
    assert all(kept.crop(face.face_id) == kept.crops[face.face_id] for face in kept.samples(named.person_id))


WAYS = [
    ("erase", lambda g, _: g.erase("Ada"), lambda key, own: key in own),
    ("one sample", lambda g, _: g.erase_sample(g.samples("Ada")[0].face_id), lambda key, own: key == own[0]),
    ("forget", lambda g, _: g.forget(), lambda key, own: key not in own),
    ("all crops", lambda g, _: g.forget_crops(), lambda *_: True),
]


@pytest.mark.parametrize(("way", "remove", "goes"), WAYS, ids=[row[0] for row in WAYS])
def test_no_byte_of_a_crop_outlives_its_face(kept, path, way, remove, goes):
    own = [face.face_id for face in kept.samples("Ada")]
    remove(kept, own)
    left = files(path)
    for face_id, sealed in kept.crops.items():
        there = any(sealed[start : start + 64] in left for start in range(0, len(sealed) - 64, 1000))
        assert there == (not goes(face_id, own)), face_id


def test_crops_of_a_consent_that_ran_out_go_with_it(kept, path, monkeypatch):
    set_today(monkeypatch, dt.date(2999, 1, 2))
    kept.close()
    with open_fake(path):
        left = files(path)
    assert not any(sealed[:64] in left or sealed[-64:] in left for sealed in kept.crops.values())


def test_crops_go_in_every_engine(gallery):
    gallery.enroll("Ada", looks("ada", 0, 1))
    first, second = (face.face_id for face in gallery.samples("Ada"))
    gallery.keep_crop(first, b"one")
    gallery.keep_crop(second, b"two")
    gallery.erase_sample(first)
    with pytest.raises(UnknownFace):
        gallery.crop(first)
    assert gallery.crop(second) == b"two"
    assert gallery.cropped(gallery.samples("Ada")) == {second}
    assert gallery.forget_crops() == 1
    assert gallery.crop(second) is None


@pytest.mark.parametrize("sealed", [b"", bytes((1 << 20) + 1)])
def test_crops_have_a_size(kept, sealed):
    with pytest.raises(InvalidArgument, match="crop"):
        kept.keep_crop(next(iter(kept.crops)), sealed)


def test_crops_of_another_collection_are_not_seen(kept, path):
    with open_fake(path, collection="other") as other:
        other.enroll("Bob", looks("bob", 0))
        with pytest.raises(UnknownFace):
            other.crop(next(iter(kept.crops)))
        assert other.forget_crops() == 0
    assert kept.crop(next(iter(kept.crops))) is not None


def test_a_gallery_of_before_crops_gets_them(path):
    of_schema(path, 4)
    with open_fake(path) as gallery:
        gallery.enroll("Ada", looks("ada", 0))
    with open_fake(path) as gallery:
        gallery.keep_crop(gallery.samples("Ada")[0].face_id, b"sealed")
