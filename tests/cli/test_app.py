import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mien.cli import _app
from mien.errors import (
    InvalidArgument,
    MienError,
    ModelUnavailable,
    StoreUnavailable,
    UnreadableImage,
    UnsupportedErrorRate,
)

COMMANDS = ["enroll", "identify", "verify", "detect", "people", "calibrate", "models", "doctor"]
VERBS = {
    "people": [
        "list",
        "show",
        "rename",
        "merge",
        "erase",
        "suggest",
        "name",
        "forget",
        "samples",
        "split",
        "move",
        "not",
        "undo",
        "edits",
    ],
    "models": ["list", "show", "pull", "verify", "export"],
}


def fail_with(monkeypatch, error):
    def run(arguments):
        raise error

    monkeypatch.setattr("mien.cli.people.run_list", run)


@pytest.mark.parametrize("arguments", [[], *([c] for c in COMMANDS), *([c, v] for c in VERBS for v in VERBS[c])])
def test_everything_has_help(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        _app.main([*arguments, "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: mien")
    for verb in VERBS.get(" ".join(arguments), ()):
        assert re.search(rf"^    {verb} +\w+", out, re.MULTILINE), f"{verb} has no line of help"


def test_help_says_what_an_error_rate_is_and_where_responsible_use_stands(capsys):
    with pytest.raises(SystemExit):
        _app.main(["--help"])
    out = capsys.readouterr().out
    assert "docs/explanation/responsible-use.md" in out
    assert "A stated error rate is how often strangers would be taken for somebody" in out
    assert all(f"\n    {command} " in out for command in COMMANDS)


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        _app.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("mien 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["recognise"],
        ["verify", "a.jpg"],
        ["verify", "a.jpg", "b.jpg", "--fmr", "0"],
        ["verify", "a.jpg", "b.jpg", "--fmr", "nan"],
        ["verify", "a.jpg", "b.jpg", "--threshold", "0.36"],
        ["identify", "a.jpg", "--fpir", "1"],
        ["identify", "a.jpg", "--format", "xml"],
        ["identify"],
        ["people"],
        ["people", "merge", "one"],
        ["enroll", "Ada", "a.jpg", "--new", "--person-id", "1"],
        ["enroll"],
        ["enroll", "Ada"],
        ["enroll", "Ada", "--from", "people"],
        ["enroll", "--from", "people", "--person-id", "1"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_exits_2(arguments, capsys):
    try:
        status = _app.main(arguments)
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidArgument("x"), 2),
        (UnsupportedErrorRate("x", bound=1e-5), 2),
        (UnreadableImage("x"), 3),
        (ModelUnavailable("x"), 4),
        (StoreUnavailable("x"), 5),
        (MienError("x"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("form", ["table", "json"])
def test_an_error_becomes_an_exit_status_and_one_line(error, status, form, capsys, monkeypatch):
    fail_with(monkeypatch, error)
    assert _app.main(["people", "list", "--format", form]) == status
    out, err = capsys.readouterr()
    assert err == "mien: error: x\n"
    document = {"schema": "mien.error/1", "error": error.to_dict()}
    assert [json.loads(line) for line in out.splitlines()] == ([document] if form == "json" else [])


def test_ctrl_c_exits_130_quietly(capsys, monkeypatch):
    fail_with(monkeypatch, KeyboardInterrupt())
    assert _app.main(["people", "list"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_fault_does_not_read_as_no_match(capsys, monkeypatch):
    fail_with(monkeypatch, ZeroDivisionError("x"))
    assert _app.main(["people", "list"]) == 70
    err = capsys.readouterr().err
    assert "ZeroDivisionError: x" in err
    assert err.endswith("mien: error: a fault in mien itself; please report it with the lines above\n")


def test_a_reader_that_leaves_early_is_no_error():
    code = "from mien.cli import main; import sys; sys.exit(main(['models', 'list']))"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 141


def test_a_terminal_without_the_letters_gets_their_escapes(monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)

    def run(arguments):
        print("Éva")
        return 0

    monkeypatch.setattr("mien.cli.people.run_list", run)
    assert _app.main(["people", "list"]) == 0
    assert narrow.buffer.getvalue() == b"\\xc9va\n"


def test_python_m_mien_is_the_same_program():
    done = subprocess.run([sys.executable, "-m", "mien", "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: mien")


def run_with_stdout(kind, tmp_path):
    """``mien people list`` of a fresh gallery in a process whose stdout is closed, or full."""
    environment = {**os.environ, "MIEN_GALLERY": str(tmp_path / "people.mien")}
    shell = f'"{sys.executable}" -m mien people list {kind}'
    return subprocess.run(["/bin/sh", "-c", shell], env=environment, stderr=subprocess.PIPE, text=True, timeout=60)


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
def test_without_a_stdout_the_work_is_done(tmp_path):
    done = run_with_stdout(">&-", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_under_stdout_is_said_and_no_fault(tmp_path):
    done = run_with_stdout(">/dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "mien: error: the output cannot be written: no room on the disk\n"
