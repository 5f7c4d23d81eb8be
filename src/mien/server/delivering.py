"""What webhooks are told leaves the house here: signed, to addresses that may be reached, and nothing is waited for.

Signed as Standard Webhooks says (https://www.standardwebhooks.com, version 1): HMAC-SHA256 over id, time and body. The
standard library's client, since a guard has to stand between the name's address and the connection, and nothing else of
a larger client is wanted: redirects, proxies, cookies and pools are what must not be.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import logging
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mien import __version__
from mien.errors import InvalidArgument, MienError, WrongKey
from mien.server.webhooks import UNREADABLE

if TYPE_CHECKING:
    from mien.server.webhooks import Delivery, Webhooks

__all__ = ["Courier", "check_url", "is_public", "send", "signed"]

_log = logging.getLogger("mien.server")

TIMEOUT = 10.0
"""Seconds in which a receiver has to answer."""
SENDERS = 4
_LOOK = 2.0
_LAST = 2.0
_SWEEP = 3600.0
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class NotPublic(OSError):
    """An address that is this machine's, or its network's."""


def signed(secret: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that tell a receiver who sent a body, and when."""
    text = f"{message_id}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{digest}"}


def check_url(url: str, *, private: bool) -> None:
    """Refuse what is no receiver's address; where its name leads is looked at when it is connected to.

    Args:
        url: The address.
        private: Whether receivers in this machine's networks may be told, and without TLS.

    Raises:
        InvalidArgument: It is not one.
    """
    expected = "https://HOST/..., without a password" if not private else "http(s)://HOST/..., without a password"
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ({"http", "https"} if private else {"https"}) and bool(parts.hostname)
        sound = sound and parts.username is None and parts.password is None and not parts.fragment
        sound = sound and url.isascii() and url.isprintable() and " " not in url and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise InvalidArgument(f"url: expected {expected}, got something else")
    if not private and not _may_be_public(parts.hostname or ""):
        raise InvalidArgument(
            "url: expected an address that everybody can reach; see mien serve --webhook-allow-private"
        )


def _may_be_public(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return host.lower() != "localhost"  # a name, which is looked up when it is told something


def is_public(address: str) -> bool:
    """Whether an IP address is none of this machine's, or of its own networks.

    Raises:
        ValueError: It is no IP address.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        # What is wrapped in an IPv6 address leads where the IPv4 address does.
        wrapped = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if parsed in _NAT64:
            wrapped = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if wrapped is not None:
            return wrapped.is_global and not wrapped.is_multicast
    return parsed.is_global and not parsed.is_multicast


def send(url: str, body: bytes, headers: dict[str, str], *, private: bool, timeout: float = TIMEOUT) -> int:
    """Send a body, and return the status that it was answered with; nothing else of the answer is read.

    Raises:
        NotPublic: The name leads to an address that may not be told anything.
        OSError, http.client.HTTPException: No connection, or no answer in time.
    """
    parts = urlsplit(url)
    assert parts.hostname
    kind = _Secure if parts.scheme == "https" else _Plain
    connection = kind(parts.hostname, parts.port, timeout=timeout)
    connection.private = private
    # A timeout of sockets is one of silence: who sends a byte now and then would never be done.
    end = threading.Timer(timeout, _cut, [connection])
    end.daemon = True
    end.start()
    try:
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request("POST", target, body, {**headers, "User-Agent": f"mien/{__version__}"})
        return connection.getresponse().status
    finally:
        end.cancel()
        connection.close()


class _Plain(http.client.HTTPConnection):
    private = False

    def connect(self) -> None:
        self.sock = _guarded(self.host, self.port, self.timeout or TIMEOUT, private=self.private)


class _Secure(_Plain):
    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        super().connect()
        context = ssl.create_default_context()
        # Made before the handshake, so that a handshake without end can be cut.
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock.do_handshake()


def _guarded(host: str, port: int, timeout: float, *, private: bool) -> socket.socket:
    """Connect to the very address that was looked at: a name may lead elsewhere the next time that it is asked."""
    problem: OSError = OSError("no address")
    for _, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        where = str(address[0])
        if not private and not is_public(where.partition("%")[0]):
            problem = NotPublic("its name leads to an address of this machine or its networks")
            continue
        try:
            return socket.create_connection((where, port), timeout)
        except OSError as error:
            problem = error
    raise problem


def _cut(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


class Courier:
    """Delivers what is in the outbox, in threads of its own: to one receiver one thing at a time.

    Args:
        webhooks: The outbox.
        private: Whether receivers in this machine's networks may be told.
    """

    def __init__(self, webhooks: Webhooks, *, private: bool) -> None:
        self._webhooks = webhooks
        self._private = private
        self._changed = threading.Condition()
        self._claiming = threading.Lock()
        self._busy: set[str] = set()
        self._told = 0
        self._stopping = False
        self._swept = 0.0
        self._threads: list[threading.Thread] = []
        webhooks.news = self._tell

    def start(self) -> None:
        """Begin."""
        for _ in range(SENDERS):
            thread = threading.Thread(target=self._run, name="mien-webhook", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Stop; what is being sent may be done soon, and the rest waits for the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        end = time.monotonic() + _LAST
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _tell(self) -> None:
        with self._changed:
            self._told += 1
            self._changed.notify()

    def _run(self) -> None:
        while True:
            try:
                delivery = self._next()
                if delivery is None:
                    return
                self._deliver(delivery)
            except MienError as error:
                _log.error("webhooks wait", extra={"fields": {"problem": error.code}})
                time.sleep(_LOOK)

    def _next(self) -> Delivery | None:
        """What is due; waits for it, None at the end."""
        while not self._stopping:
            told = self._told
            with self._claiming:
                if not self._swept or time.monotonic() - self._swept > _SWEEP:
                    self._swept = time.monotonic()
                    self._webhooks.sweep()
                found, wait = self._webhooks.claim({*self._busy})
                if found is not None:
                    self._busy.add(found.webhook_id)
                    return found
            with self._changed:
                if told == self._told and not self._stopping:
                    # Another process may put something there meanwhile.
                    self._changed.wait(min(_LOOK, wait or _LOOK))
        return None

    def _deliver(self, delivery: Delivery) -> None:
        try:
            try:
                status, problem = self._tried(delivery)
            except WrongKey:
                status, problem = None, UNREADABLE
            self._webhooks.ended(delivery, status, problem)
            if status == http.HTTPStatus.GONE or problem is UNREADABLE:
                self._webhooks.enable(delivery.webhook_id, enabled=False)
        finally:
            with self._claiming:
                self._busy.discard(delivery.webhook_id)
            self._tell()

    def _tried(self, delivery: Delivery) -> tuple[int | None, str | None]:
        opened = self._webhooks.opened(delivery.webhook_id)
        if opened is None:
            return None, "the webhook is gone"
        url, secret = opened
        body = delivery.body.encode()
        headers = signed(secret, delivery.delivery_id, int(time.time()), body) | {"Content-Type": "application/json"}
        try:
            status = send(url, body, headers, private=self._private)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return None, _problem(error)
        return status, None if 200 <= status < 300 else f"answered with {status}"


def _problem(error: Exception) -> str:
    """Why there was no answer, in words that tell nothing of where it was sent."""
    match error:
        case NotPublic():
            return str(error)
        case socket.gaierror():
            return "its name has no address"
        case ssl.SSLCertVerificationError():
            return "its certificate is not valid"
        case ssl.SSLError():
            return "no TLS with it"
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "nobody listens there"
    return "the connection failed"
