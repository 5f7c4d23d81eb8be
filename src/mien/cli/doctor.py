"""``mien doctor``: what is installed, what runs, and what is missing."""

from __future__ import annotations

import argparse
import os
import platform
import stat
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli._options import Commands, add_format, add_gallery
from mien.cli._output import print_json, print_table, printable
from mien.errors import MienError, ModelError

if TYPE_CHECKING:
    from mien.models import Status

__all__ = ["register", "run"]

PACKAGES = ("mien", "numpy", "openvino", "onnxruntime", "opencv-python-headless", "onnx", "pillow")


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="check this installation",
        description="Check this installation: versions, weights, what really runs them, calibration, gallery.",
        epilog="Nothing is fetched. Exit status: 4 where a model is missing, damaged or cannot be run.",
    )
    parser.add_argument("--device", default="cpu", help="device to prove with a timed run (default: cpu)")
    add_gallery(parser)
    add_format(parser, "table", "json")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Examine everything, print it, and say whether every model runs."""
    from mien import models

    examined = [_model(status, arguments.device) for status in models.verify()]
    healthy = all(model["state"] == "ok" and model["error"] is None for model in examined)
    report = {
        "schema": "mien.doctor/1",
        "healthy": healthy,
        "versions": _versions(),
        "machine": {"system": platform.platform(), "cpu": _cpu(), "cpus": models.available_threads()},
        "models": examined,
        "calibration": _calibration() if healthy else None,
        "gallery": _gallery(arguments.gallery),
    }
    if arguments.format == "json":
        print_json(report)
    else:
        _print(report)
    return 0 if healthy else ModelError.exit_status


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def _cpu() -> str:
    """The processor's name; Linux gives it in a file, others through `platform`."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _model(status: Status, device: str) -> dict[str, Any]:
    """State of one model's weights, and the proof of what runs it or the reason why nothing does."""
    from mien import models
    from mien.cli.models import status_to_dict

    examined: dict[str, Any] = {**status_to_dict(status), "proof": None, "error": None}
    if status.state == "ok":
        try:
            examined["proof"] = asdict(models.prove(models.open_session(status.name, device=device)))
        except MienError as error:
            examined["error"] = error.to_dict()
    return examined


def _calibration() -> dict[str, Any]:
    """The calibration that decisions rest on."""
    from mien.recognition import default_pipeline, load_calibration, user_calibration_path

    pipeline = default_pipeline().name
    own = user_calibration_path(pipeline)
    found: dict[str, Any] = {"pipeline": pipeline, "name": None, "population": None, "path": None, "error": None}
    try:
        calibration = load_calibration(pipeline)
    except MienError as error:
        return {**found, "error": error.to_dict()}
    if calibration is not None:
        found |= {"name": calibration.name, "population": asdict(calibration.population)}
        found["path"] = str(own) if os.path.exists(own) else None  # noqa: PTH110 - as in load_calibration
    return found


def _gallery(location: str | None) -> dict[str, Any]:
    """Where the gallery is and who may read it; it is not opened, and not created."""
    from mien.gallery.locations import locate

    try:
        path = locate(location)
    except MienError as error:
        return {"path": None, "exists": False, "mode": None, "private": None, "error": error.to_dict()}
    exists = os.path.exists(path)  # noqa: PTH110 - Path.exists raises without permission
    found: dict[str, Any] = {"path": str(path), "exists": exists, "mode": None, "private": None, "error": None}
    if found["exists"] and os.name == "posix":
        mode = stat.S_IMODE(path.stat().st_mode)
        found |= {"mode": f"{mode:04o}", "private": not mode & 0o077}
    return found


def _print(report: dict[str, Any]) -> None:
    machine, gallery = report["machine"], report["gallery"]
    print(", ".join(f"{name} {version or '(not installed)'}" for name, version in report["versions"].items()))
    print(f"{printable(machine['system'])}, {printable(machine['cpu'])}, {machine['cpus']} CPUs usable\n")
    print_table(["model", "weights", "from", "runs on", "a run"], [_model_row(model) for model in report["models"]])
    print()
    for model in report["models"]:
        if model["error"]:
            print(f"{model['name']}: {printable(model['error']['message'])}")
        elif model["state"] != "ok":
            print(f"{model['name']}: weights {model['state']}; fetch them: mien models pull {model['name']}")
    print(f"calibration: {printable(_calibration_line(report['calibration']))}")
    print(f"gallery: {printable(_gallery_line(gallery))}")


def _model_row(model: dict[str, Any]) -> tuple[str, ...]:
    proof = model["proof"]
    ran = f"{proof['backend']} {proof['precision']} on {proof['device']}" if proof else "-"
    took = f"{proof['milliseconds']:.1f} ms" if proof else "-"
    return model["name"], model["state"], model["source"] or "-", ran, took


def _calibration_line(calibration: dict[str, Any] | None) -> str:
    if calibration is None:
        return "not examined, since a model does not run"
    if calibration["error"]:
        return str(calibration["error"]["message"])
    if calibration["name"] is None:
        return f"none for {calibration['pipeline']}: everybody stays unknown. Fit one: mien calibrate --from DIR"
    population = calibration["population"]
    whence = calibration["path"] or "shipped with Mien"
    return f"{calibration['name']} ({whence}), from {population['description']}; {population['limits']}"


def _gallery_line(gallery: dict[str, Any]) -> str:
    if gallery["error"]:
        return str(gallery["error"]["message"])
    if not gallery["exists"]:
        return f"{gallery['path']}, not made yet"
    if gallery["private"] is False:
        return f"{gallery['path']}, mode {gallery['mode']}: others can read it; chmod 600 {gallery['path']}"
    return f"{gallery['path']}, mode {gallery['mode'] or 'unknown'}"
