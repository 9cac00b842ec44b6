"""fastnn, its steps compiled (extra ``jit``)."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.networks import Case
from benchmarks.systems import fastnn_numpy


def prepare(case: Case) -> Callable[[], None]:
    """Return the function that trains one epoch."""
    return fastnn_numpy.prepare(case, "compiled")
