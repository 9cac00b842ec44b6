"""The one training loop: epochs of mini-batch gradient descent, N25 and N26.

It knows networks, plans and numbers; tables, labels and files are the business of others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array
from fastnn.backend.protocols import Backend
from fastnn.errors import ArgumentError, DivergenceError
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data
from fastnn.recipe.recipe import Recipe
from fastnn.training.batching import choose_batching
from fastnn.training.callbacks import CallbackLike, TrainingState, as_callback
from fastnn.training.course import Course
from fastnn.training.divergence import explain_divergence
from fastnn.training.history import History

T = TypeVar("T")
HostArray = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Part:
    """Examples as rows, ready for the network, and how to judge its outputs for them.

    ``X`` (N, n_0); ``Y`` (N, k), or (N, 1) class indices for softmax; ``w`` (N, 1) or (N, K)
    weights in the loss, or None; ``score`` takes the outputs (N, K) and returns metrics.
    """

    X: HostArray
    Y: HostArray
    w: HostArray | None = None
    score: Callable[[HostArray], dict[str, float]] | None = None

    def __len__(self) -> int:
        return len(self.X)


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
    """Trains the parameters of one network on one device; can be run again to go on."""

    def __init__(
        self,
        backend: Backend,
        network: Network,
        parameters: Parameters,
        train: Part,
        options: Recipe,
        *,
        validation: Part | None = None,
        greater_is_better: bool = False,
        training_metrics: bool = False,
    ) -> None:
        if options.patience is not None and validation is None:
            raise ArgumentError("patience needs a validation part to watch: there is none")
        self.backend, self.network, self.parameters = backend, network, parameters
        self.options, self.validation = options, validation
        self._judged = train if training_metrics else None  # scored after each epoch
        examples = (train.X, train.Y, train.w)
        sizes = choose_batching(
            backend, network, examples, options, parameters.dtype, parameters.theta.nbytes
        )
        sizes.say()
        keep = _to_device if sizes.block_rows is None else _on_the_host
        data = Data(*(keep(backend, v, parameters) for v in examples))
        self.plan = TrainingPlan(
            backend,
            network,
            parameters,
            options.optimizer,
            data,
            sizes.batch_size,
            micro_batch_size=sizes.micro_batch_size,
            l2=options.l2,
            l1=options.l1,
            clip_norm=options.gradient_clip,
            groups=options.groups,
            seed=options.seed,
            epochs=options.epochs,
            block_rows=sizes.block_rows,
        )
        self.evaluation = EvaluationPlan(
            backend, network, parameters, sizes.judged_rows, options.epochs
        )
        self._course = Course.of(options, self.plan.batch_sizes, greater_is_better)
        self.history = self._course.history

    def resume(self, history: History, state: Mapping[str, Array], t: int) -> None:
        """Go on where another trainer of the same network and optimiser ended.

        ``history``: its epochs, which count as done; ``state`` and ``t``: the optimiser's state
        and its number of steps (`TrainingPlan.snapshot`). The parameters stay as they are.
        """
        self.history.epochs.extend(history.epochs)
        self.plan.restore((self.parameters.theta, dict(state), t))

    def extend(self, epochs: int) -> None:
        """Let `run` go on until there are so many epochs, those of `resume` included."""
        self.options = self._course.options = replace(self.options, epochs=epochs)

    def run(self, callbacks: Sequence[CallbackLike] = ()) -> History:
        """Train until the epochs are over, nothing gets better, or it has converged.

        Raises DivergenceError when the loss is no longer a number, with the weights put back to
        the last good epoch; TrainingInterrupted on Ctrl-C.
        """
        state = TrainingState(
            self.history, self.options.epochs, len(self.plan.data), self.backend.device
        )
        watchers = [as_callback(c) for c in callbacks]
        self.history.stopped = "running"
        epochs, begun = self.history.epochs, []
        before, n_before = self.plan.snapshot(), len(epochs)
        try:
            for watcher in watchers:
                begun.append(watcher)
                watcher.begin(state)
            for epoch in range(len(epochs) + 1, self.options.epochs + 1):
                before, n_before = self.plan.snapshot(before), len(epochs)
                self._epoch(epoch, before, state.rate_factor)
                ended = self._course.ended(self.parameters.theta.copy)
                for watcher in watchers:
                    watcher.epoch_end(state)
                if ended or state.stop:
                    self.history.stopped = ended or "callback"
                    break
            else:
                self.history.stopped = "epochs"
        except KeyboardInterrupt:
            self.history.stopped = "interrupted"
            if len(epochs) == n_before:  # in the middle of an epoch
                self.plan.restore(before)
            raise TrainingInterrupted(self.history) from None
        except Exception as error:
            self.history.stopped = "diverged" if isinstance(error, DivergenceError) else "failed"
            raise
        finally:
            self._keep_best()
            for watcher in begun:
                watcher.end(state)
        return self.history

    def _epoch(self, epoch: int, before: Any, rate_factor: float) -> None:
        plan, course = self.plan, self._course
        order, rates = course.order(epoch), course.rates(epoch) * rate_factor
        start = time.perf_counter()
        costs = plan.run_epoch(order, rates)
        self.backend.synchronize()
        seconds = time.perf_counter() - start
        # The last step of an epoch can spoil the weights without a cost to show it.
        if not (np.isfinite(costs).all() and plan.finite):
            plan.restore(before)
            error = explain_divergence(plan, order, rates, costs, epoch)
            plan.restore(before)
            raise error
        validation = self._judge(self.validation)
        _, training_metrics = self._judge(self._judged)
        course.record(epoch, costs, float(rates[-1]), seconds, validation, training_metrics)

    def _judge(self, part: Part | None) -> tuple[float | None, dict[str, float]]:
        """Return loss and metrics of a part with the present weights."""
        if part is None:
            return None, {}
        outputs, loss = self.evaluation.evaluate(part.X, part.Y, part.w)
        return loss, part.score(outputs) if part.score is not None else {}

    def _keep_best(self) -> None:
        """Go back to the weights of the best epoch, if one is watched for."""
        best = self._course.best_weights()
        if best is not None:
            self.backend.copy(best, self.parameters.theta)


def _on_the_host(
    backend: Backend, values: HostArray | None, parameters: Parameters
) -> HostArray | None:
    return None if values is None else np.asarray(values, parameters.dtype)


def _to_device(backend: Backend, values: HostArray | None, parameters: Parameters) -> Array:
    return None if values is None else backend.array(values, parameters.dtype)
