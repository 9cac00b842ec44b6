"""A Keras-like model over the one training loop: compile, fit, evaluate, predict (N31)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy.typing as npt

from fastnn.api.sequential.core import Core
from fastnn.api.sequential.examples import flattened, read_inputs
from fastnn.api.sequential.fit_history import FitHistory, fit_history
from fastnn.api.sequential.keras_arguments import optimizer_first
from fastnn.api.sequential.keras_weights import (
    kernels,
    named_layers,
    network_weights,
    summary_lines,
    summary_rows,
)
from fastnn.api.sequential.keywords import checked, one_of
from fastnn.api.sequential.layers import Layer, Named, stack
from fastnn.api.sequential.progress import reports, show_result
from fastnn.diagnosis.doctor import Wish, wanted
from fastnn.errors import ArgumentError, DivergenceError, arg, inside, lacking
from fastnn.faces import Face
from fastnn.model.model import Model
from fastnn.pickles import check_pickle
from fastnn.recipe.checks import listed, whole
from fastnn.recipe.documentation import documented
from fastnn.recipe.run_settings import RunSettings
from fastnn.recipe.table import (
    ClassWeight,
    DescentOptions,
    FitOptions,
    RunOptions,
    SourceOptions,
)
from fastnn.training.callbacks import CallbackLike, as_callback
from fastnn.training.loop import TrainingInterrupted

Array = npt.NDArray[Any]


#: What `fastnn.train` is told of the data, and a `Sequential` is not.
_NOT_HERE = tuple(SourceOptions.__annotations__)

#: What `fit` takes where `fastnn.train` takes something else: Keras' defaults.
FIT_DEFAULTS = {"epochs": 1, "batch_size": 32, "patience": None}


class Sequential:
    """A network as a list of layers, used as in Keras; the kernels are those of `fastnn.train`.

    Names that Keras has mean what they mean in Keras, spelt "mse" or "MeanSquaredError": losses,
    optimisers and their defaults, initialisers, activations, metrics. Names that only fastnn has
    keep the definitions of the notes, and so do all names in `fastnn.train`; see `compile`.

    X goes in as it is. Networks learn badly from columns of different scales: start the layers
    with `Normalization()` (N19). For text, gaps and automatic choices there is `fastnn.train`.

    Parameters
    ----------
    layers : `Input`, `Flatten` and `Normalization` (all optional), then `Dense`,
        `BatchNormalization`, `Activation`, `Dropout`.
    seed : of weights, order, dropout and validation split.
    {options}

    >>> from fastnn import Dense
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
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

    _history: FitHistory | None = None

    @checked("Sequential")
    @documented(RunOptions)
    def __init__(
        self,
        layers: Sequence[Layer] = (),
        *,
        seed: int = 0,
        **options: Unpack[RunOptions],
    ) -> None:
        if not isinstance(layers, (list, tuple)):
            raise ArgumentError(f"{arg('layers')} must be a list of layers, found {layers!r}")
        self._core = Core(RunSettings(**options), seed)
        for layer in layers:
            self._add(layer, "layers")

    def __setstate__(self, state: dict[str, Any]) -> None:
        check_pickle("Sequential", state, ["_core"])
        vars(self).update(state)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers as they were given, each with a name and ``get_weights()``.

        >>> from fastnn import Dense
        >>> model = Sequential([Dense(4, "relu"), Dense(4, "relu"), Dense(1, name="out")])
        >>> [layer.name for layer in model.layers]
        ['dense', 'dense_1', 'out']
        """
        return named_layers(self._core.layers, self.get_weights)

    @property
    def weights(self) -> list[Array]:
        """What `get_weights` returns: copies, so that changing them changes nothing."""
        return self.get_weights()

    @property
    def history(self) -> FitHistory | None:
        """What the last `fit` returned; None before one."""
        return self._history

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns.

        >>> from fastnn import Dense
        >>> model = Sequential([Dense(1)])
        >>> model.compile("adam", "mse", metrics=["mae"])
        >>> model.metrics_names
        ['loss', 'mae']
        """
        return ["loss", *self._core.chosen("metrics_names").keys.values()]

    def count_params(self) -> int:
        """Return how many parameters there are, running means and variances among them.

        Raises ArgumentError before the inputs are known.

        >>> from fastnn import Dense
        >>> Sequential([Dense(4, input_dim=3), Dense(1)]).count_params()
        21
        """
        return sum(w.size for w in self.get_weights())

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
        self._add(layer, "layer")

    def _add(self, layer: Layer, argument: str) -> None:
        own = replace(layer) if isinstance(layer, Named) else layer  # not of another model
        layers = (*self._core.layers, own)
        stack(layers, argument)
        self._core.layers = layers

    @checked("compile", order=optimizer_first)
    @documented(DescentOptions)
    def compile(
        self,
        loss: object,
        optimizer: object = "adam",
        metrics: Sequence[object] | None = (),
        **options: Unpack[DescentOptions],
    ) -> None:
        """Choose loss, optimiser and metrics. Weights stay; optimiser and history start anew.

        The loss comes first; Keras' order, the optimiser first, is understood for names.

        Parameters
        ----------
        loss : a name, "name(option=value)", a dict or an expression. "mse", "mae", "huber",
            "poisson" and "binary_crossentropy" are Keras' means over the outputs, "mse" without a
            half; "squared_error", "absolute_error" and "multilabel_crossentropy" are the notes'
            sums, the first with a half. Cross-entropies and "poisson" are computed from the logits,
            without Keras' 1e-7 in the logarithm. "categorical_crossentropy" and
            "sparse_categorical_crossentropy" are one loss, for one-hot rows and class indices.
        optimizer : "sgd", "rmsprop", "adam", "adamw" take Keras' steps, with its defaults and
            options: "SGD(momentum=0.9, nesterov=True)" or ``{"name": "adam", "beta_1": 0.95}``;
            "adamw" decays biases, too. "gradient_descent", "momentum", "nesterov" are the notes'.
        metrics : names, as for `fastnn.train` or Keras'. "accuracy" of several 0/1 outputs is the
            share of examples with every label right, "precision" the mean over the outputs;
            "BinaryAccuracy", "Precision", "AUC" (exact, not by 200 thresholds) count each output.
        {options}

        >>> from fastnn import Dense
        >>> Sequential([Dense(1)]).compile(loss="mse", optimizer="adm")
        Traceback (most recent call last):
        fastnn.errors.ArgumentError: unknown optimizer 'adm'; did you mean 'adam'? (known: ...

        Raises ArgumentError for unknown names, and for a loss that does not fit the last layer.
        """
        self._core.choose(
            loss=loss,
            optimizer=optimizer,
            metrics=() if metrics is None else metrics,
            **options,
        )

    @checked("fit", x="X")
    @documented(FitOptions, defaults=FIT_DEFAULTS)
    def fit(
        self,
        X: Any,
        y: Any,
        *,
        validation_split: float = 0.0,
        validation_data: Any = None,
        class_weight: ClassWeight = None,
        sample_weight: npt.ArrayLike | None = None,
        callbacks: Sequence[CallbackLike] | None = (),
        verbose: int | str = 0,
        doctor: Wish = False,
        **options: Unpack[FitOptions],
    ) -> FitHistory:
        """Train for ``epochs`` more epochs; return them under Keras' keys.

        Called again it goes on with weights, optimiser, numbers of epochs, order and dropout: with
        the same data, 2 epochs twice are 4, to the last bit where one engine runs all.

        Parameters
        ----------
        X : (N, n_features) numbers: an array, a data frame, a dict of columns; ``x=`` will do. With
            `Flatten` also (N, d_1, ..., d_k), such as images.
        y : 0 and 1, (N,) or (N, K); class indices from 0, (N,), or one-hot (N, K); or numbers.
        validation_split : this share is held out, shuffled and for classes stratified (Keras
            takes the last rows as they are). The same data and seed give the same split.
        validation_data : (X, y) or (X, y, sample_weight) instead.
        class_weight : "balanced" or class to weight (a list for several 0/1 outputs), in training
            only; sample_weight : one per row, in the loss and the metrics (Keras: not in those).
            Neither is scaled to mean 1: the cost is ``1/m sum_i w_i L_i``, as in Keras.
        callbacks : functions of the training state, or objects as `fastnn.train` takes them.
        verbose : on standard error, 0 nothing, 1 and "auto" a progress bar, or a line every few
            seconds where that is no terminal, 2 a line per epoch.
        doctor : look at signals and gradients of every layer before the first epoch, after 1, 2, 4,
            ... epochs and at the end, for ``findings`` and ``diagnosis`` of what is returned; a
            function is called with each finding when it is first met. The fit stays the same.
        {options}

        ``monitor`` is "val_loss", or "val_" and a metric. With ``patience`` the weights of the best
        epoch are put back (Keras leaves the last ones); a later fit goes on from those, with the
        optimiser's state of the last epoch.

        "loss" is the mean over the epoch's batches, penalties included, "val_loss" is without
        them. Metrics of the training part are computed after each epoch, without dropout (Keras:
        during the epoch), and only if `compile` asked for metrics.

        Raises ArgumentError and DataError naming what cannot work; DivergenceError if the loss is
        no longer a number, whose ``result`` is what would be returned, until then;
        TrainingInterrupted on Ctrl-C. The model can be used after each.
        """
        core, chosen = self._core, self._core.chosen("fit")
        given = () if callbacks is None else listed("callbacks", callbacks)
        watchers = [*map(as_callback, given), *reports(verbose)]
        done = len(core.history.epochs)
        asked = {**FIT_DEFAULTS, **options}
        recipe, greater_is_better = chosen.recipe(core.seed, done, asked)
        with lacking(*_NOT_HERE):
            examples = core.examples(X, y, sample_weight)
            train, held = core.parts(examples, validation_split, validation_data)
        if recipe.patience is not None and held is None:
            raise ArgumentError(
                f"{arg('patience')} needs {arg('validation_split')} or {arg('validation_data')} to "
                "watch"
            )
        looks = wanted(doctor)
        with lacking(*_NOT_HERE):
            features, part, validation = core.ready(train, held, class_weight)
        tell, physician = doctor if callable(doctor) else None, None
        if looks:
            physician = core.doctor(features, part, recipe, tell)
            watchers = [physician, *watchers]

        def fitted() -> FitHistory:
            found = None if physician is None else physician.diagnosis(validation)
            return fit_history(core.history, done, chosen.keys, found)

        try:
            core.train(features, part, validation, recipe, greater_is_better, watchers)
        except TrainingInterrupted as interrupted:
            interrupted.result = self
            raise
        except DivergenceError as error:
            error.result = fitted()
            raise
        self._history = fitted()
        return self._history

    @checked("evaluate", x="X")
    def evaluate(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: npt.ArrayLike | None = None,
        batch_size: int = 1024,
        return_dict: bool = False,
        verbose: int | str = 0,
    ) -> float | list[float] | dict[str, float]:
        """Return the loss without penalties, or ``[loss, *metrics]`` if metrics were asked for.

        ``batch_size``: rows at a time; ``return_dict``: by name; ``verbose``: 0, or show a line.

        >>> from fastnn import Dense
        >>> model = Sequential([Dense(1, kernel_initializer="zeros")])
        >>> model.compile(loss="mse", metrics=["mae"])
        >>> model.evaluate([[1.0], [2.0]], [2.0, 4.0])  # (2^2 + 4^2) / 2, (2 + 4) / 2
        [10.0, 3.0]
        """
        core, chosen = self._core, self._core.chosen("evaluate")
        block = whole("batch_size", batch_size)
        with lacking(*_NOT_HERE):
            given = core.examples(X, y, sample_weight)
            part = core.part(given, core.fitted(given.table))
        plan = core.built(part.X.shape[1]).evaluation(block)
        A, loss = plan.evaluate(part.X, part.Y, part.w)
        values = {"loss": float(loss)}
        values |= {chosen.keys[name]: value for name, value in part.judged(A).items()}
        show_result(verbose, "evaluate", values)
        if one_of("return_dict", return_dict, {False: False, True: True}):
            return values
        return list(values.values()) if chosen.metrics else values["loss"]

    @checked("predict", x="X")
    def predict(self, X: Any, *, batch_size: int = 1024, verbose: int | str = 0) -> Array:
        """Return the outputs of the network (N, K): probabilities or values, not labels.

        ``batch_size``: rows computed at a time; ``verbose``: as for `evaluate`.

        >>> from fastnn import Dense
        >>> model = Sequential([Dense(2, activation="softmax", kernel_initializer="zeros")])
        >>> model.predict([[1.0, 2.0, 3.0]])
        array([[0.5, 0.5]], dtype=float32)
        """
        core, block = self._core, whole("batch_size", batch_size)
        with lacking(*_NOT_HERE):
            X = flattened(X, core.stack, arg("X"))
            table = read_inputs(X, core.n_features, arg("X"), core.known)
            with inside("X: "):
                rows = core.fitted(table).transform(table)
        outputs = core.built(rows.shape[1]).evaluation(block).predict(rows)
        show_result(verbose, "predict", {"rows": len(outputs)})
        return outputs

    @checked("a call of the model", x="X", inputs="X")
    def __call__(self, X: Any, *, training: bool = False) -> Array:
        """Return what `predict` returns; ``training=True`` is refused, dropout is in `fit` only."""
        one_of("training", training, {False: None})
        return self.predict(X)

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

    def _face(self) -> Face:
        rows, parameters = summary_rows(self.layers, self._core.n_features)
        layers = f"{len(self.layers):,}; {parameters}" if self.layers else "none"
        facts = {"layers": layers, **self._core.facts()}
        return Face("Sequential", facts, rows if self.layers else (), more="layers")

    def __repr__(self) -> str:
        return self._face().text()

    def _repr_html_(self) -> str:
        return self._face().html()

    def get_weights(self) -> list[Array]:
        """Return copies of kernels and biases in turn, in Keras' shapes (n_in, n_out), (n_out,).

        A `BatchNormalization` adds gamma, beta, moving mean and moving variance; what
        `Normalization` learnt is not there. Raises ArgumentError before the inputs are known.

        >>> from fastnn import Dense
        >>> [w.shape for w in Sequential([Dense(4, input_dim=3), Dense(1)]).get_weights()]
        [(3, 4), (4,), (4, 1), (1,)]
        """
        learner = self._core.built()
        return kernels(learner.network, learner.parameters, self._core.backend)

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
