"""Weights to start from, and the seed of everything else that is random."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.backend.protocols import Backend
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters, initialize


def draw_weights(
    network: Network,
    parameters: Parameters,
    backend: Backend,
    *,
    initializer: object,
    logistic: bool,
    random: np.random.RandomState,
) -> None:
    """Fill the parameters, by ``initializer`` or, if that is None, as scikit-learn does.

    scikit-learn draws weights and biases of a layer uniformly from [-r, r],
    ``r = sqrt(6 / (n_in + n_out))``, with 2 for 6 if the hidden layers are ``logistic``: the same
    ``random_state`` gives the same numbers here.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> net, xp = network([4, 2]), CpuBackend()
    >>> p = Parameters(net, xp, "float64")
    >>> random = np.random.RandomState(0)
    >>> draw_weights(net, p, xp, initializer=None, logistic=False, random=random)
    >>> bool(np.abs(p.theta).max() <= 1), bool(p.b[0].all())
    (True, True)
    """
    if initializer is not None:
        initialize(network, parameters, backend, initializer=initializer, seed=draw_seed(random))
        return
    initialize(network, parameters, backend, initializer="zero")  # and batch normalisation
    flat = np.array(backend.host(parameters.theta), np.float64)
    for W, b in zip(*parameters.layout.views(flat), strict=True):
        n_out, n_in = W.shape
        r = np.sqrt((2.0 if logistic else 6.0) / (n_in + n_out))
        W[:] = random.uniform(-r, r, (n_in, n_out)).T
        b[:, 0] = random.uniform(-r, r, n_out)
    backend.copy(backend.array(flat, parameters.dtype), parameters.theta)


def draw_seed(random: Any) -> int:
    """Return a seed for fastnn's own streams (order, split, dropout).

    >>> draw_seed(np.random.RandomState(0)) == draw_seed(np.random.RandomState(0))
    True
    """
    return int(random.randint(2**31 - 1))
