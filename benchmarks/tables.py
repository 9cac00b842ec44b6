"""Results as text: a table for each case, and what they amount to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from benchmarks.networks import case
from benchmarks.results import quantity
from benchmarks.rows import FASTNN, FLOORS, PEERS, Row, best_peer, by_case
from fastnn.text import table as aligned


def table(rows: Sequence[Row]) -> str:
    """Return the table of one case."""
    first = rows[0]
    if first.section in ("steps", "scaling"):
        return steps(rows)
    if first.section == "kernels":
        return kernel(rows)
    lines = [["", "least", "median", "repeats"]]
    for row in rows:
        if row.values:
            figures = [quantity(v, row.unit) for v in (row.minimum, row.median)]
            lines.append([f"  {row.system}", *figures, str(len(row.values))])
    text = [f"{first.section}: {first.case}{_of(first)}", aligned(lines)]
    return "\n".join([*text, *reasons(rows)])


def kernel(rows: Sequence[Row]) -> str:
    """Return one line: every column of one kernel at one batch size.

    >>> kernel([Row("kernels", "adam:any", "loop", [0.05]), Row("kernels", "adam:any", "GPU")])
    'kernels: adam:any: loop 50.0 ms, GPU -'
    """
    cells = [f"{r.system} {quantity(r.minimum, r.unit) if r.values else '-'}" for r in rows]
    return f"kernels: {rows[0].case}: {', '.join(cells)}"


def _of(row: Row) -> str:
    about = [str(row.extra[k]) for k in ("size", "network", "of") if row.extra.get(k)]
    return f" ({', '.join(about)})" if about else ""


def reasons(rows: Iterable[Row]) -> list[str]:
    """Return why systems are missing."""
    return [f"  {row.system}: {row.error}" for row in rows if row.error]


def steps(rows: Sequence[Row]) -> str:
    """Return the table of a case of training steps.

    The ratios are of minima: how many times as fast as the best peer, and how many times as long
    as either floor.
    """
    systems = {row.system: row for row in rows}
    best = best_peer(systems)
    floors = [systems[name] for name in FLOORS if name in systems and systems[name].values]
    head = ["  system", "us/step", "median", "samples/s", f"x {best.system if best else 'peer'}"]
    lines = [[*head, *(f"/ {floor.system}" for floor in floors)]]
    c = case(rows[0].case)
    for row in rows:
        if not row.values:
            continue
        speed = f"{best.minimum / row.minimum:.2f}" if best and row.system not in FLOORS else "-"
        lines.append(
            [
                f"  {row.system}", f"{row.minimum * 1e6:,.1f}", f"{row.median * 1e6:,.1f}",
                f"{c.batch / row.minimum:,.0f}", speed,
                *(f"{row.minimum / floor.minimum:.2f}" for floor in floors),
            ]
        )  # fmt: skip
    return "\n".join([f"{c.label}  {c.shape}", aligned(lines), *reasons(rows)])


def summary(rows: Sequence[Row]) -> str:
    """Return how fast fastnn is over all cases of steps, against each peer and the best of them."""
    found = by_case(row for row in rows if row.section == "steps")
    lines = []
    for system in FASTNN:
        for peer in ("best peer", *PEERS):
            ratios = {}
            for label, systems in found.items():
                other = best_peer(systems) if peer == "best peer" else systems.get(peer)
                own = systems.get(system)
                if own and own.values and other and other.values:
                    ratios[label] = other.minimum / own.minimum
            if ratios:
                mean, least = geometric_mean(ratios.values()), min(ratios, key=ratios.__getitem__)
                lines.append(
                    [f"{system} / {peer}", f"{mean:.2f}", f"{ratios[least]:.2f}", least,
                     str(len(ratios))]
                )  # fmt: skip
    if not lines:
        return ""
    return aligned([["times as fast, over all cases", "mean", "least", "at", "cases"], *lines])


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean.

    >>> geometric_mean([2.0, 8.0])
    4.0
    """
    logarithms = [math.log(v) for v in values]
    return math.exp(sum(logarithms) / len(logarithms))
