"""Write the reference pages that are made from the code: the command line, errors, models, and the service.

    python tools/reference.py            writes docs/reference/cli.md, errors.md, models.md and openapi.json, and the
                                         documents of the client, src/mien/client/documents.py
    python tools/reference.py --check    exit status 1 where a page is not what it would write

Nothing is taken from argparse's own help pages, whose layout differs between versions of Python.
"""

from __future__ import annotations

import argparse
import json
import re
import runpy
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from mien import errors, models
from mien.cli._app import build_parser
from mien.errors import MienError
from mien.models import Card
from mien.server import Settings, create_app

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"

CLI = """\
# The command line

Written by `make docs` from the parser itself; a test compares the two. `--help` says the same at the terminal.

Results go to stdout, everything about the run to stderr. `--format json` prints one JSON document a line, each with
its [`schema`](json.md). Exit statuses stand with the [errors](errors.md).
"""
ENVIRONMENT = """\
## Environment

| Variable | Meaning |
|---|---|
| `MIEN_GALLERY` | The gallery where no `--gallery` is given. |
| `MIEN_MODELS` | A folder of weights made by `mien models export`, looked at first. |
| `MIEN_CACHE` | Where fetched weights and sample photos are kept, instead of the user's cache folder. |
| `MIEN_OFFLINE` | `1`: never touch the network. |
| `MIEN_CALIBRATIONS` | Where calibrations of your own are kept, instead of the user's data folder. |
"""
ERRORS = """\
# Errors and exit statuses

Written by `make docs` from the error tree; a test compares the two.

Everything that Mien refuses on purpose is a `mien.MienError`. The message says what was expected, what came and what to
do; `error.details` holds what a program may want to know, and `error.code` is the word of the table below, the same in
Python and in [JSON](json.md). The classes live in [`mien.errors`](python/errors.md).
"""
MODELS = """\
# Models

Written by `make docs` from the cards in `src/mien/models/cards`; a test compares the two. `mien models show NAME`
prints a card with its hash and its sources, `mien models verify` checks the weights on this machine.

The licence is that of the *weights*. *Commercial use* says whether licence and training data together settle it.
"""


def cli() -> str:
    """Every command and option."""
    return "\n".join([CLI, *commands(build_parser()), ENVIRONMENT])


def error_tree() -> str:
    """The tree, every exit status, every code."""
    parts = [
        ERRORS,
        f"```text\n{drawn_tree()}\n```\n",
        "## Exit status\n\n| Status | Meaning |\n|---|---|\n" + "\n".join(exit_statuses()) + "\n",
        "## Codes\n\n| Code | Exit status | Meaning |\n|---|---|---|\n" + "\n".join(codes(MienError)) + "\n",
    ]
    return "\n".join(parts)


def model_cards() -> str:
    """Every card: a row in one table, and a section of its own."""
    cards = models.cards()
    rows = "\n".join(f"| [{c.name}](#{c.name}) | {c.task} | {c.weights_licence} | {c.commercial} |" for c in cards)
    table = f"| Model | Task | Licence of the weights | Commercial use |\n|---|---|---|---|\n{rows}\n"
    return "\n".join([MODELS, table, *map(model_section, cards)])


def openapi() -> str:
    """What the service says of itself."""
    with tempfile.TemporaryDirectory() as folder:
        gallery, state = Path(folder) / "people.mien", Path(folder) / "service.db"
        app = create_app(Settings(gallery=str(gallery), state=state))
        app.state.service.close()
        return json.dumps(app.openapi(), indent=1) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli,
    "errors.md": error_tree,
    "models.md": model_cards,
    "openapi.json": openapi,
}


CLIENT = ROOT / "src" / "mien" / "client" / "documents.py"


def documents() -> str:
    """What the service answers, as types for the client."""
    runner = runpy.run_path(str(ROOT / "tools" / "documents.py"))
    return str(runner["written"](json.loads(openapi())))


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers below a parser, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def commands(parser: argparse.ArgumentParser, level: int = 2) -> Iterator[str]:
    """A section for each command below a parser, verbs after the command they belong to."""
    helps = {
        choice.dest: choice.help
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for choice in action._choices_actions
    }
    for name, command in subcommands(parser).items():
        said = command.description or f"{_sentence(helps[name] or '')}."
        arguments = [action for action in command._actions if _is_listed(action)]
        lines = [f"{'#' * level} {command.prog}", "", said, ""]
        if arguments:
            lines += ["| Argument | Meaning |", "|---|---|", *map(_row, arguments), ""]
        if command.epilog:
            lines += ["```text", command.epilog.strip(), "```", ""]
        yield "\n".join(lines)
        yield from commands(command, level + 1)


def drawn_tree() -> str:
    """The tree as the docstring of the errors draws it."""
    lines = (errors.__doc__ or "").splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    "))


def exit_statuses() -> Iterator[str]:
    """A row for each exit status that the help lists."""
    said = " ".join((build_parser().epilog or "").partition("exit status:")[2].split())
    for status in re.split(r", (?=\d)", said):
        number, _, meaning = status.partition(" ")
        yield f"| {number} | {meaning} |"


def codes(root: type[MienError]) -> Iterator[str]:
    """A row for each class below ``root`` that has none below itself."""
    for error in root.__subclasses__():
        if error.__subclasses__():
            yield from codes(error)
        else:
            meaning = " ".join((error.__doc__ or "").replace("``", "`").split())
            yield f"| `{error.code}` | {error.exit_status} | {meaning} |"


def model_section(card: Card) -> str:
    """One card."""
    facts = {
        "Task": card.task,
        "Weights": f"{card.weights_licence} ([origin]({card.weights_origin}))",
        "Training data": f"{card.training_data} ({card.training_licence})",
        "Commercial use": f"{card.commercial}. {card.commercial_note}",
        "Embedding space": f"`{card.space}`, {card.dimension} dimensions" if card.space else "",
        "Origin of the space": card.origin_data or "",
        "Runs on": ", ".join(f"{run.backend} {run.precision}" for run in card.runs),
        "Paper": re.sub(r"(https://\S+)", r"<\1>", card.paper),
    }
    said = "\n".join(f"- **{name}:** {value}" for name, value in facts.items() if value)
    return f"## {card.name}\n\n{said}\n"


def _is_listed(action: argparse.Action) -> bool:
    return not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)


def _row(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None:
        value = "|".join(map(str, action.choices))
    takes_value = not action.option_strings or action.nargs != 0
    term = " ".join([", ".join(action.option_strings), value if takes_value else ""]).strip()
    if action.nargs in {"+", "*"}:
        term += " ..."
    return f"| {_code(term)} | {_cell(action.help or 'required')} |"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _code(text: str) -> str:
    """Code in a cell of a table; an escaped bar in backticks shows its backslash on some renderers, not on others."""
    return f"<code>{text.replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the reference pages that are made from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where a page is stale")
    check = parser.parse_args().check
    pages = {**{FOLDER / name: page for name, page in PAGES.items()}, CLIENT: documents}
    stale = [path for path, page in pages.items() if not _holds(path, page())]
    for path in stale:
        if check:
            print(f"{path.name} is stale: make docs", file=sys.stderr)
        else:
            path.write_text(pages[path](), encoding="utf-8")
    return int(check and bool(stale))


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
