"""The comparison: every subject at every batch size, in loops, in NumPy, compiled, on a GPU."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastnn.backend.backend import get_backend
from fastnn.backend.cuda.availability import cuda_status
from fastnn.backend.engine import compiled_status
from fastnn.backend.protocols import Backend
from fastnn.errors import ArgumentError, FastnnError, arg
from fastnn.registry import did_you_mean
from fastnn.timing.clock import time_calls
from fastnn.timing.kernels import kernels
from fastnn.timing.steps import training_step
from fastnn.timing.subject import Subject

BATCH_SIZES = (1, 16, 32, 64, 128, 256, 512, 1024, 4096)
#: Examples of the data set: the full batch.
FULL = 10_000
#: Examples that a loop is timed on first, to foresee how long a larger batch takes.
FEW = 16
COLUMNS = ("loop", "NumPy", "compiled", "GPU")
DTYPE = "float32"


@dataclass(frozen=True)
class Timed:
    """One cell: seconds per call, one for each repeat, or why there are none.

    ``batch``: examples in the batch; None where the batch size makes no difference.

    >>> Timed("loss", "poisson", "10 outputs", 16, "NumPy", (3e-6, 2e-6)).minimum
    2e-06
    """

    kind: str
    name: str
    size: str
    batch: int | None
    column: str
    seconds: tuple[float, ...] = ()
    reason: str = ""

    @property
    def minimum(self) -> float:
        """The seconds of the fastest repeat; NaN if it was not measured."""
        return min(self.seconds, default=math.nan)


@dataclass(frozen=True)
class Effort:
    """How long to measure: seconds for a vectorised cell, and what a loop may cost at most.

    >>> Effort().repeats
    5
    """

    seconds: float = 0.05
    loop_limit: float = 0.5
    repeats: int = 5


def subjects(
    names: Sequence[str] = (),
    *,
    sizes: tuple[int, ...] = (32, 64, 64, 2),
    units: int = 64,
    full: int = FULL,
) -> list[Subject]:
    """Return the training step and the kernels, or those that ``names`` (or kinds) choose.

    >>> [s.name for s in subjects(["dot", "tanh backward"])]
    ['dot product', 'tanh backward']

    Raises ArgumentError for a name that no subject, kind or first word of a name is.
    """
    found = [training_step(sizes, full), *kernels(units)]
    known = list(dict.fromkeys(word for s in found for word in _words(s)))
    for name in names:
        if name not in known:
            kinds = ", ".join(dict.fromkeys(s.kind for s in found))
            raise ArgumentError(
                f"{arg('names')}: no kernel is called {name!r}{did_you_mean(name, known)} "
                f"(kinds: {kinds})"
            )
    return [s for s in found if not names or set(names) & set(_words(s))]


def _words(s: Subject) -> tuple[str, str, str]:
    return s.kind, s.name, s.name.split()[0]


def backends() -> dict[str, Backend | str]:
    """Return for each column but the loop its backend, or the reason why it is empty.

    >>> list(backends())
    ['NumPy', 'compiled', 'GPU']
    """
    compiled, cuda = compiled_status(), cuda_status()
    return {
        "NumPy": get_backend("cpu", "numpy"),
        "compiled": compiled or get_backend("cpu", "compiled"),
        "GPU": get_backend("cuda") if cuda.usable else str(cuda),
    }


def compare(
    chosen: Sequence[Subject],
    batch_sizes: Sequence[int] = (*BATCH_SIZES, FULL),
    effort: Effort | None = None,
) -> Iterator[list[Timed]]:
    """Time every subject at every batch size; give the cells of one batch size at a time.

    A loop that would take more than the limit is not run; its cell says what was expected.

    >>> quick = Effort(seconds=0.001, repeats=2)
    >>> [[cell.column for cell in row] for row in compare(subjects(["relu forward"]), [2], quick)]
    [['loop', 'NumPy', 'compiled', 'GPU']]
    """
    effort = effort or Effort()
    places = backends()
    for subject in chosen:
        sizes: Sequence[int | None] = sorted(set(batch_sizes)) if subject.per_batch else [None]
        expected = 0.0  # seconds of a loop over one example
        if sizes and (sizes[0] or 1) > FEW:  # nothing smaller will have been timed
            expected = _loop(subject, FEW, 0.0, effort).minimum / FEW
        for m in sizes:
            row = [_loop(subject, m, expected, effort)]
            if row[0].seconds and m is not None:
                expected = row[0].minimum / m
            row += [_vectorised(subject, m, name, where, effort) for name, where in places.items()]
            yield row


def _loop(subject: Subject, m: int | None, expected: float, effort: Effort) -> Timed:
    about = (subject.kind, subject.name, subject.size, m, "loop")
    limit = effort.loop_limit
    if (seconds := expected * (m or 1)) > limit:
        return Timed(*about, reason=f"not run: about {seconds:.3g} s, the limit is {limit:g} s")
    try:
        once = subject.loop(m or 1)
    except MemoryError as error:
        return Timed(*about, reason=f"not enough memory: {error}")

    def run(n: int) -> None:
        for _ in range(n):
            once()

    found = time_calls(run, seconds=effort.seconds, repeats=effort.repeats, at_most=limit)
    return Timed(*about, tuple(found))


def _vectorised(
    subject: Subject, m: int | None, column: str, where: Backend | str, effort: Effort
) -> Timed:
    about = (subject.kind, subject.name, subject.size, m, column)
    if isinstance(where, str):
        return Timed(*about, reason=where)
    try:
        run = subject.vectorised(where, m or 1, DTYPE).run
        return Timed(*about, tuple(time_calls(run, seconds=effort.seconds, repeats=effort.repeats)))
    except MemoryError as error:
        return Timed(*about, reason=f"not enough memory: {error}")
    except FastnnError as error:
        return Timed(*about, reason=str(error))
