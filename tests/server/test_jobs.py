"""Jobs over real photos, zip files and clips: what comes of them, what is refused, and that nothing stays behind."""

from __future__ import annotations

import io
import json
import time
import urllib.request
import zipfile

import pytest

pytest.importorskip("fastapi")

from mien.errors import StoreFull
from mien.server import ledger
from mien.server.access import Role, Scope
from mien.server.uploads import Upload

JOBS = "/v1/collections/main/jobs"


def zipped(files):
    """A zip file of some files by name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def left(service):
    """What lies on the disk of jobs that are not over, and how many results."""
    folder = service.settings.state.with_name("service.db.jobs")
    files = [path.relative_to(folder).parts for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return [one for one in files if one[0] != "results"], sum(one[0] == "results" for one in files)


@pytest.fixture
def content(samples):
    return lambda name: (samples / name).read_bytes()


@pytest.fixture
def begun(client, holders, main_collection):
    """Begins a job and sends its files; its key."""

    def done(kind, files=None, *, role="admin", **options):
        new = client.post(f"{JOBS}/{kind}", headers=holders[role], json=options)
        assert new.status_code == 201, new.text
        job_id = new.json()["job_id"]
        for name, data in (files or {}).items():
            sent = client.put(f"{JOBS}/{job_id}/files/{name}", headers=holders[role], content=data)
            assert (sent.status_code, sent.json().get("size")) == (201, len(data)), sent.text
        return job_id

    return done


@pytest.fixture
def ended(client, holders):
    """Starts a job, and waits until it is over; its record, and its result."""

    def done(job_id, role="admin", start=True, timeout=60):
        if start:
            started = client.post(f"{JOBS}/{job_id}/start", headers=holders[role])
            assert started.status_code == 202, started.text
        deadline = time.monotonic() + timeout
        while (job := client.get(f"{JOBS}/{job_id}", headers=holders[role]).json())["state"] in {"waiting", "running"}:
            assert time.monotonic() < deadline, job
            time.sleep(0.02)
        result = client.get(f"{JOBS}/{job_id}/result", headers=holders[role])
        return job, result.json()["result"] if result.status_code == 200 else None

    return done


@pytest.mark.weights
@pytest.mark.samples
def test_who_is_in_many_photos(client, service, holders, enrolled, begun, ended, content, noted):
    told = []
    person_id = enrolled().json()["person_id"]
    service.bus.listen(told.append)
    files = {
        "party/obama3.jpg": content("obama3.jpg"),
        "broken.jpg": b"no image",
        "more.zip": zipped({"b/biden.jpg": content("biden.jpg"), "note.txt": b"x", "__MACOSX/x.jpg": b"x"}),
    }
    job, result = ended(begun("identify", files, role="reader"), "reader")
    assert (job["state"], job["done"], job["total"], job["refused"]) == ("finished", 3, 3, 1)
    named = {image["source"]: [face["person"] for face in image["faces"]] for image in result["images"]}
    assert named == {"party/obama3.jpg": ["Obama"], "b/biden.jpg": [None]}
    (refused,) = result["refused"]
    assert (refused["source"], refused["reasons"]) == ("broken.jpg", ["unreadable_image"])
    assert str(service.settings.state.parent) not in json.dumps(result)
    assert left(service) == ([], 1)
    assert [(event.kind, event.data["job_id"]) for event in told] == [("job.finished", job["job_id"])]
    assert [action for action, _, _ in noted()][-3:] == ["identify", "identify", "job_result"]
    # Names at rest are sealed, and go with who bears them.
    kept = b"".join(path.read_bytes() for path in service.settings.state.parent.rglob("results/*"))
    assert b"Obama" not in kept
    client.delete(f"/v1/collections/main/people/{person_id}", headers=holders["operator"])
    assert left(service) == ([], 0)
    again = client.get(f"{JOBS}/{job['job_id']}", headers=holders["reader"]).json()
    assert (again["state"], again["problem"]["code"]) == ("finished", "erased")


@pytest.mark.weights
@pytest.mark.samples
def test_many_people_are_enrolled_from_a_zip_file(client, service, holders, begun, ended, content):
    no_purpose = client.post(f"{JOBS}/enroll", headers=holders["operator"], json={})
    assert (no_purpose.status_code, no_purpose.json()["error"]["code"]) == (422, "consent_required")
    people = {
        "people/Obama/1.jpg": content("obama.jpg"),
        "people/Obama/2.jpg": content("obama2.jpg"),
        "people/Biden/old/1.jpg": content("biden.jpg"),
        "people/Nobody/1.jpg": b"no image",
    }
    job_id = begun("enroll", {"people.zip": zipped(people)}, role="operator", purpose="door", until="2999-01-01")
    job, result = ended(job_id, "operator")
    assert (job["state"], job["total"], job["refused"]) == ("finished", 4, 1)
    assert str(service.settings.state.parent) not in json.dumps(result), "where the service keeps files is not told"
    added = {one["label"]: len(one["added"]) for one in result["people"]}
    assert added == {"Obama": 2, "Biden": 1, "Nobody": 0}
    listed = client.get("/v1/collections/main/people", headers=holders["reader"]).json()["people"]
    assert {(one["label"], one["samples"], one["purpose"]) for one in listed} == {
        ("Obama", 2, "door"),
        ("Biden", 1, "door"),
    }
    lines = service.galleries.main.audit()
    assert {line.actor for line in lines if line.action == "enroll"} == {service.jobs.find("main", job_id).key_id}
    assert left(service) == ([], 1)


@pytest.mark.weights
@pytest.mark.samples
def test_who_was_in_a_video_and_when(client, begun, ended, content, enrolled, portrait, main_collection):
    enrolled("Ann", headers=None, names=(), images=[portrait])
    job, result = ended(begun("watch", {"clip.mp4": content("single_face.mp4")}, fps=8), timeout=120)
    assert (job["state"], job["done"]) == ("finished", job["total"])
    assert 2 < job["total"] < 3
    (track,) = result["tracks"]
    assert track["person"]["label"] == "Ann"
    ((first, last),) = track["spans"]
    assert first < 1
    assert last > 0.7 * job["total"]
    assert [event["kind"] for event in result["events"]] == ["appeared", "recognised", "left"]
    assert result["source"] == "clip.mp4"


@pytest.fixture
def portrait(samples, tmp_path):
    """A frame of a clip, as a photo."""
    import av

    with av.open(samples / "single_face.mp4") as clip:
        frame = next(clip.decode(video=0))
    encoded = io.BytesIO()
    frame.to_image().save(encoded, "PNG")
    return encoded.getvalue()


@pytest.fixture
def enrolled(client, holders, photo, enrolled):
    def done(label="Obama", names=("obama.jpg", "obama2.jpg"), *, images=(), headers=None):
        if not images:
            return enrolled(label, names)
        files = [("images", ("a.png", image)) for image in images]
        data = {"label": label, "purpose": "door"}
        made = client.post(
            "/v1/collections/main/people", headers=headers or holders["operator"], data=data, files=files
        )
        assert made.status_code == 201, made.text
        return made

    return done


@pytest.mark.weights
@pytest.mark.samples
def test_error_rates_are_measured_and_thresholds_fitted(client, holders, begun, ended, content, samples):
    names = {"Obama": ("obama.jpg", "obama2.jpg", "obama3.jpg"), "Biden": ("biden.jpg",)}
    files = {f"{who}/{name}": content(name) for who, several in names.items() for name in several}
    job, result = ended(begun("evaluate", files))
    assert (job["state"], job["report"]) == ("finished", True), job
    assert result["evaluation"]["schema"].startswith("mien.evaluation/")
    report = client.get(f"{JOBS}/{job['job_id']}/report", headers=holders["admin"])
    assert report.headers["content-type"].startswith("text/html")
    assert "attachment" in report.headers["content-disposition"]
    assert b"Obama" not in report.content
    # Too few people to promise anything: a clear no.
    job, result = ended(begun("calibrate", files))
    assert (job["state"], job["problem"]["code"], result) == ("failed", "unsupported_error_rate", None)
    hidden = client.get(f"{JOBS}/{job['job_id']}", headers=holders["operator"])
    assert hidden.status_code == 404


@pytest.mark.weights
@pytest.mark.samples
def test_a_job_that_runs_is_cancelled_soon_and_keeps_nobody_waiting(
    client, service, holders, begun, ended, content, photo
):
    job_id = begun("watch", {"clip.mp4": content("WolfgangLanger_Pexels.mp4")})
    client.post(f"{JOBS}/{job_id}/start", headers=holders["admin"])
    start = time.monotonic()
    while (
        client.get(f"{JOBS}/{job_id}", headers=holders["admin"]).json()["done"] == 0 and time.monotonic() < start + 20
    ):
        time.sleep(0.02)
    start = time.monotonic()
    detected = client.post("/v1/detect", headers=holders["reader"], files={"image": photo("biden.jpg")})
    assert detected.status_code == 200
    assert time.monotonic() - start < 5
    start = time.monotonic()
    client.post(f"{JOBS}/{job_id}/cancel", headers=holders["admin"])
    job, result = ended(job_id, start=False)
    assert time.monotonic() - start < 3
    assert (job["state"], result, left(service)) == ("cancelled", None, ([], 0))


def test_what_waits_is_cancelled_at_once_and_removed_when_it_is_over(client, service, holders, begun):
    job_id = begun("identify", {"a.jpg": b"x"})
    assert len(left(service)[0]) == 1
    early = client.delete(f"{JOBS}/{job_id}", headers=holders["admin"])
    assert (early.status_code, early.json()["error"]["code"]) == (409, "not_over")
    cancelled = client.post(f"{JOBS}/{job_id}/cancel", headers=holders["admin"]).json()
    assert (cancelled["state"], left(service)) == ("cancelled", ([], 0))
    late = client.put(f"{JOBS}/{job_id}/files/b.jpg", headers=holders["admin"], content=b"x")
    assert (late.status_code, late.json()["error"]["code"]) == (422, "invalid_argument")
    assert client.delete(f"{JOBS}/{job_id}", headers=holders["admin"]).status_code == 204
    assert client.get(f"{JOBS}/{job_id}", headers=holders["admin"]).status_code == 404


@pytest.mark.parametrize(
    ("kind", "files", "message"),
    [
        ("identify", {}, "expected files, got none"),
        ("identify", {"a.zip": b"no zip"}, "expected a zip file"),
        ("watch", {"a.mp4": b"x", "b.mp4": b"x"}, "expected one video"),
        ("watch", {"a.zip": zipped({"a.mp4": b"x"})}, "expected one video"),
    ],
)
def test_what_cannot_be_done_is_refused_before_it_is(client, service, holders, begun, kind, files, message):
    job_id = begun(kind, files)
    refused = client.post(f"{JOBS}/{job_id}/start", headers=holders["admin"])
    assert refused.status_code == 422
    assert message in refused.json()["error"]["message"]
    # Nothing was done: it waits for other files.
    assert client.get(f"{JOBS}/{job_id}", headers=holders["admin"]).json()["state"] == "uploading"


@pytest.mark.parametrize(
    ("kind", "files", "code"),
    [
        ("identify", {"a.txt": b"x"}, "no_images"),
        ("watch", {"a.mp4": b"no video"}, "unreadable_video"),
        ("enroll", {"a.jpg": b"x"}, "invalid_argument"),
        ("evaluate", {"a.jpg": b"x"}, "wrong_layout"),
    ],
)
def test_what_turns_out_not_to_be_possible_fails_with_the_reason(begun, ended, kind, files, code):
    options = {"purpose": "door"} if kind == "enroll" else {}
    job, result = ended(begun(kind, files, **options))
    assert (job["state"], job["problem"]["code"], result) == ("failed", code, None)
    assert "/" not in job["problem"]["message"].replace("PERSON/IMAGE", "").replace("<person>/<image>", "")


@pytest.mark.parametrize(
    "name", ["%2e%2e/a.jpg", "a//b.jpg", "a/%2e%2e/%2e%2e/b.jpg", "a%00.jpg", "a%5Cb.jpg", "x" * 300]
)
def test_names_that_lead_elsewhere_are_refused(client, service, holders, begun, name):
    job_id = begun("identify")
    sent = client.put(f"{JOBS}/{job_id}/files/{name}", headers=holders["admin"], content=b"x")
    assert sent.status_code in {404, 422}
    assert left(service) == ([], 0)


def test_files_have_an_end_and_are_whole_or_not_there(client, service, holders, begun, monkeypatch):
    service.jobs.limit = 3000
    job_id = begun("identify", {"a.jpg": bytes(2000)})

    def send(name, data):
        return client.put(f"{JOBS}/{job_id}/files/{name}", headers=holders["admin"], content=data)

    large = send("b.jpg", bytes(1001))
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")
    assert send("c.jpg", bytes(1000)).status_code == 201
    assert send("c.jpg", b"x").json()["error"]["code"] == "invalid_argument"
    assert send("empty.jpg", b"").json()["error"]["code"] == "empty_file"
    assert sorted(one[-1] for one in left(service)[0]) == ["a.jpg", "c.jpg"]
    assert client.post(f"{JOBS}/{job_id}/cancel", headers=holders["admin"]).status_code == 202

    def full(*_):
        raise StoreFull("no room")

    job_id = begun("identify")
    monkeypatch.setattr("mien.server.uploads.Writing.write", full)
    answer = send("a.jpg", b"x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "store_full")
    assert left(service) == ([], 0)


def test_larger_bodies_than_others_are_taken_here_alone(client, service, holders, begun):
    large = bytes(service.settings.max_bytes + 1)
    begun("identify", {"a.jpg": large})
    refused = client.post("/v1/detect", headers=holders["reader"], files={"image": large})
    assert refused.status_code == 413


def test_who_may_not_begin_a_job_sees_none_of_its_kind(client, headers, holders, begun):
    enrolling, looking = begun("enroll", purpose="door"), begun("identify")
    only = headers(Role.reader, ("main",))
    listed = client.get(JOBS, headers=only).json()["jobs"]
    assert [one["job_id"] for one in listed] == [looking]
    for method, path in (("get", ""), ("get", "/result"), ("post", "/start"), ("post", "/cancel"), ("delete", "")):
        answer = client.request(method, f"{JOBS}/{enrolling}{path}", headers=only)
        assert answer.status_code == 404
    scoped = headers(Role.operator, ("*",), None, (Scope.enroll,))
    assert [one["job_id"] for one in client.get(JOBS, headers=scoped).json()["jobs"]] == [enrolling]


def test_jobs_have_an_end(client, holders, begun, monkeypatch):
    monkeypatch.setattr(ledger, "MOST", 2)
    begun("identify"), begun("identify")
    full = client.post(f"{JOBS}/identify", headers=holders["reader"], json={})
    assert (full.status_code, full.headers["retry-after"]) == (503, "60")


def test_results_expire_and_what_nobody_sends_is_given_up(client, service, holders, begun, monkeypatch):
    job_id, other = begun("identify", {"a.jpg": b"x"}), begun("identify", {"b.jpg": b"x"})
    client.post(f"{JOBS}/{other}/cancel", headers=holders["admin"])
    monkeypatch.setattr("mien.server.jobs.IDLE", 0)
    service.jobs._hours = -1
    service.jobs._sweep()
    assert client.get(f"{JOBS}/{other}", headers=holders["admin"]).status_code == 404
    given_up = client.get(f"{JOBS}/{job_id}", headers=holders["admin"]).json()
    assert (given_up["state"], given_up["problem"]["code"], left(service)) == ("failed", "not_sent", ([], 0))


@pytest.mark.weights
@pytest.mark.samples
def test_killed_amid_a_job(serve, samples):
    service = serve()
    collection = f"{service.url}/v1/collections/main"

    def ask(method, path, data=None, kind="application/json"):
        body = json.dumps(data).encode() if isinstance(data, dict) else data
        headers = {"Authorization": f"Bearer {service.key}", "Content-Type": kind}
        request = urllib.request.Request(f"{collection}{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    jobs = [ask("POST", "/jobs/watch", {})["job_id"] for _ in range(3)]
    for job_id in jobs:
        ask("PUT", f"/jobs/{job_id}/files/a.mp4", (samples / "WolfgangLanger_Pexels.mp4").read_bytes(), "video/mp4")
    for job_id in jobs[:2]:
        ask("POST", f"/jobs/{job_id}/start")
    deadline = time.monotonic() + 30
    while not ask("GET", f"/jobs/{jobs[0]}")["done"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    folder = service.state.with_name("service.db.jobs")
    assert len([*folder.rglob("*.mp4")]) == 3
    service.kill()
    service.start()
    found = [ask("GET", f"/jobs/{job_id}") for job_id in jobs]
    assert {(one["state"], one["problem"]["code"]) for one in found} == {("failed", "interrupted")}
    assert not [*folder.rglob("*.mp4")]
    # One that is stopped in good order leaves nothing either.
    job_id = ask("POST", "/jobs/watch", {})["job_id"]
    ask("PUT", f"/jobs/{job_id}/files/a.mp4", (samples / "WolfgangLanger_Pexels.mp4").read_bytes(), "video/mp4")
    ask("POST", f"/jobs/{job_id}/start")
    assert service.stop() in {0, -15}
    assert not [*folder.rglob("run-*")]


def test_an_upload_counts_what_it_keeps(tmp_path):
    upload = Upload(tmp_path / "x", 10)
    first = upload.writing("a/b.jpg")
    assert first.write(b"12345")
    second = upload.writing("c.jpg")
    assert not second.write(b"123456")
    for one in (first, second):
        one.undo()
    assert (upload.size, len(upload), [*tmp_path.rglob("*.jpg")]) == (0, 0, [])
