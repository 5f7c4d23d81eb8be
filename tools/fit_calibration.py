"""Fit the calibration that ships with Mien to the development half of Labeled Faces in the Wild.

    python tools/fit_calibration.py path/to/lfw_dev.zip

Reads every close crop (``crops/<person>/<image>``), and the whole frames of the people who have none, of each image
the face nearest to its centre, which is the one the set names, and writes the calibration of the default pipeline into
the package. Two images of different names that are one photograph stay in: they are errors of the set, and make the
strictest thresholds stricter.
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path

import numpy as np

from mien.recognition import default_pipeline, fit
from mien.recognition.calibration import Population

_TARGET = Path(__file__).parent.parent / "src" / "mien" / "recognition" / "calibrations"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="lfw_dev.zip")
    archive = zipfile.ZipFile(parser.parse_args().archive)
    images = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
    crops = [name for name in images if name.startswith("crops/")]
    closely = {name.split("/")[1] for name in crops}
    names = crops + [name for name in images if name.startswith("frames/") and name.split("/")[1] not in closely]
    pipeline = default_pipeline()
    templates, people = [], []
    for index, image, faces in pipeline.find_all_indexed(archive.read(name) for name in names):
        if not len(faces):
            continue
        middle = np.array([image.shape[1], image.shape[0]]) / 2
        distance = np.abs(faces.boxes.reshape(-1, 2, 2).mean(1) - middle).sum(1)
        template = faces[int(np.argmin(distance))].template
        assert template is not None
        templates.append(template)
        people.append(names[index].split("/")[1])
    population = Population(
        "Labeled Faces in the Wild, development half, crops and frames of 150 pixels",
        len(set(people)),
        len(people),
        "celebrity press photos, mostly of adults and men, faces of about 57 to 100 pixels; refit on your cameras",
    )
    calibration = fit(np.stack(templates), people, pipeline=pipeline.name, name="lfw-dev", population=population)
    print(calibration.save(_TARGET / f"{pipeline.name.replace('/', '_')}.json"))


if __name__ == "__main__":
    main()
