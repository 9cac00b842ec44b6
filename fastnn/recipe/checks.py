"""Checks of one value each: ``check(name, value)`` returns it, or raises naming the argument.

They import what they need when they are called, since the table of options is read by every
``fastnn --help``.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, TypeGuard

from fastnn import registry
from fastnn.errors import ArgumentError, arg, shown
from fastnn.registry import as_float, did_you_mean

#: Takes the name of an argument and a value; returns the value in the form that is kept.
Check = Callable[[str, Any], Any]


@dataclass(frozen=True)
class Told:
    """A check with what it lets pass, for help and for the completion of words.

    ``takes``: in words; ``words``: those that can be written; ``kind``: that of the table whose
    names it takes.

    >>> Told(anything, words=("cpu", "cuda"))("device", "cuda:1")
    'cuda:1'
    """

    run: Check
    takes: str = ""
    words: tuple[str, ...] = ()
    kind: str = ""

    def __call__(self, name: str, value: Any) -> Any:
        return self.run(name, value)


def told(check: Check) -> Told:
    """Return a check with what it lets pass.

    >>> told(whole).takes, told(one_of("full", "tf32")).words, told(known("loss")).kind
    ('a whole number above 0', ('full', 'tf32'), 'loss')
    """
    return check if isinstance(check, Told) else Told(check, _TAKES.get(check, ""))


#: What is counted (epochs, examples, units) is counted in 64 bits, by the random streams too.
LARGEST = 2**63 - 1


def _counts(value: object) -> TypeGuard[Integral]:
    return (
        isinstance(value, Integral) and not isinstance(value, bool) and 1 <= int(value) <= LARGEST
    )


def _no_count(value: object) -> str:
    """Say what a count must be, for a value that is none."""
    large = isinstance(value, Integral) and int(value) > LARGEST
    return f"a whole number {'of at most 2**63 - 1' if large else 'above 0'}"


def whole(name: str, value: object) -> int:
    """Return ``value`` as an int from 1 to 2**63 - 1; raise ArgumentError naming it otherwise.

    >>> whole("epochs", 3)
    3
    """
    if not _counts(value):
        raise ArgumentError(
            f"{arg(name)} must be {_no_count(value)}, found {shown(value)}", value=value
        )
    return int(value)


def between(name: str, value: object, low: int, high: int) -> int:
    """Return ``value`` as an int from ``low`` to ``high``; raise ArgumentError otherwise.

    >>> between("layers", 20, 2, 100)
    20
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise ArgumentError(
            f"{arg(name)} must be a whole number from {low:,} to {high:,}, found {shown(value)}",
            value=value,
        )
    return int(value)


def number(name: str, value: object, open_low: bool = False) -> float:
    """Return ``value`` as a finite float, not negative; ``open_low`` excludes 0.

    >>> number("l2", 1)
    1.0
    """
    valid = isinstance(value, Real) and not isinstance(value, bool)
    found = as_float(value) if valid else math.nan  # type: ignore[arg-type]
    if not 0 <= found < math.inf or (open_low and not found):
        raise ArgumentError(
            f"{arg(name)} must be {_TAKES[above_0 if open_low else number]}, found {shown(value)}",
            value=value,
        )
    return found


def above_0(name: str, value: object) -> float:
    """Return ``value`` as a finite float above 0.

    >>> above_0("learning_rate", 0.1)
    0.1
    """
    return number(name, value, open_low=True)


_HOURS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


def duration(name: str, value: object) -> float:
    """Return seconds above 0, given as such or as text with hours, minutes and seconds.

    >>> duration("time_limit", "1h30m"), duration("time_limit", "90s"), duration("time_limit", 2)
    (5400.0, 90.0, 2.0)
    """
    found = value
    if isinstance(value, str):
        parts = _HOURS.fullmatch(value.strip()) if value.strip() else None
        hours, minutes, seconds = parts.groups(default="0") if parts else ("0", "0", "0")
        found = float(hours) * 3600 + float(minutes) * 60 + float(seconds)
    try:
        return above_0(name, found)
    except ArgumentError:
        raise ArgumentError(
            f"{arg(name)} must be {_TAKES[duration]}, found {shown(value)}", value=value
        ) from None


def folder(name: str, value: Any) -> str:
    """Return the name of a folder that is there, or can be made in one that is.

    >>> folder("cache", "."), folder("cache", "new")
    ('.', 'new')
    """
    if not isinstance(value, (str, os.PathLike)):
        raise ArgumentError(
            f"{arg(name)} must be {_TAKES[folder]}, found {shown(value)}", value=value
        )
    path = os.fspath(value)
    above = os.path.dirname(os.path.abspath(path))
    if not path or (os.path.lexists(path) and not os.path.isdir(path)):
        raise ArgumentError(f"{arg(name)}: {shown(path)} is no folder; name another", value=value)
    if not os.path.isdir(above):
        raise ArgumentError(
            f"{arg(name)}: there is no folder {shown(above)}; create it first", value=value
        )
    return path


def share(name: str, value: object) -> float:
    """Return ``value`` as a float from 0 up to, but not including, 1.

    >>> share("label_smoothing", 0)
    0.0
    """
    valid = isinstance(value, Real) and not isinstance(value, bool)
    if not valid or not 0 <= value < 1:  # type: ignore[operator]
        raise ArgumentError(f"{arg(name)} must be in [0, 1), found {shown(value)}", value=value)
    return float(value)  # type: ignore[arg-type]


def split_rule(name: str, value: object) -> str:
    """Return ``value`` if it is ``time:COL`` or ``group:COL``.

    >>> split_rule("split", "time:day")
    'time:day'
    """
    rule, _, column = value.partition(":") if isinstance(value, str) else ("", "", "")
    if rule not in ("time", "group") or not column:
        raise ArgumentError(
            f"{arg(name)} must be time:COL or group:COL, with the name of a column, found "
            f"{shown(value)}",
            value=value,
        )
    return str(value)


def flag(name: str, value: object) -> bool:
    """Return ``value`` if it is True or False.

    >>> flag("shuffle", True)
    True
    """
    if not isinstance(value, bool):
        raise ArgumentError(
            f"{arg(name)} must be {_TAKES[flag]}, found {shown(value)}", value=value
        )
    return value


def listed(name: str, values: Any) -> list[Any]:
    """Return ``values`` as a list; a single text or function where a list belongs is refused.

    >>> listed("drop", ("id",))
    ['id']
    """
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ArgumentError(f"{arg(name)} must be a list, found {shown(values)}", value=values)
    return list(values)


def one_of(*choices: str) -> Check:
    """Return the check of a word that is one of ``choices``.

    >>> one_of("full", "tf32")("precision", "full")
    'full'
    """
    return Told(
        lambda name, value: registry.one_of(name, value, choices), " or ".join(choices), choices
    )


def optional(check: Check) -> Check:
    """Return a check that lets None pass.

    >>> optional(whole)("patience", None) is None
    True
    """
    return replace(
        told(check), run=lambda name, value: None if value is None else check(name, value)
    )


def anything(name: str, value: Any) -> Any:
    """Return ``value``: what it may be is seen where it is used.

    >>> anything("device", "cpu")
    'cpu'
    """
    return value


def each_layer(check: Check) -> Check:
    """Return the check of one value for all layers, or of a list with one for each.

    >>> each_layer(share)("dropout", [0.5, 0.25])
    [0.5, 0.25]
    """

    def every(name: str, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [check(name, one) for one in value]
        return check(name, value)

    return replace(told(check), run=every)


def hidden_layer_sizes(name: str, hidden: Any) -> tuple[int, ...]:
    """Return the hidden layers' units as a tuple; a single number is one layer.

    >>> hidden_layer_sizes("hidden_layer_sizes", [64, 32])
    (64, 32)
    >>> hidden_layer_sizes("hidden_layer_sizes", 16)
    (16,)
    """
    given: Any = [hidden] if isinstance(hidden, Integral) else hidden
    if isinstance(given, (str, bytes, Mapping, Set)) or not isinstance(given, Iterable):
        raise ArgumentError(
            f"{arg(name)} must be a list of whole numbers such as [64, 32], found {shown(hidden)}",
            value=hidden,
        )
    given = list(given)
    for n in given:
        if not _counts(n):
            raise ArgumentError(
                f"each of {arg(name)} must be {_no_count(n)}, found {shown(n)}", value=hidden
            )
    return tuple(int(n) for n in given)


def size(*words: str) -> Check:
    """Return the check of a number of examples, or of one of ``words`` that stand for one.

    >>> size("auto", "full")("batch_size", "full"), size("auto")("batch_size", 32)
    ('full', 32)
    """

    def check(name: str, value: object) -> int | str:
        if isinstance(value, str) and value in words:
            return value
        if not _counts(value):
            forms = " or ".join([_no_count(value), *map(repr, words)])
            raise ArgumentError(
                f"{arg(name)} must be {forms}, found {shown(value)}"
                f"{did_you_mean(str(value), words)}",
                value=value,
            )
        return int(value)

    return Told(check, " or ".join([_TAKES[whole], *words]), words)


def fractions(name: str, value: Any) -> tuple[float, ...]:
    """Return three shares that are above 0 and sum to 1.

    >>> fractions("fractions", [0.5, 0.25, 0.25])
    (0.5, 0.25, 0.25)
    """
    given = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(given, (list, tuple)) or len(given) != 3:
        raise ArgumentError(
            f"{arg(name)} must be three numbers (train, validation, test), found {shown(value)}",
            value=value,
        )
    shares = tuple(number(name, one) for one in given)
    if not all(shares):
        raise ArgumentError(f"{arg(name)} must all be positive, found {shown(value)}", value=value)
    if abs(sum(shares) - 1) > 1e-9:
        raise ArgumentError(
            f"{arg(name)} must sum to 1, found {shares}: {sum(shares):g}", value=value
        )
    return shares


def fold(name: str, value: Any) -> tuple[int, int]:
    """Return (i, k): the i-th, from 0, of k folds.

    >>> fold("fold", [0, 5])
    (0, 5)
    """
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ArgumentError(
            f"{arg(name)} must be a pair (i, k), the i-th of k folds, found {shown(value)}",
            value=value,
        )
    i, k = value
    if not all(isinstance(n, Integral) and not isinstance(n, bool) for n in value) or not (
        0 <= i < k and 2 <= k <= LARGEST
    ):
        raise ArgumentError(
            f"{arg(name)} must be (i, k) with k of 2 or more and i from 0 to k - 1, found "
            f"{shown(value)}",
            value=value,
        )
    return int(i), int(k)


def seed(name: str, value: Any) -> int:
    """Return a seed, a whole number from 0 to 2**64 - 1.

    >>> seed("seed", 3)
    3
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= int(value) < 2**64:
        raise ArgumentError(
            f"{arg(name)} must be {_TAKES[seed]}, found {shown(value)}",
            value=value,
        )
    return int(value)


def monitor(name: str, value: object) -> str:
    """Return what is to be watched: 'loss', or a metric; which there are is seen with the task.

    >>> monitor("monitor", "accuracy")
    'accuracy'
    """
    if not isinstance(value, str) or not value:
        raise ArgumentError(
            f"{arg(name)} must be 'loss' or the name of a metric, found {shown(value)}", value=value
        )
    return value


def known(kind: str, made: bool = False) -> Check:
    """Return the check of a choice from a table of `fastnn.nn`; ``made``: it becomes the rule.

    >>> known("activation")("activation", "relu"), known("optimizer", made=True)("", "adam").name
    ('relu', 'adam')
    """

    def check(name: str, value: Any) -> Any:
        from fastnn.nn import activations, initializers, losses, optimizers, schedules

        tables: Mapping[str, Callable[[Any], Any]] = {
            "activation": activations.activation,
            "initializer": initializers.initializer,
            "loss": losses.loss,
            "optimizer": optimizers.optimizer,
            "schedule": schedules.schedule,
        }
        rule = tables[kind](value)
        return rule if made else value

    return Told(check, kind=kind)


def groups(name: str, value: Any) -> tuple[Any, ...]:
    """Return parameter groups; whether they fit the network is seen later.

    >>> from fastnn.nn.groups import ParameterGroup
    >>> groups("groups", [ParameterGroup("biases", learning_rate_factor=2)])[0].learning_rate_factor
    2.0
    """
    from fastnn.nn.groups import ParameterGroup

    if not isinstance(value, (list, tuple)) or not all(
        isinstance(group, ParameterGroup) for group in value
    ):
        raise ArgumentError(
            f"{arg(name)} must be a list of ParameterGroup, found {shown(value)}", value=value
        )
    for group in value:
        if group.learning_rate_factor == 1 and group.weight_decay is None:
            raise ArgumentError(
                f"{arg(name)}: {group} has no effect: give it a learning_rate_factor or a "
                "weight_decay",
                value=value,
            )
    return tuple(value)


#: What the checks of one value let pass: in their errors, and in the help.
_TAKES: Mapping[Check, str] = {
    whole: "a whole number above 0",
    number: "a number of 0 or more",
    above_0: "a number above 0",
    duration: "seconds above 0, or a text such as '90s', '10m' or '1h30m'",
    folder: "the name of a folder",
    share: "in [0, 1)",
    flag: "True or False",
    hidden_layer_sizes: "whole numbers above 0",
    fractions: "three numbers above 0 that sum to 1",
    seed: "a whole number from 0 to 2**64 - 1",
}
