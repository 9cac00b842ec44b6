"""Options that were given: whether there are such, checked, and those that have no effect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

from fastnn.errors import ArgumentError, about, arg
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
    rows, values = options(*groups), {}
    for name, row in rows.items():
        with about(name):
            values[name] = row.check(name, given.get(name, row.default))
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


def refuse_unknown(
    owner: str,
    given: Iterable[str],
    known: Collection[str],
    words: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Raise ArgumentError for the first name that is no argument of ``owner``.

    What others call so, or an option of a row such as momentum's beta, is said with what to write;
    ``words``: from names that are not there to what does their work.

    >>> refuse_unknown("train", ["epoch"], ["epochs"])
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: train has no argument 'epoch'; did you mean 'epochs'?
    """
    for name in given:
        if name not in known:
            hint = f"; {words[name]}" if name in words else ""
            if not hint and name not in _THREADS:
                hint = did_you_mean(name, known)
            if not hint:
                named, found = elsewhere(name)
                hint = found if named in known else ""
            if not hint and len(known) <= _FEW:
                hint = f" (it has {', '.join(known) or 'none'})"
            raise ArgumentError(f"{owner} has no argument {name!r}{hint}", argument=name)


#: A function with so many arguments can be told by listing them.
_FEW = 16

#: What other programs call an option: its name here, and its value if it is one.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "alpha": ("l2",),
    "cuda": ("device", "cuda"),
    "early_stopping": ("patience",),
    "gpu": ("device", "cuda"),
    "layers": ("hidden_layer_sizes",),
    "lr": ("learning_rate",),
    "max_iter": ("epochs",),
    "na_values": ("missing",),
    "random_state": ("seed",),
    "sep": ("delimiter",),
    "solver": ("optimizer",),
    "test_size": ("fractions",),
    "validation_split": ("fractions",),
}


#: What others call the number of threads, which no option is here.
_THREADS = ("threads", "n_threads", "num_threads", "nthread")


def elsewhere(name: str) -> tuple[str, str]:
    """Return the option that ``name``, which is none, belongs to, and how to write it.

    >>> elsewhere("epochs_of_my_own")
    ('', '')
    >>> option, text = elsewhere("beta1")
    >>> str(ArgumentError(text))
    "; it is an option of adam, adamw: write for example optimizer='adam(beta1=0.9)'"
    """
    if name in _WORDS:
        return _WORDS[name][0], f"; write {arg(*_WORDS[name])}"
    if name in _THREADS:
        return "engine", (
            "; there are as many threads as cores, and no more than BLAS has: for fewer set the "
            "environment variable OPENBLAS_NUM_THREADS before the start"
        )
    for row in OPTIONS.values():  # as the other of Python and the command line calls it
        flag = row.name if row.flag is None or row.flag.negated else row.flag_name
        if flag.replace("-", "_") != row.name and name in (flag, row.name):
            return row.name, f"; write {arg(row.name)}"
    if name in ("warm_up", "per"):
        how = arg("schedule", "cosine(warm_up=5)" if name == "warm_up" else "cosine(per=step)")
        return "schedule", f"; it is an option of every schedule: write {how}"
    from fastnn.nn.activations import ACTIVATIONS
    from fastnn.nn.losses import LOSSES
    from fastnn.nn.optimizers import OPTIMIZERS
    from fastnn.nn.schedules import SCHEDULES

    tables: tuple[Table[Any], ...] = (OPTIMIZERS, SCHEDULES, LOSSES, ACTIVATIONS)
    for table in tables:
        if name in table:
            return table.kind, f"; write {arg(table.kind, table[name].name)}"
    for table in tables:
        owners = {r.name: o.default for r in table for o in r.options if o.name == name}
        for row, default in owners.items():
            shown = f"{default:g}" if isinstance(default, float) else default
            how = arg(table.kind, f"{row}({name}={shown})")
            many = ", ".join(owners)
            return table.kind, f"; it is an option of {many}: write for example {how}"
    return "", ""
