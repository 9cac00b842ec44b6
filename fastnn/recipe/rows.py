"""What a row of the table of options says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastnn.recipe.checks import Check


@dataclass(frozen=True)
class Flag:
    """How an option is written on the command line: ``--name METAVAR``.

    ``name``: if it is not that of the option; ``read``: from the text to the value; ``repeat``:
    it can be given several times; ``negated``: ``--no-name`` without a value, which ``help`` says;
    ``remark``: what only the command line says; ``example``: a value, where there is no default.
    """

    metavar: str
    read: Callable[[str], Any] = str
    name: str = ""
    repeat: bool = False
    negated: bool = False
    help: str = ""
    remark: str = ""
    example: str = ""


@dataclass(frozen=True)
class Effect:
    """When an option has an effect, by the others; ``unless`` says why it has none."""

    when: Callable[[Mapping[str, Any]], bool]
    unless: str


@dataclass(frozen=True)
class Option:
    """A row of the table.

    ``help`` is one line, on the command line and in the documentation, where ``more`` follows it.
    ``shown``: the default in words, where it is None. Where ``effect`` is None, the option always
    has one, or it depends on the data, and is checked where they are known.
    """

    default: Any
    check: Check
    help: str
    flag: Flag | None = None
    effect: Effect | None = None
    more: str = ""
    shown: str = ""
    name: str = ""
    group: str = ""
    annotation: Any = None

    @property
    def flag_name(self) -> str:
        """The name on the command line, without the dashes."""
        assert self.flag is not None
        return ("no-" if self.flag.negated else "") + (
            self.flag.name or self.name.replace("_", "-")
        )
