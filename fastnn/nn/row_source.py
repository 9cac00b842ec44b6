"""How the examples reach the device: all at once, or block after block beside the training.

Either way the recorded step gathers its rows from `source` by `order` and `position`, so it is the
same program, and the same numbers result.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array
from fastnn.backend.protocols import Backend
from fastnn.backend.stack import Stack, all_networks
from fastnn.errors import ArgumentError, arg
from fastnn.nn.step import Data

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pool:
    """Data sets of one form, side by side on the device, and which of them each network uses.

    ``X`` (F, N, n_0); ``Y`` (F, N, k); ``w`` (F, N, 1) or (F, N, K), or None.
    """

    X: Array
    Y: Array
    w: Array
    places: tuple[int, ...]

    def on(self, backend: Backend, networks: Sequence[int]) -> Data:
        """Return the data of a network alone, or those that stand for each one's on a stack."""
        places = [self.places[g] for g in networks]

        def chosen(values: Array) -> Array:
            if values is None or not isinstance(backend, Stack):
                return None if values is None else values[places[0]]
            return backend.choose(values, places)

        return Data(chosen(self.X), chosen(self.Y), chosen(self.w))


class Feed(Protocol):
    """Where a step finds its rows, and what must happen before the steps of a block can run."""

    source: Data  # on the device: ``source[order[position + j]]`` is row j of the batch
    order: Array
    position: Array

    def blocks(self, order: IntArray, steps: int, begin: int = 0) -> Generator[int, None, None]:
        """Make the rows of ``steps`` mini-batches ready; yield how many can run each time.

        ``begin``: the place in ``order`` of the first of their rows.
        """


class Resident:
    """All examples lie on the device.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> data = Data(X=np.eye(3), Y=np.zeros((3, 1)))
    >>> feed = Resident(CpuBackend(), data)
    >>> list(feed.blocks(np.array([2, 0, 1]), steps=2)), feed.order
    ([2], array([2, 0, 1]))
    """

    def __init__(self, backend: Backend, data: Data) -> None:
        self._backend = backend
        self.source = data
        self.order = backend.zeros((len(data),), np.int64)
        self.position = backend.zeros((1,), np.int64)

    def blocks(self, order: IntArray, steps: int, begin: int = 0) -> Generator[int, None, None]:
        """Put the order on the device; everything else is there."""
        for values, into in ((order, self.order), (np.array([begin]), self.position)):
            self._backend.copy(values, all_networks(self._backend, into))
        yield steps


class Streamed:
    """The examples stay in main memory; blocks of mini-batches follow each other on the device.

    While the steps of one block run, the host gathers the rows of the next and sends them. A
    block takes ``rows // batch_size`` mini-batches; on a GPU it is there twice, once for the steps
    and once for what arrives. ``joins``: a last row that would be a batch of its own belongs to
    the batch before.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> data = Data(X=np.arange(5.0).reshape(5, 1), Y=np.zeros((5, 1)))
    >>> feed = Streamed(CpuBackend(), data, batch_size=1, rows=2)
    >>> for steps in feed.blocks(np.array([4, 3, 2, 1, 0]), steps=5):
    ...     print(steps, feed.source.X[:steps, 0])
    2 [4. 3.]
    2 [2. 1.]
    1 [0.]
    """

    def __init__(
        self, backend: Backend, data: Data, batch_size: int, rows: int, *, joins: bool = False
    ) -> None:
        if batch_size == len(data):
            raise ArgumentError(
                f"block_rows: {arg('batch_size')} is all {len(data)} examples, and a step needs "
                f"its batch whole; use a smaller {arg('batch_size')}"
            )
        if rows < batch_size or rows % batch_size:
            raise ArgumentError(
                f"{arg('block_rows')} must be a multiple of the batch size {batch_size}, found "
                f"{rows}"
            )
        self._backend, self._batch_size, self._rows = backend, batch_size, rows
        self._n, self._joins = len(data), joins
        rows += joins
        self._host = [part for part in (data.X, data.Y, data.w) if part is not None]
        targets = [backend.zeros((rows, part.shape[1]), part.dtype) for part in self._host]
        self.source = Data(*targets)
        self._feed = backend.feed(targets)
        self.order = backend.array(np.arange(rows))
        self.position = backend.zeros((1,), np.int64)
        self._zero = backend.zeros((1,), np.int64)

    def blocks(self, order: IntArray, steps: int, begin: int = 0) -> Generator[int, None, None]:
        """Gather and send the block after the one whose steps are to run."""
        n = min(begin + steps * self._batch_size, self._n - self._joins)
        stretches = [[i, min(i + self._rows, n)] for i in range(begin, n, self._rows)]
        counts = [-(-(end - start) // self._batch_size) for start, end in stretches]
        if self._joins and n == self._n - 1:
            stretches[-1][1] = self._n
        try:
            self._send(order[slice(*stretches[0])])
            for i, count in enumerate(counts, start=1):
                self._feed.receive()
                self._backend.copy(self._zero, self.position)
                yield count
                if i < len(stretches):
                    self._send(order[slice(*stretches[i])])
        finally:
            self._feed.settle()

    def _send(self, rows: IntArray) -> None:
        for values, buffer in zip(self._host, self._feed.buffers(), strict=True):
            np.take(values, rows, axis=0, out=buffer[: len(rows)], mode="clip")
        self._feed.send(len(rows))
