"""`Requests`: what came of a caller's request, so that one that is sent again is answered and not done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mien.errors import StoreUnavailable
from mien.gallery.collection import Collection
from mien.gallery.outcomes import Answered, asking, outcome_of

if TYPE_CHECKING:
    from mien.gallery.people import Person

__all__ = ["Requests"]


class Requests(Collection):
    """Outcomes of requests, which are forgotten with the people whom they concern."""

    def outcome(self, request: str, asked: str) -> dict[str, Any] | None:
        """What came of a request before; None where it was not made.

        Args:
            request: The caller's key of it; whoever may not learn of another's requests needs keys of their own.
            asked: What is asked for, as a text that is the same each time; the text itself is not kept.

        Raises:
            InvalidArgument: The request was made before, and asked for something else.
        """
        with self._store.reading(self.collection) as transaction:
            return outcome_of(transaction, request, asked)

    def once(self, request: str, asked: str, edit: Callable[[], Person]) -> tuple[dict[str, Any], bool]:
        """Do an edit once, however often it is asked for, by however many at the same time, in any process.

        The outcome is kept in the transaction of the edit, until the person is erased. Of two who ask at the same time
        the second waits for its turn, and gets the first one's answer. `enroll` does the same with its own ``request``.

        Args:
            request: See `outcome`, like the next one.
            asked: What is asked for.
            edit: Calls one of `merge`, `split`, `move` and `name`, in this thread, and returns what that returned.

        Returns:
            The person as JSON, and whether they are that by this call.

        Raises:
            InvalidArgument: As in `outcome`.
            MienError: What the edit raises; nothing was kept.
        """
        before = self.outcome(request, asked)
        if before is not None:
            return before, False
        try:
            with asking(request, asked):
                return edit().to_dict(), True
        except Answered as answered:
            return answered.outcome, False
        except StoreUnavailable:
            raise
        except Exception:
            # What it was to be done to may be gone because it was done, since this call looked for it.
            before = self.outcome(request, asked)
            if before is None:
                raise
            return before, False
