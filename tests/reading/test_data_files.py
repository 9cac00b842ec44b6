"""The doors: every kind of source gives the same table, and says what it cannot take."""

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from fastnn.data.table import Table
from fastnn.errors import ArgumentError, DataError
from fastnn.reading.files import read_labelled, read_table
from tests.optional import optional

pd = optional("pandas")
pl = optional("polars")
pa = optional("pyarrow")
parquet = optional("pyarrow.parquet")

CELLS = {
    "age": [31, 5, 77],
    "height": [1.75, None, 1.6],
    "town": ["Ulm", "Bonn", None],
    "married": [True, False, False],
    "y": [0, 1, 1],
}


def csv_file(folder: Path) -> Path:
    path = folder / "t.csv"
    path.write_text(
        "age,height,town,married,y\n31,1.75,Ulm,true,0\n5,NA,Bonn,false,1\n77,1.6,,false,1\n"
    )
    return path


def parquet_file(folder: Path) -> Path:
    path = folder / "t.parquet"
    parquet.write_table(pa.table(CELLS), path)
    return path


SOURCES = {
    "csv": csv_file,
    "parquet": parquet_file,
    "dict": lambda _: CELLS,
    "pandas": lambda _: pd.DataFrame(CELLS),
    "pandas nullable": lambda _: pd.DataFrame(CELLS).convert_dtypes(),
    "pandas category": lambda _: pd.DataFrame(CELLS).astype({"town": "category"}),
    "pandas arrow": lambda _: pd.DataFrame(CELLS).convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda _: pl.DataFrame(CELLS),
    "polars category": lambda _: pl.DataFrame(CELLS).with_columns(
        pl.col("town").cast(pl.Categorical)
    ),
    "pyarrow": lambda _: pa.table(CELLS),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same(kind, tmp_path):
    table, target = read_labelled(SOURCES[kind](tmp_path), "y")
    assert table.names == ("age", "height", "town", "married")
    np.testing.assert_array_equal(table.numeric, [[31, 1.75, 1], [5, np.nan, 0], [77, 1.6, 0]])
    assert table.column("town").tolist() == ["Ulm", "Bonn", None]
    assert target.dtype.kind == "i"
    assert target.tolist() == [0, 1, 1]
    whole = read_table(SOURCES[kind](tmp_path), categorical=["age"], drop=["y"])
    assert whole.column("age").tolist() == ["31", "5", "77"]
    assert not whole.positional


def test_arrays():
    table = read_table(np.array([[1, 2], [3, 4]]))
    assert (table.names, table.positional) == (("x0", "x1"), True)
    assert read_table(np.array([1.0, 2.0])).numeric.shape == (2, 1)
    assert read_table([[1, 2], [3, 4]]).numeric.tolist() == [[1, 2], [3, 4]]
    assert read_table(table) is table
    assert read_table(table, drop=["x0"]).names == ("x1",)
    pixels = np.zeros((9, 784), np.float32)
    assert np.shares_memory(read_table(pixels).numeric, pixels)
    mixed = read_table([[1, "a"], [2, "b"]])
    assert (mixed.numeric_names, mixed.column("x1").tolist()) == (("x0",), ["a", "b"])
    coded = read_table(np.array([[1, 2], [3, 4]]), categorical=["x1"])
    assert coded.column("x1").tolist() == ["2", "4"]
    masked = np.ma.masked_array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]])
    np.testing.assert_array_equal(read_table(masked).numeric, [[1, np.nan], [3, 4]])


def test_npz(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, X=np.array([[1, 2], [3, 4]], np.uint8), Y=np.array([[0, 1], [1, 1]]))
    table, target = read_labelled(path, "Y")
    assert table.names == ("X0", "X1")
    assert table.numeric.dtype == np.float32
    assert target.tolist() == [[0, 1], [1, 1]]


def test_several_targets_and_text_targets(tmp_path):
    table, target = read_labelled(csv_file(tmp_path), ["y", "age"])
    assert target.tolist() == [[0, 31], [1, 5], [1, 77]]
    assert table.names == ("height", "town", "married")
    assert read_labelled(csv_file(tmp_path), "married")[1].tolist() == [True, False, False]
    with pytest.raises(DataError, match=r"target column 'town', line 4 of .*: no value"):
        read_labelled(csv_file(tmp_path), "town")
    with pytest.raises(DataError, match=r"target column 'height', row 1 .*: no value"):
        read_labelled(pd.DataFrame(CELLS), "height")


def test_float32_on_request():
    assert read_table(pd.DataFrame(CELLS), dtype="float32").numeric.dtype == np.float32


def test_infinity_in_a_file_is_shown_with_its_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3,-inf\n")
    with pytest.raises(DataError, match=r"column 'b', line 3 of .*-inf is not a finite number"):
        read_table(path)


def objects(*cells):
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


@pytest.mark.parametrize(
    ("source", "options", "error", "message"),
    [
        (
            pd.DataFrame([[1]], columns=[(1, 2)]),
            {},
            DataError,
            r"text, found \(1, 2\).*columns.astype",
        ),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), {}, DataError, "two columns are called '1'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), {}, DataError, "two columns are called 'a'"),
        (pa.table([[1], [2]], names=["a", "a"]), {}, DataError, "two columns are called 'a'"),
        (pl.DataFrame({"d": [date(2024, 1, 1)]}), {"numeric": ["d"]}, DataError, "'d' holds dates"),
        (pd.DataFrame({"d": [date(2024, 1, 1)]}), {"numeric": ["d"]}, DataError, "'d' holds dates"),
        (CELLS, {"dates": ["dayy"]}, DataError, "dates: no column 'dayy'"),
        (CELLS, {"dates": ["age"], "categorical": ["age"]}, ArgumentError, "declared dates and ca"),
        (pd.DataFrame({"a": [1, "x", 2]}), {}, DataError, "column 'a', row 1 .*'x' among cells"),
        (pl.DataFrame({"a": [[1], [2]]}), {}, DataError, "column 'a'.*neither"),
        (pl.DataFrame({"a": [1.0]}).clear(), {}, DataError, "empty: no rows"),
        (pd.DataFrame({"a": [1.0, np.inf]}), {}, DataError, "column 'a', row 1 .*inf is not"),
        (pd.DataFrame({"a": ["1", "x"]}), {"numeric": ["a"]}, DataError, "'x' is not a number"),
        (np.zeros((0, 3)), {}, DataError, "empty: no rows"),
        (pa.table({"a": [1.0], "b": ["x"]}).slice(0, 0), {}, DataError, "empty: no rows"),
        (np.array(3.0), {}, DataError, "'x' is one value and no column: 3.0"),
        ({"a": 3, "b": [4]}, {}, DataError, "'a' is one value and no column: 3"),
        ([[1], [2, 3]], {}, DataError, "unequal lengths"),
        ({"a": [1], "b": [1, 2]}, {}, DataError, "column 'b' has 2 rows but column 'a' has 1"),
        ({}, {}, DataError, "no columns"),
        (7, {}, ArgumentError, "cannot read examples from int"),
        (CELLS, {"numeric": ["agee"]}, DataError, "no column 'agee'; did you mean 'age'"),
        (CELLS, {"drop": ["agee"]}, DataError, "no column 'agee'"),
        (CELLS, {"numeric": ["p", "q"]}, DataError, "missing columns: p, q"),
        (CELLS, {"numeric": "age"}, ArgumentError, "numeric must be a list of names"),
        (CELLS, {"numeric": ["y"], "categorical": ["y"]}, ArgumentError, "declared numeric and"),
        (CELLS, {"delimiter": ";"}, ArgumentError, "delimiter has no effect"),
        ("none.csv", {}, DataError, "'none.csv' does not exist"),
        ("data.doc", {}, DataError, r"'data.doc': unknown type.*\.csv, \.tsv.*\.npz"),
        ("none/*.csv", {}, DataError, r"no file matches 'none/\*.csv'"),
    ],
)
def test_refused(source, options, error, message):
    with pytest.raises(error, match=message):
        read_table(source, **options)


def test_refused_sparse_and_gpu_arrays():
    from scipy.sparse import csr_matrix

    with pytest.raises(ArgumentError, match=r"sparse matrix; use \.toarray"):
        read_table({"x": csr_matrix(np.eye(2))})

    class OnTheGpu:
        __cuda_array_interface__ = {}  # noqa: RUF012
        __array__ = None

    with pytest.raises(ArgumentError, match="OnTheGpu lies on a GPU and has no known way"):
        read_table(OnTheGpu())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.npz", b"", "is empty"),
        ("t.npz", b"PK\x03\x04 nonsense", "is not a readable NPZ file"),
        ("t.npz", b"text", "is not an NPZ file .no zip archive.; save the arrays with numpy.savez"),
        ("t.parquet", b"PAR1 nonsense", "is not a readable Parquet file"),
    ],
)
def test_unreadable_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(path)) + ".*" + message):
        read_table(path)


@pytest.mark.parametrize(
    "how", [{"numeric": ["zz"]}, {"categorical": ["zz"]}, {"categorical": ["x1"], "drop": ["zz"]}]
)
def test_columns_of_a_block_are_counted_once(tmp_path, how):
    np.savez(tmp_path / "t.npz", x=np.zeros((3, 62)), y=np.arange(3))
    with pytest.raises(DataError, match=r"no column 'zz' \(columns: x0, x1, .*\(63 in all\)\)"):
        read_table(tmp_path / "t.npz", **how)


def test_folders_pickles_and_single_arrays(tmp_path):
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    with pytest.raises(DataError, match=r"folder '.*folder.csv' is empty"):
        read_table(folder)
    np.savez(tmp_path / "t.npz", a=objects("x", 1))
    with pytest.raises(DataError, match="Object arrays cannot be loaded"):
        read_table(tmp_path / "t.npz")
    with (tmp_path / "one.npz").open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(DataError, match=r"a single array: give its name the ending \.npy"):
        read_table(tmp_path / "one.npz")
    np.savez(tmp_path / "none.npz")
    with pytest.raises(DataError, match="holds no arrays"):
        read_table(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("source", "target", "error", "message"),
    [
        (CELLS, "label", DataError, r"target: no column 'label' \(columns: age, height"),
        (CELLS, "yy", DataError, "target: no column 'yy'"),
        (CELLS, [], ArgumentError, "target names no column"),
        ({"y": [1]}, "y", DataError, "no feature columns are left beside the target y"),
        (np.eye(2), "y", ArgumentError, "an array has no column names"),
        (Table.from_columns({"y": np.eye(2)}), "y0", ArgumentError, "already a Table"),
    ],
)
def test_refused_targets(source, target, error, message):
    with pytest.raises(error, match=message):
        read_labelled(source, target)


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("pyarrow", "'t.csv'"),
        ("pyarrow", "'t.parquet'"),
        ("narwhals", "pandas.DataFrame({'a': [1]})"),
    ],
)
def test_missing_extras_name_the_command(tmp_path, package, source):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    parquet_file(tmp_path)
    program = (
        "import sys, pandas\n"
        f"sys.modules[{package!r}] = None\n"
        "from fastnn.reading.files import read_table\n"
        "from fastnn.errors import DataError\n"
        f"try: read_table({source})\n"
        "except DataError as error: print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"needs {package}, which is not installed: pip install pyarrow narwhals" in done.stdout


def test_arrays_need_no_extra(tmp_path):
    program = (
        "import sys\n"
        "from fastnn.reading.files import read_table\n"
        "read_table({'a': [1, 2], 'b': ['x', None]})\n"
        "loaded = {'pyarrow', 'narwhals', 'pandas', 'polars', 'scipy'} & set(sys.modules)\n"
        "print(sorted(loaded))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_the_name_of_a_block_is_not_the_name_of_a_column():
    with pytest.raises(DataError, match=r"no column 'x'; .*\(columns: x0, x1\)"):
        read_table(np.eye(2), categorical=["x"])


def test_a_number_that_stands_for_no_value(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n-999,1\n2,0.5\n")
    np.savez(tmp_path / "t.npz", a=np.array([-999, 2]), b=np.array([1, 0.5]))
    typed = {"a": [-999, 2], "b": [1.0, 0.5]}
    for source in (path, tmp_path / "t.npz", typed, pd.DataFrame(typed), pl.DataFrame(typed)):
        table = read_table(source, missing=["-999"])
        np.testing.assert_array_equal(table.numeric, [[np.nan, 1], [2, 0.5]])
        texts = read_table(source, missing=["-999"], categorical=["a"]).column("a")
        assert texts.tolist() == [None, "2"]
        assert read_table(source).numeric[0, 0] == -999
    block = np.array([[-999, 1], [2, 3]])
    np.testing.assert_array_equal(
        read_table(block, missing=["-999"]).numeric, [[np.nan, 1], [2, 3]]
    )
    assert read_labelled(typed, "b", missing=["7"])[1].tolist() == [1, 0.5]
    assert read_labelled({"x": [1.5], "y": [3]}, "y", missing=["7"])[1].dtype == np.int64


@pytest.mark.parametrize(
    "make", [lambda X: {"x": X}, lambda X: X, lambda X: {"x": X, "z": X[:, 0]}]
)
def test_a_column_of_a_matrix_can_be_the_target(tmp_path, make):
    X = np.random.default_rng(0).normal(size=(9, 4))
    source = make(X)
    if isinstance(source, np.ndarray):
        np.save(tmp_path / "t.npy", source)
        source = tmp_path / "t.npy"
    table, target = read_labelled(source, "x2")
    np.testing.assert_array_equal(target, X[:, 2])
    names = ["x0", "x1", "x3"]
    assert [name for name in table.names if name != "z"] == names
    for j, name in zip([0, 1, 3], names, strict=True):
        np.testing.assert_array_equal(table.column(name), X[:, j])
    with pytest.raises(DataError, match=r"target: no column 'x4' \(columns: x0, x1"):
        read_labelled(source, "x4")
