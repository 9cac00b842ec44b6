"""The arguments of ``fastnn train`` and the names that they take."""

from __future__ import annotations

from fastnn.cli.parser import (
    Parser,
    add_reading,
    batch_size,
    layers,
    none_or_text,
    one_or_list,
    patience,
    real,
    shares,
    split_list,
    whole,
)
from fastnn.registry import Row


def add_arguments(p: Parser, engine_flag: str = "--engine") -> None:
    """Add them all. Those that are not given stay away from the namespace.

    ``engine_flag``: what chooses NumPy or compiled code.

    >>> import argparse
    >>> p = Parser(argument_default=argparse.SUPPRESS)
    >>> add_arguments(p)
    >>> vars(p.parse_args(["digits", "--l2", "0.1"]))
    {'data': 'digits', 'l2': 0.1}
    """
    p.add_argument("data", metavar="DATA", help="a built-in name, or a file: CSV, Parquet, NPZ")
    _add_data(p)
    _add_network(p)
    _add_training(p, engine_flag)
    g = p.add_argument_group("output")
    g.add_argument(
        "-o", "--out", metavar="FILE",
        help="the model file; default: DATA's name with .fastnn, here",
    )  # fmt: skip
    g.add_argument("--json", action="store_true", help="print the results as one JSON document")
    g.add_argument("--quiet", action="store_true", help="show no progress")


def _add_data(p: Parser) -> None:
    g = p.add_argument_group("data")
    g.add_argument(
        "--target", metavar="COL", action="append",
        help="the column to predict; a file needs it. For several columns give it several times",
    )  # fmt: skip
    add_reading(g)
    g.add_argument(
        "--task", metavar="NAME",
        help="auto (default: by the target), binary, multiclass, multilabel or regression",
    )  # fmt: skip
    g.add_argument(
        "--categorical", metavar="COL[,COL]", action="append", type=split_list,
        help="numeric columns to take as categories",
    )  # fmt: skip
    g.add_argument(
        "--drop", metavar="COL[,COL]", action="append", type=split_list, help="columns to leave out"
    )
    g.add_argument(
        "--fractions", metavar="A,B,C", type=shares,
        help="shares of training, validation and test; default: .6,.2,.2, and .98,.01,.01 from a "
        "million rows on",
    )  # fmt: skip
    g.add_argument("--validation", metavar="FILE", help="validation rows of your own")
    g.add_argument("--test", metavar="FILE", help="test rows of your own")
    g.add_argument(
        "--no-standardize", dest="standardize", action="store_false",
        help="leave the inputs in their own units; default: mean 0, deviation 1",
    )  # fmt: skip
    g.add_argument(
        "--class-weight", metavar="NAME", help="balanced: each class counts as much as each other"
    )
    g.add_argument(
        "--metrics", metavar="NAME[,NAME]", type=split_list,
        help="what to report; default: by the task",
    )  # fmt: skip


def _add_network(p: Parser) -> None:
    g = p.add_argument_group("network")
    g.add_argument(
        "--hidden", dest="hidden_layer_sizes", metavar="N[,N]", type=layers,
        help="units of the hidden layers; default: 128; none: logistic or linear regression",
    )  # fmt: skip
    g.add_argument(
        "--activation", metavar="NAME[,NAME]", type=one_or_list(str),
        help="of the hidden layers, one for all or one for each; default: relu",
    )  # fmt: skip
    g.add_argument(
        "--output-activation", metavar="NAME", help="of the output; default: by the loss"
    )
    g.add_argument(
        "--initializer", metavar="NAME[,NAME]", type=one_or_list(str),
        help="of the weights, one for all layers or one for each; default: by the activation",
    )  # fmt: skip
    g.add_argument("--loss", metavar="NAME", help="what is minimised; default: by the task")
    g.add_argument(
        "--label-smoothing", metavar="S", type=real,
        help="moves the targets of a cross-entropy by this share towards uniform; default: 0",
    )  # fmt: skip
    g.add_argument(
        "--dropout", metavar="P[,P]", type=one_or_list(real),
        help="share of the hidden units left out in training, one for all layers or one for each; "
        "default: 0",
    )  # fmt: skip
    g.add_argument(
        "--batch-normalization", metavar="WHERE[,WHERE]", type=one_or_list(none_or_text),
        help="before or after the activation of the hidden layers, or none (default); one for all "
        "layers or one for each",
    )  # fmt: skip


def _add_training(p: Parser, engine_flag: str) -> None:
    g = p.add_argument_group("training")
    g.add_argument("--optimizer", metavar="NAME", help="default: adam")
    g.add_argument("--learning-rate", metavar="R", type=real, help="default: by the optimizer")
    g.add_argument(
        "--schedule", metavar="NAME", help="course of the learning rate; default: constant"
    )
    g.add_argument(
        "--batch-size", metavar="M", type=batch_size,
        help="examples per step, or full for all of them, or auto: full up to 2000 examples, else "
        "64 to 1024; default: 32, from 10,000 examples on 128, from a million on 512",
    )  # fmt: skip
    g.add_argument(
        "--micro-batch-size", metavar="M", type=batch_size,
        help="examples of a mini-batch that are computed at once, to save memory; default: auto, "
        "all of them if they fit",
    )  # fmt: skip
    g.add_argument("--epochs", metavar="N", type=whole, help="at most so many; default: 100")
    g.add_argument(
        "--l2",
        metavar="LAMBDA",
        type=real,
        help="penalty on the squares of the weights; default: 0",
    )
    g.add_argument(
        "--l1", metavar="LAMBDA", type=real,
        help="penalty on the absolute values of the weights; default: 0",
    )  # fmt: skip
    g.add_argument(
        "--gradient-clip", metavar="NORM", type=real, help="largest norm; default: no limit"
    )
    g.add_argument(
        "--patience", metavar="N", type=patience,
        help="stop when N epochs brought nothing better on the validation part, and go back to the "
        "best one's weights; default: 10; none: train to the end",
    )  # fmt: skip
    g.add_argument(
        "--monitor", metavar="NAME", help="what is to get better: loss (default) or a metric"
    )
    g.add_argument(
        "--min-delta", metavar="D", type=real, help="by how much, to count as better; default: 0"
    )
    g.add_argument(
        "--tolerance", metavar="T", type=real,
        help="stop when the cost changed by less than this share of itself in three epochs running",
    )  # fmt: skip
    g.add_argument("--device", help="cpu (default), cuda, cuda:N, or auto: the GPU if it is usable")
    g.add_argument(
        engine_flag,
        dest="engine",
        metavar="ENGINE",
        help="numpy, compiled (needs the extra jit) or auto (default): compiled where that is "
        "faster",
    )
    g.add_argument(
        "--capture",
        help="on a GPU: auto (default) starts each step as one CUDA graph where that works, never "
        "kernel by kernel, always fails where it does not work",
    )
    g.add_argument(
        "--precision",
        help="on a GPU: full (default), or tf32: faster products of float32 with 10 bits of "
        "mantissa instead of 23",
    )
    g.add_argument("--dtype", help="float32 (default) or float64")
    g.add_argument(
        "--seed", metavar="N", type=whole, help="the same seed, the same model; default: 0"
    )


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
    found["schedule"] += "; every one also takes per=epoch or per=step, and warm_up=0"
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
