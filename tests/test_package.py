"""What the distribution promises."""

import hashlib
import re
import runpy
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

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
def test_no_weights_and_no_sample_photo_is_committed():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tracked = [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]
    assert [path for path in tracked if path.suffix in WEIGHTS] == []
    samples = runpy.run_path(str(ROOT / "tools" / "samples.py"))["ARCHIVES"]
    photos = {digest for archive in samples for digest in archive.photos.values()}
    assert [path for path in tracked if hashlib.sha256(path.read_bytes()).hexdigest() in photos] == []
