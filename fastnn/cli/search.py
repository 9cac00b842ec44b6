"""``fastnn search``: many trainings, compared on the validation part; the best one saved."""

from __future__ import annotations

import argparse
import csv
import io
import os
import time
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from fastnn.cli.config import add_config, configured, print_config
from fastnn.cli.messages import check_output, note
from fastnn.cli.parser import Parser
from fastnn.cli.results import quality_text, read_document, read_text
from fastnn.cli.signals import unhurried
from fastnn.cli.standard_input import data_of, standard_input
from fastnn.cli.train import as_given, check_out, check_report, given_arguments
from fastnn.cli.train_arguments import add_arguments, as_flag, hint, names
from fastnn.errors import ArgumentError, arg, inside
from fastnn.recipe.choices import OPTIONS
from fastnn.recipe.forms import split_list, truth, whole
from fastnn.recipe.rows import Option
from fastnn.registry import did_you_mean
from fastnn.version import __version__

if TYPE_CHECKING:
    from fastnn.api.search import SearchInterrupted
    from fastnn.api.search_result import Search

#: Options of this command alone.
_OWN = {"grid", "n_random", "folds", "by", "jobs", "workers", "csv"}

_DESCRIPTION = """\
Train a network for every combination of a grid, compare them on the validation
part, and save the best. The test part is used once, for the best."""

_EXAMPLES = """\
examples:
  fastnn search digits --grid "activation=relu,tanh;learning_rate=1e-3,1e-2"
  fastnn search flats.csv --target price --folds 5 --grid "hidden=[64],[64,32]"
  fastnn search digits --random 20 --grid "learning_rate=1e-4..1e-1;l2=0,1"

Networks of one shape are trained at once, in this process. With --jobs N they
are shared out to N processes instead, each with its share of the cores.
Ctrl-C keeps the trainings that have ended; those that one of several
processes trains at once count when all of them have.

"""


def add_search(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "search",
        help="train with many choices, compare, and save the best",
        description=_DESCRIPTION,
        usage="fastnn search DATA --grid GRID [options]",
        late_epilog=lambda: _EXAMPLES + names(),
        late_hint=hint,
        argument_default=argparse.SUPPRESS,
    )
    p.set_defaults(run=run, json=False, quiet=False, out=None)
    g = p.add_argument_group("search")
    g.add_argument(
        "--grid", metavar="NAME=A,B[;...]", required=True,
        help="options of fastnn train with the values to try; a list of layers in brackets, "
        "yes and no; with --random a range A..B of numbers above 0 too",
    )  # fmt: skip
    g.add_argument(
        "--random", dest="n_random", metavar="N", type=whole,
        help="try N combinations, drawn at random by --seed; default: all of them",
    )  # fmt: skip
    g.add_argument(
        "--folds", metavar="K", type=whole,
        help="compare the means of K-fold cross-validation; default: one validation part",
    )  # fmt: skip
    g.add_argument(
        "--by",
        metavar="NAME",
        help="loss, or the metric to compare; default: --monitor, or the loss",
    )
    g.add_argument(
        "--jobs", metavar="N", type=whole, help="number of processes; default: this one alone"
    )
    g.add_argument(
        "--workers", metavar="NAME",
        help="what runs the processes, joblib or dask; default: joblib",
    )  # fmt: skip
    g.add_argument(
        "--csv",
        metavar="FILE",
        help="the table of results; default: DATA's name with .search.csv, in the current folder",
    )
    add_arguments(p)
    add_config(p)
    return p


def read_grid(text: str) -> dict[str, Any]:
    """Return the grid that a text means, each value read as the option of its name reads it.

    >>> read_grid("hidden=[64],[64,32];learning_rate=1e-3,1e-2")
    {'hidden_layer_sizes': [(64,), (64, 32)], 'learning_rate': [0.001, 0.01]}

    Raises ArgumentError for a name that is no option, and a value that its option refuses.
    """
    grid: dict[str, Any] = {}
    try:
        entries = split_list(text, ";")
    except argparse.ArgumentTypeError as error:
        raise ArgumentError(f"{arg('grid')} {error}") from None
    for entry in entries:
        name, equals, values = entry.partition("=")
        if not equals or not values.strip():
            raise ArgumentError(
                f"{arg('grid')}: {entry!r} is not of the form NAME=A,B such as "
                "learning_rate=1e-3,1e-2"
            )
        row = _row(name.strip())
        if row.name in grid:
            raise ArgumentError(f"{arg('grid')}: {arg(row.name)} is there twice")
        with inside(f"{arg('grid')}: {arg(row.name)}: "):
            try:
                grid[row.name] = _values(row, values)
            except argparse.ArgumentTypeError as error:
                raise ArgumentError(str(error)) from None
    return grid


def _row(name: str) -> Option:
    """Return the option of a name, as it is written in Python or as a flag."""
    rows = {row.name: row for row in OPTIONS.values() if row.flag is not None}
    rows |= {row.flag.name: row for row in rows.values() if row.flag and row.flag.name}
    found = rows.get(name.replace("-", "_"))
    if found is None:
        instead = hint(name) or did_you_mean(name, rows)
        raise ArgumentError(f"{arg('grid')}: unknown option {name!r}{instead}")
    return found


def _values(row: Option, text: str) -> Any:
    """Return the values to try, a list of layers in brackets, or the range to draw from."""
    from fastnn.api.search_grid import LogUniform

    def read(text: str) -> Any:
        assert row.flag is not None
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        return truth(bare) if row.flag.negated else row.flag.read(bare)

    low, dots, high = text.partition("..")
    if not dots:
        return [read(value) for value in split_list(text)]
    ends = read(low.strip()), read(high.strip())
    if not all(isinstance(end, float) for end in ends):
        raise ArgumentError("it takes no numbers of which there could be a range")
    return LogUniform(*ends)


def run(arguments: argparse.Namespace) -> int:
    """Search, save, report; return 0, or 130 when interrupted."""
    with configured(arguments) as both, standard_input(both):
        if getattr(arguments, "print_config", False):
            return print_config(both, {n: v for n, v in as_given(both).items() if n not in _OWN})
        return _run(both)


def _run(arguments: argparse.Namespace) -> int:
    given = given_arguments(arguments)
    own = {name: given.pop(name) for name in _OWN if name in given}
    out = check_out(arguments)
    table = own.pop("csv", f"{out.removesuffix('.fastnn')}.search.csv")
    check_output(table, "--csv", {"DATA": arguments.data})
    if os.path.realpath(table) == os.path.realpath(out):
        raise ArgumentError(f"--csv and --out are the same file {out!r}: name two")
    report = check_report(arguments, out)
    from fastnn.api.search import SearchInterrupted, search

    code, ended, of = 0, "", ""
    started = time.perf_counter()
    try:
        grid = read_grid(own.pop("grid"))
        both = [name for name in grid if name in given]
        if both:
            raise ArgumentError(f"{arg(both[0])} is given twice, in {arg('grid')} and beside it")
        found = search(data_of(arguments), grid=grid, verbose=not arguments.quiet, **own, **given)
    except SearchInterrupted as stop:
        code, ended, of = 130, _ended(stop), f" of {stop.combinations[1]}"
        if stop.result is None:
            note(f"{ended}: nothing is saved")
            return code
        found = stop.result
    for path in (out, table):
        if os.path.exists(path):
            note(f"{path} is replaced")

    def save() -> None:
        found.training.model.save(out)
        _write(found, table)
        if report:
            found.training.save_report(report, file=os.path.basename(out), spelling=as_flag)

    if unhurried(save):
        code, ended = 130, ended or "interrupted at the end"
    arguments.saved = out
    if code:
        note(f"{ended}: the best so far is saved in {out}, the results in {table}")
    seconds = time.perf_counter() - started
    if arguments.json:
        from fastnn.cli.text import print_json

        more = {"report": report} if report else {}
        print_json({"interrupted": bool(code), **_document(found, out, table, seconds), **more})
    else:
        print(f"{len(found.candidates)}{of} {_summary(found, out, table, seconds)}")
        if report:
            print(f"report: {report}")
    return code


def _ended(stop: SearchInterrupted) -> str:
    """Say how far an interrupted search came."""
    text = "interrupted: {} of {} trainings were done".format(*stop.trainings)
    if stop.trainings[1] != stop.combinations[1]:
        text += ", {} of {} combinations in all their folds".format(*stop.combinations)
    if stop.combinations[0] and stop.result is None:
        text += ", none with a result to compare"
    return text


def _write(found: Search, path: str) -> None:
    from fastnn.formats.atomic import write_atomically

    columns = found.columns()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    write_atomically(path, text.getvalue().encode())


def _summary(found: Search, out: str, table: str, seconds: float) -> str:
    from fastnn.text import WIDTH, engine_text
    from fastnn.text import table as aligned

    most = 20
    rows = found.ranked_rows()
    more = len(rows) - 1 - most
    better = "highest" if found.greater_is_better else "lowest"
    return "\n".join(
        [
            f"combinations, {seconds:.1f} s; the {better} {found.by} on "
            "the validation part is best",
            "",
            *([read_text(found.training), ""] if found.training.record is not None else []),
            aligned(rows[: most + 1]),
            *([f"... and {more} more in {table}"] if more > 0 else []),
            "",
            fill(f"the best, trained by {engine_text(found.engine)}:", WIDTH),
            quality_text(found.training),
            "",
            f"model: {out}",
            f"results: {table}",
        ]
    )


def _document(found: Search, out: str, table: str, seconds: float) -> dict[str, Any]:
    columns = found.columns()
    rows: Sequence[Mapping[str, Any]] = [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ]
    return {
        "by": found.by,
        "greater_is_better": found.greater_is_better,
        "candidates": rows,
        "best": dict(found.candidates[found.best].config),
        "engine": found.engine,
        **found.training.report,
        **read_document(found.training),
        "seconds": round(seconds, 3),
        "model": out,
        "csv": table,
        "fastnn": __version__,
    }
