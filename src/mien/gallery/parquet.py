"""People in a Parquet file: a row a sample, with what is known of the person."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import InvalidArgument, StoreUnavailable, UnwritableFile
from mien.gallery.moving import Carried, Moved, Origin, StoredSample
from mien.gallery.people import Person, parse_label, parse_purpose
from mien.gallery.store import Sample

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["opened", "write"]

FORMAT = "mien.gallery/1"
_ROWS = "mien.rows"
_PART = 4096
_MAX_SAMPLES = 10_000
"""Of one person, who is held in memory at once."""
_MAX_GROUP = 1 << 29
"""Bytes of a row group, unpacked: `write` makes groups of some 10 MB."""
_MAX_TEXT = 100_000
_KEY, _HASH = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{64}")
_PERSON = ("person_id", "label", "purpose", "given", "expires", "created")


def write(path: str | os.PathLike[str], origin: Origin, people: Iterable[Carried]) -> Moved:
    """Write people into a new file; see `mien.Gallery.export`."""
    _, parquet = _libraries()
    target = Path(path)
    temporary = target.with_name(f"{target.name}.tmp{os.getpid()}")
    if target.exists():
        raise InvalidArgument(f"{target}: is there already; name a new file")
    schema = _schema(origin)
    count = samples = written = 0
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with (
            os.fdopen(descriptor, "wb") as file,
            parquet.ParquetWriter(file, schema, write_page_checksum=True) as writer,
        ):
            rows: list[dict[str, Any]] = []
            for one in people:
                rows += _rows(one)
                count, samples = count + 1, samples + len(one.samples)
                if len(rows) >= _PART:
                    writer.write_table(_table(rows, schema))
                    written, rows = written + len(rows), []
            writer.write_table(_table(rows, schema))
            # Pages have checksums, the footer that names them has none.
            writer.add_key_value_metadata({_ROWS: str(written + len(rows))})
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
        InvalidArgument: No such file, or not one that `write` wrote; also while the people are read.
    """
    arrow, parquet = _libraries()
    name = os.fspath(path)
    try:
        file = parquet.ParquetFile(Path(path), page_checksum_verification=True)
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise InvalidArgument(f"{name}: expected a Parquet file of people ({error})") from error
    with file:
        origin = _origin(name, (file.schema_arrow.metadata or {}).get(b"mien"))
        if file.schema_arrow.remove_metadata() != _schema(origin).remove_metadata():
            raise InvalidArgument(f"{name}: its columns are not those of {FORMAT}")
        groups = (file.metadata.row_group(number).total_byte_size for number in range(file.num_row_groups))
        if max(groups, default=0) > _MAX_GROUP:
            raise InvalidArgument(f"{name}: expected row groups of at most {_MAX_GROUP >> 20} MB; export it again")
        yield origin, _people(name, file, origin)


def _origin(name: str, described: bytes | None) -> Origin:
    try:
        fields = json.loads(described or b"{}")
    except (ValueError, RecursionError):
        fields = {}
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise InvalidArgument(f"{name}: expected a file that mien gallery export wrote ({FORMAT})")
    space, dimension, revision = (fields.get(key) for key in ("space", "dimension", "revision"))
    if type(dimension) is not int or not 1 <= dimension <= 16_384 or type(revision) is not int:
        raise InvalidArgument(f"{name}: expected the dimension of its templates, got {dimension!a}")
    return Origin(_text(space, f"{name}: space"), dimension, revision)


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


def _people(name: str, file: Any, origin: Origin) -> Iterator[Carried]:  # noqa: ANN401 - pyarrow has no types
    for person_id, group in itertools.groupby(_rows_of(name, file), key=lambda row: row["person_id"]):
        rows = list(itertools.islice(group, _MAX_SAMPLES + 1))
        try:
            yield _one(rows, origin)
        except InvalidArgument as error:
            raise InvalidArgument(f"{name}: person {person_id!a}: {error.message}; the file was changed") from error


def _one(rows: list[dict[str, Any]], origin: Origin) -> Carried:
    if len(rows) > _MAX_SAMPLES:
        raise InvalidArgument(f"expected at most {_MAX_SAMPLES} samples")
    samples = tuple(_stored(row, origin) for row in rows if row["face_id"] is not None)
    return Carried(_person(rows, len(samples)), samples)


def _rows_of(name: str, file: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - pyarrow has no types
    arrow, _ = _libraries()
    batches = file.iter_batches(_PART)
    count = 0
    while True:
        try:
            rows = next(batches).to_pylist()
        except StopIteration:
            break
        except (OSError, ValueError, arrow.ArrowException) as error:
            raise InvalidArgument(f"{name}: damaged ({error})") from error
        count += len(rows)
        yield from rows
    expected = (file.metadata.metadata or {}).get(_ROWS.encode())
    if expected != str(count).encode():
        raise InvalidArgument(f"{name}: damaged (expected {expected!a} rows, got {count})")


def _person(rows: list[dict[str, Any]], samples: int) -> Person:
    row = rows[0]
    if any(other[column] != row[column] for other in rows for column in _PERSON):
        raise InvalidArgument("expected one label and one consent")
    return Person(
        person_id=_matching(_KEY, row["person_id"], "person_id"),
        label=parse_label(row["label"]),
        samples=samples,
        purpose=None if row["purpose"] is None else parse_purpose(_text(row["purpose"], "purpose")),
        given=None if row["given"] is None else _moment(row["given"], "given"),
        expires=None if row["expires"] is None else _day(row["expires"]),
        created=_moment(row["created"], "created"),
    )


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
        raise InvalidArgument(f"{name}: expected a text of 1 to {_MAX_TEXT} characters")
    if "\0" in value:
        raise InvalidArgument(f"{name}: expected no NUL, which databases do not store")
    return value


def _matching(pattern: re.Pattern[str], value: object, name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidArgument(f"{name}: expected {pattern.pattern}, got {value!a}")
    return value


def _moment(value: object, name: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(_text(value, name))
    except ValueError:
        moment = dt.datetime.min
    if moment.utcoffset() != dt.timedelta(0):
        raise InvalidArgument(f"{name}: expected a time in UTC, got {value!a}")
    return moment


def _day(value: object) -> dt.date:
    try:
        return dt.date.fromisoformat(_text(value, "expires"))
    except ValueError:
        raise InvalidArgument(f"expires: expected a day, got {value!a}") from None


def _quality(value: float | None) -> float | None:
    if value is not None and not 0 <= value <= 100:
        raise InvalidArgument(f"quality: expected 0 to 100, got {value}")
    return value


def _box(sides: list[float] | None) -> tuple[float, float, float, float] | None:
    if sides is None:
        return None
    if len(sides) != 4 or None in sides or not np.isfinite(sides).all():
        raise InvalidArgument(f"box: expected four numbers, got {sides}")
    left, top, right, bottom = sides
    return left, top, right, bottom


def _stored(row: dict[str, Any], origin: Origin) -> StoredSample:
    template = np.array(row["template"], np.float32)
    if template.shape != (origin.dimension,) or not abs(np.linalg.norm(template.astype(np.float64)) - 1) < 1e-3:
        raise InvalidArgument(f"sample {row['face_id']!a}: expected a template of unit length")
    sample = Sample(
        template=template,
        source=_text(row["source"], "source"),
        sha256=_matching(_HASH, row["sha256"], "sha256"),
        artefact=_text(row["artefact"], "artefact"),
        quality=_quality(row["quality"]),
        box=_box(row["box"]),
    )
    return StoredSample(
        _matching(_KEY, row["face_id"], "face_id"), _moment(row["face_created"], "face_created"), sample
    )
