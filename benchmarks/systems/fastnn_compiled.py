"""fastnn, its steps compiled (extra ``jit``)."""

from __future__ import annotations

from benchmarks.networks import Case
from benchmarks.systems import Trained, fastnn_numpy


def prepare(case: Case) -> Trained:
    """Return the network, ready to be trained."""
    return fastnn_numpy.prepare(case, "compiled")
