"""Reports as text: of a training, of a model, of several models side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Unpack

from fastnn.backend.random import check_seed
from fastnn.errors import ArgumentError, Spelling, arg, in_python, inside
from fastnn.model.given import AnyModel, as_model
from fastnn.model.model import Model
from fastnn.preparation.examples import Examples, is_built_in
from fastnn.preparation.record import drawn
from fastnn.recipe.table import ReadingOptions
from fastnn.report.comparison import comparison, not_compared
from fastnn.report.counted import counted, most_counted
from fastnn.report.document import document, left_out
from fastnn.report.judged import Judged, most_rows
from fastnn.report.read import read
from fastnn.report.subject import Subject


def report_html(
    models: AnyModel | Mapping[str, AnyModel],
    data: Any = None,
    target: Any = None,
    *,
    seed: int = 0,
    **reading: Unpack[ReadingOptions],
) -> str:
    """Return a page on a model, or on several side by side: HTML that needs no network.

    Curves of the training, metrics beside a baseline, confusions or residuals, thresholds, which
    columns matter, the largest errors, the layers, what was read, and how to load and serve it.
    Of a `Training` without ``data`` it is `Training.report_html`, on the rows of its test part.

    Parameters
    ----------
    models : a model, an estimator, a `Sequential` or a `Training`; or several models of one target
        by the names that the page calls them.
    data : rows with a known target to judge by, best such as were not in training: a built-in
        name, a file, a data frame, a dict of columns or an array. None: only what the model knows.
    target : as in `Model.evaluate`: None takes the column or columns of the training.
    seed : of what is drawn: of more than 100,000 rows those that are looked at (which is said),
        the dots of a picture, the orders of permuted columns.
    reading : as in `Model.predict`.

    >>> from fastnn.api.train import train
    >>> model = train("diabetes", hidden_layer_sizes=[], epochs=1).model
    >>> "Largest errors" in report_html(model, "diabetes")
    True

    Raises DataError for rows that a model cannot take, ArgumentError for models that cannot be
    compared and for what has no effect without ``data``.
    """
    own: Any = getattr(models, "report_html", None)
    if callable(own):  # a training: its page is of its own test part, unless rows are given
        if data is None:
            return str(own(seed))
        models = getattr(models, "model", models)
    if isinstance(models, (Mapping, list, tuple)):
        if not isinstance(models, Mapping) or not models:
            found = f"a {type(models).__name__} of {len(models)}"
            raise ArgumentError(
                f"{arg('models')} must be a model, or models by their names, such as "
                f"{{'small': model, 'large': other}}, found {found}",
                value=models,
            )
        several = {str(name): as_model(one, "models", name) for name, one in models.items()}
    else:
        several = {"": as_model(models, "models")}
    rows = None
    if data is None:
        for option, value in {"target": target, **reading}.items():
            if value is not None:
                raise ArgumentError(f"{arg(option)} has no effect without {arg('data')}")
    else:
        rows = {}
        for name, model in several.items():
            with inside(f"{name}: " if name else ""):
                rows[name] = read(model, data, target, reading)
    where = data if is_built_in(data) else "the data"
    return page_of(subjects_of(several, rows, where, seed))


def subjects_of(
    models: Mapping[str, Model],
    rows: Mapping[str, Examples] | None,
    where: str,
    seed: int = 0,
    files: Mapping[str, str] | None = None,
    spelling: Spelling = in_python,
) -> dict[str, Subject]:
    """Return models with their rows judged: at most 100,000, the same for all.

    Counts of classes are of all rows, or of as many as there is time for. ``where``: what the rows
    are called; ``files``: the names of the models' files; ``spelling``: of options on the page.

    >>> from fastnn.api.train import train
    >>> model = train("diabetes", hidden_layer_sizes=[], epochs=1).model
    >>> subjects_of({"a": model}, None, "", files={"a": "a.fastnn"})["a"].file
    'a.fastnn'
    """
    most, seed = min(map(most_rows, models.values())), check_seed(seed)
    countable = min(map(most_counted, models.values())) // len(models)
    found = {}
    for name, model in models.items():
        judged = None
        if rows is not None:
            few = drawn(rows[name], most, seed)
            with inside(f"{name}: " if name and len(models) > 1 else ""):
                judged = Judged.of(model, few, where, len(rows[name]))
                if judged.sampled and countable > len(judged):
                    every = counted(model, rows[name], countable, seed)
                    judged = replace(judged, every=every)
        file = "" if files is None else files[name]
        subject = Subject(model, judged=judged, seed=seed, file=file, spelling=spelling)
        found[name] = subject if subject.one_row else replace(subject, look=judged)
    return found


def page_of(subjects: Mapping[str, Subject]) -> str:
    """Return the page of one model, or of several side by side.

    >>> from fastnn.api.train import train
    >>> model = train("diabetes", hidden_layer_sizes=[], epochs=1).model
    >>> "<h1>Report: progression</h1>" in page_of(subjects_of({"": model}, None, ""))
    True
    """
    if len(subjects) > 1:
        return comparison(subjects)
    return document(next(iter(subjects.values())))


def left_out_of(subjects: Mapping[str, Subject]) -> str:
    """Return in a line which chapters the page does not have, and what gives them.

    >>> from fastnn.api.train import train
    >>> model = train("diabetes", hidden_layer_sizes=[], epochs=1).model
    >>> left_out_of(subjects_of({"": model}, None, ""))
    'Left out without data: predicted and true values, what matters, ...'
    """
    return not_compared(subjects) if len(subjects) > 1 else left_out(next(iter(subjects.values())))
