"""The config of a training: what was asked for, as a file of settings that can be run again."""

from __future__ import annotations

import json
import math
import os
import tomllib
from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from fastnn.errors import ArgumentError, DataError, arg, inside, shown
from fastnn.recipe.checks import Check
from fastnn.recipe.choices import OPTIONS, elsewhere, options
from fastnn.recipe.documentation import shown_default
from fastnn.recipe.forms import written
from fastnn.recipe.rows import Option
from fastnn.recipe.table import GROUPS
from fastnn.registry import did_you_mean

#: What a training is given beside the options of the table.
SOURCES = ("data", "target", "validation", "test", "sample_weight")


@dataclass(frozen=True)
class Config:
    """What a training was given: ``fastnn.train(**config.given)`` does it again.

    Attributes:
        given: names of arguments to values, of what can be written down: numbers, texts, lists.
        unkept: the arguments that were Python objects, such as a data frame or a loss of one's own.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    unkept: tuple[str, ...] = ()

    @staticmethod
    def of(given: Mapping[str, Any]) -> Config:
        """Return the config of arguments; None means that one was not given, where it can mean so.

        >>> Config.of({"data": [[1.0]], "target": "y", "epochs": 3, "hidden_layer_sizes": (8,)})
        Config(given={'target': 'y', 'epochs': 3, 'hidden_layer_sizes': [8]}, unkept=('data',))
        """
        kept: dict[str, Any] = {}
        unkept: list[str] = []
        for name, value in given.items():
            if value is None and (name not in OPTIONS or OPTIONS[name].default is None):
                continue
            try:
                arrays = name in SOURCES and not isinstance(value, (str, os.PathLike))
                several = isinstance(value, (list, tuple)) and len(value) > 1  # files
                names = (name == "target" or several) and _are_texts(value)
                if arrays and not names:
                    raise TypeError
                kept[name] = _plain(value)
            except TypeError:
                unkept.append(name)
        return Config(kept, tuple(unkept))

    def also(self, given: Mapping[str, Any]) -> Config:
        """Return the config with further arguments.

        >>> Config({"data": "digits"}).also({"epochs": 3}).given
        {'data': 'digits', 'epochs': 3}
        """
        more = Config.of(given)
        return Config({**self.given, **more.given}, (*self.unkept, *more.unkept))

    def to_json(self) -> dict[str, Any]:
        """Return what a model file keeps.

        >>> Config({"epochs": 3}).to_json()
        {'given': {'epochs': 3}, 'unkept': []}
        """
        return {"given": dict(self.given), "unkept": list(self.unkept)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Config:
        """Return the config of `to_json`; raise ArgumentError, KeyError or TypeError if it is none.

        >>> Config.from_json(Config({"epochs": 3}).to_json())
        Config(given={'epochs': 3}, unkept=())
        """
        for name in (*data["given"], *data["unkept"]):
            if name not in OPTIONS and name not in SOURCES:
                raise ArgumentError(f"unknown option {shown(name)}", argument=name)
        return Config(dict(data["given"]), tuple(data["unkept"]))

    def to_toml(self) -> str:
        """Return the config as a TOML file: what was given, and as comments every other option.

        >>> print(Config({"data": "digits", "epochs": 3}).to_toml())
        data = "digits"
        ...
        # passes through the training examples, at most
        epochs = 3
        ...
        """
        lines = [f"{n} = {_toml(value)}" for n, value in self.given.items() if n not in OPTIONS]
        lines += [f"# {name}: a Python object, which is not kept" for name in self.unkept]
        for group in GROUPS:
            lines += ["", f"# ---- {(group.__doc__ or '').partition(';')[0].rstrip('.')} ----"]
            for row in options(group).values():
                if row.name not in _OF_OBJECTS:
                    lines += ["", *wrap(row.help, 88, initial_indent="# ", subsequent_indent="# ")]
                    lines.append(_line(row, self.given))
        return "\n".join(lines).lstrip("\n")


def _line(row: Option, given: Mapping[str, Any]) -> str:
    if row.name in given:
        return f"{row.name} = {_toml(given[row.name])}"
    try:
        default = _toml(row.default) if row.default not in (None, ()) else ""
    except TypeError:
        default = ""
    return f"# {row.name} = {default}" if default else f"# {row.name}: {shown_default(row)}"


def read_toml(path: str, others: Mapping[str, Check]) -> dict[str, Any]:
    r"""Return what a TOML file sets: names of options, and of ``others``, to values.

    An option is called as in Python or, with underscores for dashes, as on the command line. Text
    is read as the command line reads it, other values as in Python. ``others``: what else can be
    said, and its check.

    Raises DataError naming the file for one that cannot be read or sets what is unknown,
    ArgumentError for a value that cannot be.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "run.toml")
    ...     _ = path.write_text("hidden = [8, 4]\npatience = 'none'\ntime_limit = '10m'")
    ...     read_toml(str(path), {})
    {'hidden_layer_sizes': (8, 4), 'patience': None, 'time_limit': 600.0}
    """
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except FileNotFoundError:
        raise DataError(f"config file '{path}' does not exist; check the path") from None
    except OSError as error:
        raise DataError(f"config file '{path}' cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"config file '{path}' is not a TOML file: {error}") from error
    rows = {row.name: row for row in OPTIONS.values() if row.name not in _OF_OBJECTS}
    rows |= {row.flag.name: row for row in rows.values() if row.flag and row.flag.name}
    values: dict[str, Any] = {}
    with inside(f"config file '{path}': "):
        for key, value in found.items():
            name = key.replace("-", "_")
            row = rows.get(name)
            if name in _OF_OBJECTS:
                raise ArgumentError(f"{arg(name)} are Python objects, which no file can hold")
            if row is None and name not in others:
                hint = did_you_mean(name, [*rows, *others]) or elsewhere(name)[1]
                raise ArgumentError(f"unknown option {shown(key)}{hint}", argument=key)
            name = name if row is None else row.name
            if name in values:
                raise ArgumentError(f"{arg(name)} is set twice, by two of its names")
            try:
                values[name] = others[name](name, value) if row is None else _value(row, value)
            except ArgumentTypeError as error:
                raise ArgumentError(f"{arg(name)} {error}", value=value) from None
            except ArgumentError as error:
                raise error.about(name) from None
    return values


#: Options that are Python objects alone.
_OF_OBJECTS = ("groups",)


def _value(row: Option, value: Any) -> Any:
    """Return a value as the command line reads its text; raise ArgumentError if it cannot be."""
    if isinstance(value, str) and row.flag is not None and not row.flag.negated:
        value = row.flag.read(value)
    if isinstance(value, list) and isinstance(row.default, tuple):
        value = tuple(value)
    found = row.check(row.name, value)
    return found if isinstance(found, (int, float, tuple)) else value


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; raise TypeError for what it has not."""
    if hasattr(value, "to_json") and callable(value.to_json):  # an optimiser, a schedule
        return written(value.to_json())
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # a number of NumPy's
        return _plain(value.item())
    if isinstance(value, Mapping) and _are_texts(value):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    plain = value is None or isinstance(value, (str, bool, int, float))
    if not plain or (isinstance(value, float) and not math.isfinite(value)):
        raise TypeError
    return value


def _are_texts(values: Any) -> bool:
    several = isinstance(values, (list, tuple, Mapping))
    return several and all(isinstance(value, str) for value in values)


def _toml(value: Any) -> str:
    """Return a value of a config as TOML writes it; none for None, as on the command line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    text = json.dumps("none" if value is None else value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")  # the one sign that JSON takes as it is, and TOML not
