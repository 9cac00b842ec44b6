"""How much memory a training takes, known before any of it is allocated (N27).

Counted is what grows with the network, the data or the batch. An executor's scratch memory, a few
MB at most, and what the functions of a training keep for themselves are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from fastnn.backend.protocols import Backend
from fastnn.errors import DeviceError, arg
from fastnn.nn.groups import ParameterGroup, segments
from fastnn.nn.network import Network
from fastnn.nn.optimizers import OptimizerRule
from fastnn.nn.parameters import Layout


@dataclass(frozen=True)
class TrainingMemory:
    """The bytes of a training, by what they are for.

    ``snapshots``: the state to go back to after a failed epoch, and the weights of the best epoch
    and of the one that takes its place.

    >>> print(TrainingMemory(parameters=4 * 10**9, gradient=4 * 10**9, batch=2_500_000))
    8.0 GB (parameters 4.0 GB, gradient 4.0 GB, batch 2.5 MB)
    """

    parameters: int = 0
    gradient: int = 0
    optimizer: int = 0
    snapshots: int = 0
    data: int = 0
    batch: int = 0
    evaluation: int = 0

    @property
    def total(self) -> int:
        """The sum of all."""
        return sum(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        shown = ", ".join(f"{name} {size(n)}" for name, n in parts.items() if n)
        return f"{size(self.total)} ({shown})"


def size(n: int) -> str:
    """Return a number of bytes for people, in powers of 1000.

    >>> size(999), size(2_500_000), size(12 * 10**9)
    ('999 B', '2.5 MB', '12.0 GB')
    """
    value = float(n)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.95 or unit == "TB":
            break
        value /= 1000
    if value > 1e6:
        return f"{value:.0e} {unit}"
    return f"{value:.0f} B" if unit == "B" else f"{value:,.1f} {unit}"


def training_memory(
    network: Network,
    optimizer: OptimizerRule,
    n_examples: int,
    batch_size: int,
    dtype: npt.DTypeLike,
    *,
    micro_batch_size: int | None = None,
    weight_columns: int = 0,
    l1: float = 0.0,
    groups: Sequence[ParameterGroup] = (),
    keeps_best: bool = False,
    n_evaluated: int = 0,
    evaluated_at_once: int = 1024,
    block_rows: int | None = None,
) -> TrainingMemory:
    """Return the bytes that training ``network`` takes on its device, in closed form.

    ``micro_batch_size``: examples that are computed at once, if fewer than a mini-batch has (a
    second gradient then adds up the parts);
    ``weight_columns``: of the examples' weights, 0 without; ``keeps_best``: the best epoch's
    weights are kept aside; ``n_evaluated``: rows of the largest part that is judged, block by
    block; ``block_rows``: so many examples at a time are on the device, and as many arrive.
    Full-batch training (``batch_size`` of all examples) gathers no rows.

    >>> from fastnn.nn.network import network
    >>> from fastnn.nn.optimizers import optimizer
    >>> print(training_memory(network([784, 256, 10]), optimizer("adam"), 60_000, 128, "float32"))
    197.4 MB (parameters 814.1 kB, gradient 814.1 kB, optimizer 1.6 MB, snapshots 2.4 MB, ...
    """
    layout, one = Layout.of(network.sizes, network.normalized), np.dtype(dtype).itemsize
    theta, trained = layout.size * one, layout.n_trained * one
    m = min(batch_size, n_examples)
    n_state = len(optimizer.state)
    row = network.sizes[0] + (1 if network.loss.link == "softmax" else network.sizes[-1])
    row += weight_columns
    n_steps = -(-n_examples // m)
    step = np.ones(1)
    coefficients = sum(
        optimizer.coefficients(step, step, s.weight_decay).shape[1]
        for s in segments(layout, groups, optimizer)
    )
    micro = m if micro_batch_size is None else min(micro_batch_size, m)
    source = n_examples if block_rows is None else block_rows
    gathered = row * micro * one if micro < source else 0
    copies = 1 if block_rows is None else 2
    block = min(n_evaluated, evaluated_at_once)
    return TrainingMemory(
        parameters=theta,
        gradient=trained * (2 if micro < m else 1) + (layout.n_weights * one if l1 else 0),
        optimizer=n_state * trained,
        # The old best weights go when the new ones are there.
        snapshots=(1 + 2 * keeps_best) * theta + n_state * trained,
        data=source * (copies * row * one + 8) + n_steps * (coefficients + 1) * one,
        batch=gathered + micro * _example(network, one, training=True),
        evaluation=block * (row * one + _example(network, one, training=False)),
    )


def _example(network: Network, one: int, *, training: bool) -> int:
    """Return the bytes of one example on its way through the network, as `make_batch` lays out."""
    K = network.sizes[-1]
    numbers = 3 * K if training else 4 * K  # Z[L], dZ[L], cost; A[L]
    uniform = 0
    if network.loss.link == "softmax":
        numbers += 2
    layers = (network.activations, network.dropout, network.batch_norm)
    for n, g, dropout, norm in zip(network.sizes[1:-1], *layers, strict=False):
        mixes = g.over_columns is not None
        numbers += n + (0 if g.from_output else n) + (2 if mixes else 0)  # A[l], Z[l], scratch
        if training:
            numbers += n + (n if mixes else 0) + (n if dropout else 0)
            numbers += 0 if norm is None else 2 * n + (n if norm.place == "after" else 0)
            uniform += n if dropout else 0
    return numbers * one + uniform * np.dtype(np.float32).itemsize


def fits(backend: Backend, needed: TrainingMemory, present: int = 0) -> bool:
    """Return whether ``needed`` bytes can be had, of which ``present`` are there already.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> fits(CpuBackend(), TrainingMemory(parameters=10**18))
    False
    """
    return needed.total - present <= backend.free_memory()


def require_memory(
    backend: Backend, needed: TrainingMemory, present: int = 0, how: str = ""
) -> None:
    """Raise DeviceError, with the figures, if ``needed`` does not fit into the free memory (N27).

    ``present``: bytes of it that are there already; ``how`` it is trained, for the message.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> require_memory(CpuBackend(), TrainingMemory(parameters=10**18))
    Traceback (most recent call last):
    fastnn.errors.DeviceError: training needs 1,000,000.0 TB on cpu (parameters 1,000,000.0 TB)...
    """
    free = backend.free_memory()
    if fits(backend, needed, present):
        return
    total, _, parts = str(needed).partition(" (")
    there = f", of which {size(present)} are there already" if present else ""
    largest = max(fields(needed), key=lambda field: getattr(needed, field.name)).name
    raise DeviceError(
        f"training needs {total} on {backend.device}{how} ({parts}{there}; "
        f"{size(free)} are free: {_CURES[largest]}"
    )


_SMALLER = "use smaller hidden layers"
_CURES = {
    "parameters": _SMALLER,
    "gradient": _SMALLER,
    "optimizer": f"{_SMALLER}, or an {arg('optimizer')} that keeps less (sgd, momentum)",
    "snapshots": f"{_SMALLER}, or an {arg('optimizer')} that keeps less (sgd, momentum)",
    "data": f"use fewer rows or columns, or {arg('dtype', 'float32')}",
    "batch": f"use a smaller {arg('batch_size')} or {arg('micro_batch_size')}",
    "evaluation": _SMALLER,
}
