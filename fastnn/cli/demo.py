"""``fastnn demo``: ideas of the notes, run and drawn."""

from __future__ import annotations

import argparse
import contextlib
import csv
import inspect
import io
import os
import typing
from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from fastnn.cli.messages import note
from fastnn.cli.parser import Parser
from fastnn.cli.train_arguments import as_flag
from fastnn.errors import spelled
from fastnn.recipe.forms import real, split_list, truth, whole

if TYPE_CHECKING:
    from fastnn.demos.demo import Demonstration
    from fastnn.demos.table import Demo

FOLDER = "fastnn-demos"


def add_demo(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "demo",
        help="run an idea of the notes and draw it",
        description="Run an idea on the real engine: three lines, and a picture as SVG, PNG, CSV "
        "and a page of one file. Without NAME it lists them.",
        epilog="'fastnn demo NAME --help' shows the options of a demo; they follow its name",
        usage="fastnn demo [--json] [NAME [--out FOLDER] [--open] [--json] ...]",
        late_hint=lambda word: f"; write it after the name: fastnn demo NAME {word}",
    )
    p.set_defaults(run=demo)
    p.add_argument("name", metavar="NAME", nargs="?", help="what to run; without it: the list")
    p.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def demo(arguments: argparse.Namespace) -> int:
    """List the demos, or run one, print what it found and write its files."""
    from fastnn.demos.table import DEMOS

    if arguments.name is None:
        return _list(arguments.json)
    row = DEMOS[arguments.name]
    function = row.load()
    own = own_options(function)
    words = with_negatives(arguments.rest, {_flag(name) for name in own})
    given = vars(demo_parser(row, own).parse_args(words))
    arguments.traceback |= given["traceback"]
    from fastnn.demos.demo import make_folder

    flags = {name: _flag(name) for name in own} | {"folder": "--out"}
    with spelled(lambda name, value: flags.get(name) or as_flag(name, value)):
        new = not os.path.exists(given["out"])
        folder = make_folder(given["out"])  # before the work is done
        try:
            found = function(**{option: given[option] for option in own if option in given})
        except BaseException:
            if new:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise
    paths = found.save(folder)
    if arguments.json or given["json"]:
        _print_json(row, found, [str(path) for path in paths])
    else:
        print(found)
    note(f"written: {', '.join(map(str, paths))}")
    if given["open"]:
        _show(paths[-1].resolve().as_uri())
    return 0


def own_options(function: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """Return the options of a demo, from its signature, as arguments of ``add_argument``.

    >>> def cube(*, side: typing.Annotated[float, "its side"] = 2.0): ...
    >>> own_options(cube)["side"]["help"]
    'its side; default: 2.0'
    """
    hints = typing.get_type_hints(function, include_extras=True)
    options = {}
    for name, parameter in inspect.signature(function).parameters.items():
        kind, text = typing.get_args(hints[name])[:2]
        default = _written(parameter.default)
        options[name] = {
            "dest": name,
            "metavar": _metavar(kind),
            "type": _reader(kind),
            "help": f"{text}; default: {default}".replace("%", "%%"),
        }
    return options


def with_negatives(words: Sequence[str], flags: Set[str]) -> list[str]:
    """Return words with a value that begins with a minus joined to its flag.

    Else it would be taken for an option.

    >>> with_negatives(["--x", "-1,2", "--json"], {"--x"})
    ['--x=-1,2', '--json']
    """
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in flags and word.startswith("-") and not word.startswith("--"):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def demo_parser(row: Demo, own: Mapping[str, dict[str, Any]]) -> Parser:
    """Return the parser of what follows the name of a demo."""
    p = Parser(
        prog=f"fastnn demo {row.name}",
        description=f"{row.title} ({row.notes}).",
        argument_default=argparse.SUPPRESS,
    )
    for name, how in own.items():
        p.add_argument(_flag(name), **how)
    p.add_argument(
        "--out", metavar="FOLDER", default=FOLDER,
        help=f"where the files go; it is made if it is not there; default: {FOLDER}",
    )  # fmt: skip
    for flag, text in (
        ("open", "show the page in a browser"),
        ("json", "print one JSON document"),
        ("traceback", "show where an error arose"),
    ):
        p.add_argument(f"--{flag}", action="store_true", default=False, help=text)
    return p


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _metavar(kind: Any) -> str:
    return {int: "N", float: "X", bool: "yes|no"}.get(kind, "TEXT" if kind is str else "LIST")


def _reader(kind: Any) -> Callable[[str], Any]:
    """How a text becomes a value of a type: numbers with commas for a sequence of them."""
    if typing.get_origin(kind) is Sequence:
        convert = _reader(typing.get_args(kind)[0])
        return lambda text: tuple(convert(part) for part in split_list(text))
    readers: dict[Any, Callable[[str], Any]] = {int: whole, float: real, bool: truth}
    return readers.get(kind, str)


def _written(value: Any) -> str:
    """A default as it would be typed."""
    if isinstance(value, tuple):
        return ",".join(map(_written, value))
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_written(one)}" for name, one in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _list(as_json: bool) -> int:
    from fastnn.cli.text import print_json
    from fastnn.demos.table import DEMOS
    from fastnn.text import pairs

    if as_json:
        rows = [
            {"name": r.name, "title": r.title, "notes": r.notes, "picture": r.picture}
            for r in DEMOS
        ]
        print_json({"demos": rows})
        return 0
    print(pairs({r.name: f"{r.title} ({r.notes})" for r in DEMOS}))
    note("run one by its name, such as: fastnn demo forward")
    return 0


def _print_json(row: Demo, found: Demonstration, files: list[str]) -> None:
    from fastnn.cli.text import print_json

    print_json(
        {
            "demo": row.name,
            "title": row.title,
            "lines": list(found.lines),
            "files": files,
            "numbers": list(csv.DictReader(io.StringIO(found.csv()))),
        }
    )


def _show(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        note(f"no browser was found; open {address}")
