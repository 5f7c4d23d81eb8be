"""Downloads that resume where they stopped and are only kept if they are the file expected."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeAlias

from mien.errors import ModelUnavailable
from mien.models.files import check, writing

__all__ = ["Progress", "download", "open_url"]

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with a file's name, the bytes there so far, and the bytes it will have (None where nobody knows)."""

_CHUNK = 1 << 18
_ATTEMPTS = 5
_TIMEOUT = 60.0
_NETWORK_ERRORS = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError)


def download(
    url: str, target: Path, *, sha256: str, progress: Progress | None = None, certificates: str | None = None
) -> None:
    """Fetch a file, going on from a part that an earlier attempt left.

    Args:
        url: ``http:``, ``https:`` or ``file:``.
        target: Where the file goes once it is whole and its hash is right.
        sha256: What the file must hash to, hexadecimal.
        progress: Told about every chunk.
        certificates: PEM file of certificate authorities, the system's by default.

    Raises:
        ModelUnavailable: The server cannot be reached or does not have the file, or the disk is full. What has come
            so far is kept for the next attempt, unless the disk is full.
        HashMismatch: Another file came; it is thrown away.
    """
    part = target.with_name(f"{target.name}.part")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(_ATTEMPTS):
        before = _size(part)
        try:
            whole = _append(url, part, target.name, progress, certificates)
        except _NETWORK_ERRORS as error:
            stuck = _size(part) <= before or attempt + 1 == _ATTEMPTS
            if stuck or isinstance(error, urllib.error.HTTPError):
                raise ModelUnavailable(f"cannot fetch {url}: {error}", url=url) from error
            continue
        if whole:
            break
    else:
        raise ModelUnavailable(f"cannot fetch {url}: the connection broke {_ATTEMPTS} times; try again", url=url)
    with part.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        check(url, expected=sha256, got=got, advice="Nothing was kept; try again, or use another source.")
    except Exception:
        part.unlink()
        raise
    with writing(target):
        part.replace(target)


def open_url(url: str, *, headers: dict[str, str] | None = None, certificates: str | None = None) -> IO[bytes]:
    """Open a URL for reading; the caller closes it."""
    if not url.startswith(("http://", "https://", "file:")):
        raise ModelUnavailable(f"cannot fetch {url}: expected http:, https: or file:", url=url)
    request = urllib.request.Request(url, headers={"User-Agent": "mien", **(headers or {})})  # noqa: S310
    context = ssl.create_default_context(cafile=certificates) if url.startswith("https:") else None
    response: IO[bytes] = urllib.request.urlopen(request, timeout=_TIMEOUT, context=context)  # noqa: S310  # nosec B310
    return response


def _append(url: str, part: Path, name: str, progress: Progress | None, certificates: str | None) -> bool:
    """Read the rest of ``url`` into ``part``; says whether that made it whole."""
    done = _size(part)
    headers = {"Range": f"bytes={done}-"} if done else {}
    try:
        response = open_url(url, headers=headers, certificates=certificates)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and done:
                return _settle_range(error, part, done)
        raise
    with response:
        if getattr(response, "status", None) != http.HTTPStatus.PARTIAL_CONTENT:
            done = 0
        length = getattr(response, "headers", {}).get("Content-Length")
        total = done + int(length) if length and length.isdigit() else None
        done = _copy(response, part, done, total, name, progress)
    return total is None or done >= total


def _settle_range(error: urllib.error.HTTPError, part: Path, done: int) -> bool:
    """Nothing lies behind what we have: it is whole, or of another file and must go."""
    if error.headers.get("Content-Range", "").endswith(f"/{done}"):
        return True
    part.unlink()
    return False


def _copy(response: IO[bytes], part: Path, done: int, total: int | None, name: str, progress: Progress | None) -> int:
    with writing(part):
        file = part.open("r+b" if done else "wb")
    with file:
        file.seek(done)
        while chunk := response.read(_CHUNK):
            try:
                with writing(part):
                    file.write(chunk)
                    file.flush()
            except ModelUnavailable:
                part.unlink(missing_ok=True)
                raise
            done += len(chunk)
            if progress is not None:
                progress(name, done, total)
    return done


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
