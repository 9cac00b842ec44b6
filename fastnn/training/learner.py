"""A network that learns: its numbers, and all that decides how its training goes on.

This is the one place where they are copied, pickled and brought back; `Learner.state` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fastnn.backend.protocols import Backend, copied
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import Moments
from fastnn.pickles import refused
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.training.callbacks import CallbackLike
from fastnn.training.course import Entry, Progress
from fastnn.training.history import History
from fastnn.training.loop import Trainer
from fastnn.training.part import Part
from fastnn.training.stopping import EarlyStopping

Array = npt.NDArray[Any]
L = TypeVar("L", bound="Learner")


class Learner:
    """A network with its parameters on a device, its history, and what its optimiser remembers.

    Several threads may predict with one learner.

    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.recipe import Recipe
    >>> learner = Learner.new(network([1, 1]), RunSettings(dtype="float64"), initializer="zeros")
    >>> part = Part(np.array([[1.0]]), np.array([[1.0]]))
    >>> options = Recipe.of(patience=None, optimizer="sgd", learning_rate=0.25, epochs=2)
    >>> [epoch.loss for epoch in learner.train(part, options).epochs]
    [0.5, 0.125]
    >>> learner.predict(np.array([[1.0]]))
    array([[0.75]])
    """

    def __init__(
        self,
        network: Network,
        parameters: Parameters,
        backend: Backend,
        settings: RunSettings | None = None,
        seed: int = 0,
        history: History | None = None,
    ) -> None:
        """``settings``: as they were asked for; ``backend``: the one that they led to."""
        self.network, self.parameters, self.backend = network, parameters, backend
        found = RunSettings.of(backend, parameters.dtype) if settings is None else settings
        self.settings, self.seed = found.on(backend), seed
        self.progress = Progress(History() if history is None else history)
        self._trainer: Trainer | None = None  # kept for the next part of as many examples
        self._judging: EvaluationPlan | None = None  # that of the last training
        self._plan = EvaluationPlan(backend, network, parameters)

    @classmethod
    def new(
        cls: type[L],
        network: Network,
        settings: RunSettings,
        *,
        initializer: object = None,
        seed: int = 0,
    ) -> L:
        """Return a learner with its first weights; ``initializer``: as `initialize` takes it."""
        backend = settings.backend()
        parameters = Parameters(network, backend, settings.dtype)
        initialize(network, parameters, backend, initializer=initializer, seed=seed)
        return cls(network, parameters, backend, settings, seed)

    @property
    def history(self) -> History:
        """The epochs so far."""
        return self.progress.history

    # Training

    def entry(self, train: Part, options: Recipe, **given: Any) -> Entry:
        """Return what takes part in a training of this network; ``given``: as `Entry` has them."""
        return Entry(self.parameters, options, train, progress=self.progress, **given)

    def train(
        self,
        train: Part,
        options: Recipe,
        *,
        validation: Part | None = None,
        greater_is_better: bool = False,
        training_metrics: bool = False,
        callbacks: Sequence[CallbackLike] = (),
        epochs: int | None = None,
        resume: bool = False,
        again: bool = False,
    ) -> History:
        """Train until there are ``options.epochs``, those of earlier calls included.

        What the optimiser remembers goes on, if it is the same optimiser. ``epochs``: so many more
        instead. ``resume``: also go on watching for the best epoch, as a training does that was
        pickled while it ran. ``again``: the next call has as many examples and the same options,
        so that the trainer is kept.

        Raises DivergenceError when the loss is no longer a number, with the weights put back to
        the last good epoch; TrainingInterrupted on Ctrl-C.
        """
        if not resume:
            self.progress.stopping, self.progress.rate_factor = None, 1.0
        trainer = self._kept(train, options) if again else None
        if trainer is None:
            self._trainer = None  # before there is another one
            if again:  # its arrays must be its own; and so the engine is chosen
                w = None if train.w is None else train.w.copy()
                train = Part(train.X.copy(), train.Y.copy(), w, train.score)
                options = replace(options, epochs=1)
            entry = self.entry(
                train, options, validation=validation, greater_is_better=greater_is_better,
                training_metrics=training_metrics,
            )  # fmt: skip
            trainer = Trainer(self.backend, self.network, [entry])
        entry = trainer.entries[0]
        entry.validation, entry.callbacks = validation, callbacks
        if epochs is not None:
            trainer.extend(len(self.history.epochs) + epochs)
        self._judging, self._trainer = trainer.evaluation, trainer if again else None
        trainer.run()
        if entry.error is not None:
            raise entry.error
        return self.history

    def _kept(self, train: Part, options: Recipe) -> Trainer | None:
        """Return the trainer of the last call, with the new examples, if they are of its form."""
        kept = self._trainer
        if kept is None:
            return None
        data, before = kept.plan.data, kept.entries[0].options
        pairs = [(data.X, train.X), (data.Y, train.Y), (data.w, train.w)]
        shapes = [[None if v is None else v.shape for v in pair] for pair in pairs]
        if any(a != b for a, b in shapes) or before != replace(options, epochs=before.epochs):
            return None
        for into, values in pairs:
            if into is not None:
                self.backend.copy(np.asarray(values, into.dtype), into)
        return kept

    def change(self, network: Network) -> None:
        """Go on with another network of the same shape (another dropout, another loss)."""
        self.network, self._trainer, self._judging = network, None, None
        self._plan = EvaluationPlan(self.backend, network, self.parameters)

    def keep(self: L) -> L:
        """Return what `go_back` needs to undo a training: a copy."""
        history = replace(self.history, epochs=list(self.history.epochs))
        return self.from_state(*self.state(), history)

    def go_back(self, kept: Learner) -> None:
        """Undo what was trained since `keep`."""
        self.backend.copy(kept.parameters.theta, self.parameters.theta)
        self.progress, self._trainer = kept.progress, None

    # Predictions

    def predict(self, rows: Array) -> Array:
        """Return the outputs ``A[L]`` for rows (N, n_0): (N, K)."""
        return self._plan.predict(rows)

    def evaluate(self, part: Part) -> tuple[Array, float]:
        """Return the outputs and the mean loss on a part, as they were judged in training."""
        plan = self._plan if self._judging is None else self._judging
        return plan.evaluate(part.X, part.Y, part.w)

    @property
    def engine(self) -> Mapping[str, Any] | None:
        """What ran the predictions, as `History.engine` says it of the steps; None before any."""
        choice = self._plan.engine
        return None if choice is None else choice.to_json()

    def evaluation(self, block: int) -> EvaluationPlan:
        """Return the plan that predicts ``block`` rows at a time."""
        plan = self._plan
        if plan.block != block:
            plan = EvaluationPlan(self.backend, self.network, self.parameters, block)
            self._plan = plan
        return plan

    def weights(self) -> dict[str, Array]:
        """Return "W1" (n_1, n_0), "b1" (n_1, 1) and so on, on the host."""
        return self.parameters.layout.named_views(self.backend.host(self.parameters.theta))

    # Copies

    def trained(self) -> Learner:
        """Return the same network, with the same memory, without what only training needs."""
        return Learner(
            self.network, self.parameters, self.backend, self.settings, self.seed, self.history
        )

    def copy_to(self, backend: Backend, settings: RunSettings | None = None) -> Learner:
        """Return a copy of network, parameters and history on a backend."""
        parameters = Parameters(self.network, backend, self.parameters.dtype)
        theta = self.backend.host(self.parameters.theta)
        backend.copy(backend.array(theta), parameters.theta)
        return Learner(self.network, parameters, backend, settings, self.seed, self.history)

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return all that decides the numbers to come: as JSON, and as arrays on the host.

        What the arrays share memory with is used further: write them, or copy them. Between two
        epochs of a training, in a callback, they are what it needs to be resumed.

        >>> from fastnn.nn.network import network
        >>> document, arrays = Learner.new(network([2, 1]), RunSettings()).state()
        >>> document["seed"], list(arrays)
        (0, ['theta'])
        """
        host, moments, stopping = self.backend.host, self.progress.moments, self.progress.stopping
        arrays = {"theta": host(self.parameters.theta)}
        document: dict[str, Any] = {
            "network": self.network.to_json(),
            "settings": asdict(self.settings),
            "seed": self.seed,
            "history": self.history.even().to_json(),
            "rate_factor": self.progress.rate_factor,
            "moments": None,
            "stopping": None,
        }
        if moments is not None:
            document["moments"] = {"optimizer": moments.optimizer, "t": int(moments.t)}
            arrays |= {f"moments.{name}": host(v) for name, v in moments.state.items()}
        if stopping is not None:
            best = repr(float(stopping.best))  # JSON has no NaN
            document["stopping"] = {**vars(stopping), "best": best, "best_weights": None}
            if stopping.best_weights is not None:
                arrays["best"] = host(stopping.best_weights)
        return document, arrays

    @classmethod
    def from_state(
        cls: type[L],
        document: Mapping[str, Any],
        arrays: Mapping[str, Array],
        history: History | None = None,
    ) -> L:
        """Return the learner of `state`, on the device that it was on.

        ``history``: instead of the document's, which has no times.

        >>> from fastnn.nn.network import network
        >>> learner = Learner.new(network([2, 1]), RunSettings(), seed=3)
        >>> Learner.from_state(*learner.state()).seed
        3
        """
        settings, seed = RunSettings(**document["settings"]), document["seed"]
        backend, network = settings.backend(), Network.from_json(document["network"])
        parameters = Parameters(network, backend, settings.dtype)
        backend.copy(backend.array(arrays["theta"]), parameters.theta)
        found = History.from_json(document["history"]) if history is None else history
        made = cls(network, parameters, backend, settings, seed, found)

        def own(name: str) -> Any:
            return copied(backend, backend.array(arrays[name]))

        progress, moments, stopping = made.progress, document["moments"], document["stopping"]
        progress.rate_factor = document["rate_factor"]
        if moments is not None:
            names = [name for name in arrays if name.startswith("moments.")]
            state = {name.removeprefix("moments."): own(name) for name in names}
            progress.moments = Moments(moments["optimizer"], state, moments["t"])
        if stopping is not None:
            weights = own("best") if "best" in arrays else None
            best = float(stopping["best"])
            progress.stopping = EarlyStopping(**{**stopping, "best": best, "best_weights": weights})
        return made

    def __setstate__(self, state: object) -> None:
        # Pickles of today have none: an earlier fastnn pickled the object as it was.
        raise refused(type(self).__name__)

    def __reduce__(self) -> Any:
        # Numbers on the host, no functions, no recorded programs: those would stay behind on the
        # memory of another learner. The history as it is: JSON leaves the times out.
        return type(self).from_state, (*self.state(), self.history)
