"""PyTorch with ``torch.compile``."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.networks import Case
from benchmarks.systems import pytorch


def prepare(case: Case) -> Callable[[], None]:
    """Return the function that trains one epoch."""
    return pytorch.prepare(case, compiled=True)
