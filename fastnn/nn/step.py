"""A training step, written once and recorded: forward, cost, backward, penalty, update.

Everything it works on is allocated before: `Batch` holds the views of one batch size over memory
that a shorter last batch shares. The functions below call the shim ``xp`` in the notes' order;
run against a `Recorder` they leave the program of the step, which any backend can execute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array, Recorder
from fastnn.backend.protocols import Backend
from fastnn.errors import ArgumentError, arg
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.dense import (
    HiddenKernels,
    LayerArrays,
    gradients,
    hidden_backward,
    hidden_forward,
    linear,
)
from fastnn.nn.network import Network
from fastnn.nn.norm_arrays import NormArrays, Norms, norm_arrays
from fastnn.nn.output import OutputArrays, OutputKernels, output_gradient, output_kernels
from fastnn.nn.parameters import Parameters
from fastnn.nn.penalties import l1_penalty, l2_penalty
from fastnn.nn.softmax import NO_SCRATCH, ColumnScratch


@dataclass(frozen=True, eq=False)
class Data:
    """Examples as rows on the device: gathering rows is fast, and ``rows.T`` is free.

    ``X`` (N, n_0); ``Y`` (N, k) targets, or (N, 1) class indices for softmax; ``w`` (N, 1)
    weights of the examples, or, but for softmax, (N, K) of each output, or None.

    >>> len(Data(X=np.zeros((5, 3)), Y=np.zeros((5, 1))))
    5
    """

    X: Array
    Y: Array
    w: Array = None

    def __len__(self) -> int:
        return int(self.X.shape[0])


@dataclass(frozen=True)
class Kernels:
    """The kernels of every layer of a network."""

    hidden: tuple[HiddenKernels, ...]
    output: OutputKernels
    trains_bias: tuple[bool, ...]

    @staticmethod
    def of(network: Network, weighted: bool) -> Kernels:
        layers = (network.activations, network.dropout, network.batch_norm)
        hidden = zip(*(values[:-1] for values in layers), strict=True)
        return Kernels(
            tuple(HiddenKernels(g, p, norm) for g, p, norm in hidden),
            output_kernels(network.loss, network.activations[-1], network.sizes[-1], weighted),
            network.trains_bias,
        )


def check_data(network: Network, data: Data) -> None:
    """Raise ArgumentError unless the shapes of ``data`` are those that the network needs."""
    N, K = data.X.shape[0], network.sizes[-1]
    classes = network.loss.link == "softmax"
    if not N:
        raise ArgumentError(f"{arg('X')} has no rows: at least one example is needed")
    expected = {
        "X": (data.X, [(N, network.sizes[0])]),
        "Y": (data.Y, [(N, 1 if classes else K)]),
        # The outputs of softmax share one loss: only the example as a whole can have a weight.
        "weights": (data.w, [(N, 1)] if classes else [(N, 1), (N, K)]),
    }
    for name, (array, shapes) in expected.items():
        if array is not None and tuple(array.shape) not in shapes:
            needed = " or ".join(str(s) for s in dict.fromkeys(shapes))
            raise ArgumentError(
                f"{arg(name)} has shape {tuple(array.shape)}, the network and {N} rows of X "
                f"need {needed}"
            )


class Memory:
    """Flat buffers for the largest batch; `take` hands out views for any smaller one.

    A view is ``flat[:n * m].reshape(n, m)``, contiguous at every batch size.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> memory = Memory(CpuBackend(), "float32")
    >>> whole, short = memory.take("Z", 3, 8), memory.take("Z", 3, 5)
    >>> short.shape, bool(np.shares_memory(whole, short))
    ((3, 5), True)
    """

    def __init__(self, backend: Backend, dtype: npt.DTypeLike) -> None:
        self._backend = backend
        self._dtype = np.dtype(dtype)
        self._flat: dict[str, Array] = {}

    def take(self, name: str, rows: int, columns: int, dtype: npt.DTypeLike | None = None) -> Array:
        """Return the (rows, columns) view of buffer ``name``, made on first use."""
        if name not in self._flat:
            self._flat[name] = self._backend.empty((rows * columns,), dtype or self._dtype)
        return self._flat[name][: rows * columns].reshape(rows, columns)


@dataclass(frozen=True, eq=False)
class Batch:
    """The arrays of one batch of m examples: ``A0``, the hidden layers', the output's."""

    A0: Array
    layers: tuple[LayerArrays, ...]
    output: OutputArrays
    J: Array  # (1, 1) the cost
    rows: tuple[tuple[Array, Array], ...]  # (source, destination) to gather, if any

    @property
    def m(self) -> int:
        return int(self.A0.shape[1])


def make_batch(
    backend: Backend,
    memory: Memory,
    network: Network,
    data: Data,
    m: int,
    *,
    training: bool,
    names: Recorder,
    norms: Norms | None = None,
    of: int | None = None,
) -> Batch:
    """Lay out a batch of ``m`` rows of ``data``; the whole data set is used where it lies.

    ``norms``: for a network with batch normalisation; ``of``: the size of the mini-batch that these
    rows are a part of, if they are not all of it.
    """
    gathered: list[tuple[Array, Array]] = []

    def rows(name: str, source: Array) -> Array:
        """The batch's rows as columns: (k, m)."""
        if m == len(data):
            names.name(source, name + " rows")
            return names.name(source.T, name)
        batch = memory.take(name, m, source.shape[1])
        names.name(source, name + " of all examples")
        gathered.append((source, names.name(batch, name + " rows")))
        return names.name(batch.T, name)

    A0 = rows("A[0]", data.X)
    Y = rows("Y", data.Y)
    w = None if data.w is None else rows("w", data.w)
    K, L = network.sizes[-1], network.n_layers
    columns = network.loss.link == "softmax"
    scale = backend.array(np.full((1, 1), 1.0 / (of or m)), data.X.dtype)
    layers = []
    for l in range(1, L):
        norm, n = network.batch_norm[l - 1], network.sizes[l]
        made = None
        if norm is not None:
            assert norms is not None
            take = partial(_take, memory, names)
            made = norm_arrays(take, norms, l, n, m, scale, training, norm.place == "after")
            norms.name(l, names)
        g, rate = network.activations[l - 1], network.dropout[l - 1]
        layers.append(_hidden_arrays(memory, g, rate, l, n, m, names, training, made))

    def named(label: str, n: int) -> Array:
        return names.name(memory.take(label, n, m), label)

    output = OutputArrays(
        Z=named(f"Z[{L}]", K),
        Y=Y,
        dZ=named(f"dZ[{L}]", K),
        cost=named("cost", K),
        scale=names.name(scale, "1/m"),
        w=w,
        classes=names.name(backend.array(np.arange(K).reshape(K, 1), data.X.dtype), "classes")
        if columns
        else None,
        top=named("top", 1) if columns else None,
        total=named("total", 1) if columns else None,
    )
    J = names.name(memory.take("J", 1, 1), "J")
    return Batch(A0, tuple(layers), output, J, tuple(gathered))


def _take(memory: Memory, names: Recorder, label: str, rows: int, columns: int) -> Array:
    return names.name(memory.take(label, rows, columns), label)


def _hidden_arrays(
    memory: Memory,
    g: ActivationFunction,
    dropout: float,
    layer: int,
    n: int,
    m: int,
    names: Recorder,
    training: bool,
    norm: NormArrays | None,
) -> LayerArrays:
    drops = training and dropout > 0

    def take(label: str, rows: int = n, dtype: npt.DTypeLike | None = None) -> Array:
        return names.name(memory.take(label, rows, m, dtype), label)

    A = take(f"A[{layer}]")
    # Where the derivative needs only the output, Z and A are the same memory.
    Z = names.name(A[:], f"Z[{layer}]") if g.from_output else take(f"Z[{layer}]")
    scratch = NO_SCRATCH
    if g.over_columns is not None:
        product = take(f"product[{layer}]") if training else None
        scratch = ColumnScratch(take(f"top[{layer}]", 1), take(f"total[{layer}]", 1), product)
    return LayerArrays(
        Z=Z,
        A=A,
        dZ=take(f"dZ[{layer}]") if training else None,
        U=take(f"U[{layer}]", dtype=np.float32) if drops else None,
        dropped=take(f"dropped A[{layer}]") if drops else None,
        scratch=scratch,
        norm=replace(norm, output=A) if norm is not None and norm.factor is not None else norm,
    )


def forward(
    xp: Recorder, kernels: Kernels, W: Sequence[Array], b: Sequence[Array], batch: Batch
) -> Array:
    """``A[l] = g(W[l] A[l-1] + b[l])`` for the hidden layers; return ``Z[L]`` (N1)."""
    A = batch.A0
    for l, x in enumerate(batch.layers):
        A = hidden_forward(xp, W[l], b[l], A, kernels.hidden[l], x)
    return linear(xp, W[-1], b[-1], A, Z=batch.output.Z)


def cost(xp: Recorder, kernels: Kernels, batch: Batch) -> Array:
    """``J`` without the penalty, and ``dZ[L]`` (N8 to N10, N12)."""
    output_gradient(xp, kernels.output, batch.output)
    return xp.sum(batch.output.cost, axis=None, keepdims=True, out=batch.J)


def backward(
    xp: Recorder,
    kernels: Kernels,
    W: Sequence[Array],
    dW: Sequence[Array],
    db: Sequence[Array],
    batch: Batch,
) -> None:
    """``dW[l]``, ``db[l]`` for every layer, from the last to the first (N13, N14)."""
    dZ = batch.output.dZ
    for l in range(len(W) - 1, -1, -1):
        A_prev = batch.layers[l - 1].output if l else batch.A0
        gradients(xp, dZ, A_prev, dW=dW[l], db=db[l], bias=kernels.trains_bias[l])
        if l:
            dZ = hidden_backward(xp, W[l], dZ, kernels.hidden[l - 1], batch.layers[l - 1])


@dataclass(frozen=True, eq=False)
class Penalty:
    """Strengths ``lambda / m`` as (1, 1) arrays; None where there is no such penalty."""

    l2: Array = None
    l1: Array = None
    squares: Array = None  # (1, 1) scratch
    signs: Array = None  # (n_weights,) scratch

    @staticmethod
    def make(
        backend: Backend, parameters: Parameters, l2: float, l1: float, n_examples: int
    ) -> Penalty:
        def strength(value: float) -> Array:
            return backend.array(np.full((1, 1), value / n_examples), dtype) if value else None

        dtype = parameters.dtype
        return Penalty(
            l2=strength(l2),
            l1=strength(l1),
            squares=backend.zeros((1, 1), dtype),
            signs=backend.zeros((parameters.layout.n_weights,), dtype) if l1 else None,
        )


def penalize(xp: Recorder, penalty: Penalty, W: Array, dW: Array, J: Array) -> None:
    """Add the penalties to ``J`` and to the gradient; ``W``, ``dW``: all weights, flat (N11)."""
    if penalty.l2 is None and penalty.l1 is None:
        return
    named = [(W, "W"), (dW, "dW"), (penalty.squares, "sum")]
    named += [(penalty.l2, "lambda2/m"), (penalty.l1, "lambda1/m"), (penalty.signs, "sign(W)")]
    for array, name in named:
        if array is not None:
            xp.name(array, name)
    if penalty.l2 is not None:
        l2_penalty(xp, W, dW, penalty.l2, J=J, squares=penalty.squares)
    if penalty.l1 is not None:
        l1_penalty(xp, W, dW, penalty.l1, J=J, total=penalty.squares, signs=penalty.signs)


def name_parameters(recorder: Recorder, letter: str, W: list[Array], b: list[Array]) -> None:
    """Name the views of the parameters, or with letter "d" of their gradients, for printing."""
    for l, (Wl, bl) in enumerate(zip(W, b, strict=True), start=1):
        recorder.name(Wl, f"{letter}W[{l}]")
        recorder.name(bl, f"{letter}b[{l}]")
