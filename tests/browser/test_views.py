"""What people do with the page, done in Chromium against a real service."""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import re
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import pytest
from PIL import Image

from mien import media
from mien.recognition import default_pipeline, load_calibration, pipeline_name
from mien.server.database import Database
from mien.server.ledger import Ledger
from mien.server.results import Results
from mien.server.vault import Vault

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


@pytest.fixture
def far(samples, tmp_path):
    """Makes a photo smaller, so that 30 pixels are between the eyes: too few for nearly a portrait."""

    def made(name):
        image = media.read(samples / name)
        scale = 30 / float(default_pipeline().find(image).extra["quality.size"][0])
        Image.fromarray(image).resize([round(scale * side) for side in image.shape[1::-1]]).save(
            tmp_path / f"far {name}"
        )
        return tmp_path / f"far {name}"

    return made


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


LOOKS = [
    # what each look says of one face, and what is shown afterwards
    ("one look is too few", ["Ada"], None),
    ("two agree", ["Ada", "Ada"], "Ada"),
    ("one wrong look is not seen", ["Ada", "Ada", "Bob", "Ada"], "Ada"),
    ("as many say this as that", ["Ada", "Bob", "Ada", "Bob"], None),
    ("old looks are forgotten", ["Ada", "Ada", "Ada", None, None, None], "unknown"),
    ("a stranger", [None, None], "unknown"),
]


def test_names_are_what_most_looks_agree_on(visit):
    with visit("live") as page:
        script = page.locator("script[src*=live]").get_attribute("src")
        said = {case: page.evaluate(TRACKED, [looks, script]) for case, looks, _ in LOOKS}
    # And one face is one track, which is gone after two looks without it.
    assert said == {case: [shown, 1, 0] for case, _, shown in LOOKS}


TRACKED = """async ([looks, script]) => {
  const { agreed, follow } = await import(script.replace("live.js", "tracks.js"));
  const box = (n) => ({ left: 0.1 + n / 100, right: 0.3 + n / 100, top: 0.2, bottom: 0.5 });
  const face = (name, n) => ({
    box_normalised: box(n),
    decision: { match: Boolean(name), person: name && { person_id: name, label: name }, reasons: [], candidates: [] },
  });
  let tracks = [];
  looks.forEach((name, n) => (tracks = follow(tracks, [face(name, n)])));
  const said = agreed(tracks[0])?.words ?? null;
  const count = tracks.length;
  for (let n = 0; n < 2; n++) tracks = follow(tracks, []);
  return [said, count, tracks.length];
}"""


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


def ended(page, count):
    """Wait until so many jobs are there, and over; the page looks after them by itself."""
    expect(page.locator("[data-job]")).to_have_count(count)
    expect(page.locator("[data-job][data-state=finished]")).to_have_count(count)


def test_jobs_are_begun_followed_and_their_results_shown(visit, site, samples, portraits, tmp_path):
    people = tmp_path / "people"
    for path in (*portraits, samples / "multi_face.jpg"):
        (people / "Jin").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, people / "Jin" / path.name)
    with visit("jobs") as page:
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_text("Choose files first.")).to_be_visible()
        page.set_input_files("#files", [samples / "obama.jpg", samples / "multi_face.jpg"])
        expect(page.locator("#chosen")).to_contain_text("2 files")
        page.get_by_role("button", name="Begin").click()
        ended(page, 1)
        page.get_by_role("link", name="Show the result").click()
        expect(page.locator("tr", has_text="obama.jpg")).to_contain_text("Barack Obama")
        expect(page.locator("tr", has_text="multi_face.jpg").locator(".unknown")).to_have_count(5)
        page.get_by_role("link", name="All jobs").click()
        page.get_by_label("What to do").select_option("enroll")
        page.get_by_label("What they agreed to").fill("door")
        page.set_input_files("#folder", people)
        expect(page.locator("#chosen")).to_contain_text("3 files")
        page.get_by_role("button", name="Begin").click()
        ended(page, 2)
        expect(page.locator("[data-job]").first).to_contain_text("1 image did not serve")
        page.get_by_role("link", name="Show the result").first.click()
        expect(page.locator("table").first).to_contain_text("Jin")
        expect(page.locator("table").last).to_contain_text("5 faces of like size")
        page.get_by_role("link", name="All jobs").click()
        page.get_by_role("button", name="Remove").first.click()
        expect(page.locator("[data-job]")).to_have_count(1)
    (jin,) = [one for one in site.rest("GET", "/collections/main/people")["people"] if one["label"] == "Jin"]
    assert jin["samples"] == 2
    site.rest("DELETE", f"/collections/main/people/{jin['person_id']}")


def test_a_job_is_cancelled(visit, site):
    job = site.rest("POST", "/collections/main/jobs/identify", json={})
    with visit("jobs") as page:
        row = page.locator(f"[data-job='{job['job_id']}']")
        expect(row).to_contain_text("waits for files")
        row.get_by_role("button", name="Cancel").click()
        expect(row).to_contain_text("cancelled")
        row.get_by_role("button", name="Remove").click()
        expect(row).to_have_count(0)


def test_whoever_is_before_the_camera_is_asked_to_do_something(visit):
    """The clip's man smiles and blinks in an order of his own, and never turns his head."""
    with visit("challenge") as page:
        page.get_by_role("button", name="Begin").click()
        expect(page.locator("#asked")).to_have_text("Look straight at the camera.")
        expect(page.locator("#asked")).to_have_text(re.compile("^(Turn your head to your|Close your eyes|Smile)"))
        expect(page.locator("#done")).to_contain_text("of 3 done")
        expect(page.get_by_role("button", name="Once more")).to_be_enabled(timeout=60_000)
        expect(page.locator("#asked")).to_have_text(
            re.compile("^(Somebody is there|That was no answer|Nothing can be said)")
        )


@pytest.fixture
def camera(samples):
    """A real server of motion JPEG that shows a real clip over and over, and can be shut."""
    clip = []
    with av.open(samples / "single_face.mp4") as source:
        for number, frame in enumerate(source.decode(video=0)):
            if number % 3 == 0:
                encoded = io.BytesIO()
                frame.to_image().save(encoded, "JPEG", quality=90)
                clip.append(encoded.getvalue())

    class Camera(BaseHTTPRequestHandler):
        open = True

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with contextlib.suppress(OSError):
                for picture in itertools.cycle(clip):
                    if not Camera.open:
                        return
                    self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + picture + b"\r\n")
                    time.sleep(0.1)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Camera) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Camera.url = f"http://127.0.0.1:{server.server_port}/stream"
        yield Camera
        Camera.open = False
        server.shutdown()


def test_a_camera_is_watched_and_what_happens_before_it_is_told(visit, site, camera):
    visit.forgive("422")
    with visit("streams") as page:
        expect(page.locator("main")).to_contain_text("No camera is watched.")
        page.get_by_label("Name").fill("Front door")
        page.get_by_label("Address").fill("file:///etc/passwd")
        page.get_by_role("button", name="Watch it", exact=True).click()
        expect(page.locator("#status")).to_contain_text("rtsp")
        page.get_by_label("Address").fill(camera.url)
        page.get_by_role("button", name="Watch it", exact=True).click()
        expect(page.get_by_role("heading", name="Front door")).to_be_visible()
        expect(page.locator("#line")).to_have_text("Told as it happens.")
        expect(page.locator("[data-state]")).to_have_text("watched")
        expect(page.locator("#events")).to_contain_text("somebody is unknown")
        page.reload()
        expect(page.locator("#events")).to_contain_text("somebody is unknown")
        camera.open = False
        expect(page.locator("[data-state]")).to_have_text("connecting again")
        page.get_by_role("button", name="Watch it no more").click()
        expect(page.locator("[data-state]")).to_have_text("not watched")
        page.get_by_role("button", name="Remove").click()
        expect(page.locator("main")).to_contain_text("No camera is watched.")


def test_a_line_to_the_service_that_is_cut_is_shown_and_found_again(visit, site):
    visit.forgive("ERR_", "503")
    made = site.rest("POST", "/collections/main/streams", json={"name": "Gate", "url": "http://127.0.0.1:9/x"})
    with visit("streams") as page:
        expect(page.locator("#line")).to_have_text("Told as it happens.")
        site.served.kill()
        expect(page.locator("#line")).to_contain_text("The line to the service is cut")
        site.served.start()
        expect(page.locator("#line")).to_have_text("Told as it happens.", timeout=60_000)
        site.rest("DELETE", f"/collections/main/streams/{made['stream_id']}")


def test_who_may_not_watch_sees_cameras_and_what_happens(visit, site):
    made = site.rest("POST", "/collections/main/streams", json={"name": "Yard", "url": "http://127.0.0.1:9/x"})
    with visit("streams", key=site.issue("reader")) as page:
        expect(page.get_by_role("heading", name="Yard")).to_be_visible()
        expect(page.get_by_role("button", name="Remove")).to_have_count(0)
        expect(page.get_by_label("Address")).to_have_count(0)
    site.rest("DELETE", f"/collections/main/streams/{made['stream_id']}")


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


@pytest.fixture
def people(samples, portraits, tmp_path):
    """A folder of photos for each of three people."""
    made = tmp_path / "people"
    for name, photos in {
        "Barack": [samples / f"obama{n}.jpg" for n in ("", 2, 3)],
        "Joe": [samples / "biden.jpg"],
        "Jin": portraits,
    }.items():
        (made / name).mkdir(parents=True)
        for photo in photos:
            shutil.copy(photo, made / name)
    return made


def test_a_video_is_watched_and_error_rates_are_measured(visit, site, samples, people):
    with visit("jobs") as page:
        before = page.locator("[data-job]").count()
        page.get_by_label("What to do").select_option("watch")
        page.set_input_files("#files", samples / "face_noface.mov")
        page.get_by_role("button", name="Begin").click()
        ended(page, before + 1)
        page.get_by_role("link", name="Show the result").first.click()
        expect(page.locator("main")).to_contain_text("unknown")
        page.get_by_role("link", name="All jobs").click()
        page.get_by_label("What to do").select_option("evaluate")
        page.set_input_files("#folder", people)
        page.get_by_role("button", name="Begin").click()
        ended(page, before + 2)
        page.get_by_role("link", name="Show the report").first.click()
        expect(page.locator("body")).to_contain_text("FNMR")
        page.go_back()
        for _ in range(2):
            page.get_by_role("button", name="Remove").first.click()
            page.wait_for_load_state()


def test_thresholds_that_too_few_people_support_are_refused_with_a_reason(visit, people):
    with visit("jobs") as page:
        page.get_by_label("What to do").select_option("calibrate")
        page.set_input_files("#folder", people)
        page.get_by_role("button", name="Begin").click()
        row = page.locator("[data-job]").first
        expect(row).to_contain_text("Fit thresholds")
        expect(row).to_have_attribute("data-state", "failed")
        expect(row).to_contain_text("expected enough for 0.01: about 60 people")
        expect(row.get_by_role("link", name="Show the result")).to_have_count(0)
        row.get_by_role("button", name="Remove").click()
        expect(row.get_by_text("Fit thresholds")).to_have_count(0)


def test_jobs_and_cameras_require_the_same(visit, site, far):
    with visit("jobs") as page:
        page.get_by_label("Faces have to be").select_option("nearly a portrait")
        page.set_input_files("#files", far("obama.jpg"))
        before = page.locator("[data-job]").count()
        page.get_by_role("button", name="Begin").click()
        expect(page.locator("[data-job]")).to_have_count(before + 1)
        row = page.locator("[data-job]").first
        expect(row).to_have_attribute("data-state", "finished")
        row.get_by_role("link", name="Show the result").click()
        expect(page.locator("main .badge")).to_have_text(re.compile("not decided: .*too small"))
        page.goto(f"{site.url}/collections/main/streams")
        page.get_by_label("Name").fill("Gate")
        page.get_by_label("Address").fill("http://127.0.0.1:9/nothing")
        page.get_by_label("Faces have to be").select_option("nearly a portrait")
        page.get_by_role("button", name="Watch it", exact=True).click()
        expect(page.locator("[data-stream]")).to_contain_text("faces have to be nearly a portrait")
    (stream,) = site.rest("GET", "/collections/main/streams")["streams"]
    assert stream["require"] == "quality=high"
    job, *_ = site.rest("GET", "/collections/main/jobs")["jobs"]
    site.rest("DELETE", f"/collections/main/jobs/{job['job_id']}")
    site.rest("DELETE", f"/collections/main/streams/{stream['stream_id']}")


@pytest.fixture
def fitted(site):
    """A job that fitted a calibration, as a service keeps it; there are too few people here to fit one to."""
    shipped = load_calibration(pipeline_name("sface"))

    def moved(points):
        return tuple(replace(point, threshold=point.threshold + 0.02) for point in points)

    comparisons = {kind: replace(one, points=moved(one.points)) for kind, one in shipped.comparisons.items()}
    searches = moved(shipped.identification)
    calibration = replace(shipped, name="front doors", comparisons=comparisons, identification=searches)
    state = site.served.state
    ledger = Ledger(Database(state), "test")
    job = ledger.make("main", "calibrate", {"name": calibration.name}, "0" * 8)
    ledger.change(job.job_id, "finished", before="uploading")
    results = Results(
        state.with_name(f"{state.name}.jobs") / "results", Vault(state.with_name(f"{state.name}.secret-key"))
    )
    results.keep(job.job_id, {"calibration": calibration.to_dict(), "refused": []}, None)
    yield job.job_id, shipped
    site.rest("DELETE", f"/calibrations/{shipped.pipeline}")
    site.rest("DELETE", f"/collections/main/jobs/{job.job_id}")


def test_a_calibration_is_compared_put_to_use_and_left_behind(visit, site, samples, fitted):
    job_id, shipped = fitted
    people = site.rest("GET", "/collections/main")["people"]
    threshold = shipped.identification_threshold(0.01, people).value

    def decided():
        files = {"image": ("obama.jpg", (samples / "obama.jpg").read_bytes())}
        (face,) = site.rest("POST", "/collections/main/identify", files=files)["faces"]
        return face["decision"]["calibration"], face["person"]

    assert decided() == ("lfw-dev", "Barack Obama")
    with visit(f"jobs/{job_id}") as page:
        expect(page.locator("main")).to_contain_text("A calibration named front doors")
        page.get_by_role("button", name="Use this").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading")).to_have_text("Decide by front doors from now on?")
        searched = dialog.get_by_role("row").filter(has_text="where 1 stranger in 100 may be given one")
        expect(searched.locator("td")).to_have_text([f"{threshold:.3f}", f"{threshold + 0.02:.3f}"])
        expect(dialog.get_by_role("row").filter(has_text="Enrolled people missed").locator("td")).to_have_count(2)
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)
        assert decided()[0] == "lfw-dev"
        page.get_by_role("button", name="Use this").click()
        dialog.get_by_role("button", name="Use it").click()
        expect(page.locator("main .badge")).to_have_text("in use")
        assert decided() == ("front doors", "Barack Obama")
        page.goto(f"{site.url}/collections/main/settings")
        expect(page.locator("main")).to_contain_text("Decisions rest on front doors, put to use here on")
        page.get_by_role("button", name="Back to lfw-dev, which comes with Mien").click()
        dialog.get_by_role("button", name="Use it").click()
        expect(page.get_by_role("button", name="Back to lfw-dev, which comes with Mien")).to_have_count(0)
        assert decided()[0] == "lfw-dev"


def test_reports_of_the_folder_are_listed_and_shown_as_they_were_written(visit, site, people):
    made = site.rest("POST", "/collections/main/jobs/evaluate", json={})
    job = f"/collections/main/jobs/{made['job_id']}"
    for photo in people.glob("*/*"):
        site.rest("PUT", f"{job}/files/{photo.parent.name}/{photo.name}", content=photo.read_bytes())
    with visit("reports") as page:
        expect(page.locator("main")).to_contain_text("There is none yet.")
        site.rest("POST", f"{job}/start")
        page.goto(f"{site.url}/collections/main/jobs")
        expect(page.locator(f"[data-job='{made['job_id']}']")).to_have_attribute("data-state", "finished")
        headers = {"Authorization": f"Bearer {site.key}"}
        written = page.request.get(f"{site.url}/v1{job}/report", headers=headers).body()
        (site.reports / "door.html").write_bytes(written)
        page.goto(f"{site.url}/collections/main/reports")
        expect(page.locator("main")).to_contain_text("door.html")
        page.locator("main").get_by_role("link").click()
        expect(page).to_have_url(re.compile("/reports/door.html$"))
        expect(page.locator("body")).to_contain_text("FNMR")
    (site.reports / "door.html").unlink()
    site.rest("DELETE", job)
