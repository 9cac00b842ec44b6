"""The one training loop: epochs of mini-batch gradient descent, N25 and N26.

It trains one network, or many of one shape at once, each by its own options and until its own end.
It knows networks, plans and numbers; tables, labels and files are the business of others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from fastnn.backend.protocols import Backend, copied
from fastnn.backend.stack import Stack
from fastnn.errors import ArgumentError, arg
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters
from fastnn.nn.plan import Moments, Snapshot, TrainingPlan
from fastnn.nn.step import Data
from fastnn.training.batching import batching
from fastnn.training.course import Entry, Judged
from fastnn.training.divergence import explain_divergence
from fastnn.training.history import History
from fastnn.training.part import Part, evaluate, pool

T = TypeVar("T")

#: Called after each epoch with the histories of all networks and the examples per second.
Watcher = Callable[[Sequence[History], float], object]


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during a training. The weights are those of the best (or last whole) epoch.

    ``history`` is what happened until then; ``result`` is the model, where one was being made.
    """

    def __init__(self, history: History, result: Any = None) -> None:
        super().__init__("training was interrupted")
        self.history, self.result = history, result


def insist(work: Callable[[], T]) -> tuple[T, bool]:
    """Return what ``work`` returns, and whether Ctrl-C came: then it is begun anew, but once.

    For what takes little time and without which a long training would be lost.

    >>> insist(lambda: 3)
    (3, False)
    """
    try:
        return work(), False
    except KeyboardInterrupt:
        return work(), True


class Trainer:
    """Trains networks of one shape on one device, all at once; can be run again to go on.

    What the options of the networks say of the optimiser, penalties, clipping, schedule, seed and
    stopping may differ. A network alone is trained where its parameters lie, many on a `Stack`:
    one that has ended keeps its weights, and when half of them have, the others go on in a
    smaller stack.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.recipe import Recipe
    >>> cpu, net, part = CpuBackend(), network([1, 1]), Part(np.array([[3.0]]), np.array([[1.0]]))
    >>> entries = [
    ...     Entry(
    ...         Parameters(net, cpu, "float64"),
    ...         Recipe.of(patience=None, optimizer="sgd", learning_rate=rate, epochs=2),
    ...         part,
    ...     )
    ...     for rate in (0.05, 0.1)
    ... ]
    >>> Trainer(cpu, net, entries).run()
    >>> [[round(e.loss, 3) for e in entry.history.epochs] for entry in entries]
    [[0.5, 0.125], [0.5, 0.0]]
    """

    def __init__(self, backend: Backend, network: Network, entries: Sequence[Entry]) -> None:
        self.backend, self.network, self.entries = backend, network, list(entries)
        for entry in self.entries:
            if _form(entry) != _form(self.entries[0]):
                raise ArgumentError(
                    f"{entry.name}: networks that are trained at once need as many examples and "
                    f"the same {arg('batch_size')}"
                )
        self._sizes = batching(backend, network, self.entries)
        self._sizes.say()
        if self._sizes.block_rows is None:
            dtype = self.entries[0].parameters.dtype
            self._pool = pool(backend, [e.train for e in self.entries], dtype)
        self._before: Snapshot | None = None  # the plan's numbers when the epoch began
        self._active = list(range(len(self.entries)))
        self._take(self._active)
        for entry in self.entries:
            entry.enter(self.plan.batch_sizes)
            entry.history.engine = self.plan.engine.to_json()

    def _take(self, networks: Sequence[int]) -> None:
        """Make the plan, and the evaluation beside it, of the networks that go on."""
        plan, rows = self._plan_of(networks), self._sizes.judged_rows
        epochs = max(self.entries[g].options.epochs for g in networks)
        evaluation = EvaluationPlan(plan.backend, self.network, plan.parameters, rows, epochs)
        # All at once: Ctrl-C must not find the networks of one plan in the places of another.
        self.plan, self.evaluation, self._slots = plan, evaluation, list(networks)
        self._before = None

    def _plan_of(self, networks: Sequence[int]) -> TrainingPlan:
        """Return a plan that goes on with some of the networks, alone where its numbers lie."""
        entries = [self.entries[g] for g in networks]
        options, alone = [e.options for e in entries], len(entries) == 1
        for entry in entries:
            moments = entry.progress.moments
            if moments is not None and moments.optimizer != entry.options.optimizer.name:
                entry.progress.moments = None
        backend: Any = self.backend if alone else Stack(self.backend, [o.seed for o in options])
        parameters = entries[0].parameters
        if not alone:
            parameters = Parameters(self.network, backend, parameters.dtype)
        plan = TrainingPlan(
            backend,
            self.network,
            parameters,
            [o.optimizer for o in options],
            self._data(networks, backend),
            self._sizes.batch_size,
            micro_batch_size=self._sizes.micro_batch_size,
            l2=[o.l2 for o in options],
            l1=[o.l1 for o in options],
            clip_norm=[o.gradient_clip for o in options],
            groups=options[0].groups,
            seed=options[0].seed,
            epochs=max(o.epochs for o in options),
            block_rows=self._sizes.block_rows,
            moments=entries[0].progress.moments if alone else None,
        )
        if alone:
            entries[0].progress.moments = plan.moments
        else:
            for slot, entry in enumerate(entries):
                there = entry.progress.moments or Moments("")
                plan.restore((entry.parameters.theta, there.state, there.t), slot)
        return plan

    def _data(self, networks: Sequence[int], backend: Backend) -> Data:
        if self._sizes.block_rows is None:
            return self._pool.on(backend, networks)
        (entry,) = self.entries
        dtype, arrays = entry.parameters.dtype, (entry.train.X, entry.train.Y, entry.train.w)
        return Data(*(None if v is None else np.asarray(v, dtype) for v in arrays))

    def extend(self, epochs: int) -> None:
        """Let `run` go on until there are so many epochs, those done before included."""
        for entry in self.entries:
            entry.options = replace(entry.options, epochs=epochs)

    def run(self, watcher: Watcher | None = None) -> None:
        """Train until every network's epochs are over, nothing gets better, or it has converged.

        A network whose loss is no longer a number ends as "diverged", with the weights of its last
        good epoch and with the error in its entry; the others go on. Raises TrainingInterrupted on
        Ctrl-C; those that were not at their end have the weights of the best (or last whole) epoch.
        """
        everyone = range(len(self.entries))
        if not self._active:  # it was run before
            self._active = list(everyone)
            if len(everyone) > 1:
                self._take(everyone)
        done, reason = [entry.done for entry in self.entries], "failed"
        try:
            for entry in self.entries:
                entry.begin(self.backend.device)
            for g in [g for g in everyone if self.entries[g].over]:
                self._end(g, "epochs")
            while self._active:
                if 2 * len(self._active) <= len(self._slots):
                    self._shrink()
                self._before = self.plan.snapshot(self._before)
                done = [entry.done for entry in self.entries]
                seconds = self._epoch()
                if watcher is not None:
                    speed = len(self._slots) * len(self.entries[0].train) / max(seconds, 1e-9)
                    watcher([entry.history for entry in self.entries], speed)
        except KeyboardInterrupt:
            reason = "interrupted"
            for g in self._active:
                if self._before is not None and self.entries[g].done == done[g]:
                    slot = self._slots.index(g)  # in the middle of an epoch: back to its start
                    self.plan.restore(self.plan.part(self._before, slot), slot)
            raise TrainingInterrupted(self.entries[0].history) from None
        finally:
            for g in list(self._active):
                self._end(g, reason)
            self._before = None

    def _epoch(self) -> float:
        """Train all networks through an epoch, judge them, end some; return its seconds."""
        plan, slots = self.plan, self._slots
        orders, rates = zip(*(self._epoch_of(g) for g in slots), strict=True)
        order, rate = _together(orders), _together(rates)
        start = time.perf_counter()
        costs = plan.run_epoch(order, rate)
        self.backend.synchronize()
        seconds = time.perf_counter() - start
        costs = costs.reshape(len(slots), -1)
        # The last step of an epoch can spoil the weights without a cost to show it.
        finite = np.isfinite(costs).all(axis=1) & plan.finite
        for slot, g in enumerate(slots):
            if g in self._active and not finite[slot]:
                self._diverged(slot, orders[slot], rates[slot], costs[slot])
        if self._active:
            entries = [self.entries[g] for g in slots]
            validation = self._judge([e.validation for e in entries])
            training = self._judge([e.train if e.training_metrics else None for e in entries])
        for slot, g in enumerate(slots):
            if g in self._active:
                entry, theta = self.entries[g], plan.numbers(slot)[0]
                entry.record(
                    costs[slot], float(rates[slot][-1]), seconds / len(slots),
                    validation[slot], training[slot][1],
                )  # fmt: skip
                reason = entry.ended(partial(copied, self.backend, theta))
                if reason:
                    self._end(g, reason)
        return seconds

    def _epoch_of(self, g: int) -> tuple[Any, Any]:
        """Return order and rates of a network's next epoch; one that has ended stays as it is."""
        if g in self._active:
            return self.entries[g].order(), self.entries[g].rates()
        return np.arange(len(self.entries[g].train)), np.zeros(self.plan.n_steps)

    def _judge(self, parts: Sequence[Part | None]) -> list[Judged]:
        """Return loss and metrics of each network's part with the present weights."""
        some = next((part for part in parts if part is not None), None)
        if some is None:
            return [(None, {}) for _ in parts]
        found: list[Judged] = []
        judged = evaluate(self.evaluation, [some if part is None else part for part in parts])
        for g, part, (outputs, loss) in zip(self._slots, parts, judged, strict=True):
            if part is None or g not in self._active:
                found.append((None, {}))
            else:
                found.append((loss, part.judged(outputs)))
        return found

    def _end(self, g: int, reason: str) -> None:
        """End a network's training, with the best epoch's weights if one was watched for."""
        slot, best = self._slots.index(g), self.entries[g].end(reason)
        if best is not None:
            self.backend.copy(best, self.plan.numbers(slot)[0])
        self._store(slot)
        self._active.remove(g)
        self.entries[g].finish()

    def _store(self, slot: int) -> None:
        """Bring a network's numbers from the stack to its entry; alone, they are there."""
        if len(self._slots) == 1:
            return
        entry, (theta, state, t) = self.entries[self._slots[slot]], self.plan.numbers(slot)
        self.backend.copy(theta, entry.parameters.theta)
        kept = {name: copied(self.backend, values) for name, values in state.items()}
        entry.progress.moments = Moments(self.plan.optimizer.name, kept, t)

    def _shrink(self) -> None:
        """Go on with a plan for the networks that have not ended."""
        for g in self._active:
            self._store(self._slots.index(g))
        self._take(self._active)

    def _diverged(self, slot: int, order: Any, rates: Any, costs: Any) -> None:
        """End a network at the epoch's start, and replay that epoch to see what went wrong."""
        assert self._before is not None
        g, before = self._slots[slot], self.plan.part(self._before, slot)
        self.plan.restore(before, slot)
        self._store(slot)
        plan = self.plan if len(self._slots) == 1 else self._plan_of([g])
        epoch = self.entries[g].done + 1
        self.entries[g].error = explain_divergence(plan, order, rates, costs, epoch)
        plan.restore(before)
        self._end(g, "diverged")


def _together(values: Sequence[Any]) -> Any:
    """The networks' arrays as one, (G, ...); of a network alone its own."""
    return np.stack(values) if len(values) > 1 else values[0]


def _form(entry: Entry) -> tuple[object, ...]:
    """What networks that are trained at once have in common."""
    return len(entry.train), entry.options.batch_size, entry.options.micro_batch_size
