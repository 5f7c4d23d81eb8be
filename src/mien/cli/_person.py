"""A person as commands print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.cli._output import print_json, printable

if TYPE_CHECKING:
    from mien.gallery import Person

__all__ = ["print_person"]


def print_person(person: Person, form: str) -> None:
    """One field a line, or one JSON document."""
    record = person.to_dict()
    if form == "json":
        print_json({"schema": "mien.person/1", **record})
        return
    width = max(map(len, record))
    for name, value in record.items():
        print(f"{name:<{width}}  {printable(value)}")
