"""The arguments of ``fastnn train`` and the names that they take."""

from __future__ import annotations

import ast
import re
import shlex
from argparse import Action, Namespace
from collections.abc import Sequence
from typing import Any

from fastnn.cli.parser import Parser, joined
from fastnn.errors import ArgumentError, arg, in_python, shown
from fastnn.recipe.choices import OPTIONS, elsewhere, options
from fastnn.recipe.documentation import shown_default
from fastnn.recipe.forms import columns, written
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
from fastnn.registry import Row, call_text

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


#: What DATA can be.
DATA_HELP = (
    "a file (CSV, Parquet, Excel, NPZ ...: fastnn help files), several of one type, a folder or a "
    "pattern of such files, '-' for standard input, or a built-in name"
)


class OneOrMany(Action):
    """Takes one text as it is, several as a list; none is no argument."""

    def __call__(self, parser: Any, namespace: Namespace, values: Any, option: Any = None) -> None:
        if len(values) > 1 and "-" in values:
            parser.error(f"{self.metavar}: '-', standard input, is all of the data or none of it")
        if values:
            setattr(namespace, self.dest, values[0] if len(values) == 1 else values)


def add_arguments(p: Parser) -> None:
    """Add them all. Those that are not given stay away from the namespace.

    >>> import argparse
    >>> p = Parser(argument_default=argparse.SUPPRESS)
    >>> add_arguments(p)
    >>> vars(p.parse_args(["digits", "--l2", "0.1"]))
    {'data': 'digits', 'l2': 0.1}
    """
    p.add_argument("data", metavar="DATA", nargs="*", action=OneOrMany, help=DATA_HELP)
    g = p.add_argument_group("data")
    g.add_argument(
        "--target", metavar="COL[,COL]", action="append", type=columns,
        help="the column to predict, or several; a file needs it. A name with a comma is written "
        "in quotation marks: '\"a,b\"'",
    )  # fmt: skip
    g.add_argument(
        "--sample-weight", metavar="COL",
        help="the column of the rows' weights, which is no input then; evaluate takes it, too",
    )  # fmt: skip
    g.add_argument(
        "--validation",
        metavar="FILE",
        help="a file of validation rows; default: split off from DATA",
    )
    g.add_argument(
        "--test", metavar="FILE", help="a file of test rows; default: split off from DATA"
    )
    titled = {"data": g}
    for group in GROUPS:
        title = _TITLES[group]
        if title not in titled:
            titled[title] = p.add_argument_group(title)
        for row in options(group).values():
            add_flag(titled[title], row)
    titled["training"].add_argument(
        "--find-learning-rate", action="store_true",
        help="try learning rates on mini-batches, say which one is taken and why, and train with "
        "it; default: --learning-rate",
    )  # fmt: skip
    g = p.add_argument_group("output")
    g.add_argument(
        "-o", "--out", metavar="FILE",
        help="the model file; default: DATA's name with .fastnn, in the current folder",
    )  # fmt: skip
    g.add_argument(
        "--rate-picture", metavar="FILE",
        help="the loss over the learning rate, where that is looked for: .svg, .png, .csv or .html",
    )  # fmt: skip
    g.add_argument(
        "--report", metavar="FILE", nargs="?", const="",
        help="write a page on the training, an .html file; default: the model file's name with "
        ".html",
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
        how |= {"action": "store_false", "help": row.flag.help, "default": p.argument_default}
    else:
        how |= {"metavar": row.flag.metavar, "type": row.flag.read}
        remark = f"; {row.flag.remark}" * bool(row.flag.remark)
        text = f"{row.help}{remark}; default: {shown_default(row)}"
        how["help"] = re.sub(r" \(N\d+\)", "", text).replace("%", "%%")  # equations of the notes
        if row.flag.repeat:
            how["action"] = "append"
    p.add_argument(f"--{row.flag_name}", **how)


#: Options that are given as lists, and several times.
LISTS = tuple(n for n, row in OPTIONS.items() if row.flag is not None and row.flag.repeat)


def one_or_several(lists: Sequence[Sequence[str]]) -> str | list[str]:
    """Return the columns of ``--target``: a name, or a list of several.

    >>> one_or_several([["price"]]), one_or_several([["a", "b"], ["c"]])
    ('price', ['a', 'b', 'c'])
    """
    found = list(joined(lists))
    if twice := [name for k, name in enumerate(found) if name in found[:k]]:
        raise ArgumentError(f"{arg('target')} names {shown(twice[0])} twice; name it once")
    return found[0] if len(found) == 1 else found


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
    {'delimiter': None, 'encoding': None, 'header': None, 'sheet': None, 'bad_rows': None, ...}
    """
    return {name: getattr(arguments, name, None) for name in options(ReadingOptions)}


#: Arguments that are no options of the table.
_OTHERS = {"data": "DATA", "path": "MODEL", "shell": "SHELL", "n_random": "--random"} | {
    name: f"--{name}"
    for name in ("target", "validation", "test", "grid", "folds", "by", "jobs", "workers", "doctor",
                 "repeats", "rows", "config", "keep", "threshold", "interval", "format", "json",
                 "out")
}  # fmt: skip
_OTHERS |= {"sample_weight": "--sample-weight"}
_OTHERS |= {"find_learning_rate": "--find-learning-rate", "rate_picture": "--rate-picture"}
#: Those of them that have no value.
_SWITCHES = ("doctor",)


def as_flag(name: str, value: str | None = None) -> str:
    """Spell an argument as the command line does.

    >>> as_flag("hidden_layer_sizes"), as_flag("loss", "'huber'"), as_flag("callbacks")
    ('--hidden', '--loss huber', 'callbacks')
    >>> as_flag("missing", "['-']"), as_flag("thousands", "' '"), as_flag("missing", "[]")
    ('--missing=-', '--thousands space', '--missing none')
    >>> print(as_flag("thousands", repr("'")), as_flag("categorical", "['a,b', 'c']"))
    --thousands "'" --categorical '"a,b",c'
    """
    row = OPTIONS.get(name)
    if row is not None and row.flag is not None:
        flag, value = f"--{row.flag_name}", None if row.flag.negated else value
    elif name in _OTHERS:
        flag, value = _OTHERS[name], None if name in _SWITCHES else value
    else:
        return in_python(name, value)
    if value is None:
        return flag
    plain = _plain(value)
    word = _quoted({"\t": "tab", " ": "space"}.get(plain, plain))
    joined = "=" if plain.startswith("-") else " "  # or it would be taken for an option
    return f"{flag}{joined}{word}"


def _quoted(word: str) -> str:
    """A word as a shell takes it, in marks that a person can read."""
    if "'" in word and not re.search(r'["$`\\!]', word):
        return f'"{word}"'
    return shlex.quote(word)


def _plain(value: str) -> str:
    """What Python writes, as a command line has it: a list with commas, a mapping with =."""
    try:
        found = ast.literal_eval(value)
    except (ValueError, SyntaxError):  # shortened, or no literal
        return value.strip("[]()").rstrip(",").replace("', '", ",").replace(", ", ",").strip("'\"")
    if isinstance(found, dict):
        named = "name" in found  # a row of a table with its options, such as adam(beta1=0.9)
        return written(found) if named else ",".join(f"{k}={v}" for k, v in found.items())
    if isinstance(found, (list, tuple)):
        if not found:
            return "none"
        return ",".join(map(_entry, found)) if list(found) != ["none"] else '"none"'
    return "none" if found is None else str(found)


def _entry(value: object) -> str:
    """One of a list, or no value: in quotation marks if a comma would part it."""
    if isinstance(value, dict):
        return written(value)
    text = "none" if value is None else str(value)
    outside = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", text)  # of brackets, where they part nothing
    return '"{}"'.format(text.replace('"', '""')) if "," in outside else text


def hint(word: str) -> str:
    """Return how to write ``word``, which is no option here: it may be a name or option of a table.

    >>> hint("--momentum"), hint("--lr"), hint("--epoch")
    ('; write --optimizer momentum', '; write --learning-rate', '')
    >>> print(hint("--beta1"))
    ; it is an option of adam, adamw: write for example --optimizer 'adam(beta1=0.9)'
    """
    name = word.removeprefix("--").partition("=")[0].replace("-", "_").lower()
    return ArgumentError(elsewhere(name)[1]).said(as_flag)


def names() -> str:
    """Return what can be named, with the options, from the tables themselves.

    >>> "leaky_relu(slope=0.01)" in names()
    True
    """
    from fastnn.cli.tables import tables
    from fastnn.text import pairs

    found = {table.kind: ", ".join(map(_shown, table)) for table in tables()}
    found["optimizer"] += "; adamw decays weights, not biases"
    found["schedule"] += "; every one also takes per=epoch or per=step, and warm_up=0"
    found["metric"] += "; with pooled=True each output counts by itself"
    return (
        "names, with the defaults of their options; to set one, write for example\n"
        '--activation "leaky_relu(slope=0.2)". What each is: fastnn help NAME\n'
        + pairs(found, indent="  ")
    )


def _shown(row: Row) -> str:
    return call_text(row.name, {option.name: option.default for option in row.options})
