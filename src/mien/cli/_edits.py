"""Verbs of ``mien people`` that put right whose a face is: samples, split, move, not, undo, edits."""

from __future__ import annotations

import argparse

from mien.cli._options import Commands, add_format, add_gallery, open_gallery
from mien.cli._output import print_json, print_table, printable
from mien.cli._person import print_person

__all__ = ["register"]

DIGITS = 12


def register(verbs: Commands) -> None:
    """Add the six verbs to the parser."""
    samples = verbs.add_parser("samples", help="the face samples of a person, with the keys that other verbs take")
    samples.add_argument("person", metavar="PERSON")
    samples.set_defaults(run=run_samples)
    split = verbs.add_parser("split", help="make somebody new of some of a person's samples")
    split.add_argument("person", metavar="PERSON")
    split.add_argument("faces", nargs="+", metavar="FACE", help="a sample that is somebody else's")
    split.add_argument("--label", metavar="LABEL", help="what to call them (default: the label with a number)")
    split.set_defaults(run=run_split)
    move = verbs.add_parser("move", help="give a face to a person, whoever had it")
    move.add_argument("face", metavar="FACE")
    move.add_argument("person", metavar="PERSON")
    move.set_defaults(run=run_move)
    reject = verbs.add_parser("not", help="say that a face is not this person: it is not suggested as theirs again")
    reject.add_argument("face", metavar="FACE")
    reject.add_argument("person", metavar="PERSON|SUGGESTION")
    reject.set_defaults(run=run_not)
    undo = verbs.add_parser("undo", help="take back the last edit; again, the one before")
    undo.set_defaults(run=run_undo)
    edits = verbs.add_parser("edits", help="what can be undone, newest first")
    edits.set_defaults(run=run_edits)
    for verb in (samples, split, move, reject, undo, edits):
        add_gallery(verb)
        add_format(verb, "table", "json")


def run_samples(arguments: argparse.Namespace) -> int:
    """The samples of a person, one a line."""
    with open_gallery(arguments, must_exist=True) as gallery:
        person = gallery.person(arguments.person)
        faces = gallery.samples(person.person_id)
    if arguments.format == "json":
        records = [face.to_dict() for face in faces]
        print_json({"schema": "mien.samples/1", "person_id": person.person_id, "samples": records})
    else:
        rows = [
            [
                face.face_id[:DIGITS],
                face.source,
                "" if face.quality is None else f"{face.quality:.0f}",
                face.created.date(),
            ]
            for face in faces
        ]
        print_table(["face", "photo", "quality", "since"], rows)
    return 0


def run_split(arguments: argparse.Namespace) -> int:
    """Some samples become somebody new."""
    with open_gallery(arguments, must_exist=True) as gallery:
        print_person(gallery.split(arguments.person, arguments.faces, arguments.label), arguments.format)
    return 0


def run_move(arguments: argparse.Namespace) -> int:
    """A face changes hands."""
    with open_gallery(arguments, must_exist=True) as gallery:
        print_person(gallery.move(arguments.face, arguments.person), arguments.format)
    return 0


def run_not(arguments: argparse.Namespace) -> int:
    """Not this person."""
    with open_gallery(arguments, must_exist=True) as gallery:
        face = gallery.reject(arguments.face, arguments.person)
    if arguments.format == "json":
        print_json({"schema": "mien.face/1", **face.to_dict()})
    else:
        whose = "still somebody's sample" if face.person_id else "unnamed"
        print(f"{face.face_id[:DIGITS]} ({printable(face.source)}) is not {printable(arguments.person)}; it is {whose}")
    return 0


def run_undo(arguments: argparse.Namespace) -> int:
    """The last edit is taken back."""
    with open_gallery(arguments, must_exist=True) as gallery:
        edit = gallery.undo()
    if arguments.format == "json":
        print_json({"schema": "mien.edit/1", **edit.to_dict()})
    else:
        print(f"undone: {edit.action} ({printable(edit.summary)})")
    return 0


def run_edits(arguments: argparse.Namespace) -> int:
    """Edits, one a line."""
    with open_gallery(arguments, must_exist=True) as gallery:
        edits = gallery.edits()
    if arguments.format == "json":
        print_json({"schema": "mien.edits/1", "edits": [edit.to_dict() for edit in edits]})
    elif edits:
        print_table(["when", "edit", "what"], [[e.created.isoformat(), e.action, e.summary] for e in edits])
    else:
        print("nothing to undo")
    return 0
