"""The service: what a gallery does, over HTTP, for whom it was opened to (``pip install "mien[server]"``)."""

from mien.server.app import create_app
from mien.server.settings import Settings

__all__ = ["Settings", "create_app"]
