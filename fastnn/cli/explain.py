"""``fastnn explain``: which columns matter to a model."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from fastnn.cli.inputs import add_inputs, add_target, labelled, load_model, names_of, naming
from fastnn.cli.messages import check_output
from fastnn.cli.parser import Parser
from fastnn.errors import ArgumentError
from fastnn.recipe.forms import whole

if TYPE_CHECKING:
    from fastnn.report.importance import Importance

#: Columns in the table.
SHOWN = 20

_EXPLAIN = """\
Show how much each column of DATA matters to a model: by how much a metric gets
worse when the column's values are put into another order (permutation
importance). Give DATA that were not in training."""


def add_explain(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "explain", help="show which columns matter to a saved model", description=_EXPLAIN
    )
    p.set_defaults(run=explain)
    add_inputs(p)
    add_target(p)
    p.add_argument("--by", metavar="NAME", help="the metric; default: accuracy, of regression r2")
    p.add_argument(
        "--repeats", metavar="N", type=whole, default=5, help="orders of each column; default: 5"
    )
    p.add_argument(
        "--rows", metavar="N", type=whole,
        help="rows to look at, drawn by --seed; default: 20,000, fewer with many inputs",
    )  # fmt: skip
    p.add_argument(
        "--seed", metavar="N", type=whole, default=0, help="seed of rows and orders; default: 0"
    )
    p.add_argument("--picture", metavar="FILE", help="a picture as well: .svg, .png or .html")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def explain(arguments: argparse.Namespace) -> int:
    """Permute, and print."""
    from fastnn.cli.text import print_json
    from fastnn.report.importance import checked_metric, explained
    from fastnn.version import __version__

    picture = arguments.picture
    if picture is not None:
        if not picture.lower().endswith((".svg", ".png", ".html")):
            raise ArgumentError(f"--picture: the name ends in .svg, .png or .html: {picture!r}")
        check_output(picture, "--picture", {"MODEL": arguments.model, "DATA": arguments.data})
    model = load_model(arguments)
    checked_metric(model, arguments.by)
    with naming(arguments.data):
        examples = labelled(model, arguments)
        found = explained(
            model, examples, by=arguments.by, repeats=arguments.repeats,
            rows=arguments.rows, seed=arguments.seed,
        )  # fmt: skip
    if picture is not None:
        _draw(found, picture, os.path.basename(arguments.model))
    if arguments.json:
        print_json(
            {
                "metric": found.metric,
                "score": found.score,
                "rows": found.rows,
                "of_rows": found.total,
                "repeats": found.drops.shape[1],
                "seed": found.seed,
                "columns": list(found),
                "model": arguments.model,
                "data": names_of(arguments.data),
                "picture": picture,
                "fastnn": __version__,
            }
        )
        return 0
    print(importance_table(found))
    if picture is not None:
        print(f"\npicture: {picture}")
    return 0


def importance_table(found: Importance) -> str:
    """Return the most important columns as a table, and how they were found.

    >>> import numpy as np
    >>> from fastnn.report.importance import Importance
    >>> drops = np.array([[0.5, 0.75], [0.0, 0.25]])
    >>> print(importance_table(Importance("r2", True, 0.9, ("a", "b"), drops, 5, 8, seed=0)))
    column  r2 lower by  deviation
    a            0.6250     0.1250
    b            0.1250     0.1250
    <BLANKLINE>
    r2 0.9000 on 5 of 8 rows, 2 orders of each column, drawn by seed 0
    """
    from fastnn.text import clipped, number, table

    rows = [[clipped(name, 40), *cells] for name, *cells in found.cells]
    worse = "lower" if found.greater_is_better else "higher"
    left = f"... and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    of = f"{found.rows:,} of {found.total:,}" if found.rows < found.total else f"all {found.rows:,}"
    head = ["column", f"{found.metric} {worse} by", "deviation"]
    return "\n".join(
        [
            table([head, *rows[:SHOWN]]),
            *([left] if left else []),
            "",
            f"{found.metric} {number(found.score)} on {of} rows, {found.drops.shape[1]} orders of "
            f"each column, drawn by seed {found.seed}",
        ]
    )


def _draw(found: Importance, path: str, model: str) -> None:
    from fastnn.formats.atomic import write_atomically
    from fastnn.pictures.figure import figure_svg
    from fastnn.pictures.marks import Figure
    from fastnn.pictures.page import page, section
    from fastnn.pictures.raster import svg_to_png
    from fastnn.report.matters import importance_picture

    title = f"What matters to {model}"
    bars = importance_picture(found)
    if path.lower().endswith(".html"):
        heading = f"{found.metric} on {found.rows:,} of {found.total:,} rows"
        content = page(
            title, ["<h1>What matters</h1>", section(heading, model, [bars], 1)]
        ).encode()
    else:
        svg = figure_svg(Figure(title, [bars], columns=1))
        content = svg_to_png(svg) if path.lower().endswith(".png") else svg.encode()
    write_atomically(path, content)
