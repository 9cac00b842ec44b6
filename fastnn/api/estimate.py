"""What a training would take, found without it: `estimate`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastnn.data.batches import epoch_order
from fastnn.faces import Face
from fastnn.model.facts import task_text
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.memory import TrainingMemory, size
from fastnn.nn.network import Network
from fastnn.preparation.setup import Setup, prepared
from fastnn.recipe.choices import pick, refuse_unknown
from fastnn.recipe.documentation import documented
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.recipe.table import RecipeOptions, RunOptions, TrainOptions
from fastnn.text import engine_text, time_text
from fastnn.training.batching import Batching
from fastnn.training.learner import Learner
from fastnn.training.loop import Trainer

#: Steps are timed in pieces of so many, until they took so many seconds or an epoch is over.
PIECE, SECONDS = 10, 0.5
#: So many rows of the validation part are judged to see how long that takes.
JUDGED_ROWS = 20_000


@dataclass(frozen=True, eq=False, repr=False)
class Estimate:
    """What `estimate` found out about a training that has not been.

    Attributes:
        task, target_name: what would be learnt.
        rows: the number of examples in each part.
        network: its shape.
        batch_size, steps: examples per step, and steps per epoch.
        epochs: at most so many.
        memory: the bytes on the device, by what they are for.
        engine: what would run the steps, on how many threads, and why.
        step_seconds: of a step, the mean of those that were tried.
        epoch_seconds: of an epoch, its look at the validation part included.

    >>> print(estimate("diabetes", hidden_layer_sizes=[], epochs=2))
    Estimate
      task     regression of 'progression'
      rows     265 train, 89 validation, 88 test
      network  10 inputs -> 1 identity; squared_error; 11 parameters
      steps    9 per epoch, of 32 examples
      engine   ...
      memory   ...
      time     about ... per epoch; all 2 epochs about ...
    """

    task: str
    target_name: str | tuple[str, ...]
    rows: Mapping[str, int]
    network: Network
    batch_size: int
    steps: int
    epochs: int
    memory: TrainingMemory
    engine: Mapping[str, Any]
    step_seconds: float
    epoch_seconds: float

    @property
    def seconds(self) -> float:
        """All epochs together, in seconds: the longest that the training would take."""
        return self.epochs * self.epoch_seconds

    def to_json(self) -> dict[str, Any]:
        """Return all of it as numbers, texts and lists.

        >>> found = estimate("diabetes", hidden_layer_sizes=[], epochs=2)
        >>> found.to_json()["parameters"], found.to_json()["rows"]["train"]
        (11, 265)
        """
        name = self.target_name
        return {
            "task": self.task,
            "target": name if isinstance(name, str) else list(name),
            "rows": dict(self.rows),
            "network": str(self.network),
            "parameters": self.network.n_parameters,
            "batch_size": self.batch_size,
            "steps_per_epoch": self.steps,
            "epochs": self.epochs,
            "memory": {**vars(self.memory), "total": self.memory.total},
            "engine": dict(self.engine),
            "seconds_per_epoch": self.epoch_seconds,
            "seconds_at_most": self.seconds,
        }

    def _face(self) -> Face:
        epoch, whole = time_text(self.epoch_seconds), time_text(self.seconds)
        facts = {
            "task": task_text(self.task, self.target_name),
            "rows": ", ".join(f"{n:,} {part}" for part, n in self.rows.items()),
            "network": str(self.network),
            "steps": f"{self.steps:,} per epoch, of {self.batch_size:,} examples",
            "engine": engine_text(self.engine),
            "memory": size(self.memory.total),
            "time": f"about {epoch} per epoch; all {self.epochs:,} epochs about {whole}",
        }
        return Face("Estimate", facts)

    def __repr__(self) -> str:
        return self._face().text()

    def _repr_html_(self) -> str:
        return self._face().html()


@documented(TrainOptions)
def estimate(
    data: Any,
    target: Any = None,
    *,
    validation: Any = None,
    test: Any = None,
    sample_weight: npt.ArrayLike | str | None = None,
    **options: Unpack[TrainOptions],
) -> Estimate:
    """Read, check and prepare all that a training with the same arguments would, and time a bit.

    Nothing is trained for keeps: for at most about half a second steps run on weights that are
    then thrown away, and a part of the validation examples is judged. The times are for this
    machine as busy as it is now; compiling and reading are not in them. Early stopping may end a
    training sooner.

    Parameters
    ----------
    data, target, validation, test, sample_weight : as in `train`.
    {options}

    >>> found = estimate("digits", hidden_layer_sizes=[16])
    >>> found.rows["train"], found.steps, found.network.n_parameters
    (1078, 34, 1210)

    Raises what `train` raises before its first step.
    """
    refuse_unknown("estimate", options, signature(estimate).parameters)
    recipe = Recipe.of(**pick(options, RecipeOptions))
    recipe.check_end()
    settings = RunSettings(**pick(options, RunOptions))
    parts = {"validation": validation, "test": test, "sample_weight": sample_weight}
    setup, batching = prepared(data, target, recipe, settings, options=options, **parts)
    return _timed(setup, settings, batching)


def _timed(setup: Setup, settings: RunSettings, batching: Batching) -> Estimate:
    recipe, part, net = setup.recipe, setup.parts["train"], setup.network
    learner = Learner.new(net, settings, initializer=recipe.initializer, seed=recipe.seed)
    entry = learner.entry(part, recipe, validation=setup.parts["validation"])
    plan = Trainer(learner.backend, net, [entry]).plan
    order, rates = epoch_order(len(part), recipe.seed, 1), np.zeros(plan.n_steps)
    step_seconds = []
    for first in range(0, plan.n_steps, PIECE):
        last = min(first + PIECE, plan.n_steps)
        start = time.perf_counter()
        plan.run_epoch(order, rates, last, first)  # at a rate of 0: the weights stay finite
        learner.backend.synchronize()
        step_seconds.append((time.perf_counter() - start) / (last - first))
        if sum(step_seconds) * PIECE > SECONDS:
            break
    # the first piece warms up; where it is all there is, it counts
    step = float(np.mean(step_seconds[1:] or step_seconds))
    judged = setup.parts["validation"]
    n = min(len(judged), JUDGED_ROWS)
    evaluation = EvaluationPlan(plan.backend, net, plan.parameters, batching.judged_rows)
    weights = None if judged.w is None else judged.w[:n]
    start = time.perf_counter()
    evaluation.evaluate(judged.X[:n], judged.Y[:n], weights)
    judging = (time.perf_counter() - start) * len(judged) / n
    return Estimate(
        task=setup.targets.task,
        target_name=setup.target_name,
        rows={name: len(part) for name, part in setup.parts.items()},
        network=net,
        batch_size=plan.batch_size,
        steps=plan.n_steps,
        epochs=recipe.epochs,
        memory=batching.needed,
        engine=plan.engine.to_json(),
        step_seconds=step,
        epoch_seconds=step * plan.n_steps + judging,
    )
