"""``mien backup``: a gallery in one file, while it is in use."""

from __future__ import annotations

import argparse

from mien.cli._options import Commands, a_path, add_format
from mien.cli._output import count, print_json, printable

__all__ = ["add_gallery_alone", "register", "run"]

EPILOG = """\
The backup is personal data: it holds everybody's templates, sealed where the gallery's are. Keys are not in it. Keep
the key that seals (--key-file), the key that signs the audit log and the backups (audit-key.pem in your data folder,
or $MIEN_AUDIT_KEY) and its public half (mien audit key) somewhere else.

example:
  mien backup people-2026-11-27.backup --gallery people.mien
  mien restore people-2026-11-27.backup --gallery restored.mien
"""


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "backup",
        help="write a gallery into one file, while it is in use",
        description=(
            "Write a gallery into one new file, signed, as it is at one moment; it may be in use meanwhile. One in "
            "PostgreSQL has pg_dump."
        ),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=a_path, metavar="FILE", help="the backup; must not be there yet")
    add_gallery_alone(parser)
    parser.add_argument(
        "--state",
        type=a_path,
        metavar="FILE",
        help="the file of a service, to be put in as well: hashes of API keys, webhooks",
    )
    add_format(parser, "table", "json")
    parser.set_defaults(run=run)


def add_gallery_alone(parser: argparse.ArgumentParser) -> None:
    """``--gallery``, where no template is read."""
    parser.add_argument(
        "--gallery", metavar="PATH", help="the gallery (default: $MIEN_GALLERY, else one in your data folder)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write it."""
    from mien.gallery.backup import back_up

    done = back_up(arguments.gallery, arguments.file, service=arguments.state)
    if arguments.format == "json":
        print_json({"schema": "mien.backup_made/1", **done.to_dict()})
    else:
        with_state = ", and the service's own file" if done.service else ""
        held = f"{count(done.people, 'person', 'people')}, {count(done.audit_lines, 'line')} of the audit log"
        print(f"{printable(done.path)}: {held}{with_state}; {count(done.size, 'byte')}")
    return 0
