import numpy as np
import pytest

from mien.render.lettering import lettering, shorten


@pytest.mark.parametrize("text", ["Ada", "é", "Ł", "ü", "ß", "Ж", "李", "한", "ω"])
def test_glyphs_are_not_question_marks(text):
    ink, question = lettering(text, 32), lettering("?" * len(text), 32)
    assert ink.dtype == np.float32
    assert ink.max() > 0.9
    assert ink.shape != question.shape or np.abs(ink - question).max() > 0.5


def test_a_missing_glyph_hides_no_other():
    assert lettering("\U0001f600 Ada", 32).shape[1] > lettering("Ada", 32).shape[1]


@pytest.mark.parametrize("text", ["", " "])
def test_nothing_to_letter(text):
    assert lettering(text, 20).shape[1] == 0


@pytest.mark.parametrize(
    ("logical", "visual"),
    [("שלום", "םולש"), ("Ada שלום", "Ada םולש"), ("שלום Ada", "Ada םולש"), ("שלום עולם", "םלוע םולש")],
)
def test_right_to_left_names_are_turned_around(logical, visual):
    from mien.render.lettering import _visual

    assert _visual(logical) == visual


def test_shorten():
    assert shorten("Ada", 20, 200) == "Ada"
    short = shorten("Augusta Ada King, Countess of Lovelace", 20, 120)
    assert short.startswith("Aug")
    assert short.endswith("...")
    assert lettering(short, 20).shape[1] <= 120
    assert shorten("Ada", 20, 2) == ""
    assert shorten("a\nb\x1b", 20, 200) == "a b"
    assert len(shorten("x" * 10**6, 20, 500)) < 100
