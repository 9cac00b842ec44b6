"""Microseconds per training step, eager and captured, beside the floor and PyTorch."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from benchmarks.gpu_check import counts, floors, peer
from benchmarks.gpu_check.report import Report, Speed
from fastnn.backend.random import generator
from fastnn.backend.shim import Backend
from fastnn.nn.memory import training_memory
from fastnn.nn.network import Network, network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data

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
#: Examples on the device, at least; a larger mini-batch needs more.
ROWS = 16384
#: What one case takes, in seconds, with its data, its compilation and its peers: a guess.
CASE = 6.0


def section(modes: dict[str, Backend], report: Report) -> None:
    """Measure every network at every batch size, for as long as there is time."""
    backend = modes["eager"]
    speed_of_copy = floors.bandwidth(backend)
    launch = floors.empty_launches(backend)
    report.machine["bytes per second"] = round(speed_of_copy)
    report.machine["empty launch, microseconds"] = {k: round(1e6 * v, 2) for k, v in launch.items()}
    for m in BATCHES:
        for name in NETWORKS:
            if report.time_left() < CASE:
                report.left_out.append(f"speed of {name} x {m}: no time was left")
                continue
            case(modes, report, name, m, speed_of_copy, launch)


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
    N = max(2 * m, ROWS)
    needed = training_memory(net, rule, N, m, "float32").total
    free = modes["eager"].free_memory()
    if needed > 0.45 * free:  # PyTorch keeps as much beside it
        report.left_out.append(f"speed of {name} x {m}: it needs {needed:,} of {free:,} free bytes")
        return
    X, Y = examples(net, N)
    for mode, backend in modes.items():
        made = plan(backend, net, X, Y, m)
        floor, bound = step_floor(backend, made, speed_of_copy, launch[mode])
        taken = floors.seconds(epoch(made), backend.synchronize) / made.n_steps
        report.speeds.append(
            Speed(name, m, f"fastnn {mode}", round(1e6 * taken, 2), round(1e6 * floor, 2), bound)
        )
        del made
        _release()
    if importlib.util.find_spec("torch") is None:
        if "PyTorch is not installed" not in report.left_out:
            report.left_out.append("PyTorch is not installed")
        return
    for system, step, wait in peer.steps(sizes, loss, X, Y, m, modes["eager"].device):
        taken = floors.seconds(step, wait)
        report.speeds.append(Speed(name, m, system, round(1e6 * taken, 2)))


def step_floor(
    backend: Backend, made: TrainingPlan, speed_of_copy: float, launch: float
) -> tuple[float, str]:
    """Return the largest of three lower limits of a step in seconds, and which one it is."""
    program = made.program
    launches, dots = counts.work(backend, program)
    limits = {
        "products": floors.products(backend, program),
        "bytes": floors.moved_bytes(program) / speed_of_copy,
        "launches": (launches + dots) * launch,
    }
    bound = max(limits, key=lambda name: limits[name])
    return limits[bound], bound


def examples(net: Network, n: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return X (n, n_0) and Y as the loss wants it, float32."""
    random = generator(0, "check")
    X = random.standard_normal((n, net.sizes[0]), dtype=np.float32)
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
    """Give back the memory that CuPy keeps, for PyTorch in the same process."""
    import cupy

    cupy.get_default_memory_pool().free_all_blocks()
