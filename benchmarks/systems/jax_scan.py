"""JAX with the whole epoch in one ``lax.scan``."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from benchmarks.networks import Case
from benchmarks.systems import Trained
from benchmarks.systems.jax_step import make_step, predictor


def prepare(case: Case) -> Trained:
    """Return the network, ready to be trained."""
    step, state, X, y = make_step(case)

    def whole(state: Any, X: Any, y: Any, order: Any) -> Any:
        return jax.lax.scan(lambda s, rows: (step(s, X, y, rows), None), state, order)[0]

    jitted = jax.jit(whole, donate_argnums=0)
    random = np.random.default_rng(case.seed)

    def epoch() -> None:
        nonlocal state
        order = random.permutation(case.n_rows).reshape(case.n_steps, case.batch)
        state = jax.block_until_ready(jitted(state, X, y, order))

    predict = predictor(case)
    return Trained(epoch, *(2 * [lambda rows: np.asarray(predict(state[0], rows))]))
