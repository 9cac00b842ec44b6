"""Train a model on data: split, preprocess, build the network, train, judge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy.typing as npt

from fastnn.backend.backend import get_backend
from fastnn.errors import ArgumentError, DivergenceError
from fastnn.model.model import Model
from fastnn.nn.activations import ACTIVATIONS
from fastnn.nn.losses import LOSSES
from fastnn.nn.optimizers import OPTIMIZERS
from fastnn.nn.parameters import Parameters, check_dtype, initialize
from fastnn.nn.schedules import SCHEDULES
from fastnn.preparation.examples import read_source
from fastnn.preparation.loss_weights import ClassWeight
from fastnn.preparation.preparation import choices, set_up
from fastnn.recipe.recipe import training_options
from fastnn.registry import Table, did_you_mean
from fastnn.training.batching import choose_batching
from fastnn.training.callbacks import CallbackLike, ProgressReport, as_callback
from fastnn.training.history import History
from fastnn.training.loop import Part, Trainer, TrainingInterrupted

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Training:
    """What `train` returns: the model, and its metrics on each part.

    ``report["test"]`` was computed once, after all choices were made (N18).

    >>> training = train("diabetes", hidden_layer_sizes=[], epochs=2)
    >>> sorted(training.report), sorted(training.report["test"])
    (['test', 'train', 'validation'], ['loss', 'mae', 'r2', 'rmse'])
    >>> training.history.stopped
    'epochs'
    """

    model: Model
    report: Mapping[str, Mapping[str, float]]
    error: DivergenceError | None = None  # of one among many that diverged (`train_many`)

    @property
    def history(self) -> History:
        """The epochs of the training."""
        return self.model.history


def train(
    data: Any,
    target: Any = None,
    *,
    task: str = "auto",
    hidden_layer_sizes: Sequence[int] | int = (128,),
    activation: object = "relu",
    output_activation: object = None,
    initializer: object = None,
    loss: object = None,
    label_smoothing: float = 0.0,
    dropout: float | Sequence[float] = 0.0,
    batch_normalization: object = None,
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
    delimiter: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    missing: Collection[str] | None = None,
    device: str = "cpu",
    engine: str = "auto",
    capture: str = "auto",
    precision: str = "full",
    dtype: str = "float32",
    seed: int = 0,
    split_seed: int | None = None,
    fold: tuple[int, int] | None = None,
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
    target : the name of a column, a list of such names (regression of several values, or several
        0/1 labels), or an array of N labels or values, (N,) or (N, k).
    task : "binary", "multiclass", "multilabel", "regression", or "auto": by the target.
    hidden_layer_sizes : units of each hidden layer; () is logistic or linear regression.
    activation, dropout, initializer, batch_normalization : for all layers, or a list with one for
        each. batch_normalization is "before" or "after" the activation, or None.
    loss : None takes the task's own. output_activation : None takes the loss's own, and sigmoid
        for a classifier with a loss such as squared error.
    label_smoothing : moves targets of the cross-entropies by this share towards uniform.
    class_weight : "balanced", or a weight per label (a list for multilabel). sample_weight : one
        per row of ``data``. In training both are scaled to the mean 1.
    fractions : three shares. validation, test : parts of your own instead, each a pair (data,
        target), or data with the target column. If only one is given, the other is split off:
        a tenth of the rest for validation, a fifth for test.
    metrics : a list of names; ``monitor`` says which one, if not the loss, decides.
    standardize : inputs to mean 0 and deviation 1 (N19). standardize_target : the same for a
        regression target; None: unless the loss needs counts (Poisson), or an output activation
        other than identity is chosen.
    categorical : numeric columns to take as categories. drop : columns to leave out, of every
        part. delimiter : of a CSV file, if it is not a comma.
    decimal, thousands : the signs of numbers in text, if they are not a point and none. missing :
        texts that mean 'no value', besides the usual (NA, nan, null, none, ?); an empty list: no
        text does but an empty cell. The model reads text of new data alike.
    device : "cpu", "cuda", "cuda:N" or "auto". dtype : "float32" or "float64".
    engine : what runs the steps on the CPU: "numpy", "compiled" (extra ``jit``), or "auto".
    capture : on a GPU, "auto" starts each step as one CUDA graph where that works, "never" kernel
        by kernel, "always" raises where it does not work. precision : on a GPU, "tf32" multiplies
        float32 with 10 bits of mantissa, which is faster; "full" with all 23.
    split_seed : of the split into parts; None takes ``seed``.
    fold : (i, k) for cross-validation: after a fifth is split off as the test part, the i-th
        (from 0) of k parts of equal size is the validation part, and the others train.
    patience : epochs without improvement before stopping, with the best epoch's weights; None
        trains to the end and keeps the last ones.
    verbose : show progress on standard error.
    options : what `training_options` takes: epochs, batch_size, micro_batch_size, optimizer,
        learning_rate, schedule, l2, l1, gradient_clip, groups, min_delta, monitor, tolerance,
        shuffle.

    >>> training = train("breast_cancer", hidden_layer_sizes=[16], epochs=20, seed=0)
    >>> training.report["test"]["accuracy"] > 0.9
    True

    Raises ArgumentError, DataError or DeviceError naming what cannot work, DeviceError also if it
    does not fit into the memory (N27); DivergenceError if the loss is no longer a number;
    TrainingInterrupted on Ctrl-C, whose ``result`` is the model with the best weights so far.
    """
    check_options(options)
    dtype = check_dtype(dtype).name
    chosen = choices(
        hidden_layer_sizes=hidden_layer_sizes,
        activation=activation,
        output_activation=output_activation,
        initializer=initializer,
        loss=loss,
        label_smoothing=label_smoothing,
        dropout=dropout,
        batch_normalization=batch_normalization,
        class_weight=class_weight,
        metrics=metrics,
        standardize=standardize,
        standardize_target=standardize_target,
        fractions=fractions,
        split_seed=split_seed,
        fold=fold,
        seed=seed,
        patience=patience,
        **options,
    )
    settings = chosen.settings
    watchers = [as_callback(c) for c in listed("callbacks", callbacks)]
    watchers += [ProgressReport()] if verbose else []
    categorical = listed("categorical", categorical)
    if not isinstance(verbose, bool):
        raise ArgumentError(f"verbose must be True or False, found {verbose!r}")
    backend = get_backend(device, engine, capture=capture, precision=precision)
    source = read_source(
        data,
        target,
        task=task,
        categorical=categorical,
        drop=listed("drop", drop),
        sample_weight=sample_weight,
        delimiter=delimiter,
        decimal=decimal,
        thousands=thousands,
        missing=missing,
    )
    setup = set_up(
        source, chosen, dtype=dtype, categorical=categorical, validation=validation, test=test
    )
    net, ready = setup.network, setup.parts
    part = ready["train"]
    choose_batching(backend, net, (part.X, part.Y, part.w), settings, dtype)  # refuses what cannot
    parameters = Parameters(net, backend, dtype)
    initialize(net, parameters, backend, initializer=initializer, seed=settings.seed)
    trainer = Trainer(
        backend, net, parameters, ready["train"], settings,
        validation=ready["validation"], greater_is_better=setup.greater_is_better,
    )  # fmt: skip

    def finish(history: History) -> Training:
        report = {name: _judge(trainer, part) for name, part in ready.items()}
        model = Model(
            net, parameters, setup.features, setup.targets, history, source.target_name,
            chosen.to_json(), report, backend,
        )  # fmt: skip
        return Training(model, report)

    try:
        return finish(trainer.run(watchers))
    except TrainingInterrupted as interrupted:
        interrupted.result = finish(interrupted.history)
        raise


def check_options(options: Mapping[str, Any]) -> None:
    """Raise ArgumentError for what neither `train` nor `training_options` takes.

    >>> check_options({"epoch": 3})
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: train has no argument 'epoch'; did you mean 'epochs'?
    """
    known = [n for n in signature(training_options).parameters if n not in ("patience", "seed")]
    for name in options:
        if name not in known:
            everything = [*known, *signature(train).parameters]
            hint = did_you_mean(name, everything) or _owner(name)
            raise ArgumentError(f"train has no argument {name!r}{hint}")


def _owner(option: str) -> str:
    """Return how to write what is an option of a row of some table, such as momentum's beta."""
    tables: tuple[Table[Any], ...] = (OPTIMIZERS, SCHEDULES, LOSSES, ACTIVATIONS)
    for table in tables:
        for row in table:
            if option == row.name or option in (o.name for o in row.options):
                value = f"{row.name}({option}=...)" if option != row.name else option
                return f"; write {table.kind}={value!r}"
    return ""


def listed(name: str, values: Any) -> list[Any]:
    """Return ``values`` as a list; a single text or function where a list belongs is refused.

    >>> listed("drop", ("id",))
    ['id']
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise ArgumentError(f"{name} must be a list, found {values!r}")
    return list(values)


def _judge(trainer: Trainer, part: Part) -> dict[str, float]:
    A, value = trainer.evaluation.evaluate(part.X, part.Y, part.w)
    assert part.score is not None
    return {**part.score(A), "loss": float(value)}
