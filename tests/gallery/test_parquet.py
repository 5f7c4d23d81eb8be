"""Parquet files that somebody changed are refused whole, with what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from gallery_fakes import DIMENSION, vector

from mien.errors import InvalidArgument
from mien.gallery import Gallery
from mien.gallery.store import Sample

parquet = pytest.importorskip("pyarrow.parquet")
arrow = pytest.importorskip("pyarrow")


@pytest.fixture
def file(tmp_path):
    with Gallery(tmp_path / "a.mien") as gallery, gallery._store.writing("main") as transaction:
        transaction.pin("synthetic", DIMENSION)
        for number, label in enumerate(("Ada", "Bo")):
            person_id = transaction.add_person(label)
            for look in range(2):
                template = vector(number, look).astype(np.float32)
                box = (1.0, 2.0, 3.0, 4.0)
                sample = Sample(template, "a\nb.jpg", f"{number}{look:063}", "f32", 50.0, box)
                transaction.add_sample(person_id, sample)
    with Gallery(tmp_path / "a.mien") as gallery:
        gallery.export(tmp_path / "people.parquet")
    return tmp_path / "people.parquet"


def rewritten(file, change, described=None):
    table = parquet.read_table(file)
    rows = table.to_pylist()
    change(rows)
    metadata = {**table.schema.metadata, b"mien.rows": str(len(rows)).encode()}
    if described is not None:
        metadata[b"mien"] = described
    parquet.write_table(arrow.Table.from_pylist(rows, table.schema).replace_schema_metadata(metadata), file)


def refused(file, match):
    with Gallery(file.with_name("b.mien")) as gallery:
        with pytest.raises(InvalidArgument, match=match) as caught:
            gallery.import_people(file)
        assert gallery.people() == []
    assert str(file) in caught.value.message


def set_in(row, **fields):
    return lambda rows: rows[row].update(fields)


SPOILED = {
    "key": (set_in(0, person_id="../../x"), "person_id"),
    "no key": (set_in(0, person_id=None), "person_id"),
    "label": (set_in(3, label="Cy"), "one label"),
    "empty label": (lambda rows: [row.update(label=" ") for row in rows], "label"),
    "no time": (lambda rows: [row.update(created=None) for row in rows], "created"),
    "local time": (lambda rows: [row.update(created="2026-01-01T00:00:00+02:00") for row in rows], "UTC"),
    "no day": (lambda rows: [row.update(expires="tomorrow") for row in rows], "expires"),
    "nul": (lambda rows: [row.update(purpose="a\0b") for row in rows], "NUL"),
    "face": (set_in(1, face_id="x" * 32), "face_id"),
    "hash": (set_in(1, sha256="x"), "sha256"),
    "source": (set_in(1, source=None), "source"),
    "quality": (set_in(1, quality=float("nan")), "quality"),
    "box": (set_in(1, box=[1.0, 2.0, None, 4.0]), "box"),
    "sides": (set_in(1, box=[1.0]), "box"),
    "length": (set_in(1, template=[2.0] * DIMENSION), "unit length"),
    "not finite": (set_in(1, template=[float("nan")] * DIMENSION), "unit length"),
    "no template": (set_in(1, template=None), "unit length"),
}


@pytest.mark.parametrize(("change", "match"), SPOILED.values(), ids=SPOILED.keys())
def test_a_changed_row_is_refused_with_everything(file, change, match):
    rewritten(file, change)
    refused(file, match)


def test_too_many_samples_of_one_person(file):
    rewritten(file, lambda rows: rows.extend([rows[0]] * 10_001) or rows.sort(key=lambda row: row["person_id"]))
    refused(file, "at most 10000 samples")


NOT_OURS = [b"", b"{", b"[]", b'{"format": "other"}', b"[" * 100_000, b'{"format": "mien.gallery/1"}']


@pytest.mark.parametrize("described", NOT_OURS)
def test_a_file_that_says_of_itself_what_cannot_be(file, described):
    rewritten(file, lambda rows: None, described)
    refused(file, "expected")


def test_a_cut_or_damaged_file(file):
    sound = file.read_bytes()
    for at in range(4, len(sound), 23):
        file.write_bytes(sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :])
        with Gallery(file.with_name(f"{at}.mien")) as gallery:
            try:
                gallery.import_people(file)
            except InvalidArgument:
                assert gallery.people() == []
            else:
                # The footer's statistics have no checksum; nothing is taken from them.
                assert [person.label for person in gallery.people()] == ["Ada", "Bo"]
    file.write_bytes(sound[: len(sound) // 2])
    refused(file, "Parquet")


def test_what_is_there_twice_comes_once(file):
    rewritten(file, lambda rows: rows.extend([dict(row) for row in rows]))
    with Gallery(file.with_name("b.mien")) as gallery:
        moved = gallery.import_people(file)
        assert (moved.people, moved.samples) == (2, 4)
        assert [person.samples for person in gallery.people()] == [2, 2]
