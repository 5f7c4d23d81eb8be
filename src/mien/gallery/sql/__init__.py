"""What the engines that speak SQL have in common: one schema, and one set of statements over it."""

from mien.gallery.sql.dialect import Connection, Dialect
from mien.gallery.sql.tables import SqlTransaction

__all__ = ["Connection", "Dialect", "SqlTransaction"]
