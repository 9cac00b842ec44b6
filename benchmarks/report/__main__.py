"""Make the page and the pictures of a run, beside its JSON file; with --readme its figures too."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.report.figures import draw
from benchmarks.report.page import page
from benchmarks.report.readme import figures, rewrite
from benchmarks.results import ResultsError, load
from fastnn.errors import MissingExtraError


def main(argv: list[str] | None = None) -> int:
    """Read the results, write RESULTS.html and the PNG files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("results", type=Path, metavar="RESULTS.json")
    parser.add_argument("--no-pictures", action="store_true", help="the page alone")
    parser.add_argument(
        "--readme", type=Path, metavar="README.md",
        help="write the main figures there, between its two comments",
    )  # fmt: skip
    arguments = parser.parse_args(argv)
    try:
        rows, about = load(arguments.results)
    except ResultsError as error:
        parser.error(str(error))
    path = arguments.results.with_suffix(".html")
    path.write_text(page(rows, about), encoding="utf-8")
    written = [path]
    if not arguments.no_pictures:
        try:
            written += draw(rows, path.parent, path.stem)
        except MissingExtraError as error:
            parser.error(f"{error}, or --no-pictures")
    if arguments.readme:
        try:
            where = str(arguments.readme.parent)
            rewrite(arguments.readme, figures(rows, str(path.with_suffix("")), where))
        except ResultsError as error:
            parser.error(str(error))
        written.append(arguments.readme)
    print("\n".join(map(str, written)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
