"""Fixtures of video tests."""

import sys
from pathlib import Path

import numpy as np
import pytest

# Tests are imported by file, so that a module they share has to be put on the path.
sys.path.insert(0, str(Path(__file__).parent))

from clip_maker import scene, write_clip

SECOND = tuple(np.arange(25) / 25)


@pytest.fixture
def make_clip(tmp_path):
    """Makes a clip of numbered scenes: ``make_clip(name, seconds, size=(64, 48), **options)``."""

    def make(name, seconds=SECOND, *, size=(64, 48), **options):
        images = [scene(number, *size) for number in range(len(seconds))]
        return write_clip(tmp_path / name, images, seconds, **options)

    return make
