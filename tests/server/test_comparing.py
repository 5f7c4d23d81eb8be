"""What the page says of a calibration before it is put to use."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fastapi")

from test_calibrations import PIPELINE, SHIPPED, other

from mien.server.access import Role
from mien.server.page.plot import missed

ORIGIN = {"Origin": "http://testserver"}


@pytest.fixture
def shown(client, service, strangers):
    """The page of a job that fitted a calibration, for somebody who signed in."""

    def done(calibration, role=Role.admin, collections=("*",)):
        secret = service.access.issue("test", role, collections)[1]
        client.post("/sign-in", data={"key": secret}, headers=ORIGIN, follow_redirects=False)
        job = service.jobs.make("main", "calibrate", {"name": calibration.name}, "0" * 8)
        service.jobs.results.keep(job.job_id, {"calibration": calibration.to_dict(), "refused": []}, None)
        answer = client.get(f"/collections/main/jobs/{job.job_id}")
        assert answer.status_code == 200
        return answer.text, job.job_id

    return done


def cells(text):
    return re.findall(r'<td class="n">([^<]*)</td>', text)


def test_thresholds_and_misses_of_both_stand_side_by_side(shown, service):
    service.access.declare("gate")
    text, _ = shown(other(shift=0.02))
    searched = SHIPPED.identification_threshold(0.01, 2).value
    claimed = SHIPPED.verification_threshold("image-image", 1e-4).value
    thresholds = cells(text)[:2], cells(text)[4:6]
    assert thresholds == (
        [f"{searched:.3f}", f"{searched + 0.02:.3f}"],
        [f"{claimed:.3f}", f"{claimed + 0.02:.3f}"],
    )
    point = next(point for point in SHIPPED.comparisons["image-image"].points if point.fmr == 1e-4)
    assert cells(text)[6] == f"{100 * point.fnmr:.2g} %"
    assert "every collection of this recogniser, from the next request on: gate, main." in text
    assert 'id="use"' in text


def test_what_cannot_be_used_is_said_with_its_reason_and_offers_no_button(shown):
    text, _ = shown(other(lowest=1e-3))
    assert "main: FMR of 0.0001 is lower than calibration" in text
    assert 'id="use"' not in text


def test_who_may_not_put_it_to_use_is_told_who_may(shown):
    text, _ = shown(other(), collections=("main",))
    assert "An admin of every collection can put it to use here." in text
    assert cells(text) == []


def test_the_one_in_use_is_told_as_that(shown, client, service):
    _, job_id = shown(other())
    service.calibrations.install(other(), "0" * 8, "main", job_id, lambda: None)
    text = client.get(f"/collections/main/jobs/{job_id}").text
    assert ("in use</span>" in text, 'id="use"' in text) == (True, False)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("source", "words"), [("shipped", "which comes with Mien"), ("file", "the file of this machine")]
)
def test_settings_lead_back(shown, client, service, monkeypatch, tmp_path, source, words):
    if source == "file":
        monkeypatch.setenv("MIEN_CALIBRATIONS", str(tmp_path))
        SHIPPED.save()
    shown(other())
    assert "Back to lfw-dev" not in client.get("/collections/main/settings").text
    service.calibrations.install(other(), "0" * 8, None, None, lambda: None)
    text = client.get("/collections/main/settings").text
    assert "Decisions rest on site, put to use here on " in text
    assert f"Back to lfw-dev, {words}" in text
    assert f'data-pipeline="{PIPELINE}"' in text


def test_misses_lie_between_those_of_points():
    points = [(0.1, 0.01), (0.01, 0.03), (0.001, 0.09)]
    assert [missed(points, rate) for rate in (0.5, 0.1, 0.01, 0.001, 1e-6)] == pytest.approx(
        [0.01, 0.01, 0.03, 0.09, 0.09]
    )
    assert missed(points, 10**-1.5) == pytest.approx(0.02)
