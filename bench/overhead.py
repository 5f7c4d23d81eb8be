"""What the pipeline costs beyond the time its sessions spend in the runtime.

    python bench/overhead.py --faces lfw_dev.zip:crops/ [--json out.json]

Faces are pasted onto decoded images of 640x480. The bar is 1 ms an image and 0.8 ms a face. Runs take turns over the
cases; the least squares split says how the cost divides into images and faces.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from report import conditions, save, table
from throughput import unpacked

from mien import media, models
from mien.faces import Detector, Landmarker
from mien.recognition import Pipeline, default_pipeline
from mien.recognition.embed import Embedder
from mien.types import Image

PER_IMAGE, PER_FACE = 1.0, 0.8
CASES = [(batch, faces) for batch in (1, 16) for faces in (1, 5)]
_SIZE = (480, 640)
_PLACES = [(10, 30), (10, 240), (10, 450), (250, 100), (250, 350)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", required=True, help="images of one face each, at most 190 pixels: folder or zip")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures: dict[str, Any] = {**conditions(), "repeats": options.repeats}
    with unpacked(options.faces, 16 * 5) as paths:
        faces = [media.read(path) for path in paths]
    figures["cases"] = measure(faces, options.repeats)
    figures["milliseconds"] = split(figures["cases"])
    show(figures)
    if options.json:
        save(options.json, figures)


def composed(faces: list[Image], batch: int, count: int) -> list[Image]:
    """``batch`` images that show ``count`` faces each on mid grey."""
    images = []
    for number in range(batch):
        image = np.full((*_SIZE, 3), 127, np.uint8)
        for place, (top, left) in enumerate(_PLACES[:count]):
            face = faces[(number * count + place) % len(faces)]
            image[top : top + face.shape[0], left : left + face.shape[1]] = face
        images.append(image)
    return images


def measure(faces: list[Image], repeats: int) -> list[dict[str, Any]]:
    """Milliseconds beyond the sessions' own time of one call, for each case."""
    like = default_pipeline()
    sessions = [models.open_session(name) for name in ("yunet-2023mar", "face-mesh-468", "sface-2021dec")]
    detector, mesh, recogniser = sessions
    assert recogniser.card.origin is not None
    pipeline = Pipeline(
        Detector(detector),
        Landmarker(mesh),
        Embedder(recogniser, recogniser.card.origin),
        name=like.name,
        space=like.space,
        artefact=like.artefact,
        dimension=like.dimension,
    )
    work = {case: composed(faces, *case) for case in CASES}
    found = {case: sum(map(len, pipeline.process(images))) for case, images in work.items()}
    beyond: dict[tuple[int, int], list[float]] = {case: [] for case in CASES}
    inside: dict[tuple[int, int], list[float]] = {case: [] for case in CASES}
    for _ in range(repeats):
        for case, images in work.items():
            before, start = sum(s.seconds for s in sessions), time.perf_counter()
            pipeline.process(images)
            wall, spent = time.perf_counter() - start, sum(s.seconds for s in sessions) - before
            beyond[case].append((wall - spent) * 1e3)
            inside[case].append(spent * 1e3)
    return [
        {
            "images": batch,
            "faces": found[batch, count],
            "sessions_ms": median(inside[batch, count]),
            "overhead_ms": median(beyond[batch, count]),
            "overhead_min_ms": min(beyond[batch, count]),
            "allowed_ms": PER_IMAGE * batch + PER_FACE * found[batch, count],
        }
        for batch, count in CASES
    ]


def split(cases: list[dict[str, Any]]) -> dict[str, float]:
    """Least squares: overhead = images x per_image + faces x per_face, each case weighted by what it is allowed."""
    weights = np.array([1 / case["allowed_ms"] for case in cases])
    amounts = np.array([[case["images"], case["faces"]] for case in cases], np.float64)
    overhead = np.array([case["overhead_ms"] for case in cases])
    per_image, per_face = np.linalg.lstsq(amounts * weights[:, None], overhead * weights, rcond=None)[0]
    return {"per_image": float(per_image), "per_face": float(per_face)}


def show(figures: dict[str, Any]) -> None:
    header = ("case", "sessions ms", "overhead ms", "least ms", "allowed ms", "of the bar")
    rows: list[tuple[str, ...]] = [
        (
            f"{case['images']} image{'s' * (case['images'] > 1)}, {case['faces']} face{'s' * (case['faces'] > 1)}",
            f"{case['sessions_ms']:.2f}",
            f"{case['overhead_ms']:.2f}",
            f"{case['overhead_min_ms']:.2f}",
            f"{case['allowed_ms']:.1f}",
            f"{case['overhead_ms'] / case['allowed_ms']:.2f}",
        )
        for case in figures["cases"]
    ]
    print(table(header, rows))
    cost = figures["milliseconds"]
    print(
        f"least squares: {cost['per_image']:.2f} ms an image (bar {PER_IMAGE}, {cost['per_image'] / PER_IMAGE:.2f} "
        f"of it), {cost['per_face']:.2f} ms a face (bar {PER_FACE}, {cost['per_face'] / PER_FACE:.2f} of it)"
    )
    within = all(case["overhead_ms"] <= case["allowed_ms"] for case in figures["cases"])
    print(f"bar {'met' if within else 'MISSED'}; load average {figures['load_average'][0]:.1f}")


if __name__ == "__main__":
    main()
