"""A Keras-like model over the one training loop: compile, fit, evaluate, predict (N31)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt

from fastnn.api.sequential.core import Core
from fastnn.api.sequential.examples import read_inputs, to_rows
from fastnn.api.sequential.fit_history import FitHistory, fit_history
from fastnn.api.sequential.keras_weights import kernels, network_weights, summary_lines
from fastnn.api.sequential.keywords import one_of, refuse_unknown
from fastnn.api.sequential.layers import Layer, stack
from fastnn.api.sequential.progress import reports
from fastnn.errors import ArgumentError
from fastnn.model.model import Model
from fastnn.preparation.loss_weights import ClassWeight
from fastnn.recipe.recipe import whole
from fastnn.recipe.run_settings import RunSettings
from fastnn.training.callbacks import CallbackLike
from fastnn.training.loop import TrainingInterrupted

Array = npt.NDArray[Any]


class Sequential:
    """A network as a list of layers, used as in Keras; the kernels are those of `fastnn.train`.

    X goes in as it is. Networks learn badly from columns of different scales: start the layers
    with `Normalization()` (N19). For text, gaps and automatic choices there is `fastnn.train`.

    Parameters
    ----------
    layers : `Input` and `Normalization` (both optional), then `Dense`,
        `BatchNormalization`, `Activation`, `Dropout`.
    device, engine, capture, precision : where and how it computes, as for `fastnn.train`.
    dtype : "float32" or "float64". seed : of weights, order, dropout and validation split.

    >>> from fastnn import Dense
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
        engine: str = "auto",
        capture: str = "auto",
        precision: str = "full",
        dtype: str = "float32",
        seed: int = 0,
        **unknown: Any,
    ) -> None:
        refuse_unknown("Sequential", Sequential.__init__, unknown)
        if not isinstance(layers, (list, tuple)):
            raise ArgumentError(f"layers must be a list of layers, found {layers!r}")
        self._core = Core(RunSettings(device, engine, capture, precision, dtype), seed)
        for layer in layers:
            self.add(layer)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers as they were given."""
        return self._core.layers

    @property
    def device(self) -> str:
        """Where it computes: ``"cpu"`` or ``"cuda:N"``."""
        return self._core.backend.device

    def add(self, layer: Layer) -> None:
        """Put a layer on top; raises ArgumentError if it cannot be there, or after `compile`.

        >>> from fastnn import Dense
        >>> model = Sequential()
        >>> model.add(Dense(3))
        >>> model.layers[0].units
        3
        """
        if self._core.compiled is not None or self._core.learner is not None:
            raise ArgumentError("add: the layers are in use already; make a new Sequential")
        layers = (*self._core.layers, layer)
        stack(layers)
        self._core.layers = layers

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

        >>> from fastnn import Dense
        >>> Sequential([Dense(1)]).compile(loss="mse", optimizer="adm")
        Traceback (most recent call last):
        fastnn.errors.ArgumentError: unknown optimizer 'adm'; did you mean 'adam'? (known: ...

        Raises ArgumentError for unknown names, and for a loss that does not fit the last layer.
        """
        refuse_unknown("compile", Sequential.compile, unknown)
        self._core.choose(
            loss=loss,
            optimizer=optimizer,
            metrics=() if metrics is None else metrics,
            learning_rate=learning_rate,
            schedule=schedule,
            l2=l2,
            l1=l1,
            gradient_clip=gradient_clip,
        )

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
        callbacks: Sequence[CallbackLike] | None = (),
        verbose: int | bool = 0,
        shuffle: bool = True,
        patience: int | None = None,
        monitor: str | None = None,
        min_delta: float = 0.0,
        **unknown: Any,
    ) -> FitHistory:
        """Train for ``epochs`` more epochs; return them under Keras' keys.

        Called again it goes on: with the same data, fit for 2 epochs twice is fit for 4, to the
        last bit where one engine runs all. Weights, the optimiser's state and the epochs' numbers
        go on, and so do order and dropout.

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
        core, chosen = self._core, self._core.chosen("fit")
        if callbacks is not None and not isinstance(callbacks, (list, tuple)):
            raise ArgumentError(f"callbacks must be a list, found {callbacks!r}")
        watchers = [*(callbacks or ()), *reports(verbose)]
        done = len(core.history.epochs)
        options, greater_is_better = chosen.options(
            monitor,
            done,
            epochs=done + whole("epochs", epochs),
            batch_size=batch_size,
            patience=patience,
            min_delta=min_delta,
            shuffle=shuffle,
            seed=core.seed,
        )
        given = core.examples(X, y, sample_weight)
        train, held = core.parts(given, validation_split, validation_data)
        if patience is not None and held is None:
            raise ArgumentError("patience needs validation_split or validation_data to watch")
        try:
            history = core.train(train, held, class_weight, options, greater_is_better, watchers)
        except TrainingInterrupted as interrupted:
            interrupted.result = self
            raise
        return fit_history(history.epochs[done:], chosen.keys, history.stopped)

    def evaluate(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: npt.ArrayLike | None = None,
        batch_size: int = 1024,
        return_dict: bool = False,
        verbose: int = 0,
        **unknown: Any,
    ) -> float | list[float] | dict[str, float]:
        """Return the loss without penalties, or ``[loss, *metrics]`` if metrics were asked for.

        ``batch_size``: rows computed at a time; ``return_dict``: by name instead. Nothing is
        shown, so ``verbose`` can only be 0.

        >>> from fastnn import Dense
        >>> model = Sequential([Dense(1, kernel_initializer="zeros")])
        >>> model.compile(loss="mse", metrics=["mae"])
        >>> model.evaluate([[1.0], [2.0]], [2.0, 4.0])  # (2^2 + 4^2) / 2 / 2, (2 + 4) / 2
        [5.0, 3.0]
        """
        refuse_unknown("evaluate", Sequential.evaluate, unknown)
        core, chosen = self._core, self._core.chosen("evaluate")
        one_of("verbose", verbose, {0: None})
        block = whole("batch_size", batch_size)
        given = core.examples(X, y, sample_weight)
        part = core.part(given, core.fitted(given.table))
        plan = core.built(part.X.shape[1]).evaluation(block)
        A, loss = plan.evaluate(part.X, part.Y, part.w)
        values = {"loss": float(loss)}
        if part.score is not None:
            values |= {chosen.keys[name]: value for name, value in part.score(A).items()}
        if one_of("return_dict", return_dict, {False: False, True: True}):
            return values
        return list(values.values()) if chosen.metrics else values["loss"]

    def predict(self, X: Any, *, batch_size: int = 1024, verbose: int = 0, **unknown: Any) -> Array:
        """Return the outputs of the network (N, K): probabilities or values, not labels.

        ``batch_size``: rows computed at a time. ``verbose`` can only be 0.

        >>> from fastnn import Dense
        >>> model = Sequential([Dense(2, activation="softmax", input_dim=3)])
        >>> import numpy as np
        >>> model.set_weights([np.zeros((3, 2)), np.zeros(2)])
        >>> model.predict([[1.0, 2.0, 3.0]])
        array([[0.5, 0.5]], dtype=float32)
        """
        refuse_unknown("predict", Sequential.predict, unknown)
        one_of("verbose", verbose, {0: None})
        block = whole("batch_size", batch_size)
        table = read_inputs(X, self._core.n_features)
        rows = to_rows(self._core.fitted(table), table)
        return self._core.built(rows.shape[1]).evaluation(block).predict(rows)

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Print the layers with their outputs and parameters; ``print_fn`` takes each line.

        >>> from fastnn import Dense, Input
        >>> Sequential([Input((30,)), Dense(1, activation="sigmoid")]).summary()
        layer          output      parameters
        Input          (None, 30)  0
        Dense sigmoid  (None, 1)   31
        31 parameters
        """
        for line in summary_lines(self.layers, self._core.n_features):
            print_fn(line)

    def get_weights(self) -> list[Array]:
        """Return copies of kernels and biases in turn, in Keras' shapes (n_in, n_out), (n_out,).

        A `BatchNormalization` adds gamma, beta, moving mean and moving variance; what
        `Normalization` learnt is not there. Raises ArgumentError before the inputs are known.

        >>> from fastnn import Dense
        >>> [w.shape for w in Sequential([Dense(4, input_dim=3), Dense(1)]).get_weights()]
        [(3, 4), (4,), (4, 1), (1,)]
        """
        return kernels(self._core.built().parameters, self._core.backend)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights, in the form of `get_weights`; the optimiser's state stays.

        Raises ArgumentError naming the array that does not fit; nothing is changed then.

        >>> from fastnn import Dense
        >>> model = Sequential([Dense(1, input_dim=2)])
        >>> model.set_weights([[[1.0], [2.0]], [0.5]])
        >>> model.predict([[1.0, 1.0]]).item()
        3.5
        """
        core = self._core
        learner = core.built()
        flat = network_weights(weights, learner.network, core.dtype)
        core.backend.copy(core.backend.array(flat), learner.parameters.theta)

    def to_model(self) -> Model:
        """Return a copy as a `Model`: labels or values as predictions, saving, the command line.

        Classes are 0 to K - 1. Raises ArgumentError before `compile`, which says what y is.

        >>> from fastnn import Dense
        >>> model = Sequential([Dense(3, activation="softmax", input_dim=2)])
        >>> model.compile(loss="sparse_categorical_crossentropy")
        >>> model.to_model().predict([[0.0, 0.0]])
        array([0])
        """
        return self._core.model()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_model` into one file; `fastnn.load` returns that `Model`, not a `Sequential`.

        Its ``outputs`` are what `predict` gives here. The optimiser's state is not kept. Raises
        DataError, naming the path, if it cannot be written.

        >>> from fastnn import Dense
        >>> model = Sequential([Dense(1, input_dim=2)])
        >>> model.compile(loss="mse")
        >>> model.save("no-such-folder/model.fastnn")
        Traceback (most recent call last):
        fastnn.errors.DataError: cannot write file 'no-such-folder/model.fastnn': there is no ...
        """
        self.to_model().save(path)
