"""Files that are sent for a job: under their names in a private folder of the job, and nothing that leads out of it."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from mien.errors import InvalidArgument, StoreFull, StoreUnavailable

__all__ = ["Upload", "Writing", "check_archive", "check_name", "unpack"]

MOST_FILES = 20_000
_MOST_PARTS = 8
_MOST_BYTES = 200
_HEAD = 46
_END = b"PK\x05\x06"
_ZIP64 = b"PK\x06\x07"
_PIECE = 1 << 20
_RESERVED = frozenset('<>:"|?*\\')


def check_name(name: str) -> PurePosixPath:
    """A name of a file, with the folders that it is in.

    Raises:
        InvalidArgument: It leads elsewhere, or no file system would take it.
    """
    parts = name.split("/")
    sound = 0 < len(parts) <= _MOST_PARTS and all(
        part not in {"", ".", ".."}
        and part.isprintable()
        and part == part.strip()
        and not part.endswith(".")
        and not _RESERVED & {*part}
        and len(part.encode("utf-8", "replace")) <= _MOST_BYTES
        for part in parts
    )
    if not sound:
        raise InvalidArgument(f"file {name[:200]!a}: expected a name such as photo.jpg or Ada/photo.jpg")
    return PurePosixPath(name)


@dataclass(eq=False)
class Upload:
    """The files of one job.

    Args:
        folder: Where; made when the first comes.
        limit: Bytes that they may have together.
    """

    folder: Path
    limit: int
    size: int = 0
    _names: dict[PurePosixPath, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self._names)

    def writing(self, name: str) -> Writing:
        """Begin to write a file.

        Raises:
            InvalidArgument: A name that cannot be, is taken, or one too many.
            StoreFull, StoreUnavailable: The folder cannot be written to.
        """
        path = check_name(name)
        with self._lock:
            if len(self._names) >= MOST_FILES:
                raise InvalidArgument(f"files: expected at most {MOST_FILES}; send them as several jobs")
            if path in self._names or any(path in other.parents or other in path.parents for other in self._names):
                raise InvalidArgument(f"file {name!a}: there is one of that name already")
            self._names[path] = 0
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Writing(self, path, self.folder / f".{secrets.token_hex(8)}")
        except OSError as error:
            self.forget(path)
            raise failure(error) from error

    def grow(self, path: PurePosixPath, size: int) -> bool:
        """Count bytes of a file; False where they are too many."""
        with self._lock:
            if self.size + size > self.limit:
                return False
            self.size += size
            self._names[path] += size
        return True

    def forget(self, path: PurePosixPath) -> None:
        """Do not count a file any more."""
        with self._lock:
            self.size -= self._names.pop(path, 0)


class Writing:
    """A file that comes in; there when it is whole, and else not at all.

    Args:
        upload: Whose it is.
        path: Its name.
        temporary: Where it is written to.
    """

    def __init__(self, upload: Upload, path: PurePosixPath, temporary: Path) -> None:
        self._upload, self._path, self._temporary = upload, path, temporary
        self._file: BinaryIO = os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        self.size = 0

    def write(self, data: bytes) -> bool:
        """Take some of it; False where the job's files become too large.

        Raises:
            StoreFull, StoreUnavailable: No room.
        """
        if not self._upload.grow(self._path, len(data)):
            return False
        self.size += len(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise failure(error) from error
        return True

    def done(self) -> None:
        """It is whole."""
        target = self._upload.folder / self._path
        try:
            self._file.close()
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._temporary.rename(target)
        except OSError as error:
            raise failure(error) from error

    def undo(self) -> None:
        """It will not be."""
        with contextlib.suppress(OSError):  # what was still to be written, where there is no room
            self._file.close()
        self._temporary.unlink(missing_ok=True)
        self._upload.forget(self._path)


def check_archive(path: Path, limit: int) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """What is in a zip file, without what systems add; nothing is unpacked yet.

    Args:
        path: The file.
        limit: Bytes that the files may have together, unpacked.

    Raises:
        InvalidArgument: It is none, or holds what it should not: encrypted files, links, names that lead elsewhere,
            too many files, or too large ones.
    """
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir() and not _is_added(one.filename)]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InvalidArgument(f"{path.name}: expected a zip file ({error})") from error
    if len(members) > MOST_FILES:
        raise InvalidArgument(f"{path.name}: expected at most {MOST_FILES} files, got {len(members)}")
    unpacked = sum(one.file_size for one in members)
    if unpacked > limit:
        raise InvalidArgument(f"{path.name}: expected at most {limit} bytes of files, got {unpacked}")
    named = [(one, _checked(path.name, one)) for one in members]
    folders = {parent for _, name in named for parent in name.parents}
    names = {name for _, name in named}
    if len(names) < len(named) or names & folders:
        raise InvalidArgument(f"{path.name}: expected each name once")
    return named


def unpack(path: Path, limit: int, folder: Path, proceed: Callable[[], None]) -> None:
    """Put the files of a zip file into a folder; a folder that all of them are in, above those of people, is left out.

    Args:
        path: The zip file.
        limit: As in `check_archive`.
        folder: Where to.
        proceed: Called before each piece; what it raises ends it.

    Raises:
        InvalidArgument: As in `check_archive`, or a file is damaged.
        StoreFull, StoreUnavailable: No room.
    """
    named = check_archive(path, limit)
    outer = {name.parts[0] for _, name in named}
    skipped = 1 if len(outer) == 1 and all(len(name.parts) > 2 for _, name in named) else 0
    with zipfile.ZipFile(path) as archive:
        for member, name in named:
            target = folder.joinpath(*name.parts[skipped:])
            try:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with archive.open(member) as packed, target.open("xb") as file:
                    while piece := packed.read(_PIECE):
                        proceed()
                        file.write(piece)
            except (zipfile.BadZipFile, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
                raise InvalidArgument(f"{path.name}: {member.filename[:200]!a} is damaged ({error})") from error
            except OSError as error:
                raise failure(error) from error
            except Exception as error:
                if type(error).__module__ != "zlib":
                    raise
                raise InvalidArgument(f"{path.name}: {member.filename[:200]!a} is damaged ({error})") from error


def failure(error: OSError) -> StoreFull | StoreUnavailable:
    """What to say where files cannot be written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFull("no room for files of jobs; nothing was kept of this one")
    return StoreUnavailable(f"files of jobs cannot be written ({error.strerror})")


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)


def _check_directory(path: Path) -> None:
    """Look at how large the list of files is, before it is read: it is read whole."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 16) - 42))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise ValueError("no list of files at its end")
    if tail[max(0, at - 20) : at].startswith(_ZIP64):
        raise ValueError("zip64, which is for more, or larger, files than are taken")
    if int.from_bytes(tail[at + 12 : at + 16], "little") > MOST_FILES * (_HEAD + 8 * _MOST_BYTES):
        raise ValueError("its list of files is too large")


def _is_added(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/") if part not in {".", ".."})


def _checked(archive: str, member: zipfile.ZipInfo) -> PurePosixPath:
    kind = stat.S_IFMT(member.external_attr >> 16)
    wrong = None
    if member.flag_bits & 0x1:
        wrong = "is encrypted"
    elif kind not in {0, stat.S_IFREG}:
        wrong = "is a link, or another special file"
    elif member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        wrong = "is packed in another way than deflate"
    if wrong:
        raise InvalidArgument(f"{archive}: {member.filename[:200]!a} {wrong}; expected plain files")
    return check_name(member.filename)
