"""Loops, NumPy, compiled code and the GPU: the same figures as ``fastnn bench``."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.rows import Row
from benchmarks.sections import Options
from fastnn.timing.comparison import BATCH_SIZES, COLUMNS, FULL, Effort, compare, subjects

SECTION = "kernels"
EFFORT = Effort(seconds=0.02, loop_limit=0.25)


def run(options: Options) -> Iterator[list[Row]]:
    """Time every kernel at every batch size."""
    for subject in subjects():
        sizes = (*BATCH_SIZES, FULL) if subject.per_batch else (None,)
        if all(options.known(SECTION, label(subject.name, m), COLUMNS) for m in sizes):
            continue
        for cells in compare([subject], (*BATCH_SIZES, FULL), EFFORT):
            m = cells[0].batch
            extra = {"kind": subject.kind, "name": subject.name, "size": subject.size, "batch": m}
            where = (SECTION, label(subject.name, m))
            yield [
                Row(*where, c.column, list(c.seconds), error=c.reason or None, extra=extra)
                for c in cells
            ]


def label(name: str, batch: int | None) -> str:
    """Return the case of a kernel.

    >>> label("adam", None), label("tanh forward", 16)
    ('adam:any', 'tanh forward:16')
    """
    return f"{name}:{'any' if batch is None else batch}"
