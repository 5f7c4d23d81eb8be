"""Where the service listens, and with which certificate."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from pathlib import Path

from mien.errors import InvalidArgument

__all__ = ["check_certificate", "is_loopback", "listening"]


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any that is free.

    Raises:
        InvalidArgument: No such address here, or somebody else listens there.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except (OSError, OverflowError, UnicodeError) as error:
        raise InvalidArgument(f"{host}, port {port}: expected a free address of this machine ({error})") from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Refuse what TLS cannot be served with, before anything is served.

    Raises:
        InvalidArgument: One without the other, no PEM, an encrypted key, or a key of another certificate.
    """
    if certificate is None:
        if key is not None:
            raise InvalidArgument(f"certificate key {key}: give its certificate as well (--certificate)")
        return

    def no_passphrase() -> str:
        raise InvalidArgument(f"{key or certificate}: expected a key without a passphrase; nobody is there to type it")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, no_passphrase)
    except ssl.SSLError as error:
        what = f"{certificate} and {key}" if key else f"{certificate}, without --certificate-key"
        told = "expected certificates and the key of the first of them, in PEM"
        raise InvalidArgument(f"{what}: {told} ({error.reason or error})") from error
    except OSError as error:
        missing = next((path for path in (certificate, key) if path is not None and not os.access(path, os.R_OK)), key)
        raise InvalidArgument(f"{missing}: cannot be read ({error.strerror})") from error
