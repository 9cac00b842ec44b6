"""Parity: a device does what the CPU does, from the same seed.

What is drawn at random must be the same to the last bit: initial weights, the rows of every
mini-batch, dropout masks. Sums may be taken in another order, so that 200 steps of training agree
within a tolerance.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.program import Recorder
from fastnn.backend.protocols import Backend
from fastnn.backend.random import generator
from fastnn.data.batches import epoch_order
from fastnn.nn.initializers import INITIALIZERS
from fastnn.nn.network import Network, network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data
from fastnn.proofs.proof import Proof, deviation, proof

FloatArray = npt.NDArray[np.float64]

DTYPES = ("float64", "float32")
SEED = 0
#: The training: 1000 examples in batches of 96 and a last one of 40, for 200 steps and the rest of
#: an epoch.
N_EXAMPLES, BATCH, STEPS, RATE = 1000, 96, 200, 0.001
#: How far costs and parameters may be apart after it, relative to the largest.
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


def parity(backend: Backend) -> Iterator[Proof]:
    """Compare a device with NumPy, one `Proof` after the other.

    >>> [found.largest_error for found in parity(CpuBackend())]
    [0.0, 0.0, 0.0, 0.0, 0.0]
    """
    yield prove_weights(backend)
    yield prove_batches(backend)
    yield prove_masks(backend)
    for dtype in DTYPES:
        yield prove_training(backend, dtype)


def different_bits(found: Any, expected: Any) -> float:
    """Return the share of elements whose bits differ; 1 where shape or dtype do.

    >>> different_bits(np.array([1.0, 0.0]), np.array([1.0, -0.0]))
    0.5
    """
    a, b = np.ascontiguousarray(found), np.ascontiguousarray(expected)
    if a.shape != b.shape or a.dtype != b.dtype:
        return 1.0
    bits = f"u{a.itemsize}"
    return float(np.mean(a.view(bits) != b.view(bits))) if a.size else 0.0


def prove_weights(backend: Backend) -> Proof:
    """Compare the initial parameters, bit for bit, with every initialiser.

    >>> prove_weights(CpuBackend()).passed
    True
    """
    net, errors = network([7, 33, 5, 3]), {}
    for dtype in DTYPES:
        for name in INITIALIZERS.names:
            there, here = (_drawn(where, net, dtype, name) for where in (backend, CpuBackend()))
            errors[f"{name}, {dtype}"] = different_bits(there, here)
    return proof("initial weights", "NumPy, all bits", backend.device, errors, 0.0)


def _drawn(backend: Backend, net: Network, dtype: str, initializer: object = None) -> Any:
    p = Parameters(net, backend, dtype)
    initialize(net, p, backend, initializer=initializer, seed=SEED)
    return backend.host(p.theta)


def prove_batches(backend: Backend) -> Proof:
    """Compare the rows that the steps of an epoch gather, bit for bit.

    >>> prove_batches(CpuBackend()).passed
    True
    """
    errors = {}
    for dtype in DTYPES:
        for n, m, width in ((1, 1, 1), (10, 1, 3), (1000, 128, 33), (100, 7, 784)):
            values = generator(SEED, "check").standard_normal((n, width)).astype(dtype)
            order = epoch_order(n, SEED, 1)
            position = backend.zeros((1,), np.int64)
            rows = backend.empty((m, width), dtype)
            xp = Recorder()
            xp.gather(backend.array(values), backend.array(order), position, out=rows)
            xp.advance(position, m)
            step, worst = backend.compile(xp.program()), 0.0
            for start in range(0, n - m + 1, m):
                step.run()
                expected = values[order[start : start + m]]
                worst = max(worst, different_bits(backend.host(rows), expected))
            errors[f"{m} of {n} rows of {width}, {dtype}"] = worst
    return proof("mini-batches", "NumPy, all bits", backend.device, errors, 0.0)


def prove_masks(backend: Backend) -> Proof:
    """Compare the numbers behind dropout masks, bit for bit, whole and in micro-batches.

    >>> prove_masks(CpuBackend()).passed
    True
    """
    errors = {}
    for n, m in ((1, 1), (5, 3), (33, 127), (10, 1024)):
        for step in (0, 10**9):
            there, here = (_uniforms(where, n, m, step) for where in (backend, CpuBackend()))
            errors[f"({n}, {m}) at step {step}"] = max(
                different_bits(a, b) for a, b in zip(there, here, strict=True)
            )
    return proof("dropout masks", "NumPy, all bits", backend.device, errors, 0.0)


def _uniforms(backend: Backend, n: int, m: int, step: int) -> list[Any]:
    """The numbers of layer 1 of the whole batch, and of layer 2 of its last two thirds."""
    whole = backend.empty((n, m), np.float32)
    part = backend.empty((n, m - m // 3), np.float32)
    xp, counter = Recorder(), backend.array(np.array([step]))
    xp.uniform(SEED, 1, counter, out=whole)
    xp.uniform_columns(SEED, 2, counter, backend.array(np.array([m // 3])), m, out=part)
    backend.compile(xp.program()).run()
    return [backend.host(whole), backend.host(part)]


def prove_training(backend: Backend, dtype: str) -> Proof:
    """Compare costs and parameters of 200 steps of training.

    >>> prove_training(CpuBackend(), "float32").passed
    True
    """
    errors = {}
    for name, (net, rule, options) in _trainings().items():
        there, here = (
            _trained(where, net, rule, dtype, options) for where in (backend, CpuBackend())
        )
        errors[name] = max(deviation(a, b) for a, b in zip(there, here, strict=True))
    subject = f"{STEPS} steps, {dtype}"
    return proof(subject, "NumPy", backend.device, errors, TOLERANCE[dtype])


def _trainings() -> dict[str, tuple[Network, str, dict[str, Any]]]:
    """Every kind of instruction, in a few trainings."""
    classes: dict[str, Any] = {"loss_function": "categorical_crossentropy"}
    sizes = [20, 32, 16, 4]
    return {
        "classes, dropout, Adam": (
            network(sizes, activation="tanh", dropout=0.3, **classes), "adam", {"clip_norm": 1.0}
        ),
        "classes, batch normalisation, momentum": (
            network(sizes, activation="relu", batch_normalization="before", **classes),
            "momentum", {"l2": 0.1},
        ),
        "regression, RMSprop": (network(sizes, activation="gelu"), "rmsprop", {"l2": 0.1}),
        "micro-batches, dropout, Adam": (
            network(sizes, activation="silu", dropout=0.3, **classes), "adam",
            {"micro_batch_size": 40},
        ),
    }  # fmt: skip


def _trained(
    backend: Backend, net: Network, rule: str, dtype: str, options: dict[str, Any]
) -> tuple[FloatArray, FloatArray]:
    """Return the costs of all steps, and the parameters."""
    random = generator(SEED, "check")
    X = random.standard_normal((N_EXAMPLES, net.sizes[0]))
    Y = np.tanh(X[:, : net.sizes[-1]])
    if net.loss.link == "softmax":
        Y = np.argmax(Y, axis=1, keepdims=True).astype(np.float64)
    data = Data(backend.array(X, dtype), backend.array(Y, dtype))
    p = Parameters(net, backend, dtype)
    initialize(net, p, backend, seed=SEED)
    plan = TrainingPlan(backend, net, p, optimizer(rule), data, BATCH, seed=SEED, **options)
    rates = np.full(plan.n_steps, RATE)
    epochs = range(-(-STEPS // plan.n_steps))
    costs = [plan.run_epoch(epoch_order(N_EXAMPLES, SEED, epoch), rates) for epoch in epochs]
    return np.concatenate(costs), np.array(backend.host(p.theta), np.float64)
