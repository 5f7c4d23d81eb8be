"""The report of a run as a page: conditions, and figures with their intervals, a row a seed."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["write_report"]

_STYLE = "body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem}td,th{padding:.2rem .8rem;text-align:left}"


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a page that needs nothing beside it."""
    facts = {name: value for name, value in report.items() if name != "runs"}
    rows = [_row(run) for run in report["runs"]]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row.values()) + "</tr>" for row in rows)
    listed = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd>" for name, value in facts.items())
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(str(report["method"]))}</title>'
        f"<style>{_STYLE}</style><h1>{html.escape(str(report['method']))}</h1><table><tr>{head}</tr>{body}</table>"
        f"<p>Intervals are 95 %, by draws of groups.</p><dl>{listed}</dl></html>\n"
    )
    path.write_text(page, encoding="utf-8")


def _row(run: Mapping[str, Any]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in run.items():
        if isinstance(value, dict) and "low" in value:
            cells[name] = f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
        elif isinstance(value, dict):
            cells[name] = ", ".join(f"{key} {part}" for key, part in value.items())
        else:
            cells[name] = str(value)
    return cells
