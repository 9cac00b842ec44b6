"""Many networks of one shape trained at once: each by its own options, until its own end.

An epoch is one run of a `ManyPlan`. What surrounds it (order, learning rates, history, early
stopping) is the `Course` of each network, the same that a network alone follows. A network that
has ended keeps its weights; when half of them have, the others go on in a smaller plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.protocols import Backend, copied
from fastnn.backend.stack import Stack
from fastnn.errors import ArgumentError, DeviceError, DivergenceError, arg, inside
from fastnn.nn.many import ManyEvaluation, ManyPlan, Member, Pool
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters
from fastnn.nn.plan import TrainingPlan
from fastnn.recipe.recipe import Recipe
from fastnn.training.batching import JUDGED, Batching, choose_batching
from fastnn.training.course import Course
from fastnn.training.divergence import explain_divergence
from fastnn.training.history import History
from fastnn.training.loop import Part

#: Called after each epoch with the histories of all networks and the examples per second.
Watcher = Callable[[Sequence[History], float], object]


@dataclass(eq=False)
class Entry:
    """One network among many: its first weights, how it is trained, and on what.

    ``theta``: (P,) on the host, the flat parameters; ``name`` is what messages call it. When the
    training is over ``theta`` are the weights it ends with, and ``error`` is set if it diverged.
    """

    theta: npt.NDArray[Any]
    options: Recipe
    train: Part
    validation: Part | None = None
    greater_is_better: bool = False
    name: str = "network"
    history: History | None = None
    error: DivergenceError | None = None


def at_once(backend: Backend, network: Network, entries: Sequence[Entry]) -> int:
    """Return how many of the networks fit into the memory together.

    Raises DeviceError, with the figures, if not even one does (N27).
    """
    one, free = batching(backend, network, entries[0]).needed, backend.free_memory()
    shared = one.data if len({id(e.train.X) for e in entries}) == 1 else 0
    return max(1, min(len(entries), (free - shared) // (one.total - shared)))


def batching(backend: Backend, network: Network, entry: Entry) -> Batching:
    """Return the sizes with which one of the networks fits; raise DeviceError if none do."""
    arrays = (entry.train.X, entry.train.Y, entry.train.w)
    sizes = choose_batching(backend, network, arrays, entry.options, entry.theta.dtype)
    if sizes.block_rows is not None:
        raise DeviceError(
            f"{entry.name}: the examples do not fit into the memory of {backend.device}, and many "
            "networks at once need them all there: use train, which sends them in blocks"
        )
    return sizes


class ManyTrainer:
    """Trains networks of one shape at once. What `Member` has and the schedules may differ.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.recipe import Recipe
    >>> part = Part(np.array([[3.0]]), np.array([[1.0]]))
    >>> both = {"epochs": 2, "patience": None, "optimizer": "sgd"}
    >>> entries = [
    ...     Entry(np.zeros(32), Recipe.of(**both, learning_rate=r), part)
    ...     for r in (0.05, 0.1)
    ... ]
    >>> ManyTrainer(CpuBackend(), network([1, 1]), entries).run()
    >>> [[round(e.loss, 3) for e in entry.history.epochs] for entry in entries]
    [[0.5, 0.125], [0.5, 0.0]]
    """

    def __init__(self, backend: Backend, network: Network, entries: Sequence[Entry]) -> None:
        self.backend, self.network, self.entries = backend, network, list(entries)
        first = self.entries[0]
        self._sizes = batching(backend, network, first)
        self._sizes.say()
        for entry in self.entries:
            alike = [
                (len(e.train), e.options.batch_size, e.options.micro_batch_size)
                for e in (first, entry)
            ]
            if alike[0] != alike[1]:
                raise ArgumentError(
                    f"{entry.name}: networks that are trained at once need as many examples and "
                    f"the same {arg('batch_size')}"
                )
            if entry.options.patience is not None and entry.validation is None:
                raise ArgumentError("patience needs a validation part to watch: there is none")
        dtype = first.theta.dtype
        self._train = _pool(backend, [e.train for e in self.entries], dtype)
        self._validation = _pool(
            backend, [e.validation for e in self.entries if e.validation is not None], dtype
        )
        self._active = list(range(len(self.entries)))
        self._plan = self._make_plan()
        self._courses = [
            Course.of(e.options, self._plan.batch_sizes, e.greater_is_better) for e in self.entries
        ]
        for entry, course in zip(self.entries, self._courses, strict=True):
            entry.history = course.history

    def _make_plan(self) -> ManyPlan:
        """Make the plan, and the evaluation beside it, of the networks that go on."""
        entries = [self.entries[g] for g in self._active]
        options = [e.options for e in entries]
        plan = ManyPlan(
            self.backend,
            self.network,
            np.stack([e.theta for e in entries]),
            [Member(o.optimizer, o.seed, o.l2, o.l1, o.gradient_clip) for o in options],
            self._train.of(self._active),
            self._sizes.batch_size,
            micro_batch_size=self._sizes.micro_batch_size,
            groups=options[0].groups,
            epochs=max(o.epochs for o in options),
        )
        self._slots = list(self._active)
        self._evaluation = (
            ManyEvaluation(
                plan.stack,
                self.network,
                plan.parameters,
                self._validation.of(self._active),
                self._sizes.judged_rows,
                max(o.epochs for o in options),
            )
            if self._validation.places
            else None
        )
        return plan

    def run(self, watcher: Watcher | None = None) -> None:
        """Train until every network has ended; the results are in the entries.

        A network whose loss is no longer a number ends as "diverged" with the weights of its last
        good epoch, and with the error; the others go on. Raises KeyboardInterrupt on Ctrl-C, when
        the entries have the weights of the best (or last whole) epochs.
        """
        for entry in self.entries:
            assert entry.history is not None
            entry.history.stopped = "running"
        epoch, before = 0, self._copies()
        try:
            while self._active:
                epoch, before = epoch + 1, self._copies()
                seconds = self._epoch(epoch, before)
                if watcher is not None:
                    rate = len(self._slots) * len(self.entries[0].train) / max(seconds, 1e-9)
                    watcher([course.history for course in self._courses], rate)
                if self._active and 2 * len(self._active) <= len(self._slots):
                    self._shrink()
        except KeyboardInterrupt:
            for g in list(self._active):
                whole = len(self._courses[g].history.epochs) == epoch
                slot = self._slots.index(g)
                self._end(g, "interrupted", self._plan.theta[slot] if whole else before[0][slot])
            raise

    def _copies(self) -> tuple[Any, dict[str, Any]]:
        """Copies of weights and optimiser's state, to go back to."""
        plan = self._plan
        states = {name: copied(self.backend, s) for name, s in plan.states().items()}
        return copied(self.backend, plan.theta), states

    def _epoch(self, epoch: int, before: tuple[Any, dict[str, Any]]) -> float:
        plan, courses = self._plan, [self._courses[g] for g in self._slots]
        t = plan.t
        orders = np.stack([course.order(epoch) for course in courses])
        rates = np.stack([course.rates(epoch) for course in courses])
        start = time.perf_counter()
        costs = plan.run_epochs(orders, rates)
        self.backend.synchronize()
        seconds = time.perf_counter() - start
        finite = self.backend.finite(plan.theta, axis=1)
        finite = finite & np.isfinite(costs).all(axis=1)
        outputs, losses = (None, None) if self._evaluation is None else self._evaluation.run()
        for slot, g in enumerate(self._slots):
            if g not in self._active:
                continue
            entry, course = self.entries[g], self._courses[g]
            if not finite[slot]:
                state = {name: s[slot] for name, s in before[1].items()}
                entry.error = self._explain(g, before[0][slot], state, t, costs[slot], epoch)
                self._end(g, "diverged", before[0][slot])
                continue
            judged: tuple[float | None, dict[str, float]] = (None, {})
            if entry.validation is not None and outputs is not None and losses is not None:
                score = entry.validation.score
                judged = float(losses[slot]), {} if score is None else score(outputs[slot])
            course.record(
                epoch, costs[slot], float(rates[slot, -1]), seconds / len(self._slots), judged
            )
            with inside(f"{entry.name}: "):
                reason = course.ended(plan.theta[slot].copy)
            if reason or epoch == entry.options.epochs:
                self._end(g, reason or "epochs", plan.theta[slot])
        return seconds

    def _end(self, g: int, reason: str, theta: Any) -> None:
        """Keep a network's weights, the best epoch's if one is watched for; the others go on."""
        course = self._courses[g]
        course.history.stopped = reason
        best = course.best_weights()
        self.entries[g].theta = np.array(self.backend.host(theta if best is None else best))
        self._active.remove(g)

    def _shrink(self) -> None:
        """Go on with a plan for the networks that have not ended."""
        plan, slots = self._plan, [self._slots.index(g) for g in self._active]
        states = {name: s[slots] for name, s in plan.states().items()}
        for g, slot in zip(self._active, slots, strict=True):
            self.entries[g].theta = np.array(self.backend.host(plan.theta[slot]))
        self._plan = self._make_plan()
        self._plan.t = plan.t
        for name, into in self._plan.states().items():
            self.backend.copy(states[name], into)

    def _explain(
        self,
        g: int,
        theta: Any,
        state: dict[str, Any],
        t: int,
        costs: npt.NDArray[np.float64],
        epoch: int,
    ) -> DivergenceError:
        """Train the one network again from the epoch's start, to the step that failed."""
        options, course = self.entries[g].options, self._courses[g]
        parameters = Parameters(self.network, self.backend, theta.dtype)
        plan = TrainingPlan(
            self.backend, self.network, parameters, options.optimizer, self._train.data(g),
            self._sizes.batch_size, micro_batch_size=self._sizes.micro_batch_size,
            l2=options.l2, l1=options.l1, clip_norm=options.gradient_clip,
            groups=options.groups, seed=options.seed,
        )  # fmt: skip
        plan.restore((theta, state, t))
        return explain_divergence(plan, course.order(epoch), course.rates(epoch), costs, epoch)


def evaluate_many(
    backend: Backend,
    network: Network,
    thetas: Sequence[npt.NDArray[Any]],
    parts: Sequence[Part],
    block: int = JUDGED,
    times: int = 1,
) -> list[tuple[npt.NDArray[Any], float]]:
    """Return each network's outputs (N, K) and mean loss on its part; all parts are as long.

    ``block``: rows that are judged at once; ``times``: of which the engine may be chosen.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> part = Part(np.array([[3.0]]), np.array([[1.0]]))
    >>> evaluate_many(CpuBackend(), network([1, 1]), [np.full(32, 2.0)], [part])  # 2 * 3 + 2
    [(array([[8.]]), 24.5)]
    """
    stack = Stack(backend, [0] * len(thetas))
    parameters = Parameters(network, stack, thetas[0].dtype)
    backend.copy(np.stack(thetas), stack.all(parameters.theta))
    pool = _pool(backend, parts, thetas[0].dtype)
    outputs, losses = ManyEvaluation(stack, network, parameters, pool, block, times).run()
    return list(zip(outputs, losses.tolist(), strict=True))


def _pool(backend: Backend, parts: Sequence[Part], dtype: npt.DTypeLike) -> Pool:
    """Return the different data sets on the device, and which one each part is."""
    keys = [(id(p.X), id(p.Y), id(p.w)) for p in parts]
    distinct = list(dict.fromkeys(keys))
    firsts = [parts[keys.index(key)] for key in distinct]

    def together(arrays: Sequence[Any]) -> Any:
        if not arrays or arrays[0] is None:
            return None
        if len(arrays) == 1:
            return backend.array(arrays[0], dtype)[None]
        return backend.array(np.stack(arrays), dtype)

    return Pool(
        together([p.X for p in firsts]),
        together([p.Y for p in firsts]),
        together([p.w for p in firsts]),
        tuple(distinct.index(key) for key in keys),
    )
