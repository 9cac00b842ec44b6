"""The rows that ``fastnn predict`` writes: block by block, as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from fastnn.errors import ArgumentError, DataError, arg, shown
from fastnn.extras import pip_install

if TYPE_CHECKING:
    import numpy.typing as npt

    from fastnn.data.table import Table
    from fastnn.model.model import Model

    Array = npt.NDArray[Any]

#: Formats and the endings of their files.
FORMATS = {"csv": ".csv", "parquet": ".parquet", "jsonl": ".jsonl"}
#: So many rows are in memory at a time.
BLOCK = 65_536

Columns = Mapping[str, Any]
Write = Callable[[Columns], None]


def format_of(out: str | None, given: str | None) -> str:
    """Return the format of a file by its name, or the one that is asked for.

    >>> format_of("a.parquet", None), format_of(None, None), format_of("-", "jsonl")
    ('parquet', 'csv', 'jsonl')
    """
    if given is not None:
        return given
    if out in (None, "-"):
        return "csv"
    assert out is not None
    found = [name for name, ending in FORMATS.items() if out.lower().endswith(ending)]
    if not found:
        raise ArgumentError(
            f"--out: the name must end in {', '.join(FORMATS.values())}, or say --format; found "
            f"{out!r}",
            argument="out",
        )
    return found[0]


def predicted(
    model: Model, table: Table, *, proba: bool = False, threshold: float | None = None
) -> Iterator[dict[str, Array]]:
    """Yield blocks of columns of predictions: labels or values, then probabilities by class.

    ``threshold``: a class, of two, or a label is predicted from this probability on.

    >>> from fastnn.api.train import train
    >>> model = train("breast_cancer", epochs=1).model
    >>> table = model.read(np.zeros((2, 30)))
    >>> [list(columns) for columns in predicted(model, table, proba=True)]
    [['prediction', 'probability_0', 'probability_1']]
    """
    X = model.features.transform(table)
    names = _ends(model)
    for start in range(0, len(X), BLOCK):
        A = model.learner.predict(np.ascontiguousarray(X[start : start + BLOCK]))
        found = model.decoded(A, threshold)
        if found.ndim == 1:
            columns = {"prediction": found}
        else:
            columns = {f"prediction_{end}": found[:, j] for j, end in enumerate(names)}
        if proba:
            P = model.probabilities_of(A)
            classes = model.targets.classes
            ends = names if classes is None else classes.tolist()
            columns |= {f"probability_{end}": P[:, j] for j, end in enumerate(ends)}
        yield columns


def _ends(model: Model) -> list[Any]:
    name = model.target_name
    return list(range(model.targets.n_outputs)) if isinstance(name, str) else list(name)


def with_kept(kept: Columns, blocks: Iterator[dict[str, Array]]) -> Iterator[dict[str, Any]]:
    """Yield the blocks with columns of the data before them.

    Raises ArgumentError for a column that is called as one of the predictions is.

    >>> list(with_kept({"id": np.array([7, 8])}, iter([{"prediction": np.array([0.5, 1.0])}])))
    [{'id': array([7, 8]), 'prediction': array([0.5, 1. ])}]
    """
    start = 0
    for block in blocks:
        n = len(next(iter(block.values())))
        both = [name for name in kept if name in block]
        if both:
            raise ArgumentError(
                f"{arg('keep')}: column {shown(both[0])} would be called as the predictions are "
                f"({', '.join(block)}); give it another name in the data"
            )
        cells = {name: column[start : start + n] for name, column in kept.items()}
        yield {name: _array(column) for name, column in cells.items()} | block
        start += n


def _array(column: Any) -> Any:
    from fastnn.reading.spelt import Spelt

    return column if isinstance(column, Spelt) else np.asarray(column)


def _values(column: Any) -> Any:
    """A column for what has types: of text with its numbers, the numbers."""
    from fastnn.reading.spelt import Spelt

    return column.numbers() if isinstance(column, Spelt) else column


def beside(
    blocks: Iterator[dict[str, Any]], name: str, model: Model, table: Table
) -> Iterator[dict[str, Any]]:
    """Yield the blocks with the predictions of another model as further columns."""
    for block, other in zip(blocks, predicted(model, table), strict=True):
        yield block | {key.replace("prediction", name, 1): own for key, own in other.items()}


@contextmanager
def writer(form: str, stream: IO[bytes] | None) -> Iterator[Write]:
    """Give what writes columns of rows in a format, to a stream or to standard output.

    >>> with writer("csv", None) as write:
    ...     write({"prediction": np.array([0.5])})
    prediction
    0.5
    """
    if form == "parquet":
        with _parquet_writer(stream) as made:
            yield made
        return
    first = [True]

    def write(columns: Columns) -> None:
        text = _csv(columns, first[0]) if form == "csv" else _json_lines(columns)
        first[0] = False
        if stream is None:
            sys.stdout.write(text)
        else:
            stream.write(text.encode())

    yield write


def rows(columns: Columns) -> Iterator[dict[str, Any]]:
    """Yield rows as JSON has them: a number that is none is null.

    >>> list(rows({"x": np.array([1.0, np.nan]), "t": np.array(["a", None], object)}))
    [{'x': 1.0, 't': 'a'}, {'x': None, 't': None}]
    """
    values = [_values(column).tolist() for column in columns.values()]
    for row in zip(*values, strict=True):
        yield {
            name: None if isinstance(cell, float) and not math.isfinite(cell) else cell
            for name, cell in zip(columns, row, strict=True)
        }


def _json_lines(columns: Columns) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(columns))


def _csv(columns: Columns, header: bool) -> str:
    text = io.StringIO()
    made = csv.writer(text, lineterminator="\n")
    if header:
        made.writerow(columns)
    # The text of a NumPy number is the shortest that reads back as the same number.
    made.writerows(zip(*(map(_cell, values) for values in columns.values()), strict=True))
    return text.getvalue()


def _cell(value: Any) -> str:
    return "" if value is None or value != value else str(value)


@contextmanager
def _parquet_writer(stream: IO[bytes] | None) -> Iterator[Write]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(
            "writing a .parquet file needs pyarrow, which is not installed: "
            f"{pip_install('data')}, or name a .csv file"
        ) from error
    sink = sys.stdout.buffer if stream is None else stream
    made: list[Any] = []

    def write(columns: Columns) -> None:
        table = pa.table({name: _arrow(_values(column)) for name, column in columns.items()})
        if not made:
            made.append(parquet.ParquetWriter(sink, table.schema))
        made[0].write_table(table.cast(made[0].schema))

    try:
        yield write
    finally:
        for one in made:
            one.close()


def _arrow(values: Any) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.string()) if values.dtype == object else pa.array(values)


def check_threshold(model: Model, threshold: float | None) -> None:
    """Raise ArgumentError unless a threshold can be used with the model.

    >>> from fastnn.api.train import train
    >>> check_threshold(train("diabetes", epochs=1).model, 0.3)
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: threshold has no effect: it is for two classes, or for labels
    """
    if threshold is None:
        return
    if model.task not in ("binary", "multilabel"):
        raise ArgumentError(
            f"{arg('threshold')} has no effect: it is for two classes, or for labels",
            value=threshold,
        )
    if not 0 < threshold < 1:
        raise ArgumentError(
            f"{arg('threshold')} must lie between 0 and 1, found {threshold:g}", value=threshold
        )
