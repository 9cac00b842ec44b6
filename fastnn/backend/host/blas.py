"""The matrix products of the BLAS that NumPy already loaded, by address, and its threads.

Compiled code calls them without going through Python. Which symbol is there depends on how NumPy
was built: its wheels carry OpenBLAS with prefixed names and 64-bit sizes, distributions link the
plain names with 32-bit ones, and some builds (Accelerate, MKL) have neither; then there is no
compiled path.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

NO_BLAS = "NumPy's BLAS has no functions that can be called by name"
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
    axpby: dict[str, int] = field(default_factory=lambda: {"float": 0, "double": 0})  # 0: none


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
                axpby={
                    "float": _address(library, f"{prefix}saxpby{suffix}"),
                    "double": _address(library, f"{prefix}daxpby{suffix}"),
                },
            )
    return None


class OneThread:
    """Holds a BLAS to one thread while programs run: what is shared out, they share out.

    The number is one for the whole process, so the last to leave puts it back.

    >>> limit, n = OneThread(), [4]
    >>> blas = Blas({}, {}, "i64", set_threads=lambda k: n.append(k), get_threads=lambda: n[-1])
    >>> with limit.held(blas):
    ...     print(n[-1], limit.threads(blas))
    1 4
    >>> n[-1]
    4
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: set[object] = set()
        self._before = 1

    @contextmanager
    def held(self, blas: Blas | None) -> Iterator[None]:
        """Hold BLAS to one thread for as long as this lasts; nothing to do without one."""
        if blas is None:
            yield
            return
        holder = object()
        try:
            self.enter(holder, blas)
            yield
        finally:
            self.leave(holder, blas)

    def enter(self, holder: object, blas: Blas) -> None:
        with self._lock:
            if not self._holders:
                self._before = blas.get_threads()
            self._holders.add(holder)
            blas.set_threads(1)

    def leave(self, holder: object, blas: Blas) -> None:
        """Undo `enter`; harmless if that was interrupted before it began."""
        with self._lock:
            if holder in self._holders:
                self._holders.remove(holder)
                if not self._holders:
                    blas.set_threads(self._before)

    def forget(self, blas: Blas | None) -> None:
        """Undo every `enter`: of threads that were not there after a fork."""
        self._lock = threading.Lock()
        if self._holders and blas is not None:
            blas.set_threads(self._before)
        self._holders.clear()

    def threads(self, blas: Blas) -> int:
        """Return how many threads BLAS has when nobody holds it back."""
        with self._lock:
            return self._before if self._holders else blas.get_threads()


#: for the one BLAS that NumPy has
ONE_THREAD = OneThread()
# In a process that was forked off nobody else computes.
os.register_at_fork(after_in_child=lambda: ONE_THREAD.forget(find_blas()))


def _address(library: ctypes.CDLL, name: str) -> int:
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    except AttributeError:
        return 0
