"""`Client`: a service, asked as a gallery is."""

from __future__ import annotations

import os
from typing import Self

from mien.client.administration import Administration
from mien.client.challenges import Challenges
from mien.client.events import Events
from mien.client.faces import Faces
from mien.client.jobs import Jobs
from mien.client.naming import Naming
from mien.client.people import People
from mien.client.streams import Streams
from mien.client.transport import Transport

__all__ = ["Client"]


class Client(Faces, People, Naming, Jobs, Streams, Events, Challenges, Administration):
    """Asks a service; any number of threads may use one.

    What the service is too busy for is sent again when it says so, and what got no answer where doing it twice does no
    harm: an enrolment carries a key by which the service knows it again. Answers are the documents of the service's
    OpenAPI page, as typed dictionaries.

    Args:
        url: Where the service is, such as ``"https://faces.example"``.
        key: An API key.
        collection: Which collection is meant.
        timeout: Seconds to wait for each piece of an answer.
        tries: How often a request is sent at most.
        ca: PEM file of the authority that signed the service's certificate, None for those that the system trusts.

    Raises:
        InvalidArgument: No such URL, or no such number.
        MienError: ``pip install "mien[client]"`` is missing.

    Examples:
        >>> with Client("https://faces.example", os.environ["MIEN_KEY"]) as client:  # doctest: +SKIP
        ...     client.enroll("Ada Lovelace", ["ada1.jpg", "ada2.jpg"], purpose="front door")
        ...     for face in client.identify("party.jpg", fpir=0.01)["faces"]:
        ...         print(face["person"] or "unknown")
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        collection: str = "main",
        timeout: float = 60.0,
        tries: int = 5,
        ca: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(Transport(url, key, timeout=timeout, tries=tries, ca=ca), collection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client: {self._transport.url}, collection {self.collection}>"

    def within(self, collection: str) -> Self:
        """The same service, where another collection is meant; it shares the connections."""
        other = object.__new__(type(self))
        Administration.__init__(other, self._transport, collection)
        return other

    def close(self) -> None:
        """Let go of the connections."""
        self._transport.close()
