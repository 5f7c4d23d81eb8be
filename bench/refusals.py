"""What the quality policies refuse, beside what recognition could still have matched.

    python bench/refusals.py path/to/lfw_dev.zip

Takes two images each of LFW people, degrades the second, and prints the share of mated comparisons that still reach
the threshold of FMR 1e-3, and the shares refused for identification and for enrolment. A face that is no longer found
counts as not matched, and not as refused.
"""

from __future__ import annotations

import argparse
import zipfile
from collections import defaultdict
from collections.abc import Callable

import cv2
import numpy as np

from mien import media, quality
from mien.recognition import compare, default_pipeline, load_calibration
from mien.types import Image

PEOPLE = 250


def blur(sigma: float) -> Callable[[Image], Image]:
    return lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def motion(length: int) -> Callable[[Image], Image]:
    return lambda image: np.asarray(cv2.blur(image, (length, 1)), np.uint8)


def shrink(factor: float) -> Callable[[Image], Image]:
    return lambda image: np.asarray(
        cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
    )


def light(gain: float) -> Callable[[Image], Image]:
    return lambda image: np.clip(image * gain, 0, 255).astype(np.uint8)


def noise(deviation: float) -> Callable[[Image], Image]:
    rng = np.random.default_rng(0)
    return lambda image: np.clip(image + rng.normal(0, deviation, image.shape), 0, 255).astype(np.uint8)


DEGRADATIONS: dict[str, Callable[[Image], Image]] = {
    "none": lambda image: image,
    **{f"Gaussian blur, sigma {sigma} px": blur(sigma) for sigma in (1, 2, 3, 4, 6)},
    **{f"motion blur over {length} px": motion(length) for length in (11, 17, 25)},
    **{f"reduced to {round(44 * factor)} px between eyes": shrink(factor) for factor in (0.5, 0.3, 0.2)},
    **{f"light x {gain}": light(gain) for gain in (0.2, 0.08, 0.04)},
    **{f"light x {gain}, clipped": light(gain) for gain in (2.0, 3.0, 4.0)},
    "noise, deviation 30": noise(30),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="lfw_dev.zip")
    archive = zipfile.ZipFile(parser.parse_args().archive)
    people: dict[str, list[str]] = defaultdict(list)
    for name in sorted(n for n in archive.namelist() if n.startswith("crops/") and n.endswith(".jpg")):
        people[name.split("/")[1]].append(name)
    pairs = [names[:2] for names in people.values() if len(names) > 1][:PEOPLE]
    pipeline = default_pipeline()
    calibration = load_calibration(pipeline.name)
    assert calibration is not None
    threshold = calibration.verification_threshold("image-image", 1e-3).value
    references = list(pipeline.find_all(archive.read(first) for first, _ in pairs))
    print(f"{'degradation':32s} matched  identification  enrolment   ({len(pairs)} people)")
    for label, degrade in DEGRADATIONS.items():
        probes = pipeline.find_all(degrade(media.read(archive.read(second))) for _, second in pairs)
        matched = found = 0
        refused = {quality.IDENTIFICATION: 0, quality.ENROLMENT: 0}
        for reference, probe in zip(references, probes, strict=True):
            known, face = reference.largest, probe.largest
            if face is None or known is None:
                continue
            found += 1
            matched += compare(known, face) >= threshold
            for policy in refused:
                refused[policy] += bool(quality.reasons(probe, policy)[face.index])
        shares = [count / max(found, 1) for count in refused.values()]
        print(f"{label:32s} {matched / len(pairs):7.1%}  {shares[0]:14.1%}  {shares[1]:9.1%}")


if __name__ == "__main__":
    main()
