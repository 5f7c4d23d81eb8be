"""Galleries of a million people and more: searches, openings, durable enrolments, commits seen by other processes.

    python bench/gallery.py --lfw lfw_dev.zip --folder /tmp/galleries [--people 1000000] [--json ...]
    python bench/gallery.py --dimension 512 --folder /tmp/galleries [--json ...]

People are synthetic. At 128 numbers they are drawn around real templates: x = sqrt(0.3) t + sqrt(0.7) e, with t the
template of an LFW photograph and e a draw of the covariance of all of them; so is a probe around its person. At 512
numbers they are isotropic. Everything runs on one core, beside NumPy on float32 in memory in the same run: the product
alone, and with the selection (argpartition) that an answer needs. Searches are whole ones, from the probe to names:
products of codes, proof, stored templates out of SQLite, labels.
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CORE = min(os.sched_getaffinity(0))
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
os.sched_setaffinity(0, {CORE})

import numpy as np  # noqa: E402 - after the number of threads is set
from draws import Draws, unit  # noqa: E402
from report import conditions, save, table  # noqa: E402

from mien.gallery.index import table_path  # noqa: E402
from mien.gallery.scan import FileTable, best_kernel  # noqa: E402
from mien.gallery.sqlite import SqliteStore  # noqa: E402
from mien.gallery.store import Sample  # noqa: E402
from mien.types import Array  # noqa: E402

K = 10
BATCH = 64
FPIR = 0.01
CREATED = "2026-01-01T00:00:00+00:00"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", type=Path, help="lfw_dev.zip; needed for 128 numbers")
    parser.add_argument("--folder", type=Path, required=True, help="where to keep the galleries, some GB")
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, choices=(128, 512), default=128)
    parser.add_argument("--probes", type=int, default=10_000, help="searches compared with brute force")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    draw = Draws(options.lfw, options.dimension)
    path = options.folder / f"people-{options.people}-{options.dimension}.mien"
    figures: dict[str, Any] = {**conditions(), "people": options.people, "dimension": options.dimension}
    figures["kernel"] = type(best_kernel(options.dimension)).__name__
    figures["drawn_around"] = draw.around
    fill(path, draw, options.people)
    restore(path, options.people)
    figures["openings"] = openings(path)
    in_memory = options.people <= 1_000_000
    people = np.concatenate([*draw.people(options.people)]) if in_memory else None
    figures["searches"] = searches(path, draw, people, options.people)
    if people is not None:
        figures["agreement"] = agreement(path, draw, people, options.probes)
        del people
    figures["memory"] = memory(path, options.dimension)
    figures["enrolments"] = enrolments(path, options.dimension)
    figures["other_processes"] = other_processes(path, options.dimension)
    restore(path, options.people)
    show(figures)
    if options.json:
        save(options.json, figures)


def fill(path: Path, draw: Draws, count: int) -> None:
    """A gallery of one sample a person, written past the product's own checks: they are not what is measured."""
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    for old in path.parent.glob(f"{partial.name}*"):
        old.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(partial)
    with store.writing("main") as transaction:
        transaction.pin("sface-centred", next(draw.people(1)).shape[1])
    store.close()
    connection = sqlite3.connect(partial, isolation_level=None)
    connection.execute("PRAGMA cache_size = -1000000")
    done = 0
    for part in draw.people(count):
        connection.execute("BEGIN")
        keys = [f"{done + row:032x}" for row in range(len(part))]
        connection.executemany(
            "INSERT INTO person (person_id, person_key, collection_id, label, created, revision) VALUES (?,?,1,?,?,1)",
            [(key, done + row + 1, f"person {done + row}", CREATED) for row, key in enumerate(keys)],
        )
        connection.executemany(
            """INSERT INTO sample (sample_id, collection_id, person_id, template, source, sha256, artefact, created)
               VALUES (?, 1, ?, ?, 'a.jpg', ?, 'f32', ?)""",
            [(key, key, template.tobytes(), key + key, CREATED) for key, template in zip(keys, part, strict=True)],
        )
        done += len(part)
        connection.execute("COMMIT")
    connection.execute("UPDATE collection SET revision = 1")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    partial.rename(path)


def restore(path: Path, count: int) -> None:
    """Take out whom an earlier run has enrolled."""
    store = SqliteStore(path)
    with store.writing("main") as transaction:
        while later := transaction.page(count, 1000, None):
            for _, person in later:
                transaction.remove(person.person_id)
    store.close()


def openings(path: Path) -> dict[str, float]:
    """Seconds until a search can begin: with the table as it is, and where it has to be made."""
    store = SqliteStore(path)
    with store.reading("main") as transaction:
        identity = transaction.identity()
    assert identity is not None
    table_path(path, identity).unlink(missing_ok=True)

    def opened() -> float:
        start = time.perf_counter()
        fresh = SqliteStore(path)
        with fresh.reading("main") as transaction:
            assert fresh.view(transaction).people
        fresh.close()
        return time.perf_counter() - start

    rebuilt = opened()
    again = [opened() for _ in range(5)]
    start = time.perf_counter()
    FileTable(table_path(path, identity), identity, verify=False)
    unverified = time.perf_counter() - start
    store.close()
    sizes = {"database": path.stat().st_size, "table": table_path(path, identity).stat().st_blocks * 512}
    return {"rebuild": rebuilt, "open": float(np.median(again)), "open_unverified": unverified, **sizes}


def searches(path: Path, draw: Draws, people: Array | None, count: int) -> dict[str, Any]:
    """Milliseconds of searches, and of NumPy's."""
    strangers, _ = draw.probes(count, 4 * BATCH, mated=False)
    mates, _ = draw.probes(count, 4 * BATCH, mated=True)
    probes = np.empty((8 * BATCH, strangers.shape[1]), np.float32)
    probes[0::2], probes[1::2] = strangers, mates
    store = SqliteStore(path)
    with store.reading("main") as transaction:
        view = store.view(transaction)
        best = np.array(
            [found.candidates[0].score for found in view.search(draw.probes(count, 2000, mated=False, seed=9)[0], 1)]
        )
        threshold = float(np.quantile(best, 1 - FPIR))
        turn = iter(range(10**9))

        def one(**options: float) -> object:
            at = next(turn) % len(probes)
            return view.search(probes[at : at + 1], K, **options)  # type: ignore[arg-type]

        def batch(**options: float) -> object:
            at = BATCH * (next(turn) % (len(probes) // BATCH))
            return view.search(probes[at : at + BATCH], K, **options)  # type: ignore[arg-type]

        tasks: dict[str, Callable[[], object]] = {
            "top 10": one,
            "threshold": lambda: one(threshold=threshold),
            "64 probes, top 10": batch,
            "64 probes, threshold": lambda: batch(threshold=threshold),
        }
        if people is not None:
            at = iter(range(10**9))
            other = np.ascontiguousarray(people.T)
            tasks |= {
                "sgemv": lambda: people @ probes[next(at) % len(probes)],
                "sgemv and selection": lambda: np.argpartition(people @ probes[next(at) % len(probes)], -K),
                "sgemm": lambda: probes[:BATCH] @ other,
                "sgemm and selection": lambda: np.argpartition(probes[:BATCH] @ other, -K, axis=1),
            }
        found = in_turns(tasks)
        compared = [one.compared for one in view.search(probes, K)]
    store.close()
    return {"milliseconds": found, "threshold": threshold, "compared": [float(np.mean(compared)), max(compared)]}


def in_turns(tasks: dict[str, Callable[[], object]], seconds: float = 60.0) -> dict[str, dict[str, float]]:
    """Wall milliseconds of tasks that take turns, after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline or min(map(len, times.values())) < 8:
        for name, task in tasks.items():
            # The short ones more often: their medians need it.
            for _ in range(1 if "64" in name or "sgemm" in name else 6):
                start = time.perf_counter()
                task()
                times[name].append(time.perf_counter() - start)
    return {
        name: {
            "median": 1e3 * float(np.median(taken[1:])),
            "p99": 1e3 * float(np.quantile(taken[1:], 0.99)),
            "searches": len(taken) - 1,
        }
        for name, taken in times.items()
    }


def agreement(path: Path, draw: Draws, people: Array, count: int) -> dict[str, Any]:
    """Whether ids and scores are those of brute force, over mated and non-mated probes."""
    mated, rows = draw.probes(len(people), count // 2, mated=True, seed=5)
    strangers, _ = draw.probes(len(people), count - count // 2, mated=False, seed=5)
    probes = np.concatenate([mated, strangers])
    store = SqliteStore(path)
    different, error, found_mates = 0, 0.0, 0
    with store.reading("main") as transaction:
        view = store.view(transaction)
        for first in range(0, len(probes), BATCH):
            chunk = probes[first : first + BATCH]
            exact = brute_force(chunk, people)
            for at, (found, best) in enumerate(zip(view.search(chunk, K), exact, strict=True)):
                mine = [int(candidate.person_id, 16) for candidate in found.candidates]
                different += mine != [row for row, _ in best]
                error = max(error, *(abs(c.score - s) for c, (_, s) in zip(found.candidates, best, strict=True)))
                found_mates += first + at < len(mated) and mine[0] == rows[first + at]
    store.close()
    return {
        "probes": len(probes),
        "different": different,
        "score_error": error,
        "mates_first": found_mates / len(mated),
    }


def brute_force(probes: Array, people: Array) -> list[list[tuple[int, float]]]:
    """The best rows by float32 products, in the order of their scores in double precision."""
    scores = probes @ people.T
    near = np.argpartition(scores, -2 * K, axis=1)[:, -2 * K :]
    answers = []
    for probe, rows in zip(probes.astype(np.float64), near, strict=True):
        exact = (people[rows] @ probe).astype(np.float32)
        order = np.lexsort((rows, -exact))[:K]
        answers.append([(int(rows[i]), float(exact[i])) for i in order])
    return answers


MEMORY = """
import sys
from pathlib import Path
import numpy as np
from mien.gallery.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
probes = np.random.default_rng(0).standard_normal((64, int(sys.argv[2])), np.float32)
probes /= np.linalg.norm(probes, axis=1, keepdims=True)
def status(name):
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith(name)))
def go(n):
    with store.reading("main") as transaction:
        view = store.view(transaction)
        for probe in probes[:n]:
            view.search(probe[None], 10)
        view.search(probes, 10)
with store.reading("none") as transaction:
    store.view(transaction).search(probes, 10)
import openvino, faiss
before = status("RssAnon")
go(4)
after = status("RssAnon")
go(64)
print(before, after, status("RssAnon"), status("RssFile"))
"""


def memory(path: Path, dimension: int) -> dict[str, float]:
    """Megabytes of a process that searches: its own, before and after, and those of mapped files."""
    command = [sys.executable, "-c", MEMORY, str(path), str(dimension)]
    before, after, more, mapped = map(
        int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    )
    return {"before": before / 1024, "after": after / 1024, "after_more": more / 1024, "mapped": mapped / 1024}


def enrolments(path: Path, dimension: int, n: int = 200) -> dict[str, float]:
    """Milliseconds of one durable enrolment, and of a bare durable insert of the same bytes in a table as large."""
    bare_path = path.with_suffix(".bare")
    bare_path.unlink(missing_ok=True)
    bare = sqlite3.connect(bare_path, isolation_level=None)
    for pragma in ("page_size = 16384", "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        bare.execute(f"PRAGMA {pragma}")
    bare.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)")
    store = SqliteStore(path)
    random = np.random.default_rng(7)
    mine, theirs = [], []
    for number in range(n + 1):
        template = unit(random.standard_normal((1, dimension), dtype=np.float32))[0]
        start = time.perf_counter()
        with store.writing("main") as transaction:
            person_id = transaction.add_person(f"new {number}")
            transaction.add_sample(person_id, Sample(template, "a.jpg", random.bytes(32).hex(), "f32", None))
        middle = time.perf_counter()
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO t (v) VALUES (?)", (template.tobytes(),))
        bare.execute("COMMIT")
        theirs.append(time.perf_counter() - middle)
        mine.append(middle - start)
    store.close()
    bare.close()
    for leftover in path.parent.glob(f"{bare_path.name}*"):
        leftover.unlink()
    return {"enrolment": 1e3 * float(np.median(mine[1:])), "bare_commit": 1e3 * float(np.median(theirs[1:]))}


READER = """
import sys, time
from pathlib import Path
import numpy as np
from mien.gallery.sqlite import SqliteStore
store, dimension = SqliteStore(Path(sys.argv[1])), int(sys.argv[2])
def search(probe):
    with store.reading("main") as transaction:
        return store.view(transaction).search(probe[None], 1, threshold=0.9)[0].candidates
search(np.eye(dimension, dtype=np.float32)[0])
print("ready", flush=True)
for line in sys.stdin:
    probe = np.frombuffer(bytes.fromhex(line.strip()), np.float32)
    while not search(probe):
        pass
    print(time.monotonic(), flush=True)
"""


def other_processes(path: Path, dimension: int, n: int = 100) -> dict[str, float]:
    """Milliseconds from the end of a commit until each of two other processes has found the new person."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    command = [sys.executable, "-c", READER, str(path), str(dimension)]
    readers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _ in range(2)
    ]
    store, random, seen = SqliteStore(path), np.random.default_rng(8), []
    for reader in readers:
        assert reader.stdout is not None
        reader.stdout.readline()
    for number in range(n):
        template = unit(random.standard_normal((1, dimension), dtype=np.float32))[0]
        for reader in readers:
            assert reader.stdin is not None
            reader.stdin.write(template.tobytes().hex() + "\n")
        time.sleep(0.02)
        with store.writing("main") as transaction:
            person_id = transaction.add_person(f"seen {number}")
            transaction.add_sample(person_id, Sample(template, "a.jpg", random.bytes(32).hex(), "f32", None))
        committed = time.monotonic()
        for reader in readers:
            assert reader.stdout is not None
            seen.append(float(reader.stdout.readline()) - committed)
    for reader in readers:
        reader.terminate()
        reader.wait()
    store.close()
    os.sched_setaffinity(0, {CORE})
    return {"median": 1e3 * float(np.median(seen)), "p99": 1e3 * float(np.quantile(seen, 0.99)), "max": 1e3 * max(seen)}


def show(figures: dict[str, Any]) -> None:
    print(f"{figures['people']:,} people, {figures['dimension']} numbers, {figures['kernel']}, one core")
    times = figures["searches"]["milliseconds"]
    rows = []
    for name, entry in times.items():
        ratios = ["", ""]
        base = "sgemm" if "64" in name else "sgemv"
        if base in times and name not in {"sgemv", "sgemm"}:
            ratios = [f"{times[b]['median'] / entry['median']:.1f}" for b in (base, f"{base} and selection")]
        rows.append((name, f"{entry['median']:.1f}", f"{entry['p99']:.1f}", *ratios))
    print(table(("one core", "ms, median", "ms, p99", "x product", "x product and selection"), rows))
    for part in ("openings", "agreement", "memory", "enrolments", "other_processes"):
        if part in figures:
            print(part, {key: round(value, 4) for key, value in figures[part].items()})
    print(
        "stored templates read a search:",
        figures["searches"]["compared"],
        "threshold",
        figures["searches"]["threshold"],
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory of this process, the comparison's included: {peak} MB")


if __name__ == "__main__":
    main()
