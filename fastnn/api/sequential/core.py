"""What lies behind a `Sequential`: its layers, the learner that they describe, and its training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.api.sequential.compilation import Compilation, compilation
from fastnn.api.sequential.examples import examples, flattened, hold_out, pair
from fastnn.api.sequential.layers import Layer, Stack, stack
from fastnn.backend.random import check_seed
from fastnn.data.preprocess import Features
from fastnn.data.table import Table
from fastnn.diagnosis.doctor import Doctor
from fastnn.diagnosis.findings import SEQUENTIAL, Case, Finding
from fastnn.errors import ArgumentError, DataError, arg, lacking
from fastnn.faces import Curve
from fastnn.model.model import Model
from fastnn.nn.initializers import initializer_form
from fastnn.pickles import check_pickle
from fastnn.preparation.examples import Examples
from fastnn.preparation.loss_weights import class_weights
from fastnn.preparation.preparation import Preparation
from fastnn.recipe.checks import share
from fastnn.recipe.forms import written
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.recipe.table import ClassWeight
from fastnn.training.callbacks import CallbackLike
from fastnn.training.course import Progress
from fastnn.training.history import History
from fastnn.training.learner import Learner
from fastnn.training.part import Part

Array = npt.NDArray[Any]


class Core:
    """The changing part of a `Sequential`; network and weights are made when first needed.

    >>> from fastnn.api.sequential.layers import Dense
    >>> core = Core(RunSettings(), seed=0)
    >>> core.layers = (Dense(2, input_dim=3),)
    >>> core.built().parameters.W[0].shape
    (2, 3)
    """

    def __init__(self, settings: RunSettings, seed: int) -> None:
        self.backend, self.seed = settings.backend(), check_seed(seed)
        self.settings = settings.on(self.backend)
        self.layers: tuple[Layer, ...] = ()
        self.arguments: dict[str, Any] = {}  # of compile
        self.compiled: Compilation | None = None
        self.learner: Learner | None = None
        self.features: Features | None = None  # from the first fit on
        self.options: Recipe | None = None  # of the last fit

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"backend": None, "compiled": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        check_pickle("Sequential", state, ["settings", "seed", "layers", "arguments"])
        vars(self).update({"learner": None, "features": None, "options": None, **state})
        self.backend = self.settings.backend()
        if self.arguments:
            self.compiled = compilation(self.stack, **self.arguments)

    @property
    def stack(self) -> Stack:
        """What the layers describe."""
        return stack(self.layers)

    @property
    def dtype(self) -> str:
        """The float type of the numbers."""
        return self.settings.dtype

    @property
    def n_features(self) -> int | None:
        """The number of inputs, if it is known."""
        return self.stack.n_features if self.learner is None else self.learner.network.sizes[0]

    @property
    def history(self) -> History:
        """The epochs since `choose`."""
        return History() if self.learner is None else self.learner.history

    def choose(self, **arguments: Any) -> None:
        """Take over new choices: the weights stay, all else of former fits goes."""
        compiled = compilation(self.stack, **arguments)
        if self.learner is not None:
            n_features = self.learner.network.sizes[0]
            self.learner.change(self.stack.network(n_features, compiled.cost))
            self.learner.progress = Progress()
        self.arguments, self.compiled, self.options = arguments, compiled, None

    def chosen(self, caller: str) -> Compilation:
        """Return the choices; raise ArgumentError naming ``caller`` if there are none yet."""
        if self.compiled is None:
            raise ArgumentError(
                f"{caller} needs a loss: call compile(loss=..., optimizer=...) before"
            )
        return self.compiled

    def built(self, n_features: int | None = None) -> Learner:
        """Return the network with its weights, made on first use."""
        if self.learner is None:
            found = self.stack
            n = n_features if found.n_features is None else found.n_features
            if n is None:
                raise ArgumentError(
                    "the number of inputs is not known yet: start the layers with "
                    "Input((n_features,)), or call fit first"
                )
            network = found.network(n, None if self.compiled is None else self.compiled.cost)
            self.learner = Learner.new(
                network, self.settings, initializer=found.initializers, seed=self.seed
            )
        return self.learner

    @property
    def known(self) -> tuple[str, ...]:
        """The columns of earlier fits, if they had names."""
        named = self.features is not None and not self.features.positional
        return self.features.columns if named and self.features is not None else ()

    def fitted(self, table: Table) -> Features:
        """Return what turns tables into rows: plain numbers, unless there is Normalization."""
        if self.features is not None:
            return self.features
        if self.stack.normalize:
            raise ArgumentError("Normalization has not seen any data yet: call fit first")
        return Features.fit(table, dtype=self.dtype, standardize=False)

    def examples(self, X: Any, y: Any, sample_weight: Any, prefix: str = "") -> Examples:
        """Return checked examples of X and y."""
        chosen = self.chosen("fit")
        targets = chosen.targets(self.dtype)
        X = flattened(X, self.stack, f"{prefix}{arg('X')}")
        return examples(X, y, sample_weight, targets, self.n_features, prefix, self.known)

    def parts(
        self, given: Examples, split: float, validation_data: Any
    ) -> tuple[Examples, Examples | None]:
        """Return the training part, and the validation part if there is one."""
        split = share("validation_split", split)
        if validation_data is None:
            return hold_out(given, self.chosen("fit").task, split, self.seed)
        if split:
            raise ArgumentError(
                f"{arg('validation_split')} has no effect with {arg('validation_data')}: leave it "
                "out"
            )
        held = self.examples(*pair(validation_data), prefix=f"{arg('validation_data')}, ")
        if len(held.table.names) != len(given.table.names):
            raise DataError(
                f"{arg('validation_data')}, X has {len(held.table.names)} columns, X has "
                f"{len(given.table.names)}"
            )
        return given, held

    def preparation(self, features: Features) -> Preparation:
        """Return how examples become arrays, in the words of X and y."""
        chosen = self.chosen("fit")
        return Preparation(
            features, chosen.targets(self.dtype), chosen.cost, (f"{arg('X')}: ", f"{arg('y')}: ")
        )

    def part(
        self,
        given: Examples,
        features: Features,
        prefix: str = "",
        class_weight: ClassWeight = None,
    ) -> Part:
        """Return the rows for the network, with their weights and metrics.

        The weights are not scaled: a cost is ``1/m sum_i w_i L_i``, as in Keras.
        """
        prepared = self.preparation(features)
        arrays = prepared.rows(given, prefix), prepared.target(given, prefix)
        by_class = class_weights(class_weight, prepared.targets, arrays[1])
        metrics = self.chosen("fit").metrics
        return prepared.part(
            given, prefix, arrays=arrays, by_class=by_class, metrics=metrics, scaled=False
        )

    def ready(
        self, train: Examples, held: Examples | None, class_weight: ClassWeight
    ) -> tuple[Features, Part, Part | None]:
        """Return what turns tables into rows, and the rows of the training and validation part."""
        features = self.features or Features.fit(
            train.table, dtype=self.dtype, standardize=self.stack.normalize
        )
        part = self.part(train, features, class_weight=class_weight)
        validation = (
            None if held is None else self.part(held, features, f"{arg('validation_data')}, ")
        )
        return features, part, validation

    def doctor(
        self,
        features: Features,
        part: Part,
        options: Recipe,
        tell: Callable[[Finding], object] | None,
    ) -> Doctor:
        """Return what looks at the layers while `train` trains on the part."""
        learner, targets = self.built(features.n_features), self.chosen("fit").targets(self.dtype)
        case = Case.of(learner.network, self._kept(options), features, targets, SEQUENTIAL)
        return Doctor(learner, part, options, case, tell)

    def train(
        self,
        features: Features,
        part: Part,
        validation: Part | None,
        options: Recipe,
        greater_is_better: bool,
        callbacks: Sequence[CallbackLike],
    ) -> History:
        """Train until ``options.epochs``, those of earlier calls included; return the history.

        The optimiser's state is kept for the next call, however this one ends.
        """
        chosen = self.chosen("fit")
        learner = self.built(features.n_features)
        before, history = (self.features, self.options), learner.history
        self.features, self.options = features, options
        try:
            with lacking("find_learning_rate"):
                return learner.train(
                    part,
                    options,
                    validation=validation,
                    greater_is_better=greater_is_better,
                    training_metrics=bool(chosen.metrics),
                    callbacks=callbacks,
                )
        finally:
            if learner.history is history:  # it could not begin
                self.features, self.options = before

    def facts(self) -> dict[str, str | Curve]:
        """Return in words what was chosen, and how the training went."""
        facts: dict[str, str | Curve] = {"compiled": "not yet"}
        if self.compiled is not None:
            recipe = Recipe.of(**self.compiled.settings).to_json()
            facts = {
                "loss function": _given(self.arguments["loss"]),
                "optimizer": f"{_given(self.arguments['optimizer'])}, "
                f"learning rate {recipe['learning_rate']:g}",
            }
            if self.compiled.keys:
                facts["metrics"] = ", ".join(self.compiled.keys.values())
        return {**facts, **self.history.facts()} if self.history.epochs else facts

    def model(self) -> Model:
        """Return a copy as a `Model`."""
        chosen = self.chosen("a model of a Sequential")
        learner = self.built()
        one_row = Table.from_columns({"x": np.zeros((1, self.n_features or 0))}, positional=True)
        options = {} if self.options is None else self._kept(self.options)
        twin = learner.copy_to(self.backend, self.settings)
        twin.progress.history = learner.history.even()
        return Model(twin, self.fitted(one_row), chosen.targets(self.dtype), options=options)

    def _kept(self, options: Recipe) -> dict[str, Any]:
        """What a model file keeps of the choices of a fit."""
        return {**options.to_json(), "initializer": initializer_form(self.stack.initializers)}


def _given(choice: object) -> str:
    """A choice as the user wrote it, or by its name."""
    if isinstance(choice, (str, Mapping)):
        return written(choice)
    return str(getattr(choice, "name", "custom"))
