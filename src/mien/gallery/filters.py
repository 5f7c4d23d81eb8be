"""Filters of a search: a small tree over what is known of people, which every engine compiles to its own words."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TypeAlias

from mien.errors import InvalidArgument

__all__ = ["FIELDS", "And", "Contains", "Eq", "Filter", "In", "Not", "Or", "Range", "compiled"]

FIELDS = ("label", "purpose", "given", "expires", "created")
"""What a filter may ask for; times and days are compared as such."""

Value: TypeAlias = "str | dt.date | dt.datetime"


@dataclass(frozen=True, slots=True)
class Eq:
    """The field has this value; None for one that was not recorded."""

    field: str
    value: Value | None


@dataclass(frozen=True, slots=True)
class In:
    """The field has one of these values."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The field lies between two values, both included; None for no bound. What was not recorded lies nowhere."""

    field: str
    low: Value | None = None
    high: Value | None = None


@dataclass(frozen=True, slots=True)
class Contains:
    """The field has this text somewhere in it; letters A to Z are the same in either case."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class And:
    """All of these hold."""

    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of these holds."""

    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """This does not hold."""

    filter: Filter


Filter: TypeAlias = "Eq | In | Range | Contains | And | Or | Not"


def compiled(tree: Filter) -> tuple[str, list[str]]:
    """A filter as an SQL condition over the columns of a person, and its values.

    Raises:
        InvalidArgument: A field that people do not have, a value of another kind, or nothing that is a filter.
    """
    if isinstance(tree, Eq):
        column = _column(tree.field)
        return (f"{column} IS NULL", []) if tree.value is None else (f"coalesce({column}, '') = ?", [_text(tree.value)])
    if isinstance(tree, In):
        marks = ", ".join("?" for _ in tree.values)
        column = _column(tree.field)
        # A list of nothing has nobody; not every engine takes an empty one.
        return (f"coalesce({column}, '') IN ({marks})" if marks else "1 = 0"), [_text(value) for value in tree.values]
    if isinstance(tree, Range):
        return _range(tree)
    if isinstance(tree, Contains):
        # LIKE has wildcards; what somebody types has none.
        text = re.sub(r"[\\%_]", r"\\\g<0>", _text(tree.text))
        return f"lower(coalesce({_column(tree.field)}, '')) LIKE lower(?) ESCAPE '\\'", [f"%{text}%"]
    if isinstance(tree, And | Or):
        parts = [compiled(each) for each in tree.filters]
        word, empty = (" AND ", "1 = 1") if isinstance(tree, And) else (" OR ", "1 = 0")
        return word.join(f"({sql})" for sql, _ in parts) or empty, [value for _, values in parts for value in values]
    if isinstance(tree, Not):
        sql, values = compiled(tree.filter)
        return f"NOT ({sql})", values
    raise InvalidArgument(f"where: expected a filter such as Eq('purpose', 'front door'), got {type(tree).__name__}")


def _range(tree: Range) -> tuple[str, list[str]]:
    column, parts, values = _column(tree.field), [], []
    for sign, bound in ((">=", tree.low), ("<=", tree.high)):
        if bound is not None:
            parts.append(f"{column} {sign} ?")
            values.append(_text(bound))
    return " AND ".join([f"{column} IS NOT NULL", *parts]), values


def _column(field: str) -> str:
    if field not in FIELDS:
        raise InvalidArgument(f"where: expected a field among {', '.join(FIELDS)}, got {field!a}")
    return f"person.{field}"


def _text(value: Value) -> str:
    """A value as columns hold it: times in UTC to the second, so that texts are ordered as times are."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(microsecond=0).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if not isinstance(value, str):
        raise InvalidArgument(f"where: expected a text, a day or a time, got {type(value).__name__}")
    return value
