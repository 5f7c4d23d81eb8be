"""The frame of every worker: pinned to so many CPUs, it runs a system over images and prints what that took.

Workers run under interpreters of their own, so this file needs nothing but the standard library.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

WARM_UP = 16


def options() -> argparse.Namespace:
    """Parse the command line and keep this process on so many CPUs; call it before importing a runtime."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--detector", default="")
    parser.add_argument("--recogniser", default="")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.threads])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(given.threads)
    return given


def measure(count_faces: Callable[[Sequence[str]], list[int]], versions: dict[str, str]) -> None:
    """Run over the files named on standard input, after a warm-up on the first, and print JSON.

    Args:
        count_faces: Decodes, detects and embeds every face; returns the number of faces of each image.
        versions: Of what runs.
    """
    paths = sys.stdin.read().split("\n")
    count_faces(paths[:WARM_UP])
    start, start_cpu = time.perf_counter(), time.process_time()
    counts = count_faces(paths)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    result = {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "faces": sum(counts),
        "missed": counts.count(0),
        "peak_bytes": _peak_bytes(),
        "versions": versions,
    }
    print(json.dumps(result))


def _peak_bytes() -> int:
    """Peak of the resident memory; on Linux not from getrusage, which counts what the parent held when it forked."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
