"""``mien models``: list, show, pull, verify and export the weights Mien works with."""

from __future__ import annotations

import argparse

from mien.cli._options import Commands

__all__ = ["register"]


def register(commands: Commands) -> None:
    pass
