"""Doors of the data room: a path, an array, a dict of arrays or a data frame to a Table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.data.categories import gaps_of
from fastnn.data.cells import STANDARD, Reading, is_missing
from fastnn.data.columns import numbers_with_gaps, typed_column
from fastnn.data.date_notations import reads_numbers
from fastnn.data.storage import MEMORY, OnDisk, Storage
from fastnn.data.table import (
    Array,
    Place,
    Table,
    check_exact,
    check_known,
    check_names,
    from_zero,
    listed,
    unknown_column,
)
from fastnn.data.texts import Texts
from fastnn.data.wanted import Only
from fastnn.errors import ArgumentError, DataError, advice, arg, lacking, shown
from fastnn.reading.arrays import as_array, flat, split_block
from fastnn.reading.batched import columns_on_disk, in_batches
from fastnn.reading.csv_text import read_csv
from fastnn.reading.file_types import EXCEL, FILE_TYPES, IMAGES, FileType, Loaded
from fastnn.reading.find_files import are_files, find_files
from fastnn.reading.frames import frame_columns, is_frame, is_series, series_column
from fastnn.reading.join_files import read_joined, tell_partitions, told_once
from fastnn.reading.spelt import as_spelt

#: The ends of the names of files that can be read, and of those that are delimited text.
SUFFIXES = tuple(end for of in FILE_TYPES for end in of.every_ending)
CSV_SUFFIXES = tuple(end for of in FILE_TYPES if of.is_text for end in of.every_ending)


def read_table(
    source: Any,
    *,
    numeric: Collection[str] = (),
    categorical: Collection[str] = (),
    dates: Collection[str] = (),
    drop: Collection[str] = (),
    only: Only | None = None,
    dtype: str | None = None,
    storage: Storage = MEMORY,
    **reading: Any,
) -> Table:
    """Read examples from a file, a NumPy array, a dict of arrays or a data frame.

    Args:
        source: a path to a file of one of `file_types.FILE_TYPES`, to a folder of them or a pattern
            (``"data/*.csv"``), a list of paths; an array ``(N,)``, ``(N, p)`` or of images
            ``(N, h, w[, c])``; a mapping of column names to arrays, or to the cells of one row; a
            pandas, polars or pyarrow table, a lazy one too, or whatever streams Arrow tables.
        numeric: columns that must hold numbers: any other cell is an error with its place.
        categorical: columns to take as categories, whatever they hold.
        dates: columns that must hold dates or times, numbers such as 20240131 too; or what each
            of them is written in, which ``date_format`` comes before.
        drop: columns to leave out.
        only: the columns that are wanted, where not all are; others are not judged. It has no
            effect on data without names.
        dtype: 'float32' or 'float64'; None keeps every value exactly (see Table.from_columns).
        storage: where the table lies: on disk, what can be read in batches is.
        reading: how text is read, the arguments of `Reading`: delimiter, decimal, and so on.

    Booleans become 0 and 1. Text is read by one rule wherever it is (see `cells`): a column all
    of whose cells are numbers is numeric, one of dates is dates (`date_text`), others are
    categorical, as are columns of a frame's own categorical type. In NPZ files and dicts a
    two-dimensional array ``x`` stands for the columns ``x0, x1, ...``, as does one of images, which
    are flattened.

    Raises DataError (what, where, what to do) for data that cannot be used, ArgumentError for
    an argument that cannot work.

    >>> import numpy as np
    >>> read_table({"age": np.array([3, 4]), "town": ["Ulm", None]}).names
    ('age', 'town')
    """
    if isinstance(source, Table):
        return source.drop(list(drop)) if drop else source
    how = _reading(dates, reading)
    kinds = _kinds(numeric, categorical, [*dates, *_formatted(how)], drop)
    columns, place = _columns(
        source, kinds, drop, how, optional=_formatted(how), only=only, storage=storage
    )
    positional = not has_names(source)
    table = Table.from_columns(
        columns, dtype=dtype, place=place, positional=positional, storage=storage
    )
    _check_date_format(reading.get("date_format"), table)
    return table


def read_columns(
    source: Any, names: Sequence[str], storage: Storage = MEMORY, **reading: Any
) -> dict[str, Any]:
    """Return columns as they are: text as it is spelt but for spaces around it, None for gaps.

    What a source has as numbers stays numbers, those of a text file with their spelling (`Spelt`);
    dates are text. Raises DataError for a name that is not there.

    >>> read_columns({"id": ["007", None], "x": [1, 2]}, ["id"])["id"].tolist()
    ['007', None]
    """
    kinds = dict.fromkeys(names, "text")
    only = Only(tuple(names))
    how = Reading(**reading)
    found, _ = _columns(source, kinds, (), how, names, only, storage)
    check_known(names, [*found, *only.others], "keep")
    untyped = is_text_file(source)
    return {name: as_spelt(found[name], how) if untyped else found[name] for name in names}


def read_labelled(
    source: Any,
    target: str | Sequence[str],
    *,
    numeric: Collection[str] = (),
    categorical: Collection[str] = (),
    dates: Collection[str] = (),
    drop: Collection[str] = (),
    text: bool = False,
    gaps: bool = False,
    only: Only | None = None,
    dtype: str | None = None,
    storage: Storage = MEMORY,
    **reading: Any,
) -> tuple[Table, Array]:
    """Read examples and split off the target column, in its own type (int, bool, float or text).

    Several names give a matrix ``(N, k)``, as does a two-dimensional array of an NPZ file. Text
    of a frame or an array stays text, spelt as it is but for spaces around it; ``text``: so does
    that of a file, where it would be numbers else. A missing target value raises DataError with
    its place; with ``gaps`` it stays, as NaN or None. Everything else as in ``read_table``.

    >>> import numpy as np
    >>> table, target = read_labelled({"x": np.eye(2), "y": np.array([0, 1])}, "y")
    >>> table.names, target
    (('x0', 'x1'), array([0, 1]))
    """
    if isinstance(source, Table):
        raise ArgumentError(
            "the source is already a Table: take its column() and drop() it", argument="data"
        )
    names = [target] if isinstance(target, str) else list(target)
    if not names:
        raise ArgumentError(f"{arg('target')} names no column")
    if not has_names(source):
        raise ArgumentError(
            f"{arg('target')}: an array has no column names, and so none {shown(names[0])}; hand "
            "the target over as an array"
        )
    how = _reading(dates, reading)
    kinds = dict.fromkeys(names, "text" if text else "label")
    kinds |= _kinds(numeric, categorical, [*dates, *_formatted(how)], drop)
    known = [*names, *_formatted(how)]
    columns, place = _columns(source, kinds, drop, how, optional=known, only=only, storage=storage)
    for name in names:
        if name not in columns:
            known = [*_names_of(columns), *(only.others if only is not None else [])]
            raise DataError(f"{arg('target')}: {unknown_column(name, known)}")
        values = columns[name]
        empty = without_value(values)
        if empty.any() and not gaps:
            row = int(np.flatnonzero(empty)[0])
            hint = words_as_labels() if values.dtype == object else ""
            raise DataError(
                f"target column {shown(name)}, {place(row)}: no value; fill it in or remove the "
                f"row{hint}"
            )
        if len(names) > 1:  # they become one matrix
            _check_number(name, values, place)
    chosen = [_in_memory(columns.pop(name)) for name in names]
    if not columns:
        raise DataError(f"no feature columns are left beside the target {listed(names)}")
    table = Table.from_columns(columns, dtype=dtype, place=place, storage=storage)
    _check_date_format(reading.get("date_format"), table)
    return table, chosen[0] if len(chosen) == 1 else np.column_stack(chosen)


def _check_number(name: str, values: Any, place: Place) -> None:
    """Raise DataError for one of several targets that is text, or whole numbers that are no floats.

    They become a matrix, in which it could not be said any more whose cell is at fault.
    """
    if values.dtype != object:
        with lacking("drop", "categorical"):  # which are for the other columns
            check_exact(values, [name] * values[:1].size, place)
        return
    of_text = (i for i, one in enumerate(values) if isinstance(one, str) and not _is_number(one))
    row = next(of_text, None)
    if row is not None:
        raise DataError(
            f"target column {shown(name)}, {place(row)}: {shown(values[row])} is no number; "
            "several targets must be numbers, or labels that are 0 or 1: write the column so, or "
            "train a model for it alone"
        )


def _is_number(text: str) -> bool:
    return STANDARD.value(text) is not None


def _in_memory(values: Any) -> Array:
    """A target, which is looked at from many sides, as an array of NumPy's own."""
    if isinstance(values, np.ndarray) and not isinstance(values, np.memmap):
        return values
    return np.array(values)


def without_value(values: Array | Texts) -> Array:
    """Say of each row of a target, (N,) or (N, k), whether a value is missing.

    >>> without_value(np.array([1.0, np.nan])), without_value(np.array([None, "a"]))
    (array([False,  True]), array([ True, False]))
    """
    if isinstance(values, Texts):
        return gaps_of(values)
    if values.dtype.kind not in "Of":
        return np.zeros(len(values), bool)
    if values.dtype == object:
        cells = values.ravel().tolist()
        plain = {type(cell) for cell in cells} <= {str, type(None)}  # text, as readers leave it
        gaps = [cell is None if plain else is_missing(cell) for cell in cells]
        empty = np.array(gaps, bool).reshape(values.shape)
    else:
        empty = np.isnan(values)
    return np.asarray(empty.any(axis=tuple(range(1, empty.ndim))))


def words_as_labels() -> str:
    """Return what to do where labels are taken for gaps; what a gap was written as is not known.

    >>> str(DataError(words_as_labels()))
    '; if these are no empty cells, but NA, none or the like as a label, say missing=[]'
    """
    said = "; if these are no empty cells, but NA, none or the like as a label, say "
    return advice("missing", f"{said}{arg('missing', [])}")


def target_columns(source: Any, target: Any) -> tuple[str, ...]:
    """Return the columns that ``target`` names, none if it is the labels or values themselves.

    A text is a name, and so is the number that a column of a data frame has. A list of texts, no
    two the same, is names where the source has names; labels can be learnt from only if one of
    them is there twice.

    >>> target_columns("a.csv", ["x", "y"]), target_columns("a.csv", ["x", "y", "x"])
    (('x', 'y'), ())
    """
    if isinstance(target, str):
        return (target,)
    if isinstance(target, int) and is_frame(source) and target in getattr(source, "columns", ()):
        return (str(target),)
    if not isinstance(target, (list, tuple)) or not target or not has_names(source):
        return ()
    named = all(isinstance(name, str) for name in target) and len(set(target)) == len(target)
    return tuple(target) if named else ()


def is_text_file(source: Any) -> bool:
    """Say whether the source is a file of text, or several, with a sign between the columns.

    >>> is_text_file("a.csv.gz"), is_text_file(["a.TXT", "b.txt"]), is_text_file("a.parquet")
    (True, True, False)
    """
    of = _type_of(source)
    return of is not None and of.is_text


def options_without_effect(source: Any) -> tuple[str, ...]:
    """Return the arguments of `Reading` that belong to other types of files than the source.

    >>> options_without_effect("a.csv"), options_without_effect("a.xlsx")
    (('sheet',), ('delimiter', 'encoding', 'header', 'bad_rows'))
    """
    of = _type_of(source)
    text = () if of is not None and of.is_text else ("delimiter", "encoding", "header", "bad_rows")
    return text if of is EXCEL else (*text, "sheet")


def _type_of(source: Any) -> FileType | None:
    if not are_files(source):
        return None
    try:
        return find_files(source).type
    except (DataError, OSError):  # which is told when they are read
        return None


def width(source: Any) -> int:
    """Return the number of columns of an array or of a list of rows, 0 if it has no rows.

    >>> width(np.zeros((3, 2))), width([[1, 2], [3, 4]]), width([1, 2])
    (2, 2, 1)
    >>> width(np.zeros((3, 28, 28)))
    784
    """
    if isinstance(source, (list, tuple)):
        first = source[0] if source else ()
        return len(first) if isinstance(first, (list, tuple, np.ndarray)) else 1
    return int(np.prod(source.shape[1:])) if getattr(source, "ndim", 1) >= 2 else 1


def has_names(source: Any) -> bool:
    """Say whether the columns of the source have names: not those of an array or a list.

    >>> has_names({"a": [1]}), has_names("a.csv"), has_names([[1]])
    (True, True, False)
    """
    return isinstance(source, Mapping) or are_files(source) or is_frame(source)


def _reading(dates: Collection[str], given: Mapping[str, Any]) -> Reading:
    """Return how text is read, dates as ``given`` says, or else as ``dates`` does."""
    reading = Reading(**given)
    form = reading.date_format
    if not isinstance(dates, Mapping) or isinstance(form, str):
        return reading
    forms = {name: form for name, form in dates.items() if form}
    return replace(reading, date_format={**forms, **(form or {})})


def _check_date_format(form: str | Mapping[str, str] | None, table: Table) -> None:
    """Raise ArgumentError for a format of dates in which no column is written."""
    if isinstance(form, Mapping):
        check_known(form, table.names, "date_format")
        for name, own in form.items():
            found = table.dates[name].form
            if found != own:
                why = f"is written {found}" if found else "is no text"
                raise ArgumentError(
                    f"{arg('date_format', {name: own})} has no effect: column {shown(name)} {why}",
                    value=form,
                )
    if isinstance(form, str) and all(column.form != form for column in table.dates.values()):
        numbers = "; a column of numbers is one of dates only where that is said: "
        raise ArgumentError(
            f"{arg('date_format', form)} has no effect: no column of text is written so"
            + advice("dates", f"{numbers}{arg('dates', ['COL'])}" if reads_numbers(form) else ""),
            value=form,
        )


def _formatted(reading: Reading) -> tuple[str, ...]:
    """The columns with a format of dates of their own, which says that they are dates."""
    form = reading.date_format
    return tuple(form) if isinstance(form, Mapping) else ()


def _kinds(
    numeric: Collection[str],
    categorical: Collection[str],
    dates: Collection[str],
    drop: Collection[str],
) -> dict[str, str]:
    """Return what each column is declared to be."""
    declared = {"numeric": numeric, "categorical": categorical, "dates": dates}
    for argument, value in {**declared, "drop": drop}.items():
        if isinstance(value, str):
            raise ArgumentError(
                f"{arg(argument)} must be a list of names, found the text {shown(value)}"
            )
    both = sorted(set(numeric) & set(categorical))
    if both:
        raise ArgumentError(
            f"column {shown(both[0])} is declared numeric and {arg('categorical')}; choose one"
        )
    for name in sorted(set(dates) & {*numeric, *categorical}):
        other = arg("categorical") if name in categorical else "numeric"
        raise ArgumentError(f"column {shown(name)} is declared {arg('dates')} and {other}")
    kinds = dict.fromkeys(numeric, "numeric") | dict.fromkeys(categorical, "categorical")
    return kinds | dict.fromkeys(dates, "date")


def _columns(
    source: Any,
    kinds: Mapping[str, str],
    drop: Collection[str],
    reading: Reading,
    optional: Collection[str] = (),
    only: Only | None = None,
    storage: Storage = MEMORY,
) -> tuple[dict[str, Any], Place]:
    """Return the columns of any source, each of its kind, without those of ``drop``.

    ``kinds`` may declare the columns ``optional`` even if they are not there.
    """
    files = find_files(source) if are_files(source) else None
    for option in options_without_effect(source):
        if getattr(reading, option) is not None:
            which = "Excel" if option == "sheet" else "text"
            raise ArgumentError(f"{arg(option)} has no effect here: only {which} files have that")
    place: Place = from_zero
    columns: dict[str, Any]
    disk = storage if isinstance(storage, OnDisk) and in_batches(files or source) else None
    if disk is not None and files is None:
        columns, place = columns_on_disk(source, kinds, drop, reading, disk, only)
    elif files is None:
        columns = _typed(Loaded(source), kinds, drop, reading, only)
    else:
        for path in files.paths:
            _check_readable(path, files.type)

        tell_partitions(files.paths)

        def read(path: Path, kinds: Mapping[str, str]) -> tuple[dict[str, Array], Place]:
            if files.type.load is None:
                return read_csv(path, kinds=kinds, drop=drop, reading=reading, only=only)
            loaded = files.type.load(path, reading)
            if loaded.place is from_zero:
                loaded = replace(loaded, place=lambda row: f"{from_zero(row)} of '{path}'")
            return _typed(loaded, kinds, drop, reading, only), loaded.place

        with files.unchanged(), told_once(files.paths):
            if disk is not None:
                columns, place = columns_on_disk(files, kinds, drop, reading, disk, only)
            else:
                typed = not files.type.is_text
                columns, place = read_joined(files.paths, kinds, read, reading, typed)
    known = _names_of(columns) if kinds else []
    declared = {name: kind for name, kind in kinds.items() if name not in optional}
    absent = {kind for name, kind in declared.items() if name not in known}
    known += only.others if only is not None else []  # one of them may be meant
    options = {"categorical": "categorical", "date": "dates"}
    check_known(declared, known, options.get(absent.pop(), "") if len(absent) == 1 else "")
    return columns, place


def _names_of(columns: Mapping[str, Any]) -> list[str]:
    """The names of columns, among them those of matrices, which are x0, x1 and so on of x."""
    known: list[str] = []
    for name, v in columns.items():
        known += [name] if v.ndim == 1 else [f"{name}{j}" for j in range(v.shape[1])]
    return known


def _check_readable(path: Path, of: FileType) -> None:
    if path.is_dir() and of is IMAGES:
        return
    if path.is_dir():
        raise DataError(f"'{path}' is a folder; name a file in it")
    if not path.exists():
        raise DataError(f"file '{path}' does not exist; check the path")
    try:
        with path.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        raise DataError(f"file '{path}' cannot be read: {error.strerror}") from error
    if empty:
        raise DataError(f"file '{path}' is empty")


def _typed(
    loaded: Loaded,
    kinds: Mapping[str, str],
    drop: Collection[str],
    reading: Reading,
    only: Only | None = None,
) -> dict[str, Array]:
    """Return the columns of a source that is not a text file, without those of ``drop``.

    Numeric matrices stay whole, unless one of their columns is dropped, the target or declared
    categorical.
    """
    arrays: dict[str, Any]
    source, place = loaded.data, loaded.place
    if isinstance(source, Mapping):
        check_names(list(source), "the dict")
        arrays = _one_row(source) or dict(source)
    elif is_frame(source):
        return frame_columns(source, drop, kinds.get, reading, only, place, loaded.coded)
    elif is_series(source):
        arrays = {"x0": source}
    elif isinstance(source, Sequence) or hasattr(source, "__array__"):
        values = flat("x", as_array("x", source))
        arrays = {"x": values[:, None] if values.ndim == 1 else values}
    else:
        raise ArgumentError(
            f"cannot read examples from {type(source).__name__}; hand over a path, a NumPy array, "
            "a dict of arrays or a data frame",
            argument="data",
        )
    if only is not None and has_names(source):
        arrays, drop = _wanted(arrays, drop, only)
    single = {*drop, *(name for name, kind in kinds.items() if kind != "numeric")}
    columns: dict[str, Array] = {}
    for name, given in arrays.items():
        if is_series(given):
            columns |= {name: series_column(name, given, kinds.get(name), reading)}
        else:
            columns |= split_block(name, as_array(name, given), single)
    check_known(drop, list(columns), "drop")
    return {
        name: _block(name, values, reading, place)
        if values.ndim == 2
        else values
        if is_series(arrays.get(name))
        else typed_column(name, values, place, kinds.get(name), reading)
        for name, values in columns.items()
        if name not in drop
    }


def _one_row(source: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a dict that has the cells of a row by their names; none if it has arrays."""
    row = all(map(_is_cell, source.values()))
    return {name: [cell] for name, cell in source.items()} if row else {}


def _is_cell(value: object) -> bool:
    """Say whether a value is one cell, such as a number, a text, a date or None, and no column."""
    if isinstance(value, (str, bytes)) or getattr(value, "ndim", None) == 0:
        return True
    return not (hasattr(value, "__len__") or hasattr(value, "__iter__"))


def _wanted(
    arrays: Mapping[str, Any], drop: Collection[str], only: Only
) -> tuple[dict[str, Any], Collection[str]]:
    """Return the arrays that are wanted, and ``drop`` with the unwanted columns of blocks."""
    kept, dropped = {}, {*drop}
    for name, given in arrays.items():
        rows = isinstance(given, (list, tuple)) and given and np.ndim(given[0]) == 1
        block = rows or getattr(given, "ndim", 1) >= 2
        names = [f"{name}{j}" for j in range(width(given))] if block else [name]
        besides = [] if name in only.names else only.besides(names)
        if len(besides) < len(names) or not dropped.isdisjoint(names):
            kept[name] = given
            dropped.update(besides)
    return kept, dropped


def _block(name: str, values: Array, reading: Reading, place: Place) -> Array:
    names = [f"{name}{j}" for j in range(values.shape[1])]
    return numbers_with_gaps(values, names, place, reading)
