"""A training that is looked at: before the first epoch, after some, and at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fastnn.diagnosis.baseline import constant_loss, hits
from fastnn.diagnosis.course import CHANCE, OVERCONFIDENT, at_chance, judge_history
from fastnn.diagnosis.diagnosis import Diagnosis
from fastnn.diagnosis.findings import AT_THE_END, BEFORE, Case, Finding, merged
from fastnn.diagnosis.layers import Look, look, sample, weight_statistics
from fastnn.diagnosis.rules import judge, judge_scales
from fastnn.errors import DivergenceError, arg
from fastnn.recipe.checks import flag
from fastnn.recipe.recipe import Recipe
from fastnn.training.callbacks import TrainingState
from fastnn.training.learner import Learner
from fastnn.training.part import Part

#: What a door may be told: whether to look, or what is called with each finding.
Wish = bool | Callable[[Finding], object]


def wanted(doctor: Wish) -> bool:
    """Return whether a training is to be looked at; raise ArgumentError for what is no wish.

    >>> wanted(True), wanted(print), wanted(False)
    (True, True, False)
    """
    return callable(doctor) or flag("doctor", doctor)


def examine(learner: Learner, part: Part, case: Case) -> Diagnosis:
    """Look once at a trained network on some examples, and at its history.

    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.run_settings import RunSettings
    >>> net, X = network([1, 2, 1], activation="tanh"), np.linspace(-1, 1, 30)[:, None]
    >>> learner = Learner.new(net, RunSettings(), initializer="zero")
    >>> print(examine(learner, Part(X, X), Case(net)))
    zero initialisation: the 2 units of layer 1 have equal weights, and so learn the same; try ...
    loss at chance: the loss is 0.1782, that of a constant prediction 0.1782; mend the above first
    """
    part = sample(part)
    seen, constant = look(learner, part), constant_loss(case.network, part)
    found = [*judge_scales(part, case), *judge(seen, case), *judge_history(learner.history, case)]
    right, history = hits(learner, part), learner.history
    found += at_chance(seen.loss, constant, "the loss", case, history, right)
    return Diagnosis(_concluded(found, looked=True), (seen,))


def weigh(learner: Learner, case: Case) -> Diagnosis:
    """Look at the weights alone: a look on no examples, and what of the findings they tell.

    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.run_settings import RunSettings
    >>> net = network([1, 2, 1])
    >>> print(weigh(Learner.new(net, RunSettings(), initializer="zero"), Case(net)))
    zero initialisation: the 2 units of layer 1 have equal weights, and so learn the same; try ...
    """
    seen = Look("", 0, np.nan, weight_statistics(learner))
    return Diagnosis(merged(judge(seen, case)), (seen,))


def findings_of_training(
    learner: Learner,
    train: Part,
    validation: Part | None,
    case: Case,
    looked: Sequence[Finding] | None = None,
) -> tuple[Finding, ...]:
    """Return what is wrong as far as it costs nothing to find: no gradient is computed.

    ``looked``: what looks at the layers have found, if there were any.

    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.run_settings import RunSettings
    >>> net, part = network([1, 2, 1]), Part(np.array([[30.0], [40.0]]), np.array([[0.0], [1.0]]))
    >>> learner = Learner.new(net, RunSettings())
    >>> print(*findings_of_training(learner, part, None, Case(net, columns=["x"])))
    unscaled inputs: the root mean square of column 'x' is 35.4, not about 1; do without ...
    """
    found = [*(looked or ()), *judge_scales(train, case)]
    if case.chose_weights:
        found += weigh(learner, case).findings
    constant = right = None
    if validation is not None:
        constant, right = constant_loss(case.network, validation), hits(learner, validation)
    found += judge_history(learner.history, case, constant, right)
    return _concluded(found, looked is not None)


def _concluded(found: Sequence[Finding], looked: bool) -> tuple[Finding, ...]:
    """Each finding once; a loss like a constant's is what the others led to, if there are any."""
    every = merged(found)
    if not every or every[-1].name not in (CHANCE, OVERCONFIDENT):
        return every
    *others, last = every
    cure = last.marked_cure
    if others:
        cure = "mend the above first"
    elif not looked:
        cure += f", or look at the layers: {arg('doctor', True)}"
    return (*others, replace(last, marked_cure=cure))


@dataclass
class Doctor:
    """A callback that looks at the layers before training, after 1, 2, 4, ... epochs, at the end.

    ``recipe``: how the learner is trained, on ``train``; ``tell`` is called with each finding when
    it is first met. The training is not changed by it: a look takes copies.
    """

    learner: Learner
    train: Part
    recipe: Recipe
    case: Case
    tell: Callable[[Finding], object] | None = None
    looks: list[Look] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)

    def begin(self, state: TrainingState) -> None:
        """Look before the first epoch."""
        if not state.history.epochs:
            self._met(judge_scales(self.train, self.case))
            self._look(BEFORE)

    def epoch_end(self, state: TrainingState) -> None:
        """Look after epoch 1, 2, 4, 8 and so on."""
        n = state.epoch.epoch
        if n & (n - 1) == 0:
            self._look(f"after epoch {n}")

    def end(self, state: TrainingState) -> None:
        """Look at what the model keeps."""
        self._look(AT_THE_END)

    def _look(self, when: str) -> None:
        updates = step_updates(self.learner, self.train, self.recipe)
        self.looks.append(look(self.learner, self.train, when, updates))
        self._met(judge(self.looks[-1], self.case))

    def _met(self, found: list[Finding]) -> None:
        known = {finding.name for finding in self.found}
        self.found += found
        if self.tell is not None:
            for finding in found:
                if finding.name not in known:
                    self.tell(finding)

    def diagnosis(self, validation: Part | None) -> Diagnosis:
        """Return what was found until now, with what the learning curve tells."""
        looked = self.found if self.looks else None
        found = findings_of_training(self.learner, self.train, validation, self.case, looked)
        return Diagnosis(found, tuple(self.looks))


def step_updates(learner: Learner, part: Part, recipe: Recipe) -> list[float]:
    """Return ``||step|| / ||W||`` of each layer: by how much a step on some examples changes it.

    A copy of the learner takes the step, with what its optimiser remembers and the learning rate
    of the epoch to come, on a mini-batch. A step that diverges is nan, as is that of weights 0.

    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.run_settings import RunSettings
    >>> learner = Learner.new(network([1, 1]), RunSettings(dtype="float64"))
    >>> learner.parameters.W[0][:] = 2.0
    >>> sgd = Recipe.of(optimizer="sgd", learning_rate=0.1)
    >>> step_updates(learner, Part(np.array([[3.0]]), np.array([[1.0]])), sgd)  # 0.1 * 5 * 3 / 2
    [0.75]
    """
    few = sample(part, recipe.batch_size_for(len(part)))
    more = max(recipe.epochs, len(learner.history.epochs) + 1)
    once = replace(
        recipe, patience=None, tolerance=None, batch_size=len(few), micro_batch_size="auto",
        epochs=more,
    )  # fmt: skip
    copy, L = learner.keep(), range(1, learner.network.n_layers + 1)
    before = {name: np.array(v, np.float64) for name, v in copy.weights().items()}
    with np.errstate(all="ignore"):
        try:
            copy.train(few, once, callbacks=[_stop])
        except DivergenceError:
            return [np.nan for _ in L]
        after = copy.weights()
        steps = [np.linalg.norm(after[f"W{l}"] - before[f"W{l}"]) for l in L]
        return [float(s / np.linalg.norm(before[f"W{l}"])) for l, s in zip(L, steps, strict=True)]


def _stop(state: TrainingState) -> None:
    state.stop = True
