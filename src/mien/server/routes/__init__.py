"""Routes, one module a subject."""

from mien.server.routes import collections, faces, keys, people, state

__all__ = ["ROUTERS"]

ROUTERS = (state.router, keys.router, collections.router, people.router, faces.router)
