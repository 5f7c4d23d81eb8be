"""What white backgrounds do to recognition, quality and morph detection, side by side: can the face still be trusted?

    python bench/study.py --frll frll_dev.zip --lfw lfw_dev.zip --kept study/ --json docs/benchmarks/study.json

Portraits are corrected by every segmenter, with soft and hard edges, and by masks that were degraded on purpose. In the
wild are LFW's frames, at most six a person; controlled are FRLL's portraits, neutral and smiling, and morphs of the
neutral ones, each person with the one most like them, by every tool of Mien: synthetic attacks. Every arm is compared
with the originals over the same draws of people, at the threshold carried over from them and at one set again. A
document, bona fide or morph, is corrected or not; the live capture that the differential detector has beside it never
is. Readings are kept in a folder arm by arm, so that a run that was cut off goes on; never publish the morphs in it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from arm_rates import blanks, detection, quality, recognition
from arms import DOSES, MAIN, ORIGINAL, Arm
from background import chosen
from morph_set import morphs, read_portraits
from numpy.typing import NDArray
from readings import BONA_FIDE, DETECTORS, Case, Readings, central, read_arm
from report import conditions, save, table
from throughput import unpacked

from mien import media, models
from mien.recognition import default_pipeline
from mien.types import Array, Faces, Image

FMR, LOWER_FMR, MACER = 1e-3, 1e-4, 0.05
LOOK_ALIKES = 1
EVERY = 4
"""Of FRLL's people and pairs one in so many is in the arms of degraded masks."""
WAYS = ("embedded", "guarded")
Figures = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frll", type=Path, required=True, help="frll_dev.zip")
    parser.add_argument("--lfw", required=True, help="lfw_dev.zip")
    parser.add_argument("--people", type=int, default=250, help="people of LFW with two images or more")
    parser.add_argument("--kept", type=Path, required=True, help="folder of the morphs and of what was read")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    same_settings(options.kept, {"people": options.people, "seed": options.seed})
    figures: Figures = {**conditions(), "seed": options.seed, "fmr": FMR, "macer": MACER}
    figures["weights"]["selfie-segmentation"] = models.card("selfie-segmentation").artefact.sha256
    with unpacked(f"{options.lfw}:frames/", 100_000) as paths:
        figures["lfw"] = in_the_wild(chosen(paths, options.people), options.kept, options.seed)
    with documents(options.frll, options.kept, options.seed) as cases:
        figures["frll"] = controlled(cases, options.kept, options.seed)
    show(figures)
    if options.json:
        save(options.json, figures)


def same_settings(kept: Path, settings: Figures) -> None:
    """Stop where the folder holds what was read with other settings."""
    kept.mkdir(parents=True, exist_ok=True)
    file = kept / "settings.json"
    if not file.exists():
        file.write_text(json.dumps(settings), encoding="utf-8")
    elif (known := json.loads(file.read_text(encoding="utf-8"))) != settings:
        raise SystemExit(f"{kept}: expected what was read with {settings}, found {known}; name another folder")


def in_the_wild(paths: Sequence[Path], kept: Path, seed: int) -> Figures:
    """Recognition and quality of LFW's frames by arm, doses of damage, and blank masks."""
    with ThreadPoolExecutor(models.available_threads()) as pool:
        faces = list(pool.map(lambda path: central(media.read(path)), paths))
    cases = [Case(path, (path.parent.name,), face) for path, face in zip(paths, faces, strict=True)]
    people = np.array([case.people[0] for case in cases])
    read = {arm: read_arm(file_of(kept, "lfw", arm), cases, arm, uniformity=arm in MAIN) for arm in (*MAIN, *DOSES)}
    original = read[ORIGINAL]
    doses = []
    for arm in DOSES:
        ways = {name: recognition(original, read[arm], people, FMR, guarded=name == "guarded") for name in WAYS}
        doses.append({"damage": arm.damage, "dose": arm.dose, **ways})
    plain, template = white()
    return {
        "images": len(cases),
        "people": len(set(people.tolist())),
        "arms": {arm.name: side_by_side(original, read[arm], people) for arm in MAIN},
        "doses": doses,
        "blank": blanks(read[MAIN[1]], people, template, (FMR, LOWER_FMR), seed),
        "faces_in_white": plain,
    }


def side_by_side(original: Readings, arm: Readings, people: NDArray[Any]) -> Figures:
    found = recognition(original, arm, people, FMR)
    return found | quality(original, arm, people, (found["carried"]["threshold"], found["threshold"]))


def white() -> tuple[int, Array]:
    """How many faces are found in a white picture, and the template of one that is said to be there."""
    image = np.full((150, 150, 3), 255, np.uint8)
    said = Faces.of([[45, 40, 105, 115]], [1.0], [[[60, 66], [90, 66], [75, 82], [63, 98], [87, 98]]], (150, 150))
    (found,) = default_pipeline().describe([image], [said])
    assert found.templates is not None
    return int(central(image) is not None), found.templates[0]


@contextmanager
def documents(archive: Path, kept: Path, seed: int) -> Iterator[list[Case]]:
    """FRLL's portraits, each with the other of its person as live capture, and morphs of the neutral ones."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
        base = Path(folder) / "frll"
        portraits = read_portraits(base, seed, look_alikes=LOOK_ALIKES)
        live: dict[str, dict[str, tuple[Image, Faces]]] = {}
        for part, images in (("neutral_front", portraits.neutral), ("smiling_front", portraits.smiling)):
            live[part] = {person: (image, face_of(image)) for person, image in images.items()}
        cases = []
        for part, other in (tuple(live), tuple(live)[::-1]):
            for path in sorted((base / part).glob("*.jpg")):
                person = path.name[:3]
                cases.append(Case(path, (person,), live[part][person][1], lives=(live[other][person],)))
        for tool, parents, image in morphs(portraits, kept / "morphs"):
            path = kept / "morphs" / f"{parents[0]}_{parents[1]}_{tool}.png"
            captures = tuple(live["smiling_front"][person] for person in parents)
            cases.append(Case(path, parents, central(image), tool, captures))
        yield cases


def face_of(image: Image) -> Faces:
    face = central(image)
    assert face is not None
    return face


def controlled(cases: Sequence[Case], kept: Path, seed: int) -> Figures:
    """Recognition, quality and detection of FRLL's portraits and morphs by arm, and detection by dose of damage."""
    honest = np.array([case.kind == BONA_FIDE for case in cases])
    people = np.array([case.people[0] for case in cases])[honest]
    everything = np.ones(len(cases), bool)
    some = one_in(cases, EVERY)
    figures: Figures = {"people": len(set(people.tolist())), "bona_fide": int(honest.sum()), "arms": {}, "doses": []}
    figures["morphs"] = len(cases) - figures["bona_fide"]
    original = None
    for arm in (*MAIN, *DOSES):
        asked = everything if arm in MAIN else some
        arm_file = file_of(kept, "frll", arm)
        read = read_arm(arm_file, cases, arm, detectors=DETECTORS, uniformity=arm in MAIN, asked=asked)
        original = original or read
        detected = {
            one.name: detection(original, read, cases, one, MACER, seed, asked, guarded=arm in MAIN)
            for one in DETECTORS
        }
        if arm in MAIN:
            ours = side_by_side(original.among(honest), read.among(honest), people)
            figures["arms"][arm.name] = ours | {"detection": detected}
        else:
            figures["doses"].append(
                {"damage": arm.damage, "dose": arm.dose, "seconds": read.seconds, "detection": detected}
            )
    return figures


def one_in(cases: Sequence[Case], every: int) -> NDArray[np.bool_]:
    """One in so many people's portraits, and one in so many pairs' morphs."""
    shown = {kinds: sorted({case.people for case in cases if len(case.people) == kinds}) for kinds in (1, 2)}
    kept = {people for several in shown.values() for people in several[::every]}
    return np.array([case.people in kept for case in cases])


def file_of(kept: Path, part: str, arm: Arm) -> Path:
    return kept / f"{part}-{arm.name.replace(' ', '-')}.npz"


def show(figures: Figures) -> None:
    lfw, frll = figures["lfw"], figures["frll"]
    head = ("", "no face", "refused", "TMR", "change", "carried", "utility", "background", "area x 1000")
    for name, part in (("LFW frames", lfw), ("FRLL", frll)):
        rows: list[tuple[str, ...]] = []
        for arm, row in part["arms"].items():
            rates = (said(row["change"]), said(row["carried"]["change"]))
            means = (f"{row['utility']['mean']:.1f}", f"{row['uniformity']['mean']:.1f}")
            counts = (str(row["missed"]), str(row["refused"]), f"{row['tmr']['value']:.2%}")
            rows.append((arm, *counts, *rates, *means, f"{1e3 * row['area']['value']:.2f}"))
        print(table((name, *head[1:]), rows), end="\n\n")
    for detector in DETECTORS:
        rows = []
        for arm, row in frll["arms"].items():
            one = row["detection"][detector.name]
            cells = [said(one[way][rate]) for way in ("carried", "reset") for rate in ("bscer", "macer")]
            rows.append((arm, *cells, str(sum(one["unanswered"].values()))))
        names = ("BSCER, carried", "MACER, carried", "BSCER, reset", "MACER, reset", "unanswered")
        print(table((detector.name, *names), rows), end="\n\n")
    for row in lfw["blank"]:
        shares = ", ".join(f"{name} {row[name]['value']:.2%}" for name in ("embedded", "refused", "acquired"))
        carried = f"carried: FMR {row['carried_fmr']['value']:.2e}"
        print(f"{row['share']:.1%} blank, FMR {row['fmr']:g}: TMR {shares}; {carried}")
    for row in lfw["doses"]:
        shares = "; ".join(f"{way} {row[way]['tmr']['value']:.2%} ({said(row[way]['change'])})" for way in WAYS)
        print(f"{row['damage']} {row['dose']:g}: TMR {shares}; refused {row['guarded']['refused']}")


def said(rate: Figures) -> str:
    return f"{100 * rate['value']:.2f} [{100 * rate['low']:.2f}, {100 * rate['high']:.2f}]"


if __name__ == "__main__":
    main()
