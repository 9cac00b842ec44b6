"""X as scikit-learn takes it, to the rows that a network takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.api.estimators.namespaces import Namespace, check_same, namespace_of, to_numpy
from fastnn.backend.host.memory import free_memory
from fastnn.data.preprocess import Features
from fastnn.data.statistics import columns_with_gaps
from fastnn.data.table import Table
from fastnn.errors import ArgumentError, DataError, arg, lacking, shown
from fastnn.pickles import Pickled
from fastnn.reading.files import read_table
from fastnn.reading.frames import column_names
from fastnn.recipe.choices import options
from fastnn.recipe.table import SourceOptions

Array = npt.NDArray[Any]
FLOATS = (np.float64, np.float32)
#: What `fastnn.train` is told of the data, and the estimators are not.
NOT_HERE = tuple(name for name in options(SourceOptions) if name != "categorical")
#: Rows of a sparse matrix that are made dense at a time, to predict.
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Inputs(Pickled):
    """How an estimator reads X, settled by its first fit.

    ``features`` turns a table into rows; None where numbers go in as they are. ``means`` are
    those of the training rows, for `Inputs.as_features`.
    """

    n_features: int  # columns of X
    names: tuple[str, ...] | None
    dtype: np.dtype[Any]
    features: Features | None
    means: Array
    gaps: bool  # NaN is a missing value
    by_column: bool  # X is read column by column, categories among them
    namespace: Namespace | None

    @property
    def kept(self) -> Any:
        """The dtypes that X is read in: only what goes in as it is is rounded at once."""
        return self.dtype if self.features is None else FLOATS

    @cached_property
    def plain(self) -> bool:
        """Whether rows go in as they are, by position, as NumPy arrays."""
        return self.features is None and self.names is None and self.namespace is None

    def transform(self, table: Table) -> Array:
        """Return checked X, as `read` returns it, as rows for the network: (N, n_0)."""
        if self.features is None:
            return np.asarray(table.numeric, self.dtype)
        return self.features.transform(table)

    def as_features(self) -> Features:
        """Return the preprocessing as a model keeps it."""
        if self.features is not None:
            return self.features
        p = self.n_features
        names = self.names or tuple(f"x{j}" for j in range(p))
        return Features(
            columns=names, positional=self.names is None, numeric=names, indicators=(),
            categories={}, fill=self.means, mean=np.zeros(p), scale=np.ones(p),
            standardize=False, dtype=self.dtype.name,
        )  # fmt: skip


def kept_dtypes(p: Mapping[str, Any]) -> Any:
    """Return the dtypes in which the first fit reads X.

    What is standardised is rounded after that, once: a time stamp in float32 has nothing left.

    >>> kept_dtypes({"dtype": "float32", "standardize": False, "missing_values": "error"})
    dtype('float32')
    """
    worked_on = p["standardize"] or p["missing_values"] == "median"
    return FLOATS if worked_on or p["dtype"] is None else np.dtype(p["dtype"])


def read(
    estimator: Any,
    p: Mapping[str, Any],
    X: Any,
    y: Any,
    *,
    reset: bool,
    dtype: Any,
    y_numeric: bool = False,
) -> tuple[Table, Any]:
    """Return X as a checked table, and y as NumPy.

    ``reset``: note the features of X as those of the estimator; else compare. ``dtype``: one, or
    those that may stay. Raises ValueError in scikit-learn's words.
    """
    from sklearn.utils.validation import check_array, check_consistent_length, validate_data

    X, y = to_numpy(X), to_numpy(y)
    if p["categorical_features"] is None:
        gaps = "allow-nan" if p["missing_values"] == "median" else True
        X, y = validate_data(
            estimator, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=dtype,
            ensure_all_finite=gaps, y_numeric=y_numeric, reset=reset,
        )  # fmt: skip
        return as_table(dense(X), _names(estimator)), y
    validate_data(estimator, X, y, skip_check_array=True, reset=reset)
    check_consistent_length(X, y)
    kind = np.float64 if y_numeric else None
    y = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=kind, input_name="y")
    return _columns(X, p["categorical_features"], p["missing_values"] == "median"), y


def read_weights(sample_weight: Any, y: Any) -> Array | None:
    """Return checked sample weights (N,), float64; None if there are none.

    Raises ArgumentError in scikit-learn's words, which has none for a single number for all rows.
    """
    from sklearn.utils.validation import _check_sample_weight

    if sample_weight is None:
        return None
    w = to_numpy(sample_weight)
    try:
        checked: Array = _check_sample_weight(w, y, dtype=np.float64, ensure_non_negative=True)
    except (TypeError, ValueError, OverflowError) as error:
        raise ArgumentError(f"{arg('sample_weight')}: {error}", value=sample_weight) from error
    if not np.isfinite(checked).all():
        raise ArgumentError(
            f"{arg('sample_weight')} must be finite, found {shown(sample_weight)}",
            value=sample_weight,
        )
    return checked


@contextmanager
def in_validation_data() -> Iterator[None]:
    """Let an error say that it is about ``validation_data``.

    >>> with in_validation_data():
    ...     raise ValueError("y has 2 outputs")
    Traceback (most recent call last):
    fastnn.errors.DataError: validation_data: y has 2 outputs
    """
    try:
        yield
    except ValueError as error:
        raise DataError(f"{arg('validation_data')}: {error}") from error


def settle(
    table: Table, w: Array | None, p: Mapping[str, Any], estimator: Any, given: Any
) -> Inputs:
    """Return how X will be read from now on, from the training part of checked X.

    ``w``: weights (N,) or None, which count in medians, means and deviations; ``given``: X before
    it was checked.
    """
    dtype = np.dtype(p["dtype"] or table.numeric.dtype)
    by_column, gaps = p["categorical_features"] is not None, p["missing_values"] == "median"
    features, means = None, np.zeros(0)
    if by_column or p["standardize"] or gaps:
        declared = list(table.categorical) if p["categorical_features"] != "from_dtype" else []
        features = Features.fit(
            table, dtype=dtype.name, standardize=bool(p["standardize"]), keep_text=declared,
            weights=w,
        )  # fmt: skip
    else:
        means = table.numeric.mean(axis=0, dtype=np.float64)
    n, names = int(estimator.n_features_in_), _names(estimator)
    return Inputs(n, names, dtype, features, means, gaps, by_column, namespace_of(given))


def _names(estimator: Any) -> tuple[str, ...] | None:
    """The names of the columns that the estimator has seen, if they had any."""
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else tuple(map(str, names))


def read_new(estimator: Any, inputs: Inputs, X: Any, method: str) -> Any:
    """Return the rows of new X for the network, or for sparse X an iterator over blocks of them.

    A float array without a wrong or missing number needs no more than a look at its numbers; all
    else is checked, and refused, by scikit-learn.
    """
    if inputs.plain and type(X) is np.ndarray and X.ndim == 2 and X.dtype == inputs.dtype:
        if X.shape[1] == inputs.n_features and X.shape[0] and _is_finite(X):
            return X
    check_same(type(estimator).__name__, method, inputs.namespace, X)
    from sklearn.utils.validation import validate_data

    X = to_numpy(X)
    if inputs.by_column:
        validate_data(estimator, X, skip_check_array=True, reset=False)
        p = estimator.get_params(deep=False)
        with lacking("categorical", *NOT_HERE):
            table = _columns(X, p["categorical_features"], inputs.gaps, inputs.features)
            return inputs.transform(table)
    finite = "allow-nan" if inputs.gaps else True
    X = validate_data(
        estimator, X, accept_sparse=["csr", "csc"], dtype=inputs.kept, ensure_all_finite=finite,
        reset=False,
    )  # fmt: skip
    if not hasattr(X, "toarray"):
        return inputs.transform(as_table(X, inputs.names))
    X = X.tocsr()
    blocks = (X[i : i + _BLOCK] for i in range(0, X.shape[0], _BLOCK))
    return (inputs.transform(as_table(dense(block), inputs.names)) for block in blocks)


def _is_finite(X: Array) -> bool:
    """Whether the sum of squares is a finite number; if it is not, X is looked at more closely."""
    return math.isfinite(np.vdot(X, X))


def dense(X: Any) -> Any:
    """Return a sparse matrix as an array; anything else as it is.

    >>> from scipy.sparse import csr_array
    >>> dense(csr_array([[0.0, 2.0]]))
    array([[0., 2.]])

    Raises DataError if it would not fit into memory.
    """
    if not hasattr(X, "toarray"):
        return X
    needed, free = X.shape[0] * X.shape[1] * X.dtype.itemsize, free_memory()
    if needed > free:
        raise DataError(
            f"X is sparse, {X.shape[0]:,} rows of {X.shape[1]:,}: the network takes dense rows, "
            f"{needed / 2**30:.1f} GiB of them, and {free / 2**30:.1f} GiB are free. Choose or "
            "project the columns before (SelectKBest, TruncatedSVD), or use partial_fit"
        )
    return X.toarray()


def as_table(X: Array, names: tuple[str, ...] | None) -> Table:
    """Return numeric rows as a table, with the columns' names if there are any.

    >>> as_table(np.ones((1, 2)), ("a", "b")).names
    ('a', 'b')
    """
    shown = names or tuple(f"x{j}" for j in range(X.shape[1]))
    return Table(shown, np.ascontiguousarray(X), shown, {}, positional=names is None)


def _columns(X: Any, categorical: Any, gaps: bool, features: Features | None = None) -> Table:
    """Read X column by column; text must have been declared, gaps allowed.

    ``features``: what each column was in training, by its place.
    """
    source = X if hasattr(X, "columns") else np.asarray(X)
    names = column_names(X) if hasattr(X, "columns") else [f"x{j}" for j in range(X.shape[1])]
    if features is not None:
        own = dict(zip(features.given, names, strict=True))
        dates = features.dates
        table = read_table(
            source,
            numeric=[own[name] for name in features.numeric if name not in dates],
            categorical=[own[name] for name in features.categories],
            dates={own[name]: date.form for name, date in dates.items()},
            drop=[own[name] for name in features.left_out],
        )
        chosen = list(table.categorical)
    else:
        chosen = _chosen(categorical, names)
        table = read_table(source, categorical=chosen)
        chosen = list(table.categorical) if isinstance(categorical, str) else chosen
    for name in table.categorical:
        if name not in chosen:
            raise DataError(
                f"X, column {name!r}: it holds text; name it in categorical_features, or leave it "
                "out"
            )
    if not gaps and (empty := np.flatnonzero(columns_with_gaps(table.numeric))).size:
        raise DataError(
            f"Input X contains NaN: column {table.numeric_names[empty[0]]!r} has missing values; "
            "fill them in, or set missing_values='median'"
        )
    return table


def _chosen(categorical: Any, names: list[str]) -> list[str]:
    """The columns of ``categorical_features``: names, places or a mask; none of "from_dtype"."""
    if isinstance(categorical, str) or not hasattr(categorical, "__iter__"):
        if categorical != "from_dtype":
            raise ArgumentError(
                f"{arg('categorical_features')} must be 'from_dtype' or a list of names, places or "
                f"a mask, found {categorical!r}"
            )
        return []
    given = list(categorical)
    if given and all(isinstance(one, (bool, np.bool_)) for one in given):
        if len(given) != len(names):
            raise ArgumentError(
                f"{arg('categorical_features')} is a mask of {len(given)}, X has {len(names)} "
                "columns"
            )
        return [name for name, wanted in zip(names, given, strict=True) if wanted]
    chosen = []
    for one in given:
        place = isinstance(one, (int, np.integer)) and -len(names) <= one < len(names)
        if not place and one not in names:
            raise ArgumentError(f"{arg('categorical_features')}: X has no column {one!r}")
        chosen.append(names[int(one)] if place else one)
    return chosen
