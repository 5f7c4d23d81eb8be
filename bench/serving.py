"""The service under load: many clients for minutes, beside the library over the same images.

    python bench/serving.py --lfw lfw_dev.zip [--seconds 300] [--clients 32] [--json docs/benchmarks/serving.json]

A real `mien serve` process answers identifications of LFW crops; clients are sockets of this process, which send
prepared bytes and cost next to nothing. CPU time is what the kernel counted for the server's process; the library's is
that of `mien.find_all` and `Gallery.decide` over the same images, in one process before and one after. A client that is
told to come back (503, 429) does so when it was told to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from report import conditions, save, table

import mien
from mien.media.image import decode
from mien.recognition import default_pipeline

CPU_BAR = 1.15
TAIL_BAR = 3.0
MEMORY_BAR = 1.05
KEYS = 4
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Seen:
    """What the clients saw, and what the kernel said of the server, second by second."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    latencies: list[tuple[float, float]] = field(default_factory=list)
    samples: list[tuple[float, float, int, int]] = field(default_factory=list)

    @property
    def done(self) -> int:
        return len(self.latencies)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", required=True, type=Path, help="lfw_dev.zip")
    parser.add_argument("--seconds", type=float, default=300, help="how long; an overload takes a fifth of it")
    parser.add_argument("--warm-up", type=float, default=30, help="seconds that are not counted")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--queue", type=int, default=64)
    parser.add_argument("--overloaded", type=int, default=16, help="the queue that the same clients overload")
    parser.add_argument("--people", type=int, default=200, help="people in the gallery")
    parser.add_argument("--images", type=int, default=800, help="images to be identified, again and again")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--library", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.library:
        print(json.dumps(library(options.library)))
        return
    figures: dict[str, Any] = {**conditions(), **vars(options), "keys": KEYS}
    figures = {name: value for name, value in figures.items() if name not in {"lfw", "json", "library"}}
    with tempfile.TemporaryDirectory() as folder:
        figures |= measured(options, Path(folder))
    figures["load_average_after"] = os.getloadavg()
    show(figures)
    if options.json:
        save(options.json, figures)


def measured(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    images = prepared(options.lfw, folder, options.people, options.images)
    library = [library_of(folder)]
    served = loaded(options, folder, images, options.queue, options.seconds)
    library.append(library_of(folder))
    overload = loaded(options, folder, images, options.overloaded, options.seconds / 5)
    cpu = float(np.mean([one["cpu_ms"] for one in library]))
    return {
        "library": library,
        "served": {**served, "cpu_ratio": served["cpu_ms"] / cpu},
        "overload": {**overload, "cpu_ratio": overload["cpu_ms"] / cpu},
    }


def loaded(
    options: argparse.Namespace, folder: Path, images: list[bytes], queue: int, seconds: float
) -> dict[str, Any]:
    """What clients and the kernel saw of a service with such a queue."""
    with served(folder, queue) as (process, port, admin):
        keys = [reader(port, admin) for _ in range(KEYS)]
        requests = [[request(image, key, port) for image in images] for key in keys]
        end = options.warm_up + seconds
        seen = asyncio.run(load(options.clients, end, process.pid, port, requests))
        batch = mean_batch(port, admin)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    return {**summary(seen, options.warm_up, queue), "mean_batch": batch}


def prepared(archive: Path, folder: Path, people: int, images: int) -> list[bytes]:
    """A gallery of some people, and images of them and of others, also as files for the library."""
    with zipfile.ZipFile(archive) as zipped:
        names = sorted(n for n in zipped.namelist() if n.startswith("crops/") and n.endswith(".jpg"))
        by_person: dict[str, list[str]] = {}
        for name in names:
            by_person.setdefault(name.split("/")[1], []).append(name)
        known = [one for one, own in by_person.items() if len(own) > 1][:people]
        with mien.Gallery(folder / "people.mien") as gallery:
            for one in known:
                gallery.enroll(one, [zipped.read(by_person[one][0])], purpose="benchmark")
        first = {by_person[one][0] for one in known}
        chosen = [name for name in names if name not in first][:images]
        content = [zipped.read(name) for name in chosen]
    (folder / "images").mkdir()
    for number, data in enumerate(content):
        (folder / "images" / f"{number:05}.jpg").write_bytes(data)
    return content


def library(folder: Path) -> dict[str, Any]:
    """CPU milliseconds an image of `find_all` and `decide`, and of batches of several sizes in one thread."""
    images = [path.read_bytes() for path in sorted((folder / "images").iterdir())]
    with mien.Gallery(folder / "people.mien") as gallery:
        decided(gallery, images[:64])
        start, wall = cpu_here(), time.perf_counter()
        faces = decided(gallery, images)
        cpu, wall = cpu_here() - start, time.perf_counter() - wall
    pipeline, batches = default_pipeline(), {}
    for size in (1, 2, 4, 8, 16):
        start, some = cpu_here(), images[:320]
        for first in range(0, len(some), size):
            pipeline.find_decoded([decode(image) for image in some[first : first + size]])
        batches[str(size)] = 1e3 * (cpu_here() - start) / len(some)
    per_image = {"cpu_ms": 1e3 * cpu / len(images), "wall_ms": 1e3 * wall / len(images)}
    return {**per_image, "faces": faces, "batches": batches}


def decided(gallery: mien.Gallery, images: list[bytes]) -> int:
    return sum(len(gallery.decide(faces)) for faces in mien.find_all(images))


def cpu_here() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def library_of(folder: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--lfw", ".", "--library", str(folder)]
    said: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return said


@contextmanager
def served(folder: Path, queue: int) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """A service over the gallery, its port, and an admin's key."""
    mien_serve = [sys.executable, "-m", "mien", "serve", "--state", str(folder / "service.db")]
    made = subprocess.run([*mien_serve, "--new-admin-key"], check=True, capture_output=True, text=True).stdout
    where = ["--gallery", str(folder / "people.mien"), "--port", "0", "--queue", str(queue)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*mien_serve, *where], stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        port = urlsplit(said.rpartition(" ")[2].strip()).port
        if port is None:
            raise SystemExit(f"mien serve did not start:\n{(folder / 'log').read_text()}")
        yield process, port, made.split()[-1]
    finally:
        process.kill()
        process.wait()


def reader(port: int, admin: str) -> str:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/keys",
        json.dumps({"name": "client", "role": "reader", "collections": ["*"]}).encode(),
        {"Authorization": f"Bearer {admin}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return str(json.load(answer)["secret"])


def mean_batch(port: int, admin: str) -> float:
    """How many images went through the networks at once, as the service counted."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/metrics", headers={"Authorization": f"Bearer {admin}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#")
    return float(lines["mien_batch_images_sum"]) / float(lines["mien_batch_images_count"])


def request(image: bytes, key: str, port: int) -> bytes:
    """A whole HTTP request, as `curl -F image=@...` makes it."""
    edge = b"------------------------a0b1c2d3e4f5"
    head = b'Content-Disposition: form-data; name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = b"--" + edge + b"\r\n" + head + image + b"\r\n--" + edge + b"--\r\n"
    lines = (
        "POST /v1/collections/main/identify HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {key}",
        f"Content-Type: multipart/form-data; boundary={edge.decode()}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def load(clients: int, seconds: float, pid: int, port: int, requests: list[list[bytes]]) -> Seen:
    """Every client asks for one image after the other until the time is over."""
    seen, start = Seen(), time.monotonic()
    end = start + seconds
    asking = [client(seen, port, requests[number % len(requests)], number * 97, end) for number in range(clients)]

    async def watch() -> None:
        while time.monotonic() < end:
            seen.samples.append((time.monotonic() - start, *spent(pid), seen.done))
            await asyncio.sleep(1)

    await asyncio.gather(watch(), *asking)
    seen.latencies = [(moment - start, taken) for moment, taken in seen.latencies]
    return seen


async def client(seen: Seen, port: int, requests: list[bytes], turn: int, end: float) -> None:
    reading, writing = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < end:
        turn += 1
        start = time.monotonic()
        writing.write(requests[turn % len(requests)])
        try:
            head = await reading.readuntil(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if line)
            await reading.readexactly(int(fields[b"content-length"]))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            seen.broken.append(repr(error))
            reading, writing = await asyncio.open_connection("127.0.0.1", port)
            continue
        status = int(head.split(b" ", 2)[1])
        seen.statuses[status] += 1
        if status == 200:
            seen.latencies.append((start, time.monotonic() - start))
        elif status in {429, 503}:
            await asyncio.sleep(float(fields[b"retry-after"]))
    writing.close()


def spent(pid: int) -> tuple[float, int]:
    """CPU seconds of a process so far, and bytes that it has in memory."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS, int(fields[21]) * _PAGE


def summary(seen: Seen, warm_up: float, queue: int) -> dict[str, Any]:
    counted = [one for one in seen.samples if one[0] >= warm_up]
    (start, cpu, _, done), (end, cpu_end, _, done_end) = counted[0], counted[-1]
    taken = [seconds for moment, seconds in seen.latencies if moment >= warm_up]
    rate = (done_end - done) / (end - start)
    tenth = max(1, len(counted) // 10)
    early, late = (median(one[2] for one in part) for part in (counted[:tenth], counted[-tenth:]))
    p99 = float(np.quantile(taken, 0.99))
    return {
        "queue": queue,
        "seconds": end - start,
        "statuses": {str(status): count for status, count in sorted(seen.statuses.items())},
        "broken": seen.broken,
        "images_per_second": rate,
        "cpu_ms": 1e3 * (cpu_end - cpu) / (done_end - done),
        "latency": {"median": median(taken), "p99": p99, "max": max(taken)},
        "tail_ratio": p99 / (queue / rate),
        "memory": {"early": early, "late": late, "peak": max(one[2] for one in counted)},
        "memory_ratio": late / early,
    }


def show(figures: dict[str, Any]) -> None:
    header = (
        "",
        "images/s",
        "a batch",
        "statuses",
        "CPU ms/image",
        "to the library",
        "median",
        "p99",
        "p99/full queue",
        "memory",
    )
    rows: list[tuple[str, ...]] = []
    for one in (figures["served"], figures["overload"]):
        statuses = " ".join(f"{status}:{count}" for status, count in one["statuses"].items())
        latency = one["latency"]
        rows.append(
            (
                f"queue of {one['queue']}",
                f"{one['images_per_second']:.1f}",
                f"{one['mean_batch']:.1f}",
                f"{statuses} broken:{len(one['broken'])}",
                f"{one['cpu_ms']:.2f}",
                f"{one['cpu_ratio']:.3f}",
                f"{latency['median']:.2f} s",
                f"{latency['p99']:.2f} s",
                f"{one['tail_ratio']:.2f}",
                f"{one['memory']['late'] / 1e6:.0f} MB, x {one['memory_ratio']:.3f}",
            )
        )
    print(table(header, rows))
    library = figures["library"]
    print("library, before and after: " + ", ".join(f"{one['cpu_ms']:.2f} CPU ms an image" for one in library))
    sizes = library[0]["batches"]
    told = ", ".join(f"{size}: {median(one['batches'][size] for one in library):.2f}" for size in sizes)
    print(f"CPU ms an image by size of batch, one thread: {told}")
    served = figures["served"]
    for name, value, bar in (
        ("CPU time to the library's", served["cpu_ratio"], CPU_BAR),
        ("p99 to a full queue's time", served["tail_ratio"], TAIL_BAR),
        ("p99 to a full queue's time, overloaded", figures["overload"]["tail_ratio"], TAIL_BAR),
        ("memory, last tenth to first", served["memory_ratio"], MEMORY_BAR),
        ("answers that are neither 200, 429 nor 503", unexpected(figures), 0),
    ):
        print(f"{name}: {value:.3g} (bar {bar}: {'met' if value <= bar else 'MISSED'})")
    print(f"load average {figures['load_average'][0]:.1f} before, {figures['load_average_after'][0]:.1f} after")


def unexpected(figures: dict[str, Any]) -> int:
    wrong = 0
    for run in (figures["served"], figures["overload"]):
        wrong += len(run["broken"])
        wrong += sum(count for status, count in run["statuses"].items() if status not in {"200", "429", "503"})
    return wrong


if __name__ == "__main__":
    main()
