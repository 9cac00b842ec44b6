"""NumPy or compiled code: which runs a program on the CPU, and on how many threads.

The choice depends on the program and on how often it will run, never on a measurement: the same
training gives the same numbers every time.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from fastnn.backend.compiled.executor import CompiledExecutable
from fastnn.backend.compiled.llvm_engine import NotCompilableError, llvmlite_problem
from fastnn.backend.compiled.object_cache import ObjectCache, cache_folder
from fastnn.backend.compiled.stacked import StackedCompiledExecutable
from fastnn.backend.host.blas import NO_BLAS, ONE_THREAD, find_blas
from fastnn.backend.numpy.executor import NumpyExecutable
from fastnn.backend.numpy.products import parts
from fastnn.backend.numpy.stacked import InTurn, StackedNumpyExecutable
from fastnn.backend.program import Apply, Dot, Program
from fastnn.backend.stack import Stack
from fastnn.errors import ArgumentError, arg

ENGINES = ("auto", "numpy", "compiled")
CpuExecutable: TypeAlias = NumpyExecutable | CompiledExecutable
StackedExecutable: TypeAlias = StackedNumpyExecutable | InTurn | StackedCompiledExecutable
C = TypeVar("C", bound=CpuExecutable | StackedExecutable)
N = TypeVar("N", bound=CpuExecutable | StackedExecutable)

# What compiled code saves, in seconds: a call from Python for each NumPy function, and a pass
# over memory for each operation, by the bytes that it makes. Measured on one core; rather too low.
_CALL = 0.55e-6
_BYTE = 0.03e-9
# What it costs to start: loading llvmlite, preparing an instruction, and compiling the kernels.
_LOAD = 0.03
_INSTRUCTION = 0.4e-3
_KERNELS = 0.3
# Multiplications of a compiled step that are worth another thread, which is awake all through it.
_WORTH_A_THREAD = 4e6
# At a barrier every thread waits for every other; more of them were never measured.
_MOST_THREADS = 8


def compiled_status() -> str:
    """Return an empty string if compiled code can run here, else the reason and the remedy.

    >>> compiled_status() == "" or "llvmlite" in compiled_status() or "BLAS" in compiled_status()
    True
    """
    return llvmlite_problem() or ("" if find_blas() else NO_BLAS)


def kernel_cache() -> dict[str, Any]:
    """Return where machine code of kernels is kept, how many bytes, and why not if it is not.

    >>> sorted(kernel_cache())
    ['bytes', 'folder', 'problem']
    """
    cache = ObjectCache(cache_folder())
    folder = None if cache.folder is None else str(cache.folder)
    return {"folder": folder, "bytes": cache.size(), "problem": cache.problem() or None}


def executable(program: Program, engine: str, runs: int) -> CpuExecutable:
    """Return the program ready to run ``runs`` times.

    "auto" compiles where that is possible and saves more than the `cost`. "compiled" raises
    ArgumentError, with the reason, where it is not possible.

    >>> made = executable(Program((), {}), "auto", runs=1000)
    >>> made.choice.engine, made.choice.reason.startswith("auto: compiling would cost")
    ('numpy', True)
    """
    return _chosen(
        program, engine, runs,
        lambda: CompiledExecutable(program, threads_for(program)),
        lambda: NumpyExecutable(program, most_threads()),
    )  # fmt: skip


def stacked_executable(program: Program, stack: Stack, engine: str, runs: int) -> StackedExecutable:
    """Return the program ready to run ``runs`` times for every network of a stack.

    The engine is the one that `executable` takes for one network, whose ``runs`` are not counted
    for each of the stack: the numbers are then those of a network that is trained alone. Those of
    the two engines differ by more than 1e-6 after some thousand steps in float32.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> stack = Stack(CpuBackend(), seeds=[0, 1])
    >>> stacked_executable(Program((), {}), stack, "numpy", runs=1).choice.reason
    "engine='numpy' was asked for"
    """
    return _chosen(
        program, engine, runs,
        lambda: StackedCompiledExecutable(program, stack, most_threads()),
        lambda: _stacked_by_numpy(program, stack),
    )  # fmt: skip


def _stacked_by_numpy(program: Program, stack: Stack) -> StackedNumpyExecutable | InTurn:
    """All networks at once; one after the other where threads would be left without one."""
    # Threads take whole networks where there are enough of them: then they never wait. With fewer
    # networks than a product has parts, all threads work on one network after the other.
    threads = most_threads()
    products = [i for i in program.instructions if isinstance(i, Dot)]
    if len(stack) < max((len(parts(i, threads)) for i in products), default=1):
        networks = [stack.alone(program, g) for g in range(len(stack))]
        return InTurn([NumpyExecutable(own, threads) for own in networks])
    return StackedNumpyExecutable(program, stack, threads)


def _chosen(
    program: Program, engine: str, runs: int, compiled: Callable[[], C], by_numpy: Callable[[], N]
) -> C | N:
    """Return what one of the two functions makes, by the rules of `executable`; it says why."""
    # What cannot be compiled is an error only for who asked for it.
    worth, reason = engine == "compiled", f"engine={engine!r} was asked for"
    if engine == "auto":
        worth, reason = _worth_compiling(program, runs)
    if worth:
        try:
            return _said(compiled(), reason)
        except NotCompilableError as error:
            if engine == "compiled":
                problem = f"{arg('engine', 'compiled')} cannot be used: {error}"
                raise ArgumentError(problem) from error
            reason = f"auto: {error}"
    return _said(by_numpy(), reason)


def _said(made: C, reason: str) -> C:
    made.choice = replace(made.choice, reason=reason)
    return made


def _worth_compiling(program: Program, runs: int) -> tuple[bool, str]:
    """Return whether to compile for so many runs, and in words why."""
    saved, costs = runs * saving(program), cost(program)
    spent, won = (f"{float(f'{seconds:.2g}'):g} s" for seconds in (costs, saved))
    if saved <= costs:
        return False, f"auto: compiling would cost about {spent} and save {won}"
    missing = compiled_status()
    if missing:
        return False, f"auto: {missing}"
    return True, f"auto: compiling costs about {spent} and saves {won}"


def saving(program: Program) -> float:
    """Return the seconds that compiled code saves in one run, by estimate.

    >>> saving(Program((), {}))
    0.0
    """
    seconds = 0.0
    for i in program.instructions:
        operations, size = 1, 0
        if isinstance(i, Apply):
            values = i.kernel.graph.values
            operations = sum(v.op not in ("input", "constant") for v in values)
            size = i.outs[0].nbytes
        seconds += operations * (_CALL + size * _BYTE)
    return seconds


def cost(program: Program) -> float:
    """Return the seconds until compiled code runs, by estimate.

    As in a new process: what another training has loaded and compiled must not change the choice.
    Kernels are taken to be on disk already, if they are kept there: each is compiled once.

    >>> cost(Program((), {})) > 0
    True
    """
    kept = not ObjectCache(cache_folder()).problem()
    return _LOAD + len(program) * _INSTRUCTION + (0.0 if kept else _KERNELS)


def threads_for(program: Program) -> int:
    """Return how many threads a step is worth: at most one per core, and as many as BLAS has.

    >>> threads_for(Program((), {}))
    1
    """
    work = sum(i.work for i in program.instructions if isinstance(i, Dot))
    return max(1, min(most_threads(), math.ceil(work / _WORTH_A_THREAD)))


def most_threads() -> int:
    """Return how many threads a program may use.

    >>> 1 <= most_threads() <= available_threads()
    True
    """
    return min(available_threads(), _MOST_THREADS)


def available_threads() -> int:
    """Return how many threads may be used: one per core, and as many as BLAS has.

    >>> available_threads() >= 1
    True
    """
    # Not what BLAS has at this moment: another training may hold it to one thread, and then this
    # one would be shared out in another way, with other bits. Without a BLAS that can be held,
    # threads of ours and its own would fight for the cores.
    blas = find_blas()
    most = ONE_THREAD.threads(blas) if blas else 1
    return max(1, min(most, len(os.sched_getaffinity(0))))
