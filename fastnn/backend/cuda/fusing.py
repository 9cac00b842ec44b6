"""Fewer launches: which instructions of a program one kernel can do together.

Nothing is computed differently, only launched differently: every number is made by the same
operations. An instruction is moved to another only past those that touch nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fastnn.backend.cuda.fused_elementwise import compose
from fastnn.backend.cuda.fused_reductions import fuse_lines
from fastnn.backend.cuda.joined_launches import MAX_ARGUMENTS, in_turn, side_by_side
from fastnn.backend.cuda.layout import byte_range
from fastnn.backend.cuda.lowering import Empty, Launch, lower
from fastnn.backend.program import (
    Advance,
    Apply,
    Array,
    Dot,
    Gather,
    Instruction,
    Load,
    Reduce,
    Store,
    Uniform,
    UniformColumns,
    reads,
    writes,
)

#: How far ahead is looked for instructions to fuse.
WINDOW = 32
#: Numbers that a single block may be given beside other small things.
SMALL = 256
#: The most instructions of one kernel.
MOST_TOGETHER = 24

#: Bytes from and to.
Range = tuple[int, int]


def lower_program(instructions: Sequence[Instruction], empty: Empty) -> list[Launch | Dot]:
    """Return the launches of a program, and its products (`Dot`) in between, in order.

    >>> import numpy as np
    >>> a, b = np.zeros(1, np.int64), np.zeros(1, np.int64)
    >>> [launch.source.name for launch in lower_program([Advance(a, 1), Advance(b, 2)], np.empty)]
    ['fastnn_advance_then_advance']

    Raises ArgumentError for instructions that cannot run (see `lowering.lower`).
    """
    groups = [_alone(i, empty) for i in instructions]
    groups = [g for g in groups if g.launches or g.product]
    place = 0
    while place < len(groups):
        if not _fuse(groups, place):  # what has been fused may be fused with more
            place += 1
    return [x for g in groups for x in ([g.product] if g.product else g.launches)]


class _Group:
    """Instructions that are launched together, and what they touch.

    ``launches``: of the whole group; ``parts``: of each instruction alone.
    """

    def __init__(
        self, instructions: list[Instruction], launches: list[Launch], parts: list[list[Launch]]
    ) -> None:
        self.instructions, self.launches, self.parts = instructions, launches, parts
        self.reads = _ranges(a for i in instructions for a in reads(i))
        self.writes = _ranges(a for i in instructions for a in writes(i))
        # A kind that all have: to look for one takes less than to try the kernels.
        own = [_kinds(i, x) for i, x in zip(instructions, parts, strict=True)]
        self.kinds = frozenset.intersection(*own) if own else frozenset()

    @property
    def product(self) -> Dot | None:
        first = self.instructions[0]
        return first if isinstance(first, Dot) else None

    def commutes(self, other: _Group) -> bool:
        """Return whether it makes no difference which of the two runs first."""
        return not (
            _overlap(self.writes, other.reads)
            or _overlap(self.writes, other.writes)
            or _overlap(self.reads, other.writes)
        )


def _alone(i: Instruction, empty: Empty) -> _Group:
    launches = [] if isinstance(i, Dot) else lower(i, empty)
    return _Group([i], launches, [launches])


def _kinds(i: Instruction, launches: Sequence[Launch]) -> frozenset[str]:
    """Return the kinds of kernels that could do an instruction together with others."""
    if isinstance(i, Dot):
        return frozenset()
    if _is_chore(i, launches):
        return frozenset(["chores", "lines"] if isinstance(i, (Apply, Reduce)) else ["chores"])
    if isinstance(i, Apply):
        return frozenset(["lines", "loops"])
    if isinstance(i, Reduce):
        return frozenset(["lines"] if i.axis is not None else [])
    return frozenset(["loops"] if isinstance(i, (Gather, Uniform, UniformColumns)) else [])


def _ranges(arrays: Iterable[Array]) -> list[Range]:
    return list(dict.fromkeys(byte_range(a) for a in arrays if a.size))


def _overlap(some: list[Range], others: list[Range]) -> bool:
    return any(a < d and c < b for a, b in some for c, d in others)


def _fuse(groups: list[_Group], place: int) -> bool:
    """Put a later group together with the one at ``place``, at the place of either of them.

    ``down``: the first may move to the second, for it commutes with all between; ``up``: the
    second to the first.
    """
    first, down = groups[place], True
    if not first.kinds:
        return False
    for other in range(place + 1, min(place + 1 + WINDOW, len(groups))):
        second, between = groups[other], groups[place + 1 : other]
        down = down and (not between or first.commutes(between[-1]))
        if not first.kinds & second.kinds:
            continue
        up = all(second.commutes(g) for g in between)
        joined = _joined(first, second) if up or down else None
        if joined is not None:
            groups[place if up else other] = joined
            del groups[other if up else place]
            return True
    return False


def _joined(first: _Group, second: _Group) -> _Group | None:
    """Return the two as one launch, or None."""
    instructions = [*first.instructions, *second.instructions]
    parts = [*first.parts, *second.parts]
    if len(instructions) > MOST_TOGETHER:
        return None
    # The cheapest first: in one block, with the sums of lines, over the whole grid.
    launch = _chores(instructions, parts) or _lines(instructions)
    launch = launch or _loops(instructions, parts)
    if launch is None or len(launch.args) > MAX_ARGUMENTS:
        return None
    return _Group(instructions, [launch], parts)


def _chores(instructions: Sequence[Instruction], parts: Sequence[list[Launch]]) -> Launch | None:
    """Small things that one block does in turn: the sum of the cost, tables, counters."""
    if not all(_is_chore(i, launches) for i, launches in zip(instructions, parts, strict=True)):
        return None
    return in_turn([x for launches in parts for x in launches])


def _is_chore(i: Instruction, launches: Sequence[Launch]) -> bool:
    if isinstance(i, Apply):
        return all(a.size == 1 for a in (*i.args, *i.outs))
    if isinstance(i, Reduce):
        return i.out.size == 1 and len(launches) == 1
    return isinstance(i, (Store, Advance)) or (isinstance(i, Load) and i.out.size <= SMALL)


def _lines(instructions: Sequence[Instruction]) -> Launch | None:
    chosen = [i for i in instructions if isinstance(i, (Apply, Reduce))]
    return fuse_lines(chosen) if len(chosen) == len(instructions) else None


def _loops(instructions: Sequence[Instruction], parts: Sequence[list[Launch]]) -> Launch | None:
    """Loops over elements: a chain of them in the same thread, the others side by side."""
    pieces: list[tuple[Instruction, Launch]] = []
    for i, launches in zip(instructions, parts, strict=True):
        if not isinstance(i, (Apply, Gather, Uniform, UniformColumns)) or _is_chore(i, launches):
            return None
        touched = [k for k, (piece, _) in enumerate(pieces) if not _commute(piece, i)]
        if not touched:  # side by side with all of them
            pieces.append((i, launches[0]))
            continue
        # It needs what a piece makes, and blocks do not wait for each other: only the same thread
        # can go on with the same element. With two such pieces no thread has both.
        piece = pieces[touched[0]][0]
        chain = compose(piece, i) if isinstance(piece, Apply) and isinstance(i, Apply) else None
        if chain is None or len(touched) > 1:
            return None
        pieces[touched[0]] = (chain, lower(chain, _no_memory)[0])
    return side_by_side([launch for _, launch in pieces])


def _commute(one: Instruction, other: Instruction) -> bool:
    return _Group([one], [], [[]]).commutes(_Group([other], [], [[]]))


def _no_memory(shape: tuple[int, ...], dtype: object) -> Array:
    raise AssertionError(f"an elementwise kernel needs no memory, least of all {dtype}{shape}")
