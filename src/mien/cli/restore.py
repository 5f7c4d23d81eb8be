"""``mien restore``: a gallery out of its backup."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_path, add_format
from mien.cli._output import count, print_json, printable
from mien.cli.backup import add_gallery_alone

if TYPE_CHECKING:
    from mien.gallery.restoring import Restored

__all__ = ["register", "run"]

EPILOG = """\
Nothing is overwritten. To put a gallery in the place of another, stop what uses it, move its files aside (people.mien,
people.mien-wal, people.mien-shm), and name it with --before: whom it erased since the backup is left out, and the audit
log goes on.

example:
  mien restore people-2026-11-27.backup --gallery people.mien --before aside/people.mien
"""


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "restore",
        help="make a gallery out of a backup",
        description="Make a gallery out of a backup that mien backup wrote, all or nothing; nothing is overwritten.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=a_path, metavar="FILE", help="the backup")
    add_gallery_alone(parser)
    parser.add_argument("--state", type=a_path, metavar="FILE", help="where the file of a service goes, if it is in it")
    parser.add_argument(
        "--before", type=a_path, metavar="FILE", help="the gallery as it was last: whom it erased since is left out"
    )
    parser.add_argument(
        "--public-key", metavar="HEX", help="who must have signed the backup (default: this user; see mien audit key)"
    )
    add_format(parser, "table", "json")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make it."""
    from mien.gallery.restoring import restore

    done = restore(
        arguments.file,
        arguments.gallery,
        service=arguments.state,
        before=arguments.before,
        public_key=arguments.public_key,
    )
    if arguments.format == "json":
        print_json({"schema": "mien.restored/1", **done.to_dict()})
    else:
        print(f"{printable(done.path)}: {count(done.people, 'person', 'people')}, as of {done.created}")
        if done.left_out or done.left_out_faces:
            faces = f" and {count(done.left_out_faces, 'face')} of others" if done.left_out_faces else ""
            print(f"left out, because erased since: {count(len(done.left_out), 'person', 'people')}{faces}")
    for remark in _remarks(done):
        print(f"mien: note: {remark}", file=sys.stderr)
    return 0


def _remarks(done: Restored) -> list[str]:
    """What somebody who restores has to know."""
    remarks = []
    if not done.compared:
        remarks.append("who was erased since the backup is back; erase them again, or restore with --before")
    elif not done.log_continued:
        remarks.append("the audit log of the gallery of before is another one; keep that gallery for its log")
    if not done.own_key:
        remarks.append(
            f"the audit log was signed by another key, {done.signed_by}; give its file as MIEN_AUDIT_KEY, so that one "
            "key goes on signing"
        )
    if done.service:
        remarks.append("keys that were revoked since the backup are valid again; look at them, and revoke them")
    return remarks
