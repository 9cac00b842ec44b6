"""``fastnn predict`` and ``fastnn evaluate``: a saved model on other data."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from fastnn.cli.inputs import (
    add_inputs,
    add_target,
    kept_columns,
    labelled,
    load_model,
    names_of,
    naming,
    target_of,
    unlabelled,
    words_of,
)
from fastnn.cli.messages import check_output, note
from fastnn.cli.parser import Parser
from fastnn.errors import ArgumentError, arg, lacking
from fastnn.recipe.forms import columns, real, split_list
from fastnn.version import __version__

if TYPE_CHECKING:
    import numpy.typing as npt

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
        "-o", "--out", metavar="FILE",
        help="a .csv, .jsonl or .parquet file, or - for standard output; default: that",
    )  # fmt: skip
    p.add_argument(
        "--format", metavar="NAME", choices=("csv", "jsonl", "parquet"),
        help="csv, jsonl (a JSON object for each row) or parquet; default: by the name of --out, "
        "and csv on standard output",
    )  # fmt: skip
    p.add_argument(
        "--keep", metavar="COL[,COL]", action="append", type=columns,
        help="columns of DATA to write before the predictions, such as an id",
    )  # fmt: skip
    p.add_argument(
        "--threshold", metavar="P", type=real,
        help="the probability from which on the second of two classes, or a label, is predicted; "
        "default: above 0.5",
    )  # fmt: skip
    p.add_argument(
        "--interval", metavar=("LOW", "HIGH"), nargs=2,
        help="two models of quantiles of the same target: adds their predictions as the columns "
        "lower and upper",
    )  # fmt: skip
    p.add_argument("--json", action="store_true", help="print one JSON document")
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
    from fastnn.cli import predictions
    from fastnn.formats.atomic import atomic_file

    out = None if arguments.out == "-" else arguments.out
    form = predictions.format_of(out, arguments.format)
    if arguments.json and (arguments.out is not None or arguments.format is not None):
        raise ArgumentError(f"{arg('json')} prints one document: leave --out and --format out")
    if out is not None:
        check_output(out, "--out", {"MODEL": arguments.model, "DATA": arguments.data})
    model = load_model(arguments)
    if arguments.proba and model.task == "regression":
        raise ArgumentError("--proba has no effect: a regression model predicts values")
    predictions.check_threshold(model, arguments.threshold)
    ends = _interval(model, arguments)
    with naming(arguments.data):
        kept = kept_columns(model, arguments)
        table = unlabelled(model, arguments)
        how = {"proba": arguments.proba, "threshold": arguments.threshold}
        blocks = predictions.predicted(model, table, **how)
        for name, other in ends.items():
            blocks = predictions.beside(blocks, name, other, unlabelled(other, arguments))
        found = predictions.with_kept(kept, blocks)
        if arguments.json:
            from fastnn.cli.text import print_json

            rows = [row for block in found for row in predictions.rows(block)]
            document = {"task": model.task, "target": model.target_name, "rows": rows}
            more = {
                "model": arguments.model,
                "data": names_of(arguments.data),
                "fastnn": __version__,
            }
            print_json({**document, "engine": model.engine, **more})
        elif out is None:
            with predictions.writer(form, None) as write:
                for block in found:
                    write(block)
        else:
            with atomic_file(out) as stream, predictions.writer(form, stream) as write:
                for block in found:
                    write(block)
            n = len(table)
            note(f"{n:,} prediction{'s' if n > 1 else ''} written to {out}")
    return 0


def _interval(model: Model, arguments: argparse.Namespace) -> dict[str, Model]:
    """Return the models of the lower and the upper end, if they are asked for."""
    from fastnn.model.files import load

    if not arguments.interval:
        return {}
    found = dict(zip(("lower", "upper"), map(load, arguments.interval), strict=True))
    for (end, other), path in zip(found.items(), arguments.interval, strict=True):
        if other.network.loss.quantile is None or other.target_name != model.target_name:
            raise ArgumentError(
                f"{arg('interval')}: '{path}' is no model of a quantile of {model.target_name!r}; "
                "train one with --loss 'quantile(quantile=0.05)'"
            )
        found[end] = other
    low, high = (one.network.loss.quantile or 0.0 for one in found.values())
    if low >= high:
        raise ArgumentError(
            f"{arg('interval')}: '{arguments.interval[0]}' predicts the quantile {low:g} and "
            f"'{arguments.interval[1]}' {high:g}: the lower one comes first"
        )
    return found


@lacking("task", "categorical")
def evaluate(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    from fastnn.cli.text import print_json
    from fastnn.report.evaluation import Evaluation
    from fastnn.report.judged import Judged
    from fastnn.training.metrics import metric_names

    model = load_model(arguments)
    if arguments.metrics is not None:
        metric_names(model.task, arguments.metrics)  # or refuses
    with naming(arguments.data):
        examples = labelled(model, arguments)
        found = Evaluation(Judged.of(model, examples, words_of(arguments.data)), arguments.metrics)
    if arguments.json:
        print_json(
            {
                "task": model.task,
                "target": target_of(model, arguments),
                "device": model.device,
                "engine": model.engine,
                **found.document(),
                "model": arguments.model,
                "data": names_of(arguments.data),
                "fastnn": __version__,
            }
        )
        return 0
    print(found.text())
    return 0
