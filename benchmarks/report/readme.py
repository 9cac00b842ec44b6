"""The figures in the project's README, written from a run between two comments."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from benchmarks.networks import case
from benchmarks.report.charts import NAMES, words
from benchmarks.results import ResultsError, quantity
from benchmarks.rows import Row, best_peer, by_case
from benchmarks.tables import geometric_mean

BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->"
CASES = ("A:16", "A:128", "A:1024", "B:32", "B:512", "C:128", "D:128", "E:100", "F:10000")
SYSTEMS = ("fastnn_compiled", "fastnn_numpy", "jax_scan", "pytorch", "sklearn_mlp", "products")


def figures(rows: Sequence[Row], stem: str, folder: str = ".") -> str:
    """Return the table, sentences and pictures for a file in ``folder``; pictures: ``stem-*.png``.

    >>> print(figures([Row("steps", "B:32", "fastnn_numpy", [1e-4])], "run").splitlines()[-1])
    | 32-64-64-2, 32 | - | 100 | - | - | - | - |
    """
    steps = by_case(r for r in rows if r.section == "steps")
    lines = ["| network, batch | " + " | ".join(NAMES[s] for s in SYSTEMS) + " |"]
    lines.append("|---|" + "---|" * len(SYSTEMS))
    for label in CASES:
        if label in steps:
            cells = [_microseconds(steps[label].get(s)) for s in SYSTEMS]
            lines.append(f"| {_network(label)} | {' | '.join(cells)} |")
    paragraphs = [_ratios(steps), _others(rows)]
    drawn = (("throughput", "Samples per second over the batch size"),
             ("vectorised", "Times as fast as plain loops, over the batch size"))  # fmt: skip
    pictures = [
        f"![{text}]({os.path.relpath(picture, folder)})"
        for name, text in drawn
        if (picture := Path(f"{stem}-{name}.png")).is_file()
    ]
    written = [fill(text, 100, break_on_hyphens=False) for text in paragraphs if text]
    return "\n\n".join(["\n".join(lines), *written, *pictures])


def _network(label: str, between: str = ", ") -> str:
    units = words(label[0]).partition(",")[0]
    return f"{units}{between}{case(label).batch:,}"


def _microseconds(row: Row | None) -> str:
    return f"{row.minimum * 1e6:,.0f}" if row and row.values else "-"


def _ratios(steps: dict[str, dict[str, Row]]) -> str:
    """How fast fastnn is over all cases, against the best of the peers in each."""
    found = []
    for system in ("fastnn_compiled", "fastnn_numpy"):
        ratios = {
            label: peer.minimum / rows[system].minimum
            for label, rows in steps.items()
            if (peer := best_peer(rows)) and system in rows and rows[system].values
        }
        if ratios:
            least = min(ratios, key=ratios.__getitem__)
            found.append(
                f"{NAMES[system]} is {geometric_mean(ratios.values()):.2f} times as fast as the "
                f"fastest other library of each case (geometric mean of {len(ratios)} cases; "
                f"at least {ratios[least]:.2f} times, with {_network(least, ' at batch ')})"
            )
    return "; ".join(found) + "." if found else ""


def _others(rows: Sequence[Row]) -> str:
    """Time to accuracy, one-row predictions, and the gain over loops."""
    found = []
    times = {r.system: r.median for r in rows if r.section == "accuracy" and not r.error}
    if times:
        ranked = sorted(times, key=times.__getitem__)
        said = ", ".join(f"{NAMES[s]} {quantity(times[s], 's')}" for s in ranked[:4])
        found.append(
            f"Fashion-MNIST to a test accuracy of 0.88 (median of at most 3 seeds): {said}"
        )
    latency = by_case(r for r in rows if r.section == "latency").get("B:128", {})
    wanted = ("fastnn_compiled", "fastnn_numpy", "fastnn_model", "pytorch", "sklearn_mlp")
    shown = [f"{NAMES[s]} {quantity(latency[s].minimum, 's')}" for s in wanted
             if s in latency and latency[s].values]  # fmt: skip
    if shown:
        found.append(f"The prediction of one row by 32-64-64-2: {', '.join(shown)}")
    gains = [
        cells["loop"].minimum / cells["NumPy"].minimum
        for cells in by_case(r for r in rows if r.section == "kernels").values()
        if cells["loop"].values and cells["NumPy"].values
    ]
    if gains:
        found.append(
            f"Vectorised kernels are {geometric_mean(gains):,.0f} times as fast as plain Python "
            f"loops (geometric mean of {len(gains)}; at most {math.floor(max(gains)):,} times)"
        )
    return ". ".join(found) + "." if found else ""


def rewrite(path: Path, text: str) -> None:
    """Put ``text`` between the two comments of a file; ResultsError if there are none."""
    try:
        whole = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror}") from error
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ResultsError(f"{path}: has no {BEGIN.strip()} followed by {END}")
    path.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}", encoding="utf-8")
