"""The arguments of ``fastnn train`` and the names that they take."""

from __future__ import annotations

import re
import shlex
from argparse import Namespace
from typing import Any

from fastnn.cli.parser import Parser
from fastnn.errors import in_python
from fastnn.recipe.choices import OPTIONS, options
from fastnn.recipe.documentation import shown_default
from fastnn.recipe.rows import Option
from fastnn.recipe.table import (
    GROUPS,
    DataOptions,
    DescentOptions,
    FitOptions,
    NetworkOptions,
    OptimizerOptions,
    PartOptions,
    ReadingOptions,
    RunOptions,
    SeedOptions,
)
from fastnn.registry import Row

#: How the help calls the groups of the table.
_TITLES = {
    DataOptions: "data",
    ReadingOptions: "data",
    PartOptions: "data",
    NetworkOptions: "network",
    OptimizerOptions: "training",
    DescentOptions: "training",
    FitOptions: "training",
    SeedOptions: "training",
    RunOptions: "computing",
}


def add_arguments(p: Parser) -> None:
    """Add them all. Those that are not given stay away from the namespace.

    >>> import argparse
    >>> p = Parser(argument_default=argparse.SUPPRESS)
    >>> add_arguments(p)
    >>> vars(p.parse_args(["digits", "--l2", "0.1"]))
    {'data': 'digits', 'l2': 0.1}
    """
    p.add_argument("data", metavar="DATA", help="a built-in name, or a file: CSV, Parquet, NPZ")
    g = p.add_argument_group("data")
    g.add_argument(
        "--target", metavar="COL", action="append",
        help="the column to predict; a file needs it. For several columns give it several times",
    )  # fmt: skip
    g.add_argument("--validation", metavar="FILE", help="validation rows of your own")
    g.add_argument("--test", metavar="FILE", help="test rows of your own")
    titled = {"data": g}
    for group in GROUPS:
        title = _TITLES[group]
        if title not in titled:
            titled[title] = p.add_argument_group(title)
        for row in options(group).values():
            add_flag(titled[title], row)
    g = p.add_argument_group("output")
    g.add_argument(
        "-o", "--out", metavar="FILE",
        help="the model file; default: DATA's name with .fastnn, here",
    )  # fmt: skip
    g.add_argument("--json", action="store_true", help="print the results as one JSON document")
    g.add_argument("--quiet", action="store_true", help="show no progress")


def add_flag(p: Any, row: Option) -> None:
    """Add the flag of a row of the table to a parser or a group; none if it has none.

    >>> from fastnn.recipe.choices import OPTIONS
    >>> p = Parser()
    >>> add_flag(p, OPTIONS["hidden_layer_sizes"])
    >>> p.parse_args(["--hidden", "8,4"]).hidden_layer_sizes
    (8, 4)
    """
    if row.flag is None:
        return
    how: dict[str, Any] = {"dest": row.name}
    if row.flag.negated:
        how |= {"action": "store_false", "help": row.flag.help}
    else:
        how |= {"metavar": row.flag.metavar, "type": row.flag.read}
        remark = f"; {row.flag.remark}" * bool(row.flag.remark)
        text = f"{row.help}; default: {shown_default(row)}{remark}"
        how["help"] = re.sub(r" \(N\d+\)", "", text).replace("%", "%%")  # equations of the notes
        if row.flag.repeat:
            how["action"] = "append"
    p.add_argument(f"--{row.flag_name}", **how)


def add_reading(p: Any) -> None:
    """Add the options that say how text is read.

    >>> p = Parser()
    >>> add_reading(p)
    >>> p.parse_args(["--decimal", ","]).decimal
    ','
    """
    for row in options(ReadingOptions).values():
        add_flag(p, row)


def reading_of(arguments: Namespace) -> Any:
    """Return how text is to be read, None for what was not given.

    >>> reading_of(Namespace(decimal=","))
    {'delimiter': None, 'decimal': ',', 'thousands': None, 'missing': None}
    """
    return {name: getattr(arguments, name, None) for name in options(ReadingOptions)}


#: Arguments of `train` that are no options of the table, and are flags all the same.
PLAIN = ("target", "validation", "test")


def as_flag(name: str, value: str | None = None) -> str:
    """Spell an argument as the command line does.

    >>> as_flag("hidden_layer_sizes"), as_flag("loss", "'huber'"), as_flag("callbacks")
    ('--hidden', '--loss huber', 'callbacks')
    >>> as_flag("missing", "['-']"), as_flag("thousands", "' '")
    ('--missing=-', '--thousands space')
    """
    row = OPTIONS.get(name)
    if row is None or row.flag is None:
        if name not in PLAIN:
            return in_python(name, value)
        flag = name
    else:
        flag = row.flag_name
    if value is None or (row is not None and row.flag is not None and row.flag.negated):
        return f"--{flag}"
    plain = value.strip("[]()").rstrip(",").replace("', '", ",").replace(", ", ",").strip("'\"")
    word = shlex.quote({"\\t": "tab", " ": "space"}.get(plain, plain))
    joined = "=" if plain.startswith("-") else " "  # or it would be taken for an option
    return f"--{flag}{joined}{word}"


#: What other programs call an option, with its name here.
_WORDS = {
    "cuda": "--device cuda",
    "early_stopping": "--patience",
    "gpu": "--device cuda",
    "layers": "--hidden",
    "lr": "--learning-rate",
    "na_values": "--missing",
    "random_state": "--seed",
    "sep": "--delimiter",
    "test_size": "--fractions",
}


def elsewhere(word: str) -> str:
    """Return how to write ``word``, which is no option here: it may be a name or option of a table.

    >>> elsewhere("--momentum"), elsewhere("--lr"), elsewhere("--epoch")
    ('; write --optimizer momentum', '; write --learning-rate', '')
    >>> print(elsewhere("--beta1"))
    ; it is an option of adam, adamw: write for example --optimizer "adam(beta1=0.9)"
    """
    from fastnn.nn.optimizers import OPTIMIZERS
    from fastnn.nn.schedules import SCHEDULES

    name = word.removeprefix("--").partition("=")[0].replace("-", "_").lower()
    if name in _WORDS:
        return f"; write {_WORDS[name]}"
    if name in ("warm_up", "per"):
        value = {"warm_up": 5, "per": "step"}[name]
        return f'; it is an option of every schedule: write --schedule "cosine({name}={value})"'
    tables = (OPTIMIZERS, SCHEDULES)
    for table in tables:
        if name in table:
            return f"; write --{table.kind} {table[name].name}"
    for table in tables:
        owners = {r.name: o.default for r in table for o in r.options if o.name == name}
        if owners:
            first, value = next(iter(owners.items()))
            shown = f"{value:g}" if isinstance(value, float) else value
            return (
                f"; it is an option of {', '.join(owners)}: "
                f'write for example --{table.kind} "{first}({name}={shown})"'
            )
    return ""


def names() -> str:
    """Return what can be named, with the options, from the tables themselves.

    >>> "leaky_relu(slope=0.01)" in names()
    True
    """
    from fastnn.cli.text import pairs
    from fastnn.data.builtin import DATASETS
    from fastnn.nn.activations import ACTIVATIONS
    from fastnn.nn.initializers import INITIALIZERS
    from fastnn.nn.losses import LOSSES
    from fastnn.nn.normalization import PLACES
    from fastnn.nn.optimizers import OPTIMIZERS
    from fastnn.nn.schedules import SCHEDULES
    from fastnn.training.metrics import METRICS

    tables = (DATASETS, ACTIVATIONS, LOSSES, INITIALIZERS, PLACES, OPTIMIZERS, SCHEDULES, METRICS)
    found = {table.kind: ", ".join(map(_shown, table)) for table in tables}
    found["optimizer"] += "; adamw decays weights, not biases"
    found["schedule"] += "; every one also takes per=epoch or per=step, and warm_up=0"
    found["metric"] += "; with pooled=True each output counts by itself"
    return (
        "names, with the defaults of their options; to set one, write for example\n"
        '--activation "leaky_relu(slope=0.2)":\n' + pairs(found, indent="  ")
    )


def _shown(row: Row) -> str:
    options = ", ".join(
        f"{o.name}={o.default:g}" if isinstance(o.default, float) else f"{o.name}={o.default}"
        for o in row.options
    )
    return f"{row.name}({options})" if options else row.name
