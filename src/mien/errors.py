"""Everything Mien can refuse, in one tree.

    MienError
    ├── UsageError               exit 2   the call itself is wrong
    │   ├── InvalidArgument
    │   ├── UnsupportedErrorRate          the calibration cannot support the rate asked for
    │   └── UnwritableFile
    ├── InputError               exit 3   the image, or what is in it
    │   ├── UnreadableImage
    │   ├── ImageTooLarge
    │   ├── UnreadableVideo
    │   ├── StreamUnavailable             a live stream or camera that cannot be opened, or is gone for good
    │   ├── NoImages
    │   ├── NoFace
    │   ├── SegmentationFailed            a mask that cannot be of the people in the picture
    │   ├── WorkerLost                    the process that looked at some images died
    │   ├── WrongLayout                   a data set that does not lie as it is published
    │   └── LeakFound                     two sides of a split share people or images
    ├── ModelError               exit 4   weights, runtimes, embedding spaces
    │   ├── UnknownModel
    │   ├── ModelUnavailable
    │   ├── HashMismatch
    │   ├── RuntimeUnavailable
    │   ├── SpaceMismatch
    │   └── NotCalibrated
    ├── ServiceError             exit 5   what a service answered instead, or nothing (mien.client)
    └── StoreError               exit 5   the gallery
        ├── StoreUnavailable
        ├── StoreFull
        ├── StoreCorrupt
        ├── WrongKey                      sealed templates, and not the key that opens them
        ├── UnknownPerson
        ├── AmbiguousPerson
        ├── UnknownFace                   no face, sample or suggestion of that key
        ├── LinkConflict                  an edit against what was said of the same faces before
        └── NothingToUndo

A message says what was expected, what came and what to do. What a program may want to know sits in ``details``
(plain JSON values), and ``code`` is the same word in Python, in JSON and in a REST answer.
"""

from __future__ import annotations

import re
from typing import ClassVar, TypeAlias

__all__ = [
    "AmbiguousPerson",
    "HashMismatch",
    "ImageTooLarge",
    "InputError",
    "InvalidArgument",
    "LeakFound",
    "LinkConflict",
    "MienError",
    "ModelError",
    "ModelUnavailable",
    "NoFace",
    "NoImages",
    "NotCalibrated",
    "NothingToUndo",
    "RuntimeUnavailable",
    "SegmentationFailed",
    "ServiceError",
    "SpaceMismatch",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "StreamUnavailable",
    "UnknownFace",
    "UnknownModel",
    "UnknownPerson",
    "UnreadableImage",
    "UnreadableVideo",
    "UnsupportedErrorRate",
    "UnwritableFile",
    "UsageError",
    "WorkerLost",
    "WrongKey",
    "WrongLayout",
]

Detail: TypeAlias = "str | int | float | bool | list[Detail] | dict[str, Detail] | None"


class MienError(Exception):
    """Root of everything Mien raises on purpose.

    Args:
        message: What was expected, what came, and what to do about it.
        **details: Plain JSON values a program may want to read.
    """

    exit_status: ClassVar[int] = 1
    code: str = "mien_error"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, message: str, **details: Detail) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def to_dict(self) -> dict[str, Detail]:
        """The error as JSON: ``{"code", "message", "details"}``."""
        return {"code": self.code, "message": self.message, "details": dict(self.details)}


class UsageError(MienError):
    """The call itself is wrong."""

    exit_status = 2


class InvalidArgument(UsageError):
    """An argument is outside what it may be."""


class UnsupportedErrorRate(UsageError):
    """The calibration data cannot support the error rate asked for; ``details["bound"]`` is the lowest they can."""


class UnwritableFile(UsageError):
    """An output file cannot be written where it was asked for: no folder, no permission, no room."""


class InputError(MienError):
    """The image, or what is in it."""

    exit_status = 3


class UnreadableImage(InputError):
    """The file is missing, empty, truncated or no image."""


class ImageTooLarge(InputError):
    """More pixels or bytes than the limit."""


class UnreadableVideo(InputError):
    """The file is missing, empty, damaged or no video."""


class StreamUnavailable(InputError):
    """A live stream or camera cannot be opened, or did not come back after it was lost."""


class NoImages(InputError):
    """A folder, or a list, without a single image."""


class NoFace(InputError):
    """A face was needed and none was found."""


class SegmentationFailed(InputError):
    """A mask that cannot be of the people in the picture."""


class WorkerLost(InputError):
    """The process that looked at some images died, and did so again."""


class WrongLayout(InputError):
    """A data set does not lie as its authors publish it; ``details["path"]`` is where something else was expected."""


class LeakFound(InputError):
    """Two sides of a split share people or images; ``details`` counts them."""


class ModelError(MienError):
    """Weights, runtimes and embedding spaces."""

    exit_status = 4


class UnknownModel(ModelError):
    """No card of that name."""


class ModelUnavailable(ModelError):
    """No source could serve the weights."""


class HashMismatch(ModelError):
    """A file is not the one its card pins."""


class RuntimeUnavailable(ModelError):
    """The inference runtime or device asked for is not there, or is not the one that ran."""


class SpaceMismatch(ModelError):
    """Templates of different embedding spaces were about to be compared."""


class NotCalibrated(ModelError):
    """No calibration fits this pipeline and comparison type."""


class ServiceError(MienError):
    """A service refused a request, or did not answer.

    Args:
        message: For people.
        code: The service's own word, such as ``"no_face"``; ``"unreachable"`` where nothing answered.
        status: HTTP status, None where nothing answered.
        request_id: By which the service's log knows the request, None where it gave none.
        details: As the service gave them; a list of them as ``{"found": [...]}``.
    """

    exit_status = 5

    def __init__(
        self, message: str, *, code: str, status: int | None, request_id: str | None, details: Detail = None
    ) -> None:
        super().__init__(message)
        self.details = details if isinstance(details, dict) else {"found": details} if details else {}
        self.code = code
        self.status = status
        self.request_id = request_id


class StoreError(MienError):
    """The gallery."""

    exit_status = 5


class StoreUnavailable(StoreError):
    """The store cannot be opened, read or written."""


class StoreFull(StoreError):
    """No room on the disk; nothing was changed."""


class StoreCorrupt(StoreError):
    """The file is no gallery, is damaged, or was written by a newer Mien."""


class WrongKey(StoreError):
    """Templates are sealed and the key that opens them was not given, or a key was given where they are not sealed."""


class UnknownPerson(StoreError):
    """Nobody of that id or label."""


class AmbiguousPerson(StoreError):
    """Several people bear the label; ``details["person_ids"]`` names them."""


class UnknownFace(StoreError):
    """No face, sample or suggestion of that key."""


class LinkConflict(StoreError):
    """An edit against what was said of the same faces before, or two faces of one photo as one person."""


class NothingToUndo(StoreError):
    """No edit is left that could be taken back."""
