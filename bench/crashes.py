"""Galleries killed at random moments: nothing acknowledged is lost, nothing is torn, no erased byte comes back.

    python bench/crashes.py [--kills 200] [--seed 0] [--json docs/benchmarks/crashes.json]

A process enrols and erases people, lets the table of codes grow and be made anew, and migrates old galleries, all the
time, until it is killed (SIGKILL). After every kill the gallery is opened, as a user would, and compared with what the
process had acknowledged; its files are searched for the templates of everybody who is erased.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from report import conditions, save

from mien.gallery import Gallery, index, search
from mien.gallery.index import table_path
from mien.gallery.scan import FileTable, encode, scale_of
from mien.gallery.scan.kernels import NumpyKernel
from mien.gallery.sqlite import SqliteStore
from mien.gallery.sqlite.schema import APPLICATION_ID, MIGRATIONS, PAGE_SIZE
from mien.gallery.store import Sample
from mien.types import Array

DIMENSION = 128
TAIL = 6
"""So few people beside the table that it is written all the time."""

OLD = 2
"""Schema of the galleries that are migrated."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--work", nargs=2, metavar=("PATH", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    index.TAIL = TAIL
    # What multiplies does not matter here, and loading it would take most of the time.
    vars(search)["best_kernel"] = lambda _: NumpyKernel()
    if options.work:
        work(Path(options.work[0]), int(options.work[1]))
    chance = random.Random(options.seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "people.mien")
        for kill in range(options.kills):
            if kill % 4 == 3:
                migrate_and_kill(Path(folder) / f"old{kill}.mien", chance, counts)
            else:
                history.run_and_kill(kill, chance, counts)
        history.search_for(history.gone, counts)
    figures = {**conditions(), "kills": options.kills, "seed": options.seed, "counts": dict(counts)}
    print(", ".join(f"{number:,} {name}" for name, number in counts.items()))
    if options.json:
        save(options.json, figures)
    if counts["acknowledged rows lost"] + counts["rows torn"] + counts["erased people with bytes left"]:
        raise SystemExit(1)


def template(label: str) -> Array:
    seed = int.from_bytes(sha256(label.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def enrol(store: SqliteStore, label: str) -> None:
    with store.writing("main") as transaction:
        if transaction.space() is None:
            transaction.pin("synthetic", DIMENSION)
        person_id = transaction.add_person(label)
        content = sha256(label.encode()).hexdigest()
        transaction.add_sample(person_id, Sample(template(label), "a.jpg", content, "f32", None))


def work(path: Path, seed: int) -> None:
    """Say what is begun, do it, say that it is done; for ever."""
    chance, number = random.Random(seed), 0
    gallery, store = Gallery(path), SqliteStore(path)
    people = [person.label for person in gallery.people()]
    while True:
        if people and chance.random() < 0.4:
            label = people.pop(chance.randrange(len(people)))
            say("erasing", label)
            gallery.erase(label)
            say("erased", label)
        else:
            label = f"{seed}-{number}"
            number += 1
            say("enrolling", label)
            enrol(store, label)
            people.append(label)
            say("enrolled", label)
        if chance.random() < 0.1:
            for table in path.parent.glob(f"{path.name}-scan[0-9]*"):
                table.unlink(missing_ok=True)
        with store.reading("main") as transaction:
            store.view(transaction).search(template(label)[None], 3)


def say(what: str, label: str) -> None:
    print(what, label, flush=True)


class History:
    """One gallery over many kills, and what its processes said."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._there: set[str] = set()
        self.gone: set[str] = set()
        self._searched: set[str] = set()

    def run_and_kill(self, kill: int, chance: random.Random, counts: Counter[str]) -> None:
        command = [sys.executable, __file__, "--work", str(self._path), str(1000 + kill)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        said = [line.split() for line in [first, *process.stdout.read().splitlines()] if line.split()[1:]]
        process.wait()
        process.stdout.close()
        open_ends: set[str] = set()
        for what, label in said:
            open_ends.add(label) if what in {"erasing", "enrolling"} else open_ends.discard(label)
            if what == "enrolled":
                self._there.add(label)
            elif what == "erasing":
                self._there.discard(label)
            elif what == "erased":
                self.gone.add(label)
        counts["kills"] += 1
        counts["acknowledged enrolments"] += sum(what == "enrolled" for what, _ in said)
        counts["acknowledged erasures"] += sum(what == "erased" for what, _ in said)
        self._check(open_ends, counts)

    def _check(self, open_ends: set[str], counts: Counter[str]) -> None:
        with Gallery(self._path) as gallery:
            found = {person.label: person.samples for person in gallery.people()}
            known = sum(gallery.search(template(label), k=1)[0].candidates[0].label == label for label in found)
        counts["acknowledged rows lost"] += len(self._there - set(found)) + len(self.gone & set(found))
        unexpected = set(found) - self._there - open_ends
        counts["rows torn"] += sum(samples != 1 for samples in found.values()) + (len(found) - known) + len(unexpected)
        counts["rows torn"] += not sound(self._path)
        new = (self.gone | (open_ends - set(found))) - self._searched
        self.gone |= new
        self._there = set(found)
        # Those of before are searched for once more at the end, all of them.
        self.search_for(new, counts)
        self._searched |= new

    def search_for(self, gone: set[str], counts: Counter[str]) -> None:
        """Look for the bytes of people in every file."""
        content = b"".join(path.read_bytes() for path in sorted(self._path.parent.glob(f"{self._path.name}*")))
        counts["erased people with bytes left"] += sum(any(p in content for p in pieces(label)) for label in gone)
        counts["people there whose bytes are not"] += sum(pieces(label)[0] not in content for label in self._there)


def pieces(label: str) -> list[bytes]:
    vector = template(label)
    coded = encode(vector[None], scale_of(DIMENSION))
    code, fine = coded.codes.tobytes(), coded.fine.tobytes()
    return [vector.tobytes(), vector[-8:].tobytes(), code, code[:32], fine]


def sound(path: Path) -> bool:
    connection = sqlite3.connect(path)
    (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    store = SqliteStore(path)
    with store.reading("main") as transaction:
        identity = transaction.identity()
    store.close()
    if identity is not None and table_path(path, identity).exists():
        FileTable(table_path(path, identity), identity, verify=True)
    return bool(answer == "ok")


def migrate_and_kill(path: Path, chance: random.Random, counts: Counter[str]) -> None:
    """An old gallery is opened, and the process killed meanwhile; then it is opened once more."""
    labels = [f"old {number}" for number in range(300)]
    old_gallery(path, labels)
    code = "import sys; from mien.gallery import Gallery; print(flush=True); Gallery(sys.argv[1])"
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(chance.uniform(0, 0.06))
    process.kill()
    process.wait()
    process.stdout.close()
    connection = sqlite3.connect(path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    counts["kills"] += 1
    counts["migrations undone by the kill"] += version == OLD
    with Gallery(path) as gallery:
        found = {person.label: person.samples for person in gallery.people()}
        known = sum(gallery.search(template(label), k=1)[0].candidates[0].label == label for label in labels[:20])
    counts["acknowledged rows lost"] += len(set(labels) - set(found))
    counts["rows torn"] += sum(samples != 1 for samples in found.values()) + (20 - known) + (not sound(path))
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def old_gallery(path: Path, labels: list[str]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN")
    for statements in MIGRATIONS[:OLD]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {OLD}")
    created = "2026-01-01T00:00:00+00:00"
    connection.execute("INSERT INTO collection VALUES (1, 'main', 'synthetic', ?, 1)", (DIMENSION,))
    rows: list[tuple[Any, ...]] = [(sha256(label.encode()).hexdigest()[:32], label) for label in labels]
    connection.executemany(
        "INSERT INTO person (person_id, collection_id, label, created, revision) VALUES (?, 1, ?, ?, 1)",
        [(*row, created) for row in rows],
    )
    connection.executemany(
        """INSERT INTO sample (sample_id, collection_id, person_id, template, source, sha256, artefact, created)
           VALUES (?, 1, ?, ?, 'a.jpg', ?, 'f32', ?)""",
        [(key, key, template(label).tobytes(), key, created) for key, label in rows],
    )
    connection.execute("COMMIT")
    connection.close()


if __name__ == "__main__":
    main()
