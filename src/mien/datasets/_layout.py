"""Files of published protocols: their lines, and the images they name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.errors import WrongLayout

__all__ = ["contents", "image_below", "lines", "require_folder", "whole_number"]

_MOST_NAMES = 8


def contents(folder: Path) -> str:
    """The first names in a folder, for a message."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except (OSError, ValueError):
        return "no such folder"
    rest = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return (", ".join(names[:_MOST_NAMES]) or "nothing") + rest


def require_folder(folder: Path, expected: str) -> None:
    """Raise `WrongLayout` unless the folder is there."""
    if not folder.is_dir():
        raise WrongLayout(
            f"{folder}: not a folder; expected {expected}. Found in {folder.parent}: {contents(folder.parent)}",
            path=str(folder),
        )


def lines(path: Path, expected: str) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line that is not blank, as UTF-8, with or without a byte order mark."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if text := line.strip():
                    yield number, text
    except UnicodeDecodeError as error:
        raise WrongLayout(f"{path}: expected UTF-8 text, got other bytes; save it as UTF-8", path=str(path)) from error
    except (OSError, ValueError) as error:
        reason = "not there" if isinstance(error, FileNotFoundError) else str(error)
        raise WrongLayout(
            f"{path}: {reason}; expected {expected}. Found in {path.parent}: {contents(path.parent)}", path=str(path)
        ) from error


def image_below(root: Path, relative: str, listed: str) -> Path:
    """The file of that name below the root; ``listed`` says who names it."""
    path = root / relative
    try:
        inside = path.resolve().is_relative_to(root.resolve())
        there = inside and path.is_file()
    except (OSError, ValueError):
        inside, there = False, False
    if not inside:
        raise WrongLayout(f"{listed}: {relative!r} leaves {root}; expected an image below it", path=listed)
    if not there:
        raise WrongLayout(f"{listed}: names {path}, which is not there; unpack the set whole", path=str(path))
    return path


def whole_number(text: str, where: str) -> int:
    """A count or index of at least 1."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise WrongLayout(f"{where}: expected a whole number from 1, got {text[:40]!r}", path=where)
    return int(text)
