"""``fastnn predict`` and ``fastnn evaluate``: a saved model on other data."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnn.cli.inputs import (
    add_inputs,
    add_target,
    labelled,
    load_model,
    naming,
    target_of,
    unlabelled,
)
from fastnn.cli.messages import called, check_output, note
from fastnn.cli.parser import Parser
from fastnn.errors import ArgumentError, DataError, lacking
from fastnn.extras import pip_install
from fastnn.recipe.forms import split_list

if TYPE_CHECKING:
    import numpy.typing as npt

    from fastnn.data.table import Table
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
    add_inputs(p)
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
    add_inputs(p)
    add_target(p)
    p.add_argument(
        "--metrics",
        metavar="NAME[,NAME]",
        type=split_list,
        help="metrics to report; default: by the task",
    )
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


@lacking("task", "categorical")
def predict(arguments: argparse.Namespace) -> int:
    """Predict and write."""
    from fastnn.formats.atomic import write_atomically

    out = arguments.out
    if out is not None:
        if not out.lower().endswith((".csv", ".parquet")):
            raise ArgumentError(f"--out: the name must end in .csv or .parquet, found {out!r}")
        check_output(out, "--out", {"MODEL": arguments.model, "DATA": arguments.data})
    model = load_model(arguments)
    if arguments.proba and model.task == "regression":
        raise ArgumentError("--proba has no effect: a regression model predicts values")
    with naming(arguments.data):
        columns = predictions(model, unlabelled(model, arguments), arguments.proba)
    if out is None:
        sys.stdout.write(_csv(columns))
        return 0
    parquet = out.lower().endswith(".parquet")
    write_atomically(out, _parquet(columns) if parquet else _csv(columns).encode())
    n = len(next(iter(columns.values())))
    note(f"{n:,} prediction{'s' if n > 1 else ''} written to {out}")
    return 0


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
    from fastnn.report.evaluation import Evaluation
    from fastnn.report.judged import Judged
    from fastnn.training.metrics import metric_names
    from fastnn.version import __version__

    model = load_model(arguments)
    if arguments.metrics is not None:
        metric_names(model.task, arguments.metrics)  # or refuses
    with naming(arguments.data):
        examples = labelled(model, arguments)
        found = Evaluation(Judged.of(model, examples, arguments.data), arguments.metrics)
    if arguments.json:
        print_json(
            {
                "task": model.task,
                "target": target_of(model, arguments),
                "device": model.device,
                "engine": model.engine,
                **found.document(),
                "model": arguments.model,
                "data": called(arguments.data),
                "fastnn": __version__,
            }
        )
        return 0
    print(found.text())
    return 0
