"""The embedded engine: a gallery in one SQLite file."""

from mien.gallery.sqlite.database import SqliteStore

__all__ = ["SqliteStore"]
