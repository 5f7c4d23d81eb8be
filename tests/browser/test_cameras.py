"""What people do before cameras: the live view, the challenge, and streams that are watched."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import pytest

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = [pytest.mark.weights, pytest.mark.samples]


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
