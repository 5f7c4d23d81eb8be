"""Calibrations that are put to use over HTTP: where they come from, what they must not break, and when they count."""

from __future__ import annotations

import asyncio
import json
import os
import time
import zipfile
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mien.errors import StoreFull
from mien.recognition import load_calibration, pipeline_name
from mien.server import create_app
from mien.server.access import Role
from mien.server.streams import Watch

HERE = "/v1/calibrations"
PIPELINE = pipeline_name("sface")
SHIPPED = load_calibration(PIPELINE)


def other(name="site", shift=0.01, lowest=0.0, without=()):
    """The shipped calibration with other thresholds, and support down to some rate."""

    def moved(point):
        rate = point.fmr if hasattr(point, "fmr") else point.fpir
        return replace(point, threshold=point.threshold + shift, supported=point.supported and rate >= lowest)

    comparisons = {
        kind: replace(known, points=tuple(map(moved, known.points)))
        for kind, known in SHIPPED.comparisons.items()
        if kind not in without
    }
    searches = tuple(map(moved, SHIPPED.identification))
    return replace(SHIPPED, name=name, comparisons=comparisons, identification=searches)


def document(**changes):
    return json.loads(json.dumps({**other().to_dict(), **changes}))


@pytest.fixture
def install(client, holders):
    def done(calibration=None, *, headers=None, **body):
        sent = {"calibration": calibration, **body} if calibration is not None else body
        return client.post(HERE, headers=headers or holders["admin"], json=sent)

    return done


@pytest.fixture
def in_use(client, holders):
    def shown():
        (one,) = client.get(HERE, headers=holders["admin"]).json()["calibrations"]
        return one

    return shown


def test_a_file_is_put_to_use_in_every_collection_and_reset(client, holders, service, main_collection, install, noted):
    client.put("/v1/collections", headers=holders["admin"], json={"name": "gate"})
    (before,) = client.get(HERE, headers=holders["admin"]).json()["calibrations"]
    assert (before["pipeline"], before["name"], before["source"]) == (PIPELINE, "lfw-dev", "shipped")
    assert (before["installed"], before["collections"]) == (None, ["gate", "main"])
    galleries = [service.galleries.opened(name) for name in ("main", "gate")]
    assert {service.calibrations.of(PIPELINE).name} == {"lfw-dev"}

    done = install(document())
    assert done.status_code == 201, done.text
    now = done.json()
    assert (now["name"], now["source"], now["without"]) == (
        "site",
        "installed",
        {"name": "lfw-dev", "source": "shipped"},
    )
    assert (now["installed"]["key_id"], now["installed"]["job_id"]) == (noted()[-1][1], None)
    assert [gallery._calibration(_Named()).name for gallery in galleries] == ["site", "site"]
    population = SHIPPED.population
    counts = {"people": population.people, "images": population.images}
    assert [(action, details) for action, _, details in noted()] == [("install_calibration", counts)]

    reset = client.delete(f"{HERE}/{PIPELINE}", headers=holders["admin"])
    assert (reset.status_code, reset.json()) == (200, before)
    assert [gallery._calibration(_Named()).name for gallery in galleries] == ["lfw-dev", "lfw-dev"]
    assert [action for action, *_ in noted()] == ["install_calibration", "reset_calibration"]


class _Named:
    """Stands in for a pipeline, of which only the name is asked."""

    name = PIPELINE


def test_what_a_job_fitted_is_put_to_use(client, service, holders, main_collection, install, in_use):
    job = service.jobs.make("main", "calibrate", {"name": "x"}, "0" * 8)
    missing = install(collection="main", job_id=job.job_id)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    service.jobs.results.keep(job.job_id, {"calibration": other().to_dict(), "refused": []}, None)
    elsewhere = install(collection="gate", job_id=job.job_id)
    assert elsewhere.status_code == 404
    done = install(collection="main", job_id=job.job_id, name="January")
    assert done.status_code == 201, done.text
    assert (in_use()["name"], in_use()["installed"]["collection"]) == ("January", "main")
    assert in_use()["installed"]["job_id"] == job.job_id
    # What came of another kind of job is none.
    identified = service.jobs.make("main", "identify", {}, "0" * 8)
    service.jobs.results.keep(identified.job_id, {"calibration": other().to_dict()}, None)
    assert install(collection="main", job_id=identified.job_id).status_code == 404


def test_it_stays_after_a_restart_and_other_processes_see_it_at_once(settings, service, main_collection, install):
    beside = create_app(settings).state.service
    assert beside.calibrations.of(PIPELINE).name == "lfw-dev"
    assert install(document()).status_code == 201
    assert beside.calibrations.of(PIPELINE) == other()
    assert create_app(settings).state.service.calibrations.of(PIPELINE) == other()
    service.calibrations.reset(PIPELINE, lambda: None)
    assert beside.calibrations.of(PIPELINE).name == "lfw-dev"


BROKEN = {
    "no calibration": {"schema": "mien.calibration/1"},
    "nothing": {},
    "no name": document(name=""),
    "nothing of comparisons": document(comparisons=[]),
}


@pytest.mark.parametrize("calibration", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_changes_nothing(main_collection, install, in_use, noted, calibration):
    before = in_use()
    refused = install(calibration)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_argument"), refused.text
    assert (in_use(), noted()) == (before, [])


REFUSED = {
    "of another pipeline": (document(pipeline="other/aligner"), "another_pipeline", "expected one of a pipeline that"),
    "a recogniser that nobody here has": (
        document(pipeline=pipeline_name("dlib")),
        "another_pipeline",
        "got one of yunet-2023mar/mesh5/dlib",
    ),
    "another one's name": (document(name="lfw-dev"), "name_taken", "send it with another name"),
    "too few people for FMR 1e-4": (
        other(lowest=1e-3).to_dict(),
        "operating_point_unsupported",
        "main: FMR of 0.0001 is lower than calibration 'site'",
    ),
    "nothing known of tracks": (
        other(without=["track-person/1"]).to_dict(),
        "operating_point_unsupported",
        "main: calibration 'site' knows nothing of track-person/1",
    ),
}


@pytest.mark.parametrize(("calibration", "code", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    main_collection, install, in_use, noted, calibration, code, message
):
    before = in_use()
    refused = install(calibration)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, code), refused.text
    assert message in refused.json()["error"]["message"]
    assert (in_use(), noted()) == (before, [])


def test_one_of_a_newer_mien_is_told_as_that(main_collection, install, in_use):
    refused = install(document(schema="mien.calibration/2"))
    assert (refused.status_code, in_use()["source"]) == (422, "shipped")
    assert "written by a newer Mien (mien.calibration/2" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"collection": "main"},
        {"job_id": "0" * 32},
        {"calibration": document(), "collection": "main"},
        {"name": "x"},
    ],
    ids=["nothing", "a collection", "a job", "a file and a collection", "a name"],
)
def test_it_comes_from_a_job_or_a_file(main_collection, install, body):
    refused = install(**body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_request")


def test_types_of_comparisons_count_where_somebody_has_so_many_samples(strangers, install):
    """There are a person of two samples and one of one; nobody has five."""
    refused = install(other(without=["image-person/2-4"]).to_dict())
    assert refused.status_code == 409
    assert "knows nothing of image-person/2-4" in refused.json()["error"]["message"]
    assert install(other(without=["image-person/5+", "track-person/5+"]).to_dict()).status_code == 201


def test_what_the_one_in_use_does_not_support_is_not_lost(service, main_collection, install):
    service.access.declare("main", fmr=1e-9)
    assert install(document()).status_code == 201


def test_other_rates_make_way(client, holders, service, main_collection, install):
    weak = other(lowest=1e-3).to_dict()
    assert install(weak).status_code == 409
    service.access.declare("main", fmr=1e-3)
    assert install(weak).status_code == 201
    # What was left behind comes back only where it supports what is chosen since.
    service.calibrations.without = lambda _: other("old", lowest=0.005)
    back = client.delete(f"{HERE}/{PIPELINE}", headers=holders["admin"])
    assert (back.status_code, back.json()["error"]["code"]) == (409, "operating_point_unsupported")
    service.calibrations.without = lambda _: None
    back = client.delete(f"{HERE}/{PIPELINE}", headers=holders["admin"])
    assert (back.status_code, back.json()["error"]["code"]) == (409, "not_calibrated")
    assert service.calibrations.of(PIPELINE).name == "site"


@pytest.mark.weights
def test_rates_are_chosen_among_those_of_the_one_in_use(client, holders, service, main_collection, install):
    path = "/v1/collections/main/operating-point"
    service.access.declare("main", fmr=1e-3)
    assert client.put(path, headers=holders["admin"], json={"fmr": 1e-4}).status_code == 200
    service.access.declare("main", fmr=1e-3)
    assert install(other(lowest=1e-3).to_dict()).status_code == 201
    refused = client.put(path, headers=holders["admin"], json={"fmr": 1e-4})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "unsupported_error_rate")
    assert client.get(path, headers=holders["admin"]).json()["calibration"] == "site"


def test_an_admin_of_some_collections_may_not(client, headers, main_collection, install, in_use):
    some = headers(Role.admin, ("main",))
    assert install(document(), headers=some).status_code == 403
    assert client.delete(f"{HERE}/{PIPELINE}", headers=some).status_code == 403
    assert client.get(HERE, headers=some).status_code == 403
    assert in_use()["source"] == "shipped"


def test_resetting_what_nobody_decides_by(client, holders, main_collection):
    missing = client.delete(f"{HERE}/{pipeline_name('dlib')}", headers=holders["admin"])
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")


def test_where_the_audit_log_cannot_be_written_nothing_is_installed(
    service, main_collection, install, in_use, monkeypatch
):
    def full(*_, **__):
        raise StoreFull("no room")

    monkeypatch.setattr(service.galleries.main, "note_access", full)
    assert install(document()).status_code == 507
    assert in_use()["source"] == "shipped"


def test_who_began_with_one_ends_with_it(service, main_collection):
    """Also in the threads that a request or a job hands work to."""

    def install(name):
        service.calibrations.install(other(name), "0" * 8, None, None, lambda: None)

    def name():
        return service.calibrations.of(PIPELINE).name

    async def decided():
        return await service.work.decide(name), await service.work.run(name)

    install("first")
    with service.calibrations.held():
        assert name() == "first"
        install("second")
        assert asyncio.run(decided()) == ("first", "first")
    assert name() == "second"
    assert asyncio.run(decided()) == ("second", "second")


@pytest.mark.weights
@pytest.mark.samples
def test_decisions_name_it_and_a_request_has_one(
    client, holders, service, main_collection, enrolled, photo, install, monkeypatch
):
    enrolled()
    sent = {"files": {"image": photo("obama3.jpg")}, "headers": holders["reader"]}

    def names():
        (face,) = client.post("/v1/collections/main/identify", **sent).json()["faces"]
        pair = {"first": photo("obama.jpg"), "second": photo("obama3.jpg")}
        compared = client.post("/v1/verify", files=pair, headers=holders["reader"]).json()
        return face["decision"]["calibration"], compared["calibration"]

    assert names() == ("lfw-dev", "lfw-dev")
    assert install(document()).status_code == 201
    assert names() == ("site", "site")

    # Another one comes while a request is under way: its suggestions and what they name are of one calibration.
    gallery = service.galleries.opened("main")
    suggest = gallery.suggest

    def meanwhile(*args, **more):
        found = suggest(*args, **more)
        service.calibrations.install(other("later"), "0" * 8, None, None, lambda: None)
        return found

    monkeypatch.setattr(gallery, "suggest", meanwhile)
    files = {"images": photo("biden.jpg")}
    said = client.post("/v1/collections/main/suggestions", files=files, headers=holders["operator"])
    assert said.json()["calibration"] == "site"
    assert names() == ("later", "later")


@pytest.mark.weights
@pytest.mark.samples
def test_a_job_decides_by_one_from_the_first_photo_to_the_last(
    client, holders, service, main_collection, enrolled, photo, monkeypatch
):
    enrolled()
    gallery, jobs = service.galleries.opened("main"), "/v1/collections/main/jobs"
    decide = gallery.decide

    def meanwhile(*args, **more):
        found = decide(*args, **more)
        service.calibrations.install(other("later"), "0" * 8, None, None, lambda: None)
        return found

    monkeypatch.setattr(gallery, "decide", meanwhile)
    named = []
    for _ in range(2):
        job = f"{jobs}/{client.post(f'{jobs}/identify', headers=holders['admin'], json={}).json()['job_id']}"
        for name in ("obama.jpg", "obama3.jpg", "biden.jpg"):
            client.put(f"{job}/files/{name}", headers=holders["admin"], content=photo(name)[1])
        client.post(f"{job}/start", headers=holders["admin"])
        end = time.monotonic() + 60
        while client.get(job, headers=holders["admin"]).json()["state"] != "finished":
            assert time.monotonic() < end
            time.sleep(0.02)
        images = client.get(f"{job}/result", headers=holders["admin"]).json()["result"]["images"]
        named.append([face["decision"]["calibration"] for image in images for face in image["faces"]])
    assert named == [["lfw-dev"] * 3, ["later"] * 3]


@pytest.mark.weights
@pytest.mark.skipif("MIEN_DATA" not in os.environ, reason="MIEN_DATA does not name the folder of the data sets' zips")
def test_what_was_really_fitted_is_put_to_use(client, holders, service, main_collection, install, in_use, tmp_path):
    """150 people of LFW, two crops each: refused at the usual rates, put to use at those that they support."""
    source = Path(os.environ["MIEN_DATA"]) / "lfw_dev.zip"
    if not source.is_file():
        pytest.skip(f"{source} is not there")
    with zipfile.ZipFile(source) as lfw, zipfile.ZipFile(tmp_path / "people.zip", "w") as people:
        crops = sorted(name for name in lfw.namelist() if name.startswith("crops/"))
        of = {name: [*images] for name, images in groupby(crops, key=lambda path: path.split("/")[1])}
        several = [images[:2] for images in of.values() if len(images) > 1][:150]
        for image in (image for images in several for image in images):
            people.writestr(image.removeprefix("crops/"), lfw.read(image))
        pair = {which: (image, lfw.read(image)) for which, image in zip(("first", "second"), several[0], strict=True)}
    jobs, own = "/v1/collections/main/jobs", holders["admin"]
    made = client.post(f"{jobs}/calibrate", headers=own, json={}).json()
    job = f"{jobs}/{made['job_id']}"
    client.put(f"{job}/files/people.zip", headers=own, content=(tmp_path / "people.zip").read_bytes())
    client.post(f"{job}/start", headers=own)
    end = time.monotonic() + 300
    while (now := client.get(job, headers=own).json())["state"] in {"waiting", "running"}:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert now["state"] == "finished", now
    body = {"collection": "main", "job_id": made["job_id"]}
    refused = install(**body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "operating_point_unsupported")
    chosen = client.put("/v1/collections/main/operating-point", headers=own, json={"fpir": 0.1, "fmr": 0.01})
    assert chosen.status_code == 200
    assert install(**body).status_code == 201
    assert in_use()["name"] == made["options"]["name"]
    assert in_use()["population"]["people"] == 150
    said = client.post("/v1/verify", headers=own, files=pair, data={"fmr": "0.01"}).json()
    assert (said["calibration"], said["match"]) == (made["options"]["name"], True)


def test_streams_begin_anew(client, holders, service, main_collection, install, monkeypatch):
    watched = []
    monkeypatch.setattr(service.streams, "_run", lambda watch, stopped: (watched.append(watch), stopped.wait()))
    new = {"name": "door", "url": "http://127.0.0.1:9/"}
    assert client.post("/v1/collections/main/streams", headers=holders["admin"], json=new).status_code == 201

    def until(count):
        end = time.monotonic() + 20
        while len(watched) < count:
            assert time.monotonic() < end
            time.sleep(0.02)

    until(1)
    assert install(document()).status_code == 201
    until(2)
    first, second = watched
    assert isinstance(first, Watch)
    assert replace(second, calibrations=first.calibrations) == first
    assert second.calibrations != first.calibrations


def test_the_service_begins_with_what_was_installed(settings, install, main_collection):
    assert install(document()).status_code == 201
    with TestClient(create_app(settings)) as anew:
        service = anew.app.state.service
        assert service.galleries.opened("main")._calibration(_Named()) == other()
