"""How large the batches of a training are, and how many fit into the memory at once (N27)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from fastnn.backend.protocols import Backend
from fastnn.data.batches import SIZES
from fastnn.errors import ArgumentError, DeviceError, arg, warn
from fastnn.nn.memory import TrainingMemory, require_memory, size, training_memory
from fastnn.nn.network import Network
from fastnn.recipe.recipe import Recipe
from fastnn.training.course import Entry

HostArray = npt.NDArray[Any]

#: Rows that are judged at once, if memory allows; else as many as are computed at once.
JUDGED = 1024
#: A choice made here leaves this share of the memory free, for what the closed form leaves out.
RESERVE = 0.05
#: Mini-batches in a block of examples that is sent to the device, if memory allows.
_BLOCKS = (256, 64, 16, 4, 1)


@dataclass(frozen=True)
class Batching:
    """Examples in a mini-batch, computed at once, sent at once (None: all), judged at once."""

    batch_size: int
    micro_batch_size: int
    block_rows: int | None
    judged_rows: int
    needed: TrainingMemory
    said: str = ""

    def say(self) -> None:
        """Warn of what the free memory decided."""
        if self.said:
            warn(self.said, RuntimeWarning)


def choose_batching(
    backend: Backend,
    network: Network,
    examples: Sequence[HostArray | None],
    options: Recipe,
    dtype: npt.DTypeLike,
    present: int = 0,
) -> Batching:
    """Return sizes with which the training fits; raise DeviceError, with the figures, if none do.

    ``examples``: X, Y, and weights or None, on the host; those that the CPU uses where they lie
    are no further need. ``present``: bytes of the parameters, if they are there already.

    What is tried, until it fits: everything at once; on a GPU, examples that are sent there in
    blocks; for ``batch_size="auto"``, the next smaller of the notes' sizes; for
    ``micro_batch_size="auto"``, a gradient that is added up from parts of the mini-batch. All but
    the smaller sizes leave the training what it is.

    >>> import numpy as np
    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.recipe import Recipe
    >>> X, Y = np.zeros((3000, 20)), np.zeros((3000, 1))
    >>> options = Recipe.of(patience=None, batch_size="auto")
    >>> choose_batching(CpuBackend(), network([20, 9, 1]), (X, Y, None), options, "f8").batch_size
    64
    """
    arrays = [v for v in examples if v is not None]
    if backend.device == "cpu":
        present += sum(v.nbytes for v in arrays if v.dtype == dtype and v.flags.c_contiguous)
    free = backend.free_memory() + present
    choice = _Choice(
        network, options, dtype, len(arrays[0]), sum(v.nbytes for v in arrays),
        0 if examples[2] is None else examples[2].shape[1], backend.device, free,
    )  # fmt: skip
    tried: list[Batching] = []
    for sizes in choice.tries():
        tried.append(sizes)
        if sizes.needed.total <= choice.budget:
            return replace(sizes, said=choice.explain(sizes))
    best = min(tried, key=lambda sizes: sizes.needed.total)
    how = ", even with one example at a time," if best.micro_batch_size < best.batch_size else ""
    require_memory(backend, best.needed, present, how)
    return replace(best, said=choice.explain(best))


def batching(backend: Backend, network: Network, entries: Sequence[Entry]) -> Batching:
    """Return the sizes with which networks are trained at once; raise DeviceError if none fit."""
    first = entries[0]
    theta, train = first.parameters.theta, first.train
    present = theta.nbytes if len(entries) == 1 else 0  # else a stack has weights of its own
    examples = (train.X, train.Y, train.w)
    sizes = choose_batching(backend, network, examples, first.options, theta.dtype, present)
    if sizes.block_rows is not None and len(entries) > 1:
        raise DeviceError(
            f"{first.name}: the examples do not fit into the memory of {backend.device}, and many "
            "networks at once need them all there: use train, which sends them in blocks"
        )
    return sizes


def at_once(backend: Backend, network: Network, entries: Sequence[Entry]) -> int:
    """Return how many of the networks fit into the memory together.

    Raises DeviceError, with the figures, if not even one does (N27).
    """
    one, free = batching(backend, network, entries[:1]).needed, backend.free_memory()
    shared = one.data if len({id(e.train.X) for e in entries}) == 1 else 0
    return max(1, min(len(entries), (free - shared) // (one.total - shared)))


@dataclass(frozen=True)
class _Choice:
    """What there is to choose, and from how much memory."""

    network: Network
    options: Recipe
    dtype: npt.DTypeLike
    n_examples: int
    n_bytes: int
    weight_columns: int
    device: str
    free: int

    @property
    def budget(self) -> int:
        return int(self.free * (1 - RESERVE))

    def tries(self) -> Iterator[Batching]:
        """Yield what could be done, the best first, the one that needs least last."""
        m, asked = self.options.batch_size_for(self.n_examples), self.options.micro_batch_size
        if not isinstance(asked, str):
            if m < asked and m < self.n_examples:
                raise ArgumentError(
                    f"{arg('micro_batch_size', asked)} has no effect: a mini-batch has {m} examples"
                )
            yield from (self.sizes(m, min(m, asked), rows) for rows in self.blocks(m))
            return
        yield from (self.sizes(m, m, rows) for rows in self.blocks(m))
        if self.options.batch_size == "auto":
            for smaller in (s for s in reversed(SIZES) if s < m):
                m = smaller
                yield from (self.sizes(m, m, rows) for rows in self.blocks(m))
        if m == 1 or any(self.network.normalized):  # its means are those of whole mini-batches
            return
        for rows in self.blocks(m):
            yield self.sizes(m, self.micro_batch(m, rows), rows)

    def blocks(self, m: int) -> list[int | None]:
        """How many examples may be on the device at a time: all (None), or a GPU's blocks."""
        if self.device == "cpu":
            return [None]
        return [None, *(m * k for k in _BLOCKS if m * k < self.n_examples)]

    def micro_batch(self, m: int, rows: int | None) -> int:
        """Return the fewest equal parts of ``m`` examples that fit, one example if none do."""
        most = bisect_right(
            range(1, m), self.budget, key=lambda micro: self.sizes(m, micro, rows).needed.total
        )
        return -(-m // -(-m // most)) if most else 1

    def sizes(self, m: int, micro: int, rows: int | None) -> Batching:
        """Return these sizes, with what they need."""
        needed = self.needed(m, micro, rows, JUDGED)
        if needed.total <= self.budget or micro >= JUDGED:
            return Batching(m, micro, rows, JUDGED, needed)
        return Batching(m, micro, rows, micro, self.needed(m, micro, rows, micro))

    def needed(self, m: int, micro: int, rows: int | None, judged: int) -> TrainingMemory:
        return training_memory(
            self.network,
            self.options.optimizer,
            self.n_examples,
            m,
            self.dtype,
            micro_batch_size=micro,
            weight_columns=self.weight_columns,
            l1=self.options.l1,
            groups=self.options.groups,
            keeps_best=self.options.patience is not None,
            n_evaluated=self.n_examples,
            evaluated_at_once=judged,
            block_rows=rows,
        )

    def explain(self, chosen: Batching) -> str:
        """Say, with the figures, what the free memory decided; nothing if all is as asked."""
        asked = self.options.batch_size_for(self.n_examples)
        m, micro, rows = chosen.batch_size, chosen.micro_batch_size, chosen.block_rows
        said = []
        if m < asked:
            said.append(f"batch_size='auto' takes {m:,} examples instead of {asked:,}")
        if micro < m and self.options.micro_batch_size == "auto":
            said.append(
                f"the gradient of a mini-batch of {m:,} examples is added up from parts of "
                f"{micro:,}, with the same result but for rounding"
            )
        if rows is not None:
            said.append(
                f"the training examples ({size(self.n_bytes)}) are sent there in blocks of "
                f"{rows:,}, with the same result"
            )
        if not said:
            return ""
        whole = self.needed(asked, asked, None, min(JUDGED, asked)).total
        return (
            f"training would need {size(whole)} on {self.device}, where {size(self.free)} are "
            f"free: {'; '.join(said)}"
        )
