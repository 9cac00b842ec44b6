"""What Arrow finds in a text file is what the rule of `cells` says of every cell."""

import csv
import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.data.cells import Reading
from fastnn.data.columns import text_column
from fastnn.data.statistics import DataWarning
from fastnn.data.table import Table, from_zero
from fastnn.errors import DataError
from fastnn.reading.csv_text import read_csv

#: Cells that Arrow, and other readers, take for something else than `Reading` does, or nearly so.
ODD = (
    "", " ", "NA", "na", "nA", " NA ", "NaN", "-nan", "nan(1)", "null", "NULL", "nUlL", "#N/A",
    "N/A", "?", "1.#IND", "-1.#QNAN", "#N/A N/A", "0x1F", "0X10", "1_0", "1e3", "1E+3", "1e400",
    "-1e400", "1e-400", "01", "-01", "007", "+1", "-0", "-0.0", "1.", ".5", "5e-324", "inf",
    "-Infinity", "INF", "1 ", "\t2", "\u00a03", "true", "True", "TRUE", "tRUE", "false",
    " false ", "t", "yes", "1", "0", "2.5", "-3", "1d0", "2024-01-31", "12:30", "12:30:05",
    "2024-01-31 10:00", "2024-01-31T10:00:00Z", "9007199254740991", "9007199254740992",
    "9007199254740993", "9007199254740993.0", "-9007199254740993", "9223372036854775807",
    "9223372036854775808", "18446744073709551615", "1" + "0" * 30, "1" + "0" * 400, "0.1",
    "123456789.987654321", "1,5", "1.5,5", "1.234", "12%", "$5", "Ulm", "a", "٣", "\u22125",
    "1\u2009000",
)  # fmt: skip
NUMBERS = (
    st.integers(-1000, 1000).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers(2**53 - 2, 2**53 + 2).map(str)
    | st.decimals(-1000, 1000, places=3).map(str)
)
READINGS = (
    Reading(),
    Reading(missing=[]),
    Reading(missing=["-9", "Ulm", "nan(1)"]),
    Reading(decimal=","),
    Reading(decimal=",", thousands="."),
)


@st.composite
def columns(draw):
    common = draw(st.lists(st.sampled_from(ODD) | NUMBERS, min_size=1, max_size=3))
    cell = st.sampled_from(common) | draw(st.sampled_from([NUMBERS, st.sampled_from(ODD)]))
    return draw(st.lists(cell, min_size=1, max_size=12))


def outcome(read):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            values = read()
            Table.from_columns({"a": values})  # which refuses some, too
        except DataError as error:
            return str(error).partition(": ")[2]
    if values.dtype == object:
        return values.tolist()
    return [repr(value) for value in (values.astype(float) + 0.0).tolist()]


def by_the_rule(cells, kind, reading):
    distinct = list(dict.fromkeys(cells))
    codes = np.array([distinct.index(cell) for cell in cells])
    return text_column("a", distinct, codes, from_zero, kind, reading)


@settings(max_examples=150)
@given(
    columns(),
    st.sampled_from([None, "numeric", "categorical", "label", "text"]),
    st.sampled_from(READINGS),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_every_column_is_what_the_rule_says(tmp_path_factory, cells, kind, reading, quoting):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=quoting)
    writer.writerows([["a", "b"], *([cell, "x"] for cell in cells)])
    path = tmp_path_factory.mktemp("typed") / "t.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    expected = outcome(lambda: by_the_rule(cells, kind, reading))
    kinds = {} if kind is None else {"a": kind}
    found = outcome(lambda: read_csv(path, kinds=kinds, reading=reading)[0]["a"])
    assert found == expected


@pytest.mark.parametrize("kind", [None, "label"])
@pytest.mark.parametrize("odd", [*ODD, None])
def test_many_different_numbers_with_one_odd_cell(tmp_path, odd, kind):
    # so many that Arrow, and not Python, looks at those of a column that it took for text
    cells = [f"{i}.25" for i in range(1100)] + [odd] * (odd is not None)
    path = tmp_path / "t.tsv"
    path.write_text("a\tb\n" + "".join(f'"{cell}"\tx\n' for cell in cells), encoding="utf-8")
    kinds = {} if kind is None else {"a": kind}
    found = outcome(lambda: read_csv(path, kinds=kinds)[0]["a"])
    assert found == outcome(lambda: by_the_rule(cells, kind, Reading()))
