"""What is trained: networks and batch sizes, with made-up data in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BATCH_SIZES = (16, 32, 64, 128, 256, 512, 1024, 4096)


@dataclass(frozen=True)
class Case:
    """A network, its loss and activation, and a batch size."""

    name: str
    sizes: tuple[int, ...]
    activation: str  # "relu" or "tanh"
    loss: str  # "categorical_crossentropy" or "squared_error"
    batch: int

    @property
    def label(self) -> str:
        return f"{self.name}:{self.batch}"

    @property
    def n_rows(self) -> int:
        """Enough for a measurable epoch, a multiple of the batch size."""
        return max(4 * self.batch, min(8192, 300 * self.batch)) // self.batch * self.batch

    @property
    def n_steps(self) -> int:
        return self.n_rows // self.batch

    def data(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
        """Return X (N, n_0) float32 and class indices (N,) int64 or targets (N, K) float32."""
        random = np.random.default_rng(0)
        X = random.standard_normal((self.n_rows, self.sizes[0]), dtype=np.float32)
        if self.loss == "categorical_crossentropy":
            return X, random.integers(0, self.sizes[-1], self.n_rows)
        return X, random.standard_normal((self.n_rows, self.sizes[-1]), dtype=np.float32)

    def products(self) -> list[tuple[int, int, int]]:
        """Return (n, k, m) of every matrix product of a step: forward, dW, and dA but the first."""
        found = []
        for l, (k, n) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True)):
            found += [(n, k, self.batch), (n, self.batch, k)]
            if l:
                found.append((k, n, self.batch))
        return found


_CROSS = "categorical_crossentropy"
NETWORKS: dict[str, tuple[tuple[int, ...], str, str, tuple[int, ...]]] = {
    "A": ((784, 512, 256, 10), "relu", _CROSS, BATCH_SIZES),
    "B": ((32, 64, 64, 2), "relu", _CROSS, BATCH_SIZES),
    "C": ((784, 100, 10), "relu", _CROSS, BATCH_SIZES),
    "D": ((64, 1024, 1024, 1), "relu", "squared_error", BATCH_SIZES),
    "E": ((28, 300, 300, 300, 300, 300, 2), "tanh", _CROSS, (100,)),
    "F": ((4, 32, 16, 4), "tanh", "squared_error", (10_000,)),
}


def case(label: str) -> Case:
    """Return the case of a label such as ``"A:128"``.

    >>> case("B:32").sizes
    (32, 64, 64, 2)
    """
    name, _, batch = label.partition(":")
    sizes, activation, loss, _ = NETWORKS[name]
    return Case(name, sizes, activation, loss, int(batch))


def all_cases() -> list[Case]:
    """Return every network at each of its batch sizes."""
    return [case(f"{name}:{batch}") for name, row in NETWORKS.items() for batch in row[3]]
