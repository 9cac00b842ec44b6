"""Calls that a signature does not allow are refused in words, with what it allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar, cast

from fastnn.api.sequential.keras_arguments import without_effect
from fastnn.errors import ArgumentError, arg, shown
from fastnn.recipe.choices import refuse_unknown

T = TypeVar("T")
P = ParamSpec("P")
Order = Callable[[tuple[Any, ...], Mapping[str, Any]], tuple[tuple[Any, ...], dict[str, Any]]]


def checked(
    owner: str, order: Order | None = None, **other_names: str
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make a method raise ArgumentError, not TypeError, for arguments that do not fit it.

    ``other_names``: names that an argument may have besides its own; ``order``: puts arguments of
    another order into ours. Arguments of Keras that change nothing may be there.

    >>> class Model:
    ...     @checked("fit", x="X")
    ...     def fit(self, X, y, *, epochs=1):
    ...         return X, y, epochs
    >>> Model().fit(x=1, y=2)
    (1, 2, 1)
    >>> Model().fit(1, 2, 32)
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: fit takes X, y by place, found 3 arguments: give the others by ...
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        known = [p for name, p in signature(function).parameters.items() if name != "self"]
        by_place = [p.name for p in known if p.kind is Parameter.POSITIONAL_OR_KEYWORD]
        needed = [p.name for p in known if p.default is Parameter.empty]

        @wraps(function)
        def call(self: Any, *values: Any, **given: Any) -> T:
            if order is not None:
                values, given = order(values, given)
            given = without_effect(owner, given, [p.name for p in known])
            for other, own in other_names.items():
                if other in given:
                    if own in given:
                        raise ArgumentError(
                            f"{owner}: {other} and {arg(own)} are the same: give one"
                        )
                    given[own] = given.pop(other)
            refuse_unknown(owner, given, [p.name for p in known])
            if len(values) > len(by_place):
                raise ArgumentError(
                    f"{owner} takes {', '.join(by_place) or 'nothing'} by place, found "
                    f"{len(values)} arguments: give the others by name"
                )
            placed = by_place[: len(values)]
            for name, value in zip(placed, values, strict=True):
                if name in given:
                    raise ArgumentError(
                        f"{owner}: {arg(name)} is given twice, by name and as the argument in "
                        f"place {placed.index(name) + 1}, {shown(value, 40)}: give that one by its "
                        "name, too"
                    )
            for name in needed:
                if name not in placed and name not in given:
                    raise ArgumentError(f"{owner} needs {arg(name)}")
            return function(self, *values, **given)

        return cast("Callable[P, T]", call)

    return decorate


def strict(cls: type[T]) -> type[T]:
    """Make a class refuse arguments as `checked` does.

    >>> @strict
    ... class Dropout:
    ...     def __init__(self, rate): ...
    >>> Dropout(ratio=0.5)
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: Dropout has no argument 'ratio'; did you mean 'rate'?
    """
    made: Callable[..., None] = cls.__init__
    cls.__init__ = checked(cls.__name__)(made)  # type: ignore[method-assign]
    return cls


def one_of(name: str, value: object, choices: Mapping[Any, T]) -> T:
    """Return what ``choices`` has for ``value``; raise ArgumentError naming the argument if not.

    >>> one_of("verbose", True, {0: "nothing", 1: "progress"})
    'progress'
    """
    if not isinstance(value, (bool, int, str)) or value not in choices:
        raise ArgumentError(
            f"{arg(name)} must be {' or '.join(map(repr, choices))}, found {shown(value)}"
        )
    return choices[value]
