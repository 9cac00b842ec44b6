"""Rows of a table to rows of numbers: N19, missing values, one-hot; fitted on the training part."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastnn.data.categories import frequent_categories, gaps_of, places_of, strange_texts
from fastnn.data.cells import kept_options
from fastnn.data.columns import numeric_part, texts_of
from fastnn.data.date_features import DateParts, are_dates, elapsed_units
from fastnn.data.dates import written
from fastnn.data.placeholders import tell_placeholders
from fastnn.data.state import (
    check_metadata,
    check_vectors,
    is_flag,
    is_reading,
    is_text,
    is_text_list,
)
from fastnn.data.statistics import blocks, columns_with_gaps, filled_by_median, moments
from fastnn.data.strange import Strange, tell
from fastnn.data.table import Array, Table, check_dtype, check_known, from_zero
from fastnn.data.texts import counts_of
from fastnn.data.useless import REASONS, check_text, tell_useless, useless_columns
from fastnn.data.wanted import tell_others
from fastnn.errors import ArgumentError, DataError, ModelFileError, arg, shown
from fastnn.pickles import Pickled

#: Columns with more categories than this keep their most frequent ones.
MAX_CATEGORIES = 256


@dataclass(frozen=True, eq=False)
class Features(Pickled):
    """The preprocessing of the inputs, fitted on the training part and saved with the model.

    Output columns, in this order: each numeric column, ``(x - mu)/sigma`` (N19); an indicator (1
    where the value was missing) for each numeric column with gaps in the training part; one
    column of 0 and 1 per category of each categorical column, then its '<unknown>' column for
    values that the training part does not have and for missing ones; year, month, weekday and hour
    of each column of dates (`date_features`), which is numeric too: its elapsed time.

    A missing number is replaced by the median of the training part and then standardised; mu and
    sigma (population) are those of the filled column. In a column without gaps in the training
    part a later gap is filled with mu, with a DataWarning. A constant column has sigma 1.

    Columns without a value in the training part, and of text that is another in nearly every row
    (`fastnn.data.useless`), are left out with a DataNote.

    Attributes:
        columns: names of the input columns, in the training order.
        given: those and the columns that were left out, in the order of the training data.
        positional: the training data had no column names.
        numeric: the p input columns of numbers, and of dates in seconds since 1970.
        indicators: those of ``numeric`` that had gaps.
        categories: categorical column to its known values, sorted.
        fill, mean, scale: ``(p,)`` float64; without standardisation mean 0 and scale 1.
        standardize: whether N19 is applied.
        dtype: of the output.
        reading: how text was read, for new data: what `cells.kept_options` keeps.
        complete: categorical columns without gaps in the training part.
        weight: the column of weights, if there was one; it is no input.
        left_out: why columns were left out, by their names: one of `useless.REASONS`.
        told: columns warned of in ``fit``, so not again in ``transform``; not saved.
        dates: those of ``numeric`` that are dates or times of day.

    >>> import numpy as np
    >>> table = Table.from_columns({"age": np.array([1, 3]), "town": np.array(["A", "B"], object)})
    >>> features = Features.fit(table)
    >>> features.names
    ('age', 'town=A', 'town=B', 'town=<unknown>')
    >>> features.transform(table)
    array([[-1.,  1.,  0.,  0.],
           [ 1.,  0.,  1.,  0.]], dtype=float32)
    """

    columns: tuple[str, ...]
    positional: bool
    numeric: tuple[str, ...]
    indicators: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    fill: Array
    mean: Array
    scale: Array
    standardize: bool
    dtype: str
    reading: Mapping[str, Any] = field(default_factory=dict)
    complete: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    told: Collection[str] = ()
    given: tuple[str, ...] = ()
    weight: str = ""
    dates: Mapping[str, DateParts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.given:
            object.__setattr__(self, "given", self.columns)

    def __repr__(self) -> str:
        return (
            f"<Features: {len(self.columns):,} columns to {self.n_features:,} numbers of "
            f"{self.dtype}>"
        )

    @classmethod
    def fit(
        cls,
        table: Table,
        *,
        dtype: str = "float32",
        standardize: bool = True,
        categorical: Collection[str] = (),
        keep_text: Collection[str] = (),
        max_categories: int = MAX_CATEGORIES,
        weights: Array | None = None,
        reading: Mapping[str, Any] | None = None,
        weight: str = "",
    ) -> Features:
        """Learn medians, mu, sigma and categories from the training part.

        Args:
            table: the training rows.
            dtype: of the output, 'float32' or 'float64'; statistics are float64 always.
            standardize: False leaves numbers in their own units.
            categorical: numeric columns to one-hot encode (codes such as a month).
            keep_text: columns of text that are kept even if nearly every row has another one.
            max_categories: the most frequent so many values of a column get a place of their own,
                the others share '<unknown>', with a DataWarning.
            weights: (N,), which count in medians, means and deviations (`statistics.moments`); a
                row of weight 0 is not seen.
            reading, weight: how the text was read, and the column of weights, to be kept.

        Raises DataError if no column is left, and for numbers too large to square.

        >>> import numpy as np
        >>> Features.fit(Table.from_columns({"x": np.array([2.0, 4.0])})).mean
        array([3.])
        """
        check_dtype(dtype)
        check_known(categorical, table.names, "categorical")
        check_text(keep_text, table)
        if isinstance(max_categories, bool) or not isinstance(max_categories, (int, np.integer)):
            raise ArgumentError(
                f"{arg('max_categories')} must be a whole number, found {shown(max_categories)}"
            )
        if max_categories < 1:
            raise ArgumentError(
                f"{arg('max_categories')} must be at least 1, found {max_categories}"
            )
        if weights is not None and weights.any():  # what does not count teaches nothing
            counts = np.flatnonzero(weights)
            table, weights = table.rows(counts), weights[counts]
        given = table.names
        left_out = useless_columns(table, keep_text)
        tell_useless(left_out)
        table = table.drop([*left_out]) if left_out else table
        categorical = [name for name in categorical if name not in left_out]
        numeric = tuple(name for name in table.numeric_names if name not in categorical)
        texts = {name: texts_of(table, name) for name in table.names if name not in numeric}
        values = numeric_part(table, numeric)
        gaps = columns_with_gaps(values)
        values, fill = filled_by_median(values, gaps, numeric, weights, table.storage)
        tell_placeholders(values, numeric, table.dates)
        mean, scale = moments(values, numeric, weights)
        fill = np.where(gaps, fill, mean)
        places = {n: j for j, n in enumerate(numeric) if n in table.dates}
        dates = {
            n: DateParts.fit(table.dates[n], values[:, j], weights, bool(standardize))
            for n, j in places.items()
        }
        mean, scale = elapsed_units(mean, scale, list(places.values()), bool(standardize))
        return cls(
            columns=table.names,
            positional=table.positional,
            numeric=numeric,
            indicators=tuple(n for n, gap in zip(numeric, gaps, strict=True) if gap),
            categories={
                n: frequent_categories(n, t, int(max_categories)) for n, t in texts.items()
            },
            fill=fill,
            mean=mean,
            scale=scale,
            standardize=bool(standardize),
            dtype=dtype,
            reading=kept_options(reading or {}),
            complete=tuple(name for name in texts if not gaps_of(texts[name]).any()),
            left_out=left_out,
            told={n for n, t in texts.items() if len(counts_of(t)) > max_categories},
            given=given,
            weight=weight,
            dates=dates,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the output columns, for display.

        >>> import numpy as np
        >>> Features.fit(Table.from_columns({"x": np.array([2.0, np.nan])})).names
        ('x', 'x is missing')
        """
        one_hot = [
            f"{name}={value}"
            for name, values in self.categories.items()
            for value in (*values, "<unknown>")
        ]
        numbers = [f"{n}: elapsed time" if n in self.dates else n for n in self.numeric]
        parts = [name for column, date in self.dates.items() for name in date.names(column)]
        return (*numbers, *(f"{name} is missing" for name in self.indicators), *one_hot, *parts)

    @property
    def places(self) -> dict[str, list[int]]:
        """The places of the output columns that each input column becomes.

        >>> import numpy as np
        >>> columns = {"x": np.array([2.0, np.nan]), "town": np.array(["Ulm", "Bonn"], object)}
        >>> Features.fit(Table.from_columns(columns)).places
        {'x': [0, 1], 'town': [2, 3, 4]}
        """
        found = {name: [j] for j, name in enumerate(self.numeric)}
        start = len(self.numeric)
        for name in self.indicators:
            found[name].append(start)
            start += 1
        for name, values in self.categories.items():
            found[name] = list(range(start, start + len(values) + 1))
            start += len(values) + 1
        for name, date in self.dates.items():
            n_parts = len(date.names(name))
            found[name] += range(start, start + n_parts)
            start += n_parts
        return {name: found[name] for name in self.columns}

    @property
    def n_features(self) -> int:
        """Number of output columns: the units of the network's input layer."""
        return len(self.names)

    @property
    def categorical(self) -> tuple[str, ...]:
        """The categorical input columns; with ``numeric`` what ``read_table`` wants declared.

        >>> import numpy as np
        >>> Features.fit(Table.from_columns({"x": np.eye(3)}), categorical=["x1"]).categorical
        ('x1',)
        """
        return tuple(self.categories)

    def transform(self, table: Table, strange: list[Strange] | None = None) -> Array:
        """Return ``(N, n_features)`` rows for the network, C-contiguous, of ``dtype``.

        Named columns are matched by name, in any order; data without names (on either side) by
        position. Others are left out, with a DataNote. Raises DataError for missing columns, text
        in a numeric column, and numbers too large for ``dtype``. Warns (DataWarning) of gaps in
        columns that had none in the training part, and of values that it did not have;
        ``strange`` takes them instead, for one who tells them in other words.

        >>> import numpy as np
        >>> features = Features.fit(Table.from_columns({"x": np.array([2.0, 4.0])}))
        >>> features.transform(Table.from_columns({"x": np.array([5.0])}))
        array([[2.]], dtype=float32)
        """
        source = self.sources(table)
        self._check_dates(table, source)
        if not (self.positional or table.positional):
            silent = {*self.given, self.weight}
            tell_others([name for name in table.names if name not in silent])
        out = table.storage.zeros((len(table), self.n_features), self.dtype)
        values = numeric_part(table, [source[name] for name in self.numeric], self.numeric)
        n_numeric = len(self.numeric)
        self._write_numbers(values, out[:, :n_numeric])
        start, found = self._write_gaps(values, out)
        for name, known in self.categories.items():
            texts = texts_of(table, source[name])
            places = places_of(texts, known)
            if name not in self.told:
                complete = name in self.complete
                missing = self.reading.get("missing")
                found += strange_texts(name, texts, places, known, missing, complete)
            out[np.arange(len(table)), start + places] = 1
            start += len(known) + 1
        for name, date in self.dates.items():
            j, end = self.numeric.index(name), start + len(date.names(name))
            for rows in blocks(values):
                seconds = values[rows, j].astype(np.float64)
                seconds[np.isnan(seconds)] = self.fill[j]
                out[rows, start:end] = date.values(seconds)
            start = end
        if strange is None:
            tell(found)
        else:
            strange += found
        return out

    def sources(self, table: Table) -> dict[str, str]:
        """Return which column of a table stands for each column of the training part.

        >>> import numpy as np
        >>> features = Features.fit(Table.from_columns({"age": np.array([2.0, 4.0])}))
        >>> features.sources(Table.from_columns({"x": np.zeros((1, 1))}, positional=True))
        {'age': 'x0'}
        """
        if self.positional or table.positional:
            if len(table.names) == len(self.columns):
                return dict(zip(self.columns, table.names, strict=True))
            if len(table.names) != len(self.given):
                raise DataError(f"expected {len(self.given)} features, found {len(table.names)}")
            own = dict(zip(self.given, table.names, strict=True))
            return {name: own[name] for name in self.columns}
        check_known(self.columns, table.names)
        return {name: name for name in self.columns}

    def _check_dates(self, table: Table, source: Mapping[str, str]) -> None:
        """Refuse dates for numbers or categories, and times of day for dates."""
        kinds = {None: "no dates", True: "times of day", False: "dates"}
        for name, own in source.items():
            if own in table.dates:
                trained = self.dates[name].of_day if name in self.dates else None
                found = table.dates[own].of_day
                if found != trained:
                    raise DataError(
                        f"column {shown(name)} holds {kinds[found]}, and held {kinds[trained]} in "
                        "training"
                    )

    def _write_numbers(self, values: Array, out: Array) -> None:
        """Write ``(x - mu)/sigma`` in float64 arithmetic, rounded once to the output's dtype."""
        if not self.numeric:
            return
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for rows in blocks(values):
                work = values[rows].astype(np.float64)
                if self.standardize or self.dates:
                    np.subtract(work, self.mean, out=work)
                    np.divide(work, self.scale, out=work)
                work += 0.0  # -0.0 is 0: which of them it is depends on what wrote it
                out[rows] = work
            too_large = np.isinf([out.min(axis=0), out.max(axis=0)]).any(axis=0)
            if np.isnan(out.min()):  # a gap hides its column's extremes
                too_large = np.any([np.isinf(out[rows]).any(axis=0) for rows in blocks(out)], 0)
        if too_large.any():
            column = int(np.flatnonzero(too_large)[0])
            row = int(np.flatnonzero(np.isinf(out[:, column]))[0])
            raise DataError(
                f"column {shown(self.numeric[column])}, {from_zero(row)}: {values[row, column]:g} "
                f"is too large for {self.dtype}; correct it, or use {arg('dtype', 'float64')}"
            )

    def _write_gaps(self, values: Array, out: Array) -> tuple[int, list[Strange]]:
        """Fill missing numbers, set the indicators.

        Return where the next output column is, and the gaps where training had none.
        """
        strange = []
        filled = (self.fill - self.mean) / self.scale
        start = len(self.numeric)
        indicator = {name: start + k for k, name in enumerate(self.indicators)}
        for column in np.flatnonzero(columns_with_gaps(values)):
            name = self.numeric[column]
            missing = np.isnan(values[:, column])
            out[missing, column] = filled[column]
            if name in indicator:
                out[missing, indicator[name]] = 1
            else:
                said = (
                    "are missing, none was in training; filled with the training mean "
                    f"{self._filled_in(int(column))}"
                )
                strange.append(Strange(name, "number", int(missing.sum()), len(missing), said))
        return start + len(self.indicators), strange

    def _filled_in(self, column: int) -> str:
        date = self.dates.get(self.numeric[column])
        if date is None:
            return f"{self.fill[column]:g}"
        return written(round(float(self.fill[column])), date.of_day)

    def reading_with(self, given: Mapping[str, Any], *, text: bool = True) -> dict[str, Any]:
        """Return how to read new data: as ``given``, and else as those of the training.

        ``text``: they are a text file, which alone may have a header.

        >>> table = Table.from_columns({"x": np.array([2.0, 4.0])})
        >>> Features.fit(table, reading={"decimal": ","}).reading_with({"thousands": "."})
        {'decimal': ',', 'thousands': '.'}
        """
        kept = {k: v for k, v in self.reading.items() if text or k != "header"}
        return {**kept, **{k: v for k, v in given.items() if v is not None}}

    def to_state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return JSON-able metadata and arrays from which ``from_state`` makes the same again.

        >>> import numpy as np
        >>> sorted(Features.fit(Table.from_columns({"x": np.eye(2)})).to_state()[1])
        ['fill', 'mean', 'scale']
        """
        metadata = {
            "columns": list(self.columns),
            "positional": self.positional,
            "numeric": list(self.numeric),
            "indicators": list(self.indicators),
            "categories": {name: list(values) for name, values in self.categories.items()},
            "standardize": self.standardize,
            "dtype": self.dtype,
        }
        # only where there is something to say, so that an older fastnn can read the file
        if self.reading:
            metadata["reading"] = dict(self.reading)
        if self.complete:
            metadata["complete"] = list(self.complete)
        if self.left_out:
            metadata |= {"given": list(self.given), "left_out": dict(self.left_out)}
        if self.weight:
            metadata["weight"] = self.weight
        if self.dates:
            metadata["dates"] = {name: date.to_json() for name, date in self.dates.items()}
        arrays = {"fill": self.fill, "mean": self.mean, "scale": self.scale}
        return metadata, {name: array.copy() for name, array in arrays.items()}

    @classmethod
    def from_state(cls, metadata: Mapping[str, Any], arrays: Mapping[str, Array]) -> Features:
        """Rebuild from ``to_state``; anything else raises ModelFileError.

        >>> import numpy as np
        >>> state = Features.fit(Table.from_columns({"x": np.eye(2)})).to_state()
        >>> Features.from_state(*state).names
        ('x0', 'x1')
        """
        metadata = {
            "reading": {}, "complete": [], "left_out": {}, "weight": "", "dates": {},
            "given": metadata.get("columns"),
            **metadata,
        }  # fmt: skip
        check_metadata(
            metadata,
            {
                "columns": is_text_list,
                "positional": is_flag,
                "numeric": is_text_list,
                "indicators": is_text_list,
                "categories": lambda v: isinstance(v, dict) and all(map(is_text_list, v.values())),
                "standardize": is_flag,
                "dtype": lambda v: v in ("float32", "float64"),
                "reading": is_reading,
                "complete": is_text_list,
                "given": is_text_list,
                "weight": is_text,
                "left_out": lambda v: (
                    isinstance(v, dict) and all(why in (*REASONS,) for why in v.values())
                ),
                "dates": are_dates,
            },
            "features",
        )
        numeric, categories, dates = (metadata[key] for key in ("numeric", "categories", "dates"))
        if (
            sorted([*numeric, *categories]) != sorted(metadata["columns"])
            or not set(metadata["indicators"]) <= set(numeric)
            or not set(metadata["complete"]) <= set(categories)
            or [name for name in metadata["given"] if name not in metadata["left_out"]]
            != metadata["columns"]
            or not set(dates) <= set(numeric)
        ):
            raise ModelFileError("features: the lists of columns contradict each other")
        check_vectors(arrays, dict.fromkeys(("fill", "mean", "scale"), len(numeric)), "features")
        if not (arrays["scale"] > 0).all():
            raise ModelFileError("features: array 'scale' must be positive")
        return cls(
            columns=tuple(metadata["columns"]),
            positional=metadata["positional"],
            numeric=tuple(numeric),
            indicators=tuple(metadata["indicators"]),
            # in the order of the columns, whatever order the file keeps its keys in
            categories={n: tuple(categories[n]) for n in metadata["columns"] if n in categories},
            fill=arrays["fill"],
            mean=arrays["mean"],
            scale=arrays["scale"],
            standardize=metadata["standardize"],
            dtype=metadata["dtype"],
            reading=metadata["reading"],
            complete=tuple(metadata["complete"]),
            left_out=metadata["left_out"],
            given=tuple(metadata["given"]),
            weight=metadata["weight"],
            dates={n: DateParts.of_json(dates[n]) for n in numeric if n in dates},
        )
