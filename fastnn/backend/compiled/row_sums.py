"""Row sums fused into the loop that makes the rows (`db`, N14)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fastnn.backend.program import (
    Apply,
    Array,
    Instruction,
    Reduce,
    reads,
    same_elements,
    writes,
)


def fuse_row_sums(kernel: Apply, following: list[Instruction]) -> dict[int, Array]:
    """Take ``sum(out, axis=1)`` of the kernel's outputs out of ``following``.

    Return where the sum of each output goes, by the output's place. A sum is left where it is if
    something in between writes to the output, or touches the place of the sum.

    >>> from fastnn.backend.kernel import Kernel
    >>> z, dZ, db = np.ones((2, 3)), np.zeros((2, 3)), np.zeros((2, 1))
    >>> following = [Reduce("sum", dZ, 1, db)]
    >>> fuse_row_sums(Apply(Kernel("twice", lambda z: 2 * z), (z,), (dZ,)), following)
    {0: array([[0.],
           [0.]])}
    >>> following
    []
    """
    found: dict[int, Array] = {}
    for k, out in enumerate(kernel.outs):
        before: list[Instruction] = [kernel]
        for later in following:
            if (
                isinstance(later, Reduce)
                and (later.how, later.axis) == ("sum", 1)
                and same_elements(later.a, out)
            ):
                free = not any(_touches(i, later.out) for i in before)
                if free and _fits(later.out, out) and not _overlap(found.values(), later.out):
                    found[k] = later.out
                    following.remove(later)
                break
            if _overlap(writes(later), out):
                break
            before.append(later)
    return found


def _fits(total: Array, out: Array) -> bool:
    shape = (out.shape[0], 1)
    return bool(total.shape == shape and total.dtype == out.dtype and total.flags.c_contiguous)


def _touches(i: Instruction, place: Array) -> bool:
    return _overlap((*reads(i), *writes(i)), place)


def _overlap(arrays: Iterable[Array], place: Array) -> bool:
    return any(np.may_share_memory(a, place) for a in arrays)
