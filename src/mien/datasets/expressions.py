"""Sets of faces with the expression that people saw in them: CK+, KDEF, RAF-DB and AffectNet as published.

The classes are those seven that all of them share; what a set calls otherwise (contempt) has none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.datasets import _layout
from mien.datasets.records import Record
from mien.errors import WrongLayout

__all__ = ["EXPRESSIONS", "ExpressionRecord", "read_affectnet", "read_ck", "read_kdef", "read_rafdb"]

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes, in FER2013's order."""

_CK = "the published CK+ layout: cohn-kanade-images/S005/001/*.png beside Emotion/S005/001/*_emotion.txt"
_CK_CLASSES = ("neutral", "angry", None, "disgust", "fear", "happy", "sad", "surprise")
_PEAK = 3

_KDEF = "the published KDEF layout: AF01/AF01ANS.JPG (session, sex and person; expression; view)"
_KDEF_CLASSES = {
    "AF": "fear",
    "AN": "angry",
    "DI": "disgust",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprise",
}
_KDEF_VIEWS = {"S": "straight", "HL": "half left", "HR": "half right", "FL": "full left", "FR": "full right"}

_RAFDB = "the published RAF-DB layout: EmoLabel/list_patition_label.txt beside Image/aligned/train_00001_aligned.jpg"
_RAFDB_CLASSES = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")

_AFFECTNET = "the published AffectNet layout: train_set/images/0.jpg and train_set/annotations/0_exp.npy, and val_set"
_AFFECTNET_CLASSES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", None)


@dataclass(frozen=True, slots=True)
class ExpressionRecord:
    """A capture, and what people saw in it.

    Attributes:
        record: The capture; its ``person`` is None where the set does not say who it is.
        expression: One of `EXPRESSIONS`, None where the set's label is none of them.
        subset: ``"train"``, ``"public"``, ``"private"``, ``"test"`` or ``"val"``, as the set divides itself; empty
            where it does not.
        votes: Of ten people: for each of `EXPRESSIONS`, then contempt, unknown and not a face; None where there are
            none.
    """

    record: Record
    expression: str | None
    subset: str = ""
    votes: tuple[int, ...] | None = None


def read_ck(root: str | os.PathLike[str]) -> Iterator[ExpressionRecord]:
    """CK+: of each labelled sequence the first image as neutral, and the last three as what it is labelled.

    Sequences of contempt give their first image alone. Persons are the subjects, by whom a split has to be made.

    Raises:
        WrongLayout: No folder of labels, a label that is no number from 0 to 7, or a sequence without images.
    """
    base = Path(root)
    _layout.require_folder(base / "Emotion", _CK)
    for label in sorted((base / "Emotion").glob("S*/*/*_emotion.txt")):
        subject, sequence = label.parts[-3:-1]
        expression = _CK_CLASSES[_ck_label(label)]
        folder = base / "cohn-kanade-images" / subject / sequence
        images = sorted(folder.glob("*.png"))
        if len(images) <= _PEAK:
            raise WrongLayout(f"{folder}: expected more than {_PEAK} images, got {len(images)}", path=str(folder))
        peak = [] if expression is None else [(path, expression) for path in images[-_PEAK:]]
        for path, told in [(images[0], "neutral"), *peak]:
            yield ExpressionRecord(Record(subject, path.relative_to(base).as_posix(), path), told)


def read_kdef(root: str | os.PathLike[str], *, profiles: bool = False) -> Iterator[ExpressionRecord]:
    """KDEF: straight views and half profiles, sorted; ``condition`` is the view, both sessions are one person.

    Args:
        root: The folder of the persons' folders.
        profiles: Whether full profiles are given as well.

    Raises:
        WrongLayout: No image, or one of another name.
    """
    base = Path(root)
    _layout.require_folder(base, _KDEF)
    paths = sorted(path for path in base.glob("*/*") if path.suffix.lower() in {".jpg", ".jpeg"})
    if not paths:
        raise WrongLayout(f"{base}: expected {_KDEF}. Found: {_layout.contents(base)}", path=str(base))
    for path in paths:
        name = path.stem.upper()
        expression, view = _KDEF_CLASSES.get(name[4:6]), _KDEF_VIEWS.get(name[6:])
        if expression is None or view is None or name[0] not in "AB" or name[1] not in "FM":
            raise WrongLayout(f"{path}: expected {_KDEF}", path=str(path))
        if profiles or not view.startswith("full"):
            groups = {"gender": "female" if name[1] == "F" else "male"}
            capture = path.relative_to(base).as_posix()
            yield ExpressionRecord(Record(name[1:4], capture, path, groups, view), expression)


def read_rafdb(root: str | os.PathLike[str], *, images: str = "aligned") -> Iterator[ExpressionRecord]:
    """RAF-DB, single labels, in the list's order; nobody is named.

    Args:
        root: The folder ``basic``.
        images: ``"aligned"`` or ``"original"``.

    Raises:
        WrongLayout: No list, a line that is none, or an image that is not there.
    """
    base = Path(root)
    listed = base / "EmoLabel" / "list_patition_label.txt"
    for number, text in _layout.lines(listed, _RAFDB):
        where = f"{listed}:{number}"
        name, _, label = text.partition(" ")
        place = _layout.whole_number(label.strip(), where)
        subset = name.partition("_")[0]
        if place > len(_RAFDB_CLASSES) or subset not in {"train", "test"}:
            raise WrongLayout(
                f"{where}: expected train_ or test_ and a class from 1 to 7, got {text[:60]!r}", path=where
            )
        stem, dot, suffix = name.rpartition(".")
        file = f"{stem}_aligned.{suffix}" if images == "aligned" and dot else name
        path = _layout.image_below(base / "Image" / images, file, where)
        yield ExpressionRecord(Record(None, name, path), _RAFDB_CLASSES[place - 1], subset)


def read_affectnet(root: str | os.PathLike[str]) -> Iterator[ExpressionRecord]:
    """AffectNet's training and validation images, sorted by number; nobody is named.

    Raises:
        WrongLayout: No folder, an image without its label, or a label that is none.
    """
    base = Path(root)
    for folder, subset in (("train_set", "train"), ("val_set", "val")):
        if folder == "train_set" or (base / folder).is_dir():
            _layout.require_folder(base / folder / "images", _AFFECTNET)
            yield from _affectnet_part(base, base / folder, subset)


def _affectnet_part(base: Path, part: Path, subset: str) -> Iterator[ExpressionRecord]:
    paths = sorted((part / "images").glob("*.jpg"), key=lambda path: (len(path.stem), path.stem))
    for path in paths:
        label = part / "annotations" / f"{path.stem}_exp.npy"
        try:
            place = int(np.load(label, allow_pickle=False))
        except (OSError, ValueError, TypeError, EOFError) as error:
            raise WrongLayout(f"{label}: expected a class as NumPy writes it: {error}", path=str(label)) from error
        if not 0 <= place < len(_AFFECTNET_CLASSES):
            raise WrongLayout(f"{label}: expected a class from 0 to 7, got {place}", path=str(label))
        record = Record(None, path.relative_to(base).as_posix(), path)
        yield ExpressionRecord(record, _AFFECTNET_CLASSES[place], subset)


def _ck_label(path: Path) -> int:
    texts = [text for _, text in _layout.lines(path, _CK)]
    try:
        place = float(texts[0]) if len(texts) == 1 else -1.0
    except ValueError:
        place = -1.0
    if place not in range(len(_CK_CLASSES)):
        raise WrongLayout(f"{path}: expected a number from 0 to 7, got {texts[:1]}", path=str(path))
    return int(place)
