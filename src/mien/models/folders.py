"""Where weights live on this machine, and whether the network may be asked: the room's only look at the environment."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["cache_folder", "models_folder", "offline"]


def models_folder() -> Path | None:
    """The folder of weights that ``MIEN_MODELS`` names, None where it is unset."""
    value = os.environ.get("MIEN_MODELS")
    return _expanded(value) if value else None


def cache_folder() -> Path:
    """Mien's cache: ``MIEN_CACHE``, or its place in the user's cache folder. It may not exist yet."""
    value = os.environ.get("MIEN_CACHE")
    return _expanded(value) if value else Path(platformdirs.user_cache_dir("mien", appauthor=False))


def _expanded(value: str) -> Path:
    # Unlike Path.expanduser, which raises, this leaves ``~`` as it is where nobody has that name.
    return Path(os.path.expanduser(value))  # noqa: PTH111


def offline() -> bool:
    """Whether ``MIEN_OFFLINE`` forbids the network."""
    return os.environ.get("MIEN_OFFLINE", "").strip().lower() not in {"", "0", "false", "no"}
