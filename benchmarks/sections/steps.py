"""Seconds per training step: every system, interleaved, against the floors.

The section ``steps`` takes the networks A to F at their batch sizes; ``scaling`` takes widths and
depths at one batch size, for the systems that matter there.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.networks import Case, all_cases, case, scaling_cases
from benchmarks.processes import Worker, workers
from benchmarks.rows import SYSTEMS, Row
from benchmarks.sections import Options

SCALED = ("fastnn_compiled", "fastnn_numpy", "products", "pytorch", "jax_scan")


def run(options: Options) -> Iterator[list[Row]]:
    """Measure the networks A to F."""
    cases = [case(label) for label in options.cases] or all_cases()
    yield from _run("steps", cases, options.chosen(*SYSTEMS), options)


def run_scaling(options: Options) -> Iterator[list[Row]]:
    """Measure every width and depth."""
    yield from _run("scaling", scaling_cases(), options.chosen(*SCALED), options)


def _run(
    section: str, cases: list[Case], systems: tuple[str, ...], options: Options
) -> Iterator[list[Row]]:
    with workers(systems) as at_work:
        for c in cases:
            if not options.known(section, c.label, systems):
                yield measure(c, at_work, options.repeats, section)


def measure(c: Case, at_work: dict[str, Worker], repeats: int, section: str = "steps") -> list[Row]:
    """Return a row per system: ``repeats`` rounds after a first epoch, each system once in each."""
    about = {"batch": c.batch, "steps": c.n_steps, "network": c.shape}
    rows = {name: Row(section, c.label, name, extra=dict(about)) for name in at_work}
    if (reason := too_large(c, len(at_work))) is not None:
        for row in rows.values():
            row.error = reason
        return list(rows.values())
    for name, worker in at_work.items():
        answer = worker.ask("prepare", case=c.label, seed=c.seed)
        rows[name].error = answer.get("error")
        rows[name].extra["prepare_seconds"] = answer.get("prepare_seconds")
    names = list(at_work)
    for i in range(repeats):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            _epoch(at_work[name], rows[name], c)
    return list(rows.values())


def _epoch(worker: Worker, row: Row, c: Case) -> None:
    if row.error is None:
        answer = worker.ask("epoch")
        row.error = answer.get("error")
        if row.error is None:
            row.values.append(answer["seconds"] / c.n_steps)


def too_large(c: Case, systems: int) -> str | None:
    """Return why a case cannot be measured by so many systems side by side, or None."""
    from fastnn.backend.host.memory import free_memory

    needed, free = c.memory() * systems, free_memory()
    if needed <= free:
        return None
    return f"needs about {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free"
