"""Mien as it comes: `mien.find_all` over paths."""

from collections.abc import Sequence

from worker import measure, options

options()

import mien  # noqa: E402 - the runtimes count the CPUs they may use when they start


def count_faces(paths: Sequence[str]) -> list[int]:
    return [len(faces) for faces in mien.find_all(paths)]


if __name__ == "__main__":
    measure(count_faces, {"mien": mien.__version__})
