"""The page of one model: its chapters, their contents, and what is said first."""

from __future__ import annotations

import re
from html import escape, unescape

from fastnn.diagnosis.diagnosis import Diagnosis
from fastnn.errors import arg, spell
from fastnn.model.facts import task_text
from fastnn.pictures.page import Markup, contents, page, paragraph, tiles
from fastnn.report.classes import classes
from fastnn.report.inputs import inputs
from fastnn.report.layers import diagnosis, layers
from fastnn.report.learning import learning
from fastnn.report.matters import matters
from fastnn.report.quality import quality, tiles_of
from fastnn.report.settings import environment, settings
from fastnn.report.subject import Subject, outputs_of, target_of
from fastnn.report.thresholds import reliability, roc, threshold
from fastnn.report.usage import usage
from fastnn.report.values import values
from fastnn.report.worst import worst
from fastnn.text import clipped

_HEADING = re.compile(r'^<h2 id="(\w+)">(.*?)</h2>', re.DOTALL)


def document(subject: Subject) -> str:
    """Return the page of a model, whole.

    >>> from fastnn.api.train import train
    >>> text = document(Subject(train("diabetes", hidden_layer_sizes=[], epochs=1).model))
    >>> text.startswith("<!doctype html>"), "http://" in text
    (True, False)
    """
    found = diagnosis(subject)
    chapters = [part for part in _chapters(subject, found) if part]
    title = f"Report: {target_of(subject.model)}"
    return page(title, [*head(subject, title, found), contents_of(chapters), *chapters])


def head(subject: Subject, title: str, found: Diagnosis) -> list[str]:
    """Return what stands first: the title, what the model is, what went wrong, a few numbers."""
    model, history = subject.model, subject.model.history
    text = task_text(model.task, model.target_name)
    if model.targets.classes is not None:
        text += f", {len(outputs_of(model)):,} classes"
    text += f". {clipped(str(model.network), 240)}."
    parts = [f"<h1>{escape(title)}</h1>", paragraph(text, "facts")]
    if history.stopped == "diverged":
        of = "of its last good epoch" if history.epochs else "that it began with"
        parts.append(
            paragraph(
                "The training diverged: its loss was no longer a number"
                + (f" ({subject.error})" if subject.error else "")
                + f". All that follows is of the weights {of}.",
                "warning",
            )
        )
    elif history.stopped == "interrupted":
        most = model.options.get("epochs")
        of = f" of {most:,}" if most else ""
        n = len(history.epochs)
        parts.append(paragraph(f"The training was interrupted after epoch {n:,}{of}.", "warning"))
    if found.findings:
        names = escape(", ".join(finding.name for finding in found.findings))
        said = Markup(f'Found in the <a href="#layers">layers</a> and the course: {names}.')
        parts.append(paragraph(said, "warning"))
    parts.append(tiles(tiles_of(subject)))
    missing = left_out(subject)
    return [*parts, paragraph(missing)] if missing else parts


def left_out(subject: Subject) -> str:
    """Return in a line which chapters there are not, and what gives them; '' if all are there.

    >>> from fastnn.api.train import train
    >>> left_out(Subject(train("diabetes", hidden_layer_sizes=[], epochs=1).model))
    'Left out without data: predicted and true values, what matters, the largest errors, ...'
    """
    judged, task, names = subject.judged, subject.model.task, []
    if judged is not None and not subject.one_row:
        return ""
    if task == "regression":
        names.append("predicted and true values")
    else:
        labels = "labels" if task == "multilabel" else "classes and their confusion matrix"
        names += [labels, "ROC and precision-recall", "calibration"]
        names += ["the threshold"] * (task == "binary")
    names.append("what matters")
    if judged is None:
        names += ["the largest errors", "signals and gradients of the layers"]
        data = spell(arg("data"), subject.spelling)
        return f"Left out without {data}: {', '.join(names)}. {data}: rows with a known target."
    if subject.record is None:
        names.append("signals and dead units of the layers")
    return f"Left out, as one row does not show it: {', '.join(names)}. Give more rows."


def contents_of(chapters: list[str]) -> str:
    """Return links to chapters, by their headings."""
    found = []
    for text in chapters:
        match = _HEADING.match(text)
        assert match is not None
        found.append((match[1], unescape(match[2])))
    return contents(found)


def _chapters(subject: Subject, found_there: Diagnosis) -> list[str]:
    judged, task = subject.judged, subject.model.task
    found = [learning(subject), quality(subject)]
    if judged is not None and subject.one_row:
        found.append(worst(judged, range(len(subject.model.features.columns))))
    elif judged is not None:
        if task == "regression":
            found.append(values(judged, subject.seed))
        else:
            found += [classes(judged), roc(judged), reliability(judged)]
            if task == "binary":
                found.append(threshold(subject.chosen or judged))
        importance, ranked = matters(judged, subject.seed)
        found += [importance, worst(judged, ranked)]
    found.append(layers(subject, found_there))
    return [*found, inputs(subject), settings(subject), environment(subject), usage(subject)]
