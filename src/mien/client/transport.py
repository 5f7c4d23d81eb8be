"""How a client asks: connections that are kept, requests that are sent again, and answers that are errors."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast
from urllib.parse import quote, urlencode, urlsplit

from mien.errors import InvalidArgument, MienError, ServiceError, UnreadableImage

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

__all__ = ["Field", "Transport", "Upload", "every", "path_of", "uploaded"]

Upload: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""An image: a path, the bytes of a file, or an open one."""

LONGEST_WAIT = 60
"""Seconds; a service that asks for a longer wait is answered with its error."""

Field: TypeAlias = tuple[str, str | tuple[str, bytes]]
"""A field of a form by its name: a text, or a file with its own name."""


class Transport:
    """Sends requests to one service, from any number of threads.

    Args:
        url: Where the service is, such as ``"https://faces.example"``.
        key: An API key.
        timeout: Seconds to wait for a connection, and for each piece of an answer.
        tries: How often a request is sent at most, where the service is busy or cannot be reached.
        ca: PEM file of the authority that signed the service's certificate, None for those that the system trusts.

    Raises:
        InvalidArgument: No such URL, or no such number.
        MienError: ``pip install "mien[client]"`` is missing.
    """

    def __init__(
        self, url: str, key: str, *, timeout: float = 60.0, tries: int = 5, ca: str | os.PathLike[str] | None = None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
            raise InvalidArgument(f"url: expected one such as https://faces.example, got {url!a}")
        if tries < 1:
            raise InvalidArgument(f"tries: expected 1 or more, got {tries}")
        self.url = url.rstrip("/").removesuffix("/v1")
        self._tries = tries
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        self._pool = _pool(timeout, ca)

    def __repr__(self) -> str:
        return f"<Transport: {self.url}>"

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.clear()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        document: Mapping[str, Any] | None = None,
        fields: Sequence[Field] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Any:  # noqa: ANN401 - JSON
        """The JSON of an answer, None where it has none.

        A request that the service was too busy for (429 or 503 with ``Retry-After``: nothing was done) is sent again
        when the service said, and so is one that could not be sent.

        Args:
            method: HTTP method.
            path: Below ``/v1``; see `path_of`.
            query: Parameters; those that are None are left out.
            document: Body, as JSON.
            fields: Body, as a form with files.
            headers: More of them.
            repeatable: Send it again also where its answer was lost, because doing it twice does no harm; what is only
                read (``GET``) always is.

        Raises:
            ServiceError: The service refused, or did not answer.
        """
        body = None if document is None else json.dumps(document)
        typed = {} if body is None else {"Content-Type": "application/json"}
        response = self._send(
            method, path, query, {**typed, **(headers or {})}, body, fields, repeatable or method == "GET"
        )
        return _content(response)

    def put(self, path: str, body: bytes | BinaryIO) -> Any:  # noqa: ANN401 - JSON
        """The JSON of an answer to a file, which is read while it is sent.

        Raises:
            ServiceError: The service refused, or did not answer.
        """
        headers = {"Content-Type": "application/octet-stream"}
        return _content(self._send("PUT", path, None, headers, body, None, repeatable=False))

    def fetch(self, path: str) -> bytes:
        """The bytes of an answer that is no JSON.

        Raises:
            ServiceError: The service refused, or did not answer.
        """
        response = self._send("GET", path, None, {"Accept": "*/*"}, None, None, repeatable=True)
        return response.data if response.status < 300 else bytes(_content(response))

    def lines(self, path: str, *, query: Mapping[str, object], headers: Mapping[str, str]) -> Iterator[str]:
        """Lines of an answer that goes on, as they come, until it ends or the connection is lost.

        Raises:
            ServiceError: The service refused, or did not answer.
        """
        from urllib3.exceptions import HTTPError

        accepting = {"Accept": "text/event-stream", **headers}
        response = self._send("GET", path, query, accepting, None, None, repeatable=True, preload=False)
        try:
            if response.status >= 300:
                _content(response)
            rest = b""
            for data in response.stream():
                *whole, rest = (rest + data).split(b"\n")
                yield from (line.decode("utf-8", "replace") for line in whole)
        except HTTPError:
            # Lost on the way: whoever reads asks anew, from where it stood.
            return
        finally:
            response.close()

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None,
        headers: Mapping[str, str],
        body: str | bytes | BinaryIO | None,
        fields: Sequence[Field] | None,
        repeatable: bool,
        preload: bool = True,
    ) -> BaseHTTPResponse:
        from urllib3.exceptions import HTTPError

        more: dict[str, Any] = {} if fields is None else {"fields": fields}
        try:
            return self._pool.request(
                method,
                f"{self.url}/v1{path}{_query(query)}",
                body=body,
                headers={**self._headers, **headers},
                retries=self._retries(repeatable=repeatable),
                redirect=False,
                preload_content=preload,
                **more,
            )
        except HTTPError as error:
            message = f"{self.url}: no answer ({error}); see that the service runs, and that the address is right"
            raise ServiceError(message, code="unreachable", status=None, request_id=None) from error

    def _retries(self, *, repeatable: bool) -> Any:  # noqa: ANN401 - a library's own class
        from urllib3.util import Retry

        again = self._tries - 1
        return Retry(
            total=again,
            read=again if repeatable else False,
            other=again if repeatable else False,
            redirect=False,
            allowed_methods=None,
            backoff_factor=0.2,
            backoff_jitter=0.2,
            raise_on_status=False,
            retry_after_max=LONGEST_WAIT,
        )


def path_of(*parts: str) -> str:
    """A path, each part quoted whole, so that no name leads elsewhere."""
    # Clients and proxies resolve these two, quoted or not.
    if {".", "..", ""} & {*parts}:
        raise InvalidArgument(f"expected a name or key, got one of {parts!a}")
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def every(images: Upload | Iterable[Upload]) -> list[Upload]:
    """Images, also where there is a single one."""
    single = isinstance(images, (str, bytes, os.PathLike)) or hasattr(images, "read")
    return cast(list[Upload], [images]) if single else [*cast(Iterable[Upload], images)]


def uploaded(source: Upload, name: str = "image") -> tuple[str, bytes]:
    """An image's name and bytes, as they are sent.

    Raises:
        UnreadableImage: There is no such file.
    """
    with opened(source, name) as (own, body):
        return own, body if isinstance(body, bytes) else body.read()


@contextmanager
def opened(source: Upload, name: str = "file") -> Iterator[tuple[str, bytes | BinaryIO]]:
    """A file's name, and its bytes or itself, to be read while it is sent.

    Raises:
        UnreadableImage: There is no such file.
    """
    if isinstance(source, bytes):
        yield name, source
    elif isinstance(source, (str, os.PathLike)):
        try:
            file = Path(source).open("rb")  # noqa: SIM115 - closed below, where what fails is not its opening
        except OSError as error:
            raise UnreadableImage(f"{os.fspath(source)}: cannot be read ({error.strerror})") from error
        with file:
            yield PurePath(source).name, file
    else:
        yield PurePath(str(getattr(source, "name", name))).name, source


def _pool(timeout: float, ca: str | os.PathLike[str] | None) -> PoolManager:
    try:
        import urllib3
    except ImportError as error:
        raise MienError('the client needs urllib3: pip install "mien[client]"') from error
    waits = urllib3.Timeout(connect=min(timeout, 10.0), read=timeout)
    return urllib3.PoolManager(maxsize=32, timeout=waits, ca_certs=None if ca is None else os.fspath(ca))


def _query(query: Mapping[str, object] | None) -> str:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    said = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    return f"?{urlencode(said, doseq=True)}" if said else ""


def _content(response: BaseHTTPResponse) -> Any:  # noqa: ANN401 - JSON
    if response.status < 300:
        return json.loads(response.data) if response.data else None
    try:
        envelope = json.loads(response.data)
        error, request_id = envelope["error"], envelope["request_id"]
        message, code, details = error["message"], error["code"], error["details"]
    except (ValueError, LookupError, TypeError):
        # Not the service's own: a proxy's page, say.
        request_id = response.headers.get("x-request-id")
        message, code, details = f"expected an answer of Mien, got HTTP {response.status}", "no_envelope", None
    raise ServiceError(message, code=code, status=response.status, request_id=request_id, details=details)
