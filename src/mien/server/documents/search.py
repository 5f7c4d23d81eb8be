"""Searches by template, and whom they search."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from mien import gallery
from mien.gallery.filters import Filter
from mien.server.documents.base import Document

__all__ = ["Neighbour", "Neighbours", "Search", "SearchResult", "Where"]

_FieldName: TypeAlias = Literal["label", "purpose", "given", "expires", "created"]
_Value: TypeAlias = Annotated[str, Field(max_length=200)]
_TIMES = frozenset({"given", "created"})
_MOST = 500


class Is(Document):
    """The field has this value; null for one that was not recorded."""

    field: _FieldName
    value: _Value | None

    def filter(self) -> Filter:
        """As the library knows it."""
        return gallery.Eq(self.field, None if self.value is None else _value(self.field, self.value))


class OneOf(Document):
    """The field has one of these values."""

    field: _FieldName
    values: list[_Value] = Field(max_length=1000)

    def filter(self) -> Filter:
        """As the library knows it."""
        return gallery.In(self.field, tuple(_value(self.field, value) for value in self.values))


class Between(Document):
    """The field lies between two values, both included; null for no bound."""

    field: _FieldName
    low: _Value | None = None
    high: _Value | None = None

    def filter(self) -> Filter:
        """As the library knows it."""
        low, high = (None if bound is None else _value(self.field, bound) for bound in (self.low, self.high))
        return gallery.Range(self.field, low, high)


class Has(Document):
    """The field has this text somewhere in it; letters A to Z are the same in either case."""

    field: _FieldName
    contains: _Value

    def filter(self) -> Filter:
        """As the library knows it."""
        return gallery.Contains(self.field, self.contains)


class Every(Document):
    """All of these hold."""

    all: list[Where] = Field(max_length=20)

    def filter(self) -> Filter:
        """As the library knows it."""
        return gallery.And(tuple(one.filter() for one in self.all))


class Some(Document):
    """One of these holds."""

    any: list[Where] = Field(max_length=20)

    def filter(self) -> Filter:
        """As the library knows it."""
        return gallery.Or(tuple(one.filter() for one in self.any))


class Neither(Document):
    """This does not hold."""

    not_: Where = Field(alias="not")

    def filter(self) -> Filter:
        """As the library knows it."""
        return gallery.Not(self.not_.filter())


Where: TypeAlias = Is | OneOf | Between | Has | Every | Some | Neither


class Search(Document):
    """Templates to be searched for."""

    space: str = Field(max_length=100, description="embedding space of the templates: that of the collection")
    templates: list[Annotated[list[float], Field(min_length=1, max_length=4096)]] = Field(
        min_length=1, max_length=10, description="each of unit length"
    )
    k: int = Field(default=5, ge=1, le=100, description="how many people for each")
    threshold: float = Field(default=-1.0, ge=-1, le=1, description="lowest score")
    where: Where | None = Field(default=None, description="whom to search; null for everybody")

    @model_validator(mode="after")
    def _bounded(self) -> Search:
        # A filter becomes one statement, of which databases take only so much.
        if self.where is not None and _size(self.where.filter()) > _MOST:
            raise ValueError(f"where: expected at most {_MOST} conditions and values")
        return self


class Neighbour(Document):
    """A person who is like a template."""

    person_id: str
    label: str
    score: float = Field(description="cosine similarity")
    samples: int


class SearchResult(Document):
    """The people most like one template, best first; nothing is decided."""

    candidates: list[Neighbour]
    searched: int
    exact: bool


class Neighbours(Document):
    """What a search found, in the order of its templates."""

    space: str | None
    calibration: str | None = Field(description="that decisions of this collection rest on; scores here are undecided")
    revision: int
    results: list[SearchResult]


def _size(tree: Filter) -> int:
    if isinstance(tree, gallery.In):
        return 1 + len(tree.values)
    if isinstance(tree, gallery.And | gallery.Or):
        return 1 + sum(_size(one) for one in tree.filters)
    return 1 + (_size(tree.filter) if isinstance(tree, gallery.Not) else 0)


def _value(field: str, text: str) -> str | dt.datetime:
    """Times are compared as times, whatever their zone; days and words as they are."""
    return dt.datetime.fromisoformat(text) if field in _TIMES and len(text) > len("2027-01-01") else text


for _document in (Every, Some, Neither, Search):
    _document.model_rebuild()
