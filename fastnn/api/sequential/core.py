"""What lies behind a `Sequential`: network, weights, optimiser's state, and their training."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.api.sequential.compilation import Compilation, compilation
from fastnn.api.sequential.examples import examples, hold_out, pair, to_rows
from fastnn.api.sequential.fit_history import even
from fastnn.api.sequential.layers import Layer, Stack, stack
from fastnn.backend.backend import get_backend
from fastnn.backend.program import Array as DeviceArray
from fastnn.backend.random import check_seed
from fastnn.data.preprocess import Features
from fastnn.data.table import Table
from fastnn.errors import ArgumentError, DataError
from fastnn.model.model import Model
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.initializers import initializer_form
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters, check_dtype, initialize
from fastnn.preparation.examples import Examples
from fastnn.preparation.loss_weights import class_weights, loss_weights
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.table import ClassWeight
from fastnn.training.callbacks import CallbackLike
from fastnn.training.history import History
from fastnn.training.loop import Part, Trainer
from fastnn.training.metrics import score

Array = npt.NDArray[Any]


class Core:
    """The changing part of a `Sequential`; network and weights are made when first needed.

    >>> from fastnn.api.sequential.layers import Dense
    >>> core = Core("cpu", "auto", "float32", seed=0)
    >>> core.layers = (Dense(2, input_dim=3),)
    >>> core.built()[1].W[0].shape
    (2, 3)
    """

    def __init__(
        self,
        device: str,
        engine: str,
        dtype: str,
        seed: int,
        capture: str = "auto",
        precision: str = "full",
    ) -> None:
        self.backend = get_backend(device, engine, capture=capture, precision=precision)
        self.ways = engine, capture, precision  # as they were asked for
        self.dtype, self.seed = check_dtype(dtype).name, check_seed(seed)
        self.layers: tuple[Layer, ...] = ()
        self.arguments: dict[str, Any] = {}  # of compile
        self.compiled: Compilation | None = None
        self.network: Network | None = None
        self.parameters: Parameters | None = None
        self.features: Features | None = None  # from the first fit on
        self.history = History()
        self.options: Recipe | None = None  # of the last fit
        self.moments: tuple[dict[str, DeviceArray], int] | None = None  # optimiser's state, steps
        self._plan: EvaluationPlan | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Numbers on the host and no recorded programs: they would stay behind on the old memory.
        host, moments, weights = self.backend.host, None, None
        engine, capture, precision = self.ways
        if self.moments is not None:
            values, t = self.moments
            moments = {name: host(v) for name, v in values.items()}, t
        if self.network is not None and self.parameters is not None:
            weights = self.network.sizes[0], host(self.parameters.theta)
        return {
            "made": (self.backend.device, engine, self.dtype, self.seed, capture, precision),
            "layers": self.layers,
            "arguments": self.arguments,
            "weights": weights,
            "moments": moments,
            "kept": (self.features, self.history, self.options),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        Core.__init__(self, *state["made"])
        self.layers = state["layers"]
        if state["arguments"]:
            self.choose(**state["arguments"])
        if state["weights"] is not None:
            n_features, theta = state["weights"]
            self.backend.copy(self.backend.array(theta), self.built(n_features)[1].theta)
        if state["moments"] is not None:
            moments, t = state["moments"]
            self.moments = {name: self.backend.array(v) for name, v in moments.items()}, t
        self.features, self.history, self.options = state["kept"]

    @property
    def stack(self) -> Stack:
        """What the layers describe."""
        return stack(self.layers)

    @property
    def n_features(self) -> int | None:
        """The number of inputs, if it is known."""
        return self.stack.n_features if self.network is None else self.network.sizes[0]

    def choose(self, **arguments: Any) -> None:
        """Take over new choices: the weights stay, all else of former fits goes."""
        compiled = compilation(self.stack, **arguments)
        if self.network is not None:
            self.network = self.stack.network(self.network.sizes[0], compiled.cost)
        self.arguments, self.compiled, self.history = arguments, compiled, History()
        self.options = self.moments = self._plan = None

    def chosen(self, caller: str) -> Compilation:
        """Return the choices; raise ArgumentError naming ``caller`` if there are none yet."""
        if self.compiled is None:
            raise ArgumentError(
                f"{caller} needs a loss: call compile(loss=..., optimizer=...) before"
            )
        return self.compiled

    def built(self, n_features: int | None = None) -> tuple[Network, Parameters]:
        """Return network and weights, made on first use."""
        if self.network is None or self.parameters is None:
            found = self.stack
            n = n_features if found.n_features is None else found.n_features
            if n is None:
                raise ArgumentError(
                    "the number of inputs is not known yet: start the layers with "
                    "Input((n_features,)), or call fit first"
                )
            network = found.network(n, None if self.compiled is None else self.compiled.cost)
            self.parameters = Parameters(network, self.backend, self.dtype)
            initialize(
                network,
                self.parameters,
                self.backend,
                initializer=found.initializers,
                seed=self.seed,
            )
            self.network = network
        return self.network, self.parameters

    def evaluation(self, block: int, n_features: int) -> EvaluationPlan:
        """Return the plan that predicts ``block`` rows at a time."""
        network, parameters = self.built(n_features)
        if self._plan is None or self._plan.block != block:
            self._plan = EvaluationPlan(self.backend, network, parameters, block)
        return self._plan

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
        return examples(X, y, sample_weight, targets, chosen.cost, self.n_features, prefix)

    def parts(
        self, given: Examples, split: float, validation_data: Any
    ) -> tuple[Examples, Examples | None]:
        """Return the training part, and the validation part if there is one."""
        if validation_data is None:
            if split == 0 and not isinstance(split, bool):
                return given, None
            return hold_out(given, self.chosen("fit").task, split, self.seed)
        if split != 0:
            raise ArgumentError("validation_split has no effect with validation_data: leave it out")
        held = self.examples(*pair(validation_data), prefix="validation_data, ")
        if len(held.table.names) != len(given.table.names):
            raise DataError(
                f"validation_data, X has {len(held.table.names)} columns, X has "
                f"{len(given.table.names)}"
            )
        return given, held

    def part(
        self, given: Examples, features: Features, prefix: str = "", by_class: Array | None = None
    ) -> Part:
        """Return the rows for the network, with their weights and metrics."""
        chosen = self.chosen("fit")
        targets = chosen.targets(self.dtype)
        w = loss_weights(given.weights, by_class, targets, given.target)
        if w is not None and not w.any():
            raise DataError(f"{prefix}X: every row has the weight 0")
        judge = None
        if chosen.metrics:
            flat = None if given.weights is None else given.weights[:, 0]
            judge = partial(score, targets, Y=given.target, metrics=chosen.metrics, weights=flat)
        X = to_rows(features, given.table, f"{prefix}X")
        return Part(X, given.target, None if w is None else w.astype(self.dtype), judge)

    def train(
        self,
        train: Examples,
        held: Examples | None,
        class_weight: ClassWeight,
        options: Recipe,
        greater_is_better: bool,
        callbacks: Sequence[CallbackLike],
    ) -> History:
        """Train until ``options.epochs``, those of earlier calls included; return the history.

        The optimiser's state is kept for the next call, however this one ends.
        """
        chosen = self.chosen("fit")
        features = self.features or Features.fit(
            train.table, dtype=self.dtype, standardize=self.stack.normalize
        )
        by_class = class_weights(class_weight, chosen.targets(self.dtype), train.target)
        part = self.part(train, features, by_class=by_class)
        validation = None if held is None else self.part(held, features, "validation_data, ")
        network, parameters = self.built(features.n_features)
        trainer = Trainer(
            self.backend,
            network,
            parameters,
            part,
            options,
            validation=validation,
            greater_is_better=greater_is_better,
            training_metrics=bool(chosen.metrics),
        )
        if self.moments is not None:
            trainer.resume(self.history, *self.moments)
        self.features, self._plan, self.options = features, trainer.evaluation, options
        try:
            return trainer.run(callbacks)
        finally:
            self.history = trainer.history
            _, state, t = trainer.plan.snapshot()
            self.moments = state, t

    def model(self) -> Model:
        """Return a copy as a `Model`."""
        chosen = self.chosen("to_model")
        network, parameters = self.built()
        one_row = Table.from_columns({"x": np.zeros((1, network.sizes[0]))}, positional=True)
        options: dict[str, Any] = {}
        if self.options is not None:
            made = initializer_form(self.stack.initializers)
            options = {**self.options.to_json(), "initializer": made}
        model = Model(
            network,
            parameters,
            self.fitted(one_row),
            chosen.targets(self.dtype),
            even(self.history),
            options=options,
            backend=self.backend,
        )
        return model.to(self.backend)
