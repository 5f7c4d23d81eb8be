"""Enrol three people from sample photos, identify them in others, and check that every decision is as it should be.

Leaves ``people.mien`` (the gallery), ``report.html``, ``report.json`` and annotated pictures in the folder given.
Exit status: 0 when everything was decided as expected, 1 when anything was not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import samples

import mien
from mien import media, render

OBAMA, BIDEN, MAN = "Barack Obama", "Joe Biden", "The man of single_face.jpg"
UNKNOWN = "unknown"
FPIR = 0.01

ENROL = {OBAMA: ("obama.jpg",), BIDEN: ("biden.jpg",), MAN: ("single_face.jpg",)}

EXPECTED = {
    "obama2.jpg": (OBAMA,),
    "obama3.jpg": (OBAMA,),
    "32bit.png": (OBAMA,),
    "multi_face.jpg": (UNKNOWN,) * 5,
    "Image_with_alpha.png": (UNKNOWN,),
    "free-mountain-vector-01.jpg": (),
}
"""What each photo is to show: only photos that nobody was enrolled from."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided about one photo, beside what should have been."""

    source: str
    expected: tuple[str, ...]
    faces: mien.Faces

    @property
    def decided(self) -> tuple[str, ...]:
        return tuple(sorted(face.person or UNKNOWN for face in self.faces))

    @property
    def as_expected(self) -> bool:
        return self.decided == tuple(sorted(self.expected))
