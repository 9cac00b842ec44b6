"""Numbers that stand for no value, such as -999, among measured ones: they are told."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from fastnn.data.statistics import DataNote
from fastnn.data.table import Array
from fastnn.errors import advice, arg, shown, warn

#: What programs and people write for no value where a number has to be.
_USUAL = np.array([-99.0, *(s * (10**n - 1) for n in (3, 4, 5, 6) for s in (-1.0, 1.0))])


def placeholders(
    values: Array, names: Sequence[str], besides: Collection[str] = ()
) -> dict[str, float]:
    """Return by column the number that seems to stand for no value, of those that have one.

    It is one of the usual ones (-99, +-999, +-9999 ...), is there twice or more, and is farther
    from all others of its column than these are from each other. ``values`` (N, p) without NaN;
    ``besides``: columns that are not looked at.

    >>> placeholders(np.array([[3.0, 1.0], [-999.0, 2.0], [7.0, 3.0], [-999.0, 4.0]]), ["x", "z"])
    {'x': -999.0}
    """
    found: dict[str, float] = {}
    if not values.size:
        return found
    ends = (values.min(axis=0), values.max(axis=0))
    for j in np.flatnonzero(np.isin(ends[0], _USUAL) | np.isin(ends[1], _USUAL)).tolist():
        if names[j] in besides:
            continue
        column = np.asarray(values[:, j], np.float64)
        for number in (float(end[j]) for end in ends if end[j] in _USUAL):
            others = column[column != number]
            if len(column) - len(others) >= 2 and len(others):
                low, high = float(others.min()), float(others.max())
                away = low - number if number < low else number - high
                if away > high - low > 0:
                    found[names[j]] = number
    return found


def tell_placeholders(
    values: Array, names: Sequence[str], besides: Collection[str] = (), what: str = "column"
) -> None:
    """Warn (DataNote) of `placeholders`, in one line.

    >>> tell_placeholders(np.array([[3.0], [-999.0]]), ["x"])
    """
    found = placeholders(values, names, besides)
    if not found:
        return
    name, number = next(iter(found.items()))
    more = f" (and {len(found) - 1:,} more such columns)" if len(found) > 1 else ""
    numbers = [f"{one:g}" for one in dict.fromkeys(found.values())]
    say = advice("missing", f"say {arg('missing', numbers)}", "empty the cells")
    warn(
        DataNote(
            f"{what} {shown(name)} has {number:g} several times, far from all its other values"
            f"{more}; if that means no value, {say}"
        )
    )
