"""Mien: face recognition with decisions at a stated error rate.

    faces = mien.find("party.jpg")
    mien.verify("a.jpg", "b.jpg", fmr=1e-4)
    gallery = mien.Gallery("people.mien")
    mien.ExpressionRecognizer().predict(crops)

Importing Mien loads nothing but this file: each name is fetched when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.errors import MienError
    from mien.expression import ExpressionRecognizer
    from mien.gallery import Gallery
    from mien.recognition import find, find_all, verify
    from mien.types import Candidate, Decision, Face, Faces

__all__ = [
    "Candidate",
    "Decision",
    "ExpressionRecognizer",
    "Face",
    "Faces",
    "Gallery",
    "MienError",
    "find",
    "find_all",
    "verify",
]
__version__ = "0.1.0"

_HOMES = {
    "Candidate": "mien.types",
    "Decision": "mien.types",
    "ExpressionRecognizer": "mien.expression",
    "Face": "mien.types",
    "Faces": "mien.types",
    "Gallery": "mien.gallery",
    "MienError": "mien.errors",
    "find": "mien.recognition",
    "find_all": "mien.recognition",
    "verify": "mien.recognition",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
