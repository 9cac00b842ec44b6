"""A figure with what is said about it, as what it can be: a page, a file, a part of a notebook."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Sequence
from html import escape

from fastnn.errors import ArgumentError, arg
from fastnn.pictures.figure import figure_svg
from fastnn.pictures.marks import Figure
from fastnn.pictures.numbers import figure_csv
from fastnn.pictures.page import folded, page, section, table
from fastnn.pictures.raster import svg_to_png

#: The kinds of files, by the ending of their names.
ENDINGS = ("svg", "png", "csv", "html")
#: A page with more numbers than this leaves them to the CSV.
MOST_ROWS = 400


def figure_page(figure: Figure, lines: Sequence[str], made: str = "") -> str:
    """Return a page of one file, which needs no network; ``made``: HTML of how it came to be.

    >>> figure_page(Figure("Sums", []), ["1 + 1 = 2"]).count("<h1>Sums</h1>")
    1
    """
    head, *rows = csv.reader(io.StringIO(figure_csv(figure)))
    return page(
        figure.title,
        [
            f"<h1>{escape(figure.title)}</h1>",
            *(f"<p>{escape(line)}</p>" for line in lines),
            section("What it shows", figure.note, figure.panels, figure.columns),
            folded("Every number", table(head, rows)) if len(rows) <= MOST_ROWS else "",
            f'<p class="facts">{made}</p>' if made else "",
        ],
    )


def notebook_html(figure: Figure, lines: Sequence[str]) -> str:
    """Return lines and picture for a notebook: as an image, so that its style stays its own.

    >>> notebook_html(Figure("Sums", []), ["1 + 1 = 2"])[:34]
    '<p>1 + 1 = 2</p><img alt="Sums" sr'
    """
    image = b64encode(figure_svg(figure).encode()).decode()
    return (
        f"<p>{'<br>'.join(map(escape, lines))}</p>"
        f'<img alt="{escape(figure.title)}" src="data:image/svg+xml;base64,{image}">'
    )


def file_content(figure: Figure, lines: Sequence[str], ending: str, made: str = "") -> bytes:
    """Return the bytes of the file of a kind, one of `ENDINGS`; ``made`` as in `figure_page`.

    >>> file_content(Figure("Sums", []), [], "svg")[:4]
    b'<svg'

    Raises MissingExtraError for a PNG without the extra ``plot``.
    """
    if ending == "html":
        return figure_page(figure, lines, made).encode()
    if ending == "csv":
        return figure_csv(figure).encode()
    svg = figure_svg(figure)
    return svg_to_png(svg) if ending == "png" else svg.encode()


def ending_of(path: str, name: str = "path") -> str:
    """Return which kind of file a path names; raise ArgumentError, for the argument, if none.

    >>> ending_of("loss.SVG")
    'svg'
    >>> ending_of("loss.gif")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: path must end in .svg, .png, .csv or .html, found 'loss.gif'
    """
    ending = path.rpartition(".")[2].lower()
    if ending not in ENDINGS or "." not in path:
        raise ArgumentError(
            f"{arg(name)} must end in .svg, .png, .csv or .html, found {path!r}", value=path
        )
    return ending
