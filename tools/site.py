"""Hooks of the documentation site (mkdocs.yml): pages of the repository's root belong to it as well.

A link leads to the same page on the site as it does on a git forge: ``../SECURITY.md`` from ``docs/``, and
``docs/explanation/error-rates.md`` from the root.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
FROM_ROOT = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
_LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every decision into the navigation, so that a new one needs no line there."""
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"), key=lambda path: (path.stem != "README", path.stem))
    listed = [f"decisions/{path.name}" for path in decisions]
    config.nav = _filled(config.nav, listed)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root."""
    for name in FROM_ROOT:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Point links at where the pages lie on the site; what is no part of it is named, not linked."""
    at_root = page.file.src_uri in FROM_ROOT
    depth = page.file.src_uri.count("/")

    def mended(match: re.Match[str]) -> str:
        path, anchor = match[1], match[2] or ""
        if at_root:
            path = path.removeprefix("docs/")
            return f"]({'decisions/README.md' if path == 'decisions/' else path}{anchor})"
        if path.startswith("../" * (depth + 1)):
            path = path.removeprefix("../")
        return f"]({path}{anchor})"

    return _LINK.sub(mended, markdown)


def _filled(item: Any, listed: list[str]) -> Any:  # noqa: ANN401 - the navigation as YAML gives it
    if isinstance(item, list):
        return [_filled(part, listed) for part in item]
    if isinstance(item, dict):
        return {title: _filled(part, listed) for title, part in item.items()}
    return listed if item == "decisions/*.md" else item
