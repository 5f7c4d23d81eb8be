import json

import pytest

from mien.cli import main


def test_people_are_listed_with_what_was_refused_and_why(gallery, files, capsys):
    folder = files("a.jpg", "b.jpg", "bad.jpg")
    assert main(["people", "import", str(folder), "--purpose", "album", "--until", "2030-01-01"]) == 3
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"Ada ({'a' * 32}): 1 added",
        "Bo: 0 added, 1 image refused",
        "  b.jpg: no_face_in_region",
        "    no face was found at 1,2-3,4",
    ]
    assert "1 of 3 images failed" in printed.err
    assert "bad.jpg: its metadata" in printed.err
    assert (["a.jpg", "b.jpg", "bad.jpg"], {"purpose": "album", "until": "2030-01-01"}) in gallery.calls


@pytest.mark.parametrize(("names", "status"), [(("a.jpg",), 0), (("a.jpg", "b.jpg"), 3), (("c.jpg",), 0)])
def test_status(names, status, gallery, files):
    assert main(["people", "import", str(files(*names))]) == status


def test_no_names_are_told(gallery, files, capsys):
    main(["people", "import", str(files("c.jpg"))])
    assert "no names" in capsys.readouterr().out


def test_json(gallery, files, capsys):
    assert main(["people", "import", str(files("a.jpg", "bad.jpg")), "--format", "json"]) == 3
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["schema"] for document in documents] == ["mien.error/1", "mien.enrolment/1", "mien.enrolment/1"]
    assert documents[1]["label"] == "Ada"
