"""A named data set: features, target, task, and where it has one its own test part."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fastnn.data.table import Array, Table
from fastnn.data.tasks import Task


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples with their target.

    Attributes:
        name: as given to ``load``.
        table: the features only.
        target: ``(N,)`` labels or numbers, one per row of ``table``.
        target_name: what the target is called.
        task: 'binary', 'multiclass', 'multilabel' or 'regression'.
        test: features and target of the published test part, or None.
        description: one or two sentences; says what was left out.

    >>> from fastnn.datasets.builtin import load
    >>> load("diabetes").task
    'regression'
    """

    name: str
    table: Table
    target: Array
    target_name: str
    task: Task
    test: tuple[Table, Array] | None
    description: str

    def __repr__(self) -> str:
        test = "" if self.test is None else f", {len(self.test[0]):,} more are the test part"
        return (
            f"<Dataset {self.name!r}: {self.task} of {self.target_name!r}, "
            f"{len(self.table):,} rows of {len(self.table.names):,} columns{test}>"
        )


def candidates(path: str | os.PathLike[str] | None, *defaults: Path) -> list[Path]:
    """Return the folders to look in: the explicit one alone, else $FASTNN_DATA and the defaults.

    >>> [str(folder) for folder in candidates("here", Path("/usr/share"))]
    ['here']
    """
    if path is not None:
        return [Path(path)]
    own = os.environ.get("FASTNN_DATA")
    return [*([Path(own)] if own else []), *defaults]
