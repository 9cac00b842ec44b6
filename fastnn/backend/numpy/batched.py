"""An array with an axis of examples, and the part of it that belongs to some of them."""

from __future__ import annotations

from dataclasses import dataclass

from fastnn.backend.program import Array, same_elements


class NotShareableError(Exception):
    """The program has something that lanes cannot share; says what."""


@dataclass(frozen=True, eq=False)
class Batched:
    """An array with an axis of examples. ``laid``: in blocks; ``alone``: written by one lane."""

    base: Array
    axis: int
    laid: bool
    alone: bool = False

    def axis_of(self, view: Array) -> int:
        if same_elements(view, self.base):
            return self.axis
        if same_elements(view, self.base.T):
            return 1 - self.axis
        raise NotShareableError(f"a part {view.shape} of an array with an axis of examples")

    def part(self, view: Array, first: int, stop: int) -> Array:
        """The view of some of the examples."""
        if self.laid:
            n = self.base.shape[0]
            block = self.base.reshape(-1)[n * first : n * stop].reshape(n, stop - first)
            return block if self.axis_of(view) == 1 else block.T
        return view[first:stop] if self.axis_of(view) == 0 else view[:, first:stop]
