"""Fit the calibrations that ship with Mien to the development half of Labeled Faces in the Wild.

    python tools/fit_calibration.py path/to/lfw_dev.zip
    python tools/fit_calibration.py path/to/lfw_dev.zip --recogniser dlib --name lfw-dev-dlib --tracks 120

Reads every close crop (``crops/<person>/<image>``), and the whole frames of the people who have none, of each image
the face nearest to its centre, which is the one the set names, and writes the calibration of a recogniser's pipeline
into the package. Tracks are synthetic, each made from one image of a person. Photographs that stand in the set under
two names are left out: one of the names is wrong, and no recogniser should be held to it. They are found by their
pixels, never by a recogniser, which would choose its own test.
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path

import numpy as np

from mien import media
from mien.datasets import Record, duplicate_groups
from mien.evaluation import embed
from mien.recognition import RECOGNISERS, fit, pipeline_for
from mien.recognition.points import Population
from mien.recognition.tracks import MOST_TRACKS, TRACK_LIMITS, choose_stills, make_tracks

_TARGET = Path(__file__).parent.parent / "src" / "mien" / "recognition" / "calibrations"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="lfw_dev.zip")
    parser.add_argument("--recogniser", default="sface", choices=RECOGNISERS, help="whose calibration (default: sface)")
    parser.add_argument("--name", default="lfw-dev", help="what decisions call it (default: lfw-dev)")
    parser.add_argument("--tracks", type=int, default=MOST_TRACKS, help="how many synthetic tracks to make")
    options = parser.parse_args()
    with zipfile.ZipFile(options.archive) as archive:
        known = lfw(archive)
    pipeline = pipeline_for(options.recogniser)
    samples = embed(known, pipeline)
    found = np.flatnonzero(~samples.failed)
    templates, people = samples.templates[found], [str(name) for name in samples.people[found]]
    stills = (
        (int(row), media.read(samples.records[found[row]].source), samples.boxes[found[row]])
        for row in choose_stills(people, most=options.tracks)
    )
    population = Population(
        "Labeled Faces in the Wild, development half, crops and frames of 150 pixels",
        len(set(people)),
        len(people),
        "celebrity press photos, mostly of adults and men, faces of about 57 to 100 pixels; refit on your cameras; "
        f"{TRACK_LIMITS}",
    )
    tracks = make_tracks(stills, pipeline)
    calibration = fit(
        templates, people, pipeline=pipeline.name, name=options.name, population=population, tracks=tracks
    )
    print(calibration.save(_TARGET / f"{pipeline.name.replace('/', '_')}.json"))


def lfw(archive: zipfile.ZipFile) -> list[Record]:
    """Every close crop, and the whole frames of the people who have none, but for photographs under two names."""
    names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
    closely = {name.split("/")[1] for name in names if name.startswith("crops/")}
    chosen = [name for name in names if name.startswith("crops/") or name.split("/")[1] not in closely]
    # A crop and a frame of one photograph are too unlike to be told as copies: frames are compared with frames.
    frames = (name for name in names if name.startswith("frames/"))
    groups = duplicate_groups(_record(archive, name) for name in frames)
    named_twice = (group for group in groups if len({record.person for record in group}) > 1)
    twice = {Path(record.capture).name for group in named_twice for record in group}
    print(f"left out: {', '.join(sorted(twice)) or 'none'}")
    return [_record(archive, name) for name in chosen if Path(name).name not in twice]


def _record(archive: zipfile.ZipFile, name: str) -> Record:
    return Record(name.split("/")[1], name, archive.read(name))


if __name__ == "__main__":
    main()
