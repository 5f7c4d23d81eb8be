"""axe-core finds no serious fault in any view, dark or light, on a phone or a desk; and nothing is cut off."""

from __future__ import annotations

import pytest

Axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe

pytestmark = [pytest.mark.weights, pytest.mark.samples]

COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
SIZES = [
    # width, colour scheme, and what is looked at: all but colours is the same in both schemes
    (1280, "light", {}),
    (1280, "dark", COLOURS),
    (375, "light", COLOURS),
    (375, "dark", {}),
]


def faults(page):
    """What axe-core says of a page in every size and scheme."""
    found = []
    for width, scheme, only in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        said = Axe().run(page, options={"resultTypes": ["violations"], **only}).response["violations"]
        found += [
            (width, scheme, one["id"], [node["html"][:120] for node in one["nodes"]])
            for one in said
            if one["impact"] in {"serious", "critical"}
        ]
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        if wide > width:
            found.append((width, scheme, "wider than the window", wide))
    return found


def looked(page, samples):
    page.set_input_files("#file", samples / "multi_face.jpg")
    page.locator(".face").nth(4).wait_for()
    page.locator("summary").first.click()


def gathered(page, samples):
    page.set_input_files("#file", samples / "multi_face.jpg")
    page.get_by_label("Name", exact=True).fill("Nobody")
    page.get_by_label("What they agreed to").fill("nothing")
    page.get_by_role("button", name="Enrol", exact=True).click()
    page.locator("#outcome p").first.wait_for()


def alive(page, samples):
    page.get_by_role("button", name="Start the camera").click()
    page.locator("#now .badge").first.wait_for()


def one_person(page, samples):
    page.get_by_role("link", name="Barack Obama").click()
    page.get_by_role("button", name="Erase", exact=True).click()
    page.get_by_role("dialog").wait_for()


def choosing(page, samples):
    page.get_by_role("link", name="Barack Obama").click()


def waiting(page, samples):
    page.set_input_files("#file", samples / "multi_face.jpg")
    page.locator("[data-suggestion]").first.wait_for()
    page.locator("summary").first.click()


def done(page, samples):
    page.set_input_files("#files", samples / "multi_face.jpg")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("link", name="Show the result").click()
    page.get_by_role("link", name="Save as JSON").wait_for()
    found = faults(page)
    page.get_by_role("link", name="All jobs").click()
    page.get_by_role("button", name="Remove").click()
    assert found == []


def challenged(page, samples):
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("0 of 3 done").wait_for()


def watched(page, samples):
    page.get_by_label("Name").fill("Back door")
    page.get_by_label("Address").fill("http://127.0.0.1:9/nothing")
    page.get_by_role("button", name="Watch it", exact=True).click()
    page.get_by_text("Told as it happens.").wait_for()
    found = faults(page)
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("No camera is watched.").wait_for()
    assert found == []


VIEWS = [
    ("recognise", None),
    ("recognise", looked),
    ("live", None),
    ("live", alive),
    ("enrol", gathered),
    ("people", None),
    ("people", choosing),
    ("people", one_person),
    ("unknown", waiting),
    ("jobs", done),
    ("challenge", None),
    ("challenge", challenged),
    ("streams", None),
    ("streams", watched),
    ("reports", None),
    ("webhooks", None),
    ("settings", None),
    ("audit", None),
]


@pytest.mark.parametrize(
    ("view", "act"), VIEWS, ids=[f"{view}-{act.__name__ if act else 'empty'}" for view, act in VIEWS]
)
def test_no_view_has_a_serious_fault(visit, samples, view, act):
    with visit(view) as page:
        if act:
            act(page, samples)
        assert faults(page) == []


def test_the_door_has_no_serious_fault(chromium, site):
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(site.url)
        assert faults(page) == []
        page.get_by_label("API key").fill("wrong")
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        assert faults(page) == []
        page.goto(f"{site.url}/collections/nowhere/people")
        assert faults(page) == []
