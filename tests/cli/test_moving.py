"""`mien gallery export|import|copy|key` and `mien audit` over real galleries, whose people need no model."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest

from mien.cli import main
from mien.gallery import Gallery
from mien.gallery.store import Sample


def template(number):
    vector = np.random.default_rng(number).standard_normal(16).astype(np.float32)
    return vector / np.linalg.norm(vector)


@pytest.fixture
def people(tmp_path):
    path = tmp_path / "people.mien"
    with Gallery(path) as gallery, gallery._store.writing("main") as transaction:
        transaction.pin("synthetic", 16)
        for number, label in enumerate(("Ada", "Bo", "Cy")):
            person_id = transaction.add_person(label)
            transaction.add_sample(person_id, Sample(template(number), "a.jpg", f"{number:064}", "f32", None))
    return path


def labels(path, **options):
    with Gallery(path, **options) as gallery:
        return [person.label for person in gallery.people()]


def test_export_and_import(people, tmp_path, capsys):
    file, other = str(tmp_path / "people.parquet"), tmp_path / "other.mien"
    assert main(["gallery", "export", file, "--gallery", str(people)]) == 0
    assert capsys.readouterr().out == "3 people, 3 samples\n"
    assert main(["gallery", "import", file, "--gallery", str(other), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": "mien.moved/1", "people": 3, "samples": 3, "refused": []}
    assert labels(other) == ["Ada", "Bo", "Cy"]
    assert main(["gallery", "export", file, "--gallery", str(people)]) == 2
    assert main(["gallery", "export", file, "--gallery", str(tmp_path / "none.mien")]) == 5
    assert main(["gallery", "import", str(people), "--gallery", str(other)]) == 2


def test_who_was_erased_is_refused_until_it_is_allowed(people, tmp_path, capsys):
    other = str(tmp_path / "other.mien")
    assert main(["gallery", "copy", str(people), other]) == 0
    main(["people", "erase", "Bo", "--yes", "--gallery", other])
    capsys.readouterr()
    assert main(["gallery", "copy", str(people), other]) == 3
    assert "erased_before" in capsys.readouterr().out
    assert labels(other) == ["Ada", "Cy"]
    assert main(["gallery", "copy", str(people), other, "--allow-erased"]) == 0
    assert labels(other) == ["Ada", "Bo", "Cy"]


def test_a_copy_is_sealed_with_a_key(people, tmp_path, capsys):
    key, sealed = str(tmp_path / "key"), str(tmp_path / "sealed.mien")
    assert main(["gallery", "key", key]) == 0
    assert main(["gallery", "key", key]) == 2
    assert main(["gallery", "copy", str(people), sealed, "--to-key-file", key]) == 0
    assert template(0).tobytes() in people.read_bytes()
    assert template(0).tobytes() not in (tmp_path / "sealed.mien").read_bytes()
    assert main(["people", "list", "--gallery", sealed]) == 5
    assert "is sealed" in capsys.readouterr().err
    assert main(["people", "list", "--gallery", sealed, "--key-file", key]) == 0
    assert main(["gallery", "copy", sealed, str(tmp_path / "open.mien"), "--key-file", key]) == 0
    assert labels(tmp_path / "open.mien") == ["Ada", "Bo", "Cy"]


def test_a_file_cannot_be_spread(people, capsys):
    assert main(["gallery", "spread", "postgresql://a/x", "postgresql://b/x", "--gallery", str(people)]) == 2
    assert "mien gallery copy" in capsys.readouterr().err


def test_a_file_needs_no_graph(people, capsys):
    assert main(["gallery", "graph", "--gallery", str(people)]) == 2
    assert "exact" in capsys.readouterr().err


def test_another_collection_takes_the_name(people, tmp_path, capsys):
    file = str(tmp_path / "people.parquet")
    main(["gallery", "export", file, "--gallery", str(people)])
    main(["people", "erase", "Bo", "--yes", "--gallery", str(people)])
    main(["gallery", "import", file, "--gallery", str(people), "--collection", "new"])
    capsys.readouterr()
    switch = ["gallery", "switch", "new", "--keep-as", "old", "--gallery", str(people)]
    assert main(switch) == 0
    assert capsys.readouterr().out == "new is main, and that one old\n"
    assert labels(people) == ["Ada", "Bo", "Cy"]
    assert labels(people, collection="old") == ["Ada", "Cy"]
    assert main(switch) == 2
    assert "nobody is enrolled in collection 'new'" in capsys.readouterr().err


def test_the_audit_log_is_shown_and_verified(people, capsys):
    where = ["--gallery", str(people)]
    assert main(["audit", "show", *where]) == 0
    assert "nobody was erased" in capsys.readouterr().out
    assert main(["audit", "verify", *where]) == 0
    assert capsys.readouterr().out == "0 lines, sound\n"
    main(["people", "erase", "Bo", "--yes", "--proof", *where])
    assert main(["audit", "key"]) == 0
    key = capsys.readouterr().out.splitlines()[-1]
    assert main(["audit", "show", *where]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[2] for line in shown.splitlines()[1:]] == ["erase", "purge", "proof"]
    assert "Bo" not in shown
    assert main(["audit", "verify", *where, "--public-key", key, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["schema"], report["sound"], report["entries"]) == ("mien.audit_report/1", True, 3)
    assert main(["audit", "show", *where, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"][-1]["hash"] == report["head"]
    assert main(["audit", "verify", *where, "--public-key", "00" * 32]) == 1
    assert "not signed with this key" in capsys.readouterr().out
    assert main(["audit", "verify", *where, "--public-key", "xyz"]) == 2


def test_a_long_audit_log_is_shown_as_it_is_read(people, capsys, monkeypatch):
    with Gallery(people) as gallery:
        gallery.note_access("identify", "key", [f"{number:032x}" for number in range(2500)])
        whole = gallery.audit()
        monkeypatch.setattr(Gallery, "audit", None)
        assert main(["audit", "show", "--gallery", str(people), "--format", "json"]) == 0
        document = {"schema": "mien.audit/1", "entries": [entry.to_dict() for entry in whole]}
        assert capsys.readouterr().out == json.dumps(document) + "\n"
        assert main(["audit", "show", "--gallery", str(people)]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["line", "time", "action", "subject", "level", "details"]
    assert [int(line.split()[0]) for line in lines] == [*range(1, 2501)]


ERASE = ["gallery", "erase", "visitors", "--gallery"]


@pytest.fixture
def visitors(people, tmp_path, capsys):
    """The path of a gallery with the same three people in ``main`` and in ``visitors``."""
    file = str(tmp_path / "people.parquet")
    main(["gallery", "export", file, "--gallery", str(people)])
    main(["gallery", "import", file, "--gallery", str(people), "--collection", "visitors"])
    capsys.readouterr()
    return people


def test_a_collection_is_erased_with_proof(visitors, capsys):
    assert main([*ERASE, str(visitors), "--yes", "--proof"]) == 0
    first, searched, line, elsewhere = capsys.readouterr().out.splitlines()
    assert first.startswith("erased visitors with 3 people and 3 faces: purged_")
    assert re.fullmatch(r"  0 pieces of templates searched for in \d+ files?, [\d,]+ bytes: 0 found", searched)
    assert re.fullmatch(r"  line \d+ of the audit log: [0-9a-f]{64}", line)
    assert elsewhere == "  collection main holds the same images: erase them there as well"
    assert labels(visitors) == ["Ada", "Bo", "Cy"]
    with Gallery(visitors) as gallery:
        assert gallery.collections() == ["main"]
        assert gallery.audit()[0].action == "erase_collection"
    assert main([*ERASE, str(visitors), "--yes"]) == 2
    assert "expected one of the gallery's (main); nothing was erased" in capsys.readouterr().err


def test_the_erasure_of_a_collection_as_json(people, capsys):
    assert main(["gallery", "erase", "main", "--gallery", str(people), "--yes", "--proof", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["collection"]) == ("mien.collection_erasure/1", "main")
    assert (document["people"], document["faces"], document["elsewhere"]) == (3, 3, [])
    assert document["proof"]["pieces"] > 0
    assert document["proof"]["found"] == []


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("typed", "status", "left"),
    [
        (Terminal("visitors\n"), 0, ["main"]),
        (Terminal("y\n"), 0, ["main", "visitors"]),
        (Terminal("Visitors\n"), 0, ["main", "visitors"]),
        (Terminal(""), 0, ["main", "visitors"]),
        (io.StringIO("visitors\n"), 2, ["main", "visitors"]),
    ],
    ids=["its name", "yes", "another name", "end of file", "no terminal"],
)
def test_the_name_of_a_collection_is_asked_for_again(visitors, typed, status, left, monkeypatch):
    monkeypatch.setattr("sys.stdin", typed)
    assert main([*ERASE, str(visitors)]) == status
    with Gallery(visitors) as gallery:
        assert sorted(gallery.collections()) == left


def test_a_gallery_that_is_not_there_is_not_made(tmp_path):
    assert main([*ERASE, str(tmp_path / "none.mien"), "--yes"]) == 5
    assert not (tmp_path / "none.mien").exists()
