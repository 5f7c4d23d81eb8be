"""What the pages say is so: code runs, commands exist, links lead somewhere, figures are those measured."""

import argparse
import dataclasses
import datetime as dt
import json
import re
import runpy
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mien import media, models, render
from mien.cli._app import build_parser, main
from mien.cli._output import error_document
from mien.errors import NoFace
from mien.gallery import Edit, Enrolment, FaceRecord, Lost, Person, Reembedded, Refusal, Suggestion
from mien.render import words
from mien.types import Candidate, Decision, Faces
from mien.watch import Event

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GENERATED = runpy.run_path(str(ROOT / "tools" / "reference.py"))["PAGES"]
HAND_WRITTEN = [page for page in PAGES if page.parent.name != "reference" or page.name not in GENERATED]
RESULTS = sorted((ROOT / "docs" / "benchmarks").glob("*.json"))

FIGURE_PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "explanation" / "expressions.md",
    *(ROOT / "docs" / "benchmarks").glob("*.md"),
]

# What the pages call their photos and clips, beside the sample that stands in.
PHOTOS = {
    "ada1.jpg": "obama.jpg",
    "ada2.jpg": "obama2.jpg",
    "party.jpg": "obama3.jpg",
    "a.jpg": "obama.jpg",
    "b.jpg": "obama2.jpg",
    "door.mp4": "single_face.mp4",
}

# What a tutorial says before it begins; it is not done again here.
INSTALLING = (["python", "-m", "venv", ".venv"], [".", ".venv/bin/activate"], ["pip", "install", "."])

DAY = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
REEMBEDDED = Reembedded("main-dlib", "dlib", {}, 1, (), (Lost("1", "Ada", "a.jpg", "no_original"),))

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
SCHEMA = re.compile(r'"(mien\.[a-z_]+/\d+)"')
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name_of(page):
    return str(page.relative_to(ROOT))


def blocks(page, *languages):
    return [text for language, text in BLOCK.findall(page.read_text(encoding="utf-8")) if language in languages]


def commands_in(block):
    """Every command of a shell block, continued lines joined, comments and redirections gone."""
    lines = block.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line.partition(" > ")[0], comments=True))]


def commands_of(page):
    return [words for block in blocks(page, "sh") for words in commands_in(block)]


def subcommands(parser):
    return next((a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)), {})


def leaf(words):
    """The parser that a command's words lead to."""
    parser = build_parser()
    for word in words:
        if word not in subcommands(parser):
            break
        parser = subcommands(parser)[word]
    return parser


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture
def photos(samples, tmp_path, monkeypatch):
    """A folder that holds what the pages talk about, and is the current one."""
    for name, sample in PHOTOS.items():
        shutil.copy(samples / sample, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_GALLERY", str(tmp_path / "default.mien"))
    monkeypatch.setenv("MIEN_CALIBRATIONS", str(tmp_path / "calibrations"))
    return tmp_path


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name_of)
def test_python_runs(page, photos, weights, capsys):
    namespace = {}
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page.name}, block {number}", "exec"), namespace)
    if 'print(face.person or "unknown"' in page.read_text(encoding="utf-8"):
        assert "Ada Lovelace" in capsys.readouterr().out


def step(words, monkeypatch):
    """Do what one command of a tutorial does, in this process; its exit status."""
    program, *arguments = words
    if program == "mien":
        return main(arguments)
    if program == "python" and words not in INSTALLING:
        monkeypatch.setattr("sys.argv", arguments)
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")
        return left.value.code
    if program == "export":
        monkeypatch.setenv(*arguments[0].split("="))
    elif program == "cd":
        monkeypatch.chdir(arguments[0])
    else:
        assert words in INSTALLING, words
    return 0


def outline(text):
    """What was said, whatever the numbers and ids, and wherever lines break."""
    return re.sub(r"-?\b(\d+([.:e-]\d+)*|[\da-f]{32})\b", "#", text).split()


def numbers(text):
    """Scores, thresholds and rates."""
    return [float(number) for number in re.findall(r"(?:score|threshold|rate of) (-?[\d.]+\d)", text)]


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "tutorial").glob("*.md")), ids=name_of)
def test_tutorial_does_what_it_shows(page, weights, samples, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_CALIBRATIONS", str(tmp_path / "calibrations"))
    found = [*BLOCK.findall(page.read_text(encoding="utf-8")), ("", "")]
    steps = [
        (text, after if kind == "text" else None)
        for (language, text), (kind, after) in pairwise(found)
        if language == "sh"
    ]
    for block, shown in steps:
        capsys.readouterr()
        statuses = [step(words, monkeypatch) for words in commands_in(block)]
        said = capsys.readouterr()
        if shown:
            assert outline(said.out + said.err) == outline(shown)
            # Runtimes and processors differ in the third digit.
            assert numbers(said.out + said.err) == pytest.approx(numbers(shown), abs=0.02)
        else:
            assert not any(statuses), said.err


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=name_of)
def test_shell_commands_parse(page, capsys):
    for program, *arguments in commands_of(page):
        if program == "mien":
            try:
                build_parser().parse_args(arguments)
            except SystemExit:
                pytest.fail(f"mien {' '.join(arguments)}: {capsys.readouterr().err}")
        elif program == "make":
            assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), arguments
        elif program == "python" and arguments[0] != "-m":
            assert (ROOT / arguments[0]).is_file(), arguments


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=name_of)
def test_commands_in_running_text_exist(page):
    for code in CODE.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
        words = code.split()
        if words[0] == "mien" and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in subcommands(build_parser()), code
            known = leaf(words[1:])._option_string_actions
            assert {word for word in words if word.startswith("--")} <= set(known), code
        elif words[0] == "make" and words[1:]:
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), code
        elif words[0] == "python" and words[1:2] and words[1].endswith(".py"):
            assert (ROOT / words[1]).is_file(), code
        elif re.fullmatch(r"(bench|tools|tests|src|docs)/[a-z\d_./-]+", code):
            assert (ROOT / code).exists(), code


@pytest.mark.parametrize("command", sorted(subcommands(build_parser())))
def test_every_command_stands_in_the_readme(command):
    assert f"mien {command}" in (ROOT / "README.md").read_text(encoding="utf-8")


def leaves(parser):
    """Every command that does something: ``mien verify``, ``mien people list``."""
    below = subcommands(parser)
    return [leaf for child in below.values() for leaf in leaves(child)] if below else [parser.prog]


@pytest.mark.parametrize("command", leaves(build_parser()))
def test_every_command_stands_in_a_page_written_by_hand(command):
    pages = [page for page in HAND_WRITTEN if ROOT / "docs" in page.parents]
    assert any(command in page.read_text(encoding="utf-8") for page in pages)


def fields(document):
    """Names of the fields of a JSON document, whatever their depth."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield name
            if name not in {"extra", "details"}:  # named by whoever fills them
                yield from fields(value)
    elif isinstance(document, list):
        for item in document:
            yield from fields(item)


@pytest.fixture(scope="module")
def json_page():
    pages = (ROOT / "docs" / "reference").glob("json*.md")
    return {name for page in pages for name in CODE.findall(page.read_text(encoding="utf-8"))}


def test_every_json_field_is_explained(json_page):
    faces = Faces.of([[0, 0, 9, 9]], [0.9], np.zeros((1, 5, 2)), (10, 10))
    decision = Decision(
        True, 0.5, 0.4, 0.01, "fpir", (0.0, 0.1), "image-person/1", candidates=(Candidate("1", "Ada", 0.5, 1),)
    )
    faces = dataclasses.replace(faces, decisions=(decision,), templates=np.ones((1, 1), np.float32), space="a")
    enrolment = Enrolment("1", "Ada", added=(), already=(), refused=(Refusal("a.jpg", (), ""),), checked=True)
    person = Person("1", "Ada", samples=1, purpose=None, given=None, expires=None, created=DAY)
    face = FaceRecord("1", None, "a.jpg", "/a.jpg", "0", (0, 0, 9, 9), 50.0, DAY)
    documents = [
        render.faces_to_dict(faces, "a.jpg", templates=True),
        enrolment.to_dict(),
        person.to_dict(),
        Suggestion("1", (face,), Candidate("1", "Ada", 0.5, 1)).to_dict(),
        Edit(1, "name", "", DAY).to_dict(),
        render.event_to_dict(Event("left", 0, 1.0, 0.0, 1.0, 5, (0, 0, 9, 9)), "door.mp4"),
        dataclasses.replace(REEMBEDDED, left_out=(person,)).to_dict(),
        error_document(NoFace("none"), "a.jpg"),
    ]
    assert {*fields(documents), *render.CSV_COLUMNS} <= json_page


def test_every_extension_and_limit_stands_in_the_page_of_formats():
    text = (ROOT / "docs" / "reference" / "formats.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(\.\w+)`", text)) == media.EXTENSIONS | media.VIDEO_EXTENSIONS
    assert f"{media.MAX_PIXELS // 1_000_000} megapixels" in text
    assert f"{media.MAX_BYTES // 2**20} MB" in text


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=name_of)
def test_pages_are_short_enough_to_read(page):
    limit = 300 if page.parent.name == "reference" or page.name == "CHANGELOG.md" else 200
    assert len(page.read_text(encoding="utf-8").splitlines()) <= limit


def test_every_schema_has_a_section():
    named = {name for path in (ROOT / "src").rglob("*.py") for name in SCHEMA.findall(path.read_text(encoding="utf-8"))}
    assert len(named) > 5
    pages = (ROOT / "docs" / "reference").glob("json*.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert [name for name in named if name not in text] == []


@pytest.mark.parametrize("reason", sorted(words._REASONS))
def test_every_reason_is_explained(reason, json_page):
    assert reason in json_page


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for link in LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "decisions"
    listed = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("0*.md"))


def test_help_links_to_pages_that_exist():
    pages = re.findall(r"docs/[\w/-]+\.md", build_parser().epilog)
    assert len(pages) == 2
    assert all((ROOT / page).is_file() for page in pages)


@pytest.mark.parametrize("page", sorted(GENERATED))
def test_reference_is_what_the_code_says(page):
    path = ROOT / "docs" / "reference" / page
    assert path.read_text(encoding="utf-8") == GENERATED[page](), "stale: make docs"


@pytest.mark.parametrize("page", FIGURE_PAGES, ids=name_of)
def test_figures_are_those_measured(page):
    figures = runpy.run_path(str(ROOT / "tools" / "figures"))
    text = page.read_text(encoding="utf-8")
    assert figures["_REGION"].search(text)
    assert figures["filled"](text) == text, "stale: make docs"


def test_pictures_are_of_the_figures_measured():
    figures = runpy.run_path(str(ROOT / "tools" / "figures"))
    assert [name for name in figures["PICTURES"] if figures["stale"](name)] == []
    for name in figures["PICTURES"]:
        drawn, kept = figures["picture"](name), (ROOT / "docs" / "benchmarks" / name).read_text(encoding="utf-8")
        assert re.findall(r"<text[^>]*>([^<]*)<", drawn) == re.findall(r"<text[^>]*>([^<]*)<", kept)


def test_a_rate_that_too_few_errors_support_is_given_as_a_bound():
    figures = runpy.run_path(str(ROOT / "tools" / "figures"))
    supported = {"value": 1.1e-4, "low": 8e-5, "high": 1.4e-4, "supported": True}
    rows = [
        {"stated": 1e-4, "low": 9e-5, "high": 1.2e-4, "measured": supported},
        {"stated": 1e-5, "low": 7e-6, "high": 1.5e-5, "measured": supported | {"high": 4e-5, "supported": False}},
    ]
    text = figures["stated"]({"lfw": {"stated": rows}})
    assert "| 1e-4 | 9.0e-5 to 1.2e-4 | 1.1e-4 [8.0e-5, 1.4e-4] |" in text
    assert "| 1e-5 | 7.0e-6 to 1.5e-5 | below 4.0e-5 (too few errors to say more) |" in text


@pytest.mark.parametrize("path", RESULTS, ids=name_of)
def test_results_name_a_command_that_others_can_run(path):
    program, script, *arguments = json.loads(path.read_text(encoding="utf-8"))["command"].split()
    assert program == "python"
    assert (ROOT / script).is_file()
    assert not [word for word in arguments if Path(word).is_absolute() or ".." in word]


@pytest.mark.parametrize("path", [path for path in RESULTS if path.stem != "startup"], ids=name_of)
def test_results_are_those_of_the_weights_in_use(path):
    """Other weights make other figures: measure again with the command in the file."""
    recorded = json.loads(path.read_text(encoding="utf-8"))["weights"]
    assert recorded == {name: models.card(name).artefact.sha256 for name in recorded}
    assert {"sface-2021dec", "yunet-2023mar"} <= set(recorded)


def test_error_rates_page_quotes_the_shipped_calibration():
    (path,) = (ROOT / "src" / "mien" / "recognition" / "calibrations").glob("*sface*.json")
    calibration = json.loads(path.read_text(encoding="utf-8"))
    text = " ".join((ROOT / "docs" / "explanation" / "error-rates.md").read_text(encoding="utf-8").split())
    population = calibration["population"]
    assert f"`{calibration['name']}`" in text
    assert f"{population['images']:,} press photos of {population['people']:,} celebrities" in text


def test_pictures_are_few_small_and_accounted_for():
    pictures = [
        path for path in (ROOT / "docs").rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".gif", ".svg"}
    ]
    listed = (ROOT / "docs" / "pictures.md").read_text(encoding="utf-8")
    for picture in pictures:
        assert picture.stat().st_size < 150_000
        assert f"]({picture.relative_to(ROOT / 'docs')})" in listed
