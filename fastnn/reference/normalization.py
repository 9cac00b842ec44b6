"""Batch normalisation in loops: one unit after the other, over the examples of the batch.

Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from fastnn.reference.functions import Column, Matrix


@dataclass
class BatchNorm:
    """The batch normalisation of one layer: ``place`` is "before" or "after" its activation.

    gamma, beta and the running mean and variance have a number for each unit; ``dgamma`` and
    ``dbeta`` are where `normalize_backward` leaves their gradients.

    >>> BatchNorm("after", gamma=[1.0], beta=[0.0], mean=[0.0], variance=[1.0]).momentum
    0.99
    """

    place: str
    gamma: Column
    beta: Column
    mean: Column
    variance: Column
    momentum: float = 0.99
    epsilon: float = 1e-3
    dgamma: Column = field(default_factory=list)
    dbeta: Column = field(default_factory=list)


def moments(row: Column) -> tuple[float, float]:
    """Return mean and (biased) variance of one unit over the examples.

    >>> moments([1.0, 3.0])
    (2.0, 1.0)
    """
    m = len(row)
    mu = sum(row) / m
    return mu, sum((z - mu) ** 2 for z in row) / m


def standardized(row: Column, epsilon: float) -> tuple[Column, float]:
    """Return ``zhat = (z - mu) / sqrt(s2 + epsilon)`` of a row, and ``1 / sqrt(s2 + epsilon)``.

    >>> standardized([1.0, 3.0], epsilon=3.0)
    ([-0.5, 0.5], 0.5)
    """
    mu, s2 = moments(row)
    inverse = 1 / math.sqrt(s2 + epsilon)
    return [(z - mu) * inverse for z in row], inverse


def normalize(M: Matrix, norm: BatchNorm) -> Matrix:
    """Return ``gamma zhat + beta``, in training: by mean and variance of the batch.

    >>> normalize([[1.0, 3.0]], BatchNorm("before", [2.0], [5.0], [0.0], [1.0], epsilon=3.0))
    [[4.0, 6.0]]
    """
    return [
        [gamma * zhat + beta for zhat in standardized(row, norm.epsilon)[0]]
        for row, gamma, beta in zip(M, norm.gamma, norm.beta, strict=True)
    ]


def normalize_by_estimates(M: Matrix, norm: BatchNorm) -> Matrix:
    """Return ``gamma zhat + beta`` by the running mean and variance: for predictions.

    >>> norm = BatchNorm("before", [2.0], [5.0], mean=[1.0], variance=[3.0], epsilon=1.0)
    >>> normalize_by_estimates([[1.0, 3.0]], norm)
    [[5.0, 7.0]]
    """
    return [
        [
            norm.gamma[i] * (z - norm.mean[i]) / math.sqrt(norm.variance[i] + norm.epsilon)
            + norm.beta[i]
            for z in row
        ]
        for i, row in enumerate(M)
    ]


def normalize_backward(M: Matrix, dY: Matrix, norm: BatchNorm) -> Matrix:
    """Return the gradient of ``M`` from that of `normalize`; leave dgamma and dbeta in ``norm``.

    ``dz = gamma / sqrt(s2 + epsilon) (dy - 1/m sum dy - zhat 1/m sum dy zhat)``; the gradients of
    gamma and beta are means over the batch, as dW and db are (N14).

    >>> norm = BatchNorm("before", [2.0], [5.0], [0.0], [1.0], epsilon=3.0)
    >>> normalize_backward([[1.0, 3.0]], [[0.0, 2.0]], norm)  # 2 * 0.5 * (-+1 +- 0.5 * 0.5)
    [[-0.75, 0.75]]
    >>> norm.dgamma, norm.dbeta
    ([0.5], [1.0])
    """
    dM: Matrix = []
    norm.dgamma, norm.dbeta = [], []
    for row, dy_row, gamma in zip(M, dY, norm.gamma, strict=True):
        zhat, inverse = standardized(row, norm.epsilon)
        m = len(row)
        mean_dy = sum(dy_row) / m
        mean_product = sum(dy * z for dy, z in zip(dy_row, zhat, strict=True)) / m
        dM.append(
            [
                gamma * inverse * (dy - mean_dy - z * mean_product)
                for dy, z in zip(dy_row, zhat, strict=True)
            ]
        )
        norm.dgamma.append(mean_product)
        norm.dbeta.append(mean_dy)
    return dM


def track(M: Matrix, norm: BatchNorm) -> None:
    """Move the running estimates towards mean and variance of the batch.

    >>> norm = BatchNorm("before", [1.0], [0.0], mean=[0.0], variance=[1.0], momentum=0.75)
    >>> track([[1.0, 5.0]], norm)
    >>> norm.mean, norm.variance  # 0.25 * 3, 0.75 * 1 + 0.25 * 4
    ([0.75], [1.75])
    """
    for i, row in enumerate(M):
        mu, s2 = moments(row)
        norm.mean[i] = norm.momentum * norm.mean[i] + (1 - norm.momentum) * mu
        norm.variance[i] = norm.momentum * norm.variance[i] + (1 - norm.momentum) * s2
