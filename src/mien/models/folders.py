"""Where weights live on this machine, and whether the network may be asked: the room's only look at the environment."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["cache_folder", "models_folder", "offline"]


def models_folder() -> Path | None:
    """The folder of weights that ``MIEN_MODELS`` names, None where it is unset."""
    value = os.environ.get("MIEN_MODELS")
    return Path(value).expanduser() if value else None


def cache_folder() -> Path:
    """Mien's cache: ``MIEN_CACHE``, or its place in the user's cache folder. It may not exist yet."""
    value = os.environ.get("MIEN_CACHE")
    return Path(value).expanduser() if value else Path(platformdirs.user_cache_dir("mien", appauthor=False))


def offline() -> bool:
    """Whether ``MIEN_OFFLINE`` forbids the network."""
    return os.environ.get("MIEN_OFFLINE", "").strip().lower() not in {"", "0", "false", "no"}
