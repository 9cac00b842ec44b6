"""How an epoch is divided into mini-batches, and a mini-batch, if need be, into micro-batches.

A mini-batch takes several passes where its activations do not fit into the memory at once.
The cost and the gradient of a mini-batch are sums over its examples, already divided by m (see
`nn.output`). So they are also the sums over its *micro-batches*: the first of them writes
``dtheta`` and ``J``, the others add theirs, and then comes the update, once for the mini-batch.
Dropout masks are the columns that the whole mini-batch would have had, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastnn.backend.kernel import Kernel
from fastnn.backend.protocols import EngineChoice, Executable
from fastnn.errors import ArgumentError, arg
from fastnn.nn.network import Network

add = Kernel("add", lambda total, part: total + part)


def parts_of(network: Network, micro: int, batch_size: int) -> int | None:
    """Return the size of the micro-batches, or None if a mini-batch is one.

    Raises ArgumentError for batch normalisation, whose means are those of the whole mini-batch.

    >>> from fastnn.nn.network import network
    >>> parts_of(network([3, 1]), 16, 64), parts_of(network([3, 1]), 64, 64)
    (16, None)
    """
    if micro >= batch_size:
        return None
    if any(network.normalized):
        raise ArgumentError(
            f"{arg('micro_batch_size', micro)} of {batch_size}: batch normalisation needs the "
            "mean over "
            f"the whole mini-batch; use a smaller {arg('batch_size')} instead"
        )
    return int(micro)


def mini_batches(network: Network, n_examples: int, batch_size: int) -> tuple[int, int, int]:
    """Return the batch size, how many such batches there are, and the size of the last one or 0.

    With batch normalisation, one example that is left joins the batch before.

    >>> from fastnn.nn.network import network
    >>> mini_batches(network([3, 1]), 10, 3)
    (3, 3, 1)
    >>> mini_batches(network([3, 2, 1], batch_normalization="before"), 10, 3)
    (3, 2, 4)
    """
    m = min(batch_size, n_examples)
    full, rest = divmod(n_examples, m)
    if any(network.normalized):
        if m == 1:
            alone = n_examples == 1
            what = "one example" if alone else arg("batch_size", 1)
            cure = "give more examples" if alone else f"use a {arg('batch_size')} of 2 or more"
            raise ArgumentError(
                f"batch normalisation cannot train with {what}: the variance over a batch of one "
                f"example is 0; {cure}"
            )
        if rest == 1:
            return (m, full - 1, m + 1) if full > 1 else (m + 1, 1, 0)
    return m, full, rest


@dataclass(frozen=True)
class Micro:
    """``runs`` micro-batches of ``m`` examples, of which the ``first`` writes, the others add."""

    m: int
    runs: int
    first: bool


def micro_batches(m: int, size: int) -> list[Micro]:
    """Return how a mini-batch of ``m`` examples is gone through, at most ``size`` at a time.

    >>> for part in micro_batches(10, 3):  # 3 + 3 + 3 + 1
    ...     print(part)
    Micro(m=3, runs=1, first=True)
    Micro(m=3, runs=2, first=False)
    Micro(m=1, runs=1, first=False)
    """
    whole, rest = divmod(m, size)
    found = [
        Micro(min(size, m), 1, True),
        Micro(size, whole - 1, False),
        Micro(rest, 1 if whole else 0, False),
    ]
    return [part for part in found if part.runs > 0 and part.m > 0]


@dataclass(frozen=True, eq=False)
class AccumulatedStep:
    """One step, made of programs: those of the micro-batches, then that of the update."""

    parts: Sequence[tuple[Executable, int]]
    update: Executable

    @property
    def choice(self) -> EngineChoice:
        """What runs the first of them."""
        return self.parts[0][0].choice

    def run(self, n: int = 1) -> None:
        """Take ``n`` steps."""
        for _ in range(n):
            for executable, runs in self.parts:
                executable.run(runs)
            self.update.run()
