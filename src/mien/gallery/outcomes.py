"""What came of a request, within the transaction that does it: there is neither without the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from mien.errors import InvalidArgument

if TYPE_CHECKING:
    from mien.gallery.people import Person
    from mien.gallery.store import Transaction

__all__ = ["Answered", "asking", "check", "keep", "outcome_of"]

_ASKED: ContextVar[tuple[str, str] | None] = ContextVar("mien_request", default=None)


class Answered(Exception):
    """What is asked for was done meanwhile, by somebody who asked for the same with the same key.

    Attributes:
        outcome: What came of it.
    """

    def __init__(self, outcome: dict[str, Any]) -> None:
        self.outcome = outcome


@contextmanager
def asking(request: str, asked: str) -> Iterator[None]:
    """The edit within this context is a request's; see `mien.Gallery.once`."""
    token = _ASKED.set((request, asked))
    try:
        yield
    finally:
        _ASKED.reset(token)


def check(transaction: Transaction) -> None:
    """Whoever had to wait for their turn may find that it was done meanwhile.

    Raises:
        Answered: It was.
        InvalidArgument: The request was made, and asked for something else.
    """
    if (own := _ASKED.get()) is not None and (before := outcome_of(transaction, *own)) is not None:
        raise Answered(before)


def keep(transaction: Transaction, person: Person) -> Person:
    """Keep what came of the request, where there is one, until the person is erased; returns the person."""
    if (own := _ASKED.get()) is not None:
        request, asked = own
        transaction.keep_outcome(request, asked, json.dumps(person.to_dict()), person.person_id)
    return person


def outcome_of(transaction: Transaction, request: str, asked: str) -> dict[str, Any] | None:
    """See `mien.Gallery.outcome`."""
    found = transaction.outcome(request)
    if found is None:
        return None
    before, outcome = found
    if before != transaction.digest(asked):
        raise InvalidArgument(f"request {request!a}: was made before, for something else; give each a key of its own")
    answer: dict[str, Any] = json.loads(outcome)
    return answer
