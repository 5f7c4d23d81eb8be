"""What people do with jobs on the page, and with the calibrations that come of them."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import pytest

from mien.recognition import load_calibration, pipeline_name
from mien.server.database import Database
from mien.server.ledger import Ledger
from mien.server.results import Results
from mien.server.vault import Vault

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = [pytest.mark.weights, pytest.mark.samples]


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
