"""The model and the rows that a command takes: MODEL, DATA, and how DATA is read."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastnn.cli.messages import called, note
from fastnn.cli.parser import Parser, joined
from fastnn.cli.train_arguments import (
    DATA_HELP,
    OneOrMany,
    add_flag,
    add_reading,
    one_or_several,
    reading_of,
)
from fastnn.errors import ArgumentError, DataError, ModelFileError, arg, lacking
from fastnn.recipe.choices import options
from fastnn.recipe.forms import columns
from fastnn.recipe.table import DataOptions, DeviceOptions, EngineOptions

if TYPE_CHECKING:
    import numpy.typing as npt

    from fastnn.data.table import Table
    from fastnn.model.model import Model
    from fastnn.preparation.examples import Examples

    Array = npt.NDArray[Any]


def add_inputs(p: Parser) -> None:
    """Add MODEL and DATA, and how they are read.

    >>> p = Parser()
    >>> add_inputs(p)
    >>> p.parse_args(["a.fastnn", "digits", "--engine", "numpy"]).engine
    'numpy'
    """
    p.add_argument("model", metavar="MODEL", help="a model file")
    p.add_argument("data", metavar="DATA", nargs="+", action=OneOrMany, help=DATA_HELP)
    add_reading_of_data(p)


def add_examples(p: Any) -> None:
    """Add the options that say what of DATA are examples, and how they are read.

    >>> p = Parser()
    >>> add_examples(p)
    >>> p.parse_args(["--target", "price"]).target
    [['price']]
    """
    add_target(p)
    _add_columns(p)


def add_target(p: Any) -> None:
    """Add the options that name the truth, and the weights of the rows."""
    p.add_argument(
        "--target", metavar="COL[,COL]", action="append", type=columns,
        help="the column of the truth, or several; default: those of training",
    )  # fmt: skip
    p.add_argument(
        "--sample-weight", metavar="COL",
        help="the column of the rows' weights; default: that of training, if it is there",
    )  # fmt: skip


def add_reading_of_data(p: Parser) -> None:
    """Add the options by which DATA is read, and where it is predicted."""
    _add_columns(p)
    for row in options(DeviceOptions, EngineOptions).values():
        add_flag(p, row)


def _add_columns(p: Any) -> None:
    p.add_argument(
        "--drop", metavar="COL[,COL]", action="append", type=columns,
        help="columns of DATA to leave out",
    )  # fmt: skip
    add_reading(p)


def load_model(arguments: argparse.Namespace) -> Model:
    """Return MODEL on ``--device``; say so where it and DATA have changed places."""
    from fastnn.model.files import load

    try:
        names = options(DeviceOptions, EngineOptions)
        how: dict[str, Any] = {name: getattr(arguments, name, None) for name in names}
        return load(arguments.model, **{n: value for n, value in how.items() if value is not None})
    except ModelFileError:
        if str(arguments.data).lower().endswith(".fastnn"):
            raise ArgumentError(
                f"MODEL comes before DATA: fastnn {arguments.command} {arguments.data} "
                f"{arguments.model}"
            ) from None
        raise


def words_of(data: str | Sequence[str]) -> str:
    """Return what messages call DATA.

    >>> words_of("a.csv"), words_of(["a.csv", "b.csv", "c.csv"])
    ('a.csv', 'a.csv and 2 more')
    """
    return data if isinstance(data, str) else f"{data[0]} and {len(data) - 1:,} more"


def names_of(data: str | Sequence[str]) -> str | list[str]:
    """Return DATA as a JSON document has it.

    >>> names_of("a.csv"), names_of(["a.csv", "b.csv"])
    ('a.csv', ['a.csv', 'b.csv'])
    """
    return called(data) if isinstance(data, str) else [called(one) for one in data]


@contextmanager
def naming(data: str | Sequence[str]) -> Iterator[None]:
    """Name the data in an error about them that does not do so itself.

    >>> with naming("flats.csv"):
    ...     raise DataError("there are no rows")
    Traceback (most recent call last):
    fastnn.errors.DataError: 'flats.csv': there are no rows
    """
    try:
        yield
    except DataError as error:
        if any(one in str(error) for one in ([data] if isinstance(data, str) else data)):
            raise
        raise error.within(f"'{words_of(data)}': ") from error


def stem(data: str | Sequence[str]) -> str:
    """Return the name of a data set or of a file, without its folder and what says its kind.

    Of several files it is that of the first.

    >>> stem("digits"), stem("tables/flats.csv.gz"), stem("tables/*.csv"), stem("*.csv")
    ('digits', 'flats', 'tables', 'data')
    """
    from fastnn.reading.file_types import without_ending
    from fastnn.reading.find_files import is_pattern

    first = data if isinstance(data, str) else data[0]
    folder, name = os.path.split(os.path.normpath(first))
    while is_pattern(name):
        folder, name = os.path.split(folder)
    return without_ending(name) or "data"


#: What the columns are was said in training: commands that use a model have no options for it.
_OF_TRAINING = tuple(name for name in options(DataOptions) if name != "drop")


@lacking(*_OF_TRAINING)
def labelled(model: Model, arguments: argparse.Namespace) -> Examples:
    """Return the rows to evaluate on, with their targets, whose labels the model knows."""
    from fastnn.preparation.examples import Examples, is_built_in, with_weights

    drop, weight = _dropped(model, arguments), arguments.sample_weight
    if is_built_in(arguments.data):
        if arguments.target is not None:
            raise ArgumentError(
                f"--target has no effect: data set {arguments.data!r} has its own target"
            )
        examples = Examples(*built_in(arguments, drop))
        taken = model.features.weight if weight is None else weight
        if weight is not None or taken in examples.table.names:
            examples = with_weights(examples, taken)
    else:
        target, reading = target_of(model, arguments), reading_of(arguments)
        how = {"drop": drop, "sample_weight": weight, **reading}
        examples = model.examples(arguments.data, target, **how)
    if model.targets.classes is not None:  # an unknown label is told with its line
        model.targets.encode(examples.target, examples.where)
    return examples


def target_of(model: Model, arguments: argparse.Namespace) -> str | tuple[str, ...]:
    """Return the column of the truth, or several."""
    given = arguments.target
    if not given:
        return model.target_name
    found = one_or_several(given)
    return found if isinstance(found, str) else tuple(found)


def built_in(arguments: argparse.Namespace, drop: Sequence[str]) -> tuple[Table, Array]:
    """Return the test part that a data set has of its own, else all of its rows; which is said."""
    from fastnn.datasets.builtin import load

    name = arguments.data
    for option, value in reading_of(arguments).items():
        if value is not None:
            raise ArgumentError(f"{arg(option)} has no effect: data set {name!r} is no text file")
    dataset = load(name)
    table, labels = dataset.test or (dataset.table, dataset.target)
    which = "test rows" if dataset.test else "rows, some of them seen by a model trained on it"
    note(f"{name}: all {len(table):,} {which}")
    return table.drop(list(drop)) if drop else table, labels


def unlabelled(model: Model, arguments: argparse.Namespace) -> Table:
    """Return the rows to predict for; a target that may be there is left out."""
    from fastnn.preparation.examples import is_built_in

    drop = _dropped(model, arguments)
    if is_built_in(arguments.data):
        return built_in(arguments, drop)[0]
    kept = [name for name in joined(arguments.keep) if name not in model.features.columns]
    drop = tuple(dict.fromkeys([*drop, *kept]))  # so that these are not told as left out
    return model.read(arguments.data, drop=drop, **reading_of(arguments))


def kept_columns(model: Model, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the columns of ``--keep``, as they are in DATA."""
    from fastnn.data.table import check_known
    from fastnn.preparation.examples import is_built_in
    from fastnn.reading.files import is_text_file, read_columns
    from fastnn.reading.larger import storage_of

    names = joined(arguments.keep)
    if not names:
        return {}
    if is_built_in(arguments.data):
        table = built_in(arguments, ())[0]
        check_known(names, table.names, "keep")
        return {name: table.column(name) for name in names}
    how = model.features.reading_with(reading_of(arguments), text=is_text_file(arguments.data))
    return read_columns(arguments.data, names, storage_of(arguments.data), **how)


def _dropped(model: Model, arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the columns of ``--drop``; raise for one that the model needs, and for no data."""
    from fastnn.preparation.examples import check_there, is_built_in

    if not is_built_in(arguments.data):
        check_there(arguments.data)
    drop = joined(arguments.drop)
    for name in drop:
        if name in model.features.columns:
            raise ArgumentError(f"{arg('drop', name)}: the model needs this column")
    return drop
