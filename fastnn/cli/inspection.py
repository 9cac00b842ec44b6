"""``fastnn inspect``: what is in a model file."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from fastnn.cli.parser import Parser

if TYPE_CHECKING:
    import numpy.typing as npt

    from fastnn.model.model import Model

    Array = npt.NDArray[Any]


def add_inspect(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "inspect",
        help="show what is in a model file",
        description="Show the network, the preprocessing, how the model was trained and how well.",
    )
    p.set_defaults(run=run)
    p.add_argument("model", metavar="MODEL", help="a model file")
    p.add_argument(
        "--weights", action="store_true",
        help="statistics of each layer's weights: do signals grow or shrink on their way?",
    )  # fmt: skip
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def run(arguments: argparse.Namespace) -> int:
    """Load and show."""
    from fastnn.cli.text import print_json
    from fastnn.model.facts import report_rows
    from fastnn.model.files import load
    from fastnn.text import pairs, table

    model = load(arguments.model)
    if arguments.json:
        print_json(_document(model, arguments.model, arguments.weights))
        return 0
    print(pairs({"model": arguments.model, **model.facts()}))
    if model.history.epochs:
        print(f"\n{pairs(model.history.facts())}")
    if model.report:
        print(f"\n{table(report_rows(model.report))}")
    if arguments.weights:
        print(f"\n{_weights_table(weight_statistics(model))}")
    return 0


def weight_statistics(model: Model) -> list[dict[str, Any]]:
    """Return, for each layer, what its weights and biases look like (N20).

    ``gain`` is ``sqrt(n_in mean(W^2))``: by this factor, for inputs of independent signs, the
    layer's ``W A`` is larger than its ``A``. A product of the gains far from 1 is what makes
    signals and gradients explode or vanish.
    """
    import numpy as np

    rows = []
    for l, (W, b) in enumerate(zip(model.parameters.W, model.parameters.b, strict=True), start=1):
        w = np.asarray(model.backend.host(W), np.float64)
        rows.append(
            {
                "layer": l,
                "inputs": w.shape[1],
                "units": w.shape[0],
                "activation": model.network.activations[l - 1].name,
                "gain": float(np.sqrt(w.shape[1] * np.mean(w**2))),
                "weights": _statistics(w),
                "biases": _statistics(np.asarray(model.backend.host(b), np.float64)),
            }
        )
        norm = model.parameters.norms.get(l)
        if norm is not None:
            for name in ("gamma", "beta", "mean", "variance"):
                values = np.asarray(model.backend.host(getattr(norm, name)), np.float64)
                rows[-1][name] = _statistics(values)
    return rows


def _statistics(values: Array) -> dict[str, float]:
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "max": float(abs(values).max()),
        "zeros": float((values == 0).mean()),
    }


def _weights_table(layers: list[dict[str, Any]]) -> str:
    from fastnn.text import table

    rows = [["weights and biases", "mean", "std", "max |x|", "zeros", "gain"]]
    for layer in layers:
        l = layer["layer"]
        kinds = [("weights", f"W[{l}]"), ("biases", f"b[{l}]")]
        kinds += [(n, f"{n}[{l}]") for n in ("gamma", "beta", "mean", "variance") if n in layer]
        for kind, name in kinds:
            s = layer[kind]
            shape = f"{layer['units']} x {layer['inputs'] if kind == 'weights' else 1}"
            rows.append(
                [
                    f"{name} {shape}", f"{s['mean']:.3g}", f"{s['std']:.3g}", f"{s['max']:.3g}",
                    f"{s['zeros']:.0%}", f"{layer['gain']:.3g}" if kind == "weights" else "",
                ]
            )  # fmt: skip
    product = math.prod(layer["gain"] for layer in layers)
    return (
        f"{table(rows)}\n"
        "gain: sqrt(inputs x mean square of W), how many times larger W A is than A;\n"
        f"of all layers together {product:.3g}"
    )


def _document(model: Model, path: str, weights: bool) -> dict[str, Any]:
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
        "numeric": f.numeric,
        "missing_indicators": f.indicators,
        "categories": f.categories,
        "standardize": f.standardize,
        "inputs": f.n_features,
        "options": model.options,
        "engine": model.history.engine,
        "history": model.history.to_json(),
        "report": ordered(model.report),
    }
    return {**document, "weights": weight_statistics(model)} if weights else document
