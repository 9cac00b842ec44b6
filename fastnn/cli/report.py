"""``fastnn report``: a page on a model, or on several side by side."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from fastnn.cli.inputs import (
    add_reading_of_data,
    add_target,
    labelled,
    load_model,
    naming,
    stem,
)
from fastnn.cli.messages import called, check_output, note
from fastnn.cli.parser import Parser
from fastnn.cli.train_arguments import DATA_HELP, as_flag, reading_of
from fastnn.errors import ArgumentError, arg
from fastnn.recipe.choices import options
from fastnn.recipe.forms import whole
from fastnn.recipe.table import DeviceOptions, EngineOptions

if TYPE_CHECKING:
    from fastnn.model.model import Model
    from fastnn.preparation.examples import Examples
    from fastnn.report.subject import Subject

_REPORT = """\
Write a page on a model, or on several models of one target side by side: HTML
that needs no network. With DATA, rows with a known target, it is judged on
them: confusions or residuals, thresholds, which columns matter, the largest
errors. Give DATA that were not in training."""


def add_report(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "report",
        help="write a page on a model, or on several side by side",
        description=_REPORT,
        usage="fastnn report MODEL [MODEL ...] [DATA] [options]",
    )
    p.set_defaults(run=report)
    p.add_argument(
        "paths", metavar="MODEL", nargs="+",
        help=f"model files; and last DATA, {DATA_HELP}",
    )  # fmt: skip
    add_target(p)
    add_reading_of_data(p)
    p.add_argument(
        "--seed", metavar="N", type=whole,
        help="seed of what is drawn: rows of very many, dots, orders of columns; default: 0",
    )  # fmt: skip
    p.add_argument(
        "-o", "--out", metavar="FILE",
        help="the page, an .html file; default: MODEL-on-DATA.html, or MODEL-model.html without "
        "DATA, in the current folder; of several models report instead of MODEL",
    )  # fmt: skip
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def report(arguments: argparse.Namespace) -> int:
    """Read, judge, write the page, and print what it is about."""
    from fastnn.cli.text import print_json
    from fastnn.formats.atomic import write_atomically
    from fastnn.report.doors import left_out_of, page_of, subjects_of
    from fastnn.text import WIDTH, metrics_table
    from fastnn.version import __version__

    paths, data = _divided(arguments.paths)
    names = _names(paths)
    out = arguments.out or default_page(names, data)
    inputs = {f"MODEL {path}": path for path in paths} | ({"DATA": data} if data else {})
    check_page(out, "--out", inputs)
    models, rows = _read(arguments, paths, names, data)
    files = {name: os.path.basename(path) for name, path in zip(names, paths, strict=True)}
    where = "" if data is None else os.path.basename(data)
    with naming(data or ""):
        subjects = subjects_of(models, rows, where, arguments.seed or 0, files, as_flag)
    page = page_of(subjects)
    if os.path.exists(out):
        note(f"the report that was in {out} is replaced")
    write_atomically(out, page.encode())
    found, missing = _metrics(subjects), left_out_of(subjects)
    if arguments.json:
        print_json(
            {
                "report": out,
                "models": dict(zip(names, paths, strict=True)),
                "data": None if data is None else called(data),
                "examples": None if rows is None else len(next(iter(rows.values()))),
                "metrics": found,
                "left_out": missing or None,
                "fastnn": __version__,
            }
        )
        return 0
    if any(found.values()):
        print(f"{metrics_table(found)}\n")
    if missing:
        print(f"{fill(missing, WIDTH, break_on_hyphens=False)}\n")
    print(f"report: {out}")
    return 0


def default_page(names: Sequence[str], data: str | None) -> str:
    """Return the name of the page: of which model, or several, and on what.

    It is another one than that of the page of a training, and than that on other rows: those have
    chapters that this one lacks.

    >>> default_page(["digits"], None), default_page(["digits"], "tables/more.csv.gz")
    ('digits-model.html', 'digits-on-more.html')
    >>> default_page(["a", "b"], None)
    'report-models.html'
    """
    which = names[0] if len(names) == 1 else "report"
    if data is None:
        return f"{which}-model{'s' * (len(names) > 1)}.html"
    return f"{which}-on-{stem(data)}.html"


def _divided(paths: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the models, and DATA if the last is no model."""
    places = [k for k, path in enumerate(paths) if is_data(path)]
    if not places:
        return list(paths), None
    models = [path for path in paths if not is_data(path)]
    if not models:
        raise ArgumentError(f"{paths[0]} is DATA: give a MODEL before it, a file that train wrote")
    if places != [len(paths) - 1]:
        word = "one file of rows is DATA" if len(places) > 1 else "DATA comes last"
        raise ArgumentError(f"{word}: fastnn report {' '.join(models)} {paths[places[0]]}")
    return models, paths[-1]


def is_data(path: str) -> bool:
    """Return whether a path is that of rows and not of a model, by its name.

    >>> is_data("digits"), is_data("flats.csv.gz"), is_data("flats.fastnn")
    (True, True, False)
    """
    from fastnn.datasets.builtin import DATASETS
    from fastnn.reading.files import SUFFIXES
    from fastnn.reading.find_files import is_pattern

    several = os.path.isdir(path) or is_pattern(path)
    return several or path in DATASETS or path.lower().endswith(SUFFIXES)


def _names(paths: Sequence[str]) -> list[str]:
    """What models are called: their files' names, with the folders where these are the same."""
    plain = [path.removesuffix(".fastnn") for path in paths]
    short = [os.path.basename(path) for path in plain]
    names = [a if short.count(a) == 1 else b for a, b in zip(short, plain, strict=True)]
    for name in names:
        if names.count(name) > 1:
            raise ArgumentError(f"MODEL {name} is there twice")
    return names


def _read(
    arguments: argparse.Namespace, paths: Sequence[str], names: Sequence[str], data: str | None
) -> tuple[dict[str, Model], dict[str, Examples] | None]:
    """Load the models, and read the rows as each of them wants them."""
    from fastnn.datasets.builtin import DATASETS

    models: dict[str, Model] = {}
    rows: dict[str, Examples] = {}
    for name, path in zip(names, paths, strict=True):
        own = argparse.Namespace(**{**vars(arguments), "model": path, "data": data or ""})
        models[name] = load_model(own)
        if data is not None:
            with naming(data):
                again = data in DATASETS and bool(rows)  # what is said of it was said
                first = next(iter(rows.values())) if again else None
                rows[name] = first or labelled(models[name], own)
    if data is None:
        computed = options(DeviceOptions, EngineOptions)
        for option in (
            "target",
            "sample_weight",
            "drop",
            "seed",
            *reading_of(arguments),
            *computed,
        ):
            if getattr(arguments, option, None) is not None:
                raise ArgumentError(f"{arg(option)} has no effect without DATA")
    return models, rows if data is not None else None


def _metrics(subjects: Mapping[str, Subject]) -> dict[str, Mapping[str, float]]:
    """The metrics of each model: on the rows, else those of its own test part."""
    from fastnn.training.metrics import in_order

    found: dict[str, Mapping[str, float]] = {}
    for name, subject in subjects.items():
        judged = subject.judged
        own = subject.model.report.get("test", {}) if judged is None else judged.metrics
        found[name] = {metric: own[metric] for metric in in_order(subject.model.task, own)}
    return found


def check_page(path: str, option: str, inputs: Mapping[str, str | Sequence[str]]) -> None:
    """Raise unless a page can be made at ``path``; a file that is no page of fastnn stays there.

    >>> check_page("report.html", "--out", {"DATA": "digits"})
    >>> check_page("digits", "--report", {})
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: --report: the name of a page ends in .html, found 'digits'
    """
    from fastnn.pictures.page import GENERATOR

    if not path.lower().endswith((".html", ".htm")):
        raise ArgumentError(f"{option}: the name of a page ends in .html, found {path!r}")
    check_output(path, option, inputs)
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as stream:
            if GENERATOR not in stream.read(2000):
                raise ArgumentError(
                    f"{option}: file '{path}' is there already and is no page of fastnn, so it is "
                    "not overwritten: remove it, or name another file"
                )
