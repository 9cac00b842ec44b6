"""Training in loops: one step on a batch, and an epoch of them (N25 to N27)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fastnn.reference.functions import Matrix, Named, named
from fastnn.reference.network import (
    Masks,
    Matrices,
    Network,
    Norms,
    activated,
    backward,
    cost,
    forward,
)
from fastnn.reference.normalization import track
from fastnn.reference.optimizers import OPTIMIZERS, Moments


def clip_factor(gradients: Matrices, clip_norm: float) -> float:
    """Return ``min(1, clip / norm)``, the norm over all numbers of all gradients together.

    >>> clip_factor([[[3.0]], [[4.0]]], clip_norm=1.0)
    0.2
    """
    norm = math.sqrt(sum(g * g for G in gradients for row in G for g in row))
    return clip_norm / norm if norm > clip_norm else 1.0


@dataclass
class Training:
    """A run: the network, its numbers, the optimiser with its moments, the steps taken so far.

    ``norms``: the batch normalisation of each layer, or None; empty without.

    >>> net = Network(["identity"], "squared_error")
    >>> Training(net, [[[1.0]]], [[[0.0]]], "momentum", rate=0.1).steps
    0
    """

    network: Network
    W: list[Matrix]
    b: list[Matrix]
    optimizer: Named
    rate: float
    clip_norm: float = math.inf
    steps: int = 0
    moments: dict[tuple[str, int, int, int], Moments] = field(default_factory=dict)
    norms: Norms = ()


def train_step(
    run: Training,
    X: Matrix,
    Y: Matrix,
    weights: Matrix | None = None,
    masks: Masks | None = None,
    n_train: int | None = None,
) -> float:
    """Take one step on one batch, in place, and return the cost before it (N25).

    Weight decay (adamw) holds for W only: like the penalties it leaves biases, gammas and betas
    alone. The running estimates of batch normalisation follow the batch.

    >>> net = Network(["identity"], "squared_error")
    >>> run = Training(net, [[[2.0]]], [[[0.0]]], "gradient_descent", rate=0.1)
    >>> train_step(run, X=[[3.0]], Y=[[1.0]]), run.W, run.b
    (12.5, [[[0.5]]], [[[-0.5]]])
    """
    Z, A = forward(run.network, run.W, run.b, X, masks, run.norms)
    J = cost(run.network, run.W, Z, A, Y, weights, n_train)
    _, dW, db = backward(run.network, run.W, Z, A, Y, weights, masks, n_train, run.norms)
    normalized = [norm for norm in run.norms if norm]
    trained: list[tuple[str, Matrices, Matrices]] = [("W", run.W, dW), ("b", run.b, db)]
    # A list of numbers is a matrix of one row: the row is changed in place.
    trained.append(("gamma", [[n.gamma] for n in normalized], [[n.dgamma] for n in normalized]))
    trained.append(("beta", [[n.beta] for n in normalized], [[n.dbeta] for n in normalized]))
    factor = clip_factor([G for _, _, gradients in trained for G in gradients], run.clip_norm)
    name, constants = named(run.optimizer)
    run.steps += 1
    for kind, parameters, gradients in trained:
        if name == "adamw" and kind != "W":
            constants = {**constants, "weight_decay": 0.0}
        for l, P in enumerate(parameters):
            for i, row in enumerate(P):
                for k, p in enumerate(row):
                    g, moments = factor * gradients[l][i][k], run.moments.get((kind, l, i, k))
                    row[k], run.moments[kind, l, i, k] = OPTIMIZERS[name](
                        p, g, moments or (0.0, 0.0), run.steps, run.rate, **constants
                    )
    for l, norm in enumerate(run.norms):
        if norm:
            before = norm.place == "before"
            track(Z[l] if before else activated(run.network.activations[l], Z[l]), norm)
    return J


def train_epoch(
    run: Training,
    X: Matrix,
    Y: Matrix,
    batches: Sequence[Sequence[int]],
    weights: Matrix | None = None,
    masks: Callable[[int, int], Masks] | None = None,
) -> list[float]:
    """Take a step on each batch, a list of example numbers, and return the costs (N26).

    ``masks(step, batch_size)`` gives the dropout masks of a step, counted from 1. One batch of
    all examples is batch gradient descent, batches of one are stochastic (N27).

    >>> net = Network(["identity"], "squared_error")
    >>> run = Training(net, [[[2.0]]], [[[0.0]]], "gradient_descent", rate=0.1)
    >>> train_epoch(run, X=[[3.0, 0.0]], Y=[[1.0, 0.5]], batches=[[0], [1]])
    [12.5, 0.5]
    """
    return [
        train_step(
            run,
            _take(X, batch),
            _take(Y, batch),
            None if weights is None else _take(weights, batch),
            None if masks is None else masks(run.steps + 1, len(batch)),
            n_train=len(X[0]),
        )
        for batch in batches
    ]


def _take(M: Matrix, columns: Sequence[int]) -> Matrix:
    return [[row[j] for j in columns] for row in M]
