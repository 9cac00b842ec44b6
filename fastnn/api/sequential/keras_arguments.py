"""Arguments of Keras that change nothing by default: taken so, else refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn.api.sequential import keras_names
from fastnn.errors import ArgumentError, shown

#: The values that change nothing, None for all of them; and what to do instead of another one.
_Taken = tuple[tuple[object, ...] | None, str]

_ANY: _Taken = (None, "")
_PENALTY: _Taken = (
    (None,),
    "l2 and l1 are arguments of compile, for the weights of every layer (for Keras' c sum w^2 "
    "write compile(l2=2*c*N), with N training examples)",
)
_CONSTRAINT: _Taken = ((None,), "there are no constraints; compile(l2=...) keeps weights small")
_DTYPE: _Taken = ((None,), "it is one for all layers: Sequential(dtype=...)")
_LAYER: Mapping[str, _Taken] = {
    "dtype": _DTYPE,
    "trainable": ((True,), "every layer is trained; a ParameterGroup of compile(groups=...) with "
                  "learning_rate_factor=0 holds one"),
}  # fmt: skip
_EPOCH = "an epoch is all examples, in batches of batch_size"
_ROWS: Mapping[str, _Taken] = {
    "steps": ((None,), "all rows are used; take a part of X"),
    "callbacks": ((None, (), []), "only fit has callbacks"),
}

_ARGUMENTS: Mapping[str, Mapping[str, _Taken]] = {
    "Input": {
        "dtype": _DTYPE,
        "batch_size": ((None,), "the number of rows is free; batch_size is an argument of fit"),
        "sparse": ((None, False), "rows are dense"),
    },
    "Dense": {
        **_LAYER,
        "bias_initializer": (
            (None, "zeros", "Zeros", "zero"),
            "biases start at 0; set_weights sets others",
        ),
        "kernel_regularizer": _PENALTY,
        "bias_regularizer": ((None,), "biases are not penalised"),
        "activity_regularizer": ((None,), "outputs are not penalised"),
        "kernel_constraint": _CONSTRAINT,
        "bias_constraint": _CONSTRAINT,
    },
    "Activation": _LAYER,
    "Flatten": {
        **_LAYER,
        "data_format": ((None, "channels_last"), "an example is flattened as it lies in memory"),
    },
    "Dropout": {
        **_LAYER,
        "noise_shape": ((None,), "each output is dropped by itself"),
        "seed": ((None,), "the seed is an argument of Sequential"),
    },
    "BatchNormalization": {
        **_LAYER,
        "axis": ((-1, 1), "the units are the last axis"),
        "center": ((True,), "beta is learnt"),
        "scale": ((True,), "gamma is learnt"),
    },
    "Normalization": {
        **_LAYER,
        "axis": ((-1,), "each column has its own mean and deviation"),
        "mean": ((None,), "fit learns it"),
        "variance": ((None,), "fit learns it"),
    },
    "compile": {
        "jit_compile": ((None, True, False, "auto"), "engine is an argument of Sequential"),
        "run_eagerly": ((None, False), "a callback sees the training after each epoch"),
        "steps_per_execution": ((None, 1, "auto"), "leave it out"),
        "auto_scale_loss": ((True,), "leave it out"),
        "loss_weights": ((None,), "there is one loss; weigh rows by sample_weight of fit"),
        "weighted_metrics": ((None, (), []), "metrics count sample_weight already"),
    },
    "fit": {
        "validation_freq": ((None, 1), "the validation part is judged after each epoch"),
        "validation_steps": ((None,), "the whole validation part is judged"),
        "validation_batch_size": _ANY,
        "initial_epoch": ((0,), "fit goes on with the epochs of the fits before by itself"),
        "steps_per_epoch": ((None,), _EPOCH),
        "workers": _ANY,
        "use_multiprocessing": _ANY,
        "max_queue_size": _ANY,
    },
    "evaluate": _ROWS,
    "predict": _ROWS,
}


def without_effect(owner: str, given: Mapping[str, Any], known: object) -> dict[str, Any]:
    """Return the arguments without those of Keras that change nothing as they are.

    ``known``: the arguments that the function has itself.

    >>> without_effect("fit", {"epochs": 3, "validation_freq": 1}, ["epochs"])
    {'epochs': 3}
    >>> without_effect("fit", {"validation_freq": 2}, ["epochs"])
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: fit: validation_freq=2 is not there: the validation part is ...

    Raises ArgumentError for another value, with what to do instead.
    """
    own = _ARGUMENTS.get(owner, {})
    kept = {}
    for name, value in given.items():
        if name not in own or name in known:  # type: ignore[operator]
            kept[name] = value
            continue
        allowed, instead = own[name]
        if allowed is not None and not any(_same(value, one) for one in allowed):
            raise ArgumentError(
                f"{owner}: {name}={shown(value, 40)} is not there: {instead}",
                argument=name, value=value,
            )  # fmt: skip
    return kept


def _same(value: object, other: object) -> bool:
    return type(value) is type(other) and value == other


def optimizer_first(
    values: tuple[Any, ...], given: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of `compile` with the loss first, where they come in Keras' order.

    >>> optimizer_first(("adam", "mse"), {})
    (('mse', 'adam'), {})
    >>> optimizer_first(("adam",), {"loss": "mse"})
    ((), {'loss': 'mse', 'optimizer': 'adam'})
    """
    if values and keras_names.is_optimizer(values[0]):
        if len(values) > 1 and keras_names.is_loss(values[1]):
            return (values[1], values[0], *values[2:]), {**given}
        if len(values) == 1 and "loss" in given and "optimizer" not in given:
            return (), {**given, "optimizer": values[0]}
    return values, {**given}
