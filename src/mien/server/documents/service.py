"""The service itself."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mien.server.documents.base import Document

__all__ = ["AuditLog", "Health"]


class Health(Document):
    """Whether the service serves."""

    status: str
    waiting: int = Field(description="requests that wait for the models, or have them")


class AuditLog(Document):
    """Who was erased, without saying who."""

    entries: list[dict[str, Any]]
    report: dict[str, Any]
