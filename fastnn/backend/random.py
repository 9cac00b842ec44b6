"""One counter-based random stream, the same on every device: Philox 4x64-10.

A counter-based generator is a pure function: (seed, counter) -> bits. Nothing is remembered
between calls, so a shuffle, a weight or a dropout mask is the same in whatever order, on whatever
device it is made. The four counter words are ``[block, index, layer, purpose]``; the block counts
within one array.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.errors import ArgumentError, arg

#: Each purpose has a stream of its own: changing the dropout rate leaves the shuffles alone.
PURPOSES = {
    "weights": 1, "shuffle": 2, "split": 3, "dropout": 4, "check": 5, "report": 6, "importance": 7,
}  # fmt: skip


def check_seed(seed: int) -> int:
    """Return ``seed`` as an int in [0, 2**64); raise ArgumentError otherwise.

    >>> check_seed(3)
    3
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise ArgumentError(
            f"{arg('seed')} must be a whole number from 0 to 2**64 - 1, found {seed!r}"
        )
    return int(seed)


def generator(seed: int, purpose: str, index: int = 0, layer: int = 0) -> np.random.Generator:
    """Return NumPy's Generator on the stream (seed, purpose, index, layer).

    >>> first, again = (generator(0, "shuffle", index=2).permutation(5) for _ in range(2))
    >>> bool((first == again).all())
    True
    """
    counter = np.array([0, index, layer, PURPOSES[purpose]], dtype=np.uint64)
    key = np.array([check_seed(seed), 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


class UniformStream:
    """Fills arrays with uniform numbers in [0, 1): float32, 24 bits each, one stream per layer.

    The i-th number of step t comes from the counter ``[1 + i // 8, t, layer, "dropout"]``: each
    block of four 64-bit words gives eight numbers, ``(word32 >> 8) * 2**-24``, low halves first.

    >>> stream = UniformStream(seed=0, layer=1)
    >>> out = np.empty(3, np.float32)
    >>> stream.fill(out, step=7)
    >>> [round(float(u), 4) for u in out]
    [0.1608, 0.3379, 0.1444]
    """

    def __init__(self, seed: int, layer: int) -> None:
        self._bits = np.random.Philox(key=np.array([check_seed(seed), 0], dtype=np.uint64))
        self._generator = np.random.Generator(self._bits)
        self._counter = np.array([0, 0, layer, PURPOSES["dropout"]], dtype=np.uint64)
        # Setting the whole state empties the generator's buffers of already made words.
        self._state: Any = dict(self._bits.state)
        self._state["state"] = {"counter": self._counter, "key": self._state["state"]["key"]}

    def fill(self, out: npt.NDArray[np.float32], step: int) -> None:
        """Fill the C-contiguous ``out`` with the uniforms of step ``step``."""
        self._counter[0], self._counter[1] = 0, step
        self._bits.state = self._state
        self._generator.random(out=out, dtype=np.float32)

    def fill_columns(self, out: npt.NDArray[np.float32], step: int, first: int, of: int) -> None:
        """Fill ``out`` (n, k) with columns ``first`` .. ``first + k`` of the step's (n, ``of``).

        >>> whole, part = np.empty((2, 9), np.float32), np.empty((2, 3), np.float32)
        >>> UniformStream(seed=0, layer=1).fill(whole, step=7)
        >>> UniformStream(seed=0, layer=1).fill_columns(part, step=7, first=4, of=9)
        >>> bool((part == whole[:, 4:7]).all())
        True
        """
        n, k = out.shape
        numbers = np.empty(k + 7, np.float32)
        self._counter[1] = step
        for row in range(n):
            blocks, skip = divmod(row * of + first, 8)
            self._counter[0] = blocks
            self._bits.state = self._state
            self._generator.random(out=numbers, dtype=np.float32)
            out[row] = numbers[skip : skip + k]
