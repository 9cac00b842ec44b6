"""How a model was trained, and with what: choices, layers, versions. No name of a machine."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from typing import Any

from fastnn.errors import Spelling, in_python
from fastnn.extras import packages
from fastnn.model.model import Model
from fastnn.pictures.page import chapter, paragraph, table
from fastnn.recipe.choices import OPTIONS
from fastnn.recipe.documentation import shown_default
from fastnn.recipe.forms import written
from fastnn.report.subject import Subject
from fastnn.text import clipped, engine_text
from fastnn.version import __version__

#: The extras that run a training.
EXTRAS = ("jit", "cuda12", "cuda13")


def settings(subject: Subject) -> str:
    """Return the chapter of the network and the choices of its training.

    >>> from fastnn.api.train import train
    >>> "adam" in settings(Subject(train("digits", hidden_layer_sizes=[], epochs=1).model))
    True
    """
    model = subject.model
    parts = [layer_table(model)]
    if model.options:
        rows = [option_row(*option, subject.spelling) for option in model.options.items()]
        parts.append(table(["option", "value", "what it is"], rows, "text"))
    else:
        parts.append(paragraph("Its training was not done by fastnn: no options are known."))
    return chapter("Configuration", *parts, anchor="configuration")


def layer_table(model: Model) -> str:
    """Return the network as a table, a row for each layer.

    >>> from fastnn.api.train import train
    >>> "softmax" in layer_table(train("digits", hidden_layer_sizes=[], epochs=1).model)
    True
    """
    net = model.network
    kinds = zip(
        net.sizes, net.sizes[1:], net.activations, net.batch_norm, net.dropout, strict=False
    )
    rows = []
    for l, (n_in, n, g, norm, p) in enumerate(kinds, start=1):
        extras = [f"batch norm {norm.place}"] * (norm is not None) if norm else []
        extras += [f"dropout {p:g}"] if p else []
        rows.append([str(l), f"{n_in:,}", f"{n:,}", g.name, ", ".join(extras)])
    said = f"Loss {net.loss}; {net.n_parameters:,} parameters, {model.parameters.dtype.name}."
    head = ["layer", "inputs", "units", "activation", "besides"]
    return paragraph(said) + table(head, rows, "text")


def chosen(name: str, value: Any) -> str:
    """Return a choice as the command line takes it; what stands for none, in words.

    >>> chosen("l2", 0.1), chosen("gradient_clip", None), chosen("patience", None)
    ('0.1', 'no limit', 'none')
    """
    row = OPTIONS.get(name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is not None and value != []:
        return clipped(written(value).replace(",", ", "), 200)  # so that it can be broken
    return shown_default(row) if row is not None and row.default in (None, ()) else "none"


def option_row(name: str, value: Any, spelling: Spelling = in_python) -> list[str]:
    """Return an option as the door of the page writes it, what was chosen, and what it is.

    >>> option_row("shuffle", True)
    ['shuffle', 'yes', 'new order of the examples in each epoch']
    >>> option_row("shuffle", True, lambda name, value: f"--no-{name}")[:2]
    ['--no-shuffle', 'not given']
    """
    row, spelt = OPTIONS.get(name), spelling(name, None)
    said = "" if row is None else row.help
    choice = chosen(name, value)
    if row is not None and row.flag is not None and row.flag.negated and spelt != name:
        said, choice = row.flag.help, "not given" if value else "given"
    return [spelt, choice, re.sub(r" \(N\d+\)", "", said)]


def environment(subject: Subject) -> str:
    """Return the chapter of versions, engine, device and threads.

    >>> from fastnn.api.train import train
    >>> "numpy" in environment(Subject(train("digits", hidden_layer_sizes=[], epochs=1).model))
    True
    """
    model = subject.model
    rows = [["fastnn", __version__], ["Python", platform.python_version()]]
    rows.append(["system", f"{platform.system()} {platform.machine()}"])
    rows += [[name, version] for name, version in versions().items()]
    rows.append(["device", model.device])
    engine = engine_text(model.history.engine)
    rows.append(["steps of the training", engine or "not known"])
    rows.append(["numbers", model.parameters.dtype.name])
    return chapter(
        "Environment",
        paragraph("Of the process that made this page; the steps are those of the training."),
        table(["what", "which"], rows, "text"),
        anchor="environment",
    )


def versions() -> dict[str, str]:
    """Return the versions of the packages that run a training, of those that are there.

    >>> "numpy" in versions()
    True
    """
    found = {}
    for name in ["numpy", *(name for extra in EXTRAS for name in packages(extra))]:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
