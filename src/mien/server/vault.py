"""What the service has to be able to read again, and nobody who reads its files: sealed, with a key beside them."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from pathlib import Path

from mien.errors import UnwritableFile
from mien.gallery.sealing import Seal, make_key, read_key

__all__ = ["Vault"]


class Vault:
    """Seals texts and bytes: a copy of the service's file tells nobody what they are.

    Args:
        key_file: The key, made where there is none when it is first needed, readable by its owner alone.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    @cached_property
    def _seal(self) -> Seal:
        if not self._key_file.exists():
            # Another process may make it at the same time.
            with suppress(UnwritableFile):
                make_key(self._key_file)
        return Seal(read_key(self._key_file))

    def close(self, plain: bytes, bound: str) -> bytes:
        """Seal something; put in the place of what is bound to something else, it does not open.

        Raises:
            StoreUnavailable: The key cannot be read or made.
        """
        return self._seal.close(plain, bound.encode())

    def open(self, sealed: bytes, bound: str) -> bytes:
        """What was sealed.

        Raises:
            WrongKey: With another key, or bound to something else.
            StoreUnavailable: The key cannot be read.
        """
        return self._seal.open(sealed, bound.encode())
