"""Clustering: from the templates of unknown faces to people.

Two groups of faces become one person while as much speaks for it as for two single faces whose cosine is the threshold;
faces that agree add up, so that a person of many photos may be found where no two of them would be enough. What a user
has said of the faces, and that nobody is twice in one photo, always holds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from mien.errors import InvalidArgument, LinkConflict
from mien.recognition._agglomeration import Clusters, agglomerate
from mien.recognition._graph import pairs_above
from mien.recognition.calibration import Calibration
from mien.types import Array

__all__ = ["cluster", "clustering_threshold"]

# How far below the threshold of two single faces the average cosine of two sets may lie that are one person's. On LFW
# more finds more of a person's photos; in a large pile, where people have families of look-alikes, it costs precision.
_REACH = 0.06

OnProgress = Callable[[int, int], None]


def clustering_threshold(calibration: Calibration, faces: int, *, strangers: float = 0.1) -> float:
    """Threshold for `cluster` from a calibration: a face meets so many strangers among the others by chance.

    The rate of false matches is ``strangers / faces``, so that it falls as the pile grows; below the lowest rate that
    the calibration supports, the threshold of that rate.

    Args:
        calibration: Of the pipeline the templates come from.
        faces: How many faces are to be clustered.
        strangers: Faces of other people that reach the threshold, on average, beside each face. More joins more of
            the photos of one person, and more strangers. The default is a compromise over LFW's crops and frames,
            with and without people of a single photo.

    Raises:
        InvalidArgument: No faces, or ``strangers`` is not positive.
        NotCalibrated: Nothing is known of comparing two images.
        UnsupportedErrorRate: The calibration supports no rate at all.
    """
    if faces < 1 or not strangers > 0:
        raise InvalidArgument(f"expected 1 face or more and a positive number of strangers, got {faces}, {strangers}")
    points = calibration.comparisons["image-image"].supported if "image-image" in calibration.comparisons else ()
    rate = min(strangers / faces, 0.5)
    return calibration.verification_threshold("image-image", max(rate, points[-1].fmr) if points else rate).value


def cluster(
    templates: ArrayLike,
    *,
    threshold: float,
    must_link: ArrayLike | None = None,
    cannot_link: ArrayLike | None = None,
    photos: ArrayLike | None = None,
    named: ArrayLike | None = None,
    on_progress: OnProgress | None = None,
) -> NDArray[np.int64]:
    """Who is who among faces: the same label for the faces of one person.

    Constrained agglomeration by the likelihood ratio of one person to two (two-covariance model: Bruemmer and de
    Villiers, "The speaker partitioning problem", 2010; its two variances are LFW's); but no two sets whose cosines
    average more than 0.06 below the threshold, however many agree. Every pair of faces is compared;
    where a face has very many that are alike, 40 and more among 100,000, it keeps its nearest ones, and clusters are
    compared with one another until no two that may be merged are found. Takes O(n^2 d) time for comparing faces, the
    rest is small beside it, and O(n (d + k)) memory: k is about 4,000,000 / n, at least 16.

    The result does not depend on the order of the faces, but for labels and for equal templates that differ in links.

    Args:
        templates: (n, d) float32 of unit length, of one embedding space.
        threshold: Cosine similarity at which two single faces are one person, -1 to 1; see `clustering_threshold`.
        must_link: (m, 2) int, rows of two faces that are one person.
        cannot_link: (m, 2) int, rows of two faces that are not.
        photos: (n,) int, key of the photo a face is in: two faces of one photo are two people. -1 is none.
        named: (n,) int, key of the person a face is known to be: faces of one person stay together, those of two never
            meet. -1 is not known. So a pile that grew is clustered again without undoing what was named.
        on_progress: Told how many faces have been compared, and how many there are; ends with (n, n).

    Returns:
        (n,) int64 labels 0, 1, 2... in the order in which people first occur; a face alone has a label of its own.

    Raises:
        InvalidArgument: An array of another shape, a template that is not finite or not of unit length, a row out of
            range.
        LinkConflict: Faces that are one person by links are two by others, or by their photo; ``details["faces"]``
            are two of them, ``details["chain"]`` the faces that join them, ``details["because"]`` what parts them
            (``"cannot_link"``, ``"photos"``, ``"named"``).
    """
    vectors = _templates(templates)
    n = len(vectors)
    if not np.isfinite(threshold) or not -1 <= threshold <= 1:
        raise InvalidArgument(f"threshold: expected a cosine between -1 and 1, got {threshold}")
    together, apart = _links("must_link", must_link, n), _links("cannot_link", cannot_link, n)
    keys = {"photos": _keys("photos", photos, n), "named": _keys("named", named, n)}
    # Sums depend on the order of their terms; in an order of the templates' own, that of the caller has no say.
    order = _content_order(vectors)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    vectors, together, apart = vectors[order], rank[together], rank[apart]
    keys = {name: key[order] for name, key in keys.items()}

    together = np.concatenate([together, _chains(keys["named"])])
    face, token, why = _tokens(apart, **keys)
    group = _components(n, together)
    _check_conflicts(group[face], face, token, why, together, order)
    linked = np.concatenate([together.ravel(), apart.ravel(), np.flatnonzero(keys["named"] >= 0)])
    group = _components(n, np.concatenate([together, _equals(vectors, keys["photos"], linked)]))
    group = _merge(vectors, group, face, token, threshold, on_progress)
    return _in_order_of_occurrence(group[rank])


def _merge(
    vectors: Array,
    group: NDArray[np.int64],
    face: NDArray[np.int64],
    token: NDArray[np.int64],
    threshold: float,
    on_progress: OnProgress | None,
) -> NDArray[np.int64]:
    n = len(group)

    def on_rows(done: int) -> None:
        # Rows are clusters of linked faces; the last one is not the end.
        if on_progress is not None:
            on_progress(min(done, n - 1), n)

    first, floor = True, threshold - _REACH
    while True:
        clusters = _clusters(vectors, group, face, token)
        pairs = pairs_above(clusters.means, floor, on_rows if first else None)
        merged = agglomerate(clusters, pairs, threshold, floor)
        group = np.unique(clusters.into[group], return_inverse=True)[1]
        first = False
        if pairs.complete or not merged:
            break
    if on_progress is not None:
        on_progress(n, n)
    return group


def _clusters(vectors: Array, group: NDArray[np.int64], face: NDArray[np.int64], token: NDArray[np.int64]) -> Clusters:
    # One photo many times over says no more than once.
    weights = _shares(vectors)
    sizes = np.bincount(group, weights).astype(np.float64)
    # A sparse product sums the rows of each group, in order and in the precision of the templates.
    members = csr_array((weights.astype(np.float32), (group, np.arange(len(group)))), (len(sizes), len(group)))
    means = np.asarray(members @ vectors / sizes[:, None], np.float32)
    return Clusters(means, sizes, group[face], token, np.arange(len(sizes)))


def _shares(vectors: Array) -> NDArray[np.float64]:
    """Of each vector, one divided by how many equal it; vectors are in the order of their content."""
    starts = np.flatnonzero(np.concatenate([[True], (vectors[1:] != vectors[:-1]).any(1)])[: len(vectors)])
    counts = np.diff(np.append(starts, len(vectors)))
    return np.repeat(1 / counts, counts)


def _templates(templates: ArrayLike) -> Array:
    vectors = np.asarray(templates, np.float32)
    if vectors.ndim != 2 or (len(vectors) and not vectors.shape[1]):
        raise InvalidArgument(f"templates: expected shape (n, d), got {vectors.shape}")
    wrong = ~(np.abs(np.einsum("nd,nd->n", vectors, vectors) - 1) < 1e-2)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InvalidArgument(
            f"templates: expected rows of unit length, got one of length {np.linalg.norm(vectors[row]):.3g} at row "
            f"{row} ({int(wrong.sum())} of {len(vectors)}); leave out faces without a template",
            row=row,
        )
    return vectors + np.float32(0)  # of two zeros that compare equal, the negative one sorts elsewhere


def _links(name: str, links: ArrayLike | None, n: int) -> NDArray[np.int64]:
    pairs = np.asarray([] if links is None else links)
    if not pairs.size:
        return np.empty((0, 2), np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise InvalidArgument(f"{name}: expected integers of shape (m, 2), got {pairs.dtype} of {pairs.shape}")
    outside = (pairs < 0) | (pairs >= n)
    if outside.any():
        raise InvalidArgument(f"{name}: expected rows of {n} faces, got {pairs[outside][0]}")
    return np.asarray(pairs, np.int64)


def _keys(name: str, keys: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """Keys as small numbers, -1 where there is none."""
    if keys is None:
        return np.full(n, -1, np.int64)
    column = np.asarray(keys)
    if column.shape != (n,) or (n and column.dtype.kind not in "iu"):
        raise InvalidArgument(f"{name}: expected integers of shape ({n},), got {column.dtype} of {column.shape}")
    if (column < -1).any():
        raise InvalidArgument(f"{name}: expected keys of 0 or more, or -1 for none, got {column.min()}")
    small = np.unique(column, return_inverse=True)[1]
    return np.where(column == -1, -1, small).astype(np.int64)


def _content_order(vectors: Array) -> NDArray[np.int64]:
    if not len(vectors):
        return np.empty(0, np.int64)
    rows = np.ascontiguousarray(vectors).view(np.dtype((np.void, vectors.strides[0]))).ravel()
    return np.argsort(rows, kind="stable")


def _chains(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Links that hold the rows of each key together."""
    rows = np.flatnonzero(keys >= 0)
    rows = rows[np.argsort(keys[rows], kind="stable")]
    same = keys[rows[1:]] == keys[rows[:-1]]
    return np.stack([rows[:-1][same], rows[1:][same]], axis=1)


def _tokens(
    apart: NDArray[np.int64], photos: NDArray[np.int64], named: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.str_]]:
    """Everything that parts faces in one form: two faces that hold the same token are two people."""
    count = np.bincount(photos[photos >= 0], minlength=1)
    crowd = np.flatnonzero((photos >= 0) & (count[photos] > 1))
    known = np.flatnonzero(named >= 0)
    people = known[np.unique(named[known], return_index=True)[1]]
    face = np.concatenate([apart.ravel(), crowd, people])
    pair = np.repeat(np.arange(len(apart)), 2)
    token = np.concatenate([pair, len(apart) + photos[crowd], np.full(len(people), len(apart) + len(count))])
    why = np.repeat(["cannot_link", "photos", "named"], [2 * len(apart), len(crowd), len(people)])
    return face, token, why


def _components(n: int, links: NDArray[np.int64]) -> NDArray[np.int64]:
    """Groups that links make, numbered by their first row."""
    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), (n, n))
    labels = connected_components(graph, directed=False)[1] if n else np.empty(0, np.int64)
    return _in_order_of_occurrence(labels)


def _in_order_of_occurrence(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def _equals(vectors: Array, photos: NDArray[np.int64], linked: NDArray[np.int64]) -> NDArray[np.int64]:
    """Links between equal templates of different photos: a burst, or one file many times over.

    What has links of its own is left to the clustering proper. Vectors are in the order of their content.
    """
    same = (vectors[1:] == vectors[:-1]).all(1)
    value = np.concatenate([[0], np.cumsum(~same)])[: len(vectors)]
    by_photo = np.lexsort((photos, value))
    again = np.zeros(len(value), bool)
    again[1:] = (np.diff(value[by_photo]) == 0) & (np.diff(photos[by_photo]) == 0) & (photos[by_photo][1:] >= 0)
    # Of several equal faces in one photo, the first joins the first ones of other photos, the second the second ones.
    starts = np.maximum.accumulate(np.where(again, 0, np.arange(len(value))))
    turn = np.empty(len(value), np.int64)
    turn[by_photo] = np.arange(len(value)) - starts
    key = np.unique(np.stack([value, turn]), axis=1, return_inverse=True)[1].reshape(-1)
    key[linked] = -1
    return _chains(key)


def _check_conflicts(
    group: NDArray[np.int64],
    face: NDArray[np.int64],
    token: NDArray[np.int64],
    why: NDArray[np.str_],
    together: NDArray[np.int64],
    order: NDArray[np.int64],
) -> None:
    by_token = np.lexsort((face, token, group))
    clash = np.flatnonzero((np.diff(group[by_token]) == 0) & (np.diff(token[by_token]) == 0))
    if not len(clash):
        return
    at = by_token[clash[0]]
    start, end = int(face[at]), int(face[by_token[clash[0] + 1]])
    graph = coo_array((np.ones(len(together), bool), (together[:, 0], together[:, 1])), (len(order), len(order)))
    before = breadth_first_order(graph.tocsr(), start, directed=False)[1]
    chain = [end]
    while chain[-1] != start:
        chain.append(int(before[chain[-1]]))
    faces = [int(order[start]), int(order[end])]
    raise LinkConflict(
        f"faces {faces[0]} and {faces[1]} are one person by what links them, and two by {why[at]}; take one of the "
        f"links back ({len(clash)} conflicts)",
        faces=list(faces),
        chain=[int(order[row]) for row in chain[::-1]],
        because=str(why[at]),
        conflicts=len(clash),
    )
