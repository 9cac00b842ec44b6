"""Captured steps against eager ones: 1,000 replays, foreign allocations in between, equal bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.gpu_check.programs import CLASSES, plan
from benchmarks.gpu_check.report import Check, Report
from fastnn.backend.protocols import Backend
from fastnn.backend.random import generator
from fastnn.data.batches import epoch_order
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer

REPLAYS = 1000


def backends(device: str) -> dict[str, Backend]:
    """Return a GPU's backend that launches every kernel, and the one that captures steps."""
    from fastnn.backend.cuda.executor import CudaBackend

    index = int(device.removeprefix("cuda:"))
    return {
        "eager": CudaBackend(index, capture="never"),
        "captured": CudaBackend(index, capture="always"),
    }


def section(chosen: dict[str, Backend], report: Report, replays: int = REPLAYS) -> None:
    """Compare costs and weights of ``replays`` captured steps with as many eager ones."""
    net = network([30, 64, 32, 5], activation="tanh", dropout=0.2, **CLASSES)
    found = {name: trained(backend, net, replays) for name, backend in chosen.items()}
    for what, k in (("costs", 0), ("weights", 1)):
        a, b = found["eager"][k], found["captured"][k]
        unequal = float(np.sum(a != b)) if a.shape == b.shape else float("inf")
        label = f"{what} of {replays} replays"
        report.checks.append(Check("capture", label, unequal, 0.0, replays))


def trained(backend: Backend, net: Any, steps: int) -> tuple[np.ndarray[Any, Any], ...]:
    """Train for so many steps, in epochs of ten and a ragged one, and return costs and weights.

    Between epochs somebody else takes device memory, fills it with NaN and gives it back: a step
    that works on memory which is no longer its own would not stay as it is.
    """
    made = plan(backend, net, optimizer("adam"), 32, 10 * 32 + 7, "float32", clip_norm=1.0)
    random, costs, taken = generator(1, "check"), [], []
    for epoch in range(-(-steps // made.n_steps)):
        order = epoch_order(len(made.data), 0, epoch)
        rates = np.full(made.n_steps, 0.01 / (1 + epoch))  # another rate in every epoch
        costs.append(made.run_epoch(order, rates))
        for n in random.integers(1, 10**6, size=5):
            foreign = backend.empty((int(n),), "float32")
            backend.copy(np.full(int(n), np.nan, np.float32), foreign)
            taken.append(foreign)
        taken = taken[-7:]
    return np.concatenate(costs), np.array(backend.host(made.parameters.theta))
