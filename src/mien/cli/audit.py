"""``mien audit``: the log of who was erased, which says so without saying who."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mien.cli._options import Commands, add_format, add_gallery, open_gallery
from mien.cli._output import count, print_json, print_json_list, print_table

if TYPE_CHECKING:
    from mien.gallery import AuditEntry

__all__ = ["register"]

EPILOG = """\
A line that was changed, left out or put in is found, and so is one that another key signed. Lines cut off at the end
are not: keep the head that verify prints, or a copy of the log, somewhere else.

example:
  mien audit key > audit-key.pub
  mien audit verify --public-key "$(cat audit-key.pub)"
"""


def register(commands: Commands) -> None:
    """Add the command and its verbs to the parser."""
    parser = commands.add_parser(
        "audit",
        help="show and verify the log of erasures",
        description="The log of who was erased: hash-chained, signed, and without personal data.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    verify = verbs.add_parser("verify", help="whether a line was changed; exit status 1 where one was")
    verify.add_argument(
        "--public-key", metavar="HEX", help="who must have signed (default: this user's own key; see mien audit key)"
    )
    verify.set_defaults(run=run_verify)
    show = verbs.add_parser("show", help="every line")
    show.set_defaults(run=run_show)
    for verb in (verify, show):
        add_gallery(verb)
        add_format(verb, "table", "json")
    key = verbs.add_parser("key", help="print the public half of this user's signing key")
    key.set_defaults(run=run_key)


def run_verify(arguments: argparse.Namespace) -> int:
    """Check the log."""
    with open_gallery(arguments, must_exist=True) as gallery:
        report = gallery.verify_audit(arguments.public_key)
    if arguments.format == "json":
        print_json({"schema": "mien.audit_report/1", **report.to_dict()})
    else:
        print(f"{count(report.entries, 'line')}, {'sound' if report.sound else 'not sound'}")
        if report.head:
            print(f"head {report.head}")
        for problem in report.problems:
            print(f"  {problem}")
    return 0 if report.sound else 1


def run_show(arguments: argparse.Namespace) -> int:
    """Every line, oldest first."""
    with open_gallery(arguments, must_exist=True) as gallery:
        entries = gallery.audit_entries()
        if arguments.format == "json":
            print_json_list("mien.audit/1", "entries", (entry.to_dict() for entry in entries))
        elif gallery.last_entry() is not None:
            print_table(["line", "time", "action", "subject", "level", "details"], map(_row, entries))
        else:
            print("nobody was erased yet")
    return 0


def run_key(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every command takes them
    """The public key."""
    from mien.errors import StoreUnavailable
    from mien.gallery.audit import public_key

    key = public_key()
    if key is None:
        raise StoreUnavailable("audit: no signing key can be kept; set MIEN_AUDIT_KEY to a path that can be written")
    print(key)
    return 0


def _row(entry: AuditEntry) -> list[object]:
    counts = " ".join(f"{name}={value}" for name, value in entry.details.items())
    return [entry.sequence, entry.time.isoformat(), entry.action, (entry.subject or "")[:16], entry.level, counts]
