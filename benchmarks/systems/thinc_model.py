"""Thinc."""

from __future__ import annotations

import numpy as np
from thinc.api import Adam, Linear, Relu, chain, fix_random_seed

from benchmarks.networks import Case
from benchmarks.systems import Trained


def prepare(case: Case) -> Trained:
    """Return the network, ready to be trained."""
    fix_random_seed(case.seed)
    X, y = case.data()
    pairs = list(zip(case.sizes[:-1], case.sizes[1:], strict=True))
    if case.activation != "relu":
        raise ValueError(f"Thinc has no {case.activation} layer")
    model = chain(
        *(Relu(nI=k, nO=n, dropout=None) for k, n in pairs[:-1]),
        Linear(nI=pairs[-1][0], nO=pairs[-1][1]),
    )
    model.initialize(X=X[:2])
    optimizer = Adam(0.001, grad_clip=0.0, use_averages=False, L2=0.0)
    random = np.random.default_rng(case.seed)
    cross = case.loss == "categorical_crossentropy"
    Y = np.eye(case.sizes[-1], dtype=np.float32)[y] if cross else y

    def epoch() -> None:
        order = random.permutation(case.n_rows)
        for start in range(0, case.n_rows, case.batch):
            rows = order[start : start + case.batch]
            z, backprop = model.begin_update(X[rows])
            if cross:
                e = np.exp(z - z.max(axis=1, keepdims=True))
                z = e / e.sum(axis=1, keepdims=True)
            backprop((z - Y[rows]) / case.batch)
            model.finish_update(optimizer)

    return Trained(epoch, model.predict, model.predict)
