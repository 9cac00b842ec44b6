"""The parts of the suite. Each has ``run(options)``, which gives the rows of one case at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.rows import SYSTEMS


def _never(section: str, case: str, systems: tuple[str, ...]) -> bool:
    return False


@dataclass(frozen=True)
class Options:
    """What to measure: ``cases`` of the section steps (all if empty), systems, repeats.

    ``known(section, case, systems)`` tells whether these results are there already.
    """

    cases: tuple[str, ...] = ()
    systems: tuple[str, ...] = tuple(SYSTEMS)
    repeats: int = 5
    known: Callable[[str, str, tuple[str, ...]], bool] = _never

    def chosen(self, *among: str) -> tuple[str, ...]:
        """Return the chosen systems, of ``among`` only."""
        return tuple(name for name in among if name in self.systems)
