"""N26, N27: how many examples a mini-batch has, and in what order they come."""

from __future__ import annotations

import numpy as np

from fastnn.backend.random import generator
from fastnn.data.table import Array
from fastnn.errors import ArgumentError, arg, shown
from fastnn.registry import did_you_mean

#: N27: up to here the full batch, above it one of the sizes.
FULL_BATCH_UP_TO = 2000
SIZES = (64, 128, 256, 512, 1024)
#: 'auto' takes the smallest of the sizes that needs no more steps than this per epoch.
STEPS_PER_EPOCH = 500


def batch_size_for(n_examples: int, batch_size: int | str = "auto") -> int:
    """Return the number of examples m per mini-batch (N27).

    'full' is the number of examples (batch gradient descent). 'auto' is the notes' rule: the full
    batch up to 2000 examples, else the smallest of 64, 128, 256, 512, 1024 with at most 500 steps
    per epoch (1024 when none has). The rule minds speed, not accuracy: small data often train
    better in small batches. A number larger than the number of examples means the full batch.

    >>> batch_size_for(1500), batch_size_for(48_000), batch_size_for(48_000, "full")
    (1500, 128, 48000)
    """
    if _not_whole(n_examples) or n_examples < 1:
        raise ArgumentError(
            f"{arg('n_examples')} must be a whole number from 1, found {shown(n_examples)}"
        )
    if isinstance(batch_size, str):
        if batch_size not in ("auto", "full"):
            raise ArgumentError(
                f"{arg('batch_size')} must be a whole number, 'auto' or 'full', found "
                f"{shown(batch_size)}" + did_you_mean(batch_size, ("auto", "full"))
            )
        if batch_size == "full" or n_examples <= FULL_BATCH_UP_TO:
            return int(n_examples)
        enough = [size for size in SIZES if n_examples <= size * STEPS_PER_EPOCH]
        return enough[0] if enough else SIZES[-1]
    if _not_whole(batch_size) or batch_size < 1:
        raise ArgumentError(
            f"{arg('batch_size')} must be a whole number from 1, 'auto' or 'full', found "
            f"{shown(batch_size)}"
        )
    return min(int(batch_size), int(n_examples))


def epoch_order(n_examples: int, seed: int, epoch: int) -> Array:
    """Return the order of the examples in an epoch: an int64 permutation of 0 .. n-1 (N26).

    It depends on seed and epoch alone, so a resumed training goes on with the same order.

    >>> bool((epoch_order(9, seed=3, epoch=2) == epoch_order(9, seed=3, epoch=2)).all())
    True
    """
    if _not_whole(epoch) or epoch < 0:
        raise ArgumentError(f"{arg('epoch')} must be a whole number from 0, found {shown(epoch)}")
    return generator(seed, "shuffle", epoch).permutation(n_examples)


def _not_whole(value: object) -> bool:
    return isinstance(value, bool) or not isinstance(value, (int, np.integer))
