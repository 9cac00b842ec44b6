"""What a demo gives back: three lines and a figure, as text, SVG, PNG, CSV and a page."""

from __future__ import annotations

import csv
import io
import warnings
from base64 import b64encode
from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path

from fastnn.errors import ArgumentError, DataError, MissingExtraError, arg
from fastnn.formats.atomic import write_atomically
from fastnn.pictures.figure import figure_svg
from fastnn.pictures.marks import Figure
from fastnn.pictures.numbers import figure_csv
from fastnn.pictures.page import folded, page, section, table
from fastnn.pictures.raster import svg_to_png

#: A page with more numbers than this leaves them to the CSV.
MOST_ROWS = 400


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
        head, *rows = csv.reader(io.StringIO(self.csv()))
        numbers = folded("Every number", table(head, rows)) if len(rows) <= MOST_ROWS else ""
        call = f"demos.{self.name.replace('-', '_')}()"
        return page(
            self.figure.title,
            [
                f"<h1>{escape(self.figure.title)}</h1>",
                *(f"<p>{escape(line)}</p>" for line in self.lines),
                section("What it shows", self.figure.note, self.figure.panels, self.figure.columns),
                numbers,
                '<p class="facts">Made by <code>fastnn demo '
                f"{escape(self.name)}</code>; in Python: <code>from fastnn import demos; "
                f"{escape(call)}</code></p>",
            ],
        )

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
            warnings.warn(f"{self.name}.png is left out: {error}", UserWarning, stacklevel=2)
        contents["html"] = self.page().encode()
        paths = [place / f"{self.name}.{ending}" for ending in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            write_atomically(path, content)
        return paths

    def _repr_html_(self) -> str:
        # As an image, so that its style stays out of the notebook's.
        image = b64encode(self.svg().encode()).decode()
        said = "<br>".join(map(escape, self.lines))
        return (
            f"<p>{said}</p>"
            f'<img alt="{escape(self.figure.title)}" src="data:image/svg+xml;base64,{image}">'
        )


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
