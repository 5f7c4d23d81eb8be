"""`Importing`: people whom another program named come into a gallery."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import TYPE_CHECKING

from mien.errors import NoImages
from mien.gallery.enrolling import Enrolling
from mien.gallery.people import Enrolment, parse_purpose, parse_until
from mien.gallery.resolve import enrollee
from mien.gallery.sources import several

if TYPE_CHECKING:
    import datetime as dt

    from mien.errors import MienError
    from mien.media import Source

__all__ = ["Importing"]


class Importing(Enrolling):
    """Import of names from photos."""

    def import_names(
        self,
        sources: Source | Iterable[Source],
        *,
        purpose: str | None = None,
        until: str | dt.date | None = None,
        on_error: Callable[[int, MienError], None] | None = None,
    ) -> list[Enrolment]:
        """Enrol the people whom other programs named in photos; see `mien.media.regions` for what is read.

        Each name gets the very face its region stands on, whatever its size; a name without a region the only face of
        a photo that bears no other name. Faces are checked as in `enroll`, over all photos of a name together, and
        become samples of the person of that label, or of a new one. People are committed one by one, each all or
        nothing; run again, photos that are samples already change nothing.

        Args:
            sources: Photos.
            purpose: What the faces are kept for; with ``until``, recorded as a consent given now.
            until: Last day (UTC) on which they are identified; renews consents that have expired.
            on_error: Called with the position and the error of a photo that cannot be read, or whose metadata are
                damaged or hold a name that cannot be a label; it is then left out. Without it the error is raised
                before anything is enrolled.

        Returns:
            One `Enrolment` a name, in order of appearance. Beyond the reasons of `enroll`, a photo may be refused for
            ``"no_face_in_region"``, ``"name_without_place"`` (several faces or names, and no region) and
            ``"named_twice"`` (one name on several faces of one photo).

        Raises:
            InvalidArgument: A purpose or day that cannot be, an array among the photos, or samples for an expired
                consent.
            NoImages: No source at all.
            UnreadableImage, ImageTooLarge: Of a photo, where ``on_error`` is None.
            AmbiguousPerson: Several people bear a label; nobody was enrolled.
            SpaceMismatch: The collection is pinned to another embedding space than the pipeline's.
            StoreError: The store failed; the people before it are enrolled.
        """
        from mien.gallery.imported import named_faces

        expires, purpose, pipeline = parse_until(until), parse_purpose(purpose), self._pipeline()
        photos = iter(several(sources))
        first = [*islice(photos, 1)]
        if not first:
            raise NoImages("import_names: expected at least one photo, got none")
        with self._store.reading(self.collection) as transaction:
            self._check_space(transaction, pipeline)
        found = named_faces(chain(first, photos), pipeline, on_error)
        with self._store.reading(self.collection) as transaction:
            for label in found:
                enrollee(transaction, label, False, None, expires)
        return [self._enrol(label, probes, False, None, (), purpose, expires) for label, probes in found.items()]
