"""The distributed engine: a gallery in PostgreSQL with pgvector."""

from mien.gallery.postgres.database import PostgresStore

__all__ = ["PostgresStore"]
