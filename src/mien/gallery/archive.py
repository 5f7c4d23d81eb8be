"""The file that a backup is: what it holds, whole, uncompressed, with checksums, and signed.

A ZIP archive whose members are stored as they are, so that none can be larger than the file, of three names that are
known beforehand, so that none can lead elsewhere::

    gallery.db      the gallery
    service.db      the service's own file, where it was asked for
    manifest.json   when, by which version; size and SHA-256 of each; the signing key
    manifest.sig    an Ed25519 signature of the manifest, base64
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mien.errors import InvalidArgument, StoreCorrupt, StoreFull, StoreUnavailable, UnwritableFile
from mien.gallery import audit

__all__ = ["GALLERY", "SERVICE", "Archive", "opened", "put", "workplace", "write"]

GALLERY, SERVICE = "gallery.db", "service.db"
SCHEMA = "mien.backup/1"

_MANIFEST, _SIGNATURE = "manifest.json", "manifest.sig"
_SMALL = 1 << 16
_CHUNK = 1 << 20


class Archive:
    """A backup that was opened, and whose manifest holds.

    Attributes:
        manifest: What it says of itself.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Mapping[str, Any]) -> None:
        self.manifest = manifest
        self._path = path
        self._archive = archive

    def __contains__(self, name: str) -> bool:
        return name in self.manifest["files"]

    def take(self, name: str, target: Path) -> None:
        """Write a member into a new file, on the disk when the call returns.

        Raises:
            StoreCorrupt: It is not what the manifest says.
            OSError: It cannot be written.
        """
        expected = self.manifest["files"][name]
        with _translated(self._path), self._archive.open(name) as member, target.open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            size, digest = _copied(member, file, expected["size"])
        if (size, digest) != (expected["size"], expected["sha256"]):
            raise _broken(self._path, f"{name} is not what was backed up")


@contextmanager
def workplace(target: Path) -> Iterator[Path]:
    """A folder beside a file to come, that only this user may read, for what is not finished.

    Raises:
        UnwritableFile: No such folder, or no permission; where something fails to be written within, nothing is left.
        StoreFull: No room.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name[:64]}.", dir=target.absolute().parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        yield folder
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(file: Path, target: Path) -> None:
    """Give a finished file its name, unless there is one of that name.

    Raises:
        InvalidArgument: There is.
        OSError: It cannot be done.
    """
    try:
        os.link(file, target)
    except FileExistsError:
        raise InvalidArgument(f"{target}: is there already; nothing is overwritten: move it, or give another") from None
    except OSError:
        # Not every file system has links.
        if os.path.lexists(target):
            raise InvalidArgument(f"{target}: is there already; nothing is overwritten") from None
        file.rename(target)
    descriptor = os.open(target.absolute().parent, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, members: Mapping[str, Path], said: Mapping[str, Any]) -> dict[str, Any]:
    """Write an archive, on the disk when the call returns.

    Args:
        path: Where; nothing may be there.
        members: The files by their names.
        said: What the manifest says besides.

    Returns:
        The manifest.

    Raises:
        StoreUnavailable: There is no key to sign with.
        OSError: It cannot be written.
    """
    key = audit.public_key()
    if key is None:
        raise StoreUnavailable("backup: no signing key can be kept; set MIEN_AUDIT_KEY to a path that can be written")
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            files = {name: _add(archive, name, source) for name, source in members.items()}
            manifest = {"schema": SCHEMA, **said, "files": files, "public_key": key}
            data = json.dumps(manifest, indent=1).encode()
            archive.writestr(_MANIFEST, data)
            archive.writestr(_SIGNATURE, str(audit.sign(data)))
        file.flush()
        os.fsync(file.fileno())
    return manifest


@contextmanager
def opened(path: Path, public_key: str | None) -> Iterator[Archive]:
    """An archive, looked at before anything of it is used.

    Args:
        path: The file.
        public_key: Who must have signed it; None for this user's own key.

    Raises:
        InvalidArgument: No such file.
        StoreCorrupt: No backup, cut short, changed, of a newer Mien, or signed by another key.
    """
    if not path.is_file():
        raise InvalidArgument(f"{path}: there is no such file")
    with _translated(path):
        archive = zipfile.ZipFile(path)
    with archive:
        with _translated(path):
            manifest = _checked(path, archive, public_key)
        yield Archive(path, archive, manifest)


def _checked(path: Path, archive: zipfile.ZipFile, public_key: str | None) -> dict[str, Any]:
    members = archive.infolist()
    _check_members(path, members)
    data = _small(path, archive, _MANIFEST)
    _check_signature(path, data, _small(path, archive, _SIGNATURE), public_key)
    manifest: dict[str, Any] = json.loads(data)
    if manifest.get("schema") != SCHEMA:
        raise StoreCorrupt(f"{path}: expected {SCHEMA}, got {manifest.get('schema')!a}; upgrade Mien", path=str(path))
    sizes = {one.filename: one.file_size for one in members if one.filename not in {_MANIFEST, _SIGNATURE}}
    if sizes != {name: one["size"] for name, one in manifest["files"].items()}:
        raise _broken(path, "its members are not those that its manifest lists")
    return manifest


def _add(archive: zipfile.ZipFile, name: str, source: Path) -> dict[str, Any]:
    with source.open("rb") as file, archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
        size, digest = _copied(file, member, None)
    return {"size": size, "sha256": digest}


def _copied(source: Any, target: Any, limit: int | None) -> tuple[int, str]:  # noqa: ANN401 - files of two kinds
    size, digest = 0, hashlib.sha256()
    while data := source.read(_CHUNK):
        size += len(data)
        if limit is not None and size > limit:
            break
        digest.update(data)
        target.write(data)
    target.flush()
    return size, digest.hexdigest()


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    names = [one.filename for one in members]
    known = {GALLERY, SERVICE, _MANIFEST, _SIGNATURE}
    if len({*names}) != len(names) or not {GALLERY, _MANIFEST, _SIGNATURE} <= {*names} <= known:
        raise _broken(path, "it holds other files than a backup does")
    stored = all(one.compress_type == zipfile.ZIP_STORED and one.file_size == one.compress_size for one in members)
    if not stored or sum(one.file_size for one in members) > path.stat().st_size:
        raise _broken(path, "its members are not stored as a backup's are")


def _check_signature(path: Path, data: bytes, signature: bytes, public_key: str | None) -> None:
    key = public_key or audit.public_key() or ""
    if audit.signed_by(data, signature.decode("ascii", "replace"), key):
        return
    with suppress(ValueError, KeyError, TypeError):
        named = str(json.loads(data)["public_key"])
        if named != key and audit.signed_by(data, signature.decode("ascii", "replace"), named):
            raise StoreCorrupt(
                f"{path}: signed by another key than yours, {named}; if you know it from before (mien audit key), "
                "give it: --public-key",
                path=str(path),
                public_key=named,
            )
    raise _broken(path, "its signature does not hold")


def _small(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _SMALL:
        raise _broken(path, f"{name} is too large")
    return archive.read(name)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, LookupError) as error:
        raise _broken(path, str(error) or "it ends too early") from error


def _broken(path: Path, why: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{path}: expected a whole backup that mien backup wrote: {why}; nothing was restored", path=str(path)
    )


def _unwritable(path: Path, error: OSError) -> StoreFull | UnwritableFile:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFull(f"{path}: no room on the disk; nothing was written", path=str(path))
    return UnwritableFile(f"{path}: cannot be written ({error.strerror or error})", path=str(path))
