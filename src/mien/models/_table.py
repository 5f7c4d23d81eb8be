"""A card's TOML table, read field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from mien.errors import ModelError

__all__ = ["Table"]

T = TypeVar("T")

_HEX = re.compile(r"[0-9a-f]{64}")


class Table:
    """A TOML table whose fields are taken out one by one, so that none is missed or misspelt."""

    def __init__(self, values: Mapping[str, Any], origin: str, path: str = "") -> None:
        self.values = values
        self.origin = origin
        self._path = path
        self._taken: set[str] = set()

    def error(self, field: str, expected: str, got: object) -> ModelError:
        place = f"{self._path}{field}"
        return ModelError(f"{self.origin}: {place}: expected {expected}, got {got}", card=self.origin, field=place)

    def take(self, name: str, kind: type[T]) -> T:
        self._taken.add(name)
        value = self.values.get(name)
        if type(value) is not kind or value in ("", []):
            raise self.error(name, f"a {kind.__name__}", "nothing" if value is None else repr(value))
        return value

    def choice(self, name: str, allowed: tuple[T, ...]) -> T:
        value = self.take(name, str)
        for known in allowed:
            if value == known:
                return known
        raise self.error(name, f"one of {', '.join(map(str, allowed))}", repr(value))

    def numbers(self, name: str, count: int) -> list[float]:
        values = self.take(name, list)
        if len(values) != count or not all(type(value) in {int, float} for value in values):
            raise self.error(name, f"{count} numbers", repr(values))
        return list(values)

    def strings(self, name: str) -> tuple[str, ...]:
        values = self.take(name, list)
        if not all(type(value) is str for value in values):
            raise self.error(name, "strings", repr(values))
        return tuple(values)

    def sha256(self) -> str:
        value: str = self.take("sha256", str)
        if not _HEX.fullmatch(value):
            raise self.error("sha256", "64 lower-case hexadecimal digits", repr(value))
        return value

    def table(self, name: str) -> Table:
        return Table(self.take(name, dict), self.origin, f"{self._path}{name}.")

    def tables(self, name: str) -> list[Table]:
        entries = self.take(name, list) if name in self.values else []
        return [Table(entry, self.origin, f"{self._path}{name}[{i}].") for i, entry in enumerate(entries)]

    def done(self) -> None:
        for name in sorted(self.values.keys() - self._taken):
            raise self.error(name, "no such field", "one")
