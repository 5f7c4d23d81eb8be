import json

import pytest

from mien import recognition
from mien.cli import main
from mien.cli._options import RECOGNISERS
from mien.errors import InvalidArgument, RuntimeUnavailable
from mien.gallery import Lost, Reembedded

KEYS = ["1" * 32, "2" * 32]


@pytest.fixture
def reembedding(gallery, monkeypatch):
    """Stands where embedding anew would; one sample is lost where ``lost`` says so."""
    gallery.lost = ()
    monkeypatch.setattr("mien.cli.gallery.open_gallery", lambda arguments, *, must_exist: gallery)

    def reembed(sources, *, into, pipeline, workers, progress):
        gallery.workers = workers
        gallery.calls.append(([source.name for source in sources], into, pipeline))
        if into == "taken":
            raise InvalidArgument("into: collection taken is there already")
        progress(3)
        left = (gallery.known[1],) if gallery.lost else ()
        return Reembedded(into, "dlib-resnet-v1", {KEYS[0]: KEYS[1]}, 3 - len(gallery.lost), left, gallery.lost)

    monkeypatch.setattr(gallery, "reembed", reembed, raising=False)
    monkeypatch.setattr(recognition, "pipeline_for", lambda name: f"pipeline of {name}")
    return gallery


def call(*more, into="new"):
    return ["gallery", "reembed", "--from", "photos", "more", "--recogniser", "dlib", "--into", into, *more]


def test_says_who_was_copied(reembedding, capsys):
    assert main(call()) == 0
    assert (["photos", "more"], "new", "pipeline of dlib") in reembedding.calls
    assert capsys.readouterr().out == "new: 1 person, 3 samples (dlib-resnet-v1)\n"


def test_several_processes_may_look_at_the_images(reembedding):
    assert main(call("--workers", "3")) == 0
    assert reembedding.workers == 3


def test_what_was_left_behind_is_listed_and_exits_3(reembedding, capsys):
    reembedding.lost = (Lost(KEYS[0], "Ada", "ada1.jpg", "no_original"),)
    assert main(call()) == 3
    out = capsys.readouterr().out
    assert "  Ada: ada1.jpg: no_original" in out
    assert f"  Bo ({2:032x}): no sample could be embedded again" in out


def test_json_is_one_document(reembedding, capsys):
    reembedding.lost = (Lost(KEYS[0], "Ada", "ada1.jpg", "no_face"),)
    assert main(call("--format", "json")) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mien.reembedding/1"
    assert (document["people"], document["space"]) == ({KEYS[0]: KEYS[1]}, "dlib-resnet-v1")
    assert document["lost"][0]["reason"] == "no_face"


def test_a_collection_that_is_there_is_a_usage_error(reembedding, capsys):
    assert main(call(into="taken")) == 2
    assert "there already" in capsys.readouterr().err


def test_a_recogniser_that_is_not_installed_is_a_model_error(reembedding, monkeypatch, capsys):
    def missing(name):
        raise RuntimeUnavailable("dlib-resnet-v1 is an extra that is not installed: pip install 'mien[dlib]'")

    monkeypatch.setattr(recognition, "pipeline_for", missing)
    assert main(call()) == 4
    assert "pip install 'mien[dlib]'" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["--from", "--into", "--recogniser"])
def test_every_option_is_needed(missing, capsys):
    words = call()
    start = words.index(missing)
    end = next((i for i in range(start + 1, len(words)) if words[i].startswith("--")), len(words))
    with pytest.raises(SystemExit) as caught:
        main(words[:start] + words[end:])
    assert caught.value.code == 2
    assert missing in capsys.readouterr().err


def test_the_choices_are_the_recognisers_there_are():
    assert tuple(recognition.RECOGNISERS) == RECOGNISERS
