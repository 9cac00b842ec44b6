"""The constructor's parameters of the estimators: their ranges, and which of them have an effect.

An estimator keeps its parameters as they were given, and they are looked at when it is fitted:
that is how `clone` and grid searches want it. What was *set* is what differs from the default.

A parameter that was set and has no effect is refused if it is fastnn's. One of scikit-learn's,
which says nothing then, is left out with a warning: a search over several solvers must not fail
where scikit-learn's does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from inspect import signature
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np

from fastnn.errors import ArgumentError, about, arg, in_python, shown, warn
from fastnn.nn.parameters import check_dtype
from fastnn.recipe.checks import (
    Check,
    above_0,
    flag,
    hidden_layer_sizes,
    listed,
    number,
    one_of,
    share,
    size,
    whole,
)
from fastnn.recipe.choices import OPTIONS, options, refuse_unknown, refuse_without_effect
from fastnn.recipe.documentation import with_options
from fastnn.recipe.rows import Option as Row
from fastnn.recipe.table import RecipeOptions, RunOptions
from fastnn.registry import did_you_mean
from fastnn.training.callbacks import as_callback

Parameters = Mapping[str, Any]
Init = TypeVar("Init", bound=Callable[..., None])


def _stochastic(p: Parameters) -> bool:
    return bool(p["solver"] != "lbfgs")


def _descends_by(solver: str) -> Callable[[Parameters], bool]:
    return lambda p: p["optimizer"] is None and p["solver"] == solver


def _flag(name: str, value: object) -> bool:
    return flag(name, bool(value) if isinstance(value, np.bool_) else value)


def _momentum(name: str, value: object) -> float:
    """1 is allowed, as by scikit-learn, where momentum has no effect."""
    one = isinstance(value, Real) and not isinstance(value, bool) and value == 1
    return 1.0 if one else share(name, value)


def _patience(name: str, value: object) -> object:
    return value if isinstance(value, float) and value == math.inf else whole(name, value)


def _verbose(name: str, value: object) -> object:
    if not isinstance(value, (Integral, np.bool_)) or value < 0:
        raise ArgumentError(
            f"{arg(name)} must be True, False or a whole number, found {shown(value)}"
        )
    return value


def _random_state(name: str, value: Any) -> Any:
    from sklearn.utils import check_random_state

    try:
        return check_random_state(value)
    except ValueError as error:
        raise ArgumentError(f"{arg(name)}: {error}") from None


#: The checks of what the table of options does not have, or has otherwise.
_CHECKS: Mapping[str, Check] = {
    "solver": one_of("adam", "sgd", "lbfgs"),
    "learning_rate": one_of("constant", "invscaling", "adaptive"),
    "missing_values": one_of("error", "median"),
    **dict.fromkeys(("alpha", "power_t", "tol"), number),
    **dict.fromkeys(("learning_rate_init", "epsilon"), above_0),
    **dict.fromkeys(("validation_fraction", "beta_1", "beta_2"), share),
    "momentum": _momentum,
    **dict.fromkeys(("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"), _flag),
    **dict.fromkeys(("standardize", "standardize_target"), _flag),
    **dict.fromkeys(("max_iter", "max_fun"), whole),
    "batch_size": size("auto"),
    "n_iter_no_change": _patience,
    "verbose": _verbose,
    "random_state": _random_state,
    "callbacks": lambda name, value: [as_callback(one) for one in listed(name, value)],
    "dtype": lambda name, value: check_dtype(value),
}

#: scikit-learn's parameters that some fits do not use. ``solver`` is not among them: beside
#: ``optimizer`` it contradicts.
_THEIRS = frozenset(
    (
        *("activation", "batch_size", "learning_rate", "learning_rate_init", "power_t", "shuffle"),
        *("momentum", "nesterovs_momentum", "early_stopping", "validation_fraction"),
        *("beta_1", "beta_2", "epsilon", "n_iter_no_change", "max_fun"),
    )
)

#: Who needs what: parameters, whether they are used, and where they are. The first row that says
#: no is the one that is heard: what depends on the solver comes before what depends on more.
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
        "unless learning_rate='invscaling', which is for solver='sgd'",
    ),
    (("max_fun",), lambda p: not _stochastic(p), "unless solver='lbfgs'"),
    (
        (
            *("batch_size", "learning_rate_init", "shuffle", "early_stopping"),
            *("validation_fraction", "n_iter_no_change"),
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
    (("activation",), lambda p: bool(hidden_units(p)), "where there is no hidden layer"),
)  # fmt: skip


#: What scikit-learn calls otherwise than `fastnn.train`; the last three are for messages.
_NAMES = {
    "epochs": "max_iter",
    "learning_rate": "learning_rate_init",
    "l2": "alpha",
    "patience": "n_iter_no_change",
    "min_delta": "tol",
    "seed": "random_state",
    "metrics": "monitor",
    "categorical": "categorical_features",
    "learning_rate_": "learning_rate",  # scikit-learn's own, which is the name of a course
}

#: Options of `fastnn.train` that the estimators do not have, and what does their work.
ELSEWHERE = {
    "fractions": "use validation_fraction, and scikit-learn's splitters",
    "split": "use scikit-learn's splitters and validation_data",
    "split_seed": "use random_state",
    "fold": "use scikit-learn's cross-validation",
    "metrics": "use scoring, of scikit-learn's searches",
    "tolerance": "use tol",
    "output_activation": "use loss",
    "class_weight": "only a classifier has classes",
    "label_smoothing": "only a classifier has classes",
    "standardize_target": "only a regressor's target is numbers",
}


def as_parameter(name: str, value: str | None = None) -> str:
    """Spell an argument as the estimators call it: for `fastnn.errors.spelled`.

    >>> as_parameter("epochs"), as_parameter("loss", "'mse'")
    ('max_iter', "loss='mse'")
    """
    return in_python(_NAMES.get(name, name), value)


def more_options(init: Callable[..., None]) -> dict[str, Row]:
    """Return the options of the table that a constructor takes without naming them.

    >>> from fastnn import MLPRegressor
    >>> [*more_options(MLPRegressor.__init__)][:2]
    ['l1', 'micro_batch_size']
    """
    named = {*signature(init, follow_wrapped=False).parameters, *_NAMES, *ELSEWHERE}
    named -= set(vars(init).get("more", ()))
    return {
        name: row for name, row in options(RecipeOptions, RunOptions).items() if name not in named
    }


def completed(init: Init) -> Init:
    """Let a constructor take the other options of the table too: ``**more``, in its signature.

    So an option that is new in the table is a parameter of the estimators.

    >>> class Estimator:
    ...     @completed
    ...     def __init__(self, hidden_layer_sizes=(100,), **more):
    ...         keep(self, locals())
    >>> Estimator(l1=0.5).l1, Estimator().dropout
    (0.5, 0.0)
    """
    rows = more_options(init)
    init.__signature__ = with_options(signature(init), rows.values())  # type: ignore[attr-defined]
    init.more = tuple(rows)  # type: ignore[attr-defined]
    return init


def keep(estimator: Any, given: Mapping[str, Any]) -> None:
    """Store the arguments of a constructor, ``locals()``, as they are.

    >>> class Estimator:
    ...     def __init__(self, alpha=1):
    ...         keep(self, locals())
    >>> Estimator(alpha=3).alpha
    3

    Raises ArgumentError for a name that is no parameter.
    """
    init = type(estimator).__init__
    names = [name for name in signature(init).parameters if name != "self"]
    more = given.get("more", {})
    words = {ours: f"write {theirs}" for ours, theirs in _NAMES.items()} | ELSEWHERE
    refuse_unknown(type(estimator).__name__, more, names, words)
    for name in names:
        default = signature(init).parameters[name].default
        setattr(estimator, name, given[name] if name in given else more.get(name, default))


def checked(estimator: Any) -> dict[str, Any]:
    """Return the estimator's parameters; those of scikit-learn without effect at their defaults.

    "more" are those that `completed` has added.

    Raises ArgumentError for one out of range, and for one of fastnn's that has no effect.

    >>> from fastnn import MLPClassifier
    >>> checked(MLPClassifier(monitor="f1"))
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: monitor='f1' has no effect unless early_stopping=True or ...
    """
    given: dict[str, Any] = estimator.get_params(deep=False)
    defaults = {
        name: one.default for name, one in signature(type(estimator).__init__).parameters.items()
    }
    for name, value in given.items():
        _check(name, value, defaults[name])
    for names, used, where in _USES:
        for name in names:
            if _same(given[name], defaults[name]) or used(given):
                continue
            if name not in _THEIRS:
                raise ArgumentError(f"{arg(name, given[name])} has no effect {where}")
            # Without the value, so that a search has one text to be filtered.
            warn(f"{name} has no effect {where}{_instead(given, where)}")
            given[name] = defaults[name]  # nothing that comes after may see it
    share("momentum", given["momentum"])
    given["more"] = {name: given[name] for name in getattr(type(estimator).__init__, "more", ())}
    for name in given["more"]:
        if not _stochastic(given) and not _same(given[name], defaults[name]):
            raise ArgumentError(
                f"{arg(name, given[name])} has no effect with solver='lbfgs', which "
                "works on all examples at once"
            )
    if not hidden_units(given):
        for name in ("dropout", "batch_normalization"):
            refuse_without_effect(OPTIONS[name], given[name])
    return given


def _instead(given: Parameters, where: str) -> str:
    """What the solver is, where another one would be needed."""
    if not where.startswith("unless solver"):
        return ""
    return (
        f" (it is {given['solver']!r})" if given["optimizer"] is None else " (optimizer is given)"
    )


def _check(name: str, value: Any, default: Any) -> None:
    check = _CHECKS.get(name) or (OPTIONS[name].check if name in OPTIONS else None)
    if check is None or value is default or (isinstance(value, str) and value == default):
        return
    marked = name if name != "learning_rate" else "learning_rate_"
    try:
        with about(marked):
            check(marked, value)
    except ArgumentError as error:
        if default != "log_loss":  # a name for several losses, which are not called so
            raise
        hint = did_you_mean(str(value), [default]) or f"; {default!r} is the default"
        raise error.within(after=hint) from error.__cause__


def hidden_units(given: Parameters) -> tuple[int, ...]:
    """Return the units of each hidden layer.

    >>> hidden_units({"hidden_layer_sizes": 5})
    (5,)
    """
    return hidden_layer_sizes("hidden_layer_sizes", given["hidden_layer_sizes"])


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if isinstance(value, (str, int, float, tuple, np.number)):
        return bool(type(default) is not type(None) and value == default)
    return isinstance(value, list) and isinstance(default, tuple) and tuple(value) == default


def solver_is_stochastic(estimator: Any) -> bool:
    """Say whether an estimator has `partial_fit`; raise AttributeError if not."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True
