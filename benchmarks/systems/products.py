"""The floor: the matrix products of a step alone, by NumPy's BLAS with all threads."""

from __future__ import annotations

import numpy as np

from benchmarks.networks import Case
from benchmarks.systems import Trained


def prepare(case: Case) -> Trained:
    """Return what multiplies as often as an epoch does."""
    random = np.random.default_rng(0)
    made = [
        (
            random.standard_normal((n, k), dtype=np.float32),
            random.standard_normal((k, m), dtype=np.float32),
            np.empty((n, m), np.float32),
        )
        for n, k, m in case.products()
    ]

    def epoch() -> None:
        for _ in range(case.n_steps):
            for a, b, out in made:
                np.dot(a, b, out=out)

    return Trained(epoch)
