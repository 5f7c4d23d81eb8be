"""What people do with the page, done in Chromium against a real service."""

from __future__ import annotations

import base64
import re
import sqlite3
from contextlib import closing

import pytest

expect = pytest.importorskip("playwright.sync_api").expect

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
        page.get_by_label("Strangers who may be given a name").select_option("0.001")
        expect(meaning).to_contain_text("about 1 in 1,000")
        page.set_input_files("#file", samples / "multi_face.jpg")
        expect(page.locator(".face .badge")).to_have_text(["unknown"] * 5)
        page.set_input_files("#file", samples / "free-mountain-vector-01.jpg")
        expect(page.locator("#count")).to_contain_text("No face was found")
        # A likeness is never a share of a hundred.
        assert not re.search(r"\d\s*%", page.locator("#faces").inner_text())


def test_what_is_required_of_faces_is_chosen_and_refusals_say_why(visit, site, far):
    with visit() as page:
        page.set_input_files("#file", far("obama.jpg"))
        expect(page.locator(".face .badge")).to_have_text("Barack Obama")
        page.get_by_label("Faces have to be").select_option("nearly a portrait")
        expect(page.locator(".face .badge")).to_have_text(re.compile("not decided: .*too small"))
        expect(page.locator(".box.refused")).to_have_count(1)
        page.get_by_label("Faces have to be").select_option("as every face has to")
        expect(page.locator(".face .badge")).to_have_text("Barack Obama")
        page.goto(f"{site.url}/collections/main/enrol")
        page.set_input_files("#file", far("biden.jpg"))
        page.get_by_label("Name", exact=True).fill("Far")
        page.get_by_label("What they agreed to").fill("door")
        page.get_by_label("Faces have to be").select_option("nearly a portrait")
        page.get_by_role("button", name="Enrol", exact=True).click()
        expect(page.locator("#outcome")).to_contain_text("Nothing was enrolled.")
        expect(page.locator(".photos .state")).to_contain_text("the face is too small")
    assert "Far" not in {one["label"] for one in site.rest("GET", "/collections/main/people")["people"]}


def test_apparent_expressions_are_shown_where_asked_for(visit, samples):
    with visit() as page:
        page.set_input_files("#file", samples / "obama.jpg")
        expect(page.locator(".face .badge")).to_have_text("Barack Obama")
        assert page.locator(".shares").is_hidden()
        page.get_by_label("Show apparent expressions").check()
        expect(page.locator(".shares li").first).to_contain_text(re.compile(r"^looks happy, \d+ of 100$"))
        expect(page.locator("#expressions-meaning")).to_contain_text("not what somebody feels")
        page.get_by_label("Show apparent expressions").uncheck()
        expect(page.locator(".shares")).to_be_hidden()


@pytest.mark.parametrize(("name", "width"), [("biden.jpg", 1280), ("obama.jpg", 375), ("multi_face.jpg", 1280)])
def test_boxes_lie_on_the_faces(visit, site, samples, name, width):
    """Also of a picture that is higher than the window."""
    found = site.rest("POST", "/detect", files={"image": (name, (samples / name).read_bytes())})["faces"]
    face = min((face["box_normalised"] for face in found), key=lambda box: box["left"])
    with visit(width=width) as page:
        page.set_input_files("#file", samples / name)
        box, picture = (page.locator(which).first.bounding_box() for which in (".box", "#picture canvas"))
    for start, size, low, high in (("x", "width", "left", "right"), ("y", "height", "top", "bottom")):
        middle = (box[start] + box[size] / 2 - picture[start]) / picture[size]
        assert middle == pytest.approx((face[low] + face[high]) / 2, abs=0.01)


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


def test_a_person_is_renamed_and_erased_with_proof(visit, site, portraits):
    site.enrol("Somebody", *portraits)
    with visit("people") as page:
        page.get_by_label("Search by name").fill("SOME")
        page.get_by_role("button", name="Search").click()
        expect(page.locator(".person strong")).to_have_text(["Somebody"])
        page.get_by_role("link", name="Somebody").click()
        page.get_by_label("Name", exact=True).fill("Somebody else")
        page.get_by_role("button", name="Rename").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Somebody else")
        page.get_by_role("button", name=f"Erase {portraits[0].name}").click()
        expect(page.get_by_role("dialog")).to_contain_text(f"Erase {portraits[0].name} of Somebody else?")
        page.get_by_role("button", name="Erase for good").click()
        expect(page.locator(".samples strong")).to_have_text([portraits[1].name])
        page.get_by_role("button", name="Erase", exact=True).click()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Erase", exact=True).click()
        page.get_by_role("button", name="Erase for good").click()
        gone = page.locator("#gone")
        expect(gone).to_contain_text("Somebody else is erased")
        expect(gone).to_contain_text(re.compile(r"\d files, .* were searched for \d+ pieces of their templates: none"))
        expect(gone).to_contain_text(re.compile(r"Line \d+ of the audit log"))
        expect(gone).to_be_focused()
        page.get_by_role("link", name="To the people").click()
        expect(page.locator(".person strong")).to_have_text(["Barack Obama", "Joe Biden"])


def test_people_are_merged_split_and_told_apart(visit, site, portraits):
    site.enrol("One", portraits[0])
    with visit("people") as page:
        page.get_by_role("link", name="One").click()
        page.get_by_role("link", name="Same as somebody else").click()
        page.get_by_role("button", name="Joe Biden is One").click()
        expect(page.locator(".samples strong")).to_have_text(["biden.jpg", portraits[0].name])
        page.get_by_label("biden.jpg is somebody else").check()
        page.get_by_label("Name of the other person").fill("Joe Biden")
        page.get_by_role("button", name="Split off").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Joe Biden")
        expect(page.locator(".samples strong")).to_have_text(["biden.jpg"])
        page.get_by_role("button", name="biden.jpg is not this person").click()
        expect(page.locator(".samples")).to_contain_text("Nothing can recognise them")
        page.get_by_role("link", name="All people").click()
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("link", name="Joe Biden").click()
        expect(page.locator(".samples strong")).to_have_text(["biden.jpg"])
        page.get_by_text("Record a new consent").click()
        page.get_by_label("What they agreed to").fill("album")
        page.get_by_role("button", name="Record", exact=True).click()
        expect(page.locator("dl")).to_contain_text("album")
    (one,) = [one for one in site.rest("GET", "/collections/main/people")["people"] if one["label"] == "One"]
    site.rest("DELETE", f"/collections/main/people/{one['person_id']}")


def test_unknown_faces_get_a_name(visit, site, samples, portraits):
    with visit("unknown") as page:
        page.set_input_files("#file", [samples / "obama.jpg", portraits[0]])
        probably = page.locator(".card", has_text="Probably Barack Obama")
        probably.get_by_role("button", name="It is Barack Obama").click()
        expect(page.get_by_role("status")).to_have_text("Named: Barack Obama.")
        somebody = page.locator(".card", has_text=portraits[0].name)
        somebody.get_by_text("Give a name").first.click()
        somebody.get_by_label("Name", exact=True).fill("Jin")
        somebody.get_by_label("What they agreed to").fill("album")
        somebody.get_by_role("button", name="Give a name").click()
        expect(page.get_by_role("status")).to_have_text("Named: Jin.")
        expect(somebody).to_have_count(0)
    people = {one["label"]: one for one in site.rest("GET", "/collections/main/people")["people"]}
    assert (people["Barack Obama"]["samples"], people["Jin"]["samples"], people["Jin"]["purpose"]) == (3, 1, "album")
    site.rest("DELETE", f"/collections/main/people/{people['Jin']['person_id']}")


def test_the_operating_point_is_chosen_on_its_curve(visit, site, samples):
    with visit("settings") as page:
        page.get_by_label("1 in 1,000").check()
        expect(page.locator(".point.now")).to_have_attribute("data-rate", "0.001")
        with page.expect_navigation():
            page.locator("#point [type=submit]").click()
        expect(page.get_by_label("1 in 1,000")).to_be_checked()
        page.get_by_role("link", name="Recognise").click()
        page.set_input_files("#file", samples / "obama.jpg")
        expect(page.locator("#meaning")).to_contain_text("about 1 in 1,000")
    point = site.rest("GET", "/collections/main/operating-point")
    assert point["fpir"] == 0.001
    site.rest("PUT", "/collections/main/operating-point", json={"fpir": 0.01})


def test_a_collection_is_erased_once_its_name_is_typed(visit, site):
    site.rest("PUT", "/collections", json={"name": "visitors"})
    with visit("settings") as page:
        page.goto(f"{site.url}/collections/visitors/settings")
        page.get_by_role("button", name="Erase visitors").click()
        sure = page.get_by_role("dialog").get_by_role("button", name="Erase it")
        expect(sure).to_be_disabled()
        typed = page.get_by_label("Type its name, visitors")
        typed.fill("main")
        expect(sure).to_be_disabled()
        typed.press("Enter")
        typed.fill("visitors")
        sure.click()
        gone = page.locator("#gone")
        expect(gone).to_contain_text("visitors is erased")
        expect(gone).to_contain_text("none")
        expect(gone).to_be_focused()
    assert [one["name"] for one in site.rest("GET", "/collections")["collections"]] == ["main"]


def test_keys_are_made_shown_once_and_revoked(visit, site):
    with visit("settings") as page:
        page.get_by_label("What for").fill("door")
        page.get_by_label("Its holder").select_option("reader")
        page.get_by_label("Requests a minute").fill("600")
        page.get_by_role("button", name="Make a key").click()
        expect(page.locator("#secret")).to_be_focused()
        secret = page.locator("#secret code").inner_text()
        assert secret.startswith("mien_")
        page.reload()
        assert secret not in page.content()
        expect(page.locator("#keys-title + ul")).to_contain_text("600 requests a minute")
        page.get_by_role("button", name="Revoke door").click()
        expect(page.get_by_role("button", name="Revoke door")).to_have_count(0)


def test_webhooks_are_made_and_their_dead_letters_tried_again(visit, site, receiver):
    receiver.statuses = [500]
    with visit("webhooks") as page:
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_label("somebody is erased").check()
        page.get_by_role("button", name="Tell it", exact=True).click()
        expect(page.locator("#secret")).to_contain_text("whsec_")
        page.reload()
        with page.expect_navigation():
            page.get_by_role("button", name="Send a test").click()
        page.locator("summary").click()
        expect(page.locator(".list")).to_contain_text("answered 500")
        # Ten tries take a day.
        with closing(sqlite3.connect(site.served.state)) as state, state:
            state.execute("UPDATE delivery SET state = 'dead', tries = 10")
        page.reload()
        expect(page.locator(".list .badge")).to_have_text("given up")
        with page.expect_navigation():
            page.get_by_role("button", name="Try again").click()
        page.locator("summary").click()
        expect(page.locator(".list .badge")).to_have_text("delivered")
        assert [event["kind"] for event in receiver.came] == ["webhook.ping"] * 2
        page.get_by_role("button", name="Tell it no more").click()
        expect(page.locator("[data-webhook] .badge").first).to_have_text("is not told")
        page.get_by_role("button", name="Remove").click()
        expect(page.locator("[data-webhook]")).to_have_count(0)


def test_the_audit_log_is_shown_and_checked(visit, site):
    with visit("audit") as page:
        page.get_by_role("button", name="Check every line").click()
        expect(page.locator("#sound")).to_contain_text(re.compile(r"Sound: \d+ lines"))
        expect(page.locator("tbody tr").first).to_contain_text(re.compile(r"\d+\s+\d{4}-"))


@pytest.mark.parametrize(
    ("role", "views"),
    [
        (
            "reader",
            ["Recognise", "Live", "Challenge", "Cameras", "People", "Unknown faces", "Jobs", "Reports", "Settings"],
        )
    ],
)
def test_views_show_what_a_role_may_do(visit, site, samples, role, views):
    with visit("people", key=site.issue(role)) as page:
        expect(page.locator("nav a")).to_have_text(views)
        page.wait_for_function("() => document.querySelector('.person img').naturalWidth > 0")
        page.get_by_role("link", name="Barack Obama").click()
        expect(page.get_by_role("heading", name="Samples")).to_be_visible()
        page.locator(".samples img").first.scroll_into_view_if_needed()
        page.wait_for_function("() => document.querySelector('.samples img').naturalWidth > 0")
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
