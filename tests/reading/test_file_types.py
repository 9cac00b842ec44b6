"""Each type of file gives the table that the CSV file of the same cells gives."""

import re
import subprocess
import sys

import numpy as np
import pytest

from fastnn.errors import DataError
from fastnn.reading.file_types import (
    FILE_TYPES,
    ending_of,
    file_type,
    type_of,
    without_ending,
)
from fastnn.reading.files import CSV_SUFFIXES, read_labelled, read_table
from tests.optional import optional

pa = optional("pyarrow")
parquet = optional("pyarrow.parquet")
feather = optional("pyarrow.feather")

CELLS = {
    "age": [31, 5, 77, 40],
    "height": [1.75, None, 1.6, 1.5],
    "code": ["1", "2", "2", None],
    "town": ["Ulm", "Bonn", None, "Bonn"],
    "y": ["no", "yes", "yes", "no"],
}
LINES = (
    '{"age": 31, "height": 1.75, "code": "1", "town": "Ulm", "y": "no"}\n'
    '{"age": 5, "height": null, "code": "2", "town": "Bonn", "y": "yes"}\n\n'
    '{"age": 77, "height": 1.6, "code": "2", "y": "yes"}\n'
    '{"age": 40, "height": 1.5, "code": null, "town": "Bonn", "y": "no"}\n'
)


def write(kind, path):
    table = pa.table(CELLS)
    if kind == "parquet":
        parquet.write_table(table, path, row_group_size=2)
    elif kind == "arrow":
        feather.write_feather(table, str(path), compression="zstd")
    elif kind == "arrow stream":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    elif kind == "json lines":
        path.write_text(LINES)
    else:
        rows = zip(*CELLS.values(), strict=True)
        lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
        path.write_text("\n".join([",".join(CELLS), *lines]) + "\n")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("csv", "a.csv"), ("csv", "a.TXT"), ("csv", "a.data"),
        ("parquet", "a.parquet"), ("parquet", "a.pq"),
        ("arrow", "a.arrow"), ("arrow", "a.feather"), ("arrow stream", "a.ipc"),
        ("json lines", "a.jsonl"), ("json lines", "a.ndjson"),
    ],
)  # fmt: skip
def test_every_type_gives_the_same(kind, name, tmp_path):
    write(kind, tmp_path / name)
    table, target = read_labelled(tmp_path / name, "y")
    assert table.names == ("age", "height", "code", "town")
    assert table.numeric_names == ("age", "height", "code")  # text of numbers is numbers
    np.testing.assert_array_equal(
        table.numeric, [[31, 1.75, 1], [5, np.nan, 2], [77, 1.6, 2], [40, 1.5, np.nan]]
    )
    assert table.column("town").tolist() == ["Ulm", "Bonn", None, "Bonn"]
    assert target.tolist() == CELLS["y"]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_batches_are_the_rows(kind, tmp_path):
    path = tmp_path / f"a.{kind}"
    write(kind, path)
    names, batches = file_type(path).batches(path)
    assert names == list(CELLS)
    assert pa.concat_tables(batches).to_pydict() == CELLS


def test_columns_of_a_dictionary_are_categories_and_text_is_not(tmp_path):
    codes = pa.chunked_array([pa.array(["7", "8", None]).dictionary_encode()])
    table = pa.table({"category": codes, "text": ["7", "8", None]})
    parquet.write_table(table, tmp_path / "a.parquet")
    found = read_table(tmp_path / "a.parquet")
    assert found.column("category").tolist() == ["7", "8", None]
    np.testing.assert_array_equal(found.column("text"), [7, 8, np.nan])


def test_a_dictionary_with_an_order_of_its_own(tmp_path):
    """Texts that no row has are none, and an error names the first row."""
    dictionary = pa.DictionaryArray.from_arrays([2, 1, 2], ["unused", "x", "y"])
    table = pa.table({"t": dictionary.cast(pa.string()), "d": dictionary})
    parquet.write_table(table, tmp_path / "a.parquet")
    found = read_table(tmp_path / "a.parquet")
    assert found.column("t").tolist() == found.column("d").tolist() == ["y", "x", "y"]
    with pytest.raises(DataError, match=r"column 't', row 0 .*'y' is not a number"):
        read_table(tmp_path / "a.parquet", numeric=["t"])


def test_json_lines_whose_cells_change_their_type(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1, "b": "x"}\n{"a": "n/a", "b": "y"}\n\n{"a": 2.5}\n')
    table = read_table(path)
    np.testing.assert_array_equal(table.column("a"), [1, np.nan, 2.5])
    assert table.column("b").tolist() == ["x", "y", None]
    path.write_text('{"a": 1}\n\n{"a": 2}\n{"a": "x"}\n')
    with pytest.raises(
        DataError, match=r"column 'a', line 4 of '.*a.jsonl': 'x' among cells of an"
    ):
        read_table(path)


def test_a_cell_of_json_lines_is_told_with_its_line(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": "1"}\n\n{"a": "x"}\n')
    with pytest.raises(DataError, match=r"column 'a', line 3 of '.*a.jsonl': 'x' is not a number"):
        read_table(path, numeric=["a"])


def test_npy(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(6.0).reshape(3, 2))
    table = read_table(path)
    assert table.names == ("x0", "x1")
    assert table.numeric.tolist() == [[0, 1], [2, 3], [4, 5]]
    np.save(path, np.arange(3))
    assert read_table(path).names == ("x0",)
    np.save(path, np.array([(1, 2.5), (3, 4.0)], [("age", "i4"), ("height", "f8")]))
    table = read_table(path)
    assert table.names == ("age", "height")
    assert table.numeric.tolist() == [[1, 2.5], [3, 4]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.arrow", b"ARROW1 nonsense", "is not a readable Arrow file"),
        ("a.feather", b"text", "is not a readable Arrow file"),
        ("a.npy", b"text", "is not a readable NPY file"),
        ("a.npy", b"\x93NUMPY", "is not a readable NPY file"),
        ("a.jsonl", b"\n \n", "is empty"),
        ("a.jsonl", b'{"a": 1}\n{"a": 2,}\n', "is no file of JSON lines: line 2: "),
        ("a.jsonl", b'[{"a": 1}]', r"line 1: \[\{'a': 1\}\] is no object with the cells of a row"),
        ("a.xlsx", b"text", "is not a readable Excel file"),
        ("a.png", b"text", "is not a readable picture"),
    ],
)
def test_unreadable_files_are_named(name, content, message, tmp_path):
    if name.endswith("xlsx"):
        _ = optional("python_calamine").CalamineError
    if name.endswith("png"):
        _ = optional("PIL.Image").open
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"'{re.escape(str(path))}'.*{message}"):
        read_table(path)


def test_an_array_that_is_called_npy_but_is_npz(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.eye(2))
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(DataError, match=r"a.npy' is an NPZ file: give its name the ending .npz"):
        read_table(tmp_path / "a.npy")


def test_the_delimiter_is_that_of_text(tmp_path):
    write("json lines", tmp_path / "a.jsonl")
    with pytest.raises(ValueError, match="delimiter has no effect here"):
        read_table(tmp_path / "a.jsonl", delimiter=";")


def test_names():
    assert without_ending("a.b.JSONL.zst") == "a.b"
    assert without_ending("a.parquet") == "a"
    assert type_of(__import__("pathlib").Path("a.gz")) is None
    endings = [end for of in FILE_TYPES for end in of.every_ending]
    assert len(endings) == len(set(endings))
    assert ".csv.xz" in CSV_SUFFIXES
    assert ".jsonl" not in CSV_SUFFIXES


@pytest.mark.parametrize("of", FILE_TYPES, ids=lambda of: of.name)
def test_a_beginning_tells_the_type(of):
    if of.magic:
        assert ending_of(of.magic + b" and more") == of.endings[0]
    assert of.says.endswith(".")


@pytest.mark.parametrize(
    ("package", "name", "command"),
    [
        ("pyarrow", "a.parquet", "pip install pyarrow narwhals"),
        ("pyarrow", "a.feather", "pip install pyarrow narwhals"),
        ("pyarrow", "a.jsonl", "pip install pyarrow narwhals"),
        ("pyarrow", "a.csv.zst", "pip install pyarrow narwhals"),
        ("python_calamine", "a.xlsx", "pip install python-calamine"),
        ("PIL", "a.png", "pip install pillow"),
    ],
)
def test_missing_extras_name_the_command(package, name, command, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"content")
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from fastnn.reading.files import read_table\n"
        "from fastnn.errors import DataError\n"
        f"try: read_table({str(path)!r})\n"
        "except DataError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"reading '{path}' needs ")
    assert f"is not installed: {command}" in done.stdout
