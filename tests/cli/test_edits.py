import json

import pytest

from mien.cli import main


def test_samples(gallery, capsys):
    assert main(["people", "samples", "Ada"]) == 0
    header, first, _ = capsys.readouterr().out.splitlines()
    assert header.split() == ["face", "photo", "quality", "since"]
    assert first.split() == ["000000000000", "p0.jpg", "80", "2026-01-02"]
    assert main(["people", "samples", "Ada", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], len(document["samples"])) == ("mien.samples/1", 2)


VERBS = [
    (["split", "Ada", "f1", "f2"], ("Ada", ["f1", "f2"], None), "Ada (2)"),
    (["split", "Ada", "f1", "--label", "Eda"], ("Ada", ["f1"], "Eda"), "Eda"),
    (["move", "f1", "Bo"], ("f1", "Bo"), "Bo"),
    (["merge", "Ada", "Bo", "--force"], ("Ada", "Bo", True), "Ada"),
]


@pytest.mark.parametrize(("arguments", "called", "label"), VERBS)
def test_verbs_show_the_person_they_leave(arguments, called, label, gallery, capsys):
    assert main(["people", *arguments, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["label"]) == ("mien.person/1", label)
    assert gallery.calls[0] == called


def test_not_this_person(gallery, capsys):
    assert main(["people", "not", "000000000000", "Ada"]) == 0
    assert capsys.readouterr().out == "000000000000 (p0.jpg) is not Ada; it is unnamed\n"
    assert main(["people", "not", "000000000000", "Ada", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "mien.face/1"
    assert gallery.calls[0] == ("000000000000", "Ada")


def test_edits_and_undo(gallery, capsys):
    assert main(["people", "edits"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["edit", "merge", "rename"]
    assert main(["people", "undo"]) == 0
    assert capsys.readouterr().out == "undone: merge (Bo merged into Ada)\n"
    assert main(["people", "undo", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["action"] == "rename"
    assert main(["people", "edits"]) == 0
    assert capsys.readouterr().out == "nothing to undo\n"
    assert main(["people", "undo"]) == 5
