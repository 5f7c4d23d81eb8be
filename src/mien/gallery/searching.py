"""`Searching`: templates are searched for, and people are listed, whatever the engine."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mien.errors import InvalidArgument, SpaceMismatch, StoreUnavailable, WrongKey
from mien.gallery.audit import Level
from mien.gallery.collection import Collection
from mien.gallery.filters import FIELDS, Filter
from mien.gallery.people import Person
from mien.gallery.sealing import Seal
from mien.gallery.search import Found
from mien.types import Array

__all__ = ["Capabilities", "Page", "Searching"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the engine of a gallery can do; ask for these, never for an engine's name.

    Attributes:
        exact_search: Searches find exactly what a comparison with everybody would.
        approximate_search: Whether an index may be built that finds most of it sooner.
        transactions: A call is done entirely or not at all.
        read_your_writes: What was acknowledged is in every later search, of any process.
        filter_fields: What searches may be filtered by.
        purge_level: How far the bytes of erased people go.
        proof: Whether its files can be searched for the bytes of erased people.
        sealed: Whether templates are sealed at rest.
    """

    exact_search: bool
    approximate_search: bool
    transactions: bool
    read_your_writes: bool
    filter_fields: tuple[str, ...]
    purge_level: Level
    proof: bool
    sealed: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some people of a collection.

    Attributes:
        people: In the order of enrolment.
        next: Where the next page begins; None after the last. A short page need not be the last.
        revision: Of the collection when the page was read.
    """

    people: tuple[Person, ...]
    next: str | None
    revision: int


class Searching(Collection):
    """Search by template, and lists."""

    def search(
        self,
        templates: ArrayLike,
        *,
        k: int = 5,
        threshold: float = -1.0,
        where: Filter | None = None,
        approximate: bool = False,
    ) -> list[Found]:
        """The people most like each template: exactly those that a comparison with everybody would find.

        This compares; it does not decide. `identify` decides at a stated error rate.

        Args:
            templates: (n, d) or (d,) float32 of unit length, of the collection's embedding space.
            k: How many people for each template.
            threshold: Lowest score; the higher it is, the faster the search.
            where: Whom to search, such as ``Eq("purpose", "front door")``; None for everybody. People whose consent has
                expired are never searched.
            approximate: Let a server ask its graph (`build_graph`), which may miss people, and say so (`Found.exact`).
                Searches of a file, and of a server without a graph, are exact all the same.

        Returns:
            One `Found` a template. Scores are cosine similarities in float32, best first, equal ones by person_id.

        Raises:
            InvalidArgument: No unit vectors, or a filter that cannot be.
            SpaceMismatch: Templates of another dimension than the collection's.
            StoreError: The store failed.
        """
        probes = _probes(templates)
        if probes.ndim != 2 or k < 1:
            raise InvalidArgument(f"search: expected (n, d) templates and k >= 1, got {probes.shape} and {k}")
        if len(probes) and not np.all(np.abs(np.linalg.norm(probes, axis=1) - 1) < 1e-3):
            raise InvalidArgument("search: expected templates of unit length; divide them by their Euclidean norm")
        with self._store.reading(self.collection) as transaction:
            space = transaction.space()
            if space is not None and probes.shape[1] != space[1]:
                raise SpaceMismatch(
                    f"search: expected templates of {space[1]} numbers ({space[0]}), got {probes.shape[1]}",
                    expected=space[1],
                    got=probes.shape[1],
                )
            return self._view(transaction).search(probes, k, threshold=threshold, where=where, approximate=approximate)

    def build_graph(self) -> None:
        """Make what an approximate search of this collection needs, which servers alone have (pgvector's HNSW).

        Nobody waits for it, but it takes minutes for each hundred thousand people; enrolments keep it up to date.

        Raises:
            InvalidArgument: A gallery in a file, a sealed collection, or one without people.
            StoreUnavailable: A server does not do it; repeat the call.
        """
        self._store.build_graph(self.collection)

    def page(self, after: str | None = None, *, limit: int = 100, where: Filter | None = None) -> Page:
        """Some people, in the order of enrolment: lists of any length, without holding them in memory.

        Args:
            after: `Page.next` of the page before; None for the first.
            limit: At most so many.
            where: Whom to list.

        Raises:
            InvalidArgument: A place that is none, or a filter that cannot be.
        """
        if limit < 1:
            raise InvalidArgument(f"limit: expected at least 1, got {limit}")
        with self._store.reading(self.collection) as transaction:
            # Numbers of people tell how many there are in all collections, and how many there were.
            seal = Seal(bytes.fromhex(transaction.digest(f"places of {self.collection}")))
            start = 0 if after is None else _place(after, seal)
            listed = transaction.page(start, limit + 1, where)
            revision = transaction.revision()
        place = None
        if len(listed) > limit:
            sealed = seal.close(listed[limit - 1][0].to_bytes(8, "big"))
            place = base64.urlsafe_b64encode(sealed).decode()
        return Page(tuple(person for _, person in listed[:limit]), place, revision)

    @property
    def size(self) -> int:
        """How many people are enrolled, those whose consent has expired among them."""
        with self._store.reading(self.collection) as transaction:
            return transaction.count_changed(-1, 2**62)

    @property
    def sample_counts(self) -> frozenset[int]:
        """How many samples somebody here has: each number that occurs, on which types of comparisons depend."""
        with self._store.reading(self.collection) as transaction:
            return transaction.sample_counts()

    @property
    def space(self) -> str | None:
        """Embedding space that the collection is pinned to; None before the first face."""
        with self._store.reading(self.collection) as transaction:
            pinned = transaction.space()
        return pinned[0] if pinned else None

    def collections(self) -> list[str]:
        """Names of the store's collections that hold, or held, a face."""
        with self._store.reading(self.collection) as transaction:
            return transaction.collections()

    @property
    def revision(self) -> int:
        """A number that grows with every change of the collection."""
        with self._store.reading(self.collection) as transaction:
            return transaction.revision()

    def wait_for(self, revision: int, *, timeout: float = 30.0) -> None:
        """Wait until this gallery shows a change that another process or machine was told of.

        Engines show what is committed at once; a standby that this gallery may be connected to can be behind.

        Args:
            revision: What `revision` was there, after the change.
            timeout: Seconds.

        Raises:
            StoreUnavailable: It did not come.
        """
        deadline = time.monotonic() + timeout
        while self.revision < revision:
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"{self.location}: revision {revision} did not come within {timeout:g} seconds")
            time.sleep(0.01)

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do."""
        return Capabilities(
            exact_search=True,
            approximate_search=not self._store.files() and not self._store.sealed,
            transactions=True,
            read_your_writes=True,
            filter_fields=FIELDS,
            purge_level=self._store.purge_level,
            proof=bool(self._store.files()),
            sealed=self._store.sealed,
        )


def _probes(templates: ArrayLike) -> Array:
    try:
        # Numbers beyond float32 are infinite, and no unit vector's.
        with np.errstate(over="ignore"):
            return np.atleast_2d(np.asarray(templates, np.float32))
    except (ValueError, TypeError):
        raise InvalidArgument("search: expected templates of one length, as numbers") from None


def _place(after: str, seal: Seal) -> int:
    try:
        return int.from_bytes(seal.open(base64.urlsafe_b64decode(after.encode())), "big")
    except (ValueError, WrongKey):
        raise InvalidArgument(f"after: expected the next of another page of this collection, got {after!a}") from None
