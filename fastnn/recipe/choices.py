"""Options that were given: whether there are such, checked, and those that have no effect."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, get_args

from fastnn.errors import ArgumentError, arg
from fastnn.recipe.rows import Option
from fastnn.recipe.table import GROUPS
from fastnn.registry import Table, did_you_mean


def _read() -> dict[str, Option]:
    """The rows by name, each told its name, its group and its type."""
    found = {}
    for group in GROUPS:
        for name, annotated in group.__annotations__.items():
            form, row = get_args(annotated)
            found[name] = replace(row, name=name, group=group.__name__, annotation=form)
    return found


OPTIONS: Mapping[str, Option] = _read()


def options(*groups: type) -> dict[str, Option]:
    """Return the rows of some groups of options, by name.

    >>> from fastnn.recipe.table import RunOptions
    >>> [*options(RunOptions)]
    ['device', 'engine', 'capture', 'precision', 'dtype']
    """
    names = {name for group in groups for name in group.__annotations__}
    return {name: row for name, row in OPTIONS.items() if name in names}


def pick(given: Mapping[str, Any], *groups: type) -> dict[str, Any]:
    """Return those of the given options that belong to some groups.

    >>> from fastnn.recipe.table import FitOptions
    >>> pick({"device": "cpu", "epochs": 3}, FitOptions)
    {'epochs': 3}
    """
    rows = options(*groups)
    return {name: value for name, value in given.items() if name in rows}


def checked(given: Mapping[str, Any], *groups: type) -> dict[str, Any]:
    """Return every option of some groups: those given, checked, the others by default.

    >>> from fastnn.recipe.table import FitOptions, RunOptions
    >>> checked({"precision": "tf32"}, RunOptions)["precision"]
    'tf32'
    >>> checked({"epochs": 3, "min_delta": 0.1, "patience": None}, FitOptions)
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: min_delta=0.1 has no effect without patience: set patience too

    Raises ArgumentError for a value that is not allowed, and for one that has no effect because
    of the others.
    """
    rows = options(*groups)
    values = {
        name: row.check(name, given[name]) if name in given else row.check(name, row.default)
        for name, row in rows.items()
    }
    for name, row in rows.items():
        if name in given and row.effect is not None and not row.effect.when(values):
            refuse_without_effect(row, given[name])
    return values


def refuse_without_effect(row: Option, value: Any) -> None:
    """Raise ArgumentError for a value that is not the default, and has no effect.

    >>> refuse_without_effect(OPTIONS["dropout"], 0.0)
    """
    empty = isinstance(value, (list, tuple)) and not value
    if row.effect is not None and not empty and value != row.default:
        raise ArgumentError(f"{arg(row.name, value)} has no effect{row.effect.unless}", value=value)


def refuse_unknown(owner: str, given: Collection[str], known: Collection[str]) -> None:
    """Raise ArgumentError for the first name that is no argument of ``owner``.

    What is an option of a row of another table, such as momentum's beta, is said with how to
    write it.

    >>> refuse_unknown("train", ["epoch"], ["epochs"])
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: train has no argument 'epoch'; did you mean 'epochs'?
    """
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or _in_a_row(name)
            raise ArgumentError(f"{owner} has no argument {name!r}{hint}", argument=name)


def _in_a_row(option: str) -> str:
    from fastnn.nn.activations import ACTIVATIONS
    from fastnn.nn.losses import LOSSES
    from fastnn.nn.optimizers import OPTIMIZERS
    from fastnn.nn.schedules import SCHEDULES

    tables: tuple[Table[Any], ...] = (OPTIMIZERS, SCHEDULES, LOSSES, ACTIVATIONS)
    for table in tables:
        for row in table:
            if option == row.name or option in (o.name for o in row.options):
                value = f"{row.name}({option}=...)" if option != row.name else option
                return f"; write {arg(table.kind, value)}"
    return ""
