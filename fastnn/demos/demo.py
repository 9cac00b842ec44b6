"""What a demo gives back: three lines and a figure, as text, SVG, PNG, CSV and a page."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, wraps
from html import escape
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import Any

from fastnn.errors import ArgumentError, DataError, MissingExtraError, arg, shown, warn
from fastnn.formats.atomic import write_atomically
from fastnn.pictures.figure import figure_svg
from fastnn.pictures.files import figure_page, notebook_html
from fastnn.pictures.marks import Figure
from fastnn.pictures.numbers import figure_csv
from fastnn.pictures.raster import svg_to_png
from fastnn.recipe.choices import refuse_unknown


@dataclass(frozen=True, repr=False)
class Demonstration:
    """What was found, in three lines, and the figure that shows it.

    In a notebook it is shown as lines and picture; printed, it is its lines.

    >>> from fastnn.pictures.marks import Bar, BarChart
    >>> figure = Figure("Sums", [BarChart("Sums", (Bar("1 + 1", 2.0, "2"),))])
    >>> found = Demonstration("sums", ("1 + 1 = 2", "2 + 2 = 4", "both are even"), figure)
    >>> found
    1 + 1 = 2
    2 + 2 = 4
    both are even
    >>> found.csv().splitlines()[1]
    'Sums,1 + 1,,,2.0'
    """

    name: str
    lines: tuple[str, ...]
    figure: Figure
    given: Mapping[str, object] = field(default_factory=dict)  # the arguments it was made with

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def svg(self) -> str:
        """Return the picture as an SVG file."""
        return figure_svg(self.figure)

    def png(self, zoom: float = 2.0) -> bytes:
        """Return the picture as PNG; raise MissingExtraError without the extra ``plot``."""
        return svg_to_png(self.svg(), zoom)

    def csv(self) -> str:
        """Return the numbers of the picture as CSV."""
        return figure_csv(self.figure)

    def page(self) -> str:
        """Return a page of one file, which needs no network."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.given.items())
        call = f"demos.{self.name.replace('-', '_')}({arguments})"
        words = ["fastnn", "demo", self.name]
        for name, value in self.given.items():
            words += [f"--{name.replace('_', '-')}", _typed(value)]
        made = (
            f"Made by <code>{escape(shlex.join(words))}</code>; in Python: "
            f"<code>from fastnn import demos; {escape(call)}</code>"
        )
        return figure_page(self.figure, self.lines, made)

    def save(self, folder: str | PathLike[str] = ".") -> list[Path]:
        """Write NAME.svg, NAME.png, NAME.csv and NAME.html; return their paths.

        The folder is made if it is not there. Without resvg-py there is no PNG, and a warning says
        so. Raises ArgumentError if ``folder`` is no path, and DataError, naming it, if nothing can
        be written there.
        """
        place = make_folder(folder)
        contents = {"svg": self.svg().encode(), "csv": self.csv().encode()}
        try:
            contents["png"] = self.png()
        except MissingExtraError as error:
            warn(f"{self.name}.png is left out: {error}", UserWarning)
        contents["html"] = self.page().encode()
        paths = [place / f"{self.name}.{ending}" for ending in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            write_atomically(path, content)
        return paths

    def _repr_html_(self) -> str:
        return notebook_html(self.figure, self.lines)


def _typed(value: object) -> str:
    """A value as it is typed on a command line.

    >>> _typed({"a": 1.5, "b": 2}), _typed([1, 2]), _typed("x*y")
    ('a=1.5,b=2', '1,2', 'x*y')
    """
    if isinstance(value, Mapping):
        return ",".join(f"{name}={number}" for name, number in value.items())
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)


@cache
def remembering(function: Callable[..., Demonstration]) -> Callable[..., Demonstration]:
    """Let the page of a demo say with which arguments it was made; they are given by name.

    >>> from fastnn.demos.chain_rule import computation_graph
    >>> remembering(computation_graph)(expression="a*b").given
    {'expression': 'a*b'}
    """
    names = list(signature(function).parameters)
    example = f"{function.__name__}({names[0]}=...)" if names else f"{function.__name__}()"

    @wraps(function)
    def run(*values: object, **given: Any) -> Demonstration:
        if values:
            raise ArgumentError(
                f"the arguments of demos.{function.__name__} are given by name, {example}, found "
                f"{shown(values[0])}",
                argument=names[0] if names else None,
                value=values[0],
            )
        refuse_unknown(f"demos.{function.__name__}", given, names)
        return replace(function(**given), given=given)

    return run


def make_folder(folder: str | PathLike[str]) -> Path:
    """Return the folder, made if it is not there; raise DataError naming it if that fails.

    >>> make_folder(".")
    PosixPath('.')
    """
    if not isinstance(folder, (str, PathLike)) or not str(folder):
        raise ArgumentError(f"{arg('folder')} must be the name of a folder, found {folder!r}")
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the folder '{place}' cannot be made ({error.strerror}); choose another one"
        ) from error
    return place
