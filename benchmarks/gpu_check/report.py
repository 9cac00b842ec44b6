"""What was found: checks that passed or failed, speeds, and what was left out."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Check:
    """One comparison: it passes if the error is a number and not above what is allowed."""

    section: str
    what: str
    error: float
    allowed: float
    cases: int = 1
    worst: str = ""

    @property
    def passed(self) -> bool:
        """Whether it passed; NaN does not.

        >>> Check("kernels", "sums", math.nan, 1.0).passed
        False
        """
        return self.error <= self.allowed


@dataclass(frozen=True)
class Speed:
    """Microseconds of one training step; ``floor`` is what no program for it can be faster than."""

    network: str
    batch: int
    system: str
    microseconds: float
    floor: float = math.nan
    bound: str = ""  # what the floor is made of: products, bytes or launches


@dataclass
class Report:
    """Everything, kept on the disk after every section."""

    folder: Path
    minutes: float
    machine: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    speeds: list[Speed] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    begun: float = field(default_factory=time.perf_counter)

    @property
    def passed(self) -> bool:
        """Whether something was checked, every check passed and every section came to its end."""
        return bool(self.checks) and all(c.passed for c in self.checks) and not self.broken

    def time_left(self) -> float:
        """Return the seconds until everything should be over."""
        return 60 * self.minutes - (time.perf_counter() - self.begun)

    def run(self, name: str, section: Callable[[Report], None]) -> None:
        """Run a section; an error in it is a failure, and the next section still runs."""
        start = time.perf_counter()
        try:
            section(self)
        except Exception as error:
            self.broken.append(f"{name}: {type(error).__name__}: {' '.join(str(error).split())}")
        self.seconds[name] = round(time.perf_counter() - start, 1)
        self.save()

    def save(self) -> None:
        """Write ``gpu_check.json``, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "gpu_check.json"
        found = {
            "passed": self.passed,
            "machine": self.machine,
            "checks": [{**asdict(c), "passed": c.passed} for c in self.checks],
            "speeds": [asdict(s) for s in self.speeds],
            "left_out": self.left_out,
            "broken": self.broken,
            "seconds": self.seconds,
        }
        part = path.with_suffix(".part")
        part.write_text(json.dumps(_plain(found), indent=1) + "\n", encoding="utf-8")
        os.replace(part, path)


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become text."""
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def lines(report: Report) -> list[str]:
    """Return the short table that ends the run."""
    machine = report.machine
    found = [f"{machine.get('device', '?')}, CuPy {machine.get('cupy', '?')}"]
    if machine.get("emulated"):
        found.append("an emulated device: no GPU code ran")
    found += ["", f"{'section':<10} {'what':<34} {'cases':>6} {'error':>9} {'allowed':>8}"]
    for c in report.checks:
        end = "ok" if c.passed else f"FAILED at {c.worst}" if c.worst else "FAILED"
        error, allowed = _short(c.error), _short(c.allowed)
        found.append(f"{c.section:<10} {c.what:<34} {c.cases:>6} {error:>9} {allowed:>8} {end}")
    found += _speed_lines(report.speeds)
    found += [f"left out: {what}" for what in report.left_out]
    found += [f"BROKEN: {what}" for what in report.broken]
    failed = sum(not c.passed for c in report.checks)
    seconds = time.perf_counter() - report.begun
    verdict = (
        "everything is right" if report.passed else f"{failed} wrong, {len(report.broken)} broken"
    )
    found.append(f"{len(report.checks)} checks in {seconds:.0f} s: {verdict}")
    return found


def _short(x: float) -> str:
    """A number that may be a count or an error.

    >>> _short(17.0), _short(2.34e-7)
    ('17', '2.3e-07')
    """
    return f"{x:.0f}" if math.isfinite(x) and x == round(x) else f"{x:.1e}"


def _speed_lines(speeds: list[Speed]) -> list[str]:
    """One line for each network and batch size: microseconds per step of each system."""
    if not speeds:
        return []
    systems = list(dict.fromkeys(s.system for s in speeds))
    heads = " ".join(f"{system:>15}" for system in systems)
    found = ["", f"{'microseconds per step':<28} {heads} {'floor':>10}"]
    for network, batch in dict.fromkeys((s.network, s.batch) for s in speeds):
        rows = {s.system: s for s in speeds if (s.network, s.batch) == (network, batch)}
        floors = [s for s in rows.values() if math.isfinite(s.floor)]
        values = " ".join(
            f"{rows[system].microseconds:>15,.1f}" if system in rows else f"{'-':>15}"
            for system in systems
        )
        floor = f"{floors[0].floor:>10,.1f} {floors[0].bound}" if floors else f"{'-':>10}"
        found.append(f"{f'{network} x {batch}':<28} {values} {floor}")
    return [*found, ""]
