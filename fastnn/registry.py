"""Names to rows: the tables of activations, losses, initialisers, optimisers, schedules, metrics.

A row declares its options once, with their defaults and ranges, so that a name that does not
exist, an option that does not exist and a value out of range are all refused with the cure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Generic, Protocol, SupportsFloat, TypeVar

from fastnn.errors import ArgumentError, arg, shown


def did_you_mean(found: str, names: Iterable[str]) -> str:
    """Return ``"; did you mean 'relu'?"`` when a name is close, else an empty string.

    Capital and small letters are alike.

    >>> did_you_mean("rellu", ["relu", "tanh"]), did_you_mean("Y", ["x", "y"])
    ("; did you mean 'relu'?", "; did you mean 'y'?")
    """
    known = {name.casefold(): name for name in names}
    close = get_close_matches(found.casefold(), known, n=1, cutoff=0.6)
    return f"; did you mean {known[close[0]]!r}?" if close else ""


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """Return the value of an argument if it is one of the words; raise ArgumentError if not.

    >>> one_of("engine", "numpi", ["numpy", "auto"])
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: engine must be one of numpy, auto, found 'numpi'; did you mean ...
    """
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(
            f"{arg(name)} must be one of {', '.join(choices)}, found {shown(value)}"
            f"{did_you_mean(str(value), choices)}",
            value=value,
        )
    return value


def as_float(value: SupportsFloat) -> float:
    """Return a number as a float; infinity where it is too large for one.

    >>> as_float(3), as_float(-(10**400))
    (3.0, -inf)
    """
    try:
        return float(value)
    except OverflowError:  # a whole number
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]


@dataclass(frozen=True)
class About:
    """What a row of a table is, for people: what ``fastnn help NAME`` shows.

    ``formula``: its equations, in the order in which they are computed, with ``; `` between them,
    in the symbols of the notes; ``e^-z`` and ``x if x > 0, else 0`` are written so, a product
    without a sign. ``says``: one sentence. ``source``: the equation of the notes, the paper.

    >>> About("V = beta V + (1 - beta) dW; W = W - alpha V", "Momentum.", "N28").equations
    ('V = beta V + (1 - beta) dW', 'W = W - alpha V')
    """

    formula: str
    says: str
    source: str

    @property
    def equations(self) -> tuple[str, ...]:
        return tuple(filter(None, self.formula.split("; ")))


@dataclass(frozen=True)
class Option:
    """A number that a row accepts: its name, default and range, and in words what it is.

    ``open_low`` and ``open_high`` exclude the ends; ``None`` as the default means 'not set'.

    >>> Option("rate", 0.5, low=0.0, high=1.0).check("dropout", 2)
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: dropout: rate=2 is outside [0, 1]
    """

    name: str
    default: float | bool | str | None
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    choices: tuple[str, ...] = ()
    says: str = ""

    @property
    def range(self) -> str:
        """What it takes, as an interval or in words.

        >>> Option("beta", 0.9, low=0, high=1, open_high=True).range, Option("pooled", False).range
        ('[0, 1)', 'True or False')
        """
        if self.choices:
            return " or ".join(self.choices)
        if isinstance(self.default, bool):
            return "True or False"
        low = "(" if self.open_low or math.isinf(self.low) else "["
        high = ")" if self.open_high or math.isinf(self.high) else "]"
        return f"{low}{self.low:g}, {self.high:g}{high}"

    @property
    def setting(self) -> str:
        """The option with its default, as it is written in a choice.

        >>> Option("slope", 0.01).setting
        'slope=0.01'
        """
        return _set(self.name, self.default)

    def check(self, owner: str, value: object) -> float | bool | str | None:
        """Return ``value`` if it is allowed; raise ArgumentError naming option and range if not."""
        if self.choices:
            if value not in self.choices:
                raise self._wrong(
                    owner,
                    f"={shown(value)}; choose from {', '.join(self.choices)}"
                    + did_you_mean(str(value), self.choices),
                )
            return str(value)
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise self._wrong(owner, f" must be True or False, found {shown(value)}")
            return value
        if value is None and self.default is None:
            return None
        array = getattr(value, "shape", ()) != ()
        if isinstance(value, bool) or array or not hasattr(value, "__float__"):
            raise self._wrong(owner, f" must be a number, found {shown(value)}")
        number = as_float(value)
        inside = (number > self.low if self.open_low else number >= self.low) and (
            number < self.high if self.open_high else number <= self.high
        )
        if not inside or not math.isfinite(number):
            raise self._wrong(owner, f"={shown(value)} is outside {self.range}")
        return number

    def _wrong(self, owner: str, found: str) -> ArgumentError:
        """The error; of a function or class, where an option is an argument, it names that."""
        argument = self.name if owner.isidentifier() else None
        return ArgumentError(f"{owner}: {self.name}{found}", argument=argument)


class Row(Protocol):
    """What a table needs of a row."""

    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def options(self) -> tuple[Option, ...]: ...


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """Rows by name and alias, in the order they were given."""

    def __init__(self, kind: str, rows: Iterable[R]) -> None:
        self.kind = kind
        self._rows: dict[str, R] = {}
        self._aliases: dict[str, str] = {}
        for row in rows:
            self._rows[row.name] = row
            self._aliases.update(dict.fromkeys(row.aliases, row.name))

    def __iter__(self) -> Iterator[R]:
        return iter(self._rows.values())

    def __contains__(self, name: object) -> bool:
        return name in self._rows or name in self._aliases

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._rows)

    def __getitem__(self, name: str) -> R:
        if not isinstance(name, str):
            raise ArgumentError(f"{arg(self.kind)} must be a name (text), found {shown(name)}")
        name = self._aliases.get(name, name)
        if name not in self._rows:
            raise ArgumentError(
                f"unknown {arg(self.kind)} {shown(name)}"
                + (did_you_mean(name, [*self._rows, *self._aliases]) or "")
                + f" (known: {', '.join(self._rows)})"
            )
        return self._rows[name]

    def options(
        self, name: str, given: Mapping[str, object]
    ) -> dict[str, float | bool | str | None]:
        """Return every option of row ``name``: the given values checked, the others by default.

        An option that the row does not have is refused, with the rows that have it.
        """
        row = self[name]
        owner = f"{arg(self.kind)} {row.name!r}"
        known = {option.name: option for option in row.options}
        for option_name in given:
            if option_name not in known:
                owners = [r.name for r in self if option_name in {o.name for o in r.options}]
                hint = (
                    f"; it belongs to {', '.join(owners)}"
                    if owners
                    else did_you_mean(option_name, known)
                )
                raise ArgumentError(
                    f"{owner} has no option {option_name!r}{hint}"
                    f" (its options: {', '.join(known) or 'none'})"
                )
        return {
            option.name: option.check(owner, given[option.name])
            if option.name in given
            else option.default
            for option in row.options
        }


def parse_call(text: str, kind: str) -> tuple[str, dict[str, object]]:
    """Split ``"leaky_relu(slope=0.2)"`` into its name and options.

    >>> parse_call("leaky_relu(slope=0.2)", "activation")
    ('leaky_relu', {'slope': 0.2})
    >>> parse_call("relu", "activation")
    ('relu', {})
    """
    name, bracket, rest = text.strip().partition("(")
    if not bracket:
        return name.strip(), {}
    options: dict[str, object] = {}
    for part in filter(None, (p.strip() for p in rest.rstrip().removesuffix(")").split(","))):
        key, equals, value = (p.strip() for p in part.partition("="))
        if not equals:
            break
        try:
            options[key] = {"True": True, "False": False}[value]
        except KeyError:
            try:
                options[key] = float(value)
            except ValueError:
                options[key] = value.strip("\"'")
    else:
        if rest.rstrip().endswith(")"):
            return name.strip(), options
    raise ArgumentError(f"{arg(kind)} {text!r} is not of the form name(option=value, ...)")


def call_text(name: str, options: Mapping[str, object]) -> str:
    """Return a name with its options as `parse_call` reads them.

    >>> call_text("adam", {"beta1": 0.9, "epsilon": 1e-8}), call_text("relu", {})
    ('adam(beta1=0.9, epsilon=1e-08)', 'relu')
    """
    given = (_set(option, value) for option, value in options.items())
    return f"{name}({', '.join(given)})" if options else name


def _set(option: str, value: object) -> str:
    return f"{option}={value:g}" if isinstance(value, float) else f"{option}={value}"


def parse_choice(spec: object, kind: str) -> tuple[str, dict[str, object]]:
    """Return (name, options) of ``"name"``, ``"name(option=value)"`` or ``{"name": ..., ...}``.

    >>> parse_choice({"name": "elu", "alpha": 0.5}, "activation")
    ('elu', {'alpha': 0.5})
    """
    if isinstance(spec, str):
        return parse_call(spec, kind)
    if isinstance(spec, Mapping) and isinstance(spec.get("name"), str):
        return spec["name"], {k: v for k, v in spec.items() if k != "name"}
    raise ArgumentError(
        f"{arg(kind)} must be a name such as 'name' or 'name(option=value)' "
        f"or a dict with a 'name', found {shown(spec)}"
    )
