"""Models from weights that were trained elsewhere: PyTorch, Keras, scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.data.preprocess import Features
from fastnn.data.table import Table
from fastnn.data.targets import Targets
from fastnn.data.tasks import Task, check_task
from fastnn.errors import ArgumentError, arg
from fastnn.formats.foreign_layers import (
    LayerWeights,
    check_chain,
    layers_of_list,
    layers_of_state_dict,
    read_state_dict,
)
from fastnn.model.model import Model
from fastnn.nn.network import network
from fastnn.nn.normalization import PLACES
from fastnn.nn.parameters import Parameters, check_dtype
from fastnn.preparation.fit_to_task import choose_loss, choose_output
from fastnn.registry import parse_choice
from fastnn.training.history import History
from fastnn.training.learner import Learner

Array = npt.NDArray[Any]

#: PyTorch's defaults, which are not in a state dict; its momentum is 1 minus ours.
_PYTORCH_NORM = {"momentum": 0.9, "epsilon": 1e-5}
_KERAS_NORM = {"momentum": 0.99, "epsilon": 1e-3}


def from_pytorch(
    weights: Any,
    *,
    task: str,
    activation: object = "relu",
    output_activation: object = None,
    loss: object = None,
    classes: Sequence[Any] | None = None,
    layers: Sequence[str] | None = None,
    batch_normalization: object = None,
    columns: Sequence[str] | None = None,
    dtype: str | None = None,
) -> Model:
    """Return a model with the weights of a PyTorch stack of `Linear` layers; PyTorch not needed.

    Parameters
    ----------
    weights : a safetensors file, ``safetensors.torch.save_file(model.state_dict(), path)``, or a
        mapping of names to arrays. `Linear` modules with or without bias, and `BatchNorm1d`.
    task : "binary", "multiclass", "multilabel" or "regression".
    activation : of the hidden layers, which a state dict does not tell; one or a list.
    output_activation, loss : None takes the task's own: for classes outputs of PyTorch are logits,
        and sigmoid or softmax makes probabilities of them.
    classes : the labels in the order of the outputs; None: 0, 1, ...
    layers : the names of the `Linear` modules from input to output, where their names and shapes
        do not tell.
    batch_normalization : "before" or "after" the activation, if there is any; its options are
        PyTorch's defaults unless given, as in "before(epsilon=1e-3)".
    columns : names of the inputs; None: they have none. dtype : None takes the weights' own.

    >>> state = {"0.weight": [[1.0, -1.0]], "0.bias": [0.5]}
    >>> model = from_pytorch({k: np.array(v) for k, v in state.items()}, task="regression")
    >>> model.predict([[3.0, 1.0]])
    array([2.5])

    Raises ArgumentError, naming the shapes, for weights that do not fit together; ModelFileError
    for a file that cannot be read.
    """
    found = layers_of_state_dict(read_state_dict(weights), layers)
    check_chain(found)
    return _model(
        found, task, activation, output_activation, loss, classes,
        _place(found, batch_normalization, _PYTORCH_NORM), columns, dtype,
    )  # fmt: skip


def from_keras(
    weights: Sequence[Any],
    *,
    task: str,
    activation: object = "relu",
    output_activation: object = None,
    loss: object = None,
    classes: Sequence[Any] | None = None,
    batch_normalization: object = None,
    columns: Sequence[str] | None = None,
    dtype: str | None = None,
) -> Model:
    """Return a model with the weights of a Keras stack of `Dense` layers; Keras is not needed.

    ``weights`` is what ``model.get_weights()`` returns: kernels (n_in, n_out), biases, and gamma,
    beta, moving mean and moving variance of `BatchNormalization`. The rest is as for
    `from_pytorch`, with Keras' defaults for batch normalisation.

    >>> from_keras([[[1.0], [-1.0]], [0.5]], task="regression").predict([[3.0, 1.0]])
    array([2.5])

    Raises ArgumentError, naming the shapes, for weights that do not fit together.
    """
    found = layers_of_list(weights)
    check_chain(found)
    return _model(
        found, task, activation, output_activation, loss, classes,
        _place(found, batch_normalization, _KERAS_NORM), columns, dtype,
    )  # fmt: skip


def from_sklearn(estimator: Any, *, dtype: str | None = None) -> Model:
    """Return a model with the weights of a fitted scikit-learn `MLPClassifier` or `MLPRegressor`.

    ``estimator`` may also be a pipeline of a `StandardScaler` and one of these. ``dtype``: None
    takes the weights' own.

    >>> from sklearn.neural_network import MLPRegressor
    >>> X, y = np.arange(20.0).reshape(10, 2), np.arange(10.0)
    >>> theirs = MLPRegressor(hidden_layer_sizes=[4], random_state=0).partial_fit(X, y)
    >>> bool(abs(from_sklearn(theirs).predict(X) - theirs.predict(X)).max() < 1e-9)
    True

    Raises ArgumentError for another estimator, one that is not fitted, one of a single class, and
    for fastnn's own, which know more than their weights: those have `to_model`.
    """
    scaler, mlp = _steps(estimator)
    if hasattr(mlp, "to_model"):
        raise ArgumentError(
            f"{type(mlp).__name__} is fastnn's own, and its weights are not all of it: use its "
            "to_model(), with standardize=True in the place of a StandardScaler",
            argument="estimator",
        )
    if not hasattr(mlp, "coefs_"):
        raise ArgumentError(
            f"{type(mlp).__name__} is not a fitted MLPClassifier or MLPRegressor: it has no coefs_",
            argument="estimator",
        )
    pairs = zip(mlp.coefs_, mlp.intercepts_, strict=True)
    found = [
        LayerWeights(f"coefs_[{l}]", np.asarray(W).T, np.asarray(b))
        for l, (W, b) in enumerate(pairs)
    ]
    check_chain(found, "estimator")
    task, classes, loss, flat = _sklearn_task(mlp)
    names = getattr(scaler if scaler is not None else mlp, "feature_names_in_", None)
    made = _model(
        found, task, mlp.activation, None, loss, classes, None,
        None if names is None else [str(name) for name in names], dtype, flat,
    )  # fmt: skip
    if scaler is not None:
        n = made.features.n_features
        features = made.features
        mean = scaler.mean_ if scaler.with_mean else np.zeros(n)
        scale = scaler.scale_ if scaler.with_std else np.ones(n)
        made.features = Features(
            features.columns, features.positional, features.numeric, (), {},
            np.array(mean, np.float64), np.array(mean, np.float64), np.array(scale, np.float64),
            True, features.dtype,
        )  # fmt: skip
    return made


def _steps(estimator: Any) -> tuple[Any, Any]:
    steps = getattr(estimator, "steps", None)
    if steps is None:
        return None, estimator
    kinds = [type(step).__name__ for _, step in steps]
    if len(steps) == 1:
        return None, steps[0][1]
    if len(steps) != 2 or kinds[0] != "StandardScaler":
        raise ArgumentError(
            f"a pipeline of {', '.join(kinds)} cannot be read: only of a StandardScaler and an "
            "MLPClassifier or MLPRegressor",
            argument="estimator",
        )
    return steps[0][1], steps[1][1]


def _sklearn_task(mlp: Any) -> tuple[Task, Array | None, str | None, bool]:
    """Return task, classes, loss, and whether predictions are one column without an axis."""
    outputs = {"exp": "poisson"}
    if not hasattr(mlp, "classes_"):
        return "regression", None, outputs.get(mlp.out_activation_), mlp.n_outputs_ == 1
    if mlp.out_activation_ == "softmax":
        return "multiclass", np.asarray(mlp.classes_), None, True
    if mlp.n_outputs_ == 1 and len(mlp.classes_) < 2:
        raise ArgumentError(
            f"{type(mlp).__name__} was fitted to one class, {mlp.classes_[0]}: a model needs two",
            argument="estimator",
        )
    if mlp.n_outputs_ == 1:
        return "binary", np.asarray(mlp.classes_), None, True
    return "multilabel", None, None, False


def _place(layers: Sequence[LayerWeights], spec: object, defaults: dict[str, float]) -> object:
    """Return the batch normalisation of each hidden layer, with the other library's defaults."""
    there = [layer.norm is not None for layer in layers]
    if not any(there):
        if spec is not None:
            raise ArgumentError(
                f"{arg('batch_normalization', spec)} has no effect: the weights have none"
            )
        return None
    if spec is None:
        raise ArgumentError(
            "the weights have batch normalisation: say where it is, "
            f"{arg('batch_normalization', 'before')} or 'after' the activation"
        )
    if there[-1]:
        raise ArgumentError(
            f"batch normalisation after the output layer {layers[-1].name!r} cannot be read",
            argument="weights",
        )
    name, given = parse_choice(spec, "batch_normalization")
    rule = {"name": PLACES[name].name, **defaults, **given}
    return [rule if norm else None for norm in there[:-1]]


def _model(
    layers: list[LayerWeights],
    task_name: str,
    activation: object,
    output_activation: object,
    loss: object,
    classes: Any,
    batch_normalization: object,
    columns: Sequence[str] | None,
    dtype: str | None,
    flat: bool = True,
) -> Model:
    task = check_task(cast(Any, task_name))
    dtype = check_dtype(_own_dtype(layers) if dtype is None else dtype).name
    K, n_features = len(layers[-1].W), layers[0].W.shape[1]
    softmax = task == "multiclass" or (task == "binary" and K == 2)
    cost = choose_loss("categorical_crossentropy" if loss is None and softmax else loss, task)
    output = choose_output(output_activation, task, cost)
    layers, targets = _targets(layers, task, classes, dtype, flat)
    net = network(
        (n_features, *(len(layer.W) for layer in layers)),
        activation=activation if len(layers) > 1 else [],
        output_activation=output,
        loss_function=cost,
        batch_normalization=batch_normalization,
    )
    parameters = Parameters(net, CpuBackend(), dtype)
    for l, layer in enumerate(layers, start=1):
        places = [parameters.W[l - 1].T, parameters.b[l - 1]]
        norm = parameters.norms.get(l)
        if norm is not None:
            places += [norm.gamma, norm.beta, norm.mean, norm.variance]
        for place, values in zip(places, (layer.W.T, layer.b, *(layer.norm or ())), strict=True):
            with np.errstate(over="ignore"):
                place[:] = values.reshape(place.shape)
            if not np.isfinite(place).all():
                raise ArgumentError(
                    f"layer {layer.name!r} has weights that are too large for {dtype}: use "
                    f"{arg('dtype', 'float64')}"
                )
    features = _features(columns, n_features, dtype)
    learner = Learner(net, parameters, CpuBackend(), history=History(stopped="epochs"))
    return Model(learner, features, targets)


def _own_dtype(layers: Sequence[LayerWeights]) -> str:
    return "float64" if any(layer.W.dtype == np.float64 for layer in layers) else "float32"


def _features(columns: Sequence[str] | None, n: int, dtype: str) -> Features:
    if columns is None:
        table = Table.from_columns({"x": np.zeros((1, n))}, positional=True)
    else:
        if len(columns) != n:
            raise ArgumentError(
                f"{arg('columns')} names {len(columns)} inputs, the weights have {n}"
            )
        table = Table.from_columns({str(name): np.zeros(1) for name in columns})
    return Features.fit(table, dtype=dtype, standardize=False)


def _targets(
    layers: list[LayerWeights], task: Task, classes: Any, dtype: str, flat: bool
) -> tuple[list[LayerWeights], Targets]:
    """Return the targets, and the layers with the outputs in the order of the sorted classes."""
    last, K = layers[-1], len(layers[-1].W)
    if task in ("multilabel", "regression"):
        if classes is not None:
            raise ArgumentError(f"{arg('classes')} has no effect with task {task!r}: leave it out")
        if task == "multilabel":
            return layers, Targets(task, None, K, None, None, False, dtype)
        return layers, Targets(task, None, K, np.zeros(K), np.ones(K), flat and K == 1, dtype)
    wanted = 2 if task == "binary" else K
    if (task == "binary" and K > 2) or (task == "multiclass" and K < 2):
        raise ArgumentError(
            f"{arg('task')} {task!r} does not fit the {K} outputs of layer {last.name!r}"
        )
    labels = np.asarray(np.arange(wanted) if classes is None else classes)
    if labels.shape != (wanted,) or len(np.unique(labels)) != wanted:
        raise ArgumentError(
            f"{arg('classes')} must be {wanted} different labels in the order of the outputs, "
            f"found {classes!r}"
        )
    order = np.argsort(labels)
    W, b = (-last.W, -last.b) if K == 1 and order[0] else (last.W, last.b)
    if K > 1:
        W, b = W[order], b[order]
    layers = [*layers[:-1], LayerWeights(last.name, W, b, last.norm)]
    return layers, Targets(
        task, labels[order], 1 if task == "binary" else K, None, None, True, dtype
    )
