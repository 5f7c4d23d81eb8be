"""`Requests`: what came of a caller's request, so that one that is sent again is answered and not done again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mien.errors import InvalidArgument
from mien.gallery.collection import Collection

if TYPE_CHECKING:
    from mien.gallery.store import Transaction

__all__ = ["Requests", "outcome_of"]


class Requests(Collection):
    """Outcomes of requests, which are forgotten with the people whom they concern."""

    def outcome(self, request: str, asked: str) -> dict[str, Any] | None:
        """What came of a request before; None where it was not made.

        Args:
            request: The caller's key of it; whoever may not learn of another's requests needs keys of their own.
            asked: What is asked for, as a text that is the same each time.

        Raises:
            InvalidArgument: The request was made before, and asked for something else.
        """
        with self._store.reading(self.collection) as transaction:
            return outcome_of(transaction, request, asked)

    def keep_outcome(self, request: str, asked: str, outcome: dict[str, Any], person_id: str) -> None:
        """Keep what came of a request until the person is erased; the first outcome stays.

        `enroll` keeps its own. An edit cannot be done twice anyhow, so that one whose outcome was not kept, because the
        process was killed, is refused when it is repeated.

        Args:
            request: See `outcome`, like the next one.
            asked: The text itself is not kept.
            outcome: Plain JSON values.
            person_id: Whom it concerns.
        """
        with self._store.writing(self.collection) as transaction:
            if transaction.outcome(request) is None and transaction.by_id(person_id) is not None:
                transaction.keep_outcome(request, asked, json.dumps(outcome), person_id)


def outcome_of(transaction: Transaction, request: str, asked: str) -> dict[str, Any] | None:
    """See `Requests.outcome`."""
    found = transaction.outcome(request)
    if found is None:
        return None
    before, outcome = found
    if before != transaction.digest(asked):
        raise InvalidArgument(f"request {request!a}: was made before, for something else; give each a key of its own")
    answer: dict[str, Any] = json.loads(outcome)
    return answer
