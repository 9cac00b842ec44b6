"""What several threads, or lanes, do of a program, and where they have to meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fastnn.backend.program import Array, Instruction

#: As a lane: every lane touches its own part only.
OWN = -1
#: Where bytes begin and end, which lane touches them, and whether it writes.
Touch: TypeAlias = tuple[int, int, int, bool]


class Copies(list[Array]):
    """Memory for sums, flat, of each lane but the first, which has them in their place."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """``phases[p][t]``: what lane t does in phase p; lanes meet after each. ``kept``: its memory.

    The instructions of a phase may be done lane after lane, in any order of the lanes.
    """

    phases: list[list[list[Instruction]]]
    kept: list[Copies]

    def mapped(self, change: Callable[[Instruction], Instruction]) -> Schedule:
        """Return the same with every instruction changed, over the same memory."""
        phases = [[[change(i) for i in lane] for lane in phase] for phase in self.phases]
        return Schedule(phases, self.kept)


class Phases:
    """Puts instructions, in the program's order, into the first phase where they may be.

    Each lane does the instructions of a phase in that order. So one that needs what its own lane
    made may follow in the same phase; what another lane made is there in the next one.

    >>> from fastnn.backend.program import Advance
    >>> import numpy as np
    >>> phases, count = Phases(2), Advance(np.array([0]), by=1)
    >>> phases.put([(0, count)], [(0, 8, 0, True)])
    >>> phases.put([(0, count)], [(0, 8, 0, True)])
    >>> phases.put([(1, count)], [(0, 8, 1, False)])
    >>> [[len(lane) for lane in phase] for phase in phases.found]
    [[2, 0], [0, 1]]
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.found: list[list[list[Instruction]]] = []
        self._last: dict[Touch, int] = {}  # the last phase in which it happens

    def put(self, parts: Sequence[tuple[int, Instruction]], touches: Sequence[Touch]) -> None:
        """Give lanes their parts of an instruction, which touch so much memory."""
        phase, new = 0, list(dict.fromkeys(touches))
        for lo, hi, lane, written in new:
            for (start, stop, other, wrote), when in self._last.items():
                if start < hi and lo < stop and (written or wrote):
                    phase = max(phase, when + (other != lane))
        for touch in new:
            self._last[touch] = max(phase, self._last.get(touch, 0))
        while len(self.found) <= phase:
            self.found.append([[] for _ in range(self.lanes)])
        for lane, i in parts:
            self.found[phase][lane].append(i)
