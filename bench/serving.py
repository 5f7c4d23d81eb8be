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
import socket
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

import numpy as np
from report import conditions, save

import mien

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
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--warm-up", type=float, default=30, help="seconds that are not counted")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--queue", type=int, default=64)
    parser.add_argument("--people", type=int, default=200, help="people in the gallery")
    parser.add_argument("--images", type=int, default=800, help="images to be identified, again and again")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--library", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.library:
        library(options.library)
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = measured(options, Path(folder))
    show(figures)
    if options.json:
        save(options.json, figures)


def measured(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    images = prepared(options.lfw, folder, options.people, options.images)
    before = library_of(folder)
    with served(folder, options.queue) as (process, port, keys):
        requests = [[request(image, key, port) for image in images] for key in keys]
        seen = asyncio.run(load(options, process.pid, port, requests))
        process.send_signal(signal.SIGTERM)
        stopped = process.wait(60)
    after = library_of(folder)
    return {**conditions(), **summary(options, seen, before, after), "exit_status": stopped}


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


def library(folder: Path) -> None:
    """CPU milliseconds an image of `find_all` and `decide`, printed."""
    images = [path.read_bytes() for path in sorted((folder / "images").iterdir())]
    with mien.Gallery(folder / "people.mien") as gallery:
        decided(gallery, images[:64])
        start, wall = cpu_here(), time.perf_counter()
        faces = decided(gallery, images)
        cpu, wall = cpu_here() - start, time.perf_counter() - wall
    print(json.dumps({"cpu_ms": 1e3 * cpu / len(images), "wall_ms": 1e3 * wall / len(images), "faces": faces}))


def decided(gallery: mien.Gallery, images: list[bytes]) -> int:
    return sum(len(gallery.decide(faces)) for faces in mien.find_all(images))


def cpu_here() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def library_of(folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--lfw", ".", "--library", str(folder)]
    said: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return said


@contextmanager
def served(folder: Path, queue: int) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """A service over the gallery, and keys of readers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = folder / "service.db"
    where = ["--gallery", str(folder / "people.mien"), "--state", str(state), "--port", str(port)]
    command = [sys.executable, "-m", "mien", "serve", *where, "--queue", str(queue), *EXTRA]
    log = (folder / "log").open("w")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        admin = process.stdout.readline().rpartition(" ")[2].strip()
        until_ready(port)
        yield process, port, [reader(port, admin) for _ in range(KEYS)]
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        log.close()


EXTRA: list[str] = []


def until_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/ready", timeout=10).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def reader(port: int, admin: str) -> str:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/keys",
        json.dumps({"name": "client", "role": "reader", "collections": ["*"]}).encode(),
        {"Authorization": f"Bearer {admin}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return str(json.load(answer)["secret"])


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


async def load(options: argparse.Namespace, pid: int, port: int, requests: list[list[bytes]]) -> Seen:
    """Every client asks for one image after the other until the time is over."""
    seen, start = Seen(), time.monotonic()
    end = start + options.warm_up + options.seconds
    clients = [
        client(seen, port, requests[number % len(requests)], number * 97, end) for number in range(options.clients)
    ]

    async def watch() -> None:
        while time.monotonic() < end:
            seen.samples.append((time.monotonic() - start, *spent(pid), seen.done))
            await asyncio.sleep(1)

    await asyncio.gather(watch(), *clients)
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


def summary(options: argparse.Namespace, seen: Seen, *libraries: dict[str, float]) -> dict[str, Any]:
    counted = [one for one in seen.samples if one[0] >= options.warm_up]
    (start, cpu, _, done), (end, cpu_end, _, done_end) = counted[0], counted[-1]
    taken = [seconds for moment, seconds in seen.latencies if moment >= options.warm_up]
    rate = (done_end - done) / (end - start)
    tenth = max(1, len(counted) // 10)
    early, late = (median(one[2] for one in part) for part in (counted[:tenth], counted[-tenth:]))
    server_ms = 1e3 * (cpu_end - cpu) / (done_end - done)
    library_ms = float(np.mean([one["cpu_ms"] for one in libraries]))
    p99 = float(np.quantile(taken, 0.99))
    return {
        "clients": options.clients,
        "keys": KEYS,
        "queue": options.queue,
        "people": options.people,
        "images": options.images,
        "seconds": end - start,
        "warm_up": options.warm_up,
        "statuses": {str(status): count for status, count in sorted(seen.statuses.items())},
        "broken": len(seen.broken),
        "images_per_second": rate,
        "server_cpu_ms": server_ms,
        "library": [*libraries],
        "cpu_ratio": server_ms / library_ms,
        "latency": {"median": median(taken), "p99": p99, "max": max(taken)},
        "tail_ratio": p99 / (options.queue / rate),
        "memory": {"early": early, "late": late, "peak": max(one[2] for one in counted)},
        "memory_ratio": late / early,
        "load_average_after": os.getloadavg(),
    }


def show(figures: dict[str, Any]) -> None:
    print(json.dumps({k: v for k, v in figures.items() if k not in ("versions", "weights")}, indent=1))


if __name__ == "__main__":
    main()
