"""Verbs of ``mien people`` for those who have no name yet: suggest, name, forget."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_path, add_format, add_gallery, error_rate, expand, open_gallery
from mien.cli._output import (
    count,
    error_document,
    print_failures,
    print_json,
    print_progress,
    print_table,
    printable,
)
from mien.cli._person import print_person
from mien.errors import InputError, InvalidArgument, MienError

if TYPE_CHECKING:
    from mien.gallery import Suggestion

__all__ = ["register"]

SUGGEST = """\
Looks for faces in photos that were not looked at before, keeps those that would do as samples, and says which of all
unnamed faces seem to be of one person: more of a known one, or somebody unknown. Run without photos, it only says so.

Unnamed faces are personal data of people who consented to nothing: --keep-days lets them go by themselves, and
'mien people forget' at once.

example:
  mien people suggest photos/ --save suggestions.html
  mien people name 1f0c9a2e "Ada Lovelace" --purpose "family album"
"""


def register(verbs: Commands) -> None:
    """Add the three verbs to the parser."""
    suggest = verbs.add_parser(
        "suggest",
        help="group the faces of people who have no name yet",
        description="Group the faces of people who have no name yet.",
        epilog=SUGGEST,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    suggest.add_argument(
        "photos", nargs="*", type=a_path, metavar="PHOTO|FOLDER", help="new photos, or folders of them"
    )
    suggest.add_argument("--save", type=a_path, metavar="FILE.html", help="write a contact sheet of the suggestions")
    suggest.add_argument(
        "--fmr",
        type=error_rate,
        metavar="RATE",
        help="share of pairs of strangers that may be grouped (default: lower the more faces there are)",
    )
    suggest.add_argument(
        "--fpir",
        type=error_rate,
        default=0.01,
        metavar="RATE",
        help="share of strangers that may be taken for somebody known (default: 0.01)",
    )
    suggest.add_argument(
        "--min-faces", type=int, default=2, metavar="N", help="leave out smaller groups of unknown people (default: 2)"
    )
    suggest.add_argument("--keep-days", type=int, metavar="N", help="forget the faces found now after so many days")
    suggest.set_defaults(run=run_suggest)

    name = verbs.add_parser("name", help="say who a suggestion is: its faces become samples of that person")
    name.add_argument("suggestion", metavar="SUGGESTION")
    name.add_argument("label", metavar="LABEL", help="what to call them, or the label or id of somebody known")
    name.add_argument("--face", action="append", metavar="FACE", help="only this face of it (may be given again)")
    name.add_argument("--purpose", metavar="TEXT", help="what their faces are kept for")
    name.add_argument("--until", metavar="YYYY-MM-DD", help="last day on which they are to be identified")
    name.set_defaults(run=run_name)

    forget = verbs.add_parser("forget", help="remove unnamed faces and every byte of their templates, for good")
    forget.add_argument("keys", nargs="*", metavar="SUGGESTION|FACE", help="only these")
    forget.add_argument("--all", action="store_true", help="every unnamed face, and which photos were looked at")
    forget.set_defaults(run=run_forget)
    for verb in (suggest, name, forget):
        add_gallery(verb)
        add_format(verb, "table", "json")


def run_suggest(arguments: argparse.Namespace) -> int:
    """Suggestions, largest first, and a contact sheet where one is asked for."""
    photos = expand(arguments.photos)
    failures: list[tuple[str, str]] = []

    def failed(index: int, error: MienError) -> None:
        failures.append((str(photos[index]), error.message))
        if arguments.format == "json":
            print_json(error_document(error, str(photos[index])))

    with open_gallery(arguments, must_exist=not photos) as gallery:
        suggestions = gallery.suggest(
            _counted(photos),
            fmr=arguments.fmr,
            fpir=arguments.fpir,
            min_faces=arguments.min_faces,
            keep_days=arguments.keep_days,
            on_error=failed,
        )
    if arguments.save:
        from mien.render import write_contact_sheet

        write_contact_sheet(arguments.save, suggestions, options=_options(arguments), failures=failures)
    _print(suggestions, arguments.format)
    print_failures(failures, len(photos))
    return InputError.exit_status if failures else 0


def run_name(arguments: argparse.Namespace) -> int:
    """A suggestion becomes a person."""
    with open_gallery(arguments, must_exist=True) as gallery:
        person = gallery.name(
            arguments.suggestion,
            arguments.label,
            purpose=arguments.purpose,
            until=arguments.until,
            faces=arguments.face,
        )
    print_person(person, arguments.format)
    return 0


def run_forget(arguments: argparse.Namespace) -> int:
    """Unnamed faces go."""
    if bool(arguments.keys) == arguments.all:
        raise InvalidArgument("people forget: expected SUGGESTION or FACE, or --all; nothing was removed")
    with open_gallery(arguments, must_exist=True) as gallery:
        removed = gallery.forget(*arguments.keys)
    if arguments.format == "json":
        print_json({"schema": "mien.forgotten/1", "faces": removed})
    else:
        print(f"forgot {count(removed, 'unnamed face')}")
    return 0


def _counted(photos: list[Path]) -> Iterator[Path]:
    for done, photo in enumerate(photos, 1):
        yield photo
        print_progress(done, len(photos), "photos")


def _options(arguments: argparse.Namespace) -> list[str]:
    """The arguments that name the gallery, as they were given."""
    named = ["--gallery", arguments.gallery] if arguments.gallery else []
    return [*named, *(["--collection", arguments.collection] if arguments.collection != "main" else [])]


def _print(suggestions: list[Suggestion], form: str) -> None:
    if form == "json":
        records = [suggestion.to_dict() for suggestion in suggestions]
        print_json({"schema": "mien.suggestions/1", "suggestions": records})
        return
    if not suggestions:
        print("nobody to be named: mien people suggest PHOTO... looks for faces")
        return
    rows = [
        [
            suggestion.suggestion_id,
            len(suggestion.faces),
            f"more of {suggestion.candidate.label}" if suggestion.candidate else "unknown",
            _sources(suggestion),
        ]
        for suggestion in suggestions
    ]
    print_table(["suggestion", "faces", "who", "photos"], rows)
    example = printable(suggestions[0].suggestion_id)
    print(f"name one with: mien people name {example} LABEL; --save FILE.html shows their faces")


def _sources(suggestion: Suggestion) -> str:
    names = [face.source for face in suggestion.faces]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
