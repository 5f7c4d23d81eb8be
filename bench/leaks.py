"""How well copies are found: the exact duplicates of FER2013, and copies planted among photos of other people.

    python bench/leaks.py --fer fer2013_train_public.zip --lfw lfw_dev.zip [--json docs/benchmarks/leaks.json]

FER2013: the public part against the training part. Identical images are counted beforehand by their bytes. Planted
(synthetic changes of real photos): the people of the LFW crops are cut into halves; changed copies of 300 photos of the
one half are put among the photos of the other, and the halves are checked against one another. What is found beside the
planted copies are false alarms, or photographs that stand in LFW under two names.
"""

from __future__ import annotations

import argparse
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow
from report import conditions, save, table

from mien import media, metrics
from mien.datasets import Record, find_leaks
from mien.types import Image

PLANTED = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fer", type=Path, help="fer2013_train_public.zip")
    parser.add_argument("--lfw", type=Path, help="lfw_dev.zip")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures: dict[str, Any] = conditions() | {"seed": options.seed}
    if options.fer:
        figures["fer2013"] = fer(options.fer)
    if options.lfw:
        figures["planted"] = planted(options.lfw, options.seed)
    if options.json:
        save(options.json, figures)


def fer(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        sides = [
            [Record(None, name, archive.read(name)) for name in names if f"/{part}/" in name]
            for part in ("train", "public")
        ]
    pixels = [[media.read(record.source).tobytes() for record in side] for side in sides]
    known = set(pixels[0])
    identical = sum(image in known for image in pixels[1])
    start = time.perf_counter()
    report = find_leaks(*sides)
    seconds = time.perf_counter() - start
    found = len({leak.second for leak in report.leaks if leak.kind == "identical"})
    any_kind = len({leak.second for leak in report.leaks})
    print(
        f"FER2013: {len(sides[1]):,} public images against {len(sides[0]):,} of training in {seconds:.0f} s: "
        f"{found} of {identical} identical ones found; {any_kind:,} have a copy of any kind in training"
    )
    return {
        "training": len(sides[0]),
        "public": len(sides[1]),
        "identical": identical,
        "identical_found": found,
        "with_any_copy": any_kind,
        "pairs": report.counts,
        "seconds": seconds,
    }


def planted(path: Path, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("crops/") and name.endswith(".jpg"))
        records = [Record(name.split("/")[1], name, archive.read(name)) for name in names]
    people = rng.permutation(sorted({name.split("/")[1] for name in names}))
    ours = set(people[: len(people) // 2])
    sides = [[record for record in records if (record.person in ours) == mine] for mine in (True, False)]
    chosen = [sides[0][row] for row in rng.choice(len(sides[0]), PLANTED, replace=False)]
    kinds = list(CHANGES)
    copies = [
        Record(None, f"{kinds[row % len(kinds)]}/{row}", changed(record, kinds[row % len(kinds)], rng))
        for row, record in enumerate(chosen)
    ]
    report = find_leaks(sides[0], [*sides[1], *copies])
    right = {(record.capture, copy.capture) for record, copy in zip(chosen, copies, strict=True)}
    found = {leak.second for leak in report.leaks if (leak.first, leak.second) in right}
    rows = []
    for kind in kinds:
        mine = [copy.capture for copy in copies if copy.capture.startswith(f"{kind}/")]
        rate = metrics.estimate(sum(capture in found for capture in mine), len(mine))
        rows.append(
            {"kind": kind, "planted": len(mine), "found": rate.errors, "low": metrics.wilson(rate.errors, len(mine))[0]}
        )
    alarms = [
        (leak.first, leak.second, leak.similarity)
        for leak in report.leaks
        if leak.second in {r.capture for r in sides[1]}
    ]
    print(
        table(
            ("planted", "found", "of", "at least (95 %)"),
            [(str(r["kind"]), str(r["found"]), str(r["planted"]), f"{r['low']:.1%}") for r in rows],
        )
    )
    print(f"found beside them, in {len(sides[0]):,} x {len(sides[1]):,} pairs of other people:")
    for first, second, similarity in alarms:
        print(f"  {first}  {second}  {similarity:.2f}")
    return {"first": len(sides[0]), "second": len(sides[1]), "kinds": rows, "beside": len(alarms)}


def changed(record: Record, kind: str, rng: np.random.Generator) -> bytes:
    image = CHANGES[kind](media.read(record.source), rng)
    encoded = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(image)).save(encoded, "JPEG", quality=50 if kind == "JPEG 50" else 92)
    return encoded.getvalue()


def cropped(image: Image, rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    top, bottom, left, right = rng.integers(3, int(0.1 * min(height, width)), 4)
    return image[top : height - bottom, left : width - right]


def turned(image: Image, rng: np.random.Generator) -> Image:
    size = image.shape[1], image.shape[0]
    warp = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), float(rng.uniform(3, 9) * rng.choice([-1, 1])), 1)
    return np.asarray(cv2.warpAffine(image, warp, size, borderMode=cv2.BORDER_REFLECT), np.uint8)


CHANGES: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "JPEG 50": lambda image, _: image,
    "scaled to 70 %": lambda image, _: np.asarray(
        cv2.resize(image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA), np.uint8
    ),
    "brighter, more contrast": lambda image, _: np.clip(image * 1.15 + 8, 0, 255).astype(np.uint8),
    "grey": lambda image, _: np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
    "blurred": lambda image, _: np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5), np.uint8),
    "noisy": lambda image, rng: np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8),
    "mirrored": lambda image, _: image[:, ::-1],
    "cropped by up to 10 % a side": cropped,
    "turned by 3 to 9 degrees": turned,
    "mirrored, cropped and turned": lambda image, rng: turned(cropped(image[:, ::-1].copy(), rng), rng),
}


if __name__ == "__main__":
    main()
