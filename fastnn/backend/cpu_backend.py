"""The CPU: NumPy as the array module, programs run by NumPy or as compiled code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.engine import ENGINES, executable, stacked_executable
from fastnn.backend.host.arrays import check_on_host, to_host
from fastnn.backend.host.feed import CpuFeed
from fastnn.backend.host.memory import free_memory
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy.elementwise import run_kernel
from fastnn.backend.program import Array, Program, check_operands, reads, writes
from fastnn.backend.protocols import Executable
from fastnn.backend.stack import Stack
from fastnn.registry import one_of


class CpuBackend:
    """Computes at once on NumPy arrays. ``out`` may be left out: a new array is returned.

    >>> xp = CpuBackend()
    >>> A, B = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])
    >>> xp.dot(A, B)
    array([[11.]])
    >>> xp.apply(Kernel("relu", lambda z: np.maximum(z, 0.0)), np.array([-1.0, 2.0]))
    array([0., 2.])

    ``engine`` runs recorded programs: "numpy", "compiled" (extra ``jit``), or "auto".
    """

    device = "cpu"
    xp = np

    def __init__(self, engine: str = "numpy") -> None:
        self.engine = one_of("engine", engine, ENGINES)

    def dot(self, a: Array, b: Array, *, out: Array = None) -> Array:
        check_on_host(a, b)
        return np.dot(a, b, out=out)

    def apply(self, kernel: Kernel, *args: Array, out: Any = None) -> Any:
        check_on_host(*args)
        if out is None:
            shape = np.broadcast_shapes(*(a.shape for a in args))
            made = tuple(np.empty(shape, args[0].dtype) for _ in range(kernel.n_outputs))
            out = made if len(made) > 1 else made[0]
        outs = out if isinstance(out, tuple) else (out,)
        check_operands(kernel.name, args, outs)
        run_kernel(kernel.graph, args, outs)
        return out

    def sum(self, a: Array, *, axis: int | None, keepdims: bool = True, out: Array = None) -> Array:
        check_on_host(a)
        return np.sum(a, axis=axis, keepdims=keepdims, out=out)

    def max(self, a: Array, *, axis: int | None, keepdims: bool = True, out: Array = None) -> Array:
        check_on_host(a)
        return np.max(a, axis=axis, keepdims=keepdims, out=out)

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        return np.empty(shape, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        return np.zeros(shape, dtype)

    def array(self, values: Any, dtype: npt.DTypeLike | None = None) -> Array:
        return np.ascontiguousarray(to_host(values), dtype=dtype)

    def host(self, array: Array) -> np.ndarray[Any, Any]:
        return np.asarray(to_host(array))

    def copy(self, source: Array, out: Array) -> None:
        np.copyto(out, to_host(source))

    def finite(self, array: Array, axis: int | None = None) -> Any:
        return np.isfinite(array).all(axis=axis)

    def feed(self, targets: Sequence[Array]) -> CpuFeed:
        return CpuFeed(targets)

    def compile(self, program: Program, runs: int = 1) -> Executable:
        for i in program.instructions:
            check_on_host(*reads(i), *writes(i))
        return executable(program, self.engine, runs)

    def compile_stacked(self, program: Program, stack: Stack, runs: int = 1) -> Executable:
        return stacked_executable(program, stack, self.engine, runs)

    def synchronize(self) -> None:
        """Nothing runs behind the caller's back on the CPU."""

    def free_memory(self) -> int:
        return free_memory()
