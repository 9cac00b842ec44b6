"""Plans: everything allocated and recorded for one network on one device, ready to run.

`TrainingPlan` runs epochs of mini-batch gradient descent (N26); `GradientPlan` gives the cost
and its gradient at any parameters; `EvaluationPlan` gives predictions and the cost of new data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array, Program, Recorder
from fastnn.backend.shim import Backend, Executable
from fastnn.errors import ArgumentError
from fastnn.nn.network import Network
from fastnn.nn.optimizers import OptimizerRule
from fastnn.nn.output import predictions
from fastnn.nn.parameters import Layout, Parameters
from fastnn.nn.penalties import clip_by_norm
from fastnn.nn.step import (
    Batch,
    Data,
    Kernels,
    Memory,
    Penalty,
    backward,
    check_data,
    cost,
    forward,
    make_batch,
    penalize,
)
from fastnn.registry import Option

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters with a learning rate or a weight decay of their own.

    ``kind``: ``"weights"``, ``"biases"`` or ``"all"``; ``layer``: 1 to L, or None for every
    layer. ``learning_rate_factor`` multiplies the learning rate; ``weight_decay`` replaces that
    of AdamW. Where groups overlap the later one counts; a weight decay of None leaves the decay of
    an earlier group as it is.

    >>> ParameterGroup("biases", learning_rate_factor=2.0).layer is None
    True
    """

    kind: str = "all"
    layer: int | None = None
    learning_rate_factor: float = 1.0
    weight_decay: float | None = None


@dataclass(frozen=True)
class _Segment:
    """A stretch of the flat parameters that is updated alike."""

    place: slice
    factor: float
    weight_decay: float | None


def segments(
    layout: Layout, groups: Sequence[ParameterGroup], optimizer: OptimizerRule
) -> list[_Segment]:
    """Cut the flat buffer into stretches of equal learning-rate factor and weight decay.

    Biases do not decay unless a group says so. Raises ArgumentError for a group that names no
    layer of the network or a weight decay that the optimiser does not have.
    """
    decays = "weight_decay" in optimizer.options
    n_layers = len(layout.weights)
    starts = [("weights", l + 1, s.start) for l, s in enumerate(layout.weights)]
    starts += [("biases", l + 1, s.start) for l, s in enumerate(layout.biases)]
    found: list[_Segment] = []
    for i, (kind, layer, start) in enumerate(starts):
        stop = starts[i + 1][2] if i + 1 < len(starts) else layout.size
        factor, decay = 1.0, (0.0 if kind == "biases" else None) if decays else None
        for group in groups:
            _check_group(group, n_layers, optimizer, decays)
            if group.kind in (kind, "all") and group.layer in (layer, None):
                factor = group.learning_rate_factor
                decay = decay if group.weight_decay is None else group.weight_decay
        if found and (found[-1].factor, found[-1].weight_decay) == (factor, decay):
            found[-1] = _Segment(slice(found[-1].place.start, stop), factor, decay)
        else:
            found.append(_Segment(slice(start, stop), factor, decay))
    return found


def _check_group(
    group: ParameterGroup, n_layers: int, optimizer: OptimizerRule, decays: bool
) -> None:
    if group.kind not in ("weights", "biases", "all"):
        raise ArgumentError(
            f"parameter group: kind must be 'weights', 'biases' or 'all', found {group.kind!r}"
        )
    if group.layer is not None and not 1 <= group.layer <= n_layers:
        raise ArgumentError(
            f"parameter group: layer {group.layer} does not exist, there are 1 to {n_layers}"
        )
    if group.weight_decay is not None and not decays:
        raise ArgumentError(
            f"parameter group: weight_decay has no effect with optimizer {optimizer.name!r}: "
            "use 'adamw', or the l2 penalty"
        )
    decay = 0.0 if group.weight_decay is None else group.weight_decay
    if not np.isfinite(decay) or decay < 0:
        raise ArgumentError(f"parameter group: weight_decay must be 0 or more, found {decay!r}")
    if not np.isfinite(group.learning_rate_factor) or group.learning_rate_factor < 0:
        raise ArgumentError(
            "parameter group: learning_rate_factor must be 0 or more, "
            f"found {group.learning_rate_factor!r}"
        )


def _name_parameters(recorder: Recorder, letter: str, W: list[Array], b: list[Array]) -> None:
    for l, (Wl, bl) in enumerate(zip(W, b, strict=True), start=1):
        recorder.name(Wl, f"{letter}W[{l}]")
        recorder.name(bl, f"{letter}b[{l}]")


_POSITIVE = {
    "l2": Option("l2", 0.0, low=0.0),
    "l1": Option("l1", 0.0, low=0.0),
    "clip_norm": Option("clip_norm", None, low=0.0, open_low=True),
}


class TrainingPlan:
    """Mini-batch training of one network on one data set: epochs of recorded steps (N26).

    The optimiser's state belongs to the plan, the parameters to the caller.

    >>> from fastnn.backend.numpy_backend import NumpyBackend
    >>> from fastnn.nn.network import network
    >>> from fastnn.nn.optimizers import optimizer
    >>> net, xp = network([1, 1]), NumpyBackend()
    >>> p = Parameters(net, xp, "float64")
    >>> p.W[0][:] = 2.0
    >>> data = Data(X=np.array([[3.0]]), Y=np.array([[1.0]]))
    >>> plan = TrainingPlan(xp, net, p, optimizer("gradient_descent"), data, batch_size=1)
    >>> plan.run_epoch(np.array([0]), np.array([0.1])).tolist()  # (2 * 3 - 1)^2 / 2
    [12.5]
    >>> p.W[0].item(), p.b[0].item()  # 2 - 0.1 * 5 * 3, 0 - 0.1 * 5
    (0.5, -0.5)
    >>> print(plan.program)
    Z[1] = dot(W[1], A[0])
    Z[1] = add_bias(Z[1], b[1])
    dZ[1], cost = squared_error(Z[1], Y, 1/m)
    J = sum(cost, axis=None)
    dW[1] = dot(dZ[1], A[0] rows)
    db[1] = sum(dZ[1], axis=1)
    costs[step] = J
    row = coefficients[step]
    theta = gradient_descent(theta, dtheta, rate)
    position += 1
    step += 1
    t += 1

    Raises ArgumentError, naming the argument, if data, batch size, penalties, clipping or groups
    cannot work.
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        parameters: Parameters,
        optimizer: OptimizerRule,
        data: Data,
        batch_size: int,
        *,
        l2: float = 0.0,
        l1: float = 0.0,
        clip_norm: float | None = None,
        groups: Sequence[ParameterGroup] = (),
        seed: int = 0,
    ) -> None:
        check_data(network, data)
        for option, value in (("l2", l2), ("l1", l1), ("clip_norm", clip_norm)):
            _POSITIVE[option].check("training", value)
        if isinstance(batch_size, bool) or batch_size != int(batch_size) or batch_size < 1:
            raise ArgumentError(f"batch_size must be a whole number above 0, found {batch_size!r}")
        dtype, size = parameters.dtype, parameters.layout.size
        self.backend, self.network, self.parameters = backend, network, parameters
        self.optimizer, self.data = optimizer, data
        self.batch_size = min(batch_size, len(data))
        self.n_steps = -(-len(data) // self.batch_size)
        self.gradient = backend.zeros((size,), dtype)
        self.state = {name: backend.zeros((size,), dtype) for name in optimizer.state}
        self.t = 0  # steps taken
        self._segments = segments(parameters.layout, groups, optimizer)
        self._seed = seed
        self.clip_norm = clip_norm
        self._penalty = Penalty.make(backend, parameters, l2, l1, len(data))
        self._kernels = Kernels.of(network, data.w is not None)
        width = self._coefficients(np.ones(1), np.ones(1)).shape[1]
        self._table = backend.zeros((self.n_steps, width), dtype)
        self._row = backend.zeros((width,), dtype)
        self._costs = backend.zeros((self.n_steps,), dtype)
        self._order = backend.zeros((len(data),), np.int64)
        self._position, self._step, self._time = (backend.zeros((1,), np.int64) for _ in range(3))
        memory = Memory(backend, dtype)
        rest = len(data) % self.batch_size
        self.program = self._record(memory, self.batch_size)
        self._full = backend.compile(self.program)
        self._short = backend.compile(self._record(memory, rest)) if rest else None

    def _coefficients(self, t: FloatArray, rate: FloatArray) -> FloatArray:
        """The coefficients of every segment side by side, a row per step."""
        rule = self.optimizer
        parts = [rule.coefficients(t, rate * s.factor, s.weight_decay) for s in self._segments]
        return np.concatenate(parts, axis=1)

    def _record(self, memory: Memory, m: int) -> Program:
        """Record one step on ``m`` examples."""
        xp, p = Recorder(), self.parameters
        dW, db = p.layout.views(self.gradient)
        _name_parameters(xp, "", p.W, p.b)
        _name_parameters(xp, "d", dW, db)
        for array, name in (
            (self._table, "coefficients"), (self._row, "row"), (self._step, "step"),
            (self._position, "position"), (self._order, "order"), (self._costs, "costs"),
            (self._time, "t"),
        ):  # fmt: skip
            xp.name(array, name)
        batch = make_batch(
            self.backend, memory, self.network, self.data, m, training=True, names=xp
        )
        for source, rows in batch.rows:
            xp.gather(source, self._order, self._position, out=rows)
        for l, x in enumerate(batch.layers, start=1):
            if x.U is not None:
                xp.uniform(self._seed, l, self._time, out=x.U)
        forward(xp, self._kernels, p.W, p.b, batch)
        cost(xp, self._kernels, batch)
        backward(xp, self._kernels, p.W, dW, db, batch)
        n = p.layout.n_weights
        penalize(xp, self._penalty, p.theta[:n], self.gradient[:n], batch.J)
        xp.store(batch.J, self._step, table=self._costs)
        if self.clip_norm is not None:
            limit = xp.name(self.backend.array(np.full((1, 1), self.clip_norm), p.dtype), "clip")
            squares, factor = (
                xp.name(memory.take(name, 1, 1), name) for name in ("squares", "factor")
            )
            xp.name(self.gradient, "dtheta")
            clip_by_norm(xp, self.gradient, limit, squares=squares, factor=factor)
        self._update(xp)
        xp.advance(self._position, m)
        xp.advance(self._step, 1)
        xp.advance(self._time, 1)
        return xp.program()

    def _update(self, xp: Recorder) -> None:
        """``theta -= ...``: one kernel over each stretch of the flat parameters."""
        xp.load(self._table, self._step, out=self._row)
        width = len(self._row) // len(self._segments)
        for i, segment in enumerate(self._segments):
            place = segment.place
            part = f"[{place.start}:{place.stop}]" if len(self._segments) > 1 else ""
            theta = xp.name(self.parameters.theta[place], "theta" + part)
            gradient = xp.name(self.gradient[place], "dtheta" + part)
            state = [xp.name(s[place], name + part) for name, s in self.state.items()]
            names = self.optimizer.kernel.inputs[-width:]
            scalars = [
                xp.name(self._row[j : j + 1], name) for j, name in enumerate(names, start=i * width)
            ]
            outs = (theta, *state)
            xp.apply(
                self.optimizer.kernel, theta, gradient, *state, *scalars,
                out=outs if len(outs) > 1 else theta,
            )  # fmt: skip

    def run_epoch(self, order: IntArray, rates: FloatArray, steps: int | None = None) -> FloatArray:
        """Train through the rows in ``order`` once; return the cost ``J`` of every batch.

        ``order``: a permutation of the rows, int64 (N,); ``rates``: the learning rate of each
        step, float64 (n_steps,); ``steps``: stop after so many (to look at one of them again).
        """
        for name, values, n in (("order", order, len(self.data)), ("rates", rates, self.n_steps)):
            if values.shape != (n,):
                raise ArgumentError(f"{name} has shape {values.shape}, needs {(n,)}")
        steps = self.n_steps if steps is None else steps
        copy = self.backend.copy
        t = np.arange(self.t + 1, self.t + 1 + self.n_steps, dtype=np.float64)
        with np.errstate(under="ignore"):
            copy(self._host(self._coefficients(t, rates)), self._table)
        copy(self.backend.array(order), self._order)
        copy(self.backend.array([0]), self._position)
        copy(self.backend.array([0]), self._step)
        copy(self.backend.array([self.t]), self._time)
        full = min(steps, len(self.data) // self.batch_size)
        self._full.run(full)
        if self._short is not None and steps > full:
            self._short.run()
        self.t += steps
        return np.array(self.backend.host(self._costs)[:steps], np.float64)

    def _host(self, table: FloatArray) -> Array:
        return self.backend.array(table, self.parameters.dtype)

    def snapshot(self) -> tuple[Array, dict[str, Array], int]:
        """Return copies of the parameters and of the optimiser's state."""
        return (
            self.parameters.theta.copy(),
            {name: s.copy() for name, s in self.state.items()},
            self.t,
        )

    def restore(self, snapshot: tuple[Array, dict[str, Array], int]) -> None:
        """Go back to a snapshot."""
        theta, state, self.t = snapshot
        self.backend.copy(theta, self.parameters.theta)
        for name, values in state.items():
            self.backend.copy(values, self.state[name])


class GradientPlan:
    """The cost ``J`` of a data set, penalty included, and its gradient, without an update.

    Dropout, if the network has any, uses the masks of step ``t`` throughout, so that J is a
    smooth function of the parameters.

    >>> from fastnn.backend.numpy_backend import NumpyBackend
    >>> from fastnn.nn.network import network
    >>> net, xp = network([1, 1]), NumpyBackend()
    >>> p = Parameters(net, xp, "float64")
    >>> p.W[0][:] = 2.0
    >>> plan = GradientPlan(xp, net, p, Data(X=np.array([[3.0]]), Y=np.array([[1.0]])), l2=1.0)
    >>> J, gradient = plan.cost_and_gradient()  # (2 * 3 - 1)^2 / 2 + 2^2 / 2, 5 * 3 + 2
    >>> J, plan.dW[0].item(), plan.db[0].item()
    (14.5, 17.0, 5.0)
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        parameters: Parameters,
        data: Data,
        *,
        l2: float = 0.0,
        l1: float = 0.0,
        seed: int = 0,
    ) -> None:
        check_data(network, data)
        for option, value in (("l2", l2), ("l1", l1)):
            _POSITIVE[option].check("cost", value)
        self.backend, self.parameters = backend, parameters
        self.gradient = backend.zeros((parameters.layout.size,), parameters.dtype)
        self.dW, self.db = parameters.layout.views(self.gradient)
        time = backend.zeros((1,), np.int64)  # the masks of step 0
        kernels = Kernels.of(network, data.w is not None)
        memory = Memory(backend, parameters.dtype)
        self.programs: list[Program] = []
        n = parameters.layout.n_weights
        for with_gradient in (False, True):
            xp = Recorder()
            _name_parameters(xp, "", parameters.W, parameters.b)
            _name_parameters(xp, "d", self.dW, self.db)
            xp.name(time, "t")
            self.batch: Batch = make_batch(
                backend, memory, network, data, len(data), training=True, names=xp
            )
            for l, x in enumerate(self.batch.layers, start=1):
                if x.U is not None:
                    xp.uniform(seed, l, time, out=x.U)
            forward(xp, kernels, parameters.W, parameters.b, self.batch)
            cost(xp, kernels, self.batch)
            if with_gradient:
                backward(xp, kernels, parameters.W, self.dW, self.db, self.batch)
            penalty = Penalty.make(backend, parameters, l2, l1, len(data))
            penalize(xp, penalty, parameters.theta[:n], self.gradient[:n], self.batch.J)
            self.programs.append(xp.program())
        self._cost, self._both = (backend.compile(p) for p in self.programs)

    def cost(self) -> float:
        """Return J at the present parameters."""
        self._cost.run()
        return float(self.backend.host(self.batch.J)[0, 0])

    def cost_and_gradient(self) -> tuple[float, Array]:
        """Return J and the flat gradient (a buffer that the next call overwrites)."""
        self._both.run()
        return float(self.backend.host(self.batch.J)[0, 0]), self.gradient


@dataclass(frozen=True, eq=False)
class _Prepared:
    """An evaluation program with the arrays that go in and come out."""

    data: Data
    A: Array
    J: Array
    executable: Executable


class EvaluationPlan:
    """Predictions for new examples, without dropout, a block of rows at a time.

    A program is recorded for each number of rows that comes up; the last few are kept.

    >>> from fastnn.backend.numpy_backend import NumpyBackend
    >>> from fastnn.nn.network import network
    >>> net, xp = network([1, 1]), NumpyBackend()
    >>> p = Parameters(net, xp, "float64")
    >>> p.W[0][:] = 2.0
    >>> predictions, J = EvaluationPlan(xp, net, p).evaluate(np.array([[3.0]]), np.array([[1.0]]))
    >>> predictions.tolist(), J
    ([[6.0]], 12.5)

    Raises ArgumentError if the shapes do not fit the network.
    """

    KEPT = 4

    def __init__(
        self, backend: Backend, network: Network, parameters: Parameters, block: int = 1024
    ) -> None:
        self.backend, self.network, self.parameters = backend, network, parameters
        self.block = block
        self._ready: dict[tuple[int, bool, int], _Prepared] = {}

    def predict(self, X: Array) -> npt.NDArray[np.floating]:
        """Return ``A[L]`` for the rows of ``X`` (N, n_0): (N, K) on the host."""
        return self.evaluate(X)[0]

    def evaluate(
        self, X: Array, Y: Array = None, w: Array = None
    ) -> tuple[npt.NDArray[np.floating], float]:
        """Return (predictions (N, K), mean loss without penalty; NaN if there is no ``Y``)."""
        check_data(self.network, Data(X, Y, w))
        N, K = X.shape[0], self.network.sizes[-1]
        out = np.empty((N, K), self.parameters.dtype)
        total = 0.0
        for start in range(0, N, self.block):
            stop = min(start + self.block, N)
            A, J = self._run(
                X[start:stop], *(v[start:stop] if v is not None else None for v in (Y, w))
            )
            out[start:stop] = A
            total += J * (stop - start)
        return out, total / N if Y is not None else float("nan")

    def _run(self, X: Array, Y: Array, w: Array) -> tuple[npt.NDArray[np.floating], float]:
        key = (X.shape[0], Y is not None, 0 if w is None else w.shape[1])
        ready = self._ready.pop(key, None) or self._prepare(*key)
        self._ready[key] = ready  # the most recently used is last
        if len(self._ready) > self.KEPT:
            del self._ready[next(iter(self._ready))]
        for source, into in ((X, ready.data.X), (Y, ready.data.Y), (w, ready.data.w)):
            if source is not None:
                self.backend.copy(source, into)
        ready.executable.run()
        J = float(self.backend.host(ready.J)[0, 0]) if Y is not None else 0.0
        return self.backend.host(ready.A).T, J

    def _prepare(self, m: int, with_cost: bool, width: int) -> _Prepared:
        network, memory = self.network, Memory(self.backend, self.parameters.dtype)
        K = network.sizes[-1]
        data = Data(
            memory.take("X", m, network.sizes[0]),
            memory.take("targets", m, 1 if network.loss.link == "softmax" else K),
            memory.take("weights", m, width) if width else None,
        )
        kernels = Kernels.of(network, width > 0)
        xp = Recorder()
        batch = make_batch(self.backend, memory, network, data, m, training=False, names=xp)
        forward(xp, kernels, self.parameters.W, self.parameters.b, batch)
        if with_cost:
            cost(xp, kernels, batch)
        o = batch.output
        A = xp.name(memory.take("A[L]", K, m), "A[L]")
        predictions(xp, kernels.output, o.Z, A=A, top=o.top, total=o.total)
        return _Prepared(data, A, batch.J, self.backend.compile(xp.program()))
