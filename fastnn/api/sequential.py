"""A Keras-like model over the one training loop: compile, fit, evaluate, predict (N31)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.api.compilation import Compilation, compilation
from fastnn.api.examples import examples, hold_out, pair, read_inputs, to_rows
from fastnn.api.fit_history import FitHistory, even, fit_history
from fastnn.api.keywords import one_of, refuse_unknown
from fastnn.api.layers import Layer, stack
from fastnn.api.weights import kernels, network_weights, summary_lines
from fastnn.backend.backend import get_backend
from fastnn.backend.program import Array as DeviceArray
from fastnn.backend.random import check_seed
from fastnn.data.preprocess import Features
from fastnn.data.table import Table
from fastnn.errors import ArgumentError, DataError
from fastnn.model.choices import initializer_form
from fastnn.model.examples import Examples
from fastnn.model.model import Model, score
from fastnn.model.weights import ClassWeight, class_weights, loss_weights
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters, check_dtype, initialize
from fastnn.training.callbacks import CallbackLike, ProgressReport, TrainingState, describe
from fastnn.training.history import History
from fastnn.training.loop import Part, Trainer, TrainingInterrupted
from fastnn.training.options import TrainingOptions, whole

Array = npt.NDArray[Any]


def _line(state: TrainingState) -> None:
    epoch = state.epoch
    print(f"epoch {epoch.epoch}/{state.n_epochs}  {describe(epoch)}", file=sys.stderr, flush=True)


_VERBOSE: dict[Any, Callable[[], list[CallbackLike]]] = {
    0: list,
    1: lambda: [ProgressReport()],
    2: lambda: [_line],
}


class Sequential:
    """A network as a list of layers, used as in Keras; the kernels are those of `fastnn.train`.

    X goes in as it is. Networks learn badly from columns of different scales: start the layers
    with `Normalization()` (N19), or standardise with the training part's mean and deviation
    before. For text, gaps and automatic choices there is `fastnn.train`.

    Parameters
    ----------
    layers : `Input` and `Normalization` (both optional), then `Dense`, `Activation`, `Dropout`.
    device : "cpu", "cuda", "cuda:N" or "auto". dtype : "float32" or "float64".
    seed : of weights, order of the examples, dropout and validation split.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = (X[:, 0] > X[:, 1]).astype(int)
    >>> model = Sequential([Dense(8, activation="relu"), Dense(1, activation="sigmoid")])
    >>> model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    >>> history = model.fit(X, y, epochs=5)
    >>> list(history.history), len(history.history["loss"])
    (['loss', 'accuracy'], 5)
    >>> model.predict(X[:3]).shape
    (3, 1)

    Raises ArgumentError or DeviceError naming what cannot work.
    """

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        *,
        device: str = "cpu",
        dtype: str = "float32",
        seed: int = 0,
        **unknown: Any,
    ) -> None:
        refuse_unknown("Sequential", Sequential.__init__, unknown)
        if not isinstance(layers, (list, tuple)):
            raise ArgumentError(f"layers must be a list of layers, found {layers!r}")
        self._backend = get_backend(device)
        self._dtype, self._seed = check_dtype(dtype).name, check_seed(seed)
        self._layers: tuple[Layer, ...] = ()
        self._arguments: dict[str, Any] = {}  # of compile
        self._compiled: Compilation | None = None
        self._network: Network | None = None
        self._parameters: Parameters | None = None
        self._features: Features | None = None
        self._history, self._options = History(), None  # type: History, TrainingOptions | None
        self._moments: tuple[dict[str, DeviceArray], int] | None = None  # of the optimiser
        self._plan: EvaluationPlan | None = None
        for layer in layers:
            self.add(layer)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers as they were given."""
        return self._layers

    @property
    def device(self) -> str:
        """Where it computes: ``"cpu"`` or ``"cuda:N"``."""
        return self._backend.device

    def add(self, layer: Layer) -> None:
        """Put a layer on top; raises ArgumentError if it cannot be there, or after `compile`.

        >>> model = Sequential()
        >>> model.add(Dense(3))
        >>> model.layers[0].units
        3
        """
        if self._compiled is not None or self._parameters is not None:
            raise ArgumentError("add: the layers are in use already; make a new Sequential")
        layers = (*self._layers, layer)
        stack(layers)
        self._layers = layers

    def compile(
        self,
        loss: object,
        optimizer: object = "adam",
        metrics: Sequence[object] | None = (),
        *,
        learning_rate: float | None = None,
        schedule: object = "constant",
        l2: float = 0.0,
        l1: float = 0.0,
        gradient_clip: float | None = None,
        **unknown: Any,
    ) -> None:
        """Choose loss, optimiser and metrics. Weights stay; optimiser and history start anew.

        Parameters
        ----------
        loss : a name, "name(option=value)", a dict or an expression. The names are fastnn's, with
            its definitions: "mse" is ``1/2 (a - y)^2`` summed over the outputs (Keras: the mean
            of ``(a - y)^2``). "categorical_crossentropy" and "sparse_categorical_crossentropy"
            are one loss, for one-hot rows and for class indices.
        optimizer : "sgd" (no momentum), "momentum", "nesterov", "rmsprop", "adam", "adamw"; with
            options "adam(beta1=0.95)" or ``{"name": "adam", "beta1": 0.95}``. The momentum is
            ``V = beta V + (1 - beta) dW`` (N28); Keras' has no ``(1 - beta)``, so that its
            learning rate r is ``r / (1 - beta)`` here. Defaults are fastnn's: a learning rate of
            0.1 for sgd, momentum and nesterov (Keras 0.01), epsilon 1e-8 (Keras 1e-7).
        metrics : names as `fastnn.train` takes them. "accuracy" of several 0/1 outputs is the
            share of examples with every label right.
        learning_rate : None takes the optimiser's default.
        schedule, l2, l1, gradient_clip : as `fastnn.train` takes them.

        >>> Sequential([Dense(1)]).compile(loss="mse", optimizer="adm")
        Traceback (most recent call last):
        fastnn.errors.ArgumentError: unknown optimizer 'adm'; did you mean 'adam'? (known: ...

        Raises ArgumentError for unknown names, and for a loss that does not fit the last layer.
        """
        refuse_unknown("compile", Sequential.compile, unknown)
        given = {
            "optimizer": optimizer,
            "metrics": () if metrics is None else metrics,
            "learning_rate": learning_rate,
            "schedule": schedule,
            "l2": l2,
            "l1": l1,
            "gradient_clip": gradient_clip,
        }
        found = stack(self._layers)
        chosen = compilation(found, loss, **given)
        if self._network is not None:
            self._network = found.network(self._network.sizes[0], chosen.cost)
        self._compiled, self._arguments = chosen, {"loss": loss, **given}
        self._history, self._options, self._moments, self._plan = History(), None, None, None

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        epochs: int = 1,
        batch_size: int | str | None = 32,
        validation_split: float = 0.0,
        validation_data: Any = None,
        class_weight: ClassWeight = None,
        sample_weight: npt.ArrayLike | None = None,
        callbacks: Sequence[CallbackLike] = (),
        verbose: int | bool = 0,
        shuffle: bool = True,
        patience: int | None = None,
        monitor: str | None = None,
        min_delta: float = 0.0,
        **unknown: Any,
    ) -> FitHistory:
        """Train for ``epochs`` more epochs; return them under Keras' keys.

        Called again it goes on: with the same data, fit for 2 epochs twice is fit for 4. Weights,
        the optimiser's state and the epochs' numbers go on, and so do order and dropout.

        Parameters
        ----------
        X : (N, n_features) numbers: an array, a data frame, a dict of columns.
        y : 0 and 1, (N,) or (N, K); class indices from 0, (N,), or one-hot (N, K); or numbers.
        batch_size : examples per step, "full", or "auto" (N27).
        validation_split : this share is held out, shuffled and for classes stratified (Keras
            takes the last rows as they are). The same data and seed give the same split.
        validation_data : (X, y) or (X, y, sample_weight) instead.
        class_weight : "balanced" or class to weight (a list for several 0/1 outputs), in training
            only; sample_weight : one per row, in the loss and the metrics. Neither is scaled to
            mean 1: the cost is ``1/m sum_i w_i L_i``, as in Keras.
        callbacks : functions of the training state, or objects as `fastnn.train` takes them.
        verbose : 0 nothing, 1 a progress bar or lines, 2 a line per epoch; on standard error.
        patience : stop after so many epochs in which ``monitor`` ("val_loss", or "val_" and a
            metric) did not get better by more than ``min_delta``, with the weights of the best
            epoch put back (Keras leaves the last ones). A later fit goes on from those weights,
            with the optimiser's state of the last epoch.

        "loss" is the mean over the epoch's batches, penalties included, "val_loss" is without
        them. Metrics of the training part are computed after each epoch, without dropout (Keras:
        during the epoch), and only if `compile` asked for metrics.

        Raises ArgumentError and DataError naming what cannot work; DivergenceError if the loss is
        no longer a number; TrainingInterrupted on Ctrl-C. The model can be used after each.
        """
        refuse_unknown("fit", Sequential.fit, unknown)
        chosen = self._chosen("fit")
        if not isinstance(callbacks, (list, tuple)):
            raise ArgumentError(f"callbacks must be a list, found {callbacks!r}")
        watchers = [*callbacks, *one_of("verbose", verbose, _VERBOSE)()]
        done = len(self._history.epochs)
        options, greater_is_better = chosen.options(
            monitor, epochs=done + whole("epochs", epochs), batch_size=batch_size,
            patience=patience, min_delta=min_delta, shuffle=shuffle, seed=self._seed,
        )  # fmt: skip
        _check_schedule(options, done)
        if patience is not None and not validation_split and validation_data is None:
            raise ArgumentError("patience needs validation_split or validation_data to watch")
        train, held = self._parts(X, y, sample_weight, validation_split, validation_data)
        features = self._features or Features.fit(
            train.table, dtype=self._dtype, standardize=stack(self._layers).normalize
        )
        by_class = class_weights(class_weight, chosen.targets(self._dtype), train.target)
        part = self._part(train, features, "X", by_class)
        validation = None if held is None else self._part(held, features, "validation_data, X")
        network, parameters = self._built(features.n_features)
        trainer = Trainer(
            self._backend, network, parameters, part, options,
            validation=validation, greater_is_better=greater_is_better,
            training_metrics=bool(chosen.metrics),
        )  # fmt: skip
        if self._moments is not None:
            trainer.resume(self._history, *self._moments)
        self._features, self._plan, self._options = features, trainer.evaluation, options
        try:
            trainer.run(watchers)
        except TrainingInterrupted as interrupted:
            interrupted.result = self
            raise
        finally:
            self._history = trainer.history
            _, *moments = trainer.plan.snapshot()
            self._moments = (moments[0], moments[1])
        return fit_history(trainer.history.epochs[done:], chosen.keys, trainer.history.stopped)
