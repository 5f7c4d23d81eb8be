"""Webhooks: who is told of what happens in a collection."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path, Query

from mien.server.delivering import check_url
from mien.server.documents.webhooks import (
    Deliveries,
    DeliveryRecord,
    NewWebhook,
    WebhookChange,
    WebhookMade,
    WebhookRecord,
    Webhooks,
)
from mien.server.envelope import Refused, not_found
from mien.server.routes.parts import Admin, InCollection, Serving, problems
from mien.server.service import Service
from mien.server.webhooks import MOST, UNREADABLE, Delivery, State, Webhook

__all__ = ["router"]

router = APIRouter(prefix="/collections/{collection}/webhooks", tags=["webhooks"], responses=problems(404))

WebhookId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
DeliveryId = Annotated[str, Path(pattern="^msg_[0-9a-f]{24}$")]


@router.get("")
def list_webhooks(_: Admin, gallery: InCollection, service: Serving) -> Webhooks:
    """The webhooks of a collection, without their secrets."""
    return Webhooks(webhooks=[_record(one) for one in service.webhooks.of(gallery.collection)])


@router.post("", status_code=201, responses=problems(400, 404, 409))
def make_webhook(_: Admin, gallery: InCollection, new: NewWebhook, service: Serving) -> WebhookMade:
    """Tell somebody of what happens in a collection from now on; the secret is shown this once.

    Bodies are events as in `GET .../events`, signed as Standard Webhooks says: `webhook-id`, `webhook-timestamp`,
    `webhook-signature`. What is not answered with a status of 200 to 299 within 10 seconds is tried again, up to ten
    times within about a day; it may come more than once, and in another order. 410 ends it.
    """
    check_url(new.url, private=service.settings.webhook_allow_private)
    new_one = service.webhooks.make(gallery.collection, new.url, tuple(new.kinds), names=new.names)
    if new_one is None:
        raise Refused(409, "too_many_webhooks", f"expected at most {MOST} webhooks of a collection; remove one")
    made, secret = new_one
    return WebhookMade(secret=secret, **_record(made).model_dump())


@router.get("/{webhook_id}")
def show_webhook(_: Admin, gallery: InCollection, service: Serving, webhook_id: WebhookId) -> WebhookRecord:
    """One webhook."""
    return _record(_webhook(service, gallery.collection, webhook_id))


@router.patch("/{webhook_id}", responses=problems(400, 404, 409))
def change_webhook(
    _: Admin, gallery: InCollection, service: Serving, webhook_id: WebhookId, change: WebhookChange
) -> WebhookRecord:
    """Tell it no more, or again; what waits for it waits on."""
    webhook = _webhook(service, gallery.collection, webhook_id)
    if change.enabled:
        _readable(webhook)
    service.webhooks.enable(webhook_id, enabled=change.enabled)
    return _record(_webhook(service, gallery.collection, webhook_id))


@router.delete("/{webhook_id}", status_code=204)
def remove_webhook(_: Admin, gallery: InCollection, service: Serving, webhook_id: WebhookId) -> None:
    """Remove it with all that it was to be told."""
    _webhook(service, gallery.collection, webhook_id)
    service.webhooks.remove(webhook_id)


@router.post("/{webhook_id}/ping", status_code=202, responses=problems(404, 409))
def ping_webhook(_: Admin, gallery: InCollection, service: Serving, webhook_id: WebhookId) -> DeliveryRecord:
    """Tell it a `webhook.ping`; what came of it stands among its deliveries."""
    webhook = _webhook(service, gallery.collection, webhook_id)
    _readable(webhook)
    if not webhook.enabled:
        raise Refused(409, "webhook_disabled", "expected a webhook that is told something; enable it first")
    return _delivery(service.webhooks.ping(webhook))


@router.get("/{webhook_id}/deliveries")
def list_deliveries(
    _: Admin,
    gallery: InCollection,
    service: Serving,
    webhook_id: WebhookId,
    state: Annotated[State | None, Query(description="those alone; `dead` for dead letters")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Deliveries:
    """What it was told, is to be told, or was not told in the end; kept for a week."""
    _webhook(service, gallery.collection, webhook_id)
    found = service.webhooks.deliveries(webhook_id, state, limit)
    return Deliveries(deliveries=[_delivery(one) for one in found])


@router.post("/{webhook_id}/deliveries/{delivery_id}/redeliver", status_code=202, responses=problems(404, 409))
def redeliver(
    _: Admin, gallery: InCollection, service: Serving, webhook_id: WebhookId, delivery_id: DeliveryId
) -> DeliveryRecord:
    """Try a dead letter anew."""
    _webhook(service, gallery.collection, webhook_id)
    found = service.webhooks.delivery(webhook_id, delivery_id)
    if found is None:
        raise not_found(f"delivery {delivery_id}")
    if not service.webhooks.redeliver(found):
        raise Refused(409, "not_dead", f"expected a dead letter, got one that is {found.state}")
    again = service.webhooks.delivery(webhook_id, delivery_id)
    return _delivery(again or found)


def _webhook(service: Service, collection: str, webhook_id: str) -> Webhook:
    found = service.webhooks.find(collection, webhook_id)
    if found is None:
        raise not_found(f"webhook {webhook_id}")
    return found


def _readable(webhook: Webhook) -> None:
    if webhook.url is None:
        raise Refused(
            409, "webhook_unreadable", f"{UNREADABLE}; bring back the key that it was made with, or remove it"
        )


def _record(webhook: Webhook) -> WebhookRecord:
    return WebhookRecord(
        webhook_id=webhook.webhook_id,
        url=webhook.url,
        kinds=[*webhook.kinds],
        names=webhook.names,
        enabled=webhook.enabled and webhook.url is not None,
        problem=UNREADABLE if webhook.url is None else None,
        created=webhook.created.isoformat(),
    )


def _delivery(one: Delivery) -> DeliveryRecord:
    following = dt.datetime.fromtimestamp(one.due, dt.UTC).isoformat() if one.state == "pending" else None
    return DeliveryRecord(
        delivery_id=one.delivery_id,
        kind=one.kind,
        state=one.state,
        created=one.created.isoformat(),
        tries=one.tries,
        next=following,
        status=one.status,
        problem=one.problem,
    )
