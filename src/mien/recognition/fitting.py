"""Fitting a calibration to images of known people."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien import media, metrics
from mien.errors import InvalidArgument, MienError, NoImages, UnsupportedErrorRate
from mien.recognition.calibration import COMPARISON_TYPES, Calibration, comparison_type
from mien.recognition.embed import fuse
from mien.recognition.pipeline import Pipeline
from mien.recognition.points import Comparison, GroupPoint, IdentificationPoint, Population, VerificationPoint
from mien.recognition.tracks import MOST_TRACKS, TRACK_LIMITS, Tracks, choose_stills, make_tracks, track_scores
from mien.types import Array, Face

__all__ = ["fit", "refit"]

_RATES = tuple(digit * 10.0**power for power in range(-2, -8, -1) for digit in (1.0, 0.5, 0.2))
_FPIRS = (0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002, 0.001)
_GALLERIES = (10, 30, 100, 300, 1000, 3000, 10_000)
_DRAWS = 5
_REACH = 0.1
_SAMPLES = ((1, 1), (2, 4), (5, 10))
_LEAST_FMR = 0.01

Groups: TypeAlias = Mapping[str, Mapping[str, str]]
_Subjects = NDArray[np.int64]


def refit(
    folder: str | os.PathLike[str],
    *,
    pipeline: Pipeline,
    name: str | None = None,
    groups: Groups | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_error: Callable[[str, MienError], None] | None = None,
) -> Calibration:
    """Fit a calibration to a folder that holds one folder of images a person.

    Each image counts with its largest face; images without one are left out. Thresholds for tracks are fitted to
    synthetic ones, each made from one image of a person (see `mien.recognition.tracks`).

    Args:
        folder: ``people/<person>/<image>``; a person's folder may hold folders, and an image that is in none is
            nobody's and left out.
        pipeline: What the calibration is for.
        name: What decisions call it; the folder's name by default.
        groups: By person (the folder's name), their group by attribute, such as ``{"ada": {"gender": "female"}}``;
            within each group the stated rates are checked.
        progress: Called with the images and synthetic tracks done and their total.
        on_error: Called with the path and the error of an image that cannot be read, which is left out.

    Raises:
        NoImages: Nothing there.
        InvalidArgument: Fewer than two people, or nobody with two images.
        UnsupportedErrorRate: Too few people to promise even a false match rate of 1 %.
    """
    paths = [path for path in media.list_images(folder) if path.parent != Path(folder)]
    if not paths:
        raise NoImages(f"{folder}: expected a folder of images a person, got images alone", source=str(folder))
    # By the outermost folder: two people's images may be sorted into folders of one name, such as years.
    owners = [path.relative_to(folder).parts[0] for path in paths]
    total = len(paths) + min(len(set(owners)), MOST_TRACKS)

    def failed(index: int, error: MienError) -> None:
        if on_error is not None:
            on_error(str(paths[index]), error)

    def advance(done: int) -> None:
        if progress is not None:
            progress(done, total)

    faces: dict[int, Face] = {}
    for index, _, found in pipeline.find_all_indexed(paths, on_error=failed):
        advance(index + 1)
        if found.largest is not None:
            faces[index] = found.largest
    if not faces:
        raise InvalidArgument(f"{folder}: no face in any of {len(paths)} images; expected a folder a person")
    people = [owners[index] for index in faces]
    stills = [list(faces)[row] for row in choose_stills(people)]
    rows = {index: row for row, index in enumerate(faces)}
    images = ((rows[index], media.read(paths[index]), faces[index].box) for index in stills)
    tracks = make_tracks(images, pipeline, progress=lambda done: advance(len(paths) + done))
    advance(total)
    limits = f"holds for people, cameras and light like those in this folder; {TRACK_LIMITS}"
    return fit(
        np.stack([_template(face) for face in faces.values()]),
        people,
        pipeline=pipeline.name,
        name=name or Path(folder).name,
        population=Population(f"images in {Path(folder).name}", len(set(people)), len(people), limits),
        tracks=tracks,
        groups=groups,
    )


def _template(face: Face) -> Array:
    assert face.template is not None
    return face.template


def fit(
    templates: Array,
    people: list[str],
    *,
    pipeline: str,
    name: str,
    population: Population,
    tracks: Tracks | None = None,
    groups: Groups | None = None,
    replicates: int = 400,
    seed: int = 0,
) -> Calibration:
    """Fit a calibration to templates.

    Args:
        templates: (n, d) float32 of unit length.
        people: Whose they are, one name a row.
        pipeline: Name of the pipeline that made them.
        name: What decisions call the calibration.
        population: Whose images these are.
        tracks: Made of some of these images by `mien.recognition.tracks.make_tracks`; without them tracks of faces are
            not calibrated.
        groups: By person, their group by attribute.
        replicates: Draws of people behind each interval.
        seed: Of the draws; the same seed gives the same calibration.

    Raises:
        InvalidArgument: Fewer than two people, or nobody with two images.
        UnsupportedErrorRate: Too few people to promise even a false match rate of 1 %.
    """
    subjects = np.unique(people, return_inverse=True)[1].astype(np.int64)
    if not len(subjects) or subjects.max() < 1:
        raise InvalidArgument("expected several people with several images each, got one person; add others")
    rng = np.random.default_rng(seed)
    pairs = {COMPARISON_TYPES[0]: metrics.all_pairs(templates, subjects)}
    pairs |= _against_people(templates, subjects, rng)
    if tracks is not None and len(tracks.rows):
        pairs |= _tracks_against_people(templates, subjects, tracks, np.random.default_rng([seed, 1]))
    comparisons = {kind: _comparison(scores, replicates, seed) for kind, scores in pairs.items()}
    single = comparisons[COMPARISON_TYPES[0]]
    if not any(point.fmr <= _LEAST_FMR for point in single.supported):
        bound = metrics.lowest_supported_fmr(pairs[COMPARISON_TYPES[0]])
        raise UnsupportedErrorRate(
            f"{population.people} people with {population.images} images support no false match rate below "
            f"{bound:.2g}; expected enough for {_LEAST_FMR:g}: about 60 people, two images each or more",
            rate=_LEAST_FMR,
            bound=bound,
        )
    points = tuple(_identification(templates, subjects, seed))
    within = _within_groups(pairs[COMPARISON_TYPES[0]], sorted(set(people)), single, groups or {})
    return Calibration(name, pipeline, population, comparisons, points, tuple(within))


def _within_groups(
    pairs: metrics.PairScores, people: list[str], comparison: Comparison, groups: Groups
) -> Iterator[GroupPoint]:
    """How each stated rate holds among the people of each group."""
    unknown = sorted(set(groups) - set(people))
    if unknown:
        raise InvalidArgument(f"groups: nobody here is called {', '.join(unknown[:8])}; expected names of folders")
    for attribute in sorted({name for labels in groups.values() for name in labels}):
        labels = [groups.get(person, {}).get(attribute) or None for person in people]
        for point in comparison.supported:
            for one in metrics.group_rates(pairs, labels, point.threshold):
                if one.fmr is not None:
                    rate = one.fmr
                    yield GroupPoint(
                        attribute, one.group, one.people, point.fmr, rate.value, rate.low, rate.high, rate.supported
                    )


def _against_people(
    templates: Array, subjects: _Subjects, rng: np.random.Generator
) -> Iterator[tuple[str, metrics.PairScores]]:
    """Every image that is no reference against every person with so many reference images."""
    for least, most in _SAMPLES:
        references, owners, probe = _references(templates, subjects, least, most, rng)
        if len(owners) >= 2 and np.isin(subjects[probe], owners).any():
            pairs = metrics.cross_pairs(templates[probe], subjects[probe], np.stack(references), np.array(owners))
            yield comparison_type(least), pairs


def _tracks_against_people(
    templates: Array, subjects: _Subjects, tracks: Tracks, rng: np.random.Generator
) -> Iterator[tuple[str, metrics.PairScores]]:
    """Every track against every person, of whom the stills behind the tracks are no references."""
    others = np.delete(np.arange(len(subjects)), tracks.rows)
    probes = subjects[tracks.rows]
    for least, most in _SAMPLES:
        references, owners, _ = _references(templates[others], subjects[others], least, most, rng)
        if len(owners) >= 2 and np.isin(probes, owners).any():
            scores = track_scores(tracks, np.stack(references))
            yield comparison_type(least, probe="track"), metrics.scored_pairs(scores, probes, np.array(owners))


def _references(
    templates: Array, subjects: _Subjects, least: int, most: int, rng: np.random.Generator
) -> tuple[list[Array], list[int], NDArray[np.bool_]]:
    """Templates of people with ``least`` to ``most`` images, who they are, and which images are left over."""
    references, owners = [], []
    probe = np.ones(len(subjects), bool)
    for person in np.unique(subjects):
        rows = rng.permutation(np.flatnonzero(subjects == person))
        if len(rows) < least:
            continue
        size = int(rng.integers(least, min(most, len(rows)) + 1))
        chosen = rows[:size] if len(rows) > size else rows[: max(least, size - 1)]
        references.append(fuse(templates[chosen]))
        owners.append(int(person))
        probe[chosen] = False
    return references, owners, probe


def _comparison(pairs: metrics.PairScores, replicates: int, seed: int) -> Comparison:
    points = []
    for rate in _RATES:
        point = metrics.operating_point(pairs, rate, replicates=replicates, seed=seed)
        fmr = point.fmr
        points.append(
            VerificationPoint(
                rate,
                float(point.threshold),
                fmr.low,
                fmr.high,
                point.fnmr.value,
                fmr.errors,
                fmr.people or 0,
                fmr.supported,
            )
        )
        if not fmr.supported:
            break
    return Comparison(len(pairs.mated), pairs.non_mated_total, tuple(points), _logistic(pairs))


def _logistic(pairs: metrics.PairScores) -> tuple[float, float]:
    """Slope and intercept of the log-likelihood ratio: logistic regression in which both sides weigh the same.

    Only the tail of the non-mated scores is kept, and that is where decisions are made; the rest, whose scores all lie
    lower, enters through its share of the weight, at the lowest score of the tail.
    """
    mated = pairs.mated[np.isfinite(pairs.mated)].astype(np.float64)
    owners = pairs.mated_subjects[np.isfinite(pairs.mated)]
    tail = pairs.tail[np.isfinite(pairs.tail)].astype(np.float64)
    positive = 1.0 / np.bincount(owners)[owners]
    positive /= positive.sum()
    floor = tail[-1:] if len(tail) < pairs.non_mated_total else tail[:0]
    negative = np.full(len(tail) + len(floor), 1.0 / pairs.non_mated_total)
    negative[len(tail) :] = 1.0 - len(tail) / pairs.non_mated_total
    scores = np.concatenate([mated, tail, floor])
    weights = np.concatenate([positive, negative])
    target = np.concatenate([np.ones(len(mated)), np.zeros(len(negative))])
    design = np.column_stack([scores, np.ones(len(scores))])
    # A pinch of ridge keeps perfectly separated scores from running off to an infinite slope.
    ridge = 1e-4
    theta = np.zeros(2)
    for _ in range(60):
        share = 1 / (1 + np.exp(-np.clip(design @ theta, -60, 60)))
        gradient = design.T @ (weights * (share - target)) + ridge * theta * [1, 0]
        curvature = (design.T * (weights * share * (1 - share))) @ design + np.diag([ridge, 1e-9])
        step = np.linalg.solve(curvature, gradient)
        theta -= np.clip(step, -20, 20)
        if np.abs(step).max() < 1e-9:
            break
    return float(theta[0]), float(theta[1])


def _identification(templates: Array, subjects: _Subjects, seed: int) -> Iterator[IdentificationPoint]:
    searches = metrics.all_searches(templates, subjects, draws=_DRAWS, reach=_REACH, seed=seed)
    for size in _GALLERIES:
        # A gallery of nearly everybody is hardly another one the next time it is drawn.
        if searches.people < size + max(30, size // 6):
            return
        for rate in _FPIRS:
            try:
                threshold = searches.threshold_at_fpir(size, rate)
            except InvalidArgument:
                # So high a rate in so small a gallery lies below the scores that were kept.
                continue
            if math.isinf(threshold):
                continue
            fpir = searches.fpir(size, threshold)
            fnir = searches.fnir(size, threshold).value if len(searches.mates) else math.nan
            yield IdentificationPoint(
                size, rate, threshold, fpir.low, fpir.high, fnir, fpir.errors, fpir.people or 0, fpir.supported
            )
            if not fpir.supported:
                break
