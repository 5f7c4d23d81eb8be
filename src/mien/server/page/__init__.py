"""The web page: what people use in place of `curl`. It is a client of ``/v1`` like any other."""

from mien.server.page.routes import install

__all__ = ["install"]
