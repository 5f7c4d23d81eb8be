"""Fixtures that several rooms share."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from mien.errors import ModelUnavailable
from mien.models import Located, fetch

# Tests are imported by file, so that a module they share has to be put on the path.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True, scope="session")
def _own_audit_key(tmp_path_factory):
    """Tests sign with a key of their own, and leave none in the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_AUDIT_KEY", str(tmp_path_factory.mktemp("audit") / "key.pem"))
        yield


@pytest.fixture(scope="session")
def weights() -> dict[str, Located]:
    """The default models' weights, fetched once; tests that need them are skipped where nothing can serve them."""
    try:
        return {name: fetch(name) for name in ("yunet-2023mar", "sface-2021dec")}
    except ModelUnavailable as error:
        pytest.skip(f"the default weights cannot be fetched here: {error.message}")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample photos, fetched once; tests that need them are skipped where nothing can serve them."""
    fetch_samples = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "samples.py"))["fetch"]
    try:
        return fetch_samples()
    except ModelUnavailable as error:
        pytest.skip(f"the sample photos cannot be fetched here: {error.message}")


@pytest.fixture
def far_clip(samples, weights, tmp_path):
    """The first second of a real clip, with 30 pixels between the eyes: too few for ``quality=high``."""
    import cv2

    from mien import media
    from mien.recognition import default_pipeline

    target = tmp_path / "far.mp4"
    with media.open_video(samples / "single_face.mp4", end=1.0) as clip:
        frames = [(frame.image, frame.timestamp) for frame in clip]
        scale = 30 / float(default_pipeline().find(frames[0][0]).extra["quality.size"][0])
        size = tuple(2 * round(scale * side / 2) for side in clip.size)
        with media.VideoWriter(target, size=size, rate=clip.rate) as writer:
            for image, timestamp in frames:
                writer.write(cv2.resize(image, size, interpolation=cv2.INTER_AREA), timestamp)
    return target


@pytest.fixture
def serve(tmp_path):
    """Starts services as processes (see `served.Served`), and stops them afterwards."""
    from served import Served

    started = []

    def start(folder=tmp_path, **options):
        started.append(Served(folder, **options))
        return started[-1]

    yield start
    for one in started:
        one.kill()
