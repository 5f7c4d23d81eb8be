"""`Gallery`: people are enrolled or named, identified, and put right."""

from __future__ import annotations

from mien.gallery.auditing import Auditing
from mien.gallery.bulk import Bulk
from mien.gallery.cropping import Cropping
from mien.gallery.editing import Editing
from mien.gallery.erasing import Erasing
from mien.gallery.identifying import Identifying
from mien.gallery.importing import Importing
from mien.gallery.moving import Moving
from mien.gallery.naming import Naming
from mien.gallery.reembed import Reembedding
from mien.gallery.requests import Requests
from mien.gallery.searching import Searching
from mien.gallery.watching import Watching

__all__ = ["Gallery"]


class Gallery(
    Bulk,
    Importing,
    Identifying,
    Watching,
    Naming,
    Editing,
    Erasing,
    Cropping,
    Auditing,
    Requests,
    Searching,
    Moving,
    Reembedding,
):
    """A collection of known people, and of people to be named, in a store.

    A collection pins the embedding space of its first face. Any number of threads may use one gallery, and any
    number of processes one store: each call sees everything committed before it began, each change is on the disk
    when the call returns, and a change is made entirely or not at all, even where the process is killed or the disk is
    full. Writers queue; faces are found and embedded before a writer's turn, so that searches never wait for them.

    Args:
        location: A path, ``sqlite:///path``, or None for the environment's ``MIEN_GALLERY`` and else ``people.mien``
            in the user's data folder. The file is created, readable by its owner alone, where there is none.
        collection: Which collection of the store.
        pipeline: Finds and embeds faces; None for the one whose space the collection is pinned to, or the default one,
            loaded when first needed.
        calibration: Of the pipeline, or what gives it by the pipeline's name and is asked for every decision; None for
            the one that is installed for it.
        key: Seals the templates of a new collection, and opens those of a sealed one: 32 bytes, or the file that holds
            them (see `mien gallery key`); None for the file that ``MIEN_GALLERY_KEY`` names, if it does. A sealed
            collection keeps no index in a file: it is made in memory, which is locked, at the first search.
        on_expired: Called with each person whose consent ran out when they are erased, by this object.

    Raises:
        StoreUnavailable: The folder is missing, or the file cannot be opened.
        StoreCorrupt: The file is no gallery, is damaged, or was written by a newer Mien.
        StoreFull: No room to create it.
        WrongKey: The collection is sealed and this is not its key, or it is not sealed.
        SpaceMismatch: The collection is pinned to another embedding space than the given pipeline's.

    Examples:
        >>> with Gallery("people.mien") as gallery:  # doctest: +SKIP
        ...     gallery.enroll("Ada Lovelace", ["ada1.jpg", "ada2.jpg"], purpose="front door")
        ...     for face in gallery.identify("party.jpg", fpir=0.01):
        ...         print(face.person, face.decision)
        ...     for suggestion in gallery.suggest(["beach.jpg", "picnic.jpg"], keep_days=30):
        ...         print(suggestion.suggestion_id, len(suggestion.faces), suggestion.candidate)
        ...     gallery.name("1f0c9a2e", "Charles Babbage", purpose="family album")
    """
