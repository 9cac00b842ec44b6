"""The training plan: everything allocated and recorded for a network, or for many of one shape.

The step is recorded for one network. On a `Stack` it is the step of all its networks: what differs
from one to the next is numbers in memory (weights, the order of the examples, learning rates,
penalties), the seed of the dropout masks, or the examples themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array, Program
from fastnn.backend.protocols import Backend, EngineChoice, copied
from fastnn.backend.stack import Stack, all_networks
from fastnn.errors import ArgumentError, arg
from fastnn.nn.accumulation import mini_batches, parts_of
from fastnn.nn.groups import ParameterGroup, coefficients, segments
from fastnn.nn.network import Network
from fastnn.nn.optimizers import OptimizerRule
from fastnn.nn.parameters import Parameters
from fastnn.nn.penalties import LIMITS
from fastnn.nn.recording import StepRecorder
from fastnn.nn.row_source import Feed, Resident, Streamed
from fastnn.nn.step import Data, Penalty, check_data

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Parameters, the optimiser's state by name, steps taken.
Snapshot = tuple[Array, dict[str, Array], Any]


@dataclass(eq=False)
class Moments:
    """What an optimiser has to remember: its name, its state (P,) by name, the steps taken.

    Of a stack of networks the state is (G, P) and ``t`` (G,).
    """

    optimizer: str
    state: dict[str, Array] = field(default_factory=dict)
    t: Any = 0


class TrainingPlan:
    """Mini-batch training of networks of one shape: epochs of recorded steps (N26).

    The parameters belong to the caller, and so does ``moments``, the state of the optimiser of a
    network alone, where it is given. The last batch is what is left, and shorter. With batch
    normalisation one left example, alone with its mean, would teach nothing below: it joins the
    batch before.

    With a ``micro_batch_size`` below the batch size, the gradient of a mini-batch is added up from
    parts of so many examples: the same step, in less memory.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> from fastnn.nn.optimizers import optimizer
    >>> net, xp = network([1, 1]), CpuBackend()
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

    ``block_rows``: the data are host arrays, of which so many rows at a time are on the device.

    On a `Stack` of G networks, `theta` is (G, P), orders, rates and costs have a first axis G, and
    each of ``optimizer``, ``l2``, ``l1`` and ``clip_norm`` may be a list with every network's own.
    The optimisers must be of one kind; the seeds are the stack's.

    >>> from fastnn.nn.row_source import Pool
    >>> stack, data = Stack(xp, seeds=[0, 1]), Pool(data.X[None], data.Y[None], None, (0, 0))
    >>> p = Parameters(net, stack, "float64")
    >>> plan = TrainingPlan(stack, net, p, plan.optimizer, data.on(stack, [0, 1]), batch_size=1)
    >>> plan.theta[:, 0] = 2.0
    >>> plan.run_epoch(np.array([[0], [0]]), np.array([[0.1], [0.2]])).tolist()
    [[12.5], [12.5]]
    >>> plan.theta[:, 0].tolist()  # 2 - 0.1 * 5 * 3, 2 - 0.2 * 5 * 3
    [0.5, -1.0]

    Raises ArgumentError, naming the argument, if data, batch size, penalties, clipping or groups
    cannot work.
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        parameters: Parameters,
        optimizer: OptimizerRule | Sequence[OptimizerRule],
        data: Data,
        batch_size: int,
        *,
        l2: float | Sequence[float] = 0.0,
        l1: float | Sequence[float] = 0.0,
        clip_norm: float | Sequence[float | None] | None = None,
        groups: Sequence[ParameterGroup] = (),
        seed: int = 0,
        epochs: int = 1,
        micro_batch_size: int | None = None,
        block_rows: int | None = None,
        moments: Moments | None = None,
    ) -> None:
        check_data(network, data)
        networks = len(backend) if isinstance(backend, Stack) else 1
        self._lead = (networks,) if isinstance(backend, Stack) else ()
        self._device = backend.backend if isinstance(backend, Stack) else backend
        rules, clips = _each(optimizer, networks), _each(clip_norm, networks)
        strengths = {"l2": _each(l2, networks), "l1": _each(l1, networks)}
        for option, values in {**strengths, "clip_norm": clips}.items():
            for value in values:
                LIMITS[option].check("training", value)
        if len({rule.update for rule in rules}) > 1:
            raise ArgumentError("networks that are trained at once need one kind of optimizer")
        micro = batch_size if micro_batch_size is None else micro_batch_size
        for option, value in (("batch_size", batch_size), ("micro_batch_size", micro)):
            if isinstance(value, bool) or value != int(value) or value < 1:
                raise ArgumentError(
                    f"{arg(option)} must be a whole number above 0, found {value!r}"
                )
        layout, N = parameters.layout, len(data)
        self.backend, self.network, self.parameters = backend, network, parameters
        self.optimizer, self.data = rules[0], data
        self.theta = all_networks(backend, parameters.theta)
        self.clips = any(clip is not None for clip in clips)
        self.batch_size, self._n_full, rest = mini_batches(network, N, int(batch_size))
        self.batch_sizes = [self.batch_size] * self._n_full + [rest] * (rest > 0)
        self.n_steps = len(self.batch_sizes)
        self.finite: Any = True  # whether all parameters were numbers after the last epoch
        self._zeros = np.zeros(self._lead)
        self._segments, self._rules = segments(layout, groups, self.optimizer), rules
        width = coefficients(rules[0], self._segments, np.ones(1), np.ones(1)).shape[1]
        self._feed: Feed = (
            Resident(backend, data)
            if block_rows is None
            else Streamed(backend, data, self.batch_size, block_rows, joins=rest > self.batch_size)
        )
        if moments is None:
            size, dtype = (layout.n_trained,), parameters.dtype
            state = {name: backend.zeros(size, dtype) for name in self.optimizer.state}
            self.moments = Moments(
                self.optimizer.name,
                {name: all_networks(backend, s) for name, s in state.items()},
                np.zeros(self._lead, np.int64) if self._lead else 0,
            )
        else:
            self.moments, state = moments, moments.state
        penalty = Penalty.make(backend, parameters, max(strengths["l2"]), max(strengths["l1"]), N)
        self._recorder = StepRecorder(
            backend, network, parameters, self.optimizer, state, self._feed, self._segments,
            n_steps=self.n_steps, width=width, penalty=penalty, clips=self.clips,
            micro=parts_of(network, micro, min(int(batch_size), N)), seed=seed,
        )  # fmt: skip
        self.gradient = self._recorder.gradient
        for array, numbers in (
            (penalty.l2, [value / N for value in strengths["l2"]]),
            (penalty.l1, [value / N for value in strengths["l1"]]),
            (self._recorder.clip, [np.inf if clip is None else clip for clip in clips]),
        ):
            if array is not None:
                self._set(array, numbers)
        # The larger batch comes first: its arrays have the memory of both.
        made = {
            m: self._recorder.ready(m, epochs * (self._n_full if m == self.batch_size else 1))
            for m in sorted({self.batch_size, rest} - {0})[::-1]
        }
        self._full, self.programs = made[self.batch_size]
        self._last = made[rest][0] if rest else None

    @property
    def program(self) -> Program:
        """The step; with micro-batches the first of them, `programs` has all."""
        return self.programs[0]

    @property
    def engine(self) -> EngineChoice:
        """What runs the steps on whole batches, on how many threads, and why."""
        return self._full.choice

    @property
    def state(self) -> dict[str, Array]:
        """The optimiser's state by name."""
        return self.moments.state

    @property
    def t(self) -> Any:
        """The steps taken."""
        return self.moments.t

    def run_epoch(
        self, order: IntArray, rates: FloatArray, steps: int | None = None, first: int = 0
    ) -> FloatArray:
        """Train through the rows in ``order`` once; return the cost ``J`` of every batch.

        ``order``: a permutation of the rows, int64 (N,); ``rates``: the learning rate of each
        step, float64 (n_steps,). An epoch may be run in pieces: the steps from ``first`` on, of
        which those before are done, and not more than ``steps`` of it in all.
        """
        N = len(self.data)
        for name, values, n in (("order", order, N), ("rates", rates, self.n_steps)):
            if values.shape != (*self._lead, n):
                raise ArgumentError(f"{name} has shape {values.shape}, needs {(*self._lead, n)}")
        steps = self.n_steps if steps is None else steps
        if self.batch_size == N:  # as they lie, also where micro-batches gather them
            order = np.broadcast_to(np.arange(N, dtype=np.int64), order.shape)
        x = self._recorder
        for array, numbers in (
            (x.coefficients, self._coefficients(rates, self.t - first)),
            (x.column, self._zeros), (x.step, self._zeros + first), (x.time, self.t),
        ):  # fmt: skip
            self._set(array, numbers)
        done, begin = first, first * self.batch_size
        with closing(self._feed.blocks(order, steps - first, begin)) as blocks:
            for ready in blocks:
                self._run(done, ready)
                done += ready
        self.moments.t = self.t + steps - first
        if self._lead:
            found = np.array(self._device.host(all_networks(self.backend, x.costs)), np.float64)
            self.finite = self._device.finite(self.theta, axis=1)
        else:
            with np.errstate(over="ignore", invalid="ignore"):  # read with the costs, at once
                self._device.sum(self.theta, axis=None, out=x.costs[self.n_steps :])
            found = np.array(self._device.host(x.costs), np.float64)
            self.finite = bool(np.isfinite(found[-1]) or self._device.finite(self.theta))
        return found[..., first:steps]

    def _coefficients(self, rates: FloatArray, t: Any) -> FloatArray:
        """The table of an epoch's coefficients, a row for each step after the t-th, by network."""
        t = np.arange(1.0, self.n_steps + 1) + (t[:, None] if self._lead else t)
        if all(rule == self.optimizer for rule in self._rules):
            return coefficients(self.optimizer, self._segments, t.ravel(), rates.ravel())
        each = zip(self._rules, t, rates, strict=True)
        return np.stack([coefficients(rule, self._segments, *own) for rule, *own in each])

    def _set(self, array: Array, numbers: npt.ArrayLike) -> None:
        """Write each network's numbers into the arrays that ``array`` stands for."""
        into = all_networks(self.backend, array)
        self._device.copy(np.asarray(numbers, into.dtype).reshape(into.shape), into)

    def _run(self, done: int, steps: int) -> None:
        """Run the next ``steps`` of an epoch of which some are done."""
        full = self._n_full
        self._full.run(min(steps, full - done))
        if self._last is not None and done + steps > full:
            self._last.run()

    def numbers(self, g: int | None = None) -> Snapshot:
        """Return where parameters and state lie, and the steps taken; ``g``: of one network."""
        whole = self.theta, self.state, self.t
        return whole if g is None else self.part(whole, g)

    def part(self, snapshot: Snapshot, g: int) -> Snapshot:
        """Return what of a snapshot is the g-th network's."""
        theta, state, t = snapshot
        if not self._lead:
            return snapshot
        return theta[g], {name: values[g] for name, values in state.items()}, int(t[g])

    def snapshot(self, into: Snapshot | None = None) -> Snapshot:
        """Return copies of the parameters and of the optimiser's state.

        ``into``: an older snapshot, whose memory is used again.
        """
        if into is None:
            states = {name: copied(self._device, values) for name, values in self.state.items()}
            return copied(self._device, self.theta), states, self.t
        self._copy(self.numbers(), into)
        return *into[:2], self.t

    def restore(self, snapshot: Snapshot, g: int | None = None) -> None:
        """Go back to a snapshot; ``g``: with one network alone, to its part."""
        self._copy(snapshot, self.numbers(g))
        if g is not None and self._lead:
            self.moments.t = np.where(np.arange(len(self.t)) == g, snapshot[2], self.t)
        else:
            self.moments.t = snapshot[2]

    def _copy(self, source: Snapshot, into: Snapshot) -> None:
        self._device.copy(source[0], into[0])
        for name, values in source[1].items():
            self._device.copy(values, into[1][name])


def _each(values: Any, n: int) -> list[Any]:
    """Return every network's own value; one that is no list is that of all."""
    return list(values) if isinstance(values, (list, tuple)) else [values] * n
