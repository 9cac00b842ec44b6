"""What a training step asks of the driver: launches, products, and no memory at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.gpu_check.programs import CLASSES, plan
from benchmarks.gpu_check.report import Check, Report
from fastnn.backend.program import Dot, Program
from fastnn.backend.protocols import Backend
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.plan import TrainingPlan

SIZES, M, STEPS = [784, 256, 128, 10], 128, 50
#: One eager step of 784-256-128-10 with Adam.
MOST_LAUNCHES, PRODUCTS = 17, 8


def section(backend: Backend, report: Report) -> None:
    """Count what 50 steps of the usual network allocate, and what one of them launches."""
    net = network(SIZES, **CLASSES)
    made = plan(backend, net, optimizer("adam"), M, M * STEPS, "float32", weighted=False)
    order, rates = np.arange(M * STEPS), np.full(STEPS, 0.001)
    made.run_epoch(order, rates)
    launches, products = work(backend, made.program)
    report.checks.append(Check("counts", "launches of a step", launches, MOST_LAUNCHES))
    report.checks.append(Check("counts", "products of a step", products, PRODUCTS))
    few = allocations(lambda: made.run_epoch(order, rates, 1))
    many = allocations(lambda: made.run_epoch(order, rates, STEPS))
    report.checks.append(
        Check("counts", f"allocations of {STEPS - 1} more steps", float(many - few), 0.0)
    )
    report.checks.append(Check("counts", "weights that are not finite", _not_finite(made), 0.0))


def work(backend: Any, program: Program) -> tuple[int, int]:
    """Return how many launches and how many products a GPU's backend makes of a program."""
    found = backend.prepare(program.instructions)
    products = sum(isinstance(one, Dot) for one in found)
    return len(found) - products, products


def allocations(work: Callable[[], Any]) -> int:
    """Return how often ``work()`` asks CuPy's memory pool for memory."""
    import cupy

    class Counting(cupy.cuda.MemoryHook):  # type: ignore[misc, name-defined]
        name = "fastnn counts"
        n = 0

        def malloc_preprocess(self, **_: Any) -> None:
            self.n += 1

    with Counting() as hook:
        work()
    return int(hook.n)


def _not_finite(made: TrainingPlan) -> float:
    return float(np.sum(~np.isfinite(made.backend.host(made.parameters.theta))))
