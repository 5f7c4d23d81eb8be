"""Faces per second, peak memory and misses: Mien beside OpenCV 5 and face_recognition, on the same images.

    python bench/throughput.py --images lfw_dev.zip:crops/ --limit 600 [--threads 2] [--json out.json]

Every system decodes, detects and embeds every face, in a process of its own that is kept on as many CPUs as it has
threads. Systems take turns, round after round, so that a busy moment of the machine meets all of them; a ratio is that
of two runs of the same round. OpenCV runs at its default scale and at the smallest one that misses no more images than
Mien. The SFace file as published does not load in OpenCV 5: it is given Mien's converted files, the same weights in
float. Peers live in environments under bench/.envs, made on first use.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from report import conditions, save, table

from mien import models
from mien.media import list_images

BAR = 2.5
HERE = Path(__file__).parent
_SCALES = (2.0, 3.0, 4.0)
_BASELINE = "OpenCV, default scale"


@dataclass
class System:
    """One competitor, and what its runs took."""

    name: str
    command: list[str]
    runs: list[dict[str, Any]] = field(default_factory=list)

    def run(self, paths: list[Path], threads: int) -> dict[str, Any]:
        """What one run in a fresh process took; see `peers/worker.py`."""
        process = subprocess.run(
            [*self.command, "--threads", str(threads)],
            input="\n".join(map(str, paths)),
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise SystemExit(f"{self.name}: {' '.join(self.command)} failed:\n{process.stderr}")
        result: dict[str, Any] = json.loads(process.stdout)
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", required=True, help="a folder, or ARCHIVE.zip[:prefix]")
    parser.add_argument("--limit", type=int, help="use the first so many images")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without", nargs="*", default=[], choices=["face_recognition"], help="peers to leave out")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures: dict[str, Any] = {**conditions(), "threads": options.threads, "rounds": options.rounds}
    with unpacked(options.images, options.limit) as paths:
        figures["images"] = len(paths)
        systems = competitors(paths, options.threads, options.without)
        for number in range(options.rounds):
            for system in systems:
                system.runs.append(system.run(paths, options.threads))
            print(f"round {number + 1} of {options.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    figures["load_average_after"] = os.getloadavg()
    figures["systems"] = [summary(system, systems, len(paths)) for system in systems]
    show(figures)
    if options.json:
        save(options.json, figures)


def competitors(paths: list[Path], threads: int, without: list[str]) -> list[System]:
    """The systems to time; OpenCV's second scale is the smallest that reaches Mien's misses on these images."""
    mien = System("Mien", [sys.executable, str(HERE / "peers" / "run_mien.py")])
    systems = [mien, _opencv(_BASELINE, 1.0)]
    allowed = mien.run(paths, threads)["missed"]
    for scale in _SCALES:
        reaching = _opencv(f"OpenCV, x{scale:g}", scale)
        missed = reaching.run(paths, threads)["missed"]
        if missed <= allowed:
            break
    else:
        print(f"no scale of OpenCV up to x{_SCALES[-1]:g} reaches Mien's {allowed} misses", file=sys.stderr)
    systems.append(reaching)
    if "face_recognition" not in without:
        interpreter = environment(
            "face_recognition",
            ["dlib-bin", "face-recognition-models", "numpy", "pillow", "setuptools<81"],
            ["face_recognition==1.3.0"],
        )
        systems.append(System("face_recognition", [str(interpreter), str(HERE / "peers" / "run_face_recognition.py")]))
    return systems


def _opencv(name: str, scale: float) -> System:
    interpreter = environment("opencv", [f"opencv-python-headless=={metadata.version('opencv-python-headless')}"])
    weights = [str(models.fetch(model).path) for model in ("yunet-2023mar", "sface-2021dec")]
    arguments = ["--scale", str(scale), "--detector", weights[0], "--recogniser", weights[1]]
    return System(name, [str(interpreter), str(HERE / "peers" / "run_opencv.py"), *arguments])


def environment(name: str, packages: list[str], alone: list[str] | None = None) -> Path:
    """The interpreter of a peer's virtual environment, made where it is missing.

    Args:
        name: Its folder under bench/.envs.
        packages: What to install.
        alone: What to install without what it asks for: face_recognition wants dlib's sources and a compiler.
    """
    folder = HERE / ".envs" / name
    interpreter = folder / "bin" / "python"
    complete = folder / ".complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *packages], check=True)
        if alone:
            subprocess.run([*pip, "--no-deps", *alone], check=True)
        complete.touch()
    return interpreter


@contextmanager
def unpacked(source: str, limit: int | None) -> Iterator[list[Path]]:
    """Paths of the images of a folder, or of a zip archive (under a prefix, after a colon)."""
    archive, _, prefix = source.partition(":")
    if not zipfile.is_zipfile(archive):
        yield list_images(source)[:limit]
        return
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(archive) as zipped:
        names = sorted(name for name in zipped.namelist() if name.startswith(prefix) and not name.endswith("/"))
        images = [name for name in names if Path(name).suffix.lower() in {".jpg", ".jpeg", ".png"}][:limit]
        zipped.extractall(folder, images)
        yield [Path(folder, name) for name in images]


def summary(system: System, systems: list[System], images: int) -> dict[str, Any]:
    baseline = next(other for other in systems if other.name == _BASELINE)
    runs = system.runs
    ratios = [theirs["seconds"] / mine["seconds"] for mine, theirs in zip(runs, baseline.runs, strict=True)]
    return {
        "name": system.name,
        "versions": runs[0]["versions"],
        "faces": runs[0]["faces"],
        "missed": runs[0]["missed"],
        "faces_per_second": _spread([run["faces"] / run["seconds"] for run in runs]),
        "milliseconds_per_image": _spread([run["seconds"] / images * 1e3 for run in runs]),
        "cpu_milliseconds_per_image": _spread([run["cpu_seconds"] / images * 1e3 for run in runs]),
        "images_per_second_to_opencv": _spread(ratios),
        "peak_bytes": max(run["peak_bytes"] for run in runs),
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


def show(figures: dict[str, Any]) -> None:
    header = ("system", "faces/s", "min-max", "CPU ms/image", "peak MB", "missed", "speed to OpenCV", "min-max")
    rows: list[tuple[str, ...]] = []
    for system in figures["systems"]:
        rate, cpu = system["faces_per_second"], system["cpu_milliseconds_per_image"]
        ratio = system["images_per_second_to_opencv"]
        rows.append(
            (
                system["name"],
                f"{rate['median']:.1f}",
                f"{rate['min']:.1f}-{rate['max']:.1f}",
                f"{cpu['median']:.1f}",
                f"{system['peak_bytes'] / 1e6:.0f}",
                f"{system['missed']}",
                f"{ratio['median']:.2f}",
                f"{ratio['min']:.2f}-{ratio['max']:.2f}",
            )
        )
    print(f"{figures['images']} images, {figures['threads']} threads, {figures['rounds']} rounds; {figures['cpu']}")
    print(table(header, rows))
    reached = figures["systems"][0]["images_per_second_to_opencv"]["median"]
    print(f"Mien to OpenCV at its default scale: {reached:.2f} (bar {BAR}: {'met' if reached >= BAR else 'MISSED'})")
    print(f"load average {figures['load_average'][0]:.1f} before, {figures['load_average_after'][0]:.1f} after")
    print("OpenCV ran Mien's converted files: the same weights in float; SFace as published does not load in it.")


if __name__ == "__main__":
    main()
