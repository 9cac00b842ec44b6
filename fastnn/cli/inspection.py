"""``fastnn inspect``: what is in a model file."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastnn.cli.findings import findings_text, layers_table
from fastnn.cli.inputs import add_examples, labelled, naming
from fastnn.cli.parser import Parser
from fastnn.cli.train_arguments import as_flag, reading_of
from fastnn.errors import ArgumentError, arg

if TYPE_CHECKING:
    from fastnn.diagnosis.diagnosis import Diagnosis
    from fastnn.diagnosis.layers import LayerStatistics
    from fastnn.model.model import Model


def add_inspect(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "inspect",
        help="show what is in a model file",
        description="Show the network, the preprocessing, how the model was trained and how well.",
        usage="fastnn inspect MODEL [--weights [DATA]] [options]",
    )
    p.set_defaults(run=run)
    p.add_argument("model", metavar="MODEL", nargs="?", help="a model file")
    p.add_argument(
        "--weights", metavar="DATA", nargs="?", const=True, default=False,
        help="statistics of each layer's weights; with DATA, a file or a built-in name, of its "
        "signals and gradients too, and what is wrong with them",
    )  # fmt: skip
    p.add_argument("--json", action="store_true", help="print one JSON document")
    add_examples(p.add_argument_group("how DATA is read"))
    return p


def run(arguments: argparse.Namespace) -> int:
    """Load and show."""
    from fastnn.cli.text import print_json
    from fastnn.model.facts import report_rows
    from fastnn.model.files import load
    from fastnn.text import pairs, table

    _sort(arguments)
    model = load(arguments.model)
    diagnosis = None
    if arguments.weights:
        diagnosis = _diagnosis(model, arguments)
    if arguments.json:
        print_json(_document(model, arguments.model, diagnosis))
        return 0
    print(pairs({"model": arguments.model, **model.facts()}))
    if model.history.epochs:
        print(f"\n{pairs(model.history.facts())}")
    if model.report:
        print(f"\n{table(report_rows(model.report))}")
    if diagnosis is not None:
        print(f"\n{_weights_text(diagnosis)}")
    return 0


def _sort(arguments: argparse.Namespace) -> None:
    """Tell MODEL from DATA, and refuse what has no effect without DATA.

    ``inspect --weights MODEL`` names the model alone.
    """
    if arguments.model is None:
        if not isinstance(arguments.weights, str):
            raise ArgumentError("MODEL is missing: fastnn inspect MODEL")
        arguments.model, arguments.weights = arguments.weights, True
    arguments.data = arguments.weights if isinstance(arguments.weights, str) else None
    own = ("target", "sample_weight", "drop")
    given = {name: getattr(arguments, name) for name in own} | reading_of(arguments)
    for name, value in given.items():
        if value is not None and arguments.data is None:
            raise ArgumentError(f"{arg(name)} has no effect without --weights DATA")


def _diagnosis(model: Model, arguments: argparse.Namespace) -> Diagnosis:
    """What the layers are like: on DATA, if there are any, else by their weights alone."""
    from fastnn.api.diagnose import diagnose
    from fastnn.diagnosis.doctor import weigh
    from fastnn.diagnosis.findings import Case

    if arguments.data is None:
        return weigh(model.learner, Case(model.network, model.options))
    with naming(arguments.data):
        return diagnose(model, labelled(model, arguments))


def _weights_text(diagnosis: Diagnosis) -> str:
    from fastnn.diagnosis.diagnosis import seen_in_words

    (seen,) = diagnosis.looks
    parts = [_weights_table(seen.layers)]
    if seen.examples:
        parts += [f"{seen_in_words(seen)}:\n{layers_table(seen)}"]
    if seen.examples or diagnosis.findings:
        parts += [findings_text(diagnosis.findings)]
    if not seen.examples:
        parts += ["signals and gradients are measured on data: fastnn inspect MODEL --weights DATA"]
    return "\n\n".join(parts)


def _weights_table(layers: Sequence[LayerStatistics]) -> str:
    from fastnn.text import table

    rows = [["weights and biases", "mean", "std", "max |x|", "zeros", "gain"]]
    for x in layers:
        kinds = {f"W[{x.layer}]": x.weights, f"b[{x.layer}]": x.biases}
        kinds |= {f"{name}[{x.layer}]": s for name, s in x.norm.items()}
        for name, s in kinds.items():
            of_weights = s is x.weights
            rows.append(
                [
                    f"{name} {x.units} x {x.inputs if of_weights else 1}", f"{s.mean:.3g}",
                    f"{s.std:.3g}", f"{s.max:.3g}", f"{s.zeros:.0%}",
                    f"{x.gain:.3g}" if of_weights else "",
                ]
            )  # fmt: skip
    product = math.prod(x.gain for x in layers)
    return (
        f"{table(rows)}\n"
        "gain: sqrt(inputs x mean square of W), how many times larger W A is than A;\n"
        f"of all layers together {product:.3g}, without what the activations make of it"
    )


def _document(model: Model, path: str, diagnosis: Diagnosis | None) -> dict[str, Any]:
    from fastnn.model.facts import ordered

    f, targets = model.features, model.targets
    document: dict[str, Any] = {
        "model": path,
        "task": model.task,
        "target": model.target_name,
        "classes": targets.classes,
        "target_mean": targets.mean,
        "target_scale": targets.scale,
        "network": model.network.to_json(),
        "parameters": model.network.n_parameters,
        "dtype": model.parameters.dtype.name,
        "columns": f.columns,
        "numeric": [name for name in f.numeric if name not in f.dates],
        "dates": {name: date.to_json() for name, date in f.dates.items()},
        "missing_indicators": f.indicators,
        "categories": f.categories,
        "standardize": f.standardize,
        "inputs": f.n_features,
        "options": model.options,
        "engine": model.history.engine,
        "history": model.history.to_json(),
        "report": ordered(model.report),
    }
    if diagnosis is None:
        return document
    (seen,) = diagnosis.to_json(as_flag)["looks"]
    measured = {name: seen[name] for name in ("examples", "loss") if seen["examples"]}
    findings = diagnosis.to_json(as_flag)["findings"]
    return {**document, "weights": seen["layers"], **measured, "findings": findings}
