"""JAX with the whole epoch in one ``lax.scan``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from benchmarks.networks import Case
from benchmarks.systems.jax_step import make_step


def prepare(case: Case) -> Callable[[], None]:
    """Return the function that trains one epoch."""
    step, state, X, y = make_step(case)

    def whole(state: Any, X: Any, y: Any, order: Any) -> Any:
        return jax.lax.scan(lambda s, rows: (step(s, X, y, rows), None), state, order)[0]

    jitted = jax.jit(whole, donate_argnums=0)
    random = np.random.default_rng(0)

    def epoch() -> None:
        nonlocal state
        order = random.permutation(case.n_rows).reshape(case.n_steps, case.batch)
        state = jax.block_until_ready(jitted(state, X, y, order))

    return epoch
