"""The rows of the access matrix, and what each asks of: routes, who may, what the audit log calls it, what to send."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mien.gallery.store import Sample
from mien.recognition import load_calibration, pipeline_name
from mien.server.access import Role, Scope

SPACE = "sface-2021dec-centred"
PIPELINE = pipeline_name(SPACE)
SHIPPED = load_calibration(PIPELINE).to_dict()
COLLECTION = "/v1/collections/{collection}"
PERSON = f"{COLLECTION}/people/{{person_id}}"
SAMPLE = f"{PERSON}/samples/{{face_id}}"
JOB = f"{COLLECTION}/jobs/{{job_id}}"
STREAM = f"{COLLECTION}/streams/{{stream_id}}"
CHALLENGE = "/v1/challenges/{challenge_id}"
CAMERA = {"name": "door", "url": "rtsp://127.0.0.1:9/x", "enabled": False}
WEBHOOK = f"{COLLECTION}/webhooks/{{webhook_id}}"
SUGGESTION = f"{COLLECTION}/suggestions/{{suggestion_id}}"


@dataclass(frozen=True)
class Row:
    """A route.

    Attributes:
        method: HTTP.
        path: As in the document.
        scope: What a key needs; None where any key will do.
        noted: What the audit log calls the access; None where nothing of a face is looked at or changed.
        send: Makes what to send, of a world; names of `World` in the path are filled in.
        open: Whether it needs no key at all.
    """

    method: str
    path: str
    scope: Scope | None = None
    noted: str | None = None
    send: Callable[[World], dict[str, Any]] = field(default=lambda _: {})
    open: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class World:
    """What there is in a collection: keys of two people, a suggestion, its faces, and an edit."""

    collection: str
    person_id: str
    face_id: str
    other_id: str
    suggestion_id: str
    unnamed_id: str
    edit_id: int
    job_id: str = "8" * 32
    stream_id: str = "9" * 16
    challenge_id: str = "5" * 16
    webhook_id: str = "6" * 16
    delivery_id: str = f"msg_{'7' * 24}"
    photo: Callable[[str], tuple[str, bytes, str]] | None = None
    key_id: str = "00000000"
    pipeline: str = PIPELINE

    @property
    def nowhere(self) -> str:
        """A name that no collection has, and that is as long."""
        return self.collection.replace("c", "n")

    def path(self, row: Row, collection: str | None = None) -> str:
        face_id = self.face_id if "samples" in row.path else self.unnamed_id
        ids = {**vars(self), "face_id": face_id, "name": "sface-2021dec"}
        return row.path.format(**{**ids, "collection": collection or self.collection})

    def image(self) -> tuple[str, bytes, str]:
        return self.photo("obama.jpg") if self.photo else ("a.jpg", b"x", "image/jpeg")


ROWS = [
    Row("GET", "/v1/health", open=True),
    Row("GET", "/v1/ready", open=True),
    Row("GET", "/v1/metrics", Scope.admin),
    Row("GET", "/v1/me"),
    Row("GET", "/v1/models"),
    Row("GET", "/v1/models/{name}"),
    Row("GET", "/v1/keys", Scope.admin),
    Row(
        "POST", "/v1/keys", Scope.admin, send=lambda _: {"json": {"name": "x", "role": "reader", "collections": ["x"]}}
    ),
    Row("DELETE", "/v1/keys/{key_id}", Scope.admin),
    Row("GET", "/v1/audit", Scope.audit),
    Row("GET", "/v1/audit/verification", Scope.audit),
    Row(
        "POST",
        "/v1/detect",
        Scope.identify,
        "detect",
        lambda w: {"files": {"image": w.image()}, "data": {"templates": "true"}},
    ),
    Row("POST", "/v1/expression", Scope.identify, "expression", lambda w: {"files": {"image": w.image()}}),
    Row("POST", "/v1/verify", Scope.identify, "verify", lambda w: {"files": {"first": w.image(), "second": w.image()}}),
    Row("POST", "/v1/challenges", Scope.identify, send=lambda _: {"json": {"steps": 2}}),
    Row("GET", CHALLENGE, Scope.identify),
    Row("POST", f"{CHALLENGE}/frames", Scope.identify, send=lambda w: {"files": {"image": w.image()}}),
    Row("DELETE", CHALLENGE, Scope.identify),
    Row("GET", "/v1/collections", Scope.read),
    Row("PUT", "/v1/collections", Scope.admin, send=lambda w: {"json": {"name": w.collection}}),
    Row("GET", "/v1/calibrations", Scope.admin),
    Row("POST", "/v1/calibrations", Scope.admin, "install_calibration", lambda _: {"json": {"calibration": SHIPPED}}),
    Row("DELETE", "/v1/calibrations/{pipeline}", Scope.admin, "reset_calibration"),
    Row("GET", COLLECTION, Scope.read),
    Row("DELETE", COLLECTION, Scope.admin, "erase_collection"),
    Row("GET", f"{COLLECTION}/calibration", Scope.read),
    Row("GET", f"{COLLECTION}/operating-point", Scope.read),
    Row("PUT", f"{COLLECTION}/operating-point", Scope.admin, send=lambda _: {"json": {"fpir": 0.02}}),
    Row("POST", f"{COLLECTION}/identify", Scope.identify, "identify", lambda w: {"files": {"image": w.image()}}),
    Row(
        "POST",
        f"{COLLECTION}/search",
        Scope.identify,
        "search",
        lambda _: {"json": {"space": SPACE, "templates": [[1.0, *[0.0] * 127]]}},
    ),
    Row("GET", f"{COLLECTION}/people", Scope.read, "list"),
    Row(
        "POST",
        f"{COLLECTION}/people",
        Scope.enroll,
        "enroll",
        lambda w: {"files": {"images": w.image()}, "data": {"label": "x", "purpose": "y"}},
    ),
    Row("GET", PERSON, Scope.read, "read"),
    Row("PATCH", PERSON, Scope.edit, "rename", lambda _: {"json": {"label": "x"}}),
    Row("DELETE", PERSON, Scope.edit, "erase"),
    Row("PUT", f"{PERSON}/consent", Scope.edit, "consent", lambda _: {"json": {"purpose": "x"}}),
    Row("POST", f"{PERSON}/merge", Scope.edit, "merge", lambda w: {"json": {"person_id": w.other_id}}),
    Row("POST", f"{PERSON}/split", Scope.edit, "split", lambda w: {"json": {"samples": [w.face_id]}}),
    Row("POST", f"{PERSON}/verify", Scope.identify, "verify", lambda w: {"files": {"image": w.image()}}),
    Row("GET", f"{PERSON}/samples", Scope.read, "read"),
    Row("POST", f"{PERSON}/samples", Scope.enroll, "enroll", lambda w: {"files": {"images": w.image()}}),
    Row("DELETE", SAMPLE, Scope.edit, "erase_sample"),
    Row("GET", f"{SAMPLE}/crop", Scope.read, "crop"),
    Row("GET", f"{COLLECTION}/faces/{{face_id}}/crop", Scope.read, "crop"),
    Row(
        "POST",
        f"{COLLECTION}/faces/{{face_id}}/move",
        Scope.edit,
        "move",
        lambda w: {"json": {"person_id": w.other_id}},
    ),
    Row(
        "POST",
        f"{COLLECTION}/faces/{{face_id}}/reject",
        Scope.edit,
        "reject",
        lambda w: {"json": {"person_id": w.person_id}},
    ),
    Row("DELETE", f"{COLLECTION}/faces/{{face_id}}", Scope.edit, "forget"),
    Row("DELETE", f"{COLLECTION}/faces", Scope.edit, "forget"),
    Row("GET", f"{COLLECTION}/suggestions", Scope.read, "list"),
    Row("POST", f"{COLLECTION}/suggestions", Scope.enroll, "suggest", lambda w: {"files": {"images": w.image()}}),
    Row("POST", f"{SUGGESTION}/name", Scope.enroll, "name", lambda _: {"json": {"label": "x", "purpose": "y"}}),
    Row("DELETE", SUGGESTION, Scope.edit, "forget"),
    Row("GET", f"{COLLECTION}/edits", Scope.edit, "list"),
    Row("GET", f"{COLLECTION}/events", Scope.read, "follow", lambda _: {"params": {"seconds": 0}}),
    Row("GET", f"{COLLECTION}/jobs"),
    *(
        Row("POST", f"{COLLECTION}/jobs/{kind}", scope, send=lambda _: {"json": {}})
        for kind, scope in (("identify", Scope.identify), ("watch", Scope.identify))
    ),
    Row("POST", f"{COLLECTION}/jobs/enroll", Scope.enroll, send=lambda _: {"json": {"purpose": "x"}}),
    Row("POST", f"{COLLECTION}/jobs/evaluate", Scope.admin, send=lambda _: {"json": {}}),
    Row("POST", f"{COLLECTION}/jobs/calibrate", Scope.admin, send=lambda _: {"json": {}}),
    Row("GET", JOB),
    Row("PUT", f"{JOB}/files/{{name}}", send=lambda _: {"content": b"x"}),
    Row("POST", f"{JOB}/start"),
    Row("POST", f"{JOB}/cancel"),
    Row("DELETE", JOB),
    Row("GET", f"{JOB}/result", noted="job_result"),
    Row("GET", f"{JOB}/report"),
    Row("GET", f"{COLLECTION}/streams", Scope.read),
    Row("POST", f"{COLLECTION}/streams", Scope.admin, send=lambda _: {"json": CAMERA}),
    Row("GET", STREAM, Scope.read),
    Row("PATCH", STREAM, Scope.admin, send=lambda _: {"json": {"enabled": False}}),
    Row("DELETE", STREAM, Scope.admin),
    Row("GET", f"{STREAM}/events", Scope.read, "list"),
    Row("GET", f"{COLLECTION}/webhooks", Scope.admin),
    Row("POST", f"{COLLECTION}/webhooks", Scope.admin, send=lambda _: {"json": {"url": "https://example.com/"}}),
    Row("GET", WEBHOOK, Scope.admin),
    Row("PATCH", WEBHOOK, Scope.admin, send=lambda _: {"json": {"enabled": False}}),
    Row("DELETE", WEBHOOK, Scope.admin),
    Row("POST", f"{WEBHOOK}/ping", Scope.admin),
    Row("GET", f"{WEBHOOK}/deliveries", Scope.admin),
    Row("POST", f"{WEBHOOK}/deliveries/{{delivery_id}}/redeliver", Scope.admin),
    Row("DELETE", f"{COLLECTION}/edits/{{edit_id}}", Scope.edit, "undo"),
]
GUARDED = [row for row in ROWS if not row.open]
WITHIN = [row for row in ROWS if "{collection}" in row.path]
WITH_IDS = [row for row in WITHIN if "{" in row.path.replace("{collection}", "")]


MISSING = World("unheard-of", "1" * 32, "2" * 32, "3" * 32, "4" * 8, "5" * 32, 999)


def fill(gallery, photo: bytes = b"photo") -> World:
    """People as an enrolment leaves them, without the time that networks take."""
    drawn = np.random.default_rng(len(gallery.collection)).standard_normal((8, 128)).astype(np.float32)
    templates = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    box = (200.0, 100.0, 500.0, 500.0)
    digest = hashlib.sha256(photo).hexdigest()

    def face(row, sha256=None):
        return Sample(templates[row], f"{row}.jpg", sha256 or f"{row:064x}", "test/f32", 90.0, box)

    with gallery._store.writing(gallery.collection) as transaction:
        transaction.pin(SPACE, 128)
        person_id, other_id = transaction.add_person("Ada"), transaction.add_person("Bob")
        face_id = transaction.add_face(face(0, digest), person_id)
        transaction.add_face(face(1), person_id)
        transaction.add_face(face(2), other_id)
        unnamed = [transaction.add_face(face(3, digest)), transaction.add_face(face(4))]
        suggestion_id = hashlib.sha256(gallery.collection.encode()).hexdigest()[:8]
        transaction.group(unnamed, suggestion_id, None)
        for known in (person_id, other_id):
            transaction.consent(known, "door", None)
    gallery.rename("Bob", "Rob")
    return World(
        gallery.collection, person_id, face_id, other_id, suggestion_id, unnamed[0], gallery.edits()[0].edit_id
    )


def new_world(service, name: str, **more) -> World:
    service.access.declare(name)
    world = fill(service.galleries.of(service.access.issue("x", Role.admin)[0], name), **more)
    camera = service.streams.make(name, "door", CAMERA["url"], None, {}, enabled=False)
    world.stream_id = camera.stream_id
    world.job_id = service.jobs.make(name, "identify", {}, "00000000").job_id
    world.webhook_id, world.delivery_id = dead_letter(service, name)
    return world


def job_for(service, collection: str, row: Row) -> str:
    """A job that a request can be about."""
    jobs = service.jobs
    job = jobs.make(collection, "identify", {"fpir": None, "candidates": 1}, "00000000")
    if row.path.endswith("/start"):
        writing = jobs.files(job).writing("a.jpg")
        writing.write(b"x")
        writing.done()
    if row.method == "DELETE":
        jobs.cancel(job)
    if row.path.endswith(("/result", "/report")):
        jobs.results.keep(job.job_id, {"images": []}, b"<p>")
    return job.job_id


def dead_letter(service, collection: str) -> tuple[str, str]:
    """A webhook that nothing reaches, and what it was not told."""
    webhook, _ = service.webhooks.make(collection, "https://127.0.0.1/", ("never.told",), names=False)
    # It is told nothing just now: an attempt that ends late would be no dead letter.
    service.webhooks.enable(webhook.webhook_id, enabled=False)
    delivery_id = service.webhooks.ping(webhook).delivery_id
    with service.database.connected() as connection:
        connection.execute("UPDATE delivery SET state = 'dead', tries = 10 WHERE delivery_id = ?", (delivery_id,))
    service.webhooks.enable(webhook.webhook_id, enabled=True)
    return webhook.webhook_id, delivery_id
