"""Every kernel against NumPy in float64: outputs poisoned before, and twice, for equal bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.gpu_check.programs import programs
from benchmarks.gpu_check.report import Check, Report
from benchmarks.gpu_check.twin import Twin, arrays_of, overlap
from fastnn.backend.numpy.executor import NumpyExecutable
from fastnn.backend.program import (
    Advance,
    Apply,
    Array,
    Dot,
    Instruction,
    Program,
    Reduce,
    Store,
    Uniform,
    UniformColumns,
    reads,
    writes,
)
from fastnn.backend.protocols import Backend
from fastnn.proofs.proof import deviation

DTYPES = ("float64", "float32")
#: Of one kernel on the same inputs; TF32 would be 1e-3 off in a matrix product.
KERNEL = {"float64": 1e-12, "float32": 1e-5}
#: Of a whole step whose kernels may be fused, against its kernels one by one.
STEP = {"float64": 1e-10, "float32": 1e-3}

Values = list[tuple[Array, np.ndarray[Any, Any]]]


def section(backend: Backend, report: Report) -> None:
    """Check every kernel of every program, and every program as a whole."""
    for dtype in DTYPES:
        found, seen = Found(), set[Any]()
        for name, program in programs(backend, dtype):
            if any(_key(i) not in seen for i in program.instructions):
                check_program(backend, program, name, seen, found)
        for what, errors, allowed in (
            (f"kernels, {dtype}", found.kernels, KERNEL[dtype]),
            (f"whole steps, {dtype}", found.steps, STEP[dtype]),
            (f"equal bits when repeated, {dtype}", found.bits, 0.0),
        ):
            worst = max(errors, key=lambda label: (errors[label] != errors[label], errors[label]))
            check = Check("kernels", what, errors[worst], allowed, len(errors), worst)
            report.checks.append(check)


@dataclass
class Found:
    """Errors of kernels and of whole steps, and how many elements differ when repeated."""

    kernels: dict[str, float] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    bits: dict[str, float] = field(default_factory=dict)


def check_program(
    backend: Backend, program: Program, name: str, seen: set[Any], found: Found
) -> None:
    """Run a program kernel by kernel, each new one against float64; then whole, against that.

    ``seen``: what is the same to the compiler as an earlier kernel is only run. The state is then
    what it was.
    """
    written = _written(program)
    start = _values(backend, written)
    _restore(backend, start, _fresh(program))
    for i in program.instructions:
        if _key(i) not in seen:
            seen.add(_key(i))
            label = f"{_name(i)} {_shapes(i)} in {name} (case {len(seen)})"
            found.kernels[label], found.bits[label] = check_instruction(backend, i)
        backend.compile(Program((i,), {})).run()
    one_by_one = _values(backend, written)
    _put(backend, start)
    first, second = repeated(backend, program)
    error = max(deviation(a, b) for (_, a), (_, b) in zip(first, one_by_one, strict=True))
    found.steps[name] = max(found.steps.get(name, 0.0), error)
    found.bits[name] = max(found.bits.get(name, 0.0), _unequal(first, second))


def check_instruction(backend: Backend, i: Instruction) -> tuple[float, float]:
    """Run one instruction; return its error and how many repeated elements differ in a bit."""
    uniforms = [a for a in arrays_of(i) if a.dtype == np.float32 and _others_are_float64(i)]
    if isinstance(i, Uniform | UniformColumns):
        uniforms = [i.out]
    twin = Twin(backend, arrays_of(i), uniforms)
    same = twin.instruction(i)
    NumpyExecutable(Program((same,), {})).run()
    first, second = repeated(backend, Program((i,), {}))
    error = max(deviation(values, twin.of(array)) for array, values in first)
    return error / _cancelled(same), _unequal(first, second)


def _cancelled(i: Instruction) -> float:
    """Return how much larger the terms of a sum are than the sum: its rounding is theirs."""
    if isinstance(i, Dot):
        terms, out = np.abs(i.a) @ np.abs(i.b), i.out
    elif isinstance(i, Reduce) and i.how == "sum":
        terms, out = np.abs(i.a).sum(axis=i.axis, keepdims=True), i.out
    else:
        return 1.0
    largest = float(np.abs(out).max(initial=0.0)) or 1.0
    return max(1.0, float(terms.max(initial=0.0)) / largest)


def repeated(backend: Backend, program: Program) -> tuple[Values, Values]:
    """Run a program twice from the same state, what it makes anew poisoned before.

    The state is then what it was.
    """
    executable, written = backend.compile(program), _written(program)
    start, fresh = _values(backend, written), _fresh(program)
    results = []
    for _ in range(2):
        _restore(backend, start, fresh)
        executable.run()
        results.append(_values(backend, written))
    _put(backend, start)
    return results[0], results[1]


def _written(program: Program) -> list[Array]:
    return [out for i in program.instructions for out in writes(i)]


def _fresh(program: Program) -> list[Array]:
    """Outputs whose old content no instruction reads: they may hold anything before."""
    fresh: list[Array] = []
    read: list[Array] = []
    for i in program.instructions:
        read += reads(i)
        if isinstance(i, Advance | Store):
            read += writes(i)
        fresh += [out for out in writes(i) if not any(overlap(out, r) for r in read)]
    return fresh


def _values(backend: Backend, arrays: Sequence[Array]) -> Values:
    return [(a, np.array(backend.host(a))) for a in arrays]


def _put(backend: Backend, values: Values) -> None:
    for array, old in values:
        backend.copy(old, array)


def _restore(backend: Backend, start: Values, fresh: Sequence[Array]) -> None:
    """Bring the old values back, and NaN to where they must not matter."""
    _put(backend, start)
    for array in fresh:
        poison = np.nan if array.dtype.kind == "f" else -1
        backend.copy(np.full(array.shape, poison, array.dtype), array)


def _unequal(first: Values, second: Values) -> float:
    """The number of elements whose bits differ."""
    return float(
        sum(
            np.sum(a.view(f"u{a.itemsize}") != b.view(f"u{a.itemsize}"))
            for (_, a), (_, b) in zip(first, second, strict=True)
        )
    )


def _others_are_float64(i: Instruction) -> bool:
    """Whether float32 is not the dtype of the training: then it is that of uniform numbers."""
    return any(a.dtype == np.float64 for a in arrays_of(i))


def _key(i: Instruction) -> Any:
    """What makes two instructions the same to the compiler and to cuBLAS."""
    arrays = tuple((str(a.dtype), a.shape, a.strides) for a in arrays_of(i))
    kernel = str(i.kernel) if isinstance(i, Apply) else None
    how = (i.how, i.axis) if isinstance(i, Reduce) else None
    return type(i).__name__, kernel, how, arrays


def _name(i: Instruction) -> str:
    return i.kernel.name if isinstance(i, Apply) else type(i).__name__.lower()


def _shapes(i: Instruction) -> str:
    return ", ".join(str(tuple(a.shape)) for a in arrays_of(i))
