"""Train a model on data: split, preprocess, build the network, train, judge."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.backend import get_backend
from fastnn.backend.shim import Backend
from fastnn.data.preprocess import Features
from fastnn.data.targets import Targets
from fastnn.data.tasks import check_task
from fastnn.errors import ArgumentError, DataError
from fastnn.model.examples import Examples, divide, read_source
from fastnn.model.model import Model, score
from fastnn.model.weights import ClassWeight, class_weights, loss_weights
from fastnn.nn.losses import DEFAULT_LOSSES, LOSSES, LossFunction, loss
from fastnn.nn.network import Network, network
from fastnn.nn.parameters import Parameters, check_dtype, initialize
from fastnn.registry import did_you_mean, parse_choice
from fastnn.training.callbacks import CallbackLike, ProgressReport
from fastnn.training.history import History
from fastnn.training.loop import Part, Trainer, TrainingInterrupted
from fastnn.training.metrics import default_metrics, greater_is_better, metric_names
from fastnn.training.options import TrainingOptions, training_options

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Training:
    """What `train` returns: the model, and its metrics on each part.

    ``report["test"]`` was computed once, after all choices were made (N18).
    """

    model: Model
    report: Mapping[str, Mapping[str, float]]

    @property
    def history(self) -> History:
        """The epochs of the training."""
        return self.model.history


def train(
    data: Any,
    target: Any = None,
    *,
    task: str = "auto",
    hidden_layer_sizes: Sequence[int] = (128,),
    activation: object = "relu",
    output_activation: object = None,
    initializer: object = None,
    loss: object = None,
    label_smoothing: float = 0.0,
    dropout: float | Sequence[float] = 0.0,
    class_weight: ClassWeight = None,
    sample_weight: npt.ArrayLike | None = None,
    fractions: Sequence[float] | None = None,
    validation: Any = None,
    test: Any = None,
    metrics: Sequence[object] | None = None,
    standardize: bool = True,
    standardize_target: bool | None = None,
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    device: str = "cpu",
    dtype: str = "float32",
    seed: int = 0,
    patience: int | None = 10,
    callbacks: Sequence[CallbackLike] = (),
    verbose: bool = False,
    **options: Any,
) -> Training:
    """Train a network on a table and return the model with its metrics.

    The data are split 60-20-20 (98-1-1 from a million rows on, N18); all preprocessing is fitted
    on the training part; the validation part decides when to stop and which epoch's weights to
    keep; the test part is used once, at the end.

    Parameters
    ----------
    data : a built-in name ("digits", "breast_cancer", "diabetes", "fashion_mnist", "flights"), a
        file (CSV, Parquet, NPZ), a data frame, a dict of columns, or an array (N, n_features).
    target : the name of a column, or an array of N labels or values.
    task : "binary", "multiclass", "multilabel", "regression", or "auto": by the target.
    hidden_layer_sizes : units of each hidden layer; () is logistic or linear regression.
    activation, dropout, initializer : for all layers, or a list with one for each.
    loss : None takes the task's own. output_activation : None takes the loss's own.
    label_smoothing : moves targets of the cross-entropies by this share towards uniform.
    class_weight : "balanced", or a weight per label. sample_weight : one per row of ``data``.
    fractions : three shares. validation, test : (data, target) pairs of your own instead.
    metrics : names; the first is not special, ``monitor`` says which one to watch.
    standardize : inputs to mean 0 and deviation 1 (N19). standardize_target : the same for a
        regression target, by default unless the loss needs counts (Poisson).
    categorical : numeric columns to take as categories. drop : columns to leave out.
    device : "cpu", "cuda", "cuda:N" or "auto". dtype : "float32" or "float64".
    patience : epochs without improvement before stopping; None trains to the end.
    verbose : show progress on standard error.
    options : what `training_options` takes: epochs, batch_size, optimizer, learning_rate,
        schedule, l2, l1, gradient_clip, groups, min_delta, monitor, tolerance, shuffle.

    >>> training = train("breast_cancer", hidden_layer_sizes=[16], epochs=20, seed=0)
    >>> training.report["test"]["accuracy"] > 0.9
    True

    Raises ArgumentError, DataError or DeviceError naming what cannot work; DivergenceError if
    the loss is no longer a number; TrainingInterrupted on Ctrl-C, whose ``result`` is the model
    with the best weights so far.
    """
    check_dtype(dtype)
    _check_options(options)
    settings = training_options(patience=patience, seed=seed, **options)
    backend = get_backend(device)
    source = read_source(
        data, target, task=task, categorical=categorical, drop=drop, sample_weight=sample_weight
    )
    kind = check_task(source.task)
    cost = _loss(loss, kind, label_smoothing)
    chosen = list(default_metrics(kind) if metrics is None else metrics)
    greater = _monitor(settings, kind, chosen)
    parts = divide(
        source, fractions=fractions, validation=validation, test=test, seed=seed,
        categorical=categorical,
    )  # fmt: skip
    features = Features.fit(
        parts["train"].table,
        dtype=dtype,
        standardize=standardize,
        categorical=[c for c in categorical if c in parts["train"].table.numeric_names],
    )
    targets = Targets.fit(
        parts["train"].target, kind, dtype=dtype,
        standardize=_standardizes(standardize_target, kind, cost),
    )  # fmt: skip
    ready = _prepare(parts, features, targets, cost, class_weight, chosen, dtype)
    net = network(
        (features.n_features, *_sizes(hidden_layer_sizes), _outputs(targets, cost)),
        activation=activation,
        output_activation=output_activation,
        dropout=dropout,
        loss_function=cost,
    )
    parameters = Parameters(net, backend, dtype)
    initialize(net, parameters, backend, initializer=initializer, seed=seed)
    trainer = Trainer(
        backend, net, parameters, ready["train"], settings,
        validation=ready["validation"], greater_is_better=greater,
    )  # fmt: skip
    watchers = [*callbacks, *([ProgressReport()] if verbose else [])]

    def finish(history: History) -> Training:
        report = {name: _judge(trainer, part) for name, part in ready.items()}
        model = Model(
            net, parameters, features, targets, history, source.target_name,
            {**settings.to_json(), "initializer": _named(initializer)}, report, backend,
        )  # fmt: skip
        return Training(model, report)

    try:
        return finish(trainer.run(watchers))
    except TrainingInterrupted as interrupted:
        interrupted.result = finish(interrupted.history)
        raise


def _check_options(options: Mapping[str, Any]) -> None:
    known = [n for n in signature(training_options).parameters if n not in ("patience", "seed")]
    for name in options:
        if name not in known:
            everything = [*known, *signature(train).parameters]
            raise ArgumentError(
                f"train has no argument {name!r}{did_you_mean(name, everything)}"
            )


def _loss(spec: object, task: str, label_smoothing: float) -> LossFunction:
    """Return the loss, checked against the task."""
    given: object = DEFAULT_LOSSES[task] if spec is None else spec
    if label_smoothing:
        if callable(given) or isinstance(given, LossFunction):
            raise ArgumentError("label_smoothing has no effect with a loss of your own")
        name, options = parse_choice(given, "loss")
        LOSSES.options(name, {"label_smoothing": label_smoothing})
        given = {"name": name, **options, "label_smoothing": label_smoothing}
    cost = _make_loss(given)
    if task not in cost.tasks:
        fitting = ", ".join(row.name for row in LOSSES if task in row.tasks)
        raise ArgumentError(
            f"loss {cost.name!r} does not fit task {task!r}; choose from {fitting}"
        )
    return cost


_make_loss = loss  # the parameter of `train` hides the function


def _monitor(settings: TrainingOptions, task: str, metrics: list[object]) -> bool:
    """Check metrics and monitor; return whether a greater value of the monitor is better."""
    names = metric_names(task, metrics)
    if settings.monitor == "loss":
        return False
    if settings.monitor not in names:
        raise ArgumentError(
            f"monitor must be 'loss' or one of the metrics ({', '.join(names)}), found "
            f"{settings.monitor!r}{did_you_mean(settings.monitor, ['loss', *names])}"
        )
    return greater_is_better(settings.monitor)


def _standardizes(wanted: bool | None, task: str, cost: LossFunction) -> bool:
    if wanted and (task != "regression" or cost.lowest_target > -np.inf):
        raise ArgumentError(
            f"standardize_target has no effect with task {task!r} and loss {cost.name!r}"
        )
    return bool(wanted is None or wanted) and cost.lowest_target == -np.inf


def _sizes(hidden: Sequence[int] | int) -> tuple[int, ...]:
    return (hidden,) if isinstance(hidden, int) else tuple(hidden)


def _outputs(targets: Targets, cost: LossFunction) -> int:
    """The units of the output layer: two for a binary target with softmax."""
    return 2 if targets.task == "binary" and cost.link == "softmax" else targets.n_outputs


def _named(spec: object) -> object:
    return list(spec) if isinstance(spec, tuple) else spec


def _prepare(
    parts: Mapping[str, Examples],
    features: Features,
    targets: Targets,
    cost: LossFunction,
    class_weight: ClassWeight,
    metrics: Sequence[object],
    dtype: str,
) -> dict[str, Part]:
    """Turn each part into arrays for the network, with its weights and its metrics."""
    ready = {}
    by_class, mean = None, 1.0
    for name, part in parts.items():
        Y = targets.encode(part.target)
        if cost.lowest_target > -np.inf and (Y < cost.lowest_target).any():
            raise DataError(
                f"target: loss {cost.name!r} needs values of at least {cost.lowest_target:g}, "
                f"found {Y.min():g}"
            )
        if name == "train":
            by_class = class_weights(class_weight, targets, Y)
        w = loss_weights(part.weights, by_class, targets, Y)
        if w is not None and name == "train":
            mean = float(w.mean())  # so that weights change proportions, not the step size
        ready[name] = Part(
            features.transform(part.table),
            Y,
            None if w is None else (w / mean).astype(dtype),
            _Score(targets, Y, metrics, part.weights),
        )
    return ready


@dataclass(frozen=True, eq=False)
class _Score:
    """The metrics of one part as a function of the network's outputs."""

    targets: Targets
    Y: Array
    metrics: Sequence[object]
    weights: Array | None

    def __call__(self, A: Array) -> dict[str, float]:
        weights = None if self.weights is None else self.weights[:, 0]
        return score(self.targets, A, self.Y, self.metrics, weights)


def _judge(trainer: Trainer, part: Part) -> dict[str, float]:
    A, value = trainer.evaluation.evaluate(part.X, part.Y, part.w)
    assert part.score is not None
    return {**part.score(A), "loss": float(value)}


