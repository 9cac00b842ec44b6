"""Arguments that do not exist are refused with the ones that do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

from fastnn.errors import ArgumentError
from fastnn.registry import did_you_mean

T = TypeVar("T")


def refuse_unknown(owner: str, function: Callable[..., Any], unknown: Iterable[str]) -> None:
    """Raise ArgumentError for the first of the names ``unknown``; ``function`` has the known ones.

    >>> def fit(epochs=1, **unknown): ...
    >>> refuse_unknown("fit", fit, {"epoch": 3})
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: fit has no argument 'epoch'; did you mean 'epochs'? (it has epochs)
    """
    for name in unknown:
        known = [
            parameter.name
            for parameter in signature(function).parameters.values()
            if parameter.name != "self" and parameter.kind is not parameter.VAR_KEYWORD
        ]
        raise ArgumentError(
            f"{owner} has no argument {name!r}{did_you_mean(name, known)} "
            f"(it has {', '.join(known) or 'none'})"
        )


def strict(cls: type[T]) -> type[T]:
    """Make a class refuse unknown arguments as `refuse_unknown` does.

    >>> @strict
    ... class Dropout:
    ...     def __init__(self, rate): ...
    >>> Dropout(ratio=0.5)
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: Dropout has no argument 'ratio'; did you mean 'rate'? (it has rate)
    """
    made: Callable[..., None] = cls.__init__
    known = signature(made).parameters

    @wraps(made)
    def checked(self: T, *values: Any, **given: Any) -> None:
        refuse_unknown(cls.__name__, made, [name for name in given if name not in known])
        made(self, *values, **given)

    cls.__init__ = checked  # type: ignore[method-assign, assignment]
    return cls


def one_of(name: str, value: object, choices: Mapping[Any, T]) -> T:
    """Return what ``choices`` has for ``value``; raise ArgumentError naming the argument if not.

    >>> one_of("verbose", True, {0: "nothing", 1: "progress"})
    'progress'
    """
    if not isinstance(value, (bool, int, str)) or value not in choices:
        raise ArgumentError(f"{name} must be {' or '.join(map(repr, choices))}, found {value!r}")
    return choices[value]
