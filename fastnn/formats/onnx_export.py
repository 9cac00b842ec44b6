"""A model as one ONNX graph: preprocessing, network, and from outputs to labels or values.

The number of rows is free (``N``). Inputs: of numeric columns only, one matrix ``X`` (N, p) in
their order at training; with categories or dates, each column is an input of its own (N, 1), by
its name. Dates are double: seconds since 1970-01-01 UTC, of times of day seconds since midnight.
Categories are text, in the spellings of `fastnn.data.categories.spellings`: an ONNX graph cannot
trim text or read a number from it. A NaN is a missing number or date; text that training did not
see, or none (``""``), is '<unknown>'. Numbers have the model's dtype, but enter as double where
float32 would lose what tells them apart, or has no such number. Outputs: ``label`` (N,) and
``probabilities`` (N, K); of several labels ``label`` (N, k) of 0 and 1; for regression
``prediction`` (N,) or (N, k), float64, in the target's own units.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.graph import trace
from fastnn.data.categories import places_of, spellings
from fastnn.data.cells import Reading
from fastnn.data.preprocess import Features
from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError
from fastnn.formats.onnx_dates import date_parts
from fastnn.formats.onnx_graph import ML, OnnxGraph
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.network import Network
from fastnn.nn.normalization import BatchNorm
from fastnn.version import __version__

Array = npt.NDArray[Any]

#: Bytes that a protobuf message, and so an ONNX file, can hold.
_MOST_BYTES = 2**31 - 2**20

#: What rounding may change in a standardised number: as much as float32 does by itself.
_ROUNDING = 1e-6

#: So many deviations from the mean a new number may lie; float32 must hold it.
_DEVIATIONS = 1e6

#: Activations that ONNX has as a node, with the same meaning.
_NODES = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}


def onnx_bytes(
    network: Network,
    weights: Mapping[str, Array],
    features: Features,
    targets: Targets,
    target_name: str | tuple[str, ...] = "target",
) -> bytes:
    """Return the bytes of an ONNX file; ``weights`` by their names, "W1" (n_1, n_0), on the host.

    Raises ArgumentError without the package onnx, or if the weights are too large for a file.
    """
    if sum(values.nbytes for values in weights.values()) > _MOST_BYTES:
        raise ArgumentError("the weights are too large for ONNX, whose files hold less than 2 GiB")
    graph = OnnxGraph("fastnn", taken=features.columns if _by_column(features) else ["X"])
    rows = _preprocessed(graph, features)
    A = _network(graph, network, weights, rows)
    _outputs(graph, network, targets, A)
    names = [target_name] if isinstance(target_name, str) else list(target_name)
    metadata = {
        "task": targets.task,
        "target": json.dumps(names, ensure_ascii=False),
        "columns": json.dumps(features.columns, ensure_ascii=False),
    }
    if features.categories:
        metadata["categories"] = json.dumps(features.categories, ensure_ascii=False)
    if features.dates:
        metadata["dates"] = json.dumps([*features.dates], ensure_ascii=False)
    made: bytes = graph.model(metadata, "fastnn", __version__).SerializeToString()
    return made


# --- preprocessing ----------------------------------------------------------------------------


def _preprocessed(graph: OnnxGraph, f: Features) -> str:
    """The rows (N, n_0): numbers, gaps, categories, parts of dates, as `Features.transform`."""
    parts = []
    filled = ""
    if f.numeric:
        numbers, filled = _numbers(graph, f, _numeric_input(graph, f))
        parts += numbers
    for name, known in f.categories.items():
        parts.append(_one_hot(graph, f, graph.add_input(name, object, 1), known))
    for name, date in f.dates.items():
        place = graph.constant(np.array([f.numeric.index(name)], np.int64))
        seconds = graph.node("Gather", filled, place, axis=1)
        parts += [graph.cast(part, f.dtype) for part in date_parts(graph, date, seconds)]
    return parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=1)


def _by_column(f: Features) -> bool:
    return bool(f.categories or f.dates)


def _numeric_input(graph: OnnxGraph, f: Features) -> str:
    wide = _needs_double(f)
    if not _by_column(f):
        return graph.add_input("X", "float64" if wide.any() else f.dtype, len(f.numeric))
    columns = []
    for name, double in zip(f.numeric, wide, strict=True):
        column = graph.add_input(name, "float64" if double else f.dtype, 1)
        columns.append(graph.cast(column, np.float64) if wide.any() and not double else column)
    return columns[0] if len(columns) == 1 else graph.node("Concat", *columns, axis=1)


def _needs_double(f: Features) -> Array:
    """Say of each numeric column whether rounding it to float32 is seen after standardisation.

    A number near mu is rounded by up to ``2^-24 |mu|``, one below float32's smallest normal
    number becomes 0 on some machines, which is that over sigma as the network sees it; and one
    beyond its largest is infinite. Without standardisation the network itself takes what float32
    leaves.
    """
    limits = np.finfo(np.float32)
    lost = np.maximum(limits.eps / 2 * np.abs(f.mean), limits.tiny) / f.scale
    most = np.abs(f.mean) + np.minimum(f.scale, limits.max) * _DEVIATIONS
    dates = np.array([name in f.dates for name in f.numeric], bool)
    wide = (lost > _ROUNDING) | (most > limits.max) | dates
    return np.asarray(wide & (f.dtype == "float32"))


def _numbers(graph: OnnxGraph, f: Features, X: str) -> tuple[list[str], str]:
    """``(x - mu)/sigma`` in float64, gaps filled; a column for each indicator; and the filled x."""
    missing = graph.node("IsNaN", X)
    x = graph.node("Where", missing, graph.constant(f.fill[None]), graph.cast(X, np.float64))
    filled = x
    if f.standardize or f.dates:
        x = graph.node("Sub", x, graph.constant(f.mean[None]))
        x = graph.node("Div", x, graph.constant(f.scale[None]))
    parts = [x if f.dtype == "float64" else graph.cast(x, f.dtype)]
    if f.indicators:
        places = np.array([f.numeric.index(name) for name in f.indicators], np.int64)
        chosen = graph.node("Gather", missing, graph.constant(places), axis=1)
        parts.append(graph.cast(chosen, f.dtype))
    return parts, filled


def _one_hot(graph: OnnxGraph, f: Features, column: str, known: tuple[str, ...]) -> str:
    reading = Reading(**{k: v for k, v in f.reading.items() if k != "header"})
    reading = Reading(**{k: v for k, v in f.reading.items() if k != "header"})
    read = np.array([reading.category(text) or text for text in known], dtype=object)
    place: dict[str, int] = {}
    for text, k in zip(known, places_of(read, known), strict=True):
        for spelt in spellings(text, reading):
            place.setdefault(spelt, int(k))
    index = graph.node(
        "LabelEncoder", column, domain=ML, keys_strings=list(place),
        values_int64s=list(place.values()), default_int64=len(known),
    )  # fmt: skip
    places = graph.constant(np.arange(len(known) + 1)[None])
    return graph.cast(graph.node("Equal", index, places), f.dtype)


# --- network ----------------------------------------------------------------------------------


def _network(graph: OnnxGraph, network: Network, weights: Mapping[str, Array], rows: str) -> str:
    """``A[L]`` (N, K): examples are rows here, ``A = g(A W^T + b)``."""
    A, dtype = rows, weights["W1"].dtype
    for l, g in enumerate(network.activations, start=1):
        W = graph.constant(weights[f"W{l}"], f"W{l}")
        b = graph.constant(weights[f"b{l}"][:, 0], f"b{l}")
        Z = graph.node("Gemm", A, W, b, transB=1)
        norm = network.batch_norm[l - 1]
        if norm is not None and norm.place == "before":
            Z = _normalized(graph, norm, weights, l, Z)
        A = _activation(graph, g, Z, dtype)
        if norm is not None and norm.place == "after":
            A = _normalized(graph, norm, weights, l, A)
    return A


def _normalized(
    graph: OnnxGraph, norm: BatchNorm, weights: Mapping[str, Array], l: int, A: str
) -> str:
    """``gamma (a - mean) / sqrt(variance + epsilon) + beta`` as one factor and one shift.

    The node BatchNormalization would keep epsilon in float32, also among numbers of float64.
    """
    gamma, beta, mean, variance = (
        weights[f"{name}{l}"][:, 0] for name in ("gamma", "beta", "mean", "variance")
    )
    factor = gamma / np.sqrt(variance + gamma.dtype.type(norm.epsilon))
    shift = beta - mean * factor
    scaled = graph.node("Mul", A, graph.constant(factor, f"factor{l}"))
    return graph.node("Add", scaled, graph.constant(shift, f"shift{l}"))


def _activation(graph: OnnxGraph, g: ActivationFunction, Z: str, dtype: Any) -> str:
    if g.expression is None and g.name == "softmax":
        return graph.node("Softmax", Z, axis=1)
    if g.expression is None and g.name in _NODES:
        return graph.node(_NODES[g.name], Z)
    expression = trace(g.forward) if g.expression is None else g.expression
    return graph.expression(expression, {expression.inputs[0]: Z}, dtype)[0]


# --- from outputs to labels -------------------------------------------------------------------


def _outputs(graph: OnnxGraph, network: Network, targets: Targets, A: str) -> None:
    K, dtype = network.sizes[-1], targets.dtype
    match targets.task:
        case "regression":
            assert targets.mean is not None
            assert targets.scale is not None
            y = graph.node("Mul", graph.cast(A, np.float64), graph.constant(targets.scale[None]))
            y = graph.node("Add", y, graph.constant(targets.mean[None]))
            if targets.flat:
                y = graph.node("Squeeze", y, graph.constant(np.array([1], np.int64)))
            graph.add_output("prediction", y, np.float64, None if targets.flat else K)
            return
        case "multilabel":
            label = graph.cast(_above_half(graph, A, dtype), np.int64)
            graph.add_output("label", label, np.int64, K)
        case "binary":
            if K == 1:
                one = graph.constant(np.array(1, dtype))
                A = graph.node("Concat", graph.node("Sub", one, A), A, axis=1)
            p = graph.node("Gather", A, graph.constant(np.array(1, np.int64)), axis=1)
            _label(graph, targets, graph.cast(_above_half(graph, p, dtype), np.int64))
        case _:
            _label(graph, targets, graph.node("ArgMax", A, axis=1, keepdims=0))
    graph.add_output("probabilities", A, dtype, max(K, 2) if targets.task == "binary" else K)


def _above_half(graph: OnnxGraph, p: str, dtype: str) -> str:
    return graph.node("Greater", p, graph.constant(np.array(0.5, dtype)))


def _label(graph: OnnxGraph, targets: Targets, index: str) -> None:
    """The label map: from class indices (N,) to labels in their own type."""
    assert targets.classes is not None
    classes = graph.constant(targets.classes, "classes")
    graph.add_output("label", graph.node("Gather", classes, index), targets.classes.dtype, None)
