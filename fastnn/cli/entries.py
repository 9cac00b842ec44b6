"""What ``fastnn help`` can explain: the rows of the tables, their options, those of a training."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastnn.registry import Option, Table

#: The equations of the notes that a text names: (N19).
NOTES = re.compile(r" ?\((N\d+)\)")


@dataclass(frozen=True)
class Entry:
    """A name with what there is to say of it; ``facts`` are further lines, by what they are.

    ``words``: under what else it is found, without being called so.
    """

    name: str
    kind: str
    says: str
    formula: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    example: str = ""
    aliases: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All under which it is found."""
        return (self.name, *self.aliases, *self.words)

    def to_json(self) -> dict[str, Any]:
        """Return what there is, under its names.

        >>> Entry("x", "device", "A device.").to_json()
        {'name': 'x', 'kind': 'device', 'says': 'A device.'}
        """
        found = {**vars(self), "facts": None}
        found |= {name.replace(" ", "_"): fact for name, fact in self.facts.items()}
        found["options"] = [
            {"name": o.name, "default": o.default, "range": o.range, "says": o.says}
            for o in self.options
        ]
        return {name: value for name, value in found.items() if value}


#: What the symbols of the formulas mean.
_WHERE = {
    "activation": "z is a unit's weighted sum, a = g(z), and g' is its slope",
    "loss": "a is the output, y the target; the cost is the mean of L over the examples",
    "initializer": "n_in and n_out are the inputs and the units of the layer",
    "batch_normalization": "mean and var are over the batch; gamma and beta are trained",
    "optimizer": "W is a parameter, dW its gradient, alpha the learning rate",
    "schedule": "the learning rate is alpha f; t counts the epochs from 0, T is their number",
    "metric": "y is the target, a the output; tp, fp and fn count true and false positives and "
    "false negatives",
}


def rows_of(table: Table[Any]) -> list[Entry]:
    """Return the rows of a table.

    >>> from fastnn.nn.optimizers import OPTIMIZERS
    >>> rows_of(OPTIMIZERS)[0].facts["flag"]
    '--optimizer'
    """
    kind = table.kind
    where = {"where": _WHERE[kind]} if kind in _WHERE else {}
    return [
        Entry(
            row.name,
            kind.replace("_", " "),
            row.about.says,
            formula=row.about.equations,
            options=(*row.options, *_common(kind, row)),
            facts={**where, **_facts(kind, row), **_flags(kind)},
            source=row.about.source,
            example=_example(kind, row),
            aliases=row.aliases,
        )
        for row in table
    ]


def _common(kind: str, row: Any) -> tuple[Option, ...]:
    """The options that all rows of a table have."""
    if kind == "schedule":
        from fastnn.nn.schedules import PER, WARM_UP

        return (PER, WARM_UP) if row.name != "one_cycle" else (PER,)
    if kind == "metric" and row.pools:
        from fastnn.training.metrics import POOLED

        return (POOLED,)
    return ()


def _facts(kind: str, row: Any) -> Mapping[str, str]:
    """What only the rows of this kind have."""
    if kind == "activation":
        return {"first weights": f"{row.initializer}, unless --initializer says otherwise"}
    if kind == "optimizer":
        state = ", ".join(row.state) or "nothing"
        return {
            "learning rate": f"{row.learning_rate:g}, unless --learning-rate says otherwise",
            "remembers": f"{state} of each parameter" if row.state else state,
        }
    if kind == "loss":
        from fastnn.nn.losses import DEFAULT_LOSSES

        link = row.link if row.from_logits else "any, identity unless --output-activation says"
        return {"tasks": _tasks(row, DEFAULT_LOSSES), "output": link}
    if kind == "metric":
        from fastnn.training.metrics import DEFAULT_METRICS

        better = "greater" if row.greater_is_better else "smaller"
        return {"tasks": _tasks(row, DEFAULT_METRICS), "better": f"a {better} one"}
    return {}


def _tasks(row: Any, defaults: Mapping[str, Any]) -> str:
    """The tasks that a row is for, and of which it is the default."""
    chosen = [task for task in row.tasks if row.name in (defaults[task], *defaults[task])]
    said = "; the default" if chosen == [*row.tasks] else f"; the default of {', '.join(chosen)}"
    return ", ".join(row.tasks) + (said if chosen else "")


def _flags(kind: str) -> Mapping[str, str]:
    """The options that take the names of a table."""
    from fastnn.recipe.checks import told
    from fastnn.recipe.choices import OPTIONS

    rows = [row for row in OPTIONS.values() if told(row.check).kind == kind]
    return {"flag": ", ".join(f"--{row.flag_name}" for row in rows)} if rows else {}


def _example(kind: str, row: Any) -> str:
    """A command that uses a row, its first option set to the default."""
    if kind == "data set":
        return f"fastnn train {row.name}"
    choice = row.name
    if row.options:
        choice = f'"{row.name}({row.options[0].setting})"'
    by_task = {"multiclass": "digits", "binary": "breast_cancer", "regression": "diabetes"}
    data = by_task[getattr(row, "tasks", ("multiclass",))[0]]
    flag = _flags(kind)["flag"].partition(",")[0]
    return f"fastnn train {data} {flag} {choice}"


def options_of_rows(table: Table[Any]) -> Iterator[Entry]:
    """Return the options that rows of a table have, once for each name and default.

    >>> from fastnn.nn.activations import ACTIVATIONS
    >>> [(entry.name, entry.kind) for entry in options_of_rows(ACTIVATIONS)]
    [('slope', 'option of the activation leaky_relu'), ('alpha', 'option of the activation elu')]
    """
    owners: dict[Option, list[Any]] = {}
    for row in table:
        for option in (*row.options, *_common(table.kind, row)):
            owners.setdefault(option, []).append(row)
    for option, rows in owners.items():
        names = [row.name for row in rows]
        all_but = [row.name for row in table if row not in rows]
        kind = table.kind.replace("_", " ")
        many = f"of every {kind}" + f" but {', '.join(all_but)}" * bool(all_but)
        said = many if len(all_but) < 2 < len(names) else f"of the {kind} {', '.join(names)}"
        flag = _flags(table.kind)["flag"].partition(",")[0]
        yield Entry(
            option.name, f"option {said}", f"{option.says[0].upper()}{option.says[1:]}.",
            facts={"default": option.setting.partition("=")[2], "takes": option.range},
            example=f'fastnn train DATA {flag} "{names[0]}({option.setting})"',
        )  # fmt: skip


def options_of_training() -> list[Entry]:
    """Return the rows of the table of options.

    >>> [entry.facts["flag"] for entry in options_of_training() if entry.name == "epochs"]
    ['--epochs N']
    """
    from fastnn.recipe.choices import OPTIONS

    return [_option(row) for row in OPTIONS.values()]


def _option(row: Any) -> Entry:
    """An option of a training, with what it takes from its check."""
    from fastnn.recipe.checks import told
    from fastnn.recipe.documentation import shown_default

    check, facts = told(row.check), {}
    if row.flag is not None:
        facts["flag"] = f"--{row.flag_name} {row.flag.metavar}".strip()
    facts["in Python"] = f"{row.name}={row.default!r}"
    facts["default"] = shown_default(row) + _by_optimizer() * (row.name == "learning_rate")
    if check.takes:
        facts["takes"] = check.takes
    if check.kind:
        facts["names"] = ", ".join([*check.words, *_names(check.kind)])
    if row.effect is not None:
        facts["no effect"] = _plain(row.effect.unless)
    text = "; ".join(filter(None, [row.help, row.flag and row.flag.remark, row.more]))
    other = row.flag is not None and row.flag_name.replace("-", "_") != row.name
    return Entry(
        row.name, "option of a training", f"{text[0].upper()}{NOTES.sub('', text)[1:]}.",
        facts=facts,
        source=", ".join(NOTES.findall(text)),
        example=_example_of_option(row),
        aliases=(row.flag_name,) if other else (),
    )  # fmt: skip


def _example_of_option(row: Any) -> str:
    """A command with the option: its default, or a value where there is none."""
    if row.flag is None:
        return ""
    data = (
        "flats.csv --target price"
        if row.group in ("DataOptions", "ReadingOptions") or row.name == "split"
        else "digits"
    )
    value = "" if row.flag.negated else f" {row.flag.example or row.default}"
    return f"fastnn train {data} --{row.flag_name}{value}"


def _plain(unless: str) -> str:
    """When an option has no effect, as a condition."""
    from fastnn.cli.train_arguments import as_flag
    from fastnn.errors import FastnnError

    said = FastnnError(unless).said(as_flag)
    return f"if {said[2:]}" if said.startswith(": ") else said.strip()


def _by_optimizer() -> str:
    from fastnn.nn.optimizers import OPTIMIZERS

    rates: dict[float, list[str]] = {}
    for row in OPTIMIZERS:
        rates.setdefault(row.learning_rate, []).append(row.name)
    return ": " + "; ".join(f"{rate:g} for {', '.join(names)}" for rate, names in rates.items())


def _names(kind: str) -> tuple[str, ...]:
    from fastnn.cli.tables import tables

    return next(table.names for table in tables() if table.kind == kind)
