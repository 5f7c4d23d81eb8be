"""A pipeline whose images are JSON, so that a test says who is in them; also imported by the processes tests start."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
import zlib

import numpy as np

import mien.quality
from mien.errors import UnreadableImage
from mien.gallery import Gallery
from mien.gallery.sqlite.schema import APPLICATION_ID, MIGRATIONS
from mien.media.source import load, source_name
from mien.recognition import Calibration
from mien.types import Faces

DIMENSION = 128


def vector(*seed: object) -> np.ndarray:
    drawn = np.random.default_rng(zlib.crc32(repr(seed).encode())).standard_normal(DIMENSION)
    return drawn / np.linalg.norm(drawn)


def template(who: str, look: int) -> np.ndarray:
    """A person's cluster: cosine of two looks about 0.8, of two people about 0."""
    mixed = 0.9 * vector(who) + 0.43 * vector(who, look)
    return (mixed / np.linalg.norm(mixed)).astype(np.float32)


def of_schema(path, version: int) -> None:
    """A gallery without anybody, as a Mien made it that knew so many schemas."""
    connection = sqlite3.connect(path)
    for statements in MIGRATIONS[:version]:
        for statement in statements:
            connection.execute(statement)
    connection.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version};")
    connection.close()


def picture(*who: str, look: int = 0, sizes: tuple[int, ...] = (), reasons: tuple[str, ...] = ()) -> bytes:
    """An image of these people; ``look`` makes other pixels of the same people."""
    return json.dumps({"who": who, "look": look, "sizes": sizes or (100,) * len(who), "reasons": reasons}).encode()


class FakePipeline:
    """Stands in for `mien.recognition.Pipeline`."""

    def __init__(self, space: str = "fake-space", dimension: int = DIMENSION) -> None:
        self.name = "fake"
        self.space = space
        self.artefact = "fake/f32"
        self.dimension = dimension
        self.embedded = 0

    def find(self, source):
        return self._faces(source, 0)

    def find_all_indexed(self, sources, *, on_error=None):
        for index, source in enumerate(sources):
            try:
                faces = self._faces(source, index)
            except UnreadableImage as error:
                if on_error is None:
                    raise
                on_error(index, error)
            else:
                yield index, np.zeros((4, 4, 3), np.uint8), faces

    def _faces(self, source, index):
        if isinstance(source, np.ndarray):
            content = {"who": [hashlib.sha256(source).hexdigest()], "look": 0, "sizes": [100], "reasons": []}
        else:
            try:
                content = json.loads(load(source, 1 << 20))
            except ValueError:
                raise UnreadableImage(f"{source_name(source)}: no image") from None
        self.embedded += 1
        who, sizes = content["who"], content["sizes"]
        boxes = [[10.0, 10.0, 10.0 + size, 10.0 + size] for size in sizes]
        faces = Faces.of(np.reshape(boxes, (-1, 4)), np.ones(len(who)), np.zeros((len(who), 5, 2)), (640, 480))
        columns = {name: getattr(faces, name) for name in ("boxes", "scores", "landmarks", "image_size")}
        return Faces(
            **columns,
            image_index=np.full(len(who), index),
            timestamp=faces.timestamp,
            track_id=faces.track_id,
            templates=np.array([template(name, content["look"]) for name in who], np.float32).reshape(-1, DIMENSION),
            space=self.space,
            quality=np.full(len(who), 80, np.float32),
            extra={"fake.reasons": np.array([" ".join(content["reasons"])] * len(who), dtype=object)},
        )


def fake_reasons(faces: Faces, policy: object = None) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(text.split()) for text in faces.extra["fake.reasons"])


def make_calibration() -> Calibration:
    rates = {1e-2: 0.25, 1e-3: 0.3, 1e-4: 0.35, 1e-5: 0.4}
    points = [
        {"fmr": fmr, "threshold": threshold, "low": fmr / 2, "high": fmr * 2, "fnmr": 0.0}
        | {"errors": 99, "people": 99, "supported": True}
        for fmr, threshold in rates.items()
    ]
    entry = {"mated": 1, "non_mated": 1, "points": points, "llr": [20.0, -8.0]}
    kinds = ("image-image", "image-person/1", "image-person/2-4", "image-person/5+")
    return Calibration.from_dict(
        {
            "schema": "mien.calibration/1",
            "name": "fake",
            "pipeline": "fake",
            "population": {"description": "drawn", "people": 99, "images": 99, "limits": "none"},
            "comparisons": dict.fromkeys(kinds, entry),
            "identification": [],
        }
    )


def open_fake(path, **options) -> Gallery:
    """A gallery with the fake pipeline; for a process that a test starts, too."""
    mien.quality.reasons = fake_reasons
    return Gallery(path, **{"pipeline": FakePipeline(), "calibration": make_calibration(), **options})


def looks(who, *numbers):
    """Images of one person, one a number."""
    return [picture(who, look=number) for number in numbers]


def files(path):
    """Every byte of a store."""
    return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))


def sound(path):
    """The store as SQLite itself and a plain reader see it: samples by label."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    rows = connection.execute(
        "SELECT label, count(sample_key) FROM person LEFT JOIN sample USING (person_id) GROUP BY 1"
    )
    samples = dict(rows.fetchall())
    connection.close()
    return samples


def stand_in_cluster(templates, *, threshold, must_link, cannot_link, photos):
    """Each face joins the first cluster whose every member it matches and may join; for processes as well."""
    apart = {frozenset(pair) for pair in np.asarray(cannot_link).tolist()}
    clusters = []
    for row in range(len(templates)):
        for members in clusters:
            alike = all(templates[row] @ templates[other] >= threshold for other in members)
            allowed = all(photos[row] != photos[o] and frozenset((row, o)) not in apart for o in members)
            if alike and allowed:
                members.append(row)
                break
        else:
            clusters.append([row])
    labels = np.empty(len(templates), np.int64)
    for label, members in enumerate(clusters):
        labels[members] = label
    return labels


def set_today(monkeypatch, day):
    """Let every module of the gallery believe that it is another day."""
    import mien.gallery.postgres.search  # noqa: F401 - it asks for the day as well

    for name, module in list(sys.modules.items()):
        if name.startswith("mien.gallery") and hasattr(module, "today"):
            monkeypatch.setattr(module, "today", lambda: day)
