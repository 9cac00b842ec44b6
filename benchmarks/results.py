"""Results: a JSON file with the machine and all times, tables from it, comparisons of two."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.measure import FLOOR, SYSTEMS, Row
from benchmarks.networks import case

_PACKAGES = ("fastnn", "numpy", "llvmlite", "torch", "jax", "jaxlib", "scikit-learn", "keras",
             "thinc")  # fmt: skip


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, versions, BLAS, variables."""
    from fastnn.backend.compiled.blas import find_blas

    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    blas = find_blas()
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "blas_threads": blas.get_threads() if blas else None,
        "environment": {k: v for k, v in os.environ.items() if k.startswith(("OPENBLAS", "OMP_"))},
    }


def to_json(rows: Iterable[Row], about: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a run."""
    return {"format": 1, "machine": about, "rows": [vars(row) for row in rows]}


def save(path: Path, document: dict[str, Any]) -> None:
    """Write the document whole or not at all, so that an interrupted run keeps what it has."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def load(path: Path) -> tuple[list[Row], dict[str, Any]]:
    """Return the rows and the machine of a saved run."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return [Row(**row) for row in document["rows"]], document["machine"]


def by_case(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """Return case to system to row, measured or not."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row.case, {})[row.system] = row
    return found


def best_peer(systems: dict[str, Row]) -> Row | None:
    """Return the fastest peer's row, by the minimum."""
    measured = [r for name, r in systems.items() if SYSTEMS[name] and r.seconds]
    return min(measured, key=lambda r: r.minimum, default=None)


def table(rows: Sequence[Row]) -> str:
    """Return the run as text: microseconds per step, samples per second, ratios."""
    lines = []
    ratios: dict[str, list[float]] = {}
    for label, systems in by_case(rows).items():
        peer, floor = best_peer(systems), systems.get(FLOOR)
        lines.append(f"{label}  {'-'.join(map(str, case(label).sizes))}")
        for name, row in systems.items():
            if row.error:
                lines.append(f"  {name:16} {row.error}")
                continue
            text = f"  {name:16} {row.minimum * 1e6:10,.0f} us {row.median * 1e6:10,.0f} median"
            text += f" {case(label).batch / row.minimum:14,.0f} samples/s"
            if peer is not None and not SYSTEMS[name] and name != FLOOR:
                ratio = peer.minimum / row.minimum
                ratios.setdefault(name, []).append(ratio)
                text += f"  {ratio:5.2f} x {peer.system}"
            if floor is not None and floor.seconds and name != FLOOR:
                text += f"  {row.minimum / floor.minimum:5.2f} of products"
            lines.append(text)
    for name, values in ratios.items():
        mean = math.exp(sum(map(math.log, values)) / len(values))
        lines.append(
            f"{name}: {mean:.2f} times the best peer on geometric mean over {len(values)} cases, "
            f"at least {min(values):.2f}"
        )
    return "\n".join(lines)


def compare(old: Path, rows: Sequence[Row], about: dict[str, Any], allowed: float = 1.1) -> str:
    """Return what became slower than in an earlier run by more than ``allowed``."""
    before, machine_before = load(old)
    same = ("processor", "cores", "system")
    if any(about[k] != machine_before[k] for k in same):
        return f"{old}: measured on another machine, the figures cannot be compared"
    known = {(r.case, r.system): r for r in before if r.seconds}
    lines = []
    for row in rows:
        earlier = known.get((row.case, row.system))
        if earlier is None or not row.seconds:
            continue
        ratio = row.minimum / earlier.minimum
        if ratio > allowed:
            lines.append(
                f"{row.case} {row.system}: {ratio:.2f} times as long "
                f"({earlier.minimum * 1e6:,.0f} us, now {row.minimum * 1e6:,.0f} us)"
            )
    return "\n".join(lines) or f"nothing is slower than in {old} by more than {allowed - 1:.0%}"
