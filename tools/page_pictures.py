"""Make the pictures of the page for the docs, in Debian's Chromium. See docs/pictures.md.

    python tools/page_pictures.py

Barack Obama is enrolled from two photos that are not shown; his official portrait is then dropped on the page.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import samples
import uvicorn
from playwright.sync_api import Page, sync_playwright

from mien.server import Settings, create_app
from mien.server.access import Role

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
ENROLLED = ("obama2.jpg", "obama3.jpg")
SHOWN = "obama.jpg"
PORT = 8765


def main() -> None:
    argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None).parse_args()
    photos = samples.fetch()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), photos) as key, sync_playwright() as started:
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1200, "height": 820}, color_scheme="light")
        page.goto(f"http://127.0.0.1:{PORT}/")
        page.get_by_label("API key").fill(key)
        page.keyboard.press("Enter")
        page.locator("#file").set_input_files(photos / SHOWN)
        page.locator(".face .badge.matched").wait_for()
        page.locator("summary").click()
        shoot(page, "page-recognise.jpg")
        page.get_by_role("link", name="Settings").click()
        page.locator(".plot").wait_for()
        shoot(page, "page-settings.png")
        browser.close()


@contextmanager
def served(folder: Path, photos: Path) -> Iterator[str]:
    """A service, and a key of it."""
    app = create_app(Settings(gallery=str(folder / "people.mien"), state=folder / "service.db"))
    service = app.state.service
    service.access.declare("main", consent_required=True)
    service.galleries.main.enroll("Barack Obama", [photos / name for name in ENROLLED], purpose="front door")
    _, key = service.access.issue("laptop", Role.admin)
    server = uvicorn.Server(uvicorn.Config(app, port=PORT, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield key
    server.should_exit = True
    thread.join()


def shoot(page: Page, name: str) -> None:
    """What is in the window."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)
    path = PICTURES / name
    if path.suffix == ".jpg":
        page.screenshot(path=path, type="jpeg", quality=82)
    else:
        page.screenshot(path=path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
