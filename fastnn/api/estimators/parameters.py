"""The constructor's parameters of the estimators: their ranges, and which of them have an effect.

An estimator keeps its parameters as they were given, and they are looked at when it is fitted:
that is how `clone` and grid searches want it. What was *set* is what differs from the default.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np

from fastnn.errors import ArgumentError
from fastnn.nn.parameters import check_dtype
from fastnn.recipe.checks import hidden_layer_sizes, whole
from fastnn.recipe.choices import OPTIONS, refuse_without_effect
from fastnn.registry import Option, did_you_mean

_NUMBERS = {
    option.name: option
    for option in (
        Option("alpha", 1e-4, low=0.0),
        Option("learning_rate_init", 0.001, low=0.0, open_low=True),
        Option("power_t", 0.5, low=0.0),
        Option("tol", 1e-4, low=0.0),
        Option("momentum", 0.9, low=0.0, high=1.0, open_high=True),
        Option("validation_fraction", 0.1, low=0.0, high=1.0, open_high=True),
        Option("beta_1", 0.9, low=0.0, high=1.0, open_high=True),
        Option("beta_2", 0.999, low=0.0, high=1.0, open_high=True),
        Option("epsilon", 1e-8, low=0.0, high=1.0, open_low=True),
        Option("label_smoothing", 0.0, low=0.0, high=1.0, open_high=True),
    )
}
_CHOICES = {
    "solver": ("adam", "sgd", "lbfgs"),
    "learning_rate": ("constant", "invscaling", "adaptive"),
    "missing_values": ("error", "median"),
}
_FLAGS = (
    *("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"),
    *("standardize", "standardize_target"),
)

Parameters = Mapping[str, Any]


def _stochastic(p: Parameters) -> bool:
    return bool(p["solver"] != "lbfgs")


def _descends_by(solver: str) -> Callable[[Parameters], bool]:
    return lambda p: p["optimizer"] is None and p["solver"] == solver


#: Who needs what: parameters, whether they are used, and where they are.
_USES: tuple[tuple[tuple[str, ...], Callable[[Parameters], bool], str], ...] = (
    (("solver",), lambda p: p["optimizer"] is None, "when optimizer is given: leave one out"),
    (("beta_1", "beta_2", "epsilon"), _descends_by("adam"), "unless solver='adam'"),
    (
        ("momentum", "nesterovs_momentum", "learning_rate"),
        _descends_by("sgd"),
        "unless solver='sgd'",
    ),
    (
        ("power_t",),
        lambda p: p["learning_rate"] == "invscaling",
        "unless learning_rate='invscaling'",
    ),
    (("max_fun",), lambda p: not _stochastic(p), "unless solver='lbfgs'"),
    (
        (
            *("batch_size", "learning_rate_init", "shuffle", "early_stopping"),
            *("dropout", "optimizer", "schedule", "gradient_clip", "groups", "callbacks"),
            *("batch_normalization",),
            *("validation_data", "monitor"),
        ),
        _stochastic,
        "with solver='lbfgs', which works on all examples at once",
    ),
    (
        ("validation_fraction",),
        lambda p: p["early_stopping"] and p["validation_data"] is None,
        "unless early_stopping=True, without validation_data",
    ),
    (
        ("monitor",),
        lambda p: p["early_stopping"] or p["validation_data"] is not None,
        "unless early_stopping=True or validation_data is given",
    ),
    (("schedule",), lambda p: p["learning_rate"] == "constant", "unless learning_rate='constant'"),
)  # fmt: skip


def keep(estimator: object, given: Mapping[str, Any]) -> None:
    """Store the arguments of a constructor, ``locals()``, as they are.

    >>> class Estimator:
    ...     def __init__(self, alpha=1):
    ...         keep(self, locals())
    >>> Estimator(alpha=3).alpha
    3
    """
    for name, value in given.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


def checked(estimator: Any) -> dict[str, Any]:
    """Return the estimator's parameters; raise ArgumentError for one out of range or without use.

    >>> from fastnn import MLPClassifier
    >>> checked(MLPClassifier(momentum=0.5))
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: momentum=0.5 has no effect unless solver='sgd'
    """
    given: dict[str, Any] = estimator.get_params(deep=False)
    _check_ranges(given)
    defaults = signature(type(estimator).__init__).parameters
    is_set = {name for name, value in given.items() if not _same(value, defaults[name].default)}
    for names, used, where in _USES:
        for name in names:
            if name in is_set and not used(given):
                raise ArgumentError(f"{name}={_shown(given[name])} has no effect {where}")
    if "n_iter_no_change" in is_set and not _stochastic(given):
        # Not refused: scikit-learn's checks set it on every estimator that has it.
        warnings.warn("n_iter_no_change has no effect with solver='lbfgs'", stacklevel=4)
    if not hidden_units(given):
        for name in ("activation", "dropout", "batch_normalization"):
            refuse_without_effect(OPTIONS[name], given[name])
    return given


def _check_ranges(given: Parameters) -> None:
    for name, value in given.items():
        if name in _NUMBERS:
            _NUMBERS[name].check("MLP", value)
        elif name in _CHOICES and value not in _CHOICES[name]:
            raise ArgumentError(
                f"{name} must be one of {', '.join(_CHOICES[name])}, found {value!r}"
                f"{did_you_mean(str(value), _CHOICES[name])}"
            )
        elif name in _FLAGS and not isinstance(value, (bool, np.bool_)):
            raise ArgumentError(f"{name} must be True or False, found {value!r}")
        elif name in ("max_iter", "max_fun"):
            whole(name, value)
    size = given["batch_size"]
    if not (isinstance(size, str) and size == "auto"):
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ArgumentError(
                f"batch_size must be a whole number from 1 or 'auto', found {size!r}"
            )
    if given["n_iter_no_change"] != np.inf:
        whole("n_iter_no_change", given["n_iter_no_change"])
    if not isinstance(given["verbose"], (bool, int, np.integer)) or given["verbose"] < 0:
        raise ArgumentError(f"verbose must be a bool or a whole number, found {given['verbose']!r}")
    callbacks = given["callbacks"]
    if callbacks is not None and not isinstance(callbacks, (list, tuple)):
        raise ArgumentError(f"callbacks must be a list of functions, found {callbacks!r}")
    if given["dtype"] is not None:
        check_dtype(given["dtype"])


def hidden_units(given: Parameters) -> tuple[int, ...]:
    """Return the units of each hidden layer.

    >>> hidden_units({"hidden_layer_sizes": 5})
    (5,)
    """
    return hidden_layer_sizes("hidden_layer_sizes", _listed(given["hidden_layer_sizes"]))


def _listed(sizes: Any) -> Any:
    """An array-like of sizes as a list; what is no array-like stays, to be refused."""
    return list(sizes) if hasattr(sizes, "__iter__") and not isinstance(sizes, str) else sizes


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if isinstance(value, (str, int, float, tuple, np.number)):
        return bool(type(default) is not type(None) and value == default)
    return isinstance(value, list) and isinstance(default, tuple) and tuple(value) == default


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"<{type(value).__name__}>"
