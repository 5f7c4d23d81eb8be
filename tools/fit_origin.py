"""Compute the origin of an embedding space: the mean feature of the Face Research Lab London set.

    python tools/fit_origin.py path/to/frll_dev.zip

Each image is processed as everywhere else (detected, refined, aligned, embedded), but for the origin itself. What is
printed belongs into the recogniser's card. The set is CC BY 4.0 (DeBruine and Jones); no image of it is needed later.
"""

from __future__ import annotations

import argparse
import io
import zipfile

import numpy as np

from mien import media, models
from mien.faces import Detector, Landmarker, align
from mien.recognition.embed import Embedder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="frll_dev.zip")
    archive = zipfile.ZipFile(parser.parse_args().archive)
    detector = Detector(models.open_session("yunet-2023mar"))
    landmarker = Landmarker(models.open_session("face-mesh-468"))
    session = models.open_session("sface-2021dec")
    dimension = session.card.dimension
    assert dimension is not None
    embedder = Embedder(session, np.zeros(dimension, np.float32))
    names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
    features = []
    for name in names:
        image = media.read(io.BytesIO(archive.read(name)))
        (faces,) = landmarker.refine([image], detector.detect([image]))
        assert faces.largest is not None, name
        features.append(embedder.features(align(image, faces.largest.landmarks))[0])
    mean = np.mean(features, axis=0)
    rows = [", ".join(f"{value:.4f}" for value in mean[start : start + 8]) for start in range(0, dimension, 8)]
    print(f"# {len(names)} images")
    print("origin = [\n    " + ",\n    ".join(rows) + ",\n]")


if __name__ == "__main__":
    main()
