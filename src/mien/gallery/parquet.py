"""People in a Parquet file: a row a sample, with what is known of the person."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import InvalidArgument, StoreUnavailable, UnwritableFile
from mien.gallery.moving import Carried, Moved, Origin, StoredSample
from mien.gallery.people import Person
from mien.gallery.store import Sample

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["opened", "write"]

FORMAT = "mien.gallery/1"
_PART = 4096
_PERSON = ("person_id", "label", "purpose", "given", "expires", "created")


def write(path: str | os.PathLike[str], origin: Origin, people: Iterable[Carried]) -> Moved:
    """Write people into a new file; see `mien.Gallery.export`."""
    _, parquet = _libraries()
    target = Path(path)
    temporary = target.with_name(f"{target.name}.tmp{os.getpid()}")
    if target.exists():
        raise InvalidArgument(f"{target}: is there already; name a new file")
    schema = _schema(origin)
    count = samples = 0
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file, parquet.ParquetWriter(file, schema) as writer:
            rows: list[dict[str, Any]] = []
            for one in people:
                rows += _rows(one)
                count, samples = count + 1, samples + len(one.samples)
                if len(rows) >= _PART:
                    writer.write_table(_table(rows, schema))
                    rows = []
            writer.write_table(_table(rows, schema))
        os.link(temporary, target)
    except FileExistsError:
        raise InvalidArgument(f"{target}: is there already; name a new file") from None
    except OSError as error:
        raise UnwritableFile(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)
    return Moved(count, samples)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[Origin, Iterator[Carried]]]:
    """Where the people of a file come from, and they themselves, one by one.

    Raises:
        InvalidArgument: No such file, or not one that `write` wrote.
    """
    arrow, parquet = _libraries()
    try:
        file = parquet.ParquetFile(Path(path))
    except (OSError, arrow.ArrowInvalid) as error:
        raise InvalidArgument(f"{os.fspath(path)}: expected a Parquet file of people ({error})") from error
    with file:
        described = (file.schema_arrow.metadata or {}).get(b"mien")
        if described is None or json.loads(described).get("format") != FORMAT:
            raise InvalidArgument(f"{os.fspath(path)}: expected a file that mien gallery export wrote ({FORMAT})")
        fields = json.loads(described)
        origin = Origin(fields["space"], fields["dimension"], fields["revision"])
        if file.schema_arrow.remove_metadata() != _schema(origin).remove_metadata():
            raise InvalidArgument(f"{os.fspath(path)}: its columns are not those of {FORMAT}")
        try:
            yield origin, _people(file, origin)
        except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
            raise InvalidArgument(f"{os.fspath(path)}: damaged ({error})") from error


def _libraries() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise StoreUnavailable('export and import need pyarrow: pip install "mien[parquet]"') from error
    return pa, pq


def _schema(origin: Origin) -> pa.Schema:
    arrow, _ = _libraries()
    texts = [(name, arrow.string()) for name in _PERSON]
    described = {
        "format": FORMAT,
        "space": origin.space,
        "dimension": origin.dimension,
        "revision": origin.revision,
    }
    return arrow.schema(
        [
            *texts,
            ("face_id", arrow.string()),
            ("face_created", arrow.string()),
            ("source", arrow.string()),
            ("sha256", arrow.string()),
            ("artefact", arrow.string()),
            ("quality", arrow.float64()),
            ("box", arrow.list_(arrow.float64())),
            ("template", arrow.list_(arrow.float32(), origin.dimension)),
        ],
        metadata={"mien": json.dumps(described)},
    )


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    arrow, _ = _libraries()
    return arrow.Table.from_pylist(rows, schema)


def _rows(one: Carried) -> list[dict[str, Any]]:
    person = {
        "person_id": one.person.person_id,
        "label": one.person.label,
        "purpose": one.person.purpose,
        "given": one.person.given.isoformat() if one.person.given else None,
        "expires": one.person.expires.isoformat() if one.person.expires else None,
        "created": one.person.created.isoformat(),
    }
    return [
        {
            **person,
            "face_id": stored.face_id,
            "face_created": stored.created.isoformat(),
            "source": stored.sample.source,
            "sha256": stored.sample.sha256,
            "artefact": stored.sample.artefact,
            "quality": stored.sample.quality,
            "box": None if stored.sample.box is None else list(stored.sample.box),
            "template": stored.sample.template,
        }
        for stored in one.samples
    ] or [person]


def _people(file: Any, origin: Origin) -> Iterator[Carried]:  # noqa: ANN401 - pyarrow has no types
    rows = (row for batch in file.iter_batches(_PART) for row in batch.to_pylist())
    for _, group in itertools.groupby(rows, key=lambda row: row["person_id"]):
        of_person = list(group)
        samples = tuple(_stored(row, origin) for row in of_person if row["face_id"] is not None)
        yield Carried(_person(of_person[0], len(samples)), samples)


def _person(row: dict[str, Any], samples: int) -> Person:
    return Person(
        person_id=row["person_id"],
        label=row["label"],
        samples=samples,
        purpose=row["purpose"],
        given=dt.datetime.fromisoformat(row["given"]) if row["given"] else None,
        expires=dt.date.fromisoformat(row["expires"]) if row["expires"] else None,
        created=dt.datetime.fromisoformat(row["created"]),
    )


def _stored(row: dict[str, Any], origin: Origin) -> StoredSample:
    template = np.array(row["template"], np.float32)
    length = np.linalg.norm(template.astype(np.float64))
    if template.shape != (origin.dimension,) or not abs(length - 1) < 1e-3:
        raise InvalidArgument(f"sample {row['face_id']}: expected a template of unit length; the file was changed")
    sample = Sample(
        template=template,
        source=row["source"],
        sha256=row["sha256"],
        artefact=row["artefact"],
        quality=row["quality"],
        box=None if row["box"] is None else tuple(row["box"]),
    )
    return StoredSample(row["face_id"], dt.datetime.fromisoformat(row["face_created"]), sample)
