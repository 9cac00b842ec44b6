"""What is trained: networks and batch sizes, with made-up data in memory, or Fashion-MNIST."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

BATCH_SIZES = (16, 32, 64, 128, 256, 512, 1024, 4096)
FLOAT = 4  # bytes
#: An epoch has as many steps as take the products about this long at this speed, within limits.
EPOCH_SECONDS, FLOPS, MOST_STEPS, FEWEST_STEPS = 0.05, 1e11, 300, 3

Arrays = tuple[npt.NDArray[np.float32], npt.NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """A network, its loss and activation, a batch size, and the seed of all that is drawn."""

    name: str
    sizes: tuple[int, ...]
    activation: str  # "relu" or "tanh"
    loss: str  # "categorical_crossentropy" or "squared_error"
    batch: int
    seed: int = 0

    @property
    def label(self) -> str:
        return f"{self.name}:{self.batch}"

    @property
    def shape(self) -> str:
        """The network in words."""
        return f"{'-'.join(map(str, self.sizes))}, {self.activation}"

    @property
    def n_rows(self) -> int:
        """Enough for a measurable epoch, a multiple of the batch size."""
        if self.name == FASHION:
            return 60_000
        flops = sum(2 * n * k * m for n, k, m in self.products())
        steps = round(EPOCH_SECONDS * FLOPS / flops)
        return max(FEWEST_STEPS, min(MOST_STEPS, steps)) * self.batch

    @property
    def n_steps(self) -> int:
        return self.n_rows // self.batch

    @property
    def n_parameters(self) -> int:
        return sum((k + 1) * n for k, n in zip(self.sizes[:-1], self.sizes[1:], strict=True))

    def data(self) -> Arrays:
        """Return X (N, n_0) float32 and class indices (N,) int64 or targets (N, K) float32."""
        if self.name == FASHION:
            return fashion_mnist()[0]
        random = np.random.default_rng(0)
        X = random.standard_normal((self.n_rows, self.sizes[0]), dtype=np.float32)
        if self.loss == _CROSS:
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

    def bytes_moved(self) -> int:
        """Return the bytes that a step with Adam must read and write, however it is written.

        Each parameter and its two moments are read and written once; the batch's rows are read;
        what a hidden unit gives is written on the way forward and read on the way back. Anything
        else (gradients, deltas, logits) could stay in registers.
        """
        parameters = 6 * self.n_parameters
        rows = self.batch * (self.sizes[0] + (1 if self.loss == _CROSS else self.sizes[-1]))
        hidden = 2 * self.batch * sum(self.sizes[1:-1])
        return FLOAT * (parameters + rows + hidden)

    def memory(self) -> int:
        """Return about how many bytes a system needs to train it: data, parameters, activations."""
        rows = self.n_rows * (self.sizes[0] + self.sizes[-1])
        return FLOAT * (2 * rows + 8 * self.n_parameters + 6 * self.batch * sum(self.sizes))


FASHION = "fashion"
_CROSS = "categorical_crossentropy"
NETWORKS: dict[str, tuple[tuple[int, ...], str, str, tuple[int, ...]]] = {
    "A": ((784, 512, 256, 10), "relu", _CROSS, BATCH_SIZES),
    "B": ((32, 64, 64, 2), "relu", _CROSS, BATCH_SIZES),
    "C": ((784, 100, 10), "relu", _CROSS, BATCH_SIZES),
    "D": ((64, 1024, 1024, 1), "relu", "squared_error", BATCH_SIZES),
    "E": ((28, 300, 300, 300, 300, 300, 2), "tanh", _CROSS, (100,)),
    "F": ((4, 32, 16, 4), "tanh", "squared_error", (10_000,)),
    FASHION: ((784, 256, 128, 10), "relu", _CROSS, (100,)),
}
#: Scaling, at a batch of 128: two hidden layers of each width, and each depth of 64 units.
WIDTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)
DEPTHS = (1, 2, 4, 8, 16, 32)
SCALING_BATCH = 128


def case(label: str, seed: int = 0) -> Case:
    """Return the case of a label such as ``"A:128"``; ``"W256:128"`` is a width, ``"L8:128"`` a
    depth.

    >>> case("B:32").sizes, case("W256:128").sizes, case("L3:128").sizes
    ((32, 64, 64, 2), (64, 256, 256, 10), (64, 64, 64, 64, 10))
    """
    name, _, batch = label.partition(":")
    if name in NETWORKS:
        sizes, activation, loss, _ = NETWORKS[name]
        found = Case(name, sizes, activation, loss, int(batch))
    else:
        n = int(name[1:])
        hidden = {"W": (n, n), "L": (64,) * n}[name[:1]]
        found = Case(name, (64, *hidden, 10), "relu", _CROSS, int(batch))
    if found.batch < 1 or min(found.sizes) < 1:
        raise ValueError(label)
    return replace(found, seed=seed)


def all_cases() -> list[Case]:
    """Return the networks A to F at each of their batch sizes."""
    return [
        case(f"{name}:{batch}")
        for name, row in NETWORKS.items()
        for batch in row[3]
        if name != FASHION
    ]


def scaling_cases() -> list[Case]:
    """Return every width, then every depth."""
    names = [f"W{n}" for n in WIDTHS] + [f"L{n}" for n in DEPTHS]
    return [case(f"{name}:{SCALING_BATCH}") for name in names]


@cache
def fashion_mnist() -> tuple[Arrays, Arrays]:
    """Return (X, classes) of the 60,000 and of the 10,000 images; pixels from 0 to 1."""
    from fastnn.datasets.fashion_mnist import load_fashion_mnist

    found = load_fashion_mnist()
    assert found.test is not None  # the published test part
    table, target = found.test
    return (_pixels(found.table), found.target), (_pixels(table), target)


def _pixels(table: Any) -> npt.NDArray[np.float32]:
    return np.asarray(table.numeric / np.float32(255), np.float32)
