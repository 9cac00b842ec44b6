"""Several models side by side: how good they are, how they were trained, where they differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from fastnn.errors import ArgumentError, arg, spell
from fastnn.model.facts import task_text
from fastnn.pictures.marks import HeatMap, Panel
from fastnn.pictures.page import Markup, chapter, grid, page, panel, paragraph, table, tiles
from fastnn.report.classes import truth_of
from fastnn.report.document import contents_of
from fastnn.report.learning import columns_for, loss_chart, metric_chart
from fastnn.report.quality import OF_THE_ROWS, baseline, better, names_of
from fastnn.report.settings import option_row
from fastnn.report.subject import IN_CHART, Subject, outputs_of, target_of
from fastnn.report.thresholds import (
    brier_of,
    calibration_error,
    has_probabilities,
    precision_chart,
    roc_chart,
)
from fastnn.report.values import in_units
from fastnn.text import clipped, number, numbers
from fastnn.training.curves import Cuts
from fastnn.training.metrics import default_metrics, in_order

#: Models on one page, and classes that are compared one by one.
MOST_MODELS, MOST_CLASSES = 12, 20

Subjects = Mapping[str, Subject]


def comparison(subjects: Subjects) -> str:
    """Return the page of several models of one target.

    >>> from fastnn.api.train import train
    >>> models = [train("diabetes", hidden_layer_sizes=[], epochs=n).model for n in (1, 2)]
    >>> text = comparison({"a": Subject(models[0]), "b": Subject(models[1])})
    >>> "What differs" in text
    True

    Raises ArgumentError for models that predict different things, and for too many.
    """
    check_alike(subjects)
    first = next(iter(subjects.values()))
    title = f"Report: {target_of(first.model)}, {len(subjects)} models"
    chapters = [quality(subjects), learning(subjects)]
    if not first.one_row:
        chapters += [_curves(subjects), _classes(subjects), _agreement(subjects)]
    chapters.append(differences(subjects))
    chapters = [text for text in chapters if text]
    task = task_text(first.model.task, first.model.target_name)
    said = f"{task}; models: {', '.join(subjects)}."
    if first.judged is not None:
        said += f" Judged on {first.judged.said}."
    head = [f"<h1>{escape(title)}</h1>", paragraph(said, "facts"), tiles(_tiles(subjects))]
    missing = not_compared(subjects)
    head += [paragraph(missing)] if missing else []
    return page(title, [*head, contents_of(chapters), *chapters])


def not_compared(subjects: Subjects) -> str:
    """Return in a line which chapters there are not, and what gives them; '' if all are there."""
    first = next(iter(subjects.values()))
    if first.judged is not None and not first.one_row:
        return ""
    task, several = first.model.task, len(outputs_of(first.model)) > 1
    names = ["ROC and precision-recall", "calibration"] * (task == "binary")
    names += ["calibration"] * (task in ("multiclass", "multilabel"))
    names += ["each target"] * (task == "regression" and several)
    names += ["each label"] * (task == "multilabel")
    names += ["each class"] * (task == "multiclass")
    names.append("where they agree")
    if first.one_row:
        return f"Left out, as one row does not show it: {', '.join(names)}. Give more rows."
    data = spell(arg("data"), first.spelling)
    return f"Left out without {data}: {', '.join(names)}. {data}: rows with a known target."


def check_alike(subjects: Subjects) -> None:
    """Raise ArgumentError unless all models predict the same."""
    if len(subjects) > MOST_MODELS:
        raise ArgumentError(
            f"{len(subjects)} models on one page cannot be told apart: compare {MOST_MODELS} at "
            "the most",
            argument="models",
        )
    (name, first), *others = subjects.items()
    for other, subject in others:
        for what, one, two in (
            ("tasks", first.model.task, subject.model.task),
            ("targets", first.model.target_name, subject.model.target_name),
            ("classes", outputs_of(first.model), outputs_of(subject.model)),
        ):
            if one != two:
                raise ArgumentError(
                    f"{other} cannot be compared with {name}: their {what} differ, "
                    f"{_short(two)} and {_short(one)}",
                    argument="models",
                )


def _short(value: object) -> str:
    return clipped(str(value), 60)


def scores(subjects: Subjects) -> tuple[str, dict[str, Mapping[str, float]]]:
    """Return on what the models are compared, and the metrics of each."""
    first = next(iter(subjects.values()))
    if first.judged is not None:
        return first.judged.where, {
            name: s.judged.metrics for name, s in subjects.items() if s.judged is not None
        }
    return "the test part of its training", {
        name: s.model.report.get("test", {}) for name, s in subjects.items()
    }


def _tiles(subjects: Subjects) -> list[tuple[str, str]]:
    """The best by the first metric, and the smallest."""
    first = next(iter(subjects.values())).model
    metric = default_metrics(first.task, first.network.loss)[0]
    where, found = scores(subjects)
    values = {name: metrics.get(metric, math.nan) for name, metrics in found.items()}
    best = next(iter(values))
    for name in values:
        best = name if better(metric, values[name], values[best]) else best
    smallest = min(subjects, key=lambda name: subjects[name].model.network.n_parameters)
    n = subjects[smallest].model.network.n_parameters
    tile = [(number(values[best]), f"{metric} of {best}, the best on {where}")]
    return [*(tile if math.isfinite(values[best]) else []), (f"{n:,}", f"parameters of {smallest}")]


def quality(subjects: Subjects) -> str:
    """Return the table of metrics, the best of each in bold."""
    where, found = scores(subjects)
    first = next(iter(subjects.values()))
    losses = {str(s.model.network.loss) for s in subjects.values()}
    names = [
        n for n in names_of(first.model.task, found.values()) if n != "loss" or len(losses) < 2
    ]
    base = None if first.judged is None else baseline(first.judged)
    columns = [[*subjects, *([base[0]] if base else [])]]
    for metric in names:
        values = [found[name].get(metric, math.nan) for name in subjects]
        texts = numbers([*values, *([base[1].get(metric)] if base else [])])
        marked = map(_best, texts, values, [values] * len(values), [metric] * len(values))
        columns.append([*marked, *texts[len(values) :]])
    more = _calibrated(subjects)
    models = [subject.model for subject in subjects.values()]
    more["parameters"] = [f"{model.network.n_parameters:,}" for model in models]
    more["epochs"] = [f"{len(model.history.epochs):,}" for model in models]
    columns += [[*cells, *[""] * bool(base)] for cells in more.values()]
    rows = [list(row) for row in zip(*columns, strict=True)]
    note = f"On {where}; the best of each in bold."
    if base is None:
        note += " The parts may differ: the same rows for all compare them."
    elif first.model.prior is None:
        note += f" {OF_THE_ROWS}."
    elif len({str(model.prior) for model in models}) > 1:
        note += f" The baseline is of the training part of {next(iter(subjects))}."
    if len(losses) > 1:
        note += " The losses are of different kinds and are left out."
    head = ["model", *names, *more]
    return chapter("How good they are", paragraph(note), table(head, rows), anchor="quality")


def _best(text: str, value: float, others: Sequence[float], metric: str) -> str:
    best = math.isfinite(value) and not any(better(metric, other, value) for other in others)
    return Markup(f"<b>{text}</b>") if best else text


def _calibrated(subjects: Subjects) -> dict[str, list[str]]:
    """How far the probabilities can be taken at their word, as the page of one model has it."""
    judged = [s.judged for s in subjects.values() if s.judged is not None and not s.one_row]
    if not any(map(has_probabilities, judged)):
        return {}
    return {
        name: numbers([of(j) if has_probabilities(j) else None for j in judged])
        for name, of in (("calibration error", calibration_error), ("Brier", brier_of))
    }


def learning(subjects: Subjects) -> str:
    """Return the courses of the trainings over each other."""
    histories = {n: s.model.history for n, s in subjects.items() if s.model.history.epochs}
    if not histories:
        return ""
    charts: list[Panel] = []
    if len({str(subjects[name].model.network.loss) for name in histories}) == 1:
        charts.append(loss_chart(histories))
    task = next(iter(subjects.values())).model.task
    names = in_order(task, {m for h in histories.values() for e in h.epochs for m in e.metrics})
    charts += [metric_chart(name, histories) for name in names[:3]]
    shown = grid(charts, columns_for(len(charts)))
    return chapter("How the trainings went", shown, anchor="learning")


def _curves(subjects: Subjects) -> str:
    """ROC and precision-recall of two classes."""
    curves = []
    for name, subject in subjects.items():
        judged = subject.judged
        if judged is not None and judged.model.task == "binary":
            cuts = Cuts.of(truth_of(judged, 1), judged.output[:, 1], judged.weights)
            curves.append((clipped(name, IN_CHART), cuts))
    curves = [(name, cuts) for name, cuts in curves if cuts.positives and cuts.negatives]
    if not curves:
        return ""
    return chapter(
        "ROC and precision-recall", grid([roc_chart(curves), precision_chart(curves)]),
        anchor="roc",
    )  # fmt: skip


def _classes(subjects: Subjects) -> str:
    """F1 of each class or label, or the error of each target, by model."""
    judged = {n: s.judged for n, s in subjects.items() if s.judged is not None}
    if not judged:
        return ""
    first = next(iter(judged.values()))
    names = outputs_of(first.model)
    task = first.model.task
    if task == "binary" or (task == "regression" and len(names) == 1):
        return ""
    if task == "regression":
        values = np.array(
            [np.sqrt(((j.output - j.target) ** 2).mean(axis=0)) for j in judged.values()]
        )
        what, kind = "rmse", "target"
    else:
        values = np.array([j.counts.f1 for j in judged.values()])
        what, kind = "F1", "label" if task == "multilabel" else "class"
    order = list(range(len(names)))
    said = f"The {what} of each {kind}."
    if len(names) > MOST_CLASSES:
        spread = np.argsort(-np.ptp(values, axis=0), kind="stable")
        order = [int(k) for k in spread[:MOST_CLASSES]]
        said = f"The {what} of the {MOST_CLASSES} of {len(names):,} where the models differ most."
    if task == "regression":  # each row has units of its own
        cells = in_units(values[:, order], values[0, order])
    else:
        cells = [numbers(row) for row in values[:, order].tolist()]
        said += f" From {first.said_of_counts}."
    rows = [[names[k], *own] for k, *own in zip(order, *cells, strict=True)]
    return chapter(
        f"Each {kind}", paragraph(said), table([kind, *judged], rows), anchor="classes"
    )  # fmt: skip


def _agreement(subjects: Subjects) -> str:
    """How often the models say the same, and how many rows all of them get wrong."""
    judged = {n: s.judged for n, s in subjects.items() if s.judged is not None}
    same = {tuple(j.places.tolist()) for j in judged.values()}
    if len(judged) < 2 or len(same) > 1:
        return ""
    first = next(iter(judged.values()))
    if first.model.task == "regression":
        residuals = np.array([(j.output - j.target).ravel() for j in judged.values()])
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.atleast_2d(np.corrcoef(residuals))
        title, note = (
            "How alike the residuals are",
            "correlation: at 1 a mean of both gains nothing",
        )
        said = "Models whose errors are unlike are better together than each alone."
    else:
        found = [j.predicted.reshape(len(j), -1) for j in judged.values()]
        values = np.array([[(a == b).all(axis=1).mean() for b in found] for a in found])
        truth = first.target.reshape(len(first), -1)
        wrong = np.array([(p != truth).any(axis=1) for p in found])
        title, note = "The same prediction", "share of the rows"
        said = (
            f"{int(wrong.all(axis=0).sum()):,} of {len(first):,} rows are wrong for every model, "
            f"{int((~wrong).all(axis=0).sum()):,} right for all."
        )
    names = tuple(clipped(name, IN_CHART) for name in judged)
    values = np.nan_to_num(values, nan=0.0)
    texts = tuple(tuple(f"{v:.3f}" for v in row) for row in values.tolist())
    low = float(min(0.5, values.min()))
    shown = HeatMap(title, names, names, tuple(map(tuple, values.tolist())), note, texts,
                    low=low, high=1.0)  # fmt: skip
    inner = f'<div class="beside">{panel(shown)}</div>'
    return chapter("Where they agree", paragraph(said), inner, anchor="agreement")


def differences(subjects: Subjects) -> str:
    """Return the networks and the options that are not the same for all."""
    models = {name: subject.model for name, subject in subjects.items()}
    spelling = next(iter(subjects.values())).spelling
    rows = [["network", *(str(m.network) for m in models.values())]]
    rows.append(["columns", *(f"{len(m.features.columns):,}" for m in models.values())])
    rows.append(["numbers", *(m.parameters.dtype.name for m in models.values())])
    options = dict.fromkeys(name for m in models.values() for name in m.options)
    for name in options:
        values = [option_row(name, m.options[name], spelling)[1] if name in m.options else "-"
                  for m in models.values()]  # fmt: skip
        rows.append([spelling(name, None), *values])
    differ = [row for row in rows if len({*row[1:]}) > 1]
    if not differ:
        return chapter("What differs", paragraph("No option does."), anchor="differences")
    return chapter(
        "What differs", paragraph("Options and sizes that are the same for all are left out."),
        table(["option", *models], differ, "text"), anchor="differences",
    )  # fmt: skip
