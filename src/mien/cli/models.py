"""``mien models``: list, show, pull, verify and export the weights Mien works with."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_path, add_format
from mien.cli._output import print_download, print_json, print_table, printable
from mien.errors import ModelError

if TYPE_CHECKING:
    from mien.models import Status

__all__ = ["register"]


def register(commands: Commands) -> None:
    """Add the command and its five verbs to the parser."""
    parser = commands.add_parser(
        "models",
        help="list, show, pull, verify or export weights",
        description="The weights Mien works with: whose they are, under which licence, and whether they are here.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    listing = verbs.add_parser("list", help="every model, its licence, and whether it is on this machine")
    listing.set_defaults(run=run_list)
    show = verbs.add_parser("show", help="the card of one model")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=run_show)
    pull = verbs.add_parser("pull", help="fetch weights into the cache, replacing damaged ones")
    pull.set_defaults(run=run_pull)
    verify = verbs.add_parser("verify", help="check weights on this machine; exit status 4 where one is not sound")
    verify.set_defaults(run=run_verify)
    export = verbs.add_parser("export", help="make a folder for a machine without network; there set MIEN_MODELS to it")
    export.add_argument("folder", type=a_path, metavar="DIR")
    export.set_defaults(run=run_export)
    for verb in (pull, verify, export):
        verb.add_argument("names", nargs="*", metavar="NAME", help="models (default: all, extras where installed)")
    for verb in (listing, show, pull, verify, export):
        add_format(verb, "table", "json")


def run_list(arguments: argparse.Namespace) -> int:
    """Every model, one a line."""
    from mien import models

    cards = models.cards()
    states = {status.name: status.state for status in models.verify(card.name for card in cards)}
    if arguments.format == "json":
        listed = [{**asdict(card), "state": states[card.name]} for card in cards]
        print_json({"schema": "mien.models/1", "models": listed})
    else:
        rows = [(c.name, c.task, c.weights_licence, c.commercial, states[c.name]) for c in cards]
        print_table(["name", "task", "licence", "commercial use", "here"], rows)
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """One card."""
    from mien import models

    card = models.card(arguments.name)
    if arguments.format == "json":
        print_json({"schema": "mien.model/1", **asdict(card)})
        return 0
    facts = {
        "name": card.name,
        "task": card.task,
        "weights": f"{card.weights_licence}, {card.weights_origin}",
        "training data": f"{card.training_data} ({card.training_licence})",
        "commercial use": f"{card.commercial}: {card.commercial_note}",
        "paper": card.paper,
        "file": f"{card.artefact.name}, sha256 {card.artefact.sha256}",
        "sources": ", ".join(map(str, card.sources)),
        "embedding space": f"{card.space}, {card.dimension} dimensions" if card.space else "none",
        "runs": ", ".join(f"{run.backend} {run.precision}" for run in card.runs),
    }
    for name, value in facts.items():
        print(f"{name:<15}  {printable(value)}")
    return 0


def run_pull(arguments: argparse.Namespace) -> int:
    """Fetch weights."""
    from mien import models

    names = arguments.names or [card.name for card in models.usable_cards()]
    pulled = list(zip(names, models.pull(names, print_download), strict=True))
    if arguments.format == "json":
        listed = [{"name": name, "source": at.source, "path": str(at.path)} for name, at in pulled]
        print_json({"schema": "mien.models/1", "models": listed})
    else:
        print_table(["name", "from", "path"], [(name, at.source, at.path) for name, at in pulled])
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Check weights."""
    from mien import models

    statuses = models.verify(arguments.names or None)
    if arguments.format == "json":
        print_json({"schema": "mien.models/1", "models": [status_to_dict(status) for status in statuses]})
    else:
        rows = [(s.name, s.state, s.source or "-", s.path or "mien models pull") for s in statuses]
        print_table(["name", "state", "from", "path"], rows)
    return 0 if all(status.state == "ok" for status in statuses) else ModelError.exit_status


def run_export(arguments: argparse.Namespace) -> int:
    """Make an offline folder."""
    from mien import models

    written = models.export(arguments.folder, arguments.names or None, print_download)
    if arguments.format == "json":
        print_json({"schema": "mien.export/1", "files": [str(path) for path in written]})
    else:
        print("\n".join(printable(path) for path in written))
    return 0


def status_to_dict(status: Status) -> dict[str, str | None]:
    """A model's state as JSON."""
    path = None if status.path is None else str(status.path)
    return {"name": status.name, "state": status.state, "source": status.source, "path": path}
