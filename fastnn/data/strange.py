"""What rows have that the training part has not: told once, however many parts and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fastnn.data.statistics import DataWarning
from fastnn.data.table import listed
from fastnn.errors import shown, warn

#: What is strange, and what is done about it, where it is in several columns or parts.
_KINDS = {
    "value": "values that the training part does not have count as '<unknown>'",
    "category": "gaps where the training part has none count as '<unknown>'",
    "number": "gaps where the training part has none are filled with the training mean",
}


class Strange(NamedTuple):
    """``n`` of the ``rows`` values of a column are strange.

    ``kind``: "value", of text that training did not have, "category" or "number", of gaps that it
    did not have. ``said``: what of them, and what is done about it, of this column alone.
    """

    column: str
    kind: str
    n: int
    rows: int
    said: str


def tell(found: Sequence[Strange]) -> None:
    """Warn (DataWarning) of each.

    >>> tell([])
    """
    for one in found:
        warn(f"column {shown(one.column)}: {one.n} of {one.rows} values {one.said}", DataWarning)


def tell_of_parts(parts: Mapping[str, Sequence[Strange]]) -> None:
    """Warn (DataWarning) of what is strange in the parts of a training, a line for each kind.

    >>> tell_of_parts({"validation": [], "test": []})
    """
    for kind, words in _KINDS.items():
        counts: dict[str, list[int]] = {}
        for found in parts.values():
            for one in found:
                if one.kind == kind:
                    count = counts.setdefault(one.column, [0, 0])
                    count[0] += one.n
                    count[1] += one.rows
        if counts:
            where = " and ".join(n for n, f in parts.items() if any(s.kind == kind for s in f))
            each = listed(f"{shown(name)} ({n} of {of})" for name, (n, of) in counts.items())
            warn(f"{where} part: {words}: {each}", DataWarning)
