"""Models: their cards, their weights on this machine, and sessions that run them."""

from mien.models.equivalence import BATCH_AGREEMENT, equivalence, equivalent
from mien.models.registry import Card, card, cards, parse_card
from mien.models.session import Proof, Session, available_threads, open_session, prove
from mien.models.weights import Located, Status, export, fetch, pull, usable_cards, verify

__all__ = [
    "BATCH_AGREEMENT",
    "Card",
    "Located",
    "Proof",
    "Session",
    "Status",
    "available_threads",
    "card",
    "cards",
    "equivalence",
    "equivalent",
    "export",
    "fetch",
    "open_session",
    "parse_card",
    "prove",
    "pull",
    "usable_cards",
    "verify",
]
