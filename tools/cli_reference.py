"""Write docs/cli.md: every command, option, exit status and error code, read from the parser and the error tree.

    python tools/cli_reference.py            writes the page
    python tools/cli_reference.py --check    exit status 1 where the page is not what it would write

Nothing is taken from argparse's own help pages, whose layout differs between versions of Python.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from mien.cli._app import build_parser
from mien.errors import MienError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"

INTRODUCTION = """\
# The command line

Written by `make docs` from the parser itself; a test compares the two. `--help` says the same at the terminal.

Results go to stdout, everything about the run to stderr. `--format json` prints one JSON document a line, each with
its `schema`.
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


def page() -> str:
    """The whole page."""
    parser = build_parser()
    statuses = (parser.epilog or "").partition("exit status:")[2]
    parts = [
        INTRODUCTION,
        *commands(parser),
        f"## Exit status\n\n{' '.join(statuses.split())}.\n",
        ENVIRONMENT,
        "## Error codes\n\nThe same word in Python (`error.code`) and in JSON.\n\n"
        "| Code | Exit status | Meaning |\n|---|---|---|\n" + "\n".join(errors(MienError)) + "\n",
    ]
    return "\n".join(parts)


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


def errors(root: type[MienError]) -> Iterator[str]:
    """A row for each class below ``root`` that has none below itself."""
    for error in root.__subclasses__():
        if error.__subclasses__():
            yield from errors(error)
        else:
            meaning = " ".join((error.__doc__ or "").replace("``", "`").split())
            yield f"| `{error.code}` | {error.exit_status} | {meaning} |"


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
    return f"| `{_cell(term)}` | {_cell(action.help or 'required')} |"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/cli.md from the parser.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where the page is stale")
    check = parser.parse_args().check
    if not check:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
        print(f"{PAGE.name} is stale: make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
