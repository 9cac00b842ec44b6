"""The matrix products of the BLAS that NumPy already loaded, by address.

Compiled code calls them without going through Python. Which symbol is there depends on how NumPy
was built: its wheels carry OpenBLAS with prefixed names and 64-bit sizes, distributions link the
plain names with 32-bit ones, and some builds (Accelerate, MKL) have neither; then there is no
compiled path.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

#: prefix, suffix, LLVM type of a size
_NAMES = (
    ("scipy_cblas_", "64_", "i64"),
    ("cblas_", "64_", "i64"),
    ("scipy_cblas_", "", "i32"),
    ("cblas_", "", "i32"),
)
_THREADS = (
    "scipy_openblas_{}_num_threads64_",
    "openblas_{}_num_threads64_",
    "scipy_openblas_{}_num_threads",
    "openblas_{}_num_threads",
)


@dataclass(frozen=True)
class Blas:
    """Addresses of the functions, and how to say how many threads they may use."""

    gemm: dict[str, int]  # "float" or "double" to address
    dot: dict[str, int]
    size: str  # LLVM type of m, n, k and of the strides
    set_threads: Callable[[int], object]
    get_threads: Callable[[], int]


@lru_cache(maxsize=1)
def find_blas() -> Blas | None:
    """Return NumPy's BLAS, or None if its functions cannot be found by name.

    >>> blas = find_blas()
    >>> blas is None or sorted(blas.gemm) == ["double", "float"]
    True
    """
    try:
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    threads = next((t for t in _THREADS if _address(library, t.format("set"))), None)
    if threads is None:
        return None
    setter = getattr(library, threads.format("set"))
    getter = getattr(library, threads.format("get"))
    for prefix, suffix, size in _NAMES:
        found = {
            name: _address(library, f"{prefix}{name}{suffix}")
            for name in ("sgemm", "dgemm", "sdot", "ddot")
        }
        if all(found.values()):
            return Blas(
                gemm={"float": found["sgemm"], "double": found["dgemm"]},
                dot={"float": found["sdot"], "double": found["ddot"]},
                size=size,
                set_threads=setter,
                get_threads=getter,
            )
    return None


def _address(library: ctypes.CDLL, name: str) -> int:
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    except AttributeError:
        return 0
