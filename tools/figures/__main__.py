"""Write the measured figures into the pages that quote them, from the files the benchmarks leave in docs/benchmarks.

    python tools/figures            rewrites README.md and the pages of docs/benchmarks
    python tools/figures --check    exit status 1 where a page says something else than the files

A page marks the place with ``<!-- figures: NAME -->`` and ``<!-- end of figures -->``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Callable
from typing import Any

from expression_tables import balancing, cmnet, expression
from gallery_tables import capacity, crashes, gallery, server, serving
from measured_pictures import coverage_picture, det_picture, study_picture
from recognition_tables import (
    accuracy,
    clustering,
    coverage,
    det,
    leaks,
    open_set,
    overhead,
    predictions,
    recognisers,
    startup,
    stated,
    throughput,
    tracking,
    video,
)
from study_tables import study_blank, study_detection, study_doses, study_quality, study_recognition
from trust_tables import background, morphs, quality
from wording import RESULTS, ROOT

PAGES = (
    ROOT / "README.md",
    RESULTS / "README.md",
    RESULTS / "intervals.md",
    RESULTS / "galleries.md",
    RESULTS / "capacity.md",
    RESULTS / "service.md",
    ROOT / "docs" / "explanation" / "expressions.md",
    RESULTS / "quality.md",
    ROOT / "docs" / "explanation" / "morphs.md",
    RESULTS / "study.md",
)
_REGION = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
TABLES: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "accuracy": ("accuracy.json", accuracy),
    "stated": ("accuracy.json", stated),
    "throughput": ("throughput.json", throughput),
    "overhead": ("overhead.json", overhead),
    "startup": ("startup.json", startup),
    "recognisers": ("recognisers.json", recognisers),
    "tracking": ("tracking.json", tracking),
    "video": ("video.json", video),
    "clustering": ("clustering.json", clustering),
    "coverage": ("coverage.json", coverage),
    "predictions": ("coverage.json", predictions),
    "open_set": ("open_set.json", open_set),
    "det": ("det.json", det),
    "leaks": ("leaks.json", leaks),
    "quality": ("quality.json", quality),
    "gallery": ("gallery.json", gallery),
    "gallery_512": ("gallery-512.json", gallery),
    "gallery_10m": ("gallery-10m.json", gallery),
    "crashes": ("crashes.json", crashes),
    "server": ("server.json", server),
    "capacity": ("capacity.json", capacity),
    "expression": ("expression.json", expression),
    "cmnet": ("cmnet.json", cmnet),
    "balancing": ("balancing.json", balancing),
    "serving": ("serving.json", serving),
    "background": ("background.json", background),
    "morphs": ("morphs.json", morphs),
    "study_recognition": ("study.json", study_recognition),
    "study_quality": ("study.json", study_quality),
    "study_detection": ("study.json", study_detection),
    "study_blank": ("study.json", study_blank),
    "study_doses": ("study.json", study_doses),
}
PICTURES: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "coverage.svg": ("coverage.json", coverage_picture),
    "det.svg": ("det.json", det_picture),
    "study.svg": ("study.json", study_picture),
}


def picture(name: str) -> str:
    """The picture of that name, which says of which figures it is."""
    file, draw = PICTURES[name]
    given = (RESULTS / file).read_bytes()
    svg = draw(json.loads(given))
    return svg.replace("<svg ", f'<svg data-figures="{hashlib.sha256(given).hexdigest()}" ', 1) + "\n"


def stale(name: str) -> bool:
    """Whether a picture is missing or of other figures; how it is drawn may differ from version to version."""
    path = RESULTS / name
    file, _ = PICTURES[name]
    known = hashlib.sha256((RESULTS / file).read_bytes()).hexdigest()
    return not path.is_file() or known not in path.read_text(encoding="utf-8")[:500]


def filled(text: str) -> str:
    """The page with every marked place filled from its file; a place whose file is missing says so."""

    def fill(match: re.Match[str]) -> str:
        file, render = TABLES[match[2]]
        path = RESULTS / file
        if not path.is_file():
            return f"{match[1]}Not measured yet.\n{match[3]}"
        return match[1] + render(json.loads(path.read_text(encoding="utf-8"))) + match[3]

    return _REGION.sub(fill, text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write measured figures into the pages that quote them.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where a page is stale")
    check = parser.parse_args().check
    behind = []
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            behind.append(page)
            if not check:
                page.write_text(after, encoding="utf-8")
    for name in PICTURES:
        if stale(name):
            behind.append(RESULTS / name)
            if not check:
                (RESULTS / name).write_text(picture(name), encoding="utf-8")
    for path in behind if check else ():
        print(f"{path.relative_to(ROOT)} is stale: make docs", file=sys.stderr)
    return int(check and bool(behind))


if __name__ == "__main__":
    sys.exit(main())
