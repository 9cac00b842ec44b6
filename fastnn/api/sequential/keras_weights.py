"""Weights in Keras' shapes, and the table of `Sequential.summary`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.api.sequential.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Input,
    Layer,
)
from fastnn.backend.protocols import Backend
from fastnn.errors import ArgumentError, arg
from fastnn.nn.network import Network
from fastnn.nn.parameters import Layout, Parameters

Array = npt.NDArray[Any]


def weight_list(network: Network, flat: Array) -> list[Array]:
    """Return Keras' list of arrays as views of ``flat``, layer by layer.

    ``W^T`` (n_in, n_out) and b (n_out,), if it is used, then of batch normalisation gamma, beta,
    running mean and running variance, each (n_out,).

    >>> from fastnn.nn.network import network
    >>> net = network([3, 4, 2], use_bias=[True, False])
    >>> flat = np.zeros(Layout.of(net.sizes, net.normalized).size)
    >>> [w.shape for w in weight_list(net, flat)]
    [(3, 4), (4,), (4, 2)]
    """
    views = Layout.of(network.sizes, network.normalized).named_views(flat)
    return [views[n].T if n[0] == "W" else views[n][:, 0] for n in _ordered(network)]


#: What the arrays of a layer are called in messages, in Keras' order.
_SHOWN = {
    "W": "kernel",
    "b": "bias",
    "gamma": "gamma",
    "beta": "beta",
    "mean": "moving mean",
    "variance": "moving variance",
}


def _ordered(network: Network) -> list[str]:
    """The names of the blocks in Keras' order, layer by layer."""
    names = Layout.of(network.sizes, network.normalized).names()
    used = [n for n in names if _letters(n) != "b" or network.use_bias[_layer(n) - 1]]
    return sorted(used, key=lambda n: (_layer(n), list(_SHOWN).index(_letters(n))))


def _letters(name: str) -> str:
    return name.rstrip("0123456789")


def _layer(name: str) -> int:
    return int(name.removeprefix(_letters(name)))


def kernels(network: Network, parameters: Parameters, backend: Backend) -> list[Array]:
    """Return copies of all weights in the form of `weight_list`.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> net = network([3, 4, 2])
    >>> [w.shape for w in kernels(net, Parameters(net, CpuBackend(), "float32"), CpuBackend())]
    [(3, 4), (4,), (4, 2), (2,)]
    """
    return [np.array(v, order="C") for v in weight_list(network, backend.host(parameters.theta))]


def named_layers(layers: Sequence[Layer], weights: Callable[[], list[Array]]) -> tuple[Layer, ...]:
    """Return the layers with Keras' names for them, and each with its own of all weights.

    >>> [layer.name for layer in named_layers([Dropout(0.5), BatchNormalization()], list)]
    ['dropout', 'batch_normalization']
    """
    found: list[Layer] = []
    counts: Counter[str] = Counter()
    start = 0
    for layer in layers:
        kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(layer).__name__).lower()
        name = f"{kind}_{counts[kind]}" if counts[kind] else kind
        counts[kind] += 1
        n = 0
        if isinstance(layer, Dense):
            n = 1 + layer.use_bias
        if isinstance(layer, BatchNormalization):
            n = 4
        own = slice(start, start + n)
        found.append(layer.in_model(name, partial(_some, weights, own)))
        start += n
    return tuple(found)


def _some(weights: Callable[[], list[Array]], own: slice) -> list[Array]:
    return weights()[own]


def network_weights(weights: Sequence[Any], network: Network, dtype: Any) -> Array:
    """Return the flat parameters that ``weights``, in the form of `weight_list`, stand for.

    >>> from fastnn.nn.network import network
    >>> flat = network_weights([[[1.0], [2.0]], [3.0]], network([2, 1]), "float32")
    >>> flat[:2].tolist(), flat[16].item()
    ([1.0, 2.0], 3.0)

    Raises ArgumentError, naming the array, for a wrong number of arrays, wrong shapes, numbers
    that are not finite and variances below 0.
    """
    layout = Layout.of(network.sizes, network.normalized)
    flat = np.zeros(layout.size, dtype)
    views = weight_list(network, flat)
    if not isinstance(weights, (list, tuple)) or len(weights) != len(views):
        found = len(weights) if isinstance(weights, (list, tuple)) else type(weights).__name__
        norms = ", and four for each BatchNormalization" if layout.gammas else ""
        used = "" if all(network.use_bias) else " that has one"
        raise ArgumentError(
            f"{arg('weights')} must be a list of {len(views)} arrays, a kernel and a bias for each "
            f"Dense layer{used}{norms}, found {found}"
        )
    for place, (label, view, given) in enumerate(
        zip(_ordered(network), views, weights, strict=True)
    ):
        name = f"{arg('weights')}[{place}], the {_SHOWN[_letters(label)]} of Dense {_layer(label)}"
        try:
            values = np.asarray(given, np.float64)
        except (TypeError, ValueError):
            raise ArgumentError(f"{name}, is no array of numbers") from None
        if values.shape != view.shape:
            raise ArgumentError(f"{name}, has shape {values.shape}, needs {view.shape}")
        with np.errstate(over="ignore"):
            view[...] = values
        if not np.isfinite(view).all():
            raise ArgumentError(f"{name}, holds values that are not finite in {np.dtype(dtype)}")
        if label.startswith("variance") and (view < 0).any():
            raise ArgumentError(f"{name}, holds negative values")
    return flat


def summary_lines(layers: Sequence[Layer], n_features: int | None) -> list[str]:
    """Return the lines of `summary_rows`, and what is said of all parameters.

    >>> for line in summary_lines([Dense(4, "relu"), BatchNormalization(), Dense(1)], 3):
    ...     print(line)
    layer               output     parameters
    Dense relu          (None, 4)  16
    BatchNormalization  (None, 4)  16
    Dense linear        (None, 1)  5
    37 parameters: 29 are trained, 8 running means and variances follow the batches
    """
    rows, ending = summary_rows(layers, n_features)
    left, middle = (max(len(row[i]) for row in rows) for i in (0, 1))
    return [*(f"{a:{left}}  {b:{middle}}  {c}" for a, b, c in rows), ending]


def summary_rows(
    layers: Sequence[Layer], n_features: int | None
) -> tuple[list[tuple[str, str, str]], str]:
    """Return each layer, its output's shape and its parameters, below the names of these columns.

    And, in words, how many parameters there are in all.

    >>> summary_rows([Dense(1)], 3)
    ([('layer', 'output', 'parameters'), ('Dense linear', '(None, 1)', '4')], '4 parameters')
    """
    rows, width, total, estimates = [("layer", "output", "parameters")], n_features, 0, 0
    for layer in layers:
        name, count = type(layer).__name__, 0
        known = width is not None
        if isinstance(layer, Dense):
            name += f" {_shown(layer.activation)}"
            count = layer.units * ((width or 0) + layer.use_bias)
            width = layer.units
        if isinstance(layer, BatchNormalization):
            count = 4 * (width or 0)
            estimates += count // 2
        if isinstance(layer, Dropout):
            name += f" {layer.rate:g}"
        if isinstance(layer, Activation):
            name += f" {_shown(layer.activation)}"
        total += count
        sides = layer.sides if isinstance(layer, Input) else ("?" if width is None else width,)
        shape = f"(None, {', '.join(map(str, sides))})"
        rows.append((name, shape, f"{count:,}" if known or not count else "?"))
    ending = f"{total:,} parameters"
    if estimates:
        ending += (
            f": {total - estimates:,} are trained, {estimates:,} running means and variances "
            "follow the batches"
        )
    if n_features is None:
        ending = "the number of inputs, and so of parameters, is not known before fit"
    return rows, ending


def _shown(activation: object) -> str:
    if activation is None:
        return "linear"
    name = activation if isinstance(activation, str) else getattr(activation, "name", None)
    return name if isinstance(name, str) else "custom"
