"""Metrics: what a model is judged by, one row each, on the host in float64.

The shapes, for N examples: a class index target ``(N,)`` with probabilities ``(N, K)`` (binary:
both columns, K = 2; class 1 is the positive one); a 0/1 multilabel target ``(N, K)`` with
probabilities ``(N, K)``; a regression target ``(N, k)`` with predictions ``(N, k)``. Sample
weights ``(N,)`` are not negative; an example of weight 0 does not count.

Every metric but top_k_accuracy and balanced_accuracy also takes ``pooled=True``: each output of
each example then counts as an example of its own, as in Keras.

The predicted class is the first one of the highest probability, a label is predicted above 1/2.

Precision, recall and F1 are scikit-learn's with ``zero_division=0``: the precision of a class that
is never predicted is 0, and so is the recall of one that is not there, alone and in the mean over
classes or labels. As there, a class that is neither there nor predicted is not in the mean, while
every label is.

Where a metric is not defined it is nan, never an error in the middle of a training: no examples,
an output that is not finite, ROC AUC of one class only, R2 of a constant target. Whether it is
depends on the target alone, so all models are judged by the same: the mean over classes, labels or
outputs leaves out those where the metric is not defined, and is nan if none is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError, about, arg
from fastnn.nn.losses import LossFunction
from fastnn.registry import About, Option, Table, parse_choice
from fastnn.training import scores

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Metric:
    """A row: ``function(task, target, output, weights, **options)`` and what it is good for.

    ``pools``: whether each output of an example can count by itself, too.
    """

    name: str
    function: Callable[..., float]
    tasks: tuple[str, ...]
    greater_is_better: bool
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    about: About = field(kw_only=True)
    pools: bool = field(default=True, kw_only=True)


def confusion_matrix(
    target: npt.ArrayLike, output: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Array:
    """Return how many examples of class i (row) were predicted as class j (column).

    Takes class indices ``(N,)`` and probabilities ``(N, K)``; returns ``(K, K)``, int64 counts, or
    float64 sums of the weights if there are any. Raises ArgumentError as `evaluate` does.

    >>> confusion_matrix([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    array([[1, 0],
           [1, 1]])
    """
    y, p, w = _checked("multiclass", target, output, weights)
    K = p.shape[1]
    cells = y * K + p.argmax(axis=1)
    counts = np.bincount(cells, None if weights is None else w, minlength=K * K).reshape(K, K)
    return counts.astype(np.int64 if weights is None else np.float64)


_CLASSES = ("binary", "multiclass", "multilabel")
_ROC = "Hanley and McNeil 1982; scikit-learn's roc_auc_score"
_LIKE = "scikit-learn's {}_score"

#: Every metric that `Metric.pools` takes it, too.
POOLED = Option("pooled", False, says="each output of each example counts by itself")

METRICS: Table[Metric] = Table(
    "metric",
    [
        Metric(
            "accuracy", scores.accuracy, _CLASSES, True,
            aliases=("acc", "categorical_accuracy", "sparse_categorical_accuracy"),
            about=About(
                "right / all",
                "The share of examples whose class is predicted; with several labels, of the "
                "examples all of whose labels are.",
                "scikit-learn's accuracy_score",
            ),
        ),
        Metric(
            "balanced_accuracy", scores.balanced_accuracy, ("binary", "multiclass"), True,
            pools=False,
            about=About(
                "mean of tp / (tp + fn) over the classes",
                "The share that is right of each class, and of those the mean: always the most "
                "frequent class has 1 / classes.",
                _LIKE.format("balanced_accuracy"),
            ),
        ),
        Metric(
            "top_k_accuracy", scores.top_k_accuracy, ("multiclass",), True, pools=False,
            options=(Option("k", 5, low=1, says="how many classes are looked at"),),
            about=About(
                "right among the k most probable / all",
                "The share of examples whose class is among the k most probable ones.",
                "scikit-learn's top_k_accuracy_score",
            ),
        ),
        Metric(
            "log_loss", scores.log_loss, _CLASSES, False,
            about=About(
                "-mean(log(p_y))",
                "The cross-entropy of the probabilities: p_y is that of the true class.",
                "N8, N10; scikit-learn's log_loss",
            ),
        ),
        Metric(
            "roc_auc", scores.roc_auc, _CLASSES, True,
            aliases=("auc", "AUC"),
            about=About(
                "share of the pairs (positive, negative) in which the positive scores higher",
                "The area under the ROC curve: 0.5 is chance, 1 perfect order. Of several "
                "classes or labels the mean, each against the rest.",
                _ROC,
            ),
        ),
        Metric(
            "average_precision", scores.average_precision, _CLASSES, True,
            aliases=("pr_auc",),
            about=About(
                "sum((R_i - R_(i-1)) P_i) over falling thresholds",
                "The area under precision P over recall R, for rare positives: chance has their "
                "share. Of several classes or labels the mean, each against the rest.",
                _LIKE.format("average_precision"),
            ),
        ),
        Metric(
            "f1", scores.f1, _CLASSES, True,
            about=About(
                "2 tp / (2 tp + fp + fn)",
                "The harmonic mean of precision and recall; of several classes or labels the mean.",
                _LIKE.format("f1"),
            ),
        ),
        Metric(
            "precision", scores.precision, _CLASSES, True,
            about=About(
                "tp / (tp + fp)",
                "Of those that are predicted as positive, how many are; of several classes or "
                "labels the mean.",
                _LIKE.format("precision"),
            ),
        ),
        Metric(
            "recall", scores.recall, _CLASSES, True,
            about=About(
                "tp / (tp + fn)",
                "Of those that are positive, how many are found; of several classes or labels "
                "the mean.",
                _LIKE.format("recall"),
            ),
        ),
        Metric(
            "r2", scores.r2, ("regression",), True,
            about=About(
                "1 - sum((y - a)^2) / sum((y - mean(y))^2)",
                "The share of the target's variance that is explained: 1 is perfect, 0 no "
                "better than the mean.",
                _LIKE.format("r2"),
            ),
        ),
        Metric(
            "rmse", scores.rmse, ("regression",), False,
            aliases=("root_mean_squared_error",),
            about=About(
                "sqrt(mean((y - a)^2))",
                "The typical error in the units of the target; large errors count most.",
                "scikit-learn's root_mean_squared_error",
            ),
        ),
        Metric(
            "mse", scores.mse, ("regression",), False,
            aliases=("mean_squared_error",),
            about=About(
                "mean((y - a)^2)",
                "The mean squared error, without the half of the loss squared_error.",
                "scikit-learn's mean_squared_error",
            ),
        ),
        Metric(
            "mae", scores.mae, ("regression",), False,
            aliases=("mean_absolute_error",),
            about=About(
                "mean(|y - a|)",
                "The mean error in the units of the target.",
                "scikit-learn's mean_absolute_error",
            ),
        ),
        Metric(
            "pinball", scores.pinball, ("regression",), False,
            aliases=("pinball_loss",),
            options=(
                Option("quantile", 0.5, low=0.0, high=1.0, open_low=True, open_high=True,
                       says="which quantile is predicted"),
            ),
            about=About(
                "mean(max(quantile (y - a), (quantile - 1) (y - a)))",
                "What a quantile model is to make small, in the units of the target.",
                "Koenker and Bassett 1978; scikit-learn's mean_pinball_loss",
            ),
        ),
        Metric(
            "coverage", scores.coverage, ("regression",), True,
            about=About(
                "share of the examples with y <= a",
                "Of a model of a quantile it is about that quantile.",
                "Koenker and Bassett 1978",
            ),
        ),
    ],
)  # fmt: skip

#: The metrics that a task gets unless others are chosen.
DEFAULT_METRICS = {
    "binary": ("accuracy", "roc_auc"),
    "multiclass": ("accuracy",),
    "multilabel": ("accuracy", "f1"),
    "regression": ("r2", "rmse", "mae"),
}


def default_metrics(task: str, cost: LossFunction | None = None) -> tuple[str, ...]:
    """Return the metrics that a task gets unless others are chosen.

    A model of a quantile is judged as one: by the means it looks bad however good it is.

    >>> default_metrics("regression")
    ('r2', 'rmse', 'mae')
    >>> from fastnn.nn.losses import loss
    >>> default_metrics("regression", loss("quantile(quantile=0.9)"))
    ('pinball(quantile=0.9)', 'coverage')

    Raises ArgumentError for an unknown task.
    """
    if task not in DEFAULT_METRICS:
        raise ArgumentError(f"unknown {arg('task')} {task!r} (known: {', '.join(DEFAULT_METRICS)})")
    if cost is not None and cost.quantile is not None:
        return metric_names(task, [{"name": "pinball", "quantile": cost.quantile}, "coverage"])
    return DEFAULT_METRICS[task]


def _chosen(spec: object) -> tuple[str, Metric, Mapping[str, Any]]:
    return _named(spec) if isinstance(spec, str) else _read(spec)


@cache
def _named(spec: str) -> tuple[str, Metric, Mapping[str, Any]]:
    return _read(spec)


def _read(spec: object) -> tuple[str, Metric, Mapping[str, Any]]:
    name, given = parse_choice(spec, "metric")
    pooled = POOLED.check(f"{arg('metric')} {name!r}", given.pop("pooled", False))
    row, options = METRICS[name], METRICS.options(name, given)
    if pooled and not row.pools:
        raise ArgumentError(
            f"{arg('metric')} {row.name!r} cannot be pooled: it compares the outputs of an example"
        )
    if "k" in options and not float(str(options["k"])).is_integer():
        raise ArgumentError(
            f"{arg('metric')} {row.name!r}: k must be a whole number, found {given['k']!r}"
        )
    set_here = {o.name: options[o.name] for o in row.options if options[o.name] != o.default}
    shown = ", ".join(
        [f"{name}={value:g}" for name, value in set_here.items()] + ["pooled=True"] * bool(pooled)
    )
    return (f"{row.name}({shown})" if shown else row.name), row, {**options, "pooled": pooled}


def metric_names(task: str, metrics: Sequence[object]) -> tuple[str, ...]:
    """Return the names under which `evaluate` reports: to check a choice before training.

    >>> metric_names("multiclass", ["acc", "top_k_accuracy(k=3)", {"name": "f1"}])
    ('accuracy', 'top_k_accuracy(k=3)', 'f1')

    Raises ArgumentError for an unknown task, metric or option, and for a metric that does not
    apply to the task, naming those that do.
    """
    default_metrics(task)
    names = []
    with about("metrics"):
        if not isinstance(metrics, (list, tuple)):
            raise ArgumentError(f"{arg('metrics')} must be a list of names, found {metrics!r}")
        for spec in metrics:
            name, row, _ = _chosen(spec)
            if task not in row.tasks:
                fitting = ", ".join(other.name for other in METRICS if task in other.tasks)
                raise ArgumentError(
                    f"metric {row.name!r} does not apply to a {task} target; choose from {fitting}"
                )
            names.append(name)
    return tuple(names)


def greater_is_better(metric: object) -> bool:
    """Return whether a greater value of the metric is better; ArgumentError if it is unknown.

    >>> greater_is_better("accuracy"), greater_is_better("rmse")
    (True, False)
    """
    return _chosen(metric)[1].greater_is_better


def evaluate(
    task: str,
    metrics: Sequence[object],
    target: npt.ArrayLike,
    output: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
) -> dict[str, float]:
    """Return each metric by name; shapes and undefined values as the module's text says.

    >>> evaluate("binary", ["accuracy", "f1"], [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    {'accuracy': 0.6666666666666666, 'f1': 0.6666666666666666}
    >>> evaluate("regression", ["rmse"], [[1.0], [2.0]], [[1.0], [4.0]], weights=[3.0, 1.0])
    {'rmse': 1.0}

    Raises ArgumentError as `metric_names` does, and if the shapes do not fit each other, a weight
    is negative or not finite, or the target holds something else than class indices or 0 and 1.
    """
    names = metric_names(task, metrics)
    y, a, w = _checked(task, target, output, weights)
    counted = w > 0
    if not counted.all():
        y, a, w = y[counted], a[counted], w[counted]
    if not len(y) or not np.isfinite(a).all():
        return dict.fromkeys(names, math.nan)
    values = {}
    with np.errstate(over="ignore", invalid="ignore"):  # huge outputs give inf, not a warning
        for name, spec in zip(names, metrics, strict=True):
            _, row, options = _chosen(spec)
            rest = {k: v for k, v in options.items() if k != "pooled"}
            shaped = scores.pooled(task, y, a, w) if options["pooled"] else (task, y, a, w)
            values[name] = row.function(*shaped, **rest)
    return values


def _checked(
    task: str, target: npt.ArrayLike, output: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[Array, Array, Array]:
    """Target (class indices as intp), output and weights (float64) that fit each other."""
    y, a = np.asarray(target), np.asarray(output, dtype=np.float64)
    w = np.ones(y.shape[:1]) if weights is None else np.asarray(weights, dtype=np.float64)
    by_class = task in ("binary", "multiclass")
    fits = a.shape[:1] == y.shape if by_class else a.shape == y.shape
    if a.ndim != 2 or not fits or (task == "binary" and a.shape[1] != 2):
        shapes = {"binary": "(N,) and (N, 2)", "multiclass": "(N,) and (N, K)"}
        raise ArgumentError(
            f"{arg('target')} and {arg('output')} of task {task!r} must have the shapes "
            f"{shapes.get(task, '(N, k) and (N, k)')}, found {y.shape} and {a.shape}"
        )
    if w.shape != y.shape[:1]:
        raise ArgumentError(f"{arg('weights')} must have the shape {y.shape[:1]}, found {w.shape}")
    good = np.isfinite(w) & (w >= 0)
    if not good.all():
        row = int(np.argmin(good))
        raise ArgumentError(
            f"{arg('weights')} must be finite and not negative, found {w[row]} for example {row}"
        )
    if task != "regression":
        allowed = np.arange(a.shape[1] if by_class else 2)
        valid = np.zeros(y.shape, bool)
        if y.dtype.kind in "biuf":
            valid = (y >= 0) & (y <= allowed[-1]) & (y == np.floor(y))
        if not valid.all():
            found = y.ravel()[np.argmin(valid)].item()
            wanted = f"class indices from 0 to {allowed[-1]}, the columns of the output"
            raise ArgumentError(
                f"{arg('target')} must hold {wanted if by_class else '0 or 1 for each label'}; "
                f"found {found!r}"
            )
    return y.astype(np.intp if by_class else np.float64), a, w


def probabilities(task: str, A: Array) -> Array:
    """Return (N, K) class probabilities of outputs; a single sigmoid output becomes two columns.

    >>> probabilities("binary", np.array([[0.25]]))
    array([[0.75, 0.25]])
    """
    return np.hstack([1 - A, A]) if task == "binary" and A.shape[1] == 1 else A


def decided(task: str, output: Array) -> Array:
    """Return what is predicted: class indices (N,), 0/1 labels (N, K), or the values themselves.

    ``output``: probabilities (N, K), or values (N, k).

    >>> decided("multiclass", np.array([[0.2, 0.7, 0.1]])).tolist()
    [1]
    """
    if task == "multilabel":
        return (output > 0.5).astype(np.int64)
    return output if task == "regression" else output.argmax(axis=1)


def in_order(task: str, names: Iterable[str]) -> list[str]:
    """Return names of metrics in one order: the loss, those of the task, others as in `METRICS`.

    >>> in_order("regression", ["mse", "mae", "loss", "r2"])
    ['loss', 'r2', 'mae', 'mse']
    """
    known = ["loss", *DEFAULT_METRICS[task], *(row.name for row in METRICS)]
    place = {name: known.index(name) for name in known}
    return sorted(names, key=lambda n: (place.get(n.partition("(")[0], len(known)), n))


def score(
    targets: Targets,
    A: Array,
    Y: Array,
    metrics: Sequence[object],
    weights: npt.ArrayLike | None = None,
) -> dict[str, float]:
    """Return metrics of outputs ``A`` (N, K) against encoded ``Y``; regression in its own units.

    >>> targets = Targets.fit([10.0, 30.0], "regression")
    >>> score(targets, np.array([[0.0], [1.0]]), np.array([[0.0], [1.5]]), ["mae"])
    {'mae': 2.5}
    """
    task = targets.task
    if task == "regression":
        k = targets.n_outputs
        y, a = (np.asarray(targets.inverse(v)).reshape(-1, k) for v in (Y, A))
        return evaluate(task, metrics, y, a, weights)
    y = Y if task == "multilabel" else Y[:, 0].astype(np.int64)
    return evaluate(task, metrics, y, probabilities(task, A), weights)
