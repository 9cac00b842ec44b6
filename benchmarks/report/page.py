"""The page: one HTML file with its style, its script and every chart and figure in it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from html import escape
from typing import Any

from benchmarks.report import charts
from benchmarks.report.charts import NAMES, kind_of
from benchmarks.results import quantity
from benchmarks.rows import FLOORS, SYSTEMS, Row, best_peer, by_case
from benchmarks.tables import geometric_mean
from fastnn.pictures.page import folded, section
from fastnn.pictures.page import page as document
from fastnn.pictures.page import tiles as tile_row


def page(rows: Sequence[Row], about: dict[str, Any]) -> str:
    """Return the whole document; nothing in it asks for anything outside it."""
    body = [
            "<h1>fastnn, measured</h1>",
            f'<p class="facts">{escape(machine_line(about))}</p>',
            tiles(rows),
            section(
                "Training, over the batch size",
                "Samples per second, float32, Adam; higher is better. Dashed: the floor, what the "
                "matrix products take alone, or moving the bytes where that takes longer.",
                charts.throughput(rows),
            ),
            *(section(heading, "", found) for heading, found in charts.bars(rows)),
            section(
                "Loops, and what vectorisation is worth",
                "How many times as fast as the same computation in plain Python loops.",
                charts.vectorised(rows),
            ),
            section("Scaling", "Time of a training step; lower is better.", charts.scaling(rows)),
            tables(rows),
            '<h2>How it was measured</h2><p>Every system in a process of its own, in turn, after a '
            "first epoch that compiles; the charts show the minimum of the repeats. The suite, its "
            "rules and the networks are in <code>benchmarks/README.md</code>.</p>",
    ]  # fmt: skip
    return document("fastnn, measured", body)


def machine_line(about: dict[str, Any]) -> str:
    """Return the machine and the versions in a sentence.

    >>> machine_line({"processor": "Z80", "cores": 1, "versions": {"numpy": "2.4.6", "jax": None},
    ...     "python": "3.12.1", "blas_threads": 1, "gpu": None})
    'Z80, 1 core; BLAS threads 1; no GPU. Python 3.12.1, numpy 2.4.6. Not installed: jax.'
    """
    cores = about["cores"]
    versions = about["versions"]
    there = ", ".join(f"{name} {v}" for name, v in versions.items() if v)
    absent = ", ".join(name for name, v in versions.items() if not v)
    return (
        f"{about['processor']}, {cores} core{'s' if cores != 1 else ''}; "
        f"BLAS threads {about['blas_threads'] or 'unknown'}; {about['gpu'] or 'no GPU'}. "
        f"Python {about['python']}, {there}." + (f" Not installed: {absent}." if absent else "")
    )


def tiles(rows: Sequence[Row]) -> str:
    """Return the few figures that say most."""
    found: list[tuple[str, str]] = []
    ratios = []
    for systems in by_case(r for r in rows if r.section == "steps").values():
        own, peer = systems.get("fastnn_compiled"), best_peer(systems)
        if own and own.values and peer:
            ratios.append(peer.minimum / own.minimum)
    if ratios:
        found.append((f"{geometric_mean(ratios):.2f} times",
                      f"the best of all peers, compiled: mean of {len(ratios)} training steps, "
                      f"at least {min(ratios):.2f}"))  # fmt: skip
    gains = [
        cells["loop"].minimum / cells["NumPy"].minimum
        for cells in by_case(r for r in rows if r.section == "kernels").values()
        if cells["loop"].values and cells["NumPy"].values
    ]
    if gains:
        said = f"plain loops, with NumPy: mean of {len(gains)} kernels and batch sizes"
        found.append((f"{geometric_mean(gains):,.0f} times", said))
    trained = {r.system: r for r in rows if r.section == "accuracy" and not r.error}
    peers = [r for name, r in trained.items() if SYSTEMS[name]]
    if "fastnn_compiled" in trained and peers:
        best = min(peers, key=lambda r: r.median)
        found.append((quantity(trained["fastnn_compiled"].median, "s"),
                      f"to 0.88 on Fashion-MNIST; {NAMES[best.system]} needs "
                      f"{quantity(best.median, 's')}"))  # fmt: skip
    rows_of = by_case(r for r in rows if r.section == "latency").get("B:128", {})
    raw = rows_of.get("fastnn_numpy")
    other = rows_of.get("sklearn_mlp")
    if raw and raw.values and other and other.values:
        said = f"to predict one row; scikit-learn needs {quantity(other.minimum, 's')}"
        found.append((quantity(raw.minimum, "s"), said))
    return tile_row(found)


def tables(rows: Sequence[Row]) -> str:
    """Return every figure, folded away."""
    parts = ["<h2>Every figure</h2>"]
    for name in dict.fromkeys(row.section for row in rows):
        mine = [row for row in rows if row.section == name]
        table = _kernel_table(mine) if name == "kernels" else _table(mine)
        wide = f'<div class="scroll" tabindex="0">{table}</div>'
        parts.append(folded(f"{name}: {len(mine)} rows", wide))
    return "\n".join(parts)


def _table(rows: Sequence[Row]) -> str:
    head = "<tr><th>system<th>least<th>median<th>samples/s<th>of best peer<th>of products"
    lines = [head + "<th>of bytes</tr>"]
    for label, systems in by_case(rows).items():
        first = next(iter(systems.values()))
        about = first.extra.get("network") or first.extra.get("of") or ""
        lines.append(f'<tr class="head"><td colspan="7">{escape(label)} {escape(about)}</tr>')
        steps = first.section in ("steps", "scaling")
        peer = best_peer(systems) if steps else None
        for name, row in systems.items():
            shown = escape(NAMES.get(name, name))
            if not row.values:
                why = escape(row.error or "")
                lines.append(f'<tr><td>{shown}<td class="why" colspan="6">{why}</tr>')
                continue
            cells = [quantity(row.minimum, row.unit), quantity(statistics.median(row.values),
                     row.unit)]  # fmt: skip
            if steps:
                cells.append(f"{row.extra['batch'] / row.minimum:,.0f}")
                ratio = peer.minimum / row.minimum if peer and name not in FLOORS else None
                cells.append(f"{ratio:.2f}" if ratio else "")
                floors = [systems.get(floor) for floor in FLOORS]
                cells += [f"{row.minimum / f.minimum:.2f}" if f and f.values else ""
                          for f in floors]  # fmt: skip
            kind = ' class="own"' if kind_of(name) == "own" else ""
            lines.append(f"<tr{kind}><td>{shown}{''.join(f'<td>{c}' for c in cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _kernel_table(rows: Sequence[Row]) -> str:
    columns = list(dict.fromkeys(row.system for row in rows))
    lines = [f"<tr><th>kernel<th>batch{''.join(f'<th>{c}' for c in columns)}<th>NumPy/loop"
             "<th>compiled/loop</tr>"]  # fmt: skip
    for cells in by_case(rows).values():
        about = cells["loop"].extra
        shown = [quantity(cells[c].minimum, "s") if cells[c].values else _why(cells[c])
                 for c in columns]  # fmt: skip
        loop = cells["loop"]
        shown += [
            f"{loop.minimum / cells[c].minimum:,.0f}" if loop.values and cells[c].values else ""
            for c in ("NumPy", "compiled")
        ]
        name = f"{about['name']}, {about['size']}"
        batch = "any" if about["batch"] is None else str(about["batch"])
        lines.append(f"<tr><td>{escape(name)}<td>{batch}{''.join(f'<td>{s}' for s in shown)}</tr>")
    gaps = dict.fromkeys((r.system, r.error) for r in rows if r.system != "loop" and r.error)
    why = "".join(f"<p>Empty in {c}: {escape(str(e))}</p>" for c, e in gaps)
    return f"<table>{''.join(lines)}</table>{why}"


def _why(row: Row) -> str:
    shown = "left out" if row.system == "loop" else "-"
    return f'<span title="{escape(row.error or "")}">{shown}</span>'
