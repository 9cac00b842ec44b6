"""``--config``: the options of a training from a file, beneath those of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastnn.cli.train_arguments import LISTS, as_flag
from fastnn.errors import ArgumentError, FastnnError, arg, in_python, shown
from fastnn.recipe.checks import Check, flag, listed
from fastnn.recipe.choices import OPTIONS, pick
from fastnn.recipe.config import Config, read_toml
from fastnn.recipe.table import RecipeOptions, RunOptions


def add_config(p: Any) -> None:
    """Add ``--config`` and ``--print-config``.

    >>> from fastnn.cli.parser import Parser
    >>> p = Parser()
    >>> add_config(p)
    >>> p.parse_args(["--config", "run.toml"]).config
    'run.toml'
    """
    g = p.add_argument_group("config")
    g.add_argument(
        "--config", metavar="FILE",
        help="take what is not given here from a TOML file, or from a model file: what that was "
        "trained with",
    )  # fmt: skip
    g.add_argument(
        "--print-config", action="store_true",
        help="print what was given and every other option as a TOML file for --config, and end",
    )  # fmt: skip


@contextmanager
def configured(arguments: argparse.Namespace) -> Iterator[argparse.Namespace]:
    """Give the arguments with those of the config file; errors say what of them is in the file.

    >>> with configured(argparse.Namespace(data="digits", out=None)) as found:
    ...     print(found)
    Namespace(data='digits', out=None)
    """
    path = getattr(arguments, "config", None)
    there = {} if path is None else read_config(path)
    given = {name for name, value in vars(arguments).items() if value is not None}
    taken = {name: value for name, value in there.items() if name not in given}

    both = argparse.Namespace(**{**vars(arguments), **taken})
    for name in ("config", "print_config"):
        vars(both).pop(name, None)
    if "data" not in both and not hasattr(arguments, "print_config"):
        raise ArgumentError(
            f"{arg('data')} is missing: name a built-in data set or a file "
            "(see fastnn train --help)",
            argument="data",
        )
    try:
        yield both
    except FastnnError as error:
        raise _said(error, path, taken) from None
    finally:
        arguments.saved = getattr(both, "saved", "")


def _said(error: FastnnError, path: str | None, taken: Collection[str]) -> FastnnError:
    """Return the error with the options that the file gave in its spelling, if it names one."""
    named: list[str] = []

    def spelling(name: str, value: str | None = None) -> str:
        if name not in taken:
            return as_flag(name, value)
        named.append(name)
        return in_python(name, value)

    found = error.respelled(spelling)
    return found.within(f"config file '{path}': ") if named else error


def read_config(path: str) -> dict[str, Any]:
    """Return what a config file, or the model file of a training, says of the arguments.

    Raises DataError, ModelFileError or ArgumentError naming the file.
    """
    try:
        found = _of_model(path) if _is_model(path) else read_toml(path, _OTHERS)
    except ArgumentError as error:
        raise error.respelled(in_python) from None
    if isinstance(found.get("target"), str):
        found["target"] = [found["target"]]
    found |= {name: [found[name]] for name in ("target", *LISTS) if name in found}
    return {name: value for name, value in found.items() if value is not False or name in OPTIONS}


def _is_model(path: str) -> bool:
    """Whether a file begins as a safetensors file does: a length, and a JSON object."""
    try:
        with open(path, "rb") as file:
            return file.read(9)[6:] == b"\0\0{"
    except OSError:
        return path.endswith(".fastnn")


def _of_model(path: str) -> dict[str, Any]:
    from fastnn.formats.document import unpack

    config = unpack(path).config
    if not config.given:
        raise ArgumentError(
            f"model file '{path}' does not say what its training was given: it was not trained by "
            "this command or by fastnn.train, or by an older fastnn",
            argument="config",
        )
    lost = [name for name in config.unkept if name != "data"]
    if lost:
        raise ArgumentError(
            f"model file '{path}': {', '.join(map(arg, lost))} of its training was a Python "
            "object, which is not kept: it can be trained again in Python alone",
            argument="config",
        )
    return dict(config.given)


def print_config(arguments: argparse.Namespace, given: Mapping[str, Any]) -> int:
    """Print what was given as a config file; raise what a training would of the options alone."""
    from fastnn.recipe.recipe import Recipe
    from fastnn.recipe.run_settings import RunSettings

    Recipe.of(**pick(given, RecipeOptions))
    RunSettings(**pick(given, RunOptions))
    own = {name: vars(arguments).get(name) for name in ("out", "report")}
    data = getattr(arguments, "data", None)
    print(Config.of({"data": data, **own, **given}).to_toml())
    return 0


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ArgumentError(f"{arg(name)} must be a text, found {shown(value)}", value=value)
    return value


def _texts(name: str, value: Any) -> list[str]:
    return [
        _text(name, one) for one in ([value] if isinstance(value, str) else listed(name, value))
    ]


def _one_or_texts(name: str, value: Any) -> str | list[str]:
    return _texts(name, value) if isinstance(value, list) else _text(name, value)


#: What a config file can say beside the options of the table.
_OTHERS: Mapping[str, Check] = {
    "data": _one_or_texts, "target": _texts, "validation": _text, "test": _text, "out": _text,
    "report": _text, "sample_weight": _text, "rate_picture": _text, "find_learning_rate": flag,
    "doctor": flag,
}  # fmt: skip
