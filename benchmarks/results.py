"""Results: a JSON file with the machine and all rows; resumed, and compared with another."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.rows import Row
from fastnn.version import __version__

FORMAT = 2
_PACKAGES = ("numpy", "llvmlite", "torch", "jax", "jaxlib", "scikit-learn", "keras", "thinc",
             "cupy-cuda12x", "cupy-cuda13x")  # fmt: skip
#: What must be the same for figures to be compared.
SAME_MACHINE = ("processor", "cores", "system")


class ResultsError(Exception):
    """A results file that cannot be used."""


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, versions, BLAS, threads, variables."""
    from fastnn.backend.cuda.availability import cuda_status
    from fastnn.backend.host.blas import find_blas

    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    blas, cuda = find_blas(), cuda_status()
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {"fastnn": __version__, **{name: _version(name) for name in _PACKAGES}},
        "blas_threads": blas.get_threads() if blas else None,
        "gpu": ", ".join(cuda.devices) if cuda.usable else None,
        "why_no_gpu": None if cuda.usable else str(cuda),
        "environment": {
            k: v
            for k, v in sorted(os.environ.items())
            if k.startswith(("OPENBLAS_", "OMP_", "MKL_")) and "/" not in v
        },
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def save(path: Path, rows: Sequence[Row], about: dict[str, Any]) -> None:
    """Write the document whole or not at all, so that an interrupted run keeps what it has."""
    document = {"format": FORMAT, "machine": about, "rows": [vars(row) for row in rows]}
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def load(path: Path) -> tuple[list[Row], dict[str, Any]]:
    """Return the rows and the machine of a saved run; raise ResultsError if it is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ResultsError(f"{path}: is not JSON: {error}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise ResultsError(
            f"{path}: results of format {found!r}, this suite reads {FORMAT}; measure again"
        )
    try:
        return [Row(**row) for row in document["rows"]], dict(document["machine"])
    except (KeyError, TypeError, ValueError) as error:
        raise ResultsError(f"{path}: is not whole ({error}); measure again") from error


def merge(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """Return the rows of both, in which ``new`` replaces what has the same place.

    >>> [r.error for r in merge([Row("steps", "A:16", "numpy", error="x")],
    ...     [Row("steps", "A:16", "numpy", error="y")])]
    ['y']
    """
    places = {(r.section, r.case, r.system): r for r in old}
    places |= {(r.section, r.case, r.system): r for r in new}
    return list(places.values())


def differences(there: dict[str, Any], here: dict[str, Any]) -> str:
    """Return in what two machines differ so that figures cannot be compared; '' if in nothing."""
    return ", ".join(
        f"{name} {there.get(name)!r} there and {here.get(name)!r} here"
        for name in SAME_MACHINE
        if there.get(name) != here.get(name)
    )


def compare(old: Path, rows: Sequence[Row], about: dict[str, Any], allowed: float = 1.1) -> str:
    """Return what became slower or larger than in an earlier run by more than ``allowed``, or
    cannot be measured any more; and what is not as it was then (versions, threads, variables).
    """
    before, machine_before = load(old)
    if differ := differences(machine_before, about):
        return f"{old}: measured on another machine ({differ}): the figures cannot be compared"
    known = {(r.section, r.case, r.system): r for r in before if r.values}
    lines, compared = [], 0
    for row in rows:
        earlier = known.get((row.section, row.case, row.system))
        if earlier is None:
            continue
        compared += 1
        what = f"{row.section} {row.case} {row.system}"
        if not row.values:
            lines.append(f"{what}: {quantity(earlier.minimum, row.unit)} then, now {row.error}")
        elif (ratio := row.minimum / earlier.minimum) > allowed:
            lines.append(
                f"{what}: {ratio:.2f} times as {'long' if row.unit == 's' else 'large'} "
                f"({quantity(earlier.minimum, row.unit)}, now {quantity(row.minimum, row.unit)})"
            )
    if not compared:
        return f"{old}: has none of the cases that were measured now"
    if not lines:
        within = f"by more than {allowed - 1:.0%}"
        lines = [f"none of {compared} figures is above that in {old} {within}"]
    return "\n".join([*changes(machine_before, about), *lines])


def changes(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Return a line if the same machine had other versions, threads or variables then.

    >>> changes({"versions": {"numpy": "2.3"}}, {"versions": {"numpy": "2.4"}})
    ['not as it was then: numpy 2.3, now 2.4']
    """
    flat = [
        {"python": m.get("python"), "blas_threads": m.get("blas_threads"),
         **m.get("versions", {}), **m.get("environment", {})}
        for m in (there, here)
    ]  # fmt: skip
    found = [
        f"{name} {flat[0].get(name) or 'absent'}, now {flat[1].get(name) or 'absent'}"
        for name in sorted(flat[0].keys() | flat[1].keys())
        if flat[0].get(name) != flat[1].get(name)
    ]
    return [f"not as it was then: {'; '.join(found)}"] if found else []


def quantity(value: float, unit: str) -> str:
    """Return a figure with its unit.

    >>> quantity(2.5e-5, "s"), quantity(0.0125, "s"), quantity(3.0, "s"), quantity(9e7, "bytes")
    ('25.0 us', '12.5 ms', '3.00 s', '90.0 MB')
    """
    if unit == "bytes":
        return f"{value / 1e6:,.1f} MB"
    for factor, name in ((1e6, "us"), (1e3, "ms")):
        if value * factor < 1000:
            return f"{value * factor:.{2 if value * factor < 10 else 1}f} {name}"
    return f"{value:.2f} s"
