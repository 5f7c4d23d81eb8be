"""Products of codes, as fast as the machine allows: which rows have the highest ones.

Every kernel gives the same rows, since sums of bytes are exact. OpenVINO, which Mien runs its networks with, multiplies
bytes for many probes at once; faiss, where it is installed (``pip install "mien[search]"``), is faster for one; NumPy
does for both where neither can be used.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.gallery.scan.codes import ZERO, Codes

if TYPE_CHECKING:
    from openvino import InferRequest, Model, Node

__all__ = ["FaissKernel", "Hits", "Kernel", "NumpyKernel", "OpenVinoKernel", "best_kernel"]

BLOCK = 8192
"""Rows multiplied at once, so that products stay in the cache until they were looked at."""

SAMPLED = 2
"""Blocks from which is estimated how high the highest products are."""

FEW = 3
"""Up to so many probes, faiss reads the codes once a probe faster than OpenVINO reads them once."""

_EXACT = 2**24
"""Below it, float32 holds every whole number."""


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Rows of one probe with the highest products.

    Attributes:
        rows: (m,) int64.
        rest: No other row has a higher product than this.
    """

    rows: NDArray[np.int64]
    rest: float


class Kernel(Protocol):
    """Finds the rows with the highest products."""

    def best(self, codes: Codes, probes: NDArray[np.int8], k: int) -> list[Hits]:
        """The rows with the highest products.

        Args:
            codes: (N, d) uint8, offset by `ZERO`.
            probes: (n, d) int8.
            k: About how many rows to find for each probe; all, where there are not more.
        """


class BlockKernel(ABC):
    """Products block by block; a subclass multiplies.

    How high the highest products are is estimated from some of the blocks; all rows above that are found then. Too low
    an estimate costs time, too high a one leaves the caller with too little proof, and it asks again for more.
    """

    def best(self, codes: Codes, probes: NDArray[np.int8], k: int) -> list[Hits]:
        """The rows with the highest products; see `Kernel`."""
        floors = self._floors(codes, probes, k)
        found = [_above(products, start, floors) for start, products in self._products(codes, probes)]
        rows, owners = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(owners, kind="stable")
        ends = np.searchsorted(owners[order], np.arange(len(probes) + 1))
        shifts = ZERO * probes.astype(np.int64).sum(1)
        return [
            Hits(rows[order[ends[i] : ends[i + 1]]], float(floors[i]) - float(shifts[i])) for i in range(len(probes))
        ]

    def _floors(self, codes: Codes, probes: NDArray[np.int8], k: int) -> NDArray[np.float32]:
        """What about k products of each probe reach."""
        if k >= len(codes):
            return np.full(len(probes), -np.inf, np.float32)
        step = max(1, len(codes) // (SAMPLED * BLOCK))
        sampled = [products.copy() for _, products in self._products(codes, probes, step)]
        products = np.concatenate(sampled).T.copy()
        size = products.shape[1]
        place = max(0, size - 1 - round(k * size / len(codes)))
        return np.ascontiguousarray(np.partition(products, place, axis=1)[:, place], np.float32)

    @abstractmethod
    def _products(self, codes: Codes, probes: NDArray[np.int8], step: int = 1) -> Iterator[tuple[int, NDArray[Any]]]:
        """First row, and products as (rows, n), of each ``step``-th block; the array may be overwritten by the next."""


class NumpyKernel(BlockKernel):
    """Products by NumPy, in float32 as long as that holds every sum exactly."""

    def _products(self, codes: Codes, probes: NDArray[np.int8], step: int = 1) -> Iterator[tuple[int, NDArray[Any]]]:
        exact = codes.shape[1] * 255 * 127 < _EXACT
        kind: type[np.floating[Any]] = np.float32 if exact else np.float64
        other: NDArray[Any] = np.ascontiguousarray(probes.T, kind)
        for start in range(0, len(codes), step * BLOCK):
            block: NDArray[Any] = codes[start : start + BLOCK].astype(kind)
            yield start, block @ other


class OpenVinoKernel(BlockKernel):
    """Products of bytes by OpenVINO, which uses the processor's instructions for them."""

    WIDTHS = (4, 16, 64)

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._requests: dict[int, InferRequest] = {}
        self._lock = threading.Lock()

    def _products(self, codes: Codes, probes: NDArray[np.int8], step: int = 1) -> Iterator[tuple[int, NDArray[Any]]]:
        width = next((w for w in self.WIDTHS if w >= len(probes)), self.WIDTHS[-1])
        padded = np.zeros((-(-len(probes) // width) * width, self._dimension), np.int8)
        padded[: len(probes)] = probes
        rest = np.full((BLOCK, self._dimension), ZERO, np.uint8)
        with self._lock:
            request = self._request(width)
            for start in range(0, len(codes), step * BLOCK):
                block = codes[start : start + BLOCK]
                rows = len(block)
                if rows < BLOCK:
                    rest[:rows] = block
                    block = rest
                yield start, self._multiplied(request, block, padded, width)[:rows, : len(probes)]

    def _multiplied(
        self, request: InferRequest, block: Codes, probes: NDArray[np.int8], width: int
    ) -> NDArray[np.float32]:
        import openvino

        parts = []
        request.set_input_tensor(0, openvino.Tensor(_lent(block), shared_memory=True))
        for first in range(0, len(probes), width):
            request.set_input_tensor(1, openvino.Tensor(probes[first : first + width], shared_memory=True))
            request.infer()
            product = request.get_output_tensor().data
            parts.append(product if len(probes) == width else product.copy())
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _request(self, width: int) -> InferRequest:
        if width not in self._requests:
            import openvino

            config = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
            model = _product_model(self._dimension, width)
            self._requests[width] = openvino.Core().compile_model(model, "CPU", config).create_infer_request()
        return self._requests[width]


class _Lent:
    """An array that says it may be written to: the runtime takes no other, though it only reads."""

    def __init__(self, array: NDArray[Any]) -> None:
        pointer, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (pointer, False)}
        self._array = array


def _lent(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.flags.writeable else np.asarray(_Lent(array))


def _product_model(dimension: int, width: int) -> Model:
    """Codes times probes as a network: told that its inputs are bytes, the runtime multiplies bytes."""
    import openvino
    from openvino import opset13 as op

    codes = op.parameter([BLOCK, dimension], openvino.Type.u8)
    probes = op.parameter([width, dimension], openvino.Type.i8)

    def quantised(tensor: Node, low: float, high: float) -> Node:
        ends = op.constant(np.float32(low)), op.constant(np.float32(high))
        return op.fake_quantize(op.convert(tensor, "f32"), *ends, *ends, 256)

    product = op.matmul(quantised(codes, 0, 255), quantised(probes, -128, 127), False, True)
    return openvino.Model([product], [codes, probes], "products")


class FaissKernel:
    """Products by faiss for few probes, by another kernel for many.

    Args:
        dimension: d.
        many: The other kernel.
    """

    def __init__(self, dimension: int, many: Kernel) -> None:
        import faiss

        self._faiss = faiss
        self._dimension = dimension
        self._many = many

    def best(self, codes: Codes, probes: NDArray[np.int8], k: int) -> list[Hits]:
        """The rows with the highest products; see `Kernel`."""
        if len(probes) > FEW:
            return self._many.best(codes, probes, k)
        kind = self._faiss.ScalarQuantizer.QT_8bit_direct_signed
        index = self._faiss.IndexScalarQuantizer(self._dimension, kind, self._faiss.METRIC_INNER_PRODUCT)
        # The index looks at the codes where they are; faiss has no public call for that which needs no file of its own.
        view: Any = index.codes
        pointer = self._faiss.swig_ptr(codes)
        view.is_owned = False
        view.view_data = view.c_ptr = pointer
        view.view_size = view.c_size = codes.nbytes
        index.ntotal = len(codes)
        products, rows = index.search(probes.astype(np.float32), min(k, len(codes)))
        return [Hits(row.astype(np.int64), float(product[-1])) for row, product in zip(rows, products, strict=True)]


def _above(
    products: NDArray[Any], start: int, floors: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and probes of a block's products, (rows, n), that reach the floors."""
    # A flat search is ten times as fast as one for pairs.
    rows, probes = np.divmod(np.flatnonzero(np.greater_equal(products, floors).ravel()), len(floors))
    return rows + start, probes


@lru_cache(maxsize=8)
def best_kernel(dimension: int) -> Kernel:
    """The fastest kernel of this machine that was seen to give the right products."""
    many: Kernel = OpenVinoKernel(dimension)
    if dimension * 255 * 127 >= _EXACT or not _is_right(many, dimension):
        many = NumpyKernel()
    try:
        few = FaissKernel(dimension, many)
    except ImportError:
        return many
    return few if dimension * 127 * 127 < _EXACT and _is_right(few, dimension) else many


def _is_right(kernel: Kernel, dimension: int) -> bool:
    """Whether a kernel gives what NumPy gives: it relies on what its library does not promise."""
    random = np.random.default_rng(0)
    codes = random.integers(1, 256, (200, dimension), np.uint8)
    for probes in (random.integers(-127, 128, (n, dimension), np.int8) for n in (1, 5)):
        try:
            found = kernel.best(codes, probes, 9)
        except Exception:
            return False
        products = probes.astype(np.int64) @ (codes.T.astype(np.int64) - ZERO)
        for hits, exact in zip(found, products, strict=True):
            if not (1 <= len(hits.rows) < len(codes) and exact[hits.rows].min() >= hits.rest):
                return False
            if np.delete(exact, hits.rows).max() > hits.rest:
                return False
    return True
