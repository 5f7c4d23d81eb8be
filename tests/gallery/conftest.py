from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Tests are imported by file, so that a module they share has to be put on the path.
sys.path.insert(0, str(Path(__file__).parent))

from gallery_fakes import fake_reasons, open_fake, stand_in_cluster


@pytest.fixture(autouse=True)
def _reasons_of_the_fake(monkeypatch):
    monkeypatch.setattr("mien.quality.reasons", fake_reasons, raising=False)


@pytest.fixture(autouse=True)
def _simple_clusters(monkeypatch):
    monkeypatch.setattr("mien.recognition.cluster", stand_in_cluster, raising=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "people.mien"


@pytest.fixture
def gallery(path):
    with open_fake(path) as opened:
        yield opened
