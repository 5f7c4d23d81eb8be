"""Fit the calibrations that ship with Mien to the development half of Labeled Faces in the Wild.

    python tools/fit_calibration.py path/to/lfw_dev.zip
    python tools/fit_calibration.py path/to/lfw_dev.zip --recogniser dlib --name lfw-dev-dlib --tracks 120

Reads every close crop (``crops/<person>/<image>``), and the whole frames of the people who have none, of each image
the face nearest to its centre, which is the one the set names, and writes the calibration of a recogniser's pipeline
into the package. Tracks are synthetic, each made from one image of a person. Two images of different names that are one
photograph stay in: they are errors of the set, and make the strictest thresholds stricter.
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path

import numpy as np

from mien import media
from mien.recognition import RECOGNISERS, fit, pipeline_for
from mien.recognition.calibration import Population
from mien.recognition.tracks import MOST_TRACKS, TRACK_LIMITS, choose_stills, make_tracks
from mien.types import Face

_TARGET = Path(__file__).parent.parent / "src" / "mien" / "recognition" / "calibrations"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="lfw_dev.zip")
    parser.add_argument("--recogniser", default="sface", choices=RECOGNISERS, help="whose calibration (default: sface)")
    parser.add_argument("--name", default="lfw-dev", help="what decisions call it (default: lfw-dev)")
    parser.add_argument("--tracks", type=int, default=MOST_TRACKS, help="how many synthetic tracks to make")
    options = parser.parse_args()
    archive = zipfile.ZipFile(options.archive)
    images = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
    crops = [name for name in images if name.startswith("crops/")]
    closely = {name.split("/")[1] for name in crops}
    names = crops + [name for name in images if name.startswith("frames/") and name.split("/")[1] not in closely]
    pipeline = pipeline_for(options.recogniser)
    faces: dict[int, Face] = {}
    for index, image, found in pipeline.find_all_indexed(archive.read(name) for name in names):
        if len(found):
            middle = np.array([image.shape[1], image.shape[0]]) / 2
            distance = np.abs(found.boxes.reshape(-1, 2, 2).mean(1) - middle).sum(1)
            faces[index] = found[int(np.argmin(distance))]
    people = [names[index].split("/")[1] for index in faces]
    order = list(faces)
    chosen = [(int(row), order[row]) for row in choose_stills(people, most=options.tracks)]
    stills = ((row, media.read(archive.read(names[index])), faces[index].box) for row, index in chosen)
    tracks = make_tracks(stills, pipeline)
    population = Population(
        "Labeled Faces in the Wild, development half, crops and frames of 150 pixels",
        len(set(people)),
        len(people),
        "celebrity press photos, mostly of adults and men, faces of about 57 to 100 pixels; refit on your cameras; "
        f"{TRACK_LIMITS}",
    )
    templates = np.stack([face.template for face in faces.values() if face.template is not None])
    calibration = fit(
        templates, people, pipeline=pipeline.name, name=options.name, population=population, tracks=tracks
    )
    print(calibration.save(_TARGET / f"{pipeline.name.replace('/', '_')}.json"))


if __name__ == "__main__":
    main()
