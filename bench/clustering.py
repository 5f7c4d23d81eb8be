"""Clustering of unknown faces beside scikit-learn's DBSCAN and HDBSCAN, on the same templates in the same run.

    python bench/clustering.py --lfw lfw_dev.zip [--templates templates.npz] [--json docs/benchmarks/clustering.json]

People are split in two at random; parameters are chosen on either half, scores are those of the other. For the peers
also the best parameters of the half that is scored, which nobody can know beforehand. A face that a peer calls noise is
a person alone. Then 100,000 synthetic templates with LFW's covariances between people and within, and its numbers of
images, each system in a process of its own with a limit of time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from report import conditions, save, table

from mien import metrics
from mien.recognition import cluster, clustering_threshold, default_pipeline, load_calibration
from mien.types import Array

Labels: TypeAlias = NDArray[Any]
System: TypeAlias = Callable[..., Labels]

LOOKALIKE = 0.33
"""Share of a synthetic person's variance that is somebody's of LFW: with it, false matches of synthetic people are as
frequent as LFW's at the thresholds of large piles. The bench prints both."""

STRANGERS = [{"strangers": float(s)} for s in np.geomspace(0.01, 3, 13).round(3)]
DBSCAN = [{"cosine": float(c), "min_samples": m} for c, m in product(np.arange(0.3, 0.72, 0.02).round(2), (1, 2, 3))]
# Its epsilon fails in scikit-learn 1.9 with NumPy 2.4 (TypeError), so it is left at its default.
HDBSCAN = [
    {"min_cluster_size": s, "min_samples": m, "cluster_selection_method": method}
    for s, m, method in product((2, 3, 5), (1, 2, 3), ("eom", "leaf"))
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", required=True, help="lfw_dev.zip")
    parser.add_argument("--templates", type=Path, help="keep the templates here, and take them from here if it exists")
    parser.add_argument("--faces", type=int, default=100_000, help="synthetic templates")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds each system may take for them")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    sets = _templates(options.lfw, options.templates)
    figures: dict[str, Any] = conditions() | {"lfw": {}}
    for name, (templates, people) in sets.items():
        faces = np.unique(people, return_inverse=True, return_counts=True)
        for least in (3, 1):
            chosen = faces[2][faces[1]] >= least
            title = f"{name}, people with {least} or more images"
            figures["lfw"][title] = accuracy(title, templates[chosen], people[chosen])
    figures["synthetic"] = scale(*sets["crops"], options.faces, options.limit)
    if options.json:
        save(options.json, figures)


def accuracy(title: str, templates: Array, people: Labels) -> dict[str, Any]:
    """BCubed of every system, its parameters chosen on the other half of the people."""
    codes = np.unique(people, return_inverse=True)[1]
    half = np.random.default_rng(0).permutation(int(codes.max()) + 1)[codes] % 2
    result: dict[str, Any] = {"images": len(people), "people": int(codes.max()) + 1}
    rows: list[tuple[str, ...]] = []
    for name, system, grid in (("Mien", _mien, STRANGERS), ("DBSCAN", _dbscan, DBSCAN), ("HDBSCAN", _hdbscan, HDBSCAN)):
        f1 = np.empty((2, len(grid)))
        scored: dict[tuple[int, int], metrics.BCubed] = {}
        for side, (column, settings) in product((0, 1), enumerate(grid)):
            part = half == side
            scored[side, column] = metrics.bcubed(codes[part], system(templates[part], **settings))
            f1[side, column] = scored[side, column].f1
        picks = [int(np.argmax(f1[1 - side])) for side in (0, 1)]
        result[name] = {
            "f1": float(np.mean([f1[side, picks[side]] for side in (0, 1)])),
            "best_f1": float(f1.max(1).mean()),
            "halves": [asdict(scored[side, picks[side]]) | grid[picks[side]] for side in (0, 1)],
        }
        rows.append(
            (name, f"{result[name]['f1']:.4f}", f"{result[name]['best_f1']:.4f}", str([grid[p] for p in picks]))
        )
    default = metrics.bcubed(codes, _mien(templates))
    result["Mien"]["default"] = asdict(default)
    print(f"\n{title}: {len(people)} images of {result['people']} people; Mien as it is, all of them: {default}")
    print(table((title.split(",")[0], "BCubed F1", "best on itself", "chosen"), rows), flush=True)
    return result


def scale(templates: Array, people: Labels, faces: int, limit: float) -> dict[str, Any]:
    made, codes = synthetic(templates, people, faces)
    result: dict[str, Any] = {"faces": len(made), "people": int(codes.max()) + 1, "limit_s": limit}
    result["fmr"] = {
        f"{cosine:.3f}": {"synthetic": _fmr(made, codes, cosine), "lfw": _fmr(templates, people, cosine)}
        for cosine in (_threshold(1000), _threshold(len(made)))
    }
    cosine = float(round(_threshold(len(made)) + 0.06, 2))
    peers: list[tuple[str, System, dict[str, Any]]] = [
        ("Mien", _mien, {}),
        ("DBSCAN", _dbscan, {"cosine": cosine, "min_samples": 1}),
        ("HDBSCAN", _hdbscan, {"min_cluster_size": 2, "min_samples": 1}),
    ]
    rows: list[tuple[str, ...]] = []
    for name, system, settings in peers:
        result[name] = done = _timed(system, made, codes, settings, limit) | settings
        if "f1" in done:
            rows.append((name, f"{done['seconds']:.0f} s", f"{done['peak_mb']:.0f} MB", f"{done['f1']:.4f}"))
        else:
            rows.append((name, f"> {limit:.0f} s", "-", "-"))
    print(f"\n{len(made)} synthetic templates of {result['people']} synthetic people, load {os.getloadavg()}")
    for at, rates in result["fmr"].items():
        print(f"false matches at cosine {at}: {rates['synthetic']:.2g} synthetic, {rates['lfw']:.2g} LFW")
    print(table(("synthetic", "time", "peak memory", "BCubed F1"), rows))
    return result


def synthetic(templates: Array, people: Labels, faces: int) -> tuple[Array, NDArray[np.int64]]:
    """Templates of made-up people, with LFW's covariance of people's means and of what differs within them.

    Of what makes a made-up person, the share `LOOKALIKE` (by variance) is the mean of somebody of LFW, which many
    others then have as well, the rest is drawn from a normal distribution: that alone has far fewer strangers who
    look alike.
    """
    rng = np.random.default_rng(0)
    codes, counts = np.unique(people, return_inverse=True, return_counts=True)[1:]
    means = np.stack([np.bincount(codes, column) for column in templates.T], 1) / counts[:, None]
    many = counts[codes] >= 3
    rest = ((templates - means[codes]) * np.sqrt(counts / np.maximum(counts - 1, 1))[codes, None])[many]
    within = np.cov(rest.T)
    between = np.cov(means.T) - within * float(np.mean(1 / counts))
    # How far images lie from their person varies far more than a normal distribution has it.
    spread = np.linalg.norm(rest, axis=1) / np.sqrt(np.mean(np.sum(rest**2, 1)))
    made = np.repeat(np.arange(faces), rng.choice(counts, faces))[:faces]
    made_up = int(made.max()) + 1
    lookalike = (means - means.mean(0))[rng.integers(len(means), size=made_up)]
    drawn = rng.normal(size=(made_up, templates.shape[1])) @ _root(between)
    centres = drawn * np.sqrt(1 - LOOKALIKE) + lookalike * np.sqrt(LOOKALIKE)
    noise = rng.normal(size=(faces, templates.shape[1])) @ _root(within) * rng.choice(spread, faces)[:, None]
    vectors = centres[made] + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    order = rng.permutation(faces)
    return vectors[order].astype(np.float32), made[order]


def _fmr(templates: Array, people: Labels, cosine: float, faces: int = 10_000) -> float:
    """False match rate among the first faces."""
    templates, people = templates[:faces], people[:faces]
    matches = comparisons = 0
    for start in range(0, len(templates), 1000):
        part = slice(start, start + 1000)
        strangers = people[part, None] != people
        matches += int((strangers & (templates[part] @ templates.T >= cosine)).sum())
        comparisons += int(strangers.sum())
    return matches / comparisons


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T)


def _timed(system: System, templates: Array, codes: Labels, settings: dict[str, Any], limit: float) -> dict[str, Any]:
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)

    def work() -> None:
        start = time.perf_counter()
        labels = system(templates, **settings)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        send.send({"seconds": seconds, "peak_mb": peak, **asdict(metrics.bcubed(codes, labels))})

    process = context.Process(target=work)
    process.start()
    # Who dies without a word (memory) ends the wait as well, by the closed pipe.
    send.close()
    try:
        return dict(receive.recv()) if receive.poll(limit) else {"unfinished": True}
    except EOFError:
        return {"died": True}
    finally:
        process.kill()
        process.join()


def _threshold(faces: int, **settings: float) -> float:
    calibration = load_calibration("yunet-2023mar/mesh5/sface-2021dec-centred/second-look/mean")
    assert calibration is not None
    return clustering_threshold(calibration, faces, **settings)


def _mien(templates: Array, **settings: float) -> Labels:
    return cluster(templates, threshold=_threshold(len(templates), **settings))


def _dbscan(templates: Array, cosine: float, min_samples: int) -> Labels:
    from sklearn.cluster import DBSCAN

    eps = np.sqrt(2 - 2 * cosine)
    return _alone(DBSCAN(eps=eps, min_samples=min_samples, algorithm="brute", n_jobs=-1).fit_predict(templates))


def _hdbscan(templates: Array, **settings: int | str) -> Labels:
    from sklearn.cluster import HDBSCAN

    return _alone(HDBSCAN(**settings, n_jobs=-1, copy=True).fit_predict(templates))


def _alone(labels: Labels) -> Labels:
    return np.where(labels < 0, np.arange(len(labels)) + len(labels), labels)


def _templates(lfw: str, cache: Path | None) -> dict[str, tuple[Array, Labels]]:
    if cache is not None and cache.exists():
        with np.load(cache) as kept:
            return {name: (kept[f"{name}_templates"], kept[f"{name}_people"]) for name in ("crops", "frames")}
    archive, sets = zipfile.ZipFile(lfw), {}
    for kind in ("crops", "frames"):
        names = sorted(n for n in archive.namelist() if n.startswith(f"{kind}/") and n.endswith(".jpg"))
        templates, people = [], []
        for index, _, faces in default_pipeline().find_all_indexed(archive.read(name) for name in names):
            if faces.largest is not None:
                templates.append(faces.largest.template)
                people.append(names[index].split("/")[1])
        sets[kind] = (np.array(templates, np.float32), np.array(people))
    if cache is not None:
        columns = {
            f"{k}_{c}": v for k, pair in sets.items() for c, v in zip(("templates", "people"), pair, strict=True)
        }
        np.savez(cache, allow_pickle=False, **columns)
    return sets


if __name__ == "__main__":
    main()
