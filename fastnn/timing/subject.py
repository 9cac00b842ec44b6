"""A thing that is timed: the same computation in plain loops and as a recorded program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array, Recorder
from fastnn.backend.protocols import Backend

FloatArray = npt.NDArray[np.float64]
#: What a kernel works on, by name, examples as columns.
Inputs = dict[str, FloatArray]
#: Runs once and returns what it computed, as nested lists.
Loop = Callable[[], Sequence[Any]]
#: Notes a kernel's calls and returns the arrays that it leaves; the last two arguments are its
#: inputs on the device and a maker of zeros there.
Record = Callable[[Recorder, dict[str, Array], Callable[..., Array]], Sequence[Array]]

#: Programs are made ready for so many runs: compiling them always pays.
RUNS = 1_000_000


@dataclass(frozen=True)
class Vectorised:
    """A program made ready on one backend.

    ``run(n)`` executes it n times and waits for the end; ``results()`` is what it left.
    """

    run: Callable[[int], None]
    results: Callable[[], list[FloatArray]]


@dataclass(frozen=True)
class Subject:
    """One row of the comparison.

    ``loop(m)`` and ``vectorised(backend, m, dtype)`` prepare it for m examples. ``per_batch`` is
    False where the batch size makes no difference.

    >>> from fastnn.backend.backend import get_backend
    >>> from fastnn.backend.kernel import Kernel
    >>> double = Kernel("double", lambda x: x + x)
    >>> twice = kernel("example", "twice", "2 x m", lambda m: {"X": np.ones((2, m))},
    ...     loop=lambda X: [[[x + x for x in row] for row in X]],
    ...     record=lambda xp, a, new: [xp.apply(double, a["X"], out=new(*a["X"].shape))])
    >>> twice.loop(1)()
    [[[2.0], [2.0]]]
    >>> ready = twice.vectorised(get_backend("cpu", "numpy"), 1, "float32")
    >>> ready.run(1)
    >>> ready.results()[0].tolist()
    [[2.0], [2.0]]
    """

    kind: str  # "activation"
    name: str  # "tanh"
    size: str  # "256 units"
    loop: Callable[[int], Loop]
    vectorised: Callable[[Backend, int, npt.DTypeLike], Vectorised]
    per_batch: bool = True


def kernel(
    kind: str,
    name: str,
    size: str,
    inputs: Callable[[int], Inputs],
    *,
    loop: Callable[..., Sequence[Any]],
    record: Record,
    per_batch: bool = True,
) -> Subject:
    """Return the subject of a kernel: its inputs, the loop over them, and its recorded calls."""

    def prepare_loop(m: int) -> Loop:
        lists = {name: values.tolist() for name, values in inputs(m).items()}
        return lambda: loop(**lists)

    def prepare(backend: Backend, m: int, dtype: npt.DTypeLike) -> Vectorised:
        xp = Recorder()
        arrays = {name: backend.array(v, dtype) for name, v in inputs(m).items()}

        def new(*shape: int) -> Array:
            return backend.zeros(shape, dtype)

        outs = record(xp, arrays, new)
        executable = backend.compile(xp.program(), RUNS)

        def run(n: int) -> None:
            executable.run(n)
            backend.synchronize()

        return Vectorised(run, lambda: [np.array(backend.host(out), np.float64) for out in outs])

    return Subject(kind, name, size, prepare_loop, prepare, per_batch)
