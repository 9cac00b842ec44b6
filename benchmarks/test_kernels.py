"""Every kernel and the training step as pytest-benchmark cases.

    pytest benchmarks/test_kernels.py -k "tanh and 128"
    pytest benchmarks/test_kernels.py --benchmark-autosave       # and later
    pytest benchmarks/test_kernels.py --benchmark-compare

The same subjects as in ``fastnn bench``; a case is a kernel, a batch size and a column. Loops that
would take longer than half a second are skipped with that reason, and so is a column that cannot
be measured here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from fastnn.timing.clock import time_calls
from fastnn.timing.comparison import BATCH_SIZES, COLUMNS, DTYPE, FULL, backends, subjects

LOOP_LIMIT = 0.5
SUBJECTS = {s.name: s for s in subjects()}
CASES = [
    pytest.param(s.name, m, column, id=f"{s.name}-{'any' if m is None else m}-{column}")
    for s in SUBJECTS.values()
    for m in ((*BATCH_SIZES, FULL) if s.per_batch else (None,))
    for column in COLUMNS
]


@cache
def _line(name: str) -> tuple[float, float]:
    """What the loop takes for a step, and for each example of it: to foresee larger batches."""
    one, sixteen = (_fastest(SUBJECTS[name].loop(m)) for m in (1, 16))
    each = max(0.0, (sixteen - one) / 15)
    return one - each, each


def _fastest(once: Callable[[], Any]) -> float:
    return min(time_calls(lambda n: [once() for _ in range(n)], seconds=0.005, repeats=2))


def prepare(name: str, m: int | None, column: str) -> Callable[[], Any]:
    """Return what is timed; skip the case if it cannot or need not be."""
    subject = SUBJECTS[name]
    if column == "loop":
        once, each = _line(name) if m is not None and m > 16 else (0.0, 0.0)
        if (expected := once + each * (m or 1)) > LOOP_LIMIT:
            pytest.skip(f"about {expected:.3g} s a call, the limit is {LOOP_LIMIT} s")
        return subject.loop(m or 1)
    where = backends()[column]
    if isinstance(where, str):
        pytest.skip(where)
    run = subject.vectorised(where, m or 1, DTYPE).run
    return lambda: run(1)


@pytest.mark.parametrize(("name", "m", "column"), CASES)
def test_time(benchmark: Any, name: str, m: int | None, column: str) -> None:
    """Time one case; rows of one kernel and batch size stand together in the table."""
    run = prepare(name, m, column)
    benchmark.group = name if m is None else f"{name}, batch {m}"
    benchmark.extra_info.update(kernel=name, batch=m, column=column, dtype=DTYPE)
    benchmark(run)
