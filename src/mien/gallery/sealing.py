"""Templates sealed at rest: AES-256-GCM (NIST SP 800-38D), with a key that the gallery does not hold."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from mien.errors import InvalidArgument, StoreUnavailable, UnwritableFile, WrongKey

__all__ = ["Seal", "make_key", "read_key"]

KEY_BYTES = 32
_NONCE = 12
_TAG = 16
_CHECK = b"mien: templates of this collection are sealed"


class Seal:
    """Seals and opens templates with one key.

    Args:
        key: 32 bytes.
    """

    OVERHEAD = _NONCE + _TAG

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(key) != KEY_BYTES:
            raise InvalidArgument(f"key: expected {KEY_BYTES} bytes, got {len(key)}")
        self._cipher = AESGCM(key)

    def close(self, plain: bytes, bound: bytes | None = None) -> bytes:
        """Nonce, sealed bytes and tag; never twice the same.

        Args:
            plain: What to seal.
            bound: What it belongs to, which is not kept with it, and without which it does not open.
        """
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, bound)

    def open(self, sealed: bytes, bound: bytes | None = None) -> bytes:
        """What was sealed; arguments as in `close`.

        Raises:
            WrongKey: It was sealed with another key, belongs to something else, or was changed.
        """
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound)
        except (InvalidTag, ValueError):
            raise WrongKey(
                "expected the key that it was sealed with, got another, or something that was changed; nothing was read"
            ) from None

    def check(self) -> str:
        """What a collection keeps, to tell the right key from another."""
        return self.close(_CHECK).hex()

    def matches(self, check: str) -> bool:
        """Whether a collection was sealed with this key."""
        try:
            return self.open(bytes.fromhex(check)) == _CHECK
        except WrongKey:
            return False


def make_key(path: str | os.PathLike[str]) -> None:
    """Write a new key, 64 hexadecimal digits, into a file that only its owner may read.

    Raises:
        UnwritableFile: It is there already, or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise UnwritableFile(f"{os.fspath(path)}: a new key needs a path that is free: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")


def read_key(path: str | os.PathLike[str]) -> bytes:
    """A key as `make_key` writes it.

    Raises:
        StoreUnavailable: The file cannot be read.
        InvalidArgument: It holds no key.
    """
    try:
        text = Path(path).read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreUnavailable(f"{os.fspath(path)}: the gallery's key cannot be read ({error})") from error
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidArgument(
            f"{os.fspath(path)}: expected a key of {2 * KEY_BYTES} hexadecimal digits; see mien gallery key"
        )
    return key
