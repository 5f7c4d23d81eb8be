"""A service, asked from Python: ``Client(url, key).identify("party.jpg")`` (``pip install "mien[client]"``)."""

from mien.client.client import Client
from mien.client.events import Event
from mien.client.transport import Upload

__all__ = ["Client", "Event", "Upload"]
