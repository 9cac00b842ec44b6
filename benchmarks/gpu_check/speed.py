"""Microseconds per training step, eager and captured, beside the floor and PyTorch."""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any

import numpy as np

from benchmarks.gpu_check import counts, floors, peer
from benchmarks.gpu_check.report import Report, Speed
from fastnn.backend.protocols import Backend
from fastnn.backend.random import generator
from fastnn.errors import DeviceError
from fastnn.nn.memory import training_memory
from fastnn.nn.network import Network, network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data

Examples = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]

CLASSES, BINARY = "categorical_crossentropy", "binary_crossentropy"
NETWORKS: dict[str, tuple[list[int], str]] = {
    "64-64-10": ([64, 64, 10], CLASSES),
    "784-256-128-10": ([784, 256, 128, 10], CLASSES),
    "784-512-256-10": ([784, 512, 256, 10], CLASSES),
    "28-300x5-1": ([28, *[300] * 5, 1], BINARY),
    "1024x4": ([1024] * 5, "squared_error"),
    "4096x4": ([4096] * 5, "squared_error"),
}
BATCHES = (1, 32, 128, 1024, 8192, 65536)
#: An epoch has at most so many steps, and two mini-batches at least.
STEPS, ROWS = 500, 16384
#: What one case takes, in seconds, with its data, its compilation and its peers: a guess, until
#: one has taken longer.
CASE = 6.0


def section(modes: dict[str, Backend], report: Report) -> None:
    """Measure every network at every batch size, for as long as there is time."""
    backend = modes["eager"]
    speed_of_copy = floors.bandwidth(backend)
    launch = floors.empty_launches(backend)
    report.machine["bytes per second"] = round(speed_of_copy)
    report.machine["empty launch, microseconds"] = {k: round(1e6 * v, 2) for k, v in launch.items()}
    longest = CASE
    for m in BATCHES:
        for name in NETWORKS:
            if report.time_left() < longest:
                report.left_out.append(f"speed of {name} x {m}: no time was left")
                continue
            start = time.perf_counter()
            case(modes, report, name, m, speed_of_copy, launch)
            longest = max(longest, time.perf_counter() - start)
            report.save()  # whatever ends the run, so much is known


def case(
    modes: dict[str, Backend],
    report: Report,
    name: str,
    m: int,
    speed_of_copy: float,
    launch: dict[str, float],
) -> None:
    """Measure one network at one batch size."""
    sizes, loss = NETWORKS[name]
    net, rule = network(sizes, loss_function=loss), optimizer("adam")
    N = max(2 * m, min(ROWS, STEPS * m))
    needed = training_memory(net, rule, N, m, "float32").total
    _release()
    free = modes["eager"].free_memory()
    if needed > 0.45 * free:  # PyTorch keeps as much beside it
        report.left_out.append(f"speed of {name} x {m}: it needs {needed:,} of {free:,} free bytes")
        return
    X, Y = examples(net, N)
    try:
        _ours(modes, report, name, m, (X, Y), speed_of_copy, launch)
    except DeviceError as error:  # too little memory is no wrong number
        report.left_out.append(f"speed of {name} x {m}: {error}")
    _release()
    if importlib.util.find_spec("torch") is None:
        if "PyTorch is not installed" not in report.left_out:
            report.left_out.append("PyTorch is not installed")
        return
    try:
        for system, step, wait in peer.steps(sizes, loss, X, Y, m, modes["eager"].device):
            taken = floors.seconds(step, wait)
            report.speeds.append(Speed(name, m, system, round(1e6 * taken, 2)))
    except Exception as error:  # PyTorch's failure is not ours, but it is said
        reason = " ".join(str(error).split())[:200]
        report.left_out.append(f"PyTorch on {name} x {m}: {type(error).__name__}: {reason}")


def _ours(
    modes: dict[str, Backend],
    report: Report,
    name: str,
    m: int,
    data: Examples,
    speed_of_copy: float,
    launch: dict[str, float],
) -> None:
    """Measure fastnn, eager and captured."""
    sizes, loss = NETWORKS[name]
    limits: dict[str, float] = {}
    for mode, backend in modes.items():
        made = plan(backend, network(sizes, loss_function=loss), *data, m)
        # A graph of the products: one by one, the host would take longer than they do.
        limits = limits or step_limits(modes["captured"], made, speed_of_copy)
        launches = limits["launches"] * launch[mode]
        bound, floor = max({**limits, "launches": launches}.items(), key=lambda item: item[1])
        taken = floors.seconds(epoch(made), backend.synchronize) / made.n_steps
        report.speeds.append(
            Speed(name, m, f"fastnn {mode}", round(1e6 * taken, 2), round(1e6 * floor, 2), bound)
        )
        del made


def step_limits(backend: Backend, made: TrainingPlan, speed_of_copy: float) -> dict[str, float]:
    """Return the seconds of a step's products and of its bytes, and the number of its launches."""
    launches, products = counts.work(backend, made.program)
    return {
        "products": floors.products(backend, made.program),
        "bytes": floors.moved_bytes(made.program) / speed_of_copy,
        "launches": launches + products,
    }


def examples(net: Network, n: int) -> Examples:
    """Return X (n, n_0) and Y as the loss wants it, float32."""
    random = generator(0, "check")
    some = random.standard_normal((min(n, 1000), net.sizes[0]), dtype=np.float32)
    X = np.resize(some, (n, net.sizes[0]))
    K = net.sizes[-1]
    if net.loss.link == "softmax":
        return X, random.integers(K, size=(n, 1)).astype(np.float32)
    return X, random.integers(2, size=(n, K)).astype(np.float32)


def plan(
    backend: Backend,
    net: Network,
    X: np.ndarray[Any, Any],
    Y: np.ndarray[Any, Any],
    m: int,
) -> TrainingPlan:
    """Return a plan of Adam with the data resident."""
    p = Parameters(net, backend, "float32")
    initialize(net, p, backend, seed=0)
    data = Data(backend.array(X), backend.array(Y))
    return TrainingPlan(backend, net, p, optimizer("adam"), data, m)


def epoch(made: TrainingPlan) -> Any:
    """Return a function that trains an epoch."""
    order = generator(0, "shuffle").permutation(len(made.data))
    rates = np.full(made.n_steps, 0.001)
    return lambda: made.run_epoch(order, rates)


def _release() -> None:
    """Give back the memory that CuPy and PyTorch keep: they are in one process."""
    import cupy

    cupy.get_default_memory_pool().free_all_blocks()
    if "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()
