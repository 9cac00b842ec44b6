"""Text files: what a cell is, and where exactly a bad one stands."""

import gzip
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data.cells import Reading
from fastnn.data.storage import MEMORY, OnDisk
from fastnn.errors import ArgumentError, DataError
from fastnn.reading import csv_text
from fastnn.reading.csv_text import read_csv
from fastnn.reading.files import read_table


@pytest.fixture
def write(tmp_path):
    def make(text, name="t.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return make


def test_spaces_make_no_fraction_of_a_whole_number(write):
    columns, _ = read_csv(write("a,b,c\n 1,1.0,0x1\n2, 2,2\n"))
    assert (columns["a"].dtype, columns["a"].tolist()) == (np.int64, [1, 2])
    assert (columns["b"].dtype, columns["b"].tolist()) == (np.float64, [1, 2])


def test_kinds_of_columns(write):
    path = write(
        "whole,real,flag,text,none,plus\n"
        "1,1.5,true,a,,+1\n2, 2 ,FALSE,NA,?,2\n-3,nan,True, c ,NULL,3\n"
    )
    columns, place = read_csv(path)
    assert columns["whole"].dtype == np.int64
    assert columns["whole"].tolist() == [1, 2, -3]
    np.testing.assert_array_equal(columns["real"], [1.5, 2, np.nan])
    assert columns["flag"].tolist() == [True, False, True]
    assert columns["flag"].dtype == bool
    assert columns["text"].tolist() == ["a", None, "c"]
    assert np.isnan(columns["none"]).all()
    assert columns["plus"].tolist() == [1, 2, 3]
    assert place(0) == f"line 2 of '{path}'"


@pytest.mark.parametrize("marker", ["", "NA", "N/A", "NaN", "null", "None", "?", " na ", '""'])
def test_missing_markers(write, marker):
    columns, _ = read_csv(write(f"a,b\n{marker},{marker}\n1.5,x\n"))
    np.testing.assert_array_equal(columns["a"], [np.nan, 1.5])
    assert columns["b"].tolist() == [None, "x"]


def test_missing_truth_values_are_nan(write):
    columns, _ = read_csv(write("a,b\ntrue,1\n,1\nfalse,1\n"))
    np.testing.assert_array_equal(columns["a"], [1, np.nan, 0])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_floats_come_back_bit_for_bit(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_text("a,b\n" + "".join(f"{x!r},z\n" for x in numbers))
    np.testing.assert_array_equal(read_csv(path)[0]["a"].astype(float), numbers)


def test_tabs_other_delimiters_byte_order_mark_and_compression(write, tmp_path):
    text = "a,b\n1,x\n"
    assert read_csv(write(text.replace(",", "\t"), "t.tsv"))[0]["b"].tolist() == ["x"]
    assert read_csv(write(text.replace(",", ";")), reading=Reading(delimiter=";"))[0][
        "b"
    ].tolist() == ["x"]
    assert list(read_csv(write(text, encoding="utf-8-sig"))[0]) == ["a", "b"]
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert read_csv(packed)[0]["a"].tolist() == [1]
    archive = tmp_path / "t.csv.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("inner.csv", text)
    assert read_csv(archive)[0]["a"].tolist() == [1]
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("one.csv", text)
        stream.writestr("two.csv", text)
    with pytest.raises(DataError, match="holds 2 files"):
        read_csv(archive)


def test_a_stray_cell_among_numbers_is_shown_with_its_line(write):
    rows = "".join(f"{i},x\n" for i in range(9))
    path = write(f"age,town\n{rows}abc,x\n")
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert str(caught.value) == (
        f"column 'age', line 11 of '{path}': 'abc' is not a number, in a numeric column; correct "
        "or empty the cell, or if it means no value say missing=['abc'], or make "
        "the column categorical: categorical=['age']"
    )
    assert read_csv(path, kinds={"age": "categorical"})[0]["age"].tolist()[-2:] == ["8", "abc"]


def test_the_line_counts_blank_lines_and_breaks_inside_cells(write):
    path = write('\nage,town\n1,"two\nlines"\n\n2,x\nabc,y\n')
    with pytest.raises(DataError, match="line 7 of"):
        read_csv(path, kinds={"age": "numeric"})
    assert path.read_text().splitlines()[6] == "abc,y"


def test_fewer_than_nine_tenths_numbers_is_text_unless_declared(write):
    path = write("a,b\n" + "".join(f"{i},x\n" for i in range(8)) + "abc,x\n")
    assert read_csv(path)[0]["a"].dtype == object
    with pytest.raises(DataError, match=r"line 10 of .*'abc' is not a number"):
        read_csv(path, kinds={"a": "numeric"})


def test_leading_zeros_of_a_declared_category_stay(write):
    columns, _ = read_csv(write("zip,b\n01234,1\n"), kinds={"zip": "categorical"})
    assert columns["zip"].tolist() == ["01234"]


def test_dropped_columns_are_not_judged(write):
    path = write("day,b\n1/2/2024,1\n2/1/2024,2\n")
    assert list(read_csv(path, drop=["day"])[0]) == ["b"]
    with pytest.raises(DataError, match="column 'day' holds dates of which day and month"):
        read_csv(path)
    with pytest.raises(DataError, match="no column 'dya'; did you mean 'day'"):
        read_csv(path, drop=["dya"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,a\n1,2\n", "two columns are called 'a'"),
        (",b\n1,2\n1,3\n", "column 1 has no name, and its cells are no index of the rows"),
        ("a,,b\n1,2,3\n", "column 2 has no name.*index=False"),
        ("a,b\n", "has a header line but no rows"),
        ("\n\n", "is empty"),
        ("1.5,2\n3,4\n", "the first line holds values, not column names .1.5, 2.; .*header=False"),
        ("a,b\n1,2\n\n3\n", "line 4: 1 cell where the header has 2"),
        (
            "a,b\n1,2,3\n",
            "line 2: 3 cells where the header has 2 .* correct the line, or, if each",
        ),
    ],
)
def test_bad_files_are_named(write, text, message):
    path = write(text)
    with pytest.raises(DataError, match=message) as caught:
        read_csv(path)
    assert str(path) in str(caught.value)


def test_counting_headers_are_names(write):
    assert list(read_csv(write("0,1,2\n5,6,7\n"))[0]) == ["0", "1", "2"]


def test_damaged_files(write, tmp_path):
    for name in ("t.csv.gz", "t.csv.zip"):
        with pytest.raises(DataError, match="is damaged or not what its name says"):
            read_csv(write("a,b\n1,2\n", name))
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-20])
    with pytest.raises(DataError, match="is damaged"):
        read_csv(cut)


@pytest.mark.parametrize(
    ("cells", "line", "found"),
    [
        (["1", "99999999999999999999"], 3, "99999999999999999999"),  # beyond int64
        (["18446744073709551615"], 2, "18446744073709551615"),
        (["NA", "-9007199254740993"], 3, "-9007199254740993"),  # 2^53 + 1 beside a gap
        (["0.5", "9007199254740993"], 3, "9007199254740993"),
        ([" 9007199254740993 ", "1_"] + ["2"] * 20, 3, None),  # refused as no number
    ],
)
def test_whole_numbers_that_a_float_would_change_are_refused(write, cells, line, found):
    path = write("id,b\n" + "".join(f"{cell},1\n" for cell in cells))
    message = (
        f"{found} is too large to be exact.*leave the column out"
        if found
        else "'1_' is not a number"
    )
    with pytest.raises(DataError, match=f"column 'id', line {line} of .*{message}"):
        read_csv(path)
    if found:
        columns, _ = read_csv(path, kinds={"id": "categorical"})
        assert found in columns["id"].tolist()


def test_large_numbers_that_a_float_holds_are_read(write):
    text = "a\n100000000000000000000\n1.2345678901234567890e30\nNA\n12345678901234567890.5\n"
    values = read_csv(write(text))[0]["a"]
    assert values[:2].tolist() == [1e20, 1.2345678901234567890e30]
    assert np.isnan(values[2])


def test_delimiter_is_one_character(write):
    with pytest.raises(ArgumentError, match="delimiter must be one character"):
        read_csv(write("a,b\n1,2\n"), reading=Reading(delimiter=",,"))


@pytest.mark.parametrize("delimiter", ['"', "\n", "\r", "é", ".", "-", "5", "e", "", "ab", 0, b";"])
def test_what_cannot_be_a_delimiter(tmp_path, delimiter):
    path = tmp_path / "a.csv"
    path.write_text("a;b\n1;2\n")
    with pytest.raises(ArgumentError, match="delimiter must be"):
        read_csv(path, reading=Reading(delimiter=delimiter))


@pytest.mark.parametrize("delimiter", [";", "|", "\t", " ", ":", "/"])
def test_any_other_delimiter(tmp_path, delimiter):
    path = tmp_path / "a.csv"
    path.write_text("a;b\n1;2\n".replace(";", delimiter))
    columns, _ = read_csv(path, reading=Reading(delimiter=delimiter))
    assert {name: values.tolist() for name, values in columns.items()} == {"a": [1], "b": [2]}


def test_arrow_is_never_given_a_python_file(write, monkeypatch, tmp_path):
    # its threads may hold one while the interpreter ends, which aborts the process
    import pyarrow
    from pyarrow import csv

    given, read = [], csv.read_csv

    def spy(source, **options):
        given.append(source)
        return read(source, **options)

    monkeypatch.setattr(csv, "read_csv", spy)
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    archive = tmp_path / "t.csv.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("inner.csv", "a,b\n1,2\n")
    for path in (write("a,b\n1,2\n"), packed, archive):
        assert read_csv(path)[0]["b"].tolist() == [2]
    assert [isinstance(source, (str, pyarrow.NativeFile)) for source in given] == [True] * 3


@pytest.mark.parametrize("cells", [["0x1F", "0X10"], ["nan(1)", "2"], ["1_0", "2_0"]])
def test_what_only_arrow_takes_for_numbers_is_text(write, cells):
    columns, _ = read_csv(write("a,b\n" + "".join(f"{cell},1\n" for cell in cells * 5)))
    assert columns["a"].tolist() == cells * 5


def test_nan_is_text_where_no_text_means_no_value(write):
    path = write("a,b\n" + "nan,1\nx,1\n" * 5)
    assert read_csv(path, reading=Reading(missing=[]))[0]["a"].tolist() == ["nan", "x"] * 5
    path = write("a,b\n" + "nan,1\n2.5,\n" * 5)
    with pytest.raises(DataError, match=r"line 2 of .*'nan' is not a number"):
        read_csv(path, reading=Reading(missing=[]), kinds={"a": "numeric"})


@pytest.mark.parametrize("cells", [["9007199254740993.0", "1"], ["9007199254740993.", "NA"]])
def test_a_point_after_a_whole_number_makes_it_no_rounder(write, cells):
    with pytest.raises(DataError, match=r"line 2 of .*: 9007199254740993 is too large to be exact"):
        read_table(write("a,b\n" + "".join(f"{cell},1\n" for cell in cells)))


def test_options_of_text(write):
    path = write("a;b\n1.234,5;x\n-;-\n7;y\n")
    how = Reading(delimiter=";", decimal=",", thousands=".", missing=["-"])
    columns, _ = read_csv(path, reading=how)
    np.testing.assert_array_equal(columns["a"], [1234.5, np.nan, 7])
    assert columns["b"].tolist() == ["x", None, "y"]


def test_names_that_end_in_capitals(write):
    assert read_csv(write("a\tb\n1\t2\n", "T.TSV"))[0]["b"].tolist() == [2]


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("storage", [MEMORY, OnDisk()])
def test_a_row_longer_than_what_is_read_at_once(write, monkeypatch, quoted, storage):
    monkeypatch.setattr(csv_text, "_BATCH_BYTES", 2**20)
    long = ("y\n" if quoted else "y ") * 800_000 + "y"
    cell = f'"{long}"' if quoted else long
    before, after = "1,x\n" * 50_000, "3,z\n" * 50_000
    path = write(f"a,b\n{before}2,{cell}\n{after}")
    table = read_table(path, storage=storage)
    assert np.bincount(table.numeric[:, 0].astype(int)).tolist() == [0, 50_000, 1, 50_000]
    assert table.numeric[50_000, 0] == 2
    assert table.categorical["b"][[49_999, 50_000, 50_001]].tolist() == ["x", long, "z"]


@pytest.mark.parametrize("storage", [MEMORY, OnDisk()])
def test_a_quotation_mark_that_takes_in_all_the_rest_is_named(write, storage):
    rows = "1,x\n" * 400_000
    path = write(f'a,b\n{rows}2,"y\n{rows}{rows}')
    with pytest.raises(DataError, match=r"line 400002: a quotation mark .* is never closed"):
        read_table(path, storage=storage)
