"""Text files line by line: quotation marks that go wrong, and where a row is."""

import csv
import gzip
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data.statistics import DataWarning
from fastnn.data.storage import MEMORY, OnDisk
from fastnn.errors import DataError
from fastnn.reading import csv_bytes
from fastnn.reading.csv_layout import layout_of
from fastnn.reading.csv_lines import lines_of, records
from fastnn.reading.csv_text import read_csv
from fastnn.reading.files import read_table

#: A header and the rows of lines 2 to 51.
ROWS = ["x,y,part", *(f"{i},{i % 3},{'nut' if i % 2 else 'bolt'}" for i in range(50))]


@pytest.fixture
def write(tmp_path):
    def make(changed=(), rows=ROWS, end="\n", name="a.csv"):
        lines = list(rows)
        for number, line in dict(changed).items():
            lines[number - 1] = line
        path = tmp_path / name
        data = (end.join(lines) + end).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return make


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("line", ['7,1,"3in pipe', '7,"1,nut', '"7,1,nut', '7,1,"a ""b""'])
def test_a_mark_that_is_never_closed(write, end, name, line):
    path = write({8: line}, end=end, name=name)
    with pytest.raises(
        DataError, match=r"line 8: a quotation mark opens a cell here .*never closed.* 43 lines"
    ):
        read_csv(path)


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_in_the_last_line(write, end):
    path = write()
    path.write_bytes(path.read_bytes() + b'50,2,"bolt' + end.encode())
    with pytest.raises(DataError, match="line 52: a quotation mark opens a cell here"):
        read_csv(path)


def test_in_the_header(write):
    with pytest.raises(DataError, match="line 1: a quotation mark opens a cell here"):
        read_csv(write({1: 'x,"y,part'}))


def test_in_a_column_that_is_dropped(write):
    with pytest.raises(DataError, match="line 8: a quotation mark opens a cell here"):
        read_csv(write({8: '7,1,"3in pipe'}), drop=["part"])


def test_in_a_file_of_quoted_cells(write):
    rows = [",".join(f'"{cell}"' for cell in row.split(",")) for row in ROWS]
    path = write({20: '"18","0","bolt'}, rows=rows)
    with pytest.raises(
        DataError, match="line 20: the quotation mark opens a cell that goes on to line 21, where"
    ):
        read_csv(path)


@pytest.mark.parametrize(("closing", "n_rows"), [(9, 49), (30, 28)])
def test_a_mark_that_is_closed_by_accident_is_told(write, closing, n_rows):
    path = write({8: '6,1,"3in pipe', closing: f'{closing},0,5in"'})
    with pytest.warns(
        DataWarning, match=f"line 8: a quotation mark opens a cell that goes on to line {closing},"
    ):
        columns, _ = read_csv(path)
    assert len(columns["x"]) == n_rows


def test_a_mark_that_shifts_the_columns(write):
    path = write({8: '6,"1,nut', 30: '28,1"'})
    with pytest.raises(
        DataError, match=r"lines 8 to 30: 2 cells, one of them opened by a quotation mark in line 8"
    ):
        read_csv(path)


@pytest.mark.parametrize(
    "cell",
    ['"two\nlines"', '"a, b\nand c\n\nd"', '"say ""no""\nor not"', '"x,y,z,\n"', '5" pipe', '""'],
)
def test_what_is_right_stays_right(write, cell):
    path = write({8: f"6,0,{cell}"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        columns, place = read_csv(path)
    with path.open(newline="") as file:
        wanted = [row[2].strip() or None for row in csv.reader(file)][1:]
    assert columns["part"].tolist() == wanted
    assert place(6) == f"line 8 of '{path}'"
    assert place(7) == f"line {9 + cell.count(chr(10))} of '{path}'"
    assert place(99) == f"row 99 of '{path}'"


def test_a_long_cell_of_many_lines(write):
    # more than the csv module's 131,072 characters
    path = write({8: '6,0,"' + "a line of it\n" * 12_000 + '"', 9: "7,1,2,3"})
    with pytest.raises(DataError, match="line 12009: 4 cells where the header has 3 columns"):
        read_csv(path)


def test_records(write):
    path = write(rows=["a,b", "", '1,"x\n""y"', "", '"2"3,"4', 'z"w,5'])
    found = [
        (r.line, r.cells, r.quote, r.closed, r.loose) for r in records(lines_of(path, "utf-8"), ",")
    ]
    assert found == [(1, 2, 0, True, False), (3, 2, 3, True, False), (6, 3, 6, True, True)]
    assert layout_of(path).place()(1) == f"line 6 of '{path}'"


@pytest.mark.parametrize("storage", [MEMORY, OnDisk()])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize(
    ("cell", "and_not"),
    [(r'"say \"p\" x"', True), (r'"it\"s, a bolt"', True), ('"a "nut" here"', False)],
)
def test_a_mark_in_the_middle_of_a_quoted_cell(write, cell, and_not, name, storage):
    path = write({8: f"6,0,{cell}"}, name=name)
    with pytest.raises(DataError) as caught:
        read_table(path, storage=storage)
    assert str(caught.value) == (
        f"file '{path}', line 8, column 'part': a quotation mark stands in the middle of a quoted "
        'cell; write it twice ("") there' + ', and not as \\"' * and_not
    )


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('"a\\", bolt"', 'line 8: 4 cells .*; if a quotation mark is meant by \\\\" within a cell'),
        ('"a nut\\""', "line 8: (a|the) quotation mark opens a cell"),
    ],
)
def test_marks_after_a_backslash_that_shift_the_columns(write, cell, said):
    with pytest.raises(DataError, match=said):
        read_csv(write({8: f"6,0,{cell}"}))


def test_a_mark_in_the_middle_of_a_name(write):
    with pytest.raises(DataError, match=r"line 1, cell 2: .* middle .*, and not as \\\""):
        read_csv(write({1: 'x,"y \\"z\\"",part'}))


@pytest.mark.parametrize(
    "cell",
    [r'"C:\dir\"', r'"C:\a, b\"', r"5\" pipe", r"\"", '5" pipe', 'a "b" c', '"x" ', '"a""b"'],
)
@pytest.mark.parametrize("column", [0, 1, 2])
def test_marks_that_are_right_stay_right(write, cell, column):
    cells = [cell if j == column else str(j) for j in range(3)]
    path = write({8: ",".join(cells)})
    with path.open(newline="") as file:
        wanted = list(csv.reader(file))[7][column].strip()
    kinds = dict.fromkeys(["x", "y", "part"], "text")
    columns, _ = read_csv(path, kinds=kinds)
    assert columns[["x", "y", "part"][column]][6] == wanted


@given(st.lists(st.text('ab",\\ '), min_size=2, max_size=3), st.integers(1, 9))
def test_a_row_is_read_as_the_csv_module_does_or_refused(tmp_path_factory, cells, size):
    path = tmp_path_factory.mktemp("marks") / "a.csv"
    row = ",".join(cells)
    path.write_text(f"x,y\n{row}\n", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_bytes, "_BLOCK", size)
        try:
            columns, _ = read_csv(path, kinds=dict.fromkeys("xy", "text"))
        except DataError:
            return
    wanted = next(csv.reader([row]))
    assert [column.tolist() for column in columns.values()] == [[c.strip() or None] for c in wanted]
