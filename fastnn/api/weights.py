"""Weights in Keras' shapes, and the table of `Sequential.summary`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.api.layers import Activation, Dense, Dropout, Layer
from fastnn.backend.shim import Backend
from fastnn.errors import ArgumentError
from fastnn.nn.network import Network
from fastnn.nn.parameters import Layout, Parameters

Array = npt.NDArray[Any]


def kernels(parameters: Parameters, backend: Backend) -> list[Array]:
    """Return copies of ``[W1^T, b1, W2^T, b2, ...]`` in Keras' shapes, (n_in, n_out) and (n_out,).

    >>> from fastnn.backend.cpu.backend import NumpyBackend
    >>> from fastnn.nn.network import network
    >>> p = Parameters(network([3, 4, 2]), NumpyBackend(), "float32")
    >>> [w.shape for w in kernels(p, NumpyBackend())]
    [(3, 4), (4,), (4, 2), (2,)]
    """
    arrays = []
    for W, b in zip(parameters.W, parameters.b, strict=True):
        arrays += [np.array(backend.host(W).T, order="C"), np.array(backend.host(b)).reshape(-1)]
    return arrays


def network_weights(weights: Sequence[Any], network: Network, dtype: Any) -> Array:
    """Return the flat parameters that ``weights``, in the form of `kernels`, stand for.

    >>> from fastnn.nn.network import network
    >>> flat = network_weights([[[1.0], [2.0]], [3.0]], network([2, 1]), "float32")
    >>> flat[:2].tolist(), flat[16].item()
    ([1.0, 2.0], 3.0)

    Raises ArgumentError, naming the array, for a wrong number of arrays, wrong shapes and
    numbers that are not finite.
    """
    layout = Layout.of(network.sizes)
    flat = np.zeros(layout.size, dtype)
    W, b = layout.views(flat)
    views = [view for Wl, bl in zip(W, b, strict=True) for view in (Wl.T, bl[:, 0])]
    if not isinstance(weights, (list, tuple)) or len(weights) != len(views):
        found = len(weights) if isinstance(weights, (list, tuple)) else type(weights).__name__
        raise ArgumentError(
            f"weights must be a list of {len(views)} arrays, a kernel and a bias for each Dense "
            f"layer, found {found}"
        )
    for place, (view, given) in enumerate(zip(views, weights, strict=True)):
        name = (
            f"weights[{place}], the {'bias' if place % 2 else 'kernel'} of Dense {place // 2 + 1}"
        )
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
    return flat


def summary_lines(layers: Sequence[Layer], n_features: int | None) -> list[str]:
    """Return the lines of the table: each layer, its output's shape, its parameters.

    >>> for line in summary_lines([Dense(4, "relu"), Dropout(0.5), Dense(1)], 3):
    ...     print(line)
    layer         output     parameters
    Dense relu    (None, 4)  16
    Dropout 0.5   (None, 4)  0
    Dense linear  (None, 1)  5
    21 parameters
    """
    rows, width, total = [("layer", "output", "parameters")], n_features, 0
    for layer in layers:
        name, parameters = type(layer).__name__, 0
        if isinstance(layer, Dense):
            name += f" {_shown(layer.activation)}"
            known = width is not None
            parameters = layer.units * ((width or 0) + 1)
            total += parameters
            width = layer.units
            rows.append((name, f"(None, {width})", f"{parameters:,}" if known else "?"))
            continue
        if isinstance(layer, Dropout):
            name += f" {layer.rate:g}"
        if isinstance(layer, Activation):
            name += f" {_shown(layer.activation)}"
        rows.append((name, f"(None, {'?' if width is None else width})", "0"))
    left, middle = (max(len(row[i]) for row in rows) for i in (0, 1))
    lines = [f"{a:{left}}  {b:{middle}}  {c}" for a, b, c in rows]
    ending = f"{total:,} parameters"
    if n_features is None:
        ending = "the number of inputs, and so of parameters, is not known before fit"
    return [*lines, ending]


def _shown(activation: object) -> str:
    if activation is None:
        return "linear"
    name = activation if isinstance(activation, str) else getattr(activation, "name", None)
    return name if isinstance(name, str) else "custom"
