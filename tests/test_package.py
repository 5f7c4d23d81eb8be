"""What the distribution promises."""

import hashlib
import re
import runpy
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from mien.models import cards

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

BASE = {
    "av",
    "cryptography",
    "filelock",
    "numpy",
    "onnx",
    "opencv-python-headless",
    "openvino",
    "pillow",
    "platformdirs",
    "scipy",
}
PLATFORMS = {"linux-x86_64", "linux-aarch64", "macos-arm64", "windows-x86_64"}
WEIGHTS = {".onnx", ".tflite", ".pt", ".pth", ".bin", ".safetensors", ".whl"}


def test_base_install_is_these_packages():
    """A new dependency is decided on, not slipped in: see that it has binary wheels with ``tools/check_wheels.py``."""
    assert {re.match(r"[\w.-]+", requirement).group() for requirement in PROJECT["dependencies"]} == BASE


def test_every_promised_platform_is_checked_for_wheels():
    checked = runpy.run_path(str(ROOT / "tools" / "check_wheels.py"))
    assert set(checked["PLATFORMS"]) == PLATFORMS
    assert set(checked["PYTHONS"]) == {"3.11", "3.14"}


def test_typed_marker_is_shipped():
    assert (ROOT / "src" / "mien" / "py.typed").is_file()


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="not a git checkout")
def test_no_weights_but_those_trained_here_and_no_sample_photo_is_committed():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tracked = [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]
    ours = {ROOT / "src" / "mien" / "models" / card.shipped.member: card for card in cards() if card.shipped}
    weights = [path for path in tracked if path.suffix in WEIGHTS]
    assert sorted(weights) == sorted(ours)
    for path, card in ours.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == card.file.sha256
        assert path.stat().st_size <= 15_000_000
    samples = runpy.run_path(str(ROOT / "tools" / "samples.py"))["ARCHIVES"]
    photos = {digest for archive in samples for digest in archive.photos.values()}
    assert [path for path in tracked if hashlib.sha256(path.read_bytes()).hexdigest() in photos] == []
