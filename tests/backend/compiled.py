"""Compiled code in tests: run kernels and programs with it, on any number of threads."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from fastnn.backend.compiled.executor import CompiledExecutable
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.engine import compiled_status
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Apply, Instruction, Program

needs_compiler = pytest.mark.skipif(bool(compiled_status()), reason=compiled_status() or "-")


class Compiled(CpuBackend):
    """The CPU with every program compiled, for so many threads."""

    def __init__(self, threads: int) -> None:
        super().__init__("compiled")
        self.threads = threads

    def compile(self, program: Program, runs: int = 1) -> CompiledExecutable:
        return CompiledExecutable(program, self.threads)


def run(instructions: Sequence[Instruction], threads: int = 1, times: int = 1) -> None:
    """Compile and run these instructions."""
    CompiledExecutable(Program(tuple(instructions), {}), threads).run(times)


def compute(
    functions: Sequence[Callable[..., Any]], args: Sequence[np.ndarray], dtype: Any
) -> list[np.ndarray]:
    """Return each function of the same arguments, as compiled code computes it."""
    shape = np.broadcast_shapes(*(a.shape for a in args))
    outs = [np.full(shape, 777.0, dtype) for _ in functions]
    run(
        [
            Apply(Kernel(f"f{i}", f), tuple(args), (out,))
            for i, (f, out) in enumerate(zip(functions, outs, strict=True))
        ]
    )
    return outs
