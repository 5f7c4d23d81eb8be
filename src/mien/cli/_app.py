"""The parser, and the one place where errors become exit statuses."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from mien.cli import (
    attack,
    audit,
    background,
    backup,
    calibrate,
    detect,
    doctor,
    enroll,
    evaluate,
    expression,
    gallery,
    identify,
    lab,
    models,
    people,
    quality,
    restore,
    serve,
    verify,
    watch,
)
from mien.cli._output import print_error
from mien.errors import MienError, UnwritableFile

__all__ = ["main"]

COMMANDS = (
    enroll,
    identify,
    watch,
    verify,
    detect,
    quality,
    background,
    attack,
    expression,
    people,
    gallery,
    serve,
    backup,
    restore,
    audit,
    calibrate,
    evaluate,
    lab,
    models,
    doctor,
)
FAULT = 70  # sysexits.h: EX_SOFTWARE; Python's own 1 would read as "no match"
INTERRUPTED = 130
BROKEN_PIPE = 141

DESCRIPTION = "Face recognition with decisions at a stated error rate."
EPILOG = """\
A stated error rate is how often strangers would be taken for somebody: --fmr 1e-4 lets one pair of strangers in
10,000 pass, --fpir 0.01 one search by a stranger in 100. What that rests on: docs/explanation/error-rates.md.
Face recognition touches people's rights. Before pointing it at anyone: docs/explanation/responsible-use.md.

exit status: 0 done, 1 no match (verify), 2 usage, 3 bad input (also when some of many images failed),
4 model, 5 store, 70 a fault in mien itself, 130 interrupted
"""


class _VersionAction(argparse.Action):
    """Reads the version only when asked: package metadata is slow to open."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from mien import __version__

        print(f"mien {__version__}")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; each sets ``run``, a function of the parsed arguments."""
    parser = argparse.ArgumentParser(
        prog="mien",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action=_VersionAction, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.register(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; those of the process when None.

    Returns:
        The exit status. A wrong call and ``--help`` leave through `SystemExit`, as argparse does.
    """
    _make_output_writable()
    arguments = build_parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except MienError as error:
        print_error(error, as_json=getattr(arguments, "format", None) == "json")
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except Exception as error:
        # Files of ours that find no room are told as such where they are written: this is stdout.
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            _discard_output()
            print("mien: error: the output cannot be written: no room on the disk", file=sys.stderr)
            return UnwritableFile.exit_status
        traceback.print_exc()
        print("mien: error: a fault in mien itself; please report it with the lines above", file=sys.stderr)
        return FAULT
    return status


def _discard_output() -> None:
    """The interpreter flushes stdout once more on its way out; it must find somewhere to write to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _make_output_writable() -> None:
    """Give a process started without stdout or stderr somewhere to write to, and a terminal escapes to print.

    A terminal that cannot show a letter prints its escape: a name must not end a run half way.
    """
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
