"""How a training went: the loss and the metrics over the epochs, the learning rate, the batches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fastnn.pictures.marks import Axis, Chart, Line, Mark, Weight
from fastnn.pictures.page import chapter, folded, grid, panel, paragraph
from fastnn.pictures.palette import series_colour
from fastnn.pictures.plane import thinned
from fastnn.report.subject import Subject
from fastnn.training.history import ENDINGS, History
from fastnn.training.metrics import in_order

WIDTH, HEIGHT = 400, 270
#: An axis is logarithmic if its values differ by more than this factor.
WIDE = 20.0
#: Metrics that are drawn.
MOST_METRICS = 5


def learning(subject: Subject) -> str:
    """Return the chapter; of a model without a history it says so.

    >>> from fastnn.api.train import train
    >>> "Loss" in learning(Subject(train("diabetes", hidden_layer_sizes=[], epochs=2).model))
    True
    """
    history = subject.model.history
    if not history.epochs:
        why = "The training ended before its first epoch did, so there are no curves."
        if not subject.model.options:
            why = "This model brought no history of its training, so there are no curves."
        return chapter("How the training went", paragraph(why), anchor="learning")
    charts = [loss_chart({"": history}), *metric_charts(history, subject.model.task)]
    rates = [e.learning_rate for e in history.epochs]
    said = f" The learning rate was {rates[0]:g} throughout."
    if min(rates) < max(rates):
        charts.append(_rate_chart(history))
        said = ""
    parts = [paragraph(_said(subject) + said), grid(charts, columns_for(len(charts)))]
    if subject.rate is not None:
        reason, picture = subject.rate
        found = paragraph(reason) + panel(picture)
        parts.append(folded("How the learning rate was found", found))
    if any(e.batch_costs is not None for e in history.epochs):
        parts.append(folded("The cost of every mini-batch", panel(batch_chart(history))))
    return chapter("How the training went", *parts, anchor="learning")


def _said(subject: Subject) -> str:
    history, options = subject.model.history, subject.model.options
    n, most = len(history.epochs), options.get("epochs")
    of = f" of {most:,} epochs" if most and most != n else f" epoch{'s' if n != 1 else ''}"
    text = f"{n:,}{of}, {ENDINGS[history.stopped]}."
    if history.best_epoch is not None and history.monitor:
        by = "loss" if history.monitor == "loss" else history.monitor
        text += f" The weights are those of epoch {history.best_epoch:,}, the best by the {by} of "
        text += "the validation part."
    text += " The training loss is the mean over an epoch's mini-batches, penalties included"
    seconds = sum(e.seconds for e in history.epochs)
    return f"{text}; the steps took {seconds:.3g} s." if seconds else f"{text}."


def columns_for(n: int) -> int:
    """Return in how many columns so many charts are best.

    >>> [columns_for(n) for n in (1, 2, 3, 4, 6)]
    [3, 2, 3, 2, 3]
    """
    return 2 if n in (2, 4) else 3


def logarithmic(values: Sequence[float]) -> bool:
    """Return whether values are better seen on a logarithmic axis.

    >>> logarithmic([1.0, 0.5]), logarithmic([1.0, 0.001]), logarithmic([1.0, 0.0])
    (False, True, False)
    """
    known = [v for v in values if math.isfinite(v)]
    return bool(known) and min(known) > 0 and max(known) > WIDE * min(known)


def loss_chart(histories: Mapping[str, History]) -> Chart:
    """Return the losses of one training, or of several by their names, over the epochs.

    >>> from fastnn.training.history import Epoch
    >>> history = History(epochs=[Epoch(1, 0.5, 0.1, 0.6), Epoch(2, 0.25, 0.1, 0.5)])
    >>> [mark.name for mark in loss_chart({"": history}).marks]
    ['training', 'validation']
    """
    marks: list[Mark] = []
    several = len(histories) > 1
    values: list[float] = []
    for k, (name, history) in enumerate(histories.items()):
        epochs = [e.epoch for e in history.epochs]
        train = [e.loss for e in history.epochs]
        known = [math.nan if e.validation_loss is None else e.validation_loss
                 for e in history.epochs]  # fmt: skip
        watched = any(map(math.isfinite, known))
        colours = (series_colour(k), series_colour(k)) if several else ("blue", "orange")
        values += [*(known if several and watched else train), *([] if several else known)]
        if not several or not watched:
            marks.append(Line.of(name or "training", epochs, train, colours[0]))
        if watched:
            weight: Weight = "plain" if several else "strong"
            marks.append(Line.of(name or "validation", epochs, known, colours[1], weight))
        if not several:
            marks += best_line(history, [*train, *known])
    note = "of the validation part" if several else best_note(next(iter(histories.values())))
    log = logarithmic(values)
    return Chart("Loss", tuple(marks), Axis("epoch"), Axis("loss" + ", logarithmic" * log, log),
                 note, width=WIDTH, height=HEIGHT)  # fmt: skip


def best_note(history: History) -> str:
    """Say what the vertical line is; nothing if there is none."""
    best = history.best_epoch
    return f"kept: epoch {best:,}" if best and best < len(history.epochs) else ""


def best_line(history: History, values: Sequence[float]) -> list[Line]:
    """Return a vertical line at the epoch whose weights were kept, if it is not the last."""
    known = [v for v in values if math.isfinite(v)]
    if not known or not best_note(history):
        return []
    x = float(history.best_epoch or 0)
    return [guide([x, x], [min(known), max(known)])]


def guide(xs: Sequence[float], ys: Sequence[float]) -> Line:
    """Return a line that is no series but something to compare with.

    >>> guide([0, 1], [0, 1]).dots
    False
    """
    return replace(Line.of("", xs, ys, "grey", "dashed"), dots=False)


def watched_metrics(history: History, task: str) -> list[str]:
    """Return the metrics that were watched, in the order of all tables.

    >>> from fastnn.training.history import Epoch
    >>> epoch = Epoch(1, 0.5, 0.1, 0.6, {"mae": 0.8, "r2": 0.5})
    >>> watched_metrics(History(epochs=[epoch]), "regression")
    ['r2', 'mae']
    """
    return in_order(task, {n for e in history.epochs for n in (*e.metrics, *e.training_metrics)})


def metric_charts(history: History, task: str) -> list[Chart]:
    """Return a chart for each metric: of the validation part, and of training if it is known."""
    names = watched_metrics(history, task)
    found = []
    epochs = [e.epoch for e in history.epochs]
    for name in names[:MOST_METRICS]:
        marks: list[Mark] = []
        every: list[float] = []
        for label, of, colour in (
            ("training", "training_metrics", "blue"),
            ("validation", "metrics", "orange"),
        ):
            values = [getattr(e, of).get(name, math.nan) for e in history.epochs]
            if any(map(math.isfinite, values)):
                weight: Weight = "strong" if of == "metrics" else "plain"
                marks.append(Line.of(label, epochs, values, colour, weight))
                every += values
        if marks:
            marks += best_line(history, every)
            found.append(Chart(name, tuple(marks), Axis("epoch"), Axis(name), best_note(history),
                               width=WIDTH, height=HEIGHT))  # fmt: skip
    return found


def metric_chart(metric: str, histories: Mapping[str, History]) -> Chart:
    """Return a metric of the validation part of several trainings, by their names.

    >>> from fastnn.training.history import Epoch
    >>> history = History(epochs=[Epoch(1, 0.5, 0.1, 0.6, {"f1": 0.8})])
    >>> metric_chart("f1", {"a": history, "b": history}).marks[1].name
    'b'
    """
    marks = tuple(
        Line.of(name, [e.epoch for e in history.epochs],
                [e.metrics.get(metric, math.nan) for e in history.epochs], series_colour(k))
        for k, (name, history) in enumerate(histories.items())
    )  # fmt: skip
    return Chart(metric, marks, Axis("epoch"), Axis(metric), "of the validation part", width=WIDTH,
                 height=HEIGHT)  # fmt: skip


def _rate_chart(history: History) -> Chart:
    rates = [e.learning_rate for e in history.epochs]
    log = logarithmic(rates)
    line = Line.of("", [e.epoch for e in history.epochs], rates, "green", "strong")
    name = "learning rate" + ", logarithmic" * log
    return Chart("Learning rate", (line,), Axis("epoch"), Axis(name, log),
                 "of the last step of each epoch", width=WIDTH, height=HEIGHT)  # fmt: skip


def batch_chart(history: History) -> Chart:
    """Return the cost J of every mini-batch over the epochs (N26), and each epoch's mean.

    >>> from fastnn.training.history import Epoch
    >>> epoch = Epoch(1, 0.5, 0.1, batch_costs=np.array([0.75, 0.25]))
    >>> batch_chart(History(epochs=[epoch])).marks[0].points[1]
    Point(x=1.0, y=0.25, text='')
    """
    xs: list[float] = []
    ys: list[float] = []
    for e in history.epochs:
        every = np.zeros(0) if e.batch_costs is None else e.batch_costs
        xs += (e.epoch - 1 + np.arange(1, len(every) + 1) / max(len(every), 1)).tolist()
        ys += every.tolist()
    log = logarithmic(ys)
    kept, costs = zip(*thinned(list(zip(xs, ys, strict=True))), strict=True)
    mean = Line.of("mean", [e.epoch for e in history.epochs], [e.loss for e in history.epochs],
                   "blue", "strong")  # fmt: skip
    return Chart(
        "Cost J of every mini-batch", (Line.of("batch", kept, costs, "pale_blue"), mean),
        Axis("epoch"), Axis("cost J" + ", logarithmic" * log, log), width=820, height=300,
    )  # fmt: skip
