"""``fastnn predict`` and ``fastnn evaluate``: a saved model on other data."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnn.cli.messages import check_output, note
from fastnn.cli.parser import Parser, joined
from fastnn.cli.train_arguments import add_flag, add_reading, reading_of
from fastnn.errors import ArgumentError, DataError, ModelFileError, arg, lacking
from fastnn.extras import pip_install
from fastnn.recipe.choices import options
from fastnn.recipe.forms import split_list
from fastnn.recipe.table import DeviceOptions, EngineOptions

if TYPE_CHECKING:
    import numpy.typing as npt

    from fastnn.data.table import Place, Table
    from fastnn.model.model import Model

    Array = npt.NDArray[Any]

#: A confusion matrix is shown for so many classes at the most.
MOST_CLASSES = 20


def add_predict(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "predict",
        help="predict with a saved model",
        description="Write a prediction for each row of DATA: a column 'prediction', and with "
        "--proba the probability of each class. A target column in DATA is left out.",
    )
    p.set_defaults(run=predict)
    _add_inputs(p)
    p.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        help="a .csv or .parquet file; default: CSV on standard output",
    )
    p.add_argument("--proba", action="store_true", help="add the probabilities of the classes")
    return p


def add_evaluate(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "evaluate",
        help="measure a saved model on data with a known target",
        description="Print the loss and the metrics of a model on DATA, and for up to "
        f"{MOST_CLASSES} classes which was taken for which, and how often.",
    )
    p.set_defaults(run=evaluate)
    _add_inputs(p)
    _add_target(p)
    p.add_argument(
        "--metrics",
        metavar="NAME[,NAME]",
        type=split_list,
        help="metrics to report; default: by the task",
    )
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def add_examples(p: Any) -> None:
    """Add the options that say what of DATA are examples, and how they are read.

    >>> p = Parser()
    >>> add_examples(p)
    >>> p.parse_args(["--target", "price"]).target
    ['price']
    """
    _add_target(p)
    _add_columns(p)


def _add_target(p: Any) -> None:
    p.add_argument(
        "--target", metavar="COL", action="append",
        help="the column of the truth; default: that of training. For several columns give it "
        "several times",
    )  # fmt: skip


def _add_columns(p: Any) -> None:
    p.add_argument(
        "--drop", metavar="COL[,COL]", action="append", type=split_list,
        help="columns of DATA to leave out",
    )  # fmt: skip
    add_reading(p)


def _add_inputs(p: Parser) -> None:
    p.add_argument("model", metavar="MODEL", help="a model file")
    p.add_argument("data", metavar="DATA", help="a file (CSV, Parquet, NPZ) or a built-in name")
    _add_columns(p)
    for row in options(DeviceOptions, EngineOptions).values():
        add_flag(p, row)


@lacking("task", "categorical")
def predict(arguments: argparse.Namespace) -> int:
    """Predict and write."""
    from fastnn.formats.atomic import write_atomically

    out = arguments.out
    if out is not None:
        if not out.lower().endswith((".csv", ".parquet")):
            raise ArgumentError(f"--out: the name must end in .csv or .parquet, found {out!r}")
        check_output(out, "--out", {"MODEL": arguments.model, "DATA": arguments.data})
    model = _load(arguments)
    if arguments.proba and model.task == "regression":
        raise ArgumentError("--proba has no effect: a regression model predicts values")
    with naming(arguments.data):
        columns = predictions(model, _unlabelled(model, arguments), arguments.proba)
    if out is None:
        sys.stdout.write(_csv(columns))
        return 0
    parquet = out.lower().endswith(".parquet")
    write_atomically(out, _parquet(columns) if parquet else _csv(columns).encode())
    n = len(next(iter(columns.values())))
    note(f"{n:,} prediction{'s' if n > 1 else ''} written to {out}")
    return 0


def _load(arguments: argparse.Namespace) -> Model:
    from fastnn.model.files import load

    try:
        names = options(DeviceOptions, EngineOptions)
        how: dict[str, Any] = {name: getattr(arguments, name, None) for name in names}
        return load(arguments.model, **{n: value for n, value in how.items() if value is not None})
    except ModelFileError:
        if arguments.data.lower().endswith(".fastnn"):
            raise ArgumentError(
                f"MODEL comes before DATA: fastnn {arguments.command} {arguments.data} "
                f"{arguments.model}"
            ) from None
        raise


@contextmanager
def naming(data: str) -> Iterator[None]:
    """Name the data in an error about them that does not do so itself.

    >>> with naming("flats.csv"):
    ...     raise DataError("there are no rows")
    Traceback (most recent call last):
    fastnn.errors.DataError: 'flats.csv': there are no rows
    """
    try:
        yield
    except DataError as error:
        if data in str(error):
            raise
        raise error.within(f"'{data}': ") from error


def predictions(model: Model, table: Table, proba: bool) -> dict[str, Array]:
    """Return the columns of predictions, each (N,): labels or values, then probabilities."""
    found = model.predict(table)
    if found.ndim == 1:
        columns = {"prediction": found}
    else:
        several = model.target_name
        ends = range(found.shape[1]) if isinstance(several, str) else several
        columns = {f"prediction_{end}": found[:, j] for j, end in enumerate(ends)}
    if proba:
        P = model.predict_proba(table)
        classes = model.targets.classes
        names = ends if classes is None else classes.tolist()
        columns |= {f"probability_{name}": P[:, j] for j, name in enumerate(names)}
    return columns


def _csv(columns: Mapping[str, Array]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    # The text of a NumPy number is the shortest that reads back as the same number.
    writer.writerows(zip(*(map(str, values) for values in columns.values()), strict=True))
    return text.getvalue()


def _parquet(columns: Mapping[str, Array]) -> bytes:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(
            "writing a .parquet file needs pyarrow, which is not installed: "
            f"{pip_install('data')}, or name a .csv file"
        ) from error
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(dict(columns)), sink)
    made: bytes = sink.getvalue().to_pybytes()
    return made


@lacking("task", "categorical")
def evaluate(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    from fastnn.cli.text import print_json
    from fastnn.text import metrics_table
    from fastnn.version import __version__

    model = _load(arguments)
    with naming(arguments.data):
        table, labels = labelled(model, arguments)
        result = model.evaluate(table, labels, metrics=arguments.metrics)
    confusion = _confusion(model, table, labels)
    if arguments.json:
        print_json(
            {
                "task": model.task,
                "target": _target(model, arguments),
                "device": model.device,
                "engine": model.engine,
                "examples": len(table),
                "metrics": result,
                "confusion_matrix": confusion,
                "model": arguments.model,
                "data": arguments.data,
                "fastnn": __version__,
            }
        )
        return 0
    print(metrics_table({f"{len(table):,} example{'s' if len(table) > 1 else ''}": result}))
    if confusion is not None:
        print(f"\n{_confusion_table(confusion['labels'], confusion['counts'])}")
    return 0


def _place(arguments: argparse.Namespace) -> Place:
    """Where a row of DATA is: the line of a text file, else the row."""
    from fastnn.data.csv_lines import place_in_file
    from fastnn.data.files import CSV_SUFFIXES
    from fastnn.data.table import from_zero

    if arguments.data.lower().endswith(CSV_SUFFIXES):
        return place_in_file(Path(arguments.data), arguments.delimiter)
    return from_zero


def _confusion(model: Model, table: Table, labels: Array) -> dict[str, Any] | None:
    from fastnn.training.metrics import confusion_matrix, probabilities

    classes = model.targets.classes
    if classes is None or len(classes) > MOST_CLASSES:
        return None
    P = probabilities(model.task, model.outputs(table))
    counts = confusion_matrix(model.targets.encode(labels)[:, 0].astype("int64"), P)
    return {"labels": classes.tolist(), "counts": counts.tolist()}


def _confusion_table(labels: Sequence[object], counts: Sequence[Sequence[int]]) -> str:
    from fastnn.text import table

    most = 8 if len(labels) > 6 else 12
    names = [n if len(n) <= most else n[: most - 1] + "~" for n in map(str, labels)]
    rows = [[name, *(str(c or ".") for c in row)] for name, row in zip(names, counts, strict=True)]
    return table([["true \\ predicted", *names], *rows])


def _unlabelled(model: Model, arguments: argparse.Namespace) -> Table:
    """The rows to predict for, without a target column that may be there."""
    from fastnn.data.builtin import DATASETS
    from fastnn.data.files import read_table

    drop = joined(arguments.drop)
    if arguments.data in DATASETS:
        return _checked(model, _builtin(arguments, drop)[0], arguments.data)
    table = read_table(arguments.data, drop=drop, **_known(model, arguments))
    target = model.target_name
    columns = [target] if isinstance(target, str) else list(target)
    blocks = [f"{target}{j}" for j in range(model.targets.n_outputs)]
    known = set(model.features.columns)
    for names in (columns, blocks):  # of a two-dimensional target in an NPZ file
        if set(names) <= set(table.names) and not known & set(names):
            table = _checked(model, table.drop(names), arguments.data)
            which = f"column {target!r}" if isinstance(target, str) else f"columns {target}"
            note(f"the target {which} of '{arguments.data}' is left out")
            return table
    return _checked(model, table, arguments.data)


def labelled(model: Model, arguments: argparse.Namespace) -> tuple[Table, Array]:
    """Return the rows of DATA with their targets; an unknown label is told with its line.

    ``arguments``: ``data``, ``target``, ``drop``, and how text is read.
    """
    from fastnn.data.builtin import DATASETS
    from fastnn.data.files import read_labelled

    drop = joined(arguments.drop)
    if arguments.data in DATASETS:
        if arguments.target is not None:
            raise ArgumentError(
                f"--target has no effect: data set {arguments.data!r} has its own target"
            )
        table, labels = _builtin(arguments, drop)
    else:
        table, labels = read_labelled(
            arguments.data, _target(model, arguments), drop=drop, text=model.has_text_labels,
            **_known(model, arguments),
        )  # fmt: skip
    table = _checked(model, table, arguments.data)
    if model.targets.classes is not None:
        model.targets.encode(labels, _place(arguments))
    return table, labels


def _target(model: Model, arguments: argparse.Namespace) -> str | tuple[str, ...]:
    """The column of the truth, or several."""
    given = arguments.target
    if not given:
        return model.target_name
    return given[0] if len(given) == 1 else tuple(given)


def _builtin(arguments: argparse.Namespace, drop: Sequence[str]) -> tuple[Table, Array]:
    """The test part that a data set has of its own, else all of its rows; which is said."""
    from fastnn.data.builtin import load

    name = arguments.data
    for option, value in reading_of(arguments).items():
        if value is not None:
            raise ArgumentError(f"--{option} has no effect: data set {name!r} is no text file")
    dataset = load(name)
    table, labels = dataset.test or (dataset.table, dataset.target)
    which = "test rows" if dataset.test else "rows, some of them seen by a model trained on it"
    note(f"{name}: all {len(table):,} {which}")
    return table.drop(list(drop)) if drop else table, labels


def _known(model: Model, arguments: argparse.Namespace) -> dict[str, Any]:
    """What training found the columns to be, and how text is to be read."""
    from fastnn.preparation.examples import check_there

    check_there(arguments.data)
    for name in joined(arguments.drop):
        if name in model.features.columns:
            raise ArgumentError(f"{arg('drop', name)}: the model needs this column")
    return {**model.kinds(arguments.data), **model.features.reading_with(reading_of(arguments))}


def _checked(model: Model, table: Table, data: str) -> Table:
    """Return the table; raise DataError for columns that the model does not know."""
    from fastnn.data.table import listed

    features = model.features
    if not (features.positional or table.positional):
        known = set(features.columns)
        extra = [name for name in table.names if name not in known]
        if extra and known <= set(table.names):
            raise DataError(
                f"'{data}' has columns that the model was not trained on: {listed(extra)}; "
                f"leave them out with --drop {','.join(extra[:10])}"
            )
    return table
