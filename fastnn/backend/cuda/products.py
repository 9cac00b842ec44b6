"""Matrix products on a GPU: by cuBLAS's own functions where they prove right, else by CuPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from fastnn.backend.cuda.cublas import Cublas, check_product, find_library, workspace_bytes
from fastnn.backend.cuda.layout import overlap
from fastnn.backend.program import Array, Dot
from fastnn.errors import ArgumentError, DeviceError, arg

Call = Callable[[], Any]


class Products:
    """Makes the calls of products on one device and stream.

    Which of the two is used is decided by small products when this is made: ``method``
    is "cuBLAS" with its version, or "CuPy", and ``reason`` says why it is not cuBLAS.

    ``precision``: "full", or "tf32" for products of float32 in the GPU's TF32, which has 10 bits
    of mantissa; raises DeviceError where only CuPy's way is there for it.
    """

    def __init__(self, xp: Any, device: Any, stream: Any, precision: str = "full") -> None:
        self._xp, self._device, self._stream = xp, device, stream
        self._precision = precision
        self._workspace: Array = None
        self._cublas: Cublas | None = None
        self.method, self.reason = "CuPy", ""
        with device, stream:
            try:
                self._cublas = self._proven()
                self.method = f"cuBLAS {self._cublas.version}"
            except DeviceError as error:
                self.reason = str(error)
        if self._cublas is None and precision != "full":
            raise DeviceError(
                f"{arg('precision', precision)} needs cuBLAS's own functions, and they cannot be "
                "used "
                f"({self.reason}): leave it out"
            )

    def _proven(self) -> Cublas:
        """Return cuBLAS's own functions if they give what CuPy gives."""
        expected = [(i, i.a.dot(i.b)) for i in trials(self._xp)]  # this loads libcublas, too
        major = int(self._xp.cuda.runtime.runtimeGetVersion()) // 1000
        self._library = find_library(major)
        size = workspace_bytes(str(self._device.compute_capability))
        self._workspace = self._xp.empty((size,), np.uint8)
        cublas = self.on(self._stream)
        for i, wanted in expected:
            cublas.product(i)()
            if not bool((i.out == wanted).all()):
                raise DeviceError(
                    f"its product of {i.a.shape} and {i.b.shape} in {i.out.dtype.name} is not that "
                    "of CuPy"
                )
        return cublas

    def on(self, stream: Any) -> Cublas:
        """Return cuBLAS working on a stream that runs in step with this one, as graphs do."""
        return Cublas(self._library, stream.ptr, self._workspace, self._precision)

    def call(self, i: Dot, cublas: Cublas | None = None) -> Call | None:
        """Return the call of one product, or None if there is nothing to compute.

        Transposed arguments are free, a transposed ``out`` is not: it raises ArgumentError, as
        does whatever else does not fit. ``cublas``: on another stream (see `on`).
        """
        check_product(i)
        if overlap(i.a, i.out) or overlap(i.b, i.out):
            raise ArgumentError("dot: out overlaps an argument")
        if i.out.size == 0:
            return None
        if i.a.size == 0:  # a sum of nothing
            return partial(self._zero, i.out)
        chosen = cublas or self._cublas
        if chosen is not None:
            return chosen.product(i)
        if i.a.ndim == 2:
            return partial(i.a.dot, i.b, i.out)
        return partial(self._xp.matmul, i.a, i.b, i.out)

    def _zero(self, out: Array) -> None:
        out.data.memset_async(0, out.nbytes)  # on the current stream

    @property
    def capturable(self) -> bool:
        """Whether products can be part of a CUDA graph: CuPy refuses that."""
        return self._cublas is not None


def trials(xp: Any) -> Iterator[Dot]:
    """Yield small products with whole numbers as results, in every layout and both dtypes."""
    a = np.arange(12).reshape(3, 4) - 5
    b = np.arange(20).reshape(4, 5) % 7 - 3
    for dtype in ("float32", "float64"):
        for left in (xp.asarray(a, dtype), xp.asarray(a.T.copy(), dtype).T):
            for right in (xp.asarray(b, dtype), xp.asarray(b.T.copy(), dtype).T):
                yield Dot(left, right, xp.empty((3, 5), dtype))
