"""A row: what one system did in one case, or why it did not."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

#: The systems, and whether they are peers (the others are fastnn itself and the floors).
SYSTEMS = {
    "fastnn_compiled": False,
    "fastnn_numpy": False,
    "products": False,
    "bytes_moved": False,
    "pytorch": True,
    "pytorch_compile": True,
    "jax_step": True,
    "jax_scan": True,
    "sklearn_mlp": True,
    "keras_fit": True,
    "thinc_model": True,
}
FLOORS = ("products", "bytes_moved")
FASTNN = ("fastnn_compiled", "fastnn_numpy")
PEERS = tuple(name for name, peer in SYSTEMS.items() if peer)


@dataclass
class Row:
    """What was measured: one value for each repeat, in ``unit``; or an ``error``.

    ``section`` is the part of the suite, ``case`` what was done ("A:128"), ``system`` by whom.
    ``extra`` is whatever else is known: samples in a step, seconds of the first epoch.
    """

    section: str
    case: str
    system: str
    values: list[float] = field(default_factory=list)
    unit: str = "s"
    error: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def minimum(self) -> float:
        return min(self.values)

    @property
    def median(self) -> float:
        return statistics.median(self.values)


def by_case(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """Return case to system to row, measured or not."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row.case, {})[row.system] = row
    return found


def best_peer(systems: dict[str, Row]) -> Row | None:
    """Return the row of the peer with the lowest minimum."""
    measured = [r for name, r in systems.items() if SYSTEMS.get(name) and r.values]
    return min(measured, key=lambda r: r.minimum, default=None)
