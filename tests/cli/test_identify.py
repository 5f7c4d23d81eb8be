import csv
import json

import pytest

from mien.cli import main
from mien.cli._batch import annotated_paths
from mien.errors import InvalidArgument


def test_table_names_people_and_says_unknown(gallery, files, capsys):
    folder = files("Ada+stranger.jpg", "empty.jpg")
    assert main(["identify", str(folder), "--fpir", "0.05"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"{folder}/Ada+stranger.jpg: 2 faces",
        f"  1  {'Ada':<24}  score 0.800 >= threshold 0.400",
        f"  2  {'unknown':<24}  score 0.100 < threshold 0.400  (too_small)",
        f"{folder}/empty.jpg: no face",
        "decided at a false positive identification rate of 0.05 for this gallery",
    ]
    assert err == ""
    assert gallery.calls == [0.05, "closed"]


def test_what_is_required_is_passed_on(gallery, files):
    assert main(["identify", str(files("Ada.jpg")), "--require", "quality=high"]) == 0
    assert gallery.calls == [(0.01, "quality=high"), "closed"]


def test_a_folder_goes_on_past_bad_files_and_ends_with_a_count_and_a_list(gallery, files, capsys):
    folder = files("1bad.jpg", "Ada.jpg", "zbad.jpg")
    assert main(["identify", str(folder)]) == 3
    out, err = capsys.readouterr()
    assert out.startswith(f"{folder}/Ada.jpg: 1 face\n")
    assert err.splitlines() == [
        "mien: 2 of 3 images failed:",
        f"  {folder}/1bad.jpg: expected an image, got an empty file",
        f"  {folder}/zbad.jpg: expected an image, got an empty file",
    ]


def test_a_single_bad_image_is_a_plain_error(gallery, files, capsys):
    folder = files("bad.jpg")
    assert main(["identify", str(folder / "bad.jpg")]) == 3
    message = f"mien: error: {folder}/bad.jpg: expected an image, got an empty file\n"
    assert capsys.readouterr().err == message


def test_json_is_one_document_an_image(gallery, files, capsys):
    folder = files("Ada+stranger.jpg", "bad.jpg", "empty.jpg")
    assert main(["identify", str(folder), "--format", "json"]) == 3
    found, bad, empty = map(json.loads, capsys.readouterr().out.splitlines())
    assert found["schema"] == empty["schema"] == "mien.faces/1"
    assert [len(found["faces"]), len(empty["faces"])] == [2, 0]
    assert (bad["schema"], bad["source"]) == ("mien.error/1", str(folder / "bad.jpg"))
    assert bad["error"]["code"] == "unreadable_image"


def test_csv_has_one_header_and_one_row_a_face(gallery, files, capsys):
    folder = files("Ada+stranger.jpg", "Bo.jpg", "empty.jpg")
    assert main(["identify", str(folder), "--format", "csv"]) == 0
    rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert len(rows) == 1 + 3
    assert {len(row) for row in rows} == {len(rows[0])}


def test_annotated_copies_and_report(gallery, files, tmp_path):
    folder = files("Ada.jpg", "deep/Bo.png", "bad.jpg")
    out = tmp_path / "out"
    assert main(["identify", str(folder), "--save", str(out), "--report", str(tmp_path / "report.html")]) == 3
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*")) == ["Ada.jpg", "deep/Bo.jpg"]
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Ada" in report
    assert "bad.jpg" in report


def test_a_save_folder_that_cannot_be_is_a_usage_error(gallery, files, tmp_path, capsys):
    folder = files("Ada.jpg")
    (tmp_path / "out").touch()
    assert main(["identify", str(folder), "--save", str(tmp_path / "out")]) == 2
    assert str(tmp_path / "out") in capsys.readouterr().err


def test_a_circle_of_links_fails_as_an_image_and_not_for_its_copy(gallery, files, tmp_path):
    folder = files("Ada.jpg")
    (folder / "bad.jpg").symlink_to(folder / "bad.jpg")
    assert main(["identify", str(folder), "--save", str(tmp_path / "out")]) == 3
    assert (tmp_path / "out" / "Ada.jpg").is_file()


@pytest.mark.parametrize(
    ("names", "roots", "save", "error"),
    [
        (["a.jpg", "d/a.jpg"], ["."], "out", None),
        (["a.jpg", "d/a.jpg"], ["a.jpg", "d/a.jpg"], "out", "would both become"),
        (["a.jpg", "a.png"], ["."], "out", "would both become"),
        (["a.jpg"], ["."], "in", "would overwrite"),
        (["a.png"], ["."], "in", None),
    ],
    ids=["kept apart by folder", "same name", "same stem", "over the original", "beside the original"],
)
def test_annotated_copies_never_overwrite(names, roots, save, error, files, tmp_path):
    folder = files(*names)
    sources = [folder / name for name in names]
    roots = [folder / root for root in roots]
    if error is None:
        copies = annotated_paths(roots, sources, tmp_path / save)
        assert len(set(copies.values()) | set(sources)) == 2 * len(sources)
        return
    with pytest.raises(InvalidArgument, match=error):
        annotated_paths(roots, sources, tmp_path / save)
