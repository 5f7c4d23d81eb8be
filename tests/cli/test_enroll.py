import json

import pytest

from mien.cli import main

DEFAULTS = {"purpose": None, "until": None, "new": False, "person_id": None, "allow": [], "require": None}


def test_one_person_from_files_and_folders(gallery, files, capsys):
    folder = files("a.jpg", "more/b.png", "more/notes.txt")
    call = ["enroll", "Ada", str(folder / "a.jpg"), str(folder / "more"), "--purpose", "door", "--until", "2027-01-01"]
    assert main(call) == 0
    options = DEFAULTS | {"purpose": "door", "until": "2027-01-01"}
    assert gallery.calls == [("Ada", ["a.jpg", "b.png"], options), "closed"]
    assert capsys.readouterr().out == f"Ada ({'a' * 32}): 2 added\n"


def test_a_folder_per_person(gallery, files, capsys):
    folder = files("Bo/1.jpg", "Ada/2.jpg", "Ada/1.jpg", ".hidden/1.jpg", "loose.jpg")
    assert main(["enroll", "--from", str(folder), "--new", "--allow", "blurred", "--require", "quality=medium"]) == 0
    options = {"purpose": None, "until": None, "new": True, "allow": ["blurred"], "require": "quality=medium"}
    people = [("Ada", ["1.jpg", "2.jpg"], options), ("Bo", ["1.jpg"], options)]
    assert gallery.calls == ["1 workers", *people, "closed"]
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_refusals_are_named_with_their_reasons_and_exit_3(gallery, files, capsys):
    folder = files("a.jpg", "bad.jpg")
    assert main(["enroll", "Ada", str(folder)]) == 3
    out = capsys.readouterr().out
    assert "1 added, 1 image refused" in out
    assert "bad.jpg: several_faces\n    bad.jpg: 3 faces, expected one" in out


def test_json_is_one_document_a_person(gallery, files, capsys):
    folder = files("Ada/1.jpg", "Bo/bad.jpg")
    assert main(["enroll", "--from", str(folder), "--format", "json"]) == 3
    ada, bo = map(json.loads, capsys.readouterr().out.splitlines())
    assert (ada["schema"], ada["label"], ada["added"]) == ("mien.enrolment/1", "Ada", ["1.jpg"])
    assert bo["refused"][0]["reasons"] == ["several_faces"]


@pytest.mark.parametrize("make", [(), ("loose.jpg",), ("Ada/notes.txt",)], ids=["missing", "no folders", "no images"])
def test_a_folder_without_people_is_bad_input(make, gallery, files, capsys):
    folder = files(*make)
    assert main(["enroll", "--from", str(folder)]) == 3
    assert gallery.calls == []
    assert capsys.readouterr().err.startswith(f"mien: error: {folder}")


def test_a_folder_that_cannot_be_listed_is_bad_input(gallery, tmp_path, capsys):
    assert main(["enroll", "--from", str(tmp_path / ("x" * 300))]) == 3
    assert "expected a folder with a folder per person: File name too long" in capsys.readouterr().err


def test_a_report_names_what_was_refused_and_is_retried(gallery, files, tmp_path, capsys):
    folder, report = files("Bo/1.jpg", "Bo/bad.jpg", "Ada/bad2.jpg"), tmp_path / "refused.jsonl"
    assert main(["enroll", "--from", str(folder), "--workers", "3", "--report", str(report)]) == 3
    assert "3 workers" in gallery.calls
    assert f"mien enroll --retry {report}" in capsys.readouterr().err
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(line["label"], line["reasons"]) for line in lines] == [
        ("Ada", ["several_faces"]),
        ("Bo", ["several_faces"]),
    ]
    gallery.calls.clear()
    main(["enroll", "--retry", str(report)])
    assert [call[:2] for call in gallery.calls if isinstance(call, tuple)] == [
        ("Ada", ["bad2.jpg"]),
        ("Bo", ["bad.jpg"]),
    ]


@pytest.mark.parametrize("text", ["no json", "[]", '{"label": 1}'])
def test_what_is_no_report_is_refused(text, gallery, tmp_path, capsys):
    (tmp_path / "report").write_text(text)
    assert main(["enroll", "--retry", str(tmp_path / "report")]) == 2
    assert main(["enroll", "--retry", str(tmp_path / "none")]) == 2
    assert main(["enroll", "Ada", "a.jpg", "--retry", str(tmp_path / "report")]) == 2
    assert "--report" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5"])
def test_workers_are_a_whole_number(number, gallery, tmp_path):
    with pytest.raises(SystemExit):
        main(["enroll", "--from", str(tmp_path), "--workers", number])
