"""The twin of a training in the plain loops of `fastnn.reference`, with the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from fastnn import reference
from fastnn.backend.random import PURPOSES
from fastnn.nn.network import Network
from fastnn.nn.optimizers import OptimizerRule
from fastnn.nn.parameters import Parameters

_NORM = ("gamma", "beta", "mean", "variance")


def loop_twin(
    network: Network,
    parameters: Parameters,
    optimizer: OptimizerRule,
    rate: float,
    *,
    l2: float = 0.0,
    l1: float = 0.0,
    clip: float | None = None,
) -> reference.Training:
    """Return the same training in loops; ``parameters`` are on the host.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> from fastnn.nn.optimizers import optimizer
    >>> net = network([1, 1])
    >>> p = Parameters(net, CpuBackend(), "float64")
    >>> loop_twin(net, p, optimizer("sgd"), rate=0.1).W
    [[[0.0]]]
    """
    norms: list[reference.BatchNorm | None] = []
    for l, rule in enumerate(network.batch_norm, start=1):
        if rule is None:
            norms.append(None)
            continue
        numbers = {name: getattr(parameters.norms[l], name)[:, 0].tolist() for name in _NORM}
        numbers |= {"momentum": rule.momentum, "epsilon": rule.epsilon}
        norms.append(reference.BatchNorm(rule.place, **numbers))
    activations = [(g.name, g.options) for g in network.activations]
    loss = (network.loss.name, network.loss.options)
    return reference.Training(
        reference.Network(activations, loss, l2, l1),
        [W.tolist() for W in parameters.W],
        [b.tolist() for b in parameters.b],
        (optimizer.name, optimizer.options),
        rate,
        math.inf if clip is None else clip,
        norms=norms,
    )


def numbers_of_both(
    parameters: Parameters, twin: reference.Training
) -> Iterator[tuple[npt.NDArray[np.floating], npt.NDArray[np.float64]]]:
    """Return each array of the parameters with that of the twin."""
    for found, loops in zip([*parameters.W, *parameters.b], [*twin.W, *twin.b], strict=True):
        yield found, np.array(loops)
    for l, norm in parameters.norms.items():
        for name in _NORM:
            yield getattr(norm, name)[:, 0], np.array(getattr(twin.norms[l - 1], name))


def loop_masks(
    network: Network, seed: int
) -> Callable[[int, int], list[reference.Matrix | None]] | None:
    """Return the dropout masks of a step (from 1) by the textbook's own random numbers, or None."""
    if not any(network.dropout):
        return None

    def masks(step: int, m: int) -> list[reference.Matrix | None]:
        found: list[reference.Matrix | None] = [None]
        for l, rate in enumerate(network.dropout[:-1], start=1):
            n = network.sizes[l]
            U = reference.uniform32(seed, [step - 1, l, PURPOSES["dropout"]], n * m)
            rows = [U[i * m : (i + 1) * m] for i in range(n)]
            found.append(reference.dropout_mask(rows, rate) if rate else None)
        return found

    return masks
