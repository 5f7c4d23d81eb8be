import io
import json

import pytest

from mien.cli import main

ADA, BO = f"{1:032x}", f"{2:032x}"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_list(gallery, capsys):
    assert main(["people", "list"]) == 0
    header, ada, bo = capsys.readouterr().out.splitlines()
    assert header.split() == ["id", "label", "samples", "purpose", "until"]
    assert ada.split() == [ADA, "Ada", "2", "door", "2020-01-01", *["(past:", "no", "longer", "identified)"]]
    assert bo.split() == [BO, "Bo", "1", *["not", "recorded", "not", "recorded"]]


def test_list_of_nobody_says_what_to_do(gallery, capsys):
    gallery.known = []
    assert main(["people", "list"]) == 0
    assert "mien enroll" in capsys.readouterr().out


def test_list_as_json(gallery, capsys):
    assert main(["people", "list", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mien.people/1"
    assert [p["label"] for p in document["people"]] == ["Ada", "Bo"]


@pytest.mark.parametrize(
    ("arguments", "label"), [(["show", "Bo"], "Bo"), (["rename", "Ada", "Eve"], "Eve"), (["merge", "Ada", "Bo"], "Ada")]
)
def test_verbs_show_the_person_they_leave(arguments, label, gallery, capsys):
    assert main(["people", *arguments, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["label"]) == ("mien.person/1", label)


def test_unknown_person_is_a_store_error(gallery, capsys):
    assert main(["people", "show", "Zoe"]) == 5
    assert capsys.readouterr().err == "mien: error: Zoe: nobody of that id or label\n"


def test_show_as_table(gallery, capsys):
    assert main(["people", "show", BO]) == 0
    lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert lines["label"] == "Bo"
    assert lines["purpose"] == "not recorded"


@pytest.mark.parametrize(
    ("options", "stdin", "status", "erased"),
    [
        (["--yes"], io.StringIO(""), 0, True),
        ([], io.StringIO("y\n"), 2, False),
        ([], Terminal("y\n"), 0, True),
        ([], Terminal("n\n"), 0, False),
        ([], Terminal("\n"), 0, False),
        ([], Terminal(""), 0, False),
    ],
    ids=["--yes", "no terminal", "yes", "no", "return", "end of file"],
)
def test_erase_asks_first(options, stdin, status, erased, gallery, monkeypatch):
    monkeypatch.setattr("sys.stdin", stdin)
    assert main(["people", "erase", "Ada", *options]) == status
    assert (("erased", ADA) in gallery.calls) is erased


@pytest.mark.parametrize(("left", "status"), [((), 0), (("people.mien-wal:77",), 5)])
def test_a_proof_says_what_was_searched_and_found(left, status, gallery, capsys):
    gallery.left = left
    assert main(["people", "erase", "Ada", "--yes", "--proof"]) == status
    shown = capsys.readouterr().out
    assert f"2 samples: {'invisible' if left else 'purged_logs'}" in shown
    assert f"12 pieces of templates searched for in 2 files, 1,234 bytes: {len(left)} found" in shown
    assert all(place in shown for place in left)
    main(["people", "erase", "Ada", "--yes", "--proof", "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mien.erasure/2"
    assert document["proof"]["found"] == [*left]


@pytest.mark.parametrize("command", [["people", "list"], ["identify", "photo.jpg"], ["people", "show", "Ada"]])
def test_a_mistyped_gallery_is_not_made(command, tmp_path, capsys):
    (tmp_path / "photo.jpg").touch()
    command = [str(tmp_path / word) if word == "photo.jpg" else word for word in command]
    assert main([*command, "--gallery", str(tmp_path / "peple.mien")]) == 5
    assert "there is no gallery" in capsys.readouterr().err
    assert not (tmp_path / "peple.mien").exists()
