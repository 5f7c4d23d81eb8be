"""What every benchmark writes beside its figures: where, when and with what they were measured."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from mien import models
from mien.recognition import RECOGNISERS, models_of


def conditions() -> dict[str, Any]:
    """The machine, the versions, the moment and the command; the load tells how quiet the machine was."""
    packages = ("mien", "numpy", "opencv-python-headless", "openvino", "pillow")
    return {
        # Where files lie on this machine is nobody's business; absolute paths keep their last part.
        "command": " ".join(["python", f"bench/{Path(sys.argv[0]).name}"] + [_last_part(a) for a in sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in packages},
        "weights": weights(),
        "load_average": os.getloadavg(),
    }


def weights() -> dict[str, str]:
    """Sha256 of every file that the recognisers run: a figure made with others is another figure."""
    names = sorted({name for recogniser in RECOGNISERS for name in models_of(recogniser)})
    return {name: models.card(name).artefact.sha256 for name in names}


def _last_part(argument: str) -> str:
    return re.sub(r"^/.*/(?=[^/]+/?$)", "", argument)


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def save(path: Path, figures: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Columns padded to their widest cell, the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(row: tuple[str, ...]) -> str:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        return "  ".join(cells).rstrip()

    return "\n".join([line(header), line(tuple("-" * width for width in widths)), *map(line, rows)])
