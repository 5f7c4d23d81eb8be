"""The scan: everybody's template in one byte a number, read from end to end, and what that proves about exact scores.

A code is near its template by a distance that is known. Whoever's code cannot reach the k-th best score, even with that
distance granted, need not be looked at; the others are compared with what the database holds. The answer is that of a
comparison with everybody in float32, without an index that guesses.
"""

from mien.gallery.scan.codes import EPSILON, LOOSE, ZERO, Query, decode, encode, scale_of, usual_distance
from mien.gallery.scan.kernels import Kernel, best_kernel
from mien.gallery.scan.table import FOREVER, FileTable, Identity, MemoryTable, Stale, Table, Wanted, locked_array

__all__ = [
    "EPSILON",
    "FOREVER",
    "LOOSE",
    "ZERO",
    "FileTable",
    "Identity",
    "Kernel",
    "MemoryTable",
    "Query",
    "Stale",
    "Table",
    "Wanted",
    "best_kernel",
    "decode",
    "encode",
    "locked_array",
    "scale_of",
    "usual_distance",
]
