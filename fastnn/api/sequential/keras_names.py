"""Keras' names: the rows of the tables that they are, with Keras' values and names of options.

A name that Keras has means in `Sequential` what it means in Keras. Names that only fastnn has
("squared_error", "gradient_descent", "momentum") keep the definitions of the notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastnn.errors import ArgumentError, arg
from fastnn.nn import activations, initializers, losses, optimizers
from fastnn.nn.groups import ParameterGroup
from fastnn.registry import Option, Row, did_you_mean, parse_choice
from fastnn.training.metrics import METRICS

Options = dict[str, Any]

#: Packages whose objects are taken for no expression of one's own.
_OTHERS = ("keras", "tf_keras", "tensorflow", "torch", "jax", "optax")

#: Keras' names of options, and ours.
_SPELT = {
    "beta_1": "beta1",
    "beta_2": "beta2",
    "rho": "beta",
    "negative_slope": "slope",
    "stddev": "scale",
}

#: Keras' options that can only be what they are by default, and what to do instead.
_ONLY: Mapping[str, tuple[object, str]] = {
    "from_logits": (
        False,
        "leave it out and give the last layer the activation of the loss: it is computed from the "
        "logits then",
    ),
    "reduction": ("sum_over_batch_size", "a loss is the mean over the examples"),
    "axis": (-1, "the outputs are the last axis"),
    "ignore_class": (None, "leave such rows out, or give them the sample_weight 0"),
    "amsgrad": (False, "leave it out"),
    "centered": (False, "leave it out"),
    "clipnorm": (
        None,
        "it clips each array by itself, and here is only global_clipnorm, for all arrays together",
    ),
    "clipvalue": (None, "use global_clipnorm"),
    "use_ema": (False, "leave it out"),
    "loss_scale_factor": (None, "leave it out"),
    "gradient_accumulation_steps": (None, "take a larger batch_size"),
    "mean": (0.0, "leave it out"),
    "seed": (None, "the seed is an argument of Sequential"),
}


def refuse_objects(kind: str, spec: object) -> None:
    """Raise ArgumentError for an object, a class or a function of Keras or a like library.

    >>> refuse_objects("optimizer", "adam")
    """
    cls = spec if isinstance(spec, type) or hasattr(spec, "__qualname__") else type(spec)
    module, name = str(getattr(cls, "__module__", "")), getattr(cls, "__name__", "")
    if module.partition(".")[0] in _OTHERS:
        raise ArgumentError(
            f"{arg(kind)} is {name} of {module.partition('.')[0]}, found {spec!r:.60}: give its "
            f"name, with options if need be, such as {kind}={name!r} or '{name}(option=value)'"
        )


def spelling(name: str, known: Iterable[str]) -> str:
    """Return the name in ``known`` that ``name``, spelt like a class, is; else ``name`` itself.

    >>> spelling("HeNormal", ["he_normal"]), spelling("LeakyReLU", ["leaky_relu"])
    ('he_normal', 'leaky_relu')
    >>> spelling("henormal", ["he_normal"])
    'henormal'
    """
    known = list(known)
    if name in known or name == name.lower():
        return name
    return {k.replace("_", ""): k for k in known}.get(name.replace("_", "").lower(), name)


def _names(rows: Iterable[Row]) -> list[str]:
    return [name for row in rows for name in (row.name, *row.aliases)]


def _parsed(spec: object, kind: str) -> tuple[str, Options]:
    name, options = parse_choice(spec, kind)
    return name, {key: None if value == "None" else value for key, value in options.items()}


def _read(spec: object, kind: str, known: Iterable[str]) -> tuple[str, Options]:
    """Return name and options of a choice: class names, Keras' options by our names."""
    given, options = _parsed(spec, kind)
    return spelling(given, known), _renamed(f"{arg(kind)} {given!r}", options, _ONLY)


def _renamed(owner: str, given: Options, only: Mapping[str, tuple[object, str]]) -> Options:
    options: Options = {}
    for key, value in given.items():
        if key in only:
            allowed, instead = only[key]
            if value != allowed:
                raise ArgumentError(
                    f"{owner}: {key}={value!r} is not there, only {allowed!r}: {instead}"
                )
            continue
        own = _SPELT.get(key, key)
        if own in options:
            raise ArgumentError(f"{owner}: {own} is given twice, once as {key}: give it once")
        options[own] = value
    return options


# ---------------------------------------------------------------- losses

#: The row, and by what its sum over the outputs is multiplied for Keras' sum; Keras then takes the
#: mean over the outputs. None where Keras, too, has one number for each example.
_LOSSES: Mapping[str, tuple[str, float | None]] = {
    "mean_squared_error": ("squared_error", 2.0),
    "mse": ("squared_error", 2.0),
    "mean_absolute_error": ("absolute_error", 1.0),
    "mae": ("absolute_error", 1.0),
    "huber": ("huber", 1.0),
    "poisson": ("poisson", 1.0),
    "binary_crossentropy": ("binary_crossentropy", 1.0),
    "bce": ("binary_crossentropy", 1.0),
    "categorical_crossentropy": ("categorical_crossentropy", None),
    # The shape of y says whether it holds class indices or one-hot rows.
    "sparse_categorical_crossentropy": ("categorical_crossentropy", None),
}


def loss(spec: object, n_outputs: int) -> losses.LossFunction:
    """Return the loss, by Keras' name with Keras' value, by fastnn's with the notes'.

    >>> print(loss("MeanSquaredError", 4), loss("squared_error", 4))
    squared_error(factor=0.5) squared_error

    Raises ArgumentError for a name that does not exist, and for an optimiser.
    """
    refuse_objects("loss", spec)
    if not isinstance(spec, (str, Mapping)) or parse_choice(spec, "loss")[0] == "custom":
        return losses.loss(spec)
    name, options = _read(spec, "loss", [*_LOSSES, *_names(losses.LOSSES)])
    if name in _LOSSES:
        row, times = _LOSSES[name]
        if "factor" in options:
            raise ArgumentError(f"{arg('loss')} {name!r} is Keras' and has no factor; {row!r} has")
        if times is not None:
            options["factor"] = times / n_outputs
        name = row
    elif is_optimizer(name):
        raise ArgumentError(
            f"{arg('loss')} {name!r} is an optimizer: the loss comes first, compile(loss, "
            "optimizer), or give both by name"
        )
    return losses.loss({"name": name, **options})


def is_loss(spec: object) -> bool:
    """Say whether a choice is the name of a loss, with or without options.

    >>> is_loss("MSE"), is_loss("adam")
    (True, False)
    """
    return _is_name(spec, "loss", [*_LOSSES, *_names(losses.LOSSES)])


def is_optimizer(spec: object) -> bool:
    """Say whether a choice is the name of an optimiser, with or without options.

    >>> is_optimizer("SGD(momentum=0.9)"), is_optimizer("mse")
    (True, False)
    """
    return _is_name(spec, "optimizer", [*_OPTIMIZERS, *_names(optimizers.OPTIMIZERS)])


def _is_name(spec: object, kind: str, known: Iterable[str]) -> bool:
    if not isinstance(spec, (str, Mapping)):
        return False
    try:
        return spelling(_parsed(spec, kind)[0], known) in [*known]
    except ArgumentError:
        return False


# ---------------------------------------------------------------- optimisers

_NO_DECAY = {"weight_decay": (None, "use AdamW, or l2, an argument of compile")}
_ADAM: Options = {
    "learning_rate": 0.001,
    "epsilon": 1e-7,
    "epsilon_placement": "before_correction",
    "weight_decay": None,
}

#: Keras' optimisers: its defaults, by our names, where they are not the row's; what is not there.
_OPTIMIZERS: Mapping[str, tuple[Options, Mapping[str, tuple[object, str]]]] = {
    "sgd": ({"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}, _NO_DECAY),
    "rmsprop": (
        {"learning_rate": 0.001, "epsilon": 1e-7},
        {"momentum": (0.0, "leave it out"), **_NO_DECAY},
    ),
    "adam": (_ADAM, {}),
    "adamw": ({**_ADAM, "weight_decay": 0.004}, {}),
}
_MOMENTUM = Option("momentum", 0.0, low=0.0, high=1.0, open_high=True)
_NESTEROV = Option("nesterov", False)


def optimizer(spec: object, learning_rate: float | None = None) -> dict[str, Any]:
    """Return the arguments of `Recipe.of` that an optimiser stands for.

    >>> optimizer("SGD(momentum=0.9)")
    {'optimizer': {'name': 'velocity', 'momentum': 0.9}, 'learning_rate': 0.01}
    >>> optimizer("momentum", 0.2)
    {'optimizer': {'name': 'momentum'}, 'learning_rate': 0.2}

    Raises ArgumentError for an option that does not exist, and for what Keras has and fastnn not.
    """
    refuse_objects("optimizer", spec)
    if not isinstance(spec, (str, Mapping)):
        return {"optimizer": spec, "learning_rate": learning_rate}
    given, options = _parsed(spec, "optimizer")
    owner, name = f"{arg('optimizer')} {given!r}", spelling(given, [*_OPTIMIZERS, *_names(_TABLE)])
    if learning_rate is not None and options.get("learning_rate") is not None:
        raise ArgumentError(
            f"{arg('learning_rate')} is given twice: leave it out, or out of the optimizer"
        )
    found: dict[str, Any] = {}
    if name not in _OPTIMIZERS:
        options = _renamed(owner, options, _ONLY)
    else:
        defaults, only = _OPTIMIZERS[name]
        only = {**_ONLY, **only}
        _refuse_unknown(owner, name, options, only)
        options = {**defaults, **_renamed(owner, options, only)}
        if name == "sgd":
            name = _descent(owner, options)
        decay, clip = options.pop("weight_decay", None), options.pop("global_clipnorm", None)
        if decay is not None:  # Keras' decays every parameter
            name, options = "adamw", {**options, "weight_decay": decay}
            found["groups"] = (ParameterGroup("all", weight_decay=decay),)
        if clip is not None:
            found["gradient_clip"] = clip
    rate = options.pop("learning_rate", None)
    rate = rate if learning_rate is None else learning_rate
    return {"optimizer": {"name": name, **options}, "learning_rate": rate, **found}


_TABLE = optimizers.OPTIMIZERS


def _descent(owner: str, options: Options) -> str:
    """Return the row of Keras' SGD, and leave the options that it has."""
    ahead = _NESTEROV.check(owner, options.pop("nesterov"))
    if not _MOMENTUM.check(owner, options["momentum"]):
        del options["momentum"]
        return "gradient_descent"
    return "nesterov_velocity" if ahead else "velocity"


def _refuse_unknown(owner: str, name: str, options: Options, only: Iterable[str]) -> None:
    row = _TABLE["velocity" if name == "sgd" else name]
    own = [*(o.name for o in row.options), *_OPTIMIZERS[name][0]]
    known = [*(keras for keras, ours in _SPELT.items() if ours in own), *own, "global_clipnorm"]
    for key in options:
        if key not in [*known, *only]:
            raise ArgumentError(
                f"{owner} has no option {key!r}{did_you_mean(key, known)} "
                f"(its options: {', '.join(dict.fromkeys(known))})"
            )


# ---------------------------------------------------------------- layers


def activation(spec: object) -> activations.ActivationFunction:
    """Return an activation; "leaky_relu" has Keras' slope of 0.2.

    >>> activation("LeakyReLU").to_json(), activation("ReLU").name
    ({'name': 'leaky_relu', 'slope': 0.2}, 'relu')

    Raises ArgumentError for a name that does not exist.
    """
    refuse_objects("activation", spec)
    if not isinstance(spec, (str, Mapping)) or parse_choice(spec, "activation")[0] == "custom":
        return activations.activation(spec)
    name, options = _read(spec, "activation", _names(activations.ACTIVATIONS))
    if name == "leaky_relu":
        options.setdefault("slope", 0.2)
    return activations.activation({"name": name, **options})


def initializer(spec: object) -> object:
    """Return an initialiser as fastnn writes it.

    >>> initializer("GlorotUniform"), initializer("RandomNormal(stddev=0.1)")
    ('glorot_uniform', {'name': 'random_normal', 'scale': 0.1})

    Raises ArgumentError for a name or an option that does not exist.
    """
    refuse_objects("kernel_initializer", spec)
    name, options = _read(spec, "initializer", _names(initializers.INITIALIZERS))
    low, high = options.pop("minval", None), options.pop("maxval", None)
    if low is not None or high is not None:
        if low is None or high is None or low != -high or "scale" in options:
            raise ArgumentError(
                f"{arg('initializer')} {name!r}: minval={low!r}, maxval={high!r} must lie as far "
                "below 0 as above it: it is uniform on [-scale, scale]"
            )
        options["scale"] = high
    made = {"name": name, **options} if options else name
    initializers.initializer(made)
    return made


# ---------------------------------------------------------------- metrics

#: Keras' metrics that count each output by itself, and the rows that do with the option pooled.
_POOLED = {
    "AUC": "roc_auc",
    "Precision": "precision",
    "Recall": "recall",
    "RootMeanSquaredError": "rmse",
    "root_mean_squared_error": "rmse",
    "BinaryAccuracy": "accuracy",
    "binary_accuracy": "accuracy",
    "binary_crossentropy": "log_loss",
}
_METRICS = {
    "categorical_crossentropy": "log_loss",
    "sparse_categorical_crossentropy": "log_loss",
    "r2_score": "r2",
    "top_k_categorical_accuracy": "top_k_accuracy",
    "sparse_top_k_categorical_accuracy": "top_k_accuracy",
}

#: Keras' metrics that have another value here, or none.
_ELSE = {
    "f1_score": "Keras' is one number for each output, of outputs that are not labels; write 'f1', "
    "of the labels, its mean over the outputs or classes",
}


def metric(spec: object, n_outputs: int) -> object:
    """Return a metric as `fastnn.train` takes it.

    >>> metric("Precision", 1), metric("Precision", 3), metric("MeanSquaredError", 1)
    ('precision', {'name': 'precision', 'pooled': True}, 'mean_squared_error')

    Raises ArgumentError for an object of Keras; names are checked where the task is known.
    """
    refuse_objects("metrics", spec)
    if not isinstance(spec, (str, Mapping)):
        return spec
    name, options = _read(spec, "metric", [*_POOLED, *_METRICS, *_ELSE, *_names(METRICS)])
    if name in _ELSE:
        raise ArgumentError(f"{arg('metric')} {name!r} is not there: {_ELSE[name]}")
    if name in _POOLED and n_outputs > 1:
        options["pooled"] = True
    name = {**_POOLED, **_METRICS}.get(name, name)
    return {"name": name, **options} if options else name
