import json

import pytest

from mien.cli import main


def test_suggestions_as_a_table(gallery, files, capsys):
    folder = files("a.jpg", "b.jpg")
    assert main(["people", "suggest", str(folder), "--keep-days", "7", "--fmr", "1e-3"]) == 0
    header, unknown, known, hint = capsys.readouterr().out.splitlines()
    assert header.split() == ["suggestion", "faces", "who", "photos"]
    assert unknown.split(maxsplit=3) == ["0a1b2c3d", "5", "unknown", "p0.jpg, p1.jpg, p2.jpg and 2 more"]
    assert known.split() == ["4e5f6a7b", "1", "more", "of", "Ada", "p9.jpg"]
    assert "mien people name 0a1b2c3d LABEL" in hint
    options = {"fmr": 1e-3, "fpir": 0.01, "min_faces": 2, "keep_days": 7}
    assert gallery.calls[0] == (["a.jpg", "b.jpg"], options)


def test_suggestions_as_json_and_a_sheet_past_a_bad_photo(gallery, files, tmp_path, capsys):
    folder = files("a.jpg", "bad.jpg")
    sheet = tmp_path / "s.html"
    assert main(["people", "suggest", str(folder), "--format", "json", "--save", str(sheet)]) == 3
    out, err = capsys.readouterr()
    error, document = map(json.loads, out.splitlines())
    assert (error["schema"], error["error"]["code"]) == ("mien.error/1", "unreadable_image")
    assert document["schema"] == "mien.suggestions/1"
    assert [len(s["faces"]) for s in document["suggestions"]] == [5, 1]
    assert document["suggestions"][1]["candidate"]["label"] == "Ada"
    assert "1 of 2 images failed" in err
    assert "mien people name 0a1b2c3d LABEL" in sheet.read_text()


def test_nobody_to_be_named_says_what_to_do(gallery, capsys):
    gallery.suggestions = []
    assert main(["people", "suggest"]) == 0
    assert "mien people suggest PHOTO" in capsys.readouterr().out


def test_a_sheet_that_cannot_be_written_is_told(gallery, tmp_path, capsys):
    assert main(["people", "suggest", "--save", str(tmp_path / "none" / "s.html")]) == 2
    assert "s.html" in capsys.readouterr().err


def test_name(gallery, capsys):
    call = ["people", "name", "0a1b2c3d", "Cleo", "--purpose", "album", "--face", "00", "--face", "01"]
    assert main([*call, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "Cleo"
    assert gallery.calls[0] == ("0a1b2c3d", "Cleo", {"purpose": "album", "until": None, "faces": ["00", "01"]})


@pytest.mark.parametrize(
    ("arguments", "status", "called"),
    [
        (["0a1b2c3d"], 0, ("0a1b2c3d",)),
        (["--all"], 0, ()),
        ([], 2, None),
        (["--all", "0a1b2c3d"], 2, None),
    ],
    ids=["one", "all", "nothing", "both"],
)
def test_forget_wants_to_be_told_what(arguments, status, called, gallery, capsys):
    assert main(["people", "forget", *arguments]) == status
    assert [call for call in gallery.calls if call != "closed"] == ([] if called is None else [called])
    out = capsys.readouterr().out
    assert out == ("forgot 7 unnamed faces\n" if called is not None else "")


def test_a_reading_run_does_not_make_a_mistyped_gallery(tmp_path, capsys):
    assert main(["people", "suggest", "--gallery", str(tmp_path / "peple.mien")]) == 5
    assert not list(tmp_path.iterdir())
