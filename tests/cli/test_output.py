import json

import pytest

from mien.cli import _output
from mien.errors import UnreadableImage


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("Éva 李", "Éva 李"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("two\nlines", "two\\nlines"),
        ("right\u202eleft", "right\\u202eleft"),
        ("bad\udce9name", "bad\\udce9name"),
    ],
    ids=["plain", "letters of any script", "terminal escape", "newline", "bidi override", "undecodable file name"],
)
def test_printable_leaves_letters_and_escapes_what_steers_a_terminal(text, expected):
    assert _output.printable(text) == expected


@pytest.mark.parametrize(
    ("number", "plural", "expected"), [(0, None, "0 faces"), (1, None, "1 face"), (1200, None, "1,200 faces")]
)
def test_count(number, plural, expected):
    assert _output.count(number, "face", plural) == expected


def test_json_is_one_ascii_line(capsys):
    _output.print_json({"label": "Éva\n", "source": "bad\udce9name"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.count("\n") == 1
    assert json.loads(out) == {"label": "Éva\n", "source": "bad\udce9name"}


def test_json_refuses_what_is_no_json():
    with pytest.raises(ValueError, match="JSON"):
        _output.print_json({"score": float("-inf")})


def test_table_pads_to_the_widest_cell(capsys):
    _output.print_table(["id", "label"], [["1", "Ada"], ["200", "B\x1b"]])
    assert capsys.readouterr().out.splitlines() == ["id   label", "1    Ada", "200  B\\x1b"]


@pytest.mark.parametrize("as_json", [False, True])
def test_error_is_one_line_on_stderr_and_a_document_where_json_is_asked_for(as_json, capsys):
    _output.print_error(UnreadableImage("x.jpg: not\nan image", source="x.jpg"), as_json=as_json)
    out, err = capsys.readouterr()
    assert err == "mien: error: x.jpg: not\\nan image\n"
    if not as_json:
        assert out == ""
        return
    error = {"code": "unreadable_image", "message": "x.jpg: not\nan image", "details": {"source": "x.jpg"}}
    assert json.loads(out) == {"schema": "mien.error/1", "error": error}


def test_failures_end_a_run_with_a_count_and_a_list(capsys):
    _output.print_failures([("a.jpg", "a.jpg: empty file"), ("b.jpg", "no image")], total=1300)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["mien: 2 of 1,300 images failed:", "  a.jpg: empty file", "  b.jpg: no image"]


@pytest.mark.parametrize(("terminal", "expected"), [(False, ""), (True, "\rimages 3/3\n")])
def test_progress_only_on_a_terminal(terminal, expected, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    _output.print_progress(3, 3, "images")
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ("moment", "text"),
    [(10.0, "0:00 of 0:30"), (20.04, "0:10 of 0:30, 0:08 left"), (40.0, "0:30 of 0:30"), (None, "")],
)
def test_progress_in_a_video(moment, text, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    _output.print_moment(moment, start=10.0, end=40.0, elapsed=4.0)
    written = capsys.readouterr().err
    assert written.strip() == text
    assert written.startswith("\r")
    assert written.endswith("\r")


def test_no_progress_where_nobody_looks(capsys):
    _output.print_moment(1.0, end=2.0, elapsed=1.0)
    assert capsys.readouterr().err == ""
