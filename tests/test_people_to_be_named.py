"""The whole way from a folder of photos to people with names, with the real models."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from mien.cli import main
from mien.errors import LinkConflict, NothingToUndo
from mien.gallery import Gallery

HIM = {"obama.jpg", "obama2.jpg", "32bit.png", "obama3.jpg", "obama_partial_face.jpg", "obama_partial_face2.jpg"}


@pytest.fixture(scope="module")
def album(samples):
    return [path for path in sorted(samples.iterdir()) if path.suffix in {".jpg", ".png"}]


def sources(suggestion):
    return {face.source for face in suggestion.faces}


@pytest.mark.usefixtures("weights")
def test_from_a_folder_to_names_and_back(album, tmp_path):
    with Gallery(tmp_path / "people.mien") as gallery:
        first, *others = gallery.suggest([path for path in album if path.name != "obama3.jpg"], min_faces=1)
        assert sources(first) == HIM - {"obama3.jpg"}
        assert all(len(suggestion.faces) == 1 for suggestion in others)
        group_photo = [suggestion for suggestion in others if sources(suggestion) == {"multi_face.jpg"}]
        assert len(group_photo) >= 4, "people of one photo are people of their own"

        gallery.name(first.suggestion_id, "Barack", purpose="test")
        (more,) = gallery.suggest(album)
        assert (more.candidate.label, sources(more)) == ("Barack", {"obama3.jpg"})
        gallery.reject(more.faces[0].face_id, "Barack")
        assert all(s.candidate is None for s in gallery.suggest(min_faces=1)), "rejected once, not suggested again"

        split = gallery.split("Barack", [f.face_id for f in gallery.samples("Barack") if "partial" in f.source])
        assert (split.label, split.samples, gallery.person("Barack").samples) == ("Barack (2)", 2, 3)
        with pytest.raises(LinkConflict):
            gallery.merge("Barack", "Barack (2)")
        assert [gallery.undo().action for _ in range(2)] == ["split", "reject"]
        (again,) = gallery.suggest()
        assert gallery.name(again.suggestion_id, "Barack").samples == len(HIM)
        others = {s.suggestion_id for s in gallery.suggest(min_faces=1)}
        while gallery.edits():
            gallery.undo()
        with pytest.raises(NothingToUndo):
            gallery.undo()
        assert gallery.people() == []
        whole, *rest = gallery.suggest(min_faces=1)
        assert sources(whole) == HIM
        assert {suggestion.suggestion_id for suggestion in rest} == others


@pytest.mark.usefixtures("weights")
def test_the_same_from_the_command_line(samples, tmp_path, capsys):
    where = ["--gallery", str(tmp_path / "people.mien"), "--format", "json"]

    def mien(*words):
        assert main(["people", *words, *where]) == 0
        return json.loads(capsys.readouterr().out)

    photos = [str(samples / name) for name in sorted(HIM)]
    sheet = tmp_path / "sheet.html"
    (suggestion,) = mien("suggest", *photos, "--save", str(sheet))["suggestions"]
    assert sheet.read_text().count("data:image") == len(HIM)
    assert mien("name", suggestion["suggestion_id"], "Barack")["samples"] == len(HIM)
    assert mien("suggest")["suggestions"] == []
    face = mien("samples", "Barack")["samples"][0]["face_id"][:12]
    assert mien("not", face, "Barack")["person_id"] is None
    assert [edit["action"] for edit in mien("edits")["edits"]] == ["reject", "name"]
    assert mien("undo")["action"] == "reject"
    assert mien("show", "Barack")["samples"] == len(HIM)
    assert main(["identify", photos[0], *where]) == 0
    assert json.loads(capsys.readouterr().out)["faces"][0]["person"] == "Barack"


@pytest.mark.usefixtures("weights")
def test_people_of_a_real_album_are_told_apart(tmp_path):
    """Labeled Faces in the Wild, where it is: 40 people of 3 to 8 photos each."""
    folder = os.environ.get("MIEN_LFW")
    if not folder:
        pytest.skip("MIEN_LFW names no folder of people with their photos in it")
    people = {path: sorted(path.glob("*.jpg")) for path in sorted(Path(folder).iterdir()) if path.is_dir()}
    several = [photos for photos in people.values() if 3 <= len(photos) <= 8][:40]
    with Gallery(tmp_path / "people.mien") as gallery:
        suggestions = gallery.suggest(photo for photos in several for photo in photos)
        assert suggestions == gallery.suggest()
    mixed = 0
    for suggestion in suggestions:
        who = Counter(face.source.rsplit("_", 1)[0] for face in suggestion.faces)
        mixed += who.total() - max(who.values())
    faces = sum(len(suggestion.faces) for suggestion in suggestions)
    assert faces >= 0.9 * sum(map(len, several))
    assert mixed <= 0.02 * faces
    assert 36 <= len(suggestions) <= 44
