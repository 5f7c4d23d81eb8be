"""How often morphs get past the detectors, and how often honest portraits are stopped.

    python bench/morphs.py --frll frll_dev.zip --lfw lfw_dev.zip --kept out/ --json docs/benchmarks/morphs.json

Morphs are made of FRLL's neutral portraits, each person with those most like them, by every tool of Mien: synthetic
attacks, and no printed or scanned ones. The live capture is the same person's smiling portrait, of the same session and
camera; bona fide are a person's two portraits, either as the document. People are cut into five parts, and tools are
held out one by one: the threshold that misses 5 % of every other tool's morphs of the other people meets the tool and
the people that it does not know. A morph's scores are against both parents; those of a fold are of parents in it.
``--lfw`` tells how often two photos of one person from the web, which are no document and no gate's capture, are taken
for a morph. ``--fit`` writes the threshold that ships. Morphs are kept in a folder, for they take minutes; never
publish it.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from morph_set import Portraits, largest, morphs, read_portraits
from report import conditions, save, table

from mien import media, metrics
from mien.attacks import MORPHING_TOOLS, MorphThreshold
from mien.attacks.demorphing import morph_score
from mien.errors import MienError
from mien.metrics import bona_fide_refused_at
from mien.recognition import default_pipeline, load_calibration
from mien.types import Faces, Image

MACER = 0.05
FOLDS = 5
THRESHOLDS = Path(__file__).parent.parent / "src" / "mien" / "attacks" / "thresholds"
Rows = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frll", type=Path, required=True, help="frll_dev.zip")
    parser.add_argument("--lfw", type=Path, help="lfw_dev.zip")
    parser.add_argument("--lfw-people", type=int, default=300, help="people of LFW with two images or more")
    parser.add_argument("--kept", type=Path, required=True, help="folder of the morphs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fit", action="store_true", help="write the threshold into the package")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures: dict[str, Any] = {**conditions(), "seed": options.seed, "macer": MACER}
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(options.frll) as archive:
        archive.extractall(folder)
        portraits = read_portraits(Path(folder) / "frll", options.seed)
    rows = scored(portraits, options.kept)
    figures |= {"people": len(portraits.neutral), "pairs": len(portraits.pairs), "tools": list(MORPHING_TOOLS)}
    figures["differential"] = judged(rows, "score", options.seed)
    figures["similarity_alone"] = judged(rows, "whole", options.seed)
    figures["match"] = threat(rows)
    threshold = at_macer(rows, "score")
    if options.lfw:
        figures["lfw"] = in_the_wild(options.lfw, options.lfw_people, threshold, options.seed)
    show(figures)
    if options.fit:
        said = f"{len(portraits.pairs)} pairs of {len(portraits.neutral)} people of FRLL, {len(MORPHING_TOOLS)} tools"
        known = MorphThreshold(detector="differential", threshold=round(threshold, 4), macer=MACER, fitted_to=said)
        (THRESHOLDS / "differential.json").write_text(known.to_json(), encoding="utf-8")
    if options.json:
        save(options.json, figures)


def scored(portraits: Portraits, kept: Path) -> Rows:
    """A row a comparison: kind, who stands before the camera, both parents, and score and dissimilarity."""
    neutral, smiling = (
        {person: largest(image) for person, image in part.items()} for part in (portraits.neutral, portraits.smiling)
    )
    rows: Rows = []

    def add(
        kind: str, who: str, parents: tuple[str, ...], document: tuple[Image, Faces], live: tuple[Image, Faces]
    ) -> None:
        score, whole = morph_score(*document, *live)
        rows.append({"kind": kind, "who": who, "parents": parents, "whole": whole, "score": score})

    for person in portraits.neutral:
        one, other = (portraits.neutral[person], neutral[person]), (portraits.smiling[person], smiling[person])
        add("bona fide", person, (person,), one, other)
        add("bona fide", person, (person,), other, one)
    for tool, parents, image in morphs(portraits, kept):
        face = largest(image)
        for who in parents:
            add(tool, who, parents, (image, face), (portraits.smiling[who], smiling[who]))
    return rows


def of(rows: Rows, name: str, kind: str) -> np.ndarray:
    return np.array([row[name] for row in rows if row["kind"] == kind])


def at_macer(rows: Rows, name: str, tools: Mapping[str, Any] | list[str] = MORPHING_TOOLS) -> float:
    """Highest threshold that misses at most 5 % of every tool's morphs."""
    attacks = {tool: of(rows, name, tool) for tool in tools}
    return bona_fide_refused_at(of(rows, name, "bona fide"), attacks, MACER).threshold


def judged(rows: Rows, name: str, seed: int) -> dict[str, Any]:
    """BSCER at MACER 5 % on all, and both rates at thresholds that know neither people nor tool."""
    attacks = {tool: of(rows, name, tool) for tool in MORPHING_TOOLS}
    honest = of(rows, name, "bona fide")
    whole = bona_fide_refused_at(honest, attacks, MACER)
    people = sorted({row["who"] for row in rows})
    random = np.random.default_rng(seed)
    fold = dict(zip(people, random.permutation(len(people)) % FOLDS, strict=True))
    missed: dict[str, list[bool]] = defaultdict(list)
    refused: dict[str, list[bool]] = defaultdict(list)
    for part in range(FOLDS):
        known = [row for row in rows if all(fold[parent] != part for parent in row["parents"])]
        for tool in MORPHING_TOOLS:
            threshold = at_macer(known, name, [other for other in MORPHING_TOOLS if other != tool])
            for row in rows:
                if fold[row["who"]] == part and row["kind"] == tool:
                    missed[tool].append(row[name] < threshold)
                if fold[row["who"]] == part and row["kind"] == "bona fide":
                    refused[row["who"]].append(row[name] >= threshold)
    return {
        "eer": {tool: metrics.attack_eer(honest, scores) for tool, scores in attacks.items()},
        "bscer_at_macer": rate(whole.refused),
        "threshold": whole.threshold,
        "unknown": {
            "macer": {tool: counted(values) for tool, values in missed.items()},
            "bscer": by_person(refused, random),
        },
    }


def rate(value: metrics.Rate) -> dict[str, float]:
    return {"value": value.value, "low": value.low, "high": value.high}


def counted(values: list[bool]) -> dict[str, float]:
    return rate(metrics.estimate(sum(values), len(values)))


def by_person(refused: dict[str, list[bool]], random: np.random.Generator) -> dict[str, float]:
    """Mean over people, and its interval by drawing them; where nobody is refused, by the rule of three."""
    shares = np.array([np.mean(values) for values in refused.values()])
    draws = random.choice(shares, (2000, len(shares))).mean(1)
    low, high = np.quantile(draws, (0.025, 0.975))
    high = max(float(high), metrics.estimate(round(float(shares.sum())), len(shares)).high)
    return {"value": float(shares.mean()), "low": float(low), "high": high}


def threat(rows: Rows) -> dict[str, float]:
    """Share of morphs that both parents match at FMR 1e-4: what is to be stopped."""
    calibration = load_calibration(default_pipeline().name)
    assert calibration is not None
    threshold = calibration.verification_threshold("image-image", 1e-4).value
    result = {}
    for tool in MORPHING_TOOLS:
        both: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for row in rows:
            if row["kind"] == tool:
                both[row["parents"]].append(1 - row["whole"])
        result[tool] = metrics.mmpmr(list(both.values()), threshold)
    return result


def in_the_wild(archive: Path, people: int, threshold: float, seed: int) -> dict[str, Any]:
    """Bona fide pairs of LFW crops, one a person, that the threshold takes for morphs."""
    with zipfile.ZipFile(archive) as files:
        images: dict[str, list[str]] = defaultdict(list)
        for name in sorted(files.namelist()):
            if "/crops/" in f"/{name}" and name.endswith(".jpg"):
                images[name.split("/")[-2]].append(name)
        several = [names for names in images.values() if len(names) > 1]
        random = np.random.default_rng(seed)
        wrong, failed = [], 0
        for index in random.permutation(len(several))[:people]:
            try:
                pair = [media.read(files.read(name)) for name in several[index][:2]]
                faces = [largest(image) for image in pair]
                left, _ = morph_score(pair[0], faces[0], pair[1], faces[1])
            except (MienError, AssertionError):
                failed += 1
                continue
            wrong.append(left >= threshold)
    return {"pairs": len(wrong), "failed": failed, "bscer": counted(wrong)}


def show(figures: dict[str, Any]) -> None:
    rows: list[tuple[str, ...]] = []
    for name in ("differential", "similarity_alone"):
        found = figures[name]
        rows.append(
            (
                name,
                said(found["bscer_at_macer"]),
                *(said(value) for value in found["unknown"]["macer"].values()),
                said(found["unknown"]["bscer"]),
            )
        )
    names = [f"MACER {tool}" for tool in figures["tools"]]
    print(table(("", "BSCER at MACER 5 %", *names, "BSCER, all unknown"), rows))
    print("both parents match at FMR 1e-4:", {tool: f"{value:.1%}" for tool, value in figures["match"].items()})
    if "lfw" in figures:
        print("LFW pairs taken for morphs:", said(figures["lfw"]["bscer"]), f"of {figures['lfw']['pairs']}")


def said(value: dict[str, float]) -> str:
    return f"{value['value']:.1%} [{value['low']:.1%}, {value['high']:.1%}]"


if __name__ == "__main__":
    main()
