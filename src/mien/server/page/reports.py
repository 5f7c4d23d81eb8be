"""Evaluation reports: files that `mien evaluate` wrote, shown to who may see every collection."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from mien.server.envelope import not_found
from mien.server.page.pages import Here, PageRoute, ThePage

__all__ = ["Report", "reports", "router"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
"""A report is one file with its style and pictures in it: it loads nothing, and runs nothing."""

_BEGINNING = 1 << 16

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Report:
    """A file.

    Attributes:
        name: Of the file.
        title: What it says that it is.
        written: When it was written (UTC).
    """

    name: str
    title: str
    written: dt.datetime


def reports(folder: Path) -> list[Report]:
    """The reports of a folder, newest first; what is no HTML file of its own is none."""
    files = [path for path in folder.glob("*.html") if path.is_file() and not path.is_symlink()]
    found = [Report(path.name, _title(path), dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)) for path in files]
    return sorted(found, key=lambda report: (report.written, report.name), reverse=True)


@router.get("/collections/{collection}/reports")
def show_reports(page: ThePage, gallery: Here) -> Response:
    """Which there are."""
    folder = page.service.settings.reports
    return page.of("reports", collection=gallery.collection, reports=reports(folder) if folder else [])


@router.get("/collections/{collection}/reports/{name}")
def show_report(page: ThePage, gallery: Here, name: str) -> Response:
    """One, as it was written."""
    folder = page.service.settings.reports
    # Only a name that was listed is opened: none leads out of the folder.
    if folder is None or name not in {report.name for report in reports(folder)}:
        raise not_found(f"report {name}")
    # Reports show the pairs that went wrong.
    gallery.note_access("report", page.session.key.key_id, of_store=True)
    return HTMLResponse((folder / name).read_bytes(), headers={"content-security-policy": POLICY})


def _title(path: Path) -> str:
    with path.open("rb") as file:
        text = file.read(_BEGINNING).decode("utf-8", "replace")
    found = re.search(r"<title>(.*?)</title>", text, re.DOTALL)
    return html.unescape(found[1]).strip() if found else path.stem
