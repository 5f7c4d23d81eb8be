"""The page that every report is: one file, its style and policy at the top, what scores are at the end."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources

from mien.render.fragments import escape

__all__ = ["encode", "page_end", "page_start"]

_SCORES = (
    "A score is the cosine similarity of two faces and counts as a match from its threshold on; it is neither a "
    "percentage nor a probability. A match is a lead for a person to check, not a proof of identity."
)


def page_start(title: str) -> str:
    """Everything up to the page's content; a policy forbids it to load or run anything."""
    style = resources.files("mien.render").joinpath("report.css").read_text("utf-8")
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
    )


def page_end(calibrations: Iterable[str]) -> str:
    """Everything after the page's content: what scores are, and the names of the calibrations."""
    names = ", ".join(calibrations)
    foot = f"<p>{_SCORES}</p>" + (f"<p>Calibration: {escape(names)}.</p>" if names else "")
    return f"</main><footer>{foot}</footer></body></html>\n"


def encode(text: str) -> bytes:
    """The text in UTF-8, with question marks for lone surrogates, which labels and file names may hold."""
    return text.encode("utf-8", "replace")
