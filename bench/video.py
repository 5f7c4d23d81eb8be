"""Frames per second and peak memory of watching a clip, beside a plain loop over OpenCV's classes.

    python bench/video.py WolfgangLanger_Pexels.mp4 single_face.jpg --json docs/benchmarks/video.json

The clip is scaled to 640x360. Mien decodes, tracks, decides and makes events; the plain loop decodes, detects
(``FaceDetectorYN``), aligns, embeds (``FaceRecognizerSF``) and compares each face of each frame with one enrolled face.
Both run in processes of their own on two CPUs, in turns, and a ratio is that of two runs of one round. Memory is the
peak of a process that watches the clip, against one that watches it looped ten times.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from report import conditions, save, table

from mien import Gallery, media, models

SIZE = (640, 360)
LOOPS = 10
_SPEED_BAR, _RATIO_BAR, _MEMORY_BAR = 25.0, 2.0, 1.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("person", type=Path, help="photo of somebody to enrol")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", choices=sorted(_WORKERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(_WORKERS[options.worker](options.clip, options.person)))
        return
    with tempfile.TemporaryDirectory() as folder:
        once, looped = Path(folder) / "clip.mp4", Path(folder) / "looped.mp4"
        _scale(options.clip, once, 1)
        _scale(options.clip, looped, LOOPS)
        runs = [{name: _run(name, once, options.person) for name in _WORKERS} for _ in range(options.rounds)]
        memory = [_run("mien", path, options.person)["peak_mib"] for path in (once, looped)]
    _report(runs, memory, options.json)


def _report(runs: list[dict[str, dict[str, Any]]], memory: list[float], path: Path | None) -> None:
    rates = {name: [run[name]["frames"] / run[name]["seconds"] for run in runs] for name in _WORKERS}
    ratio = median(ours / theirs for ours, theirs in zip(rates["mien"], rates["opencv"], strict=True))
    rows: list[tuple[str, ...]] = [
        (name, f"{median(rates[name]):.1f}", f"{runs[0][name]['peak_mib']:.0f}") for name in _WORKERS
    ]
    print(table(("system", "frames/s", "peak MiB"), rows))
    growth = memory[1] / memory[0]
    print(f"ratio {ratio:.2f} (bar {_RATIO_BAR}), Mien at {median(rates['mien']):.1f} frames/s (bar {_SPEED_BAR})")
    print(f"peak memory once {memory[0]:.0f} MiB, looped {LOOPS} times {memory[1]:.0f} MiB: x{growth:.3f}")
    if path:
        bars = {"frames_per_second": _SPEED_BAR, "ratio": _RATIO_BAR, "memory_growth": _MEMORY_BAR}
        figures = {"ratio": ratio, "memory_mib": memory, "memory_growth": growth, "loops": LOOPS, "bars": bars}
        save(path, {**conditions(), "size": SIZE, **figures, "runs": runs})


def _scale(source: Path, target: Path, times: int) -> None:
    """Write the clip in the size of the benchmark, so many times over."""
    with media.open_video(source) as video:
        frames = [(cv2.resize(f.image, SIZE, interpolation=cv2.INTER_AREA), f.timestamp) for f in video]
    length = frames[-1][1] + 1 / 25
    with media.VideoWriter(target, size=SIZE, rate=25) as writer:
        for turn in range(times):
            for image, timestamp in frames:
                writer.write(np.asarray(image, np.uint8), timestamp + turn * length)


def _run(worker: str, clip: Path, person: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, str(clip), str(person), "--worker", worker]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        raise SystemExit(f"{worker}: failed:\n{process.stderr}")
    result: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return result


def _mien(clip: Path, person: Path) -> dict[str, Any]:
    _two_cpus()
    with tempfile.TemporaryDirectory() as folder, Gallery(Path(folder) / "people.mien") as gallery:
        gallery.enroll("somebody", person)
        # The first frames compile what the runtime compiles; a plain loop's networks are loaded before, too.
        for _ in gallery.watch(clip, end=0.2):
            pass
        begun, frames, faces = time.perf_counter(), 0, 0
        for watched in gallery.watch(clip):
            frames, faces = frames + 1, faces + len(watched.faces)
        return _result(frames, faces, begun)


def _opencv(clip: Path, person: Path) -> dict[str, Any]:
    _two_cpus()
    cv2.setNumThreads(2)
    detector = cv2.FaceDetectorYN.create(str(models.fetch("yunet-2023mar").path), "", SIZE)
    recogniser = cv2.FaceRecognizerSF.create(str(models.fetch("sface-2021dec").path), "")
    photo = np.ascontiguousarray(media.read(person)[..., ::-1])
    detector.setInputSize((photo.shape[1], photo.shape[0]))
    enrolled = recogniser.feature(recogniser.alignCrop(photo, detector.detect(photo)[1][0])).copy()
    detector.setInputSize(SIZE)
    capture = cv2.VideoCapture(str(clip))
    begun, frames, faces = time.perf_counter(), 0, 0
    while True:
        more, image = capture.read()
        if not more:
            return _result(frames, faces, begun)
        frames += 1
        found = detector.detect(image)[1]
        for face in () if found is None else found:
            faces += 1
            feature = recogniser.feature(recogniser.alignCrop(image, face))
            recogniser.match(feature, enrolled, cv2.FaceRecognizerSF_FR_COSINE)


def _result(frames: int, faces: int, begun: float) -> dict[str, Any]:
    seconds = time.perf_counter() - begun
    return {"frames": frames, "faces": faces, "seconds": seconds, "peak_mib": _peak_mib()}


def _peak_mib() -> float:
    # What getrusage says includes the peak of the process that this one was forked from.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _two_cpus() -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


_WORKERS = {"mien": _mien, "opencv": _opencv}

if __name__ == "__main__":
    main()
