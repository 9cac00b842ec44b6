"""What each layer of a network is like: its weights, and on real examples signals and gradients.

Everything is measured where the network lies, by the kernels that train it: forward (N1), the
output delta (N12), the hidden ones (N13) and the gradients of the weights (N14). Numbers are then
copied to the host and summed up in float64.

Weights alone do not tell whether gradients vanish or explode (N20). A layer multiplies what passes
back through it by ``W^T`` and by ``g'(Z)``: a sigmoid's slope is 1/4 at most, half of ReLU's are 0.
So the measure is the size of ``dZ[l]`` itself, relative to that of the last layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.nn.activations import ActivationFunction
from fastnn.nn.dense import LayerArrays, linear
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.network import Network
from fastnn.nn.output import predictions
from fastnn.nn.step import Data, Kernels
from fastnn.training.learner import Learner
from fastnn.training.part import Part

Array = npt.NDArray[Any]

#: Examples that are looked at, at most: 0.08 s of one core for 784-256-128-10, as 45 of its steps.
MOST_EXAMPLES = 1000

#: Activations that are flat on both sides, so that a unit can be driven into either.
BOUNDED = ("sigmoid", "tanh")

#: A bounded activation counts as flat where its slope is below this share of its slope at 0:
#: tanh from |a| = 0.975 on, the sigmoid beyond 0.013 and 0.987.
FLAT = 0.05

#: A unit is saturated if it is flat on so many of the examples.
NEARLY_ALL = 0.9

#: Units of the other activations are dead where no example has a larger slope. That of ReLU is 0
#: there, that of the smooth ones comes near; leaky ReLU's is 0.01 and never dies.
DEAD = 1e-3


@dataclass(frozen=True)
class Statistics:
    """An array in a few numbers, computed in float64: ``max`` is of |x|, ``zeros`` a share.

    >>> Statistics.of(np.array([3.0, -4.0, 0.0, 1.0]))
    Statistics(mean=0.0, std=2.5495097567963922, rms=2.5495097567963922, max=4.0, zeros=0.25)
    """

    mean: float
    std: float
    rms: float
    max: float
    zeros: float

    @staticmethod
    def of(values: npt.ArrayLike) -> Statistics:
        """Return the statistics of all entries; nan and inf where there are such."""
        x = np.asarray(values, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            return Statistics(
                mean=float(x.mean()),
                std=float(x.std()),
                rms=float(np.sqrt(np.mean(x * x))),
                max=float(abs(x).max()),
                zeros=float((x == 0).mean()),
            )


@dataclass(frozen=True)
class LayerStatistics:
    """What layer ``layer`` (from 1) is like; what was not measured is None.

    ``gain`` is ``sqrt(inputs mean(W^2))``: by this factor, for inputs of independent signs, ``W A``
    is larger than ``A``. ``norm``: gamma, beta, mean and variance of batch normalisation, if there
    is any. ``equal``: the weights of all units of a hidden layer, in and out, are equal, so that
    they learn the same (N24).

    On examples: ``Z = W A + b``, ``A``, the gradients ``dW`` and ``db`` of their mean loss,
    ``delta``: the root of the sum of squares of ``dZ[l]``, over units and examples, divided by that
    of the last layer, nan where that is 0. Of a hidden layer ``dead`` is the units with a slope
    ``|g'|`` of at most 0.001 on every example (for ReLU: those that are 0), and ``saturated`` those
    of a sigmoid or tanh that are flat (a slope below 5 % of that at 0) on 90 % of them.

    ``update``: by how much a step changes ``W``, as a share of it: ``||dW_step|| / ||W||``.
    """

    layer: int
    inputs: int
    units: int
    activation: str
    gain: float
    weights: Statistics
    biases: Statistics
    norm: Mapping[str, Statistics] = field(default_factory=dict)
    equal: bool = False
    Z: Statistics | None = None
    A: Statistics | None = None
    dW: Statistics | None = None
    db: Statistics | None = None
    delta: float | None = None
    dead: int | None = None
    saturated: int | None = None
    update: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return all that is known, without what was not measured."""
        found = {name: value for name, value in asdict(self).items() if value is not None}
        norm = found.pop("norm")
        return {**found, **norm}


def weight_statistics(learner: Learner) -> tuple[LayerStatistics, ...]:
    """Return for each layer what its weights alone tell.

    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.run_settings import RunSettings
    >>> learner = Learner.new(network([4, 3, 1]), RunSettings(), initializer="zero")
    >>> [(layer.gain, layer.equal, layer.A) for layer in weight_statistics(learner)]
    [(0.0, True, None), (0.0, False, None)]
    """
    network, parameters = learner.network, learner.parameters
    arrays = {name: np.asarray(v, np.float64) for name, v in learner.weights().items()}
    found = []
    for l, g in enumerate(network.activations, start=1):
        W, b = arrays[f"W{l}"], arrays[f"b{l}"]
        names = ("gamma", "beta", "mean", "variance") if l in parameters.norms else ()
        with np.errstate(over="ignore", invalid="ignore"):
            gain = float(np.sqrt(W.shape[1] * np.mean(W**2)))
        found.append(
            LayerStatistics(
                l, W.shape[1], W.shape[0], g.name, gain, Statistics.of(W), Statistics.of(b),
                {name: Statistics.of(arrays[f"{name}{l}"]) for name in names},
                l < network.n_layers and _equal(W, b, arrays[f"W{l + 1}"]),
            )
        )  # fmt: skip
    return tuple(found)


def _equal(W: Array, b: Array, W_next: Array) -> bool:
    """Whether all units have the same weights, but for rounding: (n, k), (n, 1), (n', n)."""
    every = np.hstack([W, b, W_next.T])
    with np.errstate(invalid="ignore"):
        apart = abs(every - every[:1]).max(initial=0.0)
        return len(W) > 1 and bool(apart <= 1e-5 * abs(every).max())


def sample(part: Part, most: int = MOST_EXAMPLES) -> Part:
    """Return at most so many examples of a part, evenly spaced.

    >>> sample(Part(np.arange(10.0).reshape(5, 2), np.zeros((5, 1))), 3).X.tolist()
    [[0.0, 1.0], [4.0, 5.0], [8.0, 9.0]]
    """
    if len(part) <= most:
        return part
    rows = np.linspace(0, len(part) - 1, most).round().astype(np.int64)
    return Part(part.X[rows], part.Y[rows], None if part.w is None else part.w[rows])


@dataclass(frozen=True)
class Look:
    """A network at one time of its training: its layers on some examples, and their mean loss.

    ``when`` is said in words, such as "before training"; ``loss`` is without penalty and dropout.
    """

    when: str
    examples: int
    loss: float
    layers: tuple[LayerStatistics, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the same in dicts and lists."""
        layers = [layer.to_json() for layer in self.layers]
        known = {"when": self.when, "examples": self.examples, "loss": self.loss}
        return {**known, "layers": layers}


def look(
    learner: Learner, part: Part, when: str = "", updates: Sequence[float] | None = None
) -> Look:
    """Measure every layer on a part, or on 1,000 of its examples.

    Without dropout; batch normalisation goes by these examples, as it does in training.
    ``updates``: each layer's, if they are known.

    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.run_settings import RunSettings
    >>> learner = Learner.new(network([1, 2, 1]), RunSettings(dtype="float64"), initializer="zero")
    >>> learner.parameters.W[0][:] = [[2.0], [-2.0]]
    >>> learner.parameters.W[1][:] = [[1.0, 1.0]]
    >>> seen = look(learner, Part(np.array([[1.0], [3.0]]), np.array([[0.0], [0.0]])))
    >>> hidden, _ = seen.layers
    >>> hidden.A.mean, hidden.delta, hidden.dead  # max(2x, 0), max(-2x, 0): the second is dead
    (2.0, 1.0, 1)
    """
    part, backend, parameters = sample(part), learner.backend, learner.parameters
    network = replace(learner.network, dropout=(0.0,) * learner.network.n_layers)
    given = (part.X, part.Y, part.w)
    data = Data(*(None if v is None else backend.array(v, parameters.dtype) for v in given))
    with np.errstate(all="ignore"):
        plan = GradientPlan(backend, network, parameters, data)
        J, _ = plan.cost_and_gradient()
        layers = _on_examples(learner, network, plan)
    if updates is not None:
        layers = tuple(replace(x, update=u) for x, u in zip(layers, updates, strict=True))
    return Look(when, len(part), J, layers)


def _on_examples(
    learner: Learner, network: Network, plan: GradientPlan
) -> tuple[LayerStatistics, ...]:
    backend, p, batch = learner.backend, learner.parameters, plan.batch
    host, output = backend.host, batch.output
    last = _size(host(output.dZ))
    A_prev, found = batch.A0, []
    for l, layer in enumerate(weight_statistics(learner)):
        hidden = batch.layers[l] if l < len(batch.layers) else None
        if hidden is None:
            Z, dZ = output.Z, output.dZ
            A = predictions(backend, Kernels.of(network, output.w is not None).output, Z)
            dead = saturated = None
        else:
            # Where the slope is a function of the output, A has taken the place of Z.
            Z, A, dZ = linear(backend, p.W[l], p.b[l], A_prev), hidden.output, hidden.dZ
            dead, saturated = _flat_units(network.activations[l], hidden, host)
        size = _size(host(dZ))
        found.append(
            replace(
                layer,
                Z=Statistics.of(host(Z)),
                A=Statistics.of(host(A)),
                dW=Statistics.of(host(plan.dW[l])),
                db=Statistics.of(host(plan.db[l])),
                delta=size / last if last else float("nan"),
                dead=dead,
                saturated=saturated,
            )
        )
        A_prev = A
    return tuple(found)


def _size(values: Array) -> float:
    return float(np.sqrt(np.sum(np.asarray(values, np.float64) ** 2)))


def _flat_units(g: ActivationFunction, x: LayerArrays, host: Any) -> tuple[int | None, int | None]:
    """Return how many units are dead and how many saturated; None for what g cannot be."""
    if g.over_columns is not None or g.name == "identity":
        return None, None
    slope = abs(np.asarray(g.derivative(host(x.A if g.from_output else x.Z))))
    if g.name not in BOUNDED:
        return int((slope <= DEAD).all(axis=1).sum()), None
    middle = g.forward(0.0)
    flat = slope < FLAT * abs(g.derivative(middle))
    return None, int((flat.mean(axis=1) >= NEARLY_ALL).sum())
