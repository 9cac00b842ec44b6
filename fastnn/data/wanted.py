"""Which columns of a source are read, where only some of them are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from fastnn.data.statistics import DataNote
from fastnn.data.table import listed
from fastnn.errors import warn


@dataclass(frozen=True)
class Only:
    """The columns that are wanted. A reader leaves others unread, and notes them in ``others``."""

    names: Collection[str]
    others: list[str] = field(default_factory=list)

    def besides(self, found: Iterable[str]) -> list[str]:
        """Return those of ``found`` that are not wanted, and note them.

        >>> only = Only(["age"])
        >>> only.besides(["id", "age"]), only.others
        (['id'], ['id'])
        """
        new = [name for name in found if name not in self.names]
        self.others.extend(name for name in new if name not in self.others)  # of several files
        return new


def tell_others(others: Collection[str], target: Collection[str] = ()) -> None:
    """Warn (DataNote) of columns that are left out because a model does not take them, if any.

    ``target``: those that it predicts.

    >>> tell_others([])
    """
    names = [name for name in others if name not in target]
    there = listed(repr(name) for name in others if name in target)
    several = sum(name in target for name in others) > 1
    word, be = ("targets", "are") if several else ("target", "is")
    if names:
        also = f"; so {be} the {word} {there}" if there else ""
        said = f"columns that the model does not take are left out: {listed(names)}{also}"
        warn(DataNote(said))
    elif there:
        warn(DataNote(f"the {word} {there} in the data {be} left out"))
