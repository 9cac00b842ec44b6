"""JAX with a jitted training step; Adam written out, as in its own examples."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.networks import Case
from benchmarks.systems import Trained


def make_step(case: Case) -> tuple[Any, Any, Any, Any]:
    """Return (step, state, X, y); ``step(state, X, y, rows)`` is not yet jitted."""
    X, y = (jnp.asarray(v) for v in case.data())
    keys = jax.random.split(jax.random.key(case.seed), len(case.sizes) - 1)
    shapes = zip(case.sizes[:-1], case.sizes[1:], strict=True)
    params = [
        (jax.random.normal(key, (k, n)) * np.sqrt(2 / k).astype(np.float32), jnp.zeros(n))
        for key, (k, n) in zip(keys, shapes, strict=True)
    ]

    def cost(params: Any, rows: Any, targets: Any) -> Any:
        z = logits(case, params, rows)
        if case.loss == "categorical_crossentropy":
            chosen = jnp.take_along_axis(jax.nn.log_softmax(z), targets[:, None], axis=1)
            return -chosen.mean()
        return 0.5 * ((z - targets) ** 2).sum(axis=1).mean()

    def step(state: Any, X: Any, y: Any, rows: Any) -> Any:
        params, V, S, t = state
        d = jax.grad(cost)(params, X[rows], y[rows])
        t = t + 1
        V = jax.tree.map(lambda v, g: 0.9 * v + 0.1 * g, V, d)
        S = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, S, d)
        rate, correct = 0.001 / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
        params = jax.tree.map(
            lambda p, v, s: p - rate * v / (jnp.sqrt(s) * correct + 1e-8), params, V, S
        )
        return params, V, S, t

    V, S = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
    return step, (params, V, S, jnp.float32(0)), X, y


def logits(case: Case, params: Any, rows: Any) -> Any:
    """Return the outputs before the loss."""
    g = jax.nn.relu if case.activation == "relu" else jnp.tanh
    a = rows
    for W, b in params[:-1]:
        a = g(a @ W + b)
    return a @ params[-1][0] + params[-1][1]


def predictor(case: Case) -> Any:
    """Return a jitted ``predict(params, rows)``."""
    return jax.jit(lambda params, rows: logits(case, params, rows))


def prepare(case: Case) -> Trained:
    """Return the network, ready to be trained."""
    step, state, X, y = make_step(case)
    jitted = jax.jit(step, donate_argnums=0)
    random = np.random.default_rng(case.seed)

    def epoch() -> None:
        nonlocal state
        order = random.permutation(case.n_rows)
        for start in range(0, case.n_rows, case.batch):
            state = jitted(state, X, y, order[start : start + case.batch])
        jax.block_until_ready(state)

    predict = predictor(case)
    return Trained(epoch, *(2 * [lambda rows: np.asarray(predict(state[0], rows))]))
