"""Webhooks: who is told of what happens in a collection, and what is still to be told them.

What is to be told lies in the service's own file before the request that made it happen is answered, so that neither a
receiver that is away nor a kill loses it; a receiver may be told twice, and knows by ``webhook-id``. Bodies hold keys
of people, and their names only where a webhook was made so.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mien.errors import InvalidArgument, StoreError
from mien.gallery.people import now
from mien.server.database import Database
from mien.server.events import Event
from mien.server.feed import without
from mien.server.metrics import Outcome
from mien.server.vault import Vault

__all__ = ["UNREADABLE", "Delivery", "State", "Webhook", "Webhooks"]

_log = logging.getLogger("mien.server")

State: TypeAlias = Literal["pending", "delivered", "dead"]

MOST = 50
"""Webhooks of a collection."""
TRIES = 10
_CHANCE = random.SystemRandom()
FIRST_PAUSE = 5.0
"""Seconds before the second try; each further pause is four times the one before,"""
LONGEST_PAUSE = 6 * 3600.0
"""up to this. Ten tries take about a day."""
LEASE = 30.0
"""Seconds after which a delivery that a process began, and did not end, is tried again."""
WAITING = 10_000
"""Deliveries of one webhook that wait; what comes beyond is a dead letter at once."""
UNREADABLE = "its address cannot be read with the service's secret key"
"""Why nothing can be told to a webhook that was sealed with a key that was lost or changed."""
KEPT_DAYS = 7
"""Days for which it is known what became of a delivery."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Somebody who is told.

    Attributes:
        webhook_id: Its key.
        collection: Of what is told.
        url: Where; None where that cannot be read with the key that the service has.
        kinds: Of what; empty for everything.
        names: Whether names of people are told.
        enabled: Whether it is told at present; what happens meanwhile is not kept for it.
        created: When it was made (UTC).
    """

    webhook_id: str
    collection: str
    url: str | None
    kinds: tuple[str, ...]
    names: bool
    enabled: bool
    created: dt.datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing that one webhook is told.

    Attributes:
        delivery_id: Its key, which travels as ``webhook-id`` and stays the same from try to try.
        webhook_id: Whom.
        kind: Of the event.
        body: What is sent; empty once it was delivered.
        state: ``"pending"``, ``"delivered"`` or ``"dead"`` (given up).
        created: When it happened (UTC).
        tries: How often it was tried.
        due: When it is tried next, in seconds since 1970; when it was tried last, where it is not pending.
        status: HTTP status of the last answer; None where there was none.
        problem: Why the last try failed; None where it did not.
    """

    delivery_id: str
    webhook_id: str
    kind: str
    body: str
    state: State
    created: dt.datetime
    tries: int
    due: float
    status: int | None
    problem: str | None


class Webhooks:
    """The webhooks of a service, and its outbox.

    Args:
        database: Where they are kept.
        vault: Seals addresses and secrets.
        told: Called with what came of each try.

    Attributes:
        news: Called when something is to be delivered.
    """

    def __init__(self, database: Database, vault: Vault, told: Callable[[Outcome], None] = lambda _: None) -> None:
        self._connected = database.connected
        self._vault, self._told = vault, told
        self.news: Callable[[], None] = lambda: None

    def make(self, collection: str, url: str, kinds: tuple[str, ...], *, names: bool) -> tuple[Webhook, str] | None:
        """Make a webhook; returns it and the secret that its bodies are signed with, ``whsec_...``.

        None where the collection has as many as it may.
        """
        webhook_id, secret = secrets.token_hex(8), secrets.token_bytes(32)
        made = Webhook(webhook_id, collection, url, kinds, names, enabled=True, created=now())
        sealed = self._vault.close(url.encode(), f"url {webhook_id}"), self._vault.close(secret, f"secret {webhook_id}")
        row = (webhook_id, collection, *sealed, json.dumps(kinds), names, True, made.created.isoformat())
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            count = "SELECT count(*) FROM webhook WHERE collection = ?"
            if connection.execute(count, (collection,)).fetchone()[0] >= MOST:
                return None
            connection.execute("INSERT INTO webhook VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return made, f"whsec_{base64.b64encode(secret).decode()}"

    def of(self, collection: str) -> list[Webhook]:
        """The webhooks of a collection, the oldest first."""
        with self._connected() as connection:
            rows = connection.execute(f"{_WEBHOOK} WHERE collection = ? ORDER BY created, webhook_id", (collection,))
            return [self._webhook(row) for row in rows]

    def find(self, collection: str | None, webhook_id: str) -> Webhook | None:
        """A webhook of a collection, or of any; None where there is none."""
        with self._connected() as connection:
            row = connection.execute(f"{_WEBHOOK} WHERE webhook_id = ?", (webhook_id,)).fetchone()
        return None if row is None or collection not in {None, row[1]} else self._webhook(row)

    def opened(self, webhook_id: str) -> tuple[str, bytes] | None:
        """Where a webhook leads, and what its bodies are signed with; None where there is none.

        Raises:
            WrongKey: They were sealed with another key.
            StoreUnavailable, InvalidArgument: The key cannot be read.
        """
        with self._connected() as connection:
            row = connection.execute("SELECT url, secret FROM webhook WHERE webhook_id = ?", (webhook_id,)).fetchone()
        if row is None:
            return None
        url, secret = row
        opened = self._vault.open
        return opened(url, f"url {webhook_id}").decode(), opened(secret, f"secret {webhook_id}")

    def enable(self, webhook_id: str, *, enabled: bool) -> None:
        """Tell it of what happens from now on, or no more."""
        with self._connected() as connection:
            connection.execute("UPDATE webhook SET enabled = ? WHERE webhook_id = ?", (enabled, webhook_id))

    def remove(self, webhook_id: str) -> None:
        """Remove a webhook with everything that it was to be told."""
        with self._connected() as connection:
            connection.execute("DELETE FROM delivery WHERE webhook_id = ?", (webhook_id,))
            connection.execute("DELETE FROM webhook WHERE webhook_id = ?", (webhook_id,))

    def remove_all(self, collection: str) -> None:
        """Remove every webhook of a collection with everything that they were to be told."""
        with self._connected() as connection:
            connection.execute(
                "DELETE FROM delivery WHERE webhook_id IN (SELECT webhook_id FROM webhook WHERE collection = ?)",
                (collection,),
            )
            connection.execute("DELETE FROM webhook WHERE collection = ?", (collection,))

    def listen(self, event: Event) -> None:
        """Put an event into the outbox of everybody who is to be told; an erased person's name leaves it."""
        if event.collection is None:
            return
        try:
            if event.kind == "person.erased":
                self._forget(str(event.data.get("person_id")))
            told = [one for one in self._listening(event.collection) if not one[1] or event.kind in one[1]]
            for webhook_id, _, names in told:
                self._put(webhook_id, event, names=names)
        except StoreError as error:
            # Whoever made it happen did so in any case, and is answered.
            _log.error("event not delivered", extra={"fields": {"kind": event.kind, "problem": error.code}})
            return
        if told:
            self.news()

    def ping(self, webhook: Webhook) -> Delivery:
        """Tell a webhook that it is told: an event ``webhook.ping``."""
        event = Event("webhook.ping", webhook.collection, {"webhook_id": webhook.webhook_id})
        delivery_id = self._put(webhook.webhook_id, event, names=False)
        self.news()
        (made,) = self._deliveries("delivery_id = ?", (delivery_id,))
        return made

    def deliveries(self, webhook_id: str, state: State | None = None, limit: int = 100) -> list[Delivery]:
        """What a webhook was told, is to be told, or was not to be told in the end; the newest first."""
        where, values = ("webhook_id = ?", (webhook_id,)) if state is None else _both(webhook_id, state)
        return self._deliveries(f"{where} ORDER BY created DESC, delivery_id LIMIT ?", (*values, limit))

    def delivery(self, webhook_id: str, delivery_id: str) -> Delivery | None:
        """One of them; None where there is none."""
        found = self._deliveries("webhook_id = ? AND delivery_id = ?", (webhook_id, delivery_id))
        return found[0] if found else None

    def redeliver(self, delivery: Delivery) -> bool:
        """Try a dead letter anew; False where it is no dead letter."""
        with self._connected() as connection:
            changed = connection.execute(
                "UPDATE delivery SET state = 'pending', tries = 0, due = 0 WHERE delivery_id = ? AND state = 'dead'",
                (delivery.delivery_id,),
            ).rowcount
        self.news()
        return changed > 0

    def claim(self, busy: set[str]) -> tuple[Delivery | None, float | None]:
        """Take what is due, so that no other process does for a while; or when something will be due.

        Args:
            busy: Webhooks that are being told something already.
        """
        time = now().timestamp()
        marks = ", ".join("?" for _ in busy)
        with self._connected() as connection:
            rows = connection.execute(
                f"{_DELIVERY} JOIN webhook USING (webhook_id) WHERE state = 'pending' AND enabled "
                f"AND webhook_id NOT IN ({marks}) ORDER BY due LIMIT 1",
                (*busy,),
            ).fetchall()
            if not rows:
                return None, None
            found = _delivery(rows[0])
            if found.due > time:
                return None, found.due - time
            taken = connection.execute(
                "UPDATE delivery SET due = ? WHERE delivery_id = ? AND due = ? AND state = 'pending'",
                (time + LEASE, found.delivery_id, found.due),
            ).rowcount
        # Where another process was faster, there may be more at once.
        return (found, None) if taken else (None, 0.05)

    def ended(self, delivery: Delivery, status: int | None, problem: str | None) -> None:
        """Say what came of a try."""
        tries, time = delivery.tries + 1, now().timestamp()
        if problem is None:
            outcome: Outcome = "delivered"
            change: tuple[Any, ...] = ("delivered", "", time)
        elif tries >= TRIES:
            outcome, change = "dead", ("dead", delivery.body, time)
        else:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 4 ** (tries - 1))
            # Jitter: receivers that come back are not told everything in the same second.
            outcome = "retried"
            change = ("pending", delivery.body, time + pause * _CHANCE.uniform(0.75, 1.25))
        with self._connected() as connection:
            connection.execute(
                """UPDATE delivery SET state = ?, body = CASE ? WHEN '' THEN '' ELSE body END, due = ?, tries = ?,
                   status = ?, problem = ? WHERE delivery_id = ?""",
                (*change, tries, status, problem, delivery.delivery_id),
            )
        self._told(outcome)

    def sweep(self) -> None:
        """Forget what became of deliveries long ago."""
        before = (now() - dt.timedelta(days=KEPT_DAYS)).isoformat()
        with self._connected() as connection:
            connection.execute("DELETE FROM delivery WHERE state != 'pending' AND created < ?", (before,))

    def _listening(self, collection: str) -> list[tuple[str, set[str], bool]]:
        with self._connected() as connection:
            rows = connection.execute(
                "SELECT webhook_id, kinds, names FROM webhook WHERE collection = ? AND enabled", (collection,)
            )
            return [(webhook_id, {*json.loads(kinds)}, bool(names)) for webhook_id, kinds, names in rows]

    def _put(self, webhook_id: str, event: Event, *, names: bool) -> str:
        delivery_id = f"msg_{secrets.token_hex(12)}"
        body = json.dumps((event if names else nameless(event)).to_dict())
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            (waiting,) = connection.execute(
                "SELECT count(*) FROM delivery WHERE webhook_id = ? AND state = 'pending'", (webhook_id,)
            ).fetchone()
            state, problem = ("pending", None) if waiting < WAITING else ("dead", "too many deliveries wait")
            row = (delivery_id, webhook_id, event.kind, body, state, event.time.isoformat(), 0, 0.0, None, problem)
            connection.execute("INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        if state == "dead":
            self._told("dead")
        return delivery_id

    def _forget(self, person_id: str) -> None:
        """Take an erased person's name out of what is still to be told."""
        with self._connected() as connection:
            rows = connection.execute(
                "SELECT delivery_id, body FROM delivery WHERE body LIKE ?", (f"%{person_id}%",)
            ).fetchall()
            for delivery_id, body in rows:
                said = json.loads(body)
                event = Event(said["kind"], said["collection"], said["data"])
                said["data"] = dict(without(event, person_id).data)
                connection.execute(
                    "UPDATE delivery SET body = ? WHERE delivery_id = ?", (json.dumps(said), delivery_id)
                )

    def _deliveries(self, where: str, values: tuple[Any, ...]) -> list[Delivery]:
        with self._connected() as connection:
            return [_delivery(row) for row in connection.execute(f"{_DELIVERY} WHERE {where}", values)]

    def _readable(self, webhook_id: str, url: bytes) -> str | None:
        # Whoever lost the key must still see that there is a webhook, to remove it.
        try:
            return self._vault.open(url, f"url {webhook_id}").decode()
        except (StoreError, InvalidArgument):
            return None

    def _webhook(self, row: tuple[Any, ...]) -> Webhook:
        webhook_id, collection, url, kinds, names, enabled, created = row
        return Webhook(
            webhook_id,
            collection,
            self._readable(webhook_id, url),
            tuple(json.loads(kinds)),
            bool(names),
            bool(enabled),
            dt.datetime.fromisoformat(created),
        )


_WEBHOOK = "SELECT webhook_id, collection, url, kinds, names, enabled, created FROM webhook"
_DELIVERY = (
    "SELECT delivery_id, webhook_id, kind, body, state, delivery.created, tries, due, status, problem FROM delivery"
)


def nameless(event: Event) -> Event:
    """An event without names of people, which are not needed to look somebody up."""
    return Event(event.kind, event.collection, _nameless(event.data), event.event_id, event.time)


def _nameless(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: _nameless(one) for name, one in value.items() if name != "label"}
    return [_nameless(one) for one in value] if isinstance(value, list) else value


def _both(webhook_id: str, state: State) -> tuple[str, tuple[str, str]]:
    return "webhook_id = ? AND state = ?", (webhook_id, state)


def _delivery(row: tuple[Any, ...]) -> Delivery:
    delivery_id, webhook_id, kind, body, state, created, *rest = row
    return Delivery(delivery_id, webhook_id, kind, body, state, dt.datetime.fromisoformat(created), *rest)
