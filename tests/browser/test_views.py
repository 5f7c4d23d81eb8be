"""What people do with the page, done in Chromium against a real service."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.weights, pytest.mark.samples]

DROP = """([zone, name, text]) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  document.querySelector(zone).dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""


def drop(page, path, zone="#drop"):
    page.evaluate(DROP, [zone, path.name, base64.b64encode(path.read_bytes()).decode()])


def test_a_dropped_photo_gets_names_a_rate_and_reasons(visit, samples):
    with visit() as page:
        drop(page, samples / "obama.jpg")
        expect(page.locator(".face .badge")).to_have_text("Barack Obama")
        expect(page.locator(".box.matched")).to_have_text("Barack Obama")
        meaning = page.locator("#meaning")
        expect(meaning).to_contain_text(re.compile(r"identification rate of 1\s% \(95 % interval .* to .*\)"))
        expect(meaning).to_contain_text("about 1 in 100 would still be given a name")
        box = page.locator(".box").bounding_box()
        picture = page.locator("#picture canvas").bounding_box()
        assert 0.35 < (box["x"] + box["width"] / 2 - picture["x"]) / picture["width"] < 0.65
        page.get_by_label("A stranger may be given a name").select_option("0.001")
        expect(meaning).to_contain_text("about 1 in 1,000")
        page.set_input_files("#file", samples / "multi_face.jpg")
        expect(page.locator(".face .badge")).to_have_text(["unknown"] * 5)
        page.set_input_files("#file", samples / "free-mountain-vector-01.jpg")
        expect(page.locator("#count")).to_contain_text("No face was found")
        # A likeness is never a share of a hundred.
        assert not re.search(r"\d\s*%", page.locator("#faces").inner_text())


def test_an_unknown_face_is_enrolled_where_it_was_seen(visit, site, samples):
    with visit() as page:
        page.set_input_files("#file", samples / "multi_face.jpg")
        page.get_by_role("button", name="Enrol").nth(3).click()
        page.get_by_label("Name", exact=True).fill("Ines")
        page.get_by_label("What they agreed to").fill("album")
        page.locator("dialog [type=submit]").click()
        expect(page.locator(".face .badge.matched")).to_have_text("Ines")
        page.get_by_role("link", name="Ines").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Ines")
    (ines,) = [one for one in site.rest("GET", "/collections/main/people")["people"] if one["label"] == "Ines"]
    assert (ines["purpose"], ines["samples"]) == ("album", 1)
    site.rest("DELETE", f"/collections/main/people/{ines['person_id']}")


def test_enrolment_says_what_became_of_each_photo(visit, site, samples, portraits):
    with visit("enrol") as page:
        page.get_by_role("button", name="Enrol", exact=True).click()
        expect(page.locator("#photos li")).to_have_count(0)
        drop(page, samples / "multi_face.jpg")
        page.set_input_files("#file", [*portraits, samples / "free-mountain-vector-01.jpg"])
        page.get_by_role("button", name="Use the camera").click()
        page.get_by_role("button", name="Take a photo").click()
        expect(page.locator("#photos li")).to_have_count(5)
        page.get_by_label("Name", exact=True).fill("Jin")
        page.get_by_label("What they agreed to").fill("front door")
        page.get_by_label("Last day").fill("2999-01-01")
        page.get_by_role("button", name="Enrol", exact=True).click()
        expect(page.locator("#outcome")).to_contain_text("Jin is enrolled with 3 more photos.")
        states = dict(
            zip(page.locator(".photos .name").all_inner_texts(), page.locator(".photos .state").all(), strict=True)
        )
        expect(states["multi_face.jpg"]).to_contain_text("5 faces of like size")
        expect(states["free-mountain-vector-01.jpg"]).to_contain_text("no face was found")
        expect(states["camera 1.jpg"]).to_have_text("enrolled ")
        page.get_by_role("link", name="See Jin").click()
        expect(page.locator("dl")).to_contain_text("2999-01-01")
    (jin,) = [one for one in site.rest("GET", "/collections/main/people")["people"] if one["label"] == "Jin"]
    assert (jin["purpose"], jin["samples"], jin["expires"]) == ("front door", 3, "2999-01-01")
    site.rest("DELETE", f"/collections/main/people/{jin['person_id']}")


def test_the_live_view_names_whom_the_camera_sees(visit, site, portraits):
    person_id = site.enrol("Jin", *portraits)["person_id"]
    with visit("live", width=375) as page:
        page.get_by_role("button", name="Start the camera").click()
        expect(page.locator(".box.matched")).to_have_text("Jin")
        expect(page.locator("#now")).to_have_text("Jin")
        expect(page.locator("#before")).to_contain_text("Jin")
        expect(page.locator("#pace")).to_contain_text("looks a second")
        box, video = page.locator(".box").bounding_box(), page.locator("video").bounding_box()
        assert video["x"] <= box["x"]
        assert box["x"] + box["width"] <= video["x"] + video["width"]
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".box")).to_have_count(0)
    site.rest("DELETE", f"/collections/main/people/{person_id}")


def test_the_live_view_slows_down_for_a_busy_service(visit, site):
    with visit("live") as page:
        asked = []
        busy = {"error": {"code": "busy", "message": "", "details": {}}, "request_id": ""}

        def answer(route):
            asked.append(route)
            route.fulfill(status=429 if len(asked) == 1 else 503, json=busy, headers={"Retry-After": "1"})

        page.route("**/identify", answer)
        page.get_by_role("button", name="Start the camera").click()
        expect(page.locator("#pace")).to_contain_text("The service is busy: waiting 1 s")
        page.wait_for_timeout(1500)
        assert len(asked) == 2
        page.get_by_role("button", name="Stop").click()
        visit.forgive("status of 429", "status of 503")


def test_a_person_is_renamed_and_erased_with_proof(visit, site, portraits):
    site.enrol("Somebody", *portraits)
    with visit("people") as page:
        page.get_by_label("Search by name").fill("SOME")
        page.get_by_role("button", name="Search").click()
        expect(page.locator(".person strong")).to_have_text(["Somebody"])
        page.get_by_role("link", name="Somebody").click()
        page.get_by_label("New name").fill("Somebody else")
        page.get_by_role("button", name="Rename").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Somebody else")
        page.get_by_role("button", name="Erase").click()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Erase").click()
        page.get_by_role("button", name="Erase for good").click()
        gone = page.locator("#gone")
        expect(gone).to_contain_text("Somebody else is erased")
        expect(gone).to_contain_text(re.compile(r"\d files, .* were searched for \d+ pieces of their templates: none"))
        expect(gone).to_contain_text(re.compile(r"Line \d+ of the audit log"))
        expect(gone).to_be_focused()
        page.get_by_role("link", name="To the people").click()
        expect(page.locator(".person strong")).to_have_text(["Barack Obama", "Joe Biden"])


@pytest.mark.parametrize(("role", "views"), [("reader", ["Recognise", "Live", "People"])])
def test_views_show_what_a_role_may_do(visit, site, samples, role, views):
    with visit("people", key=site.issue(role)) as page:
        expect(page.locator("nav a")).to_have_text(views)
        page.get_by_role("link", name="Barack Obama").click()
        expect(page.get_by_role("heading", name="Samples")).to_be_visible()
        for deed in ("Erase", "Rename", "Add photos"):
            expect(page.get_by_role("button", name=deed)).to_have_count(0)
        page.get_by_role("link", name="Recognise").click()
        page.set_input_files("#file", samples / "multi_face.jpg")
        expect(page.locator(".face")).to_have_count(5)
        expect(page.get_by_role("button", name="Enrol")).to_have_count(0)


def test_signing_in_and_out(chromium, site):
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{site.url}/collections/main/people")
        page.get_by_label("API key").fill("mien_00000000_wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("no key of this service")
        page.get_by_label("API key").fill(site.key)
        page.keyboard.press("Enter")
        page.wait_for_url("**/collections/main/people")
        assert page.evaluate("() => document.cookie") == ""
        page.get_by_role("button", name="Sign out").click()
        page.goto(f"{site.url}/collections/main/people")
        expect(page.get_by_label("API key")).to_be_visible()


def test_the_keyboard_reaches_everything(visit, samples):
    with visit(width=375) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.locator("#file")).to_be_focused()
        page.get_by_role("button", name="Menu").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("navigation")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("navigation")).to_be_hidden()
