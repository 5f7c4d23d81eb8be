"""The documentation as a site: builds without a warning, whole, and asks nothing of another host."""

import importlib
import json
import os
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

import mien

ROOT = Path(__file__).resolve().parent.parent
ROOMS = sorted(path.parent.name for path in (ROOT / "src" / "mien").glob("*/__init__.py") if path.parent.name != "cli")
MODULES = ["errors", "types", *ROOMS]

# What makes a browser fetch something by itself; ``a href`` does not.
LOADING = {"src", "srcset", "data", "poster", "background"}
LOADED_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest"}


class Loads(HTMLParser):
    """Collects the addresses that a page loads."""

    def __init__(self, page):
        super().__init__()
        self.addresses = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.addresses += [given[name] or "" for name in LOADING & given.keys()]
        if tag == "link" and LOADED_LINKS & set((given.get("rel") or "").split()):
            self.addresses.append(given.get("href") or "")
        self.addresses += re.findall(r"url\(([^)]+)\)", given.get("style") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def inventory(site):
    """Every name that the reference explains, and where."""
    content = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = zlib.decompress(content).decode().splitlines()
    return {line.split(" ")[0]: line.split(" ")[3] for line in lines}


def elsewhere(addresses):
    return [address for address in addresses if re.match(r"[\s'\"]*(https?:)?//", address)]


def test_nothing_is_loaded_from_another_host(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    assert {page.name: found for page in pages if (found := elsewhere(Loads(page.read_text("utf-8")).addresses))} == {}


def test_style_sheets_load_nothing_from_another_host(site):
    sheets = sorted(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        text = sheet.read_text("utf-8")
        assert elsewhere(re.findall(r"url\(([^)]+)\)", text) + re.findall(r"@import\s+([^;]+)", text)) == []


@pytest.mark.parametrize(
    "html",
    [
        "<script src=https://example.org/a.js></script>",
        "<link rel=preconnect href=//fonts.example.org>",
        "<img srcset='http://example.org/a.png 2x'>",
        "<p style='background: url(https://example.org/a.png)'>",
    ],
)
def test_what_a_page_would_load_is_seen(html):
    assert elsewhere(Loads(html).addresses)


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_stands_in_the_reference(module, inventory):
    names = importlib.import_module(f"mien.{module}").__all__
    # Where a function bears its module's name, the reference calls it by both.
    missing = [n for n in names if {f"mien.{module}.{n}", f"mien.{module}.{n}.{n}"}.isdisjoint(inventory)]
    assert missing == []


def test_every_name_of_mien_stands_in_the_reference(inventory):
    homes = {name: f"{mien._HOMES[name]}.{name}" for name in mien.__all__}
    assert [name for name, home in homes.items() if home not in inventory] == []


def test_methods_that_gallery_inherits_stand_in_the_reference(inventory):
    methods = [name for name in dir(mien.Gallery) if not name.startswith("_") and callable(getattr(mien.Gallery, name))]
    assert [name for name in methods if f"mien.gallery.Gallery.{name}" not in inventory] == []


def test_docstrings_have_only_sections_that_are_known(site):
    """Another heading, such as ``Example:``, is shown as a box with the code in it run together."""
    pages = sorted((site / "reference" / "python").glob("*.html"))
    assert [page.name for page in pages if "<details" in page.read_text("utf-8")] == []


def test_search_knows_every_page(site):
    entries = json.loads((site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    found = {entry["location"].partition("#")[0] for entry in entries}
    pages = {page.relative_to(site).as_posix() for page in site.rglob("*.html")} - {"404.html"}
    assert pages - found == set()


def test_pages_of_the_root_are_part_of_the_site(site):
    text = (site / "CONTRIBUTING.html").read_text("utf-8")
    assert 'href="decisions/index.html"' in text
    assert 'href="pictures.html"' in text
    assert 'href="../SECURITY.html"' in (site / "explanation" / "responsible-use.html").read_text("utf-8")
