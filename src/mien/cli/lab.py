"""``mien lab``: train, evaluate and export a method of the lab."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_number, a_path, add_format
from mien.cli._output import print_json, print_progress, print_table
from mien.errors import RuntimeUnavailable

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["register"]


def register(commands: Commands) -> None:
    """Add the command and its four verbs to the parser."""
    parser = commands.add_parser(
        "lab",
        help="train, evaluate or export a method (needs mien[lab])",
        description="Train the networks of published methods on data of your own, and export them for Mien.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="every method, and the paper it follows")
    listing.set_defaults(run=run_list)
    train = verbs.add_parser("train", help="train; goes on where it was stopped")
    train.add_argument("method", metavar="METHOD")
    train.add_argument("data", type=a_path, metavar="DATA", help="a folder or file that the method's reader takes")
    train.add_argument("out", type=a_path, metavar="OUT", help="folder of weights and report")
    train.add_argument("--epochs", type=a_number, metavar="N", help="passes (default: the method's)")
    train.add_argument("--seeds", type=a_number, default=1, metavar="N", help="runs, of seeds 0, 1, ... (default: 1)")
    train.add_argument("--device", default="auto", help="cpu, cuda, or auto (default: auto)")
    train.set_defaults(run=run_train)
    evaluate = verbs.add_parser("evaluate", help="judge what was trained on data it has not seen")
    evaluate.add_argument("method", metavar="METHOD")
    evaluate.add_argument("data", type=a_path, metavar="DATA", help="a folder or file that the method's reader takes")
    evaluate.add_argument("out", type=a_path, metavar="OUT", help="what mien lab train wrote")
    evaluate.add_argument("--device", default="auto", help="cpu, cuda, or auto (default: auto)")
    evaluate.set_defaults(run=run_evaluate)
    export = verbs.add_parser("export", help="write ONNX, and prove that it says what the network says")
    export.add_argument("method", metavar="METHOD")
    export.add_argument("out", type=a_path, metavar="OUT", help="what mien lab train wrote")
    export.add_argument("file", type=a_path, metavar="FILE.onnx")
    export.set_defaults(run=run_export)
    for verb in (listing, train, evaluate, export):
        add_format(verb, "table", "json")


def run_list(arguments: argparse.Namespace) -> int:
    """Every method, one a line."""
    methods = _experiment().methods()
    if arguments.format == "json":
        listed = [{"name": m.name, "title": m.title, "paper": m.paper} for m in methods.values()]
        print_json({"schema": "mien.lab_methods/1", "methods": listed})
    else:
        print_table(["name", "method", "paper"], [(m.name, m.title, m.paper) for m in methods.values()])
    return 0


def run_train(arguments: argparse.Namespace) -> int:
    """Train a method, and say how it did on what was held out."""
    experiment = _experiment()

    def progress(done: int, total: int) -> None:
        print_progress(done, total, "epochs")

    report = experiment.train(
        experiment.find_method(arguments.method),
        arguments.data,
        arguments.out,
        epochs=arguments.epochs,
        seeds=arguments.seeds,
        device=arguments.device,
        progress=progress,
    )
    _print(arguments.format, "mien.lab_report/1", report)
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Judge what was trained."""
    experiment = _experiment()
    method = experiment.find_method(arguments.method)
    report = experiment.evaluate(method, arguments.data, arguments.out, device=arguments.device)
    _print(arguments.format, "mien.lab_report/1", report)
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write ONNX."""
    experiment = _experiment()
    report = experiment.export(experiment.find_method(arguments.method), arguments.out, arguments.file)
    _print(arguments.format, "mien.lab_export/1", report)
    return 0


def _experiment() -> ModuleType:
    try:
        from mien.lab import experiment
    except ImportError as error:
        raise RuntimeUnavailable(
            f"the lab needs packages that are not installed ({error.name}): pip install 'mien[lab]'"
        ) from error
    return experiment


def _print(form: str, schema: str, report: dict[str, object]) -> None:
    if form == "json":
        print_json({"schema": schema, **report})
        return
    print_table(["what", "value"], [(name, value) for name, value in report.items() if not isinstance(value, list)])
