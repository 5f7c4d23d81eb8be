"""InsightFace's verification files (``lfw.bin``, ``cfp_fp.bin``, ...): a pickle of encoded images and of labels."""

from __future__ import annotations

import mmap
import os
import pickle  # see _Unpickler  # nosec B403
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mien.datasets.records import Pair, Record
from mien.errors import WrongLayout

__all__ = ["read_bin", "read_bin_pairs"]

_MOST_BYTES = 4 << 30
_FOLDS = 10
_LAYOUT = "a pickle of (encoded images, labels), two images a label"


def read_bin(path: str | os.PathLike[str]) -> Iterator[Record]:
    """All captures, in the order of the file; it does not say who they are. `read_bin_pairs` tells of memory and trust.

    Raises:
        WrongLayout: As `read_bin_pairs`.
    """
    images, _ = _load(Path(path))
    return _records(images)


def read_bin_pairs(path: str | os.PathLike[str]) -> Iterator[Pair]:
    """Pairs in the order of the file, in 10 folds of neighbours, as InsightFace's unshuffled ``KFold`` cuts them.

    A pickle cannot be streamed: all its images are in memory at once, encoded, and a file above 4 GiB is refused.
    Nothing that the file names is imported or called: lists, bytes, Booleans and uint8 arrays are all it may hold.

    Raises:
        WrongLayout: Not there, cut short, above 4 GiB, holding anything else, or not two images a label.
    """
    images, labels = _load(Path(path))
    size, larger = divmod(len(labels), _FOLDS)
    folds = [fold for fold in range(_FOLDS) for _ in range(size + (fold < larger))]
    records = _records(images)
    return (Pair(next(records), next(records), mated, fold) for mated, fold in zip(labels, folds, strict=True))


def _records(images: list[bytes]) -> Iterator[Record]:
    return (Record(None, f"{index:06d}", image) for index, image in enumerate(images))


def _load(path: Path) -> tuple[list[bytes], list[bool]]:
    content = _unpickle(path)
    if not (isinstance(content, (tuple, list)) and len(content) == 2 and all(isinstance(x, list) for x in content)):
        raise WrongLayout(f"{path}: expected {_LAYOUT}, got {type(content).__name__}", path=str(path))
    images = [_encoded(image, f"{path}, image {index}") for index, image in enumerate(content[0])]
    labels: list[bool] = content[1]
    if others := {type(label).__name__ for label in labels if not isinstance(label, bool)}:
        raise WrongLayout(f"{path}: expected labels True or False, got {', '.join(sorted(others))}", path=str(path))
    if not labels or len(images) != 2 * len(labels):
        found = f"{len(images)} images and {len(labels)} labels"
        raise WrongLayout(f"{path}: expected {_LAYOUT}, got {found}; fetch it again", path=str(path))
    return images, labels


def _unpickle(path: Path) -> object:
    size = path.stat().st_size if path.is_file() else None
    if size is not None and not 0 < size <= _MOST_BYTES:
        raise WrongLayout(f"{path}: expected 1 to {_MOST_BYTES} bytes, got {size}", path=str(path))
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _Unpickler(mapped, encoding="bytes").load()
    except WrongLayout:
        raise
    except OSError as error:
        raise WrongLayout(f"{path}: cannot be read: {error.strerror}; expected {_LAYOUT}", path=str(path)) from error
    except Exception as error:  # a damaged pickle raises whatever its opcodes stumble over
        reason = str(error) or type(error).__name__
        raise WrongLayout(f"{path}: expected {_LAYOUT}, got {reason[:200]}", path=str(path)) from error


class _Array:
    """What stands in for a NumPy array: its bytes and shape, never NumPy's own unpickling."""

    __slots__ = ("raw", "shape", "type_name")

    def __init__(self, raw: object = None, type_name: object = None, shape: object = None) -> None:
        self.raw, self.type_name, self.shape = raw, type_name, shape

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, dtype, _, self.raw = state
        self.type_name = dtype.name


class _DType:
    """What stands in for a NumPy type: its name."""

    __slots__ = ("name",)

    def __init__(self, name: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        """Byte order and fields, of which uint8 has none."""


def _constructors() -> dict[str, Callable[..., object] | None]:
    """By global name. Made for each file, as one may set attributes on whatever it reaches."""

    def encode(text: str, encoding: str | bytes) -> bytes:
        if encoding not in ("latin1", b"latin1"):
            raise pickle.UnpicklingError(f"text to encode as {encoding!r}")
        return text.encode("latin1")

    def reconstruct(*_: object) -> _Array:
        return _Array()

    def from_buffer(raw: object, dtype: _DType, shape: object, *_: object) -> _Array:
        return _Array(raw, dtype.name, shape)

    by_name: dict[str, Callable[..., object] | None] = {
        "_codecs.encode": encode,
        "numpy.dtype": lambda name, *_: _DType(name),
        "numpy.ndarray": None,
    }
    for core in ("numpy.core", "numpy._core"):
        by_name |= {f"{core}.multiarray._reconstruct": reconstruct, f"{core}.numeric._frombuffer": from_buffer}
    # Python 3 writes empty bytes so in the protocols of Python 2
    return by_name | dict.fromkeys(("__builtin__.bytes", "builtins.bytes"), lambda: b"")


class _Unpickler(pickle._Unpickler):
    """The one in Python: the one in C reserves gigabytes for a memo that a few bytes ask for."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 -- as the base class has it
        """What a global stands for.

        Raises:
            UnpicklingError: Any but those of encoded images.
        """
        constructors = self.__dict__.setdefault("constructors", _constructors())
        if (key := f"{module}.{name}") not in constructors:
            raise pickle.UnpicklingError(f"a reference to {key}, which no such file needs; do not trust it")
        return constructors[key]


def _encoded(image: object, where: str) -> bytes:
    if isinstance(image, bytes):
        return image
    found = type(image).__name__
    if isinstance(image, _Array):
        raw = image.raw
        is_uint8 = isinstance(image.type_name, (str, bytes)) and image.type_name in ("u1", b"u1", "|u1")
        if is_uint8 and isinstance(raw, (bytes, bytearray)) and image.shape == (len(raw),):
            return bytes(raw)
        found = "an array of another type or shape"
    raise WrongLayout(f"{where}: expected an encoded image: bytes or (n,) uint8, got {found}", path=where)
