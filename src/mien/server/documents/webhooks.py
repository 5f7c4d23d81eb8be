"""Webhooks, and what they were told."""

from __future__ import annotations

from pydantic import Field

from mien.server.documents.base import Document
from mien.server.documents.events import Kind

__all__ = ["Deliveries", "DeliveryRecord", "NewWebhook", "WebhookChange", "WebhookMade", "WebhookRecord", "Webhooks"]


class NewWebhook(Document):
    """A webhook to be made."""

    url: str = Field(min_length=1, max_length=2000)
    kinds: list[Kind] = Field(
        default=[], max_length=50, description="kinds of events that it is told of; all where none is named"
    )
    names: bool = Field(default=False, description="whether it is told names of people besides their keys")


class WebhookChange(Document):
    """Whether it is told what happens from now on."""

    enabled: bool


class WebhookRecord(Document):
    """A webhook, without its secret."""

    webhook_id: str
    url: str | None = Field(description="null where it cannot be read with the service's secret key")
    kinds: list[str]
    names: bool
    enabled: bool = Field(
        description="false also after it answered 410 Gone; what happens meanwhile is not kept for it"
    )
    problem: str | None = Field(description="why it cannot be told anything; it can be removed all the same")
    created: str


class WebhookMade(WebhookRecord):
    """A new webhook; its secret is shown this once."""

    secret: str = Field(description="what its bodies are signed with, as in Standard Webhooks")


class Webhooks(Document):
    """The webhooks of a collection."""

    webhooks: list[WebhookRecord]


class DeliveryRecord(Document):
    """What a webhook was told, is to be told, or was not told in the end."""

    delivery_id: str = Field(description="sent as `webhook-id`, the same at each try")
    kind: str
    state: str = Field(description="`pending`, `delivered`, or `dead`: given up after ten tries, about a day")
    created: str
    tries: int
    next: str | None = Field(description="when it is tried next; null where it is not pending")
    status: int | None = Field(description="of the last answer")
    problem: str | None = Field(description="why the last try failed")


class Deliveries(Document):
    """The newest first."""

    deliveries: list[DeliveryRecord]
