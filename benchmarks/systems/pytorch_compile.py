"""PyTorch with ``torch.compile``."""

from __future__ import annotations

from benchmarks.networks import Case
from benchmarks.systems import Trained, pytorch


def prepare(case: Case) -> Trained:
    """Return the network, ready to be trained."""
    return pytorch.prepare(case, compiled=True)
