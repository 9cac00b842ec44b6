"""Columns of data frames: exact with gaps, of their own kind, alone or in a dict."""

from decimal import Decimal

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.errors import ArgumentError, DataError
from fastnn.reading.files import read_labelled, read_table, target_columns
from tests.optional import optional

pd = optional("pandas")
pl = optional("polars")
pa = optional("pyarrow")
parquet = optional("pyarrow.parquet")

BIG = 2**53 + 1

WITH_GAPS = {
    "pandas": pd.DataFrame({"id": pd.array([BIG, None, 3], dtype="Int64")}),
    "pandas arrow": pd.DataFrame({"id": pd.array([BIG, None, 3], dtype="int64[pyarrow]")}),
    "pandas objects": pd.DataFrame({"id": pd.Series([BIG, None, 3], dtype=object)}),
    "pandas text": pd.DataFrame({"id": [str(BIG), None, "3"]}),
    "polars": pl.DataFrame({"id": [BIG, None, 3]}),
    "polars 128": pl.DataFrame({"id": [BIG, None, 3]}, schema={"id": pl.Int128}),
    "arrow": pa.table({"id": [BIG, None, 3]}),
    "arrow decimal": pa.table({"id": pa.array([Decimal(BIG), None, 3], pa.decimal128(38, 0))}),
    "dict of polars": {"id": pl.Series([BIG, None, 3])},
    "dict of pandas": {"id": pd.Series([BIG, None, 3], dtype="Int64")},
    "dict of extension arrays": {"id": pd.array([BIG, None, 3], dtype="Int64")},
    "dict of arrow": {"id": pa.array([BIG, None, 3])},
    "dict of chunks": {"id": pa.chunked_array([[BIG, None], [3]])},
}


@pytest.mark.parametrize("kind", WITH_GAPS)
def test_large_whole_numbers_with_a_gap(kind):
    source = WITH_GAPS[kind]
    with pytest.raises(DataError, match=f"column 'id', row 0 .*: {BIG} is too large to be exact"):
        read_table(source)
    assert read_table(source, categorical=["id"]).column("id").tolist() == [str(BIG), None, "3"]


def test_large_whole_numbers_in_parquet(tmp_path):
    parquet.write_table(WITH_GAPS["arrow"], tmp_path / "a.parquet")
    with pytest.raises(DataError, match=f"column 'id', row 0 .*: {BIG} is too large to be exact"):
        read_table(tmp_path / "a.parquet")
    exact = pa.table({"id": pa.array([2**60, None])})
    np.testing.assert_array_equal(read_table(exact).numeric, [[2.0**60], [np.nan]])


@pytest.mark.parametrize(
    "source",
    [
        pd.Series([3, None], dtype="Int64"), pl.Series([3, None]), pa.chunked_array([[3, None]]),
        pa.array([3, None]),
    ],
)  # fmt: skip
def test_a_column_alone(source):
    table = read_table(source)
    assert (table.names, table.positional) == (("x0",), True)
    np.testing.assert_array_equal(table.numeric, [[3], [np.nan]])


@pytest.mark.parametrize(
    "codes",
    [
        pd.DataFrame({"c": pd.Categorical([1, 2, None])}),
        pd.DataFrame({"c": pd.Categorical([1.0, 2.0, np.nan])}),
        pd.DataFrame({"c": pd.Categorical(["1", "2", None])}),
        pd.DataFrame({"c": pd.Categorical([" 1.0", "2", "NA"])}),
        pl.DataFrame({"c": pl.Series(["1", "2.0", None], dtype=pl.Categorical)}),
        pl.DataFrame({"c": pl.Series(["1", "2", None], dtype=pl.Enum(["1", "2"]))}),
        pa.table({"c": pa.array(["1", "2", None]).dictionary_encode()}),
    ],
)
def test_a_categorical_type_is_a_declaration(codes):
    assert read_table(codes).column("c").tolist() == ["1", "2", None]
    # but the model knows better what a column is
    np.testing.assert_array_equal(read_table(codes, numeric=["c"]).numeric, [[1], [2], [np.nan]])


def test_a_target_of_a_categorical_type_keeps_its_labels():
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": pd.Categorical([7, 3])})
    assert read_labelled(frame, "y")[1].tolist() == [7, 3]
    frame = pl.DataFrame({"x": [1.0, 2.0], "y": pl.Series(["1.0", " b"], dtype=pl.Categorical)})
    assert read_labelled(frame, "y")[1].tolist() == ["1.0", "b"]


def test_gaps_and_nan_of_floats():
    frame = pl.DataFrame({"a": [1.5, None, float("nan")]})
    np.testing.assert_array_equal(read_table(frame).numeric, [[1.5], [np.nan], [np.nan]])
    single = pd.DataFrame({"a": pd.array([0.1, None], dtype="Float32")})
    assert read_table(single, categorical=["a"]).column("a").tolist() == ["0.1", None]


def test_text_of_numbers_is_read_as_in_a_file():
    frame = pd.DataFrame({"a": ["1", " 2.5", "NA"], "b": ["true", "false", "true"]})
    table = read_table(frame)
    np.testing.assert_array_equal(table.numeric, [[1, 1], [2.5, 0], [np.nan, 1]])


def test_a_label_that_means_no_value():
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": ["none", "mild"]})
    with pytest.raises(
        DataError, match=r"target column 'y', row 0 .*: no value;.*say missing=\[\]"
    ):
        read_labelled(frame, "y")
    assert read_labelled(frame, "y", missing=[])[1].tolist() == ["none", "mild"]


def test_several_targets_become_one_matrix_without_rounding():
    cells = {"x": [1.0, 2.0], "id": [BIG, 2], "y": [0.5, 1.5]}
    with pytest.raises(DataError, match=f"column 'id', row 0 .*: {BIG} is too large"):
        read_labelled(cells, ["id", "y"])


CELLS = {"age": [31, None, 77], "town": ["Ulm", None, "Bonn"], "code": ["1", "2", None]}


class Stream:
    """An object of a package that is not known here, of which a stream of Arrow tables comes."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def reader():
    batches = pa.table(CELLS).to_batches(max_chunksize=2)
    return pa.RecordBatchReader.from_batches(batches[0].schema, batches)


def relation():
    table = pa.table(CELLS)
    return optional("duckdb").from_arrow(table)


STREAMS = {
    "polars, lazy": lambda: pl.LazyFrame(CELLS).with_columns(pl.col("age") + 0),
    "polars": lambda: pl.DataFrame(CELLS),
    "record batch": lambda: pa.record_batch(CELLS),
    "reader of batches": reader,
    "foreign": lambda: Stream(pa.table(CELLS)),
    "duckdb": relation,
}


@pytest.mark.parametrize("kind", STREAMS)
def test_what_streams_arrow_tables(kind):
    table, target = read_labelled(STREAMS[kind](), "town", gaps=True)
    assert not table.positional
    assert table.names == ("age", "code")
    np.testing.assert_array_equal(table.numeric, [[31, 1], [np.nan, 2], [77, np.nan]])
    assert target.tolist() == ["Ulm", None, "Bonn"]


def test_a_stream_that_has_been_read_is_empty():
    source = reader()
    read_table(source)
    with pytest.raises(DataError, match="the data are empty: no rows"):
        read_table(source)


def test_a_stream_that_is_no_table():
    with pytest.raises(ArgumentError, match="cannot read examples from Stream; hand over a pandas"):
        read_table(Stream(pa.chunked_array([[1, 2]])))
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])
    with pytest.raises(DataError, match="the data: two columns are called 'a'"):
        read_table(Stream(twice))


def test_numbers_as_names_are_text_and_the_same_at_predict():
    frame = pd.DataFrame(np.arange(12.0).reshape(6, 2))
    frame[2] = [0, 1, 0, 1, 0, 1]
    table, target = read_labelled(frame, target_columns(frame, 2))
    assert (table.names, table.positional) == (("0", "1"), False)
    assert target.tolist() == [0, 1, 0, 1, 0, 1]
    model = train(frame, 2, epochs=1, hidden_layer_sizes=[2], seed=0).model
    assert model.target_name == "2"
    text = frame.rename(columns=str)
    expected = model.predict(text[["1", "0"]])
    np.testing.assert_array_equal(model.predict(frame[[1, 0]]), expected)
    assert model.evaluate(frame, 2) == model.evaluate(text, "2")
    assert target_columns(frame, 7) == ()


def test_one_dict_is_one_row():
    frame = pd.DataFrame({"age": [3, 5, 7, 9] * 3, "town": ["Ulm", "Bonn"] * 6, "y": [0, 1] * 6})
    model = train(frame, "y", epochs=1, hidden_layer_sizes=[2], seed=0).model
    row = {"age": 5, "town": "Bonn"}
    assert model.predict(row).tolist() == model.predict(frame[1:2][["age", "town"]]).tolist()
    assert len(read_table({"age": np.float32(3), "town": None})) == 1
    with pytest.raises(DataError, match="'age' is one value and no column: 3"):
        read_table({"age": 3, "town": ["Ulm", "Bonn"]})


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame(CELLS), pd.DataFrame(CELLS), pd.DataFrame(CELLS, dtype=object),
        pd.DataFrame(CELLS).convert_dtypes(dtype_backend="pyarrow"),
        pl.DataFrame(CELLS).with_columns(pl.col("town").cast(pl.Categorical)),
        pl.DataFrame(CELLS).with_columns(pl.col("town").cast(pl.Enum(["x", "Bonn", "Ulm"]))),
        pd.DataFrame(CELLS).astype({"town": pd.CategoricalDtype(["x", "Bonn", "Ulm"])}),
    ],
)  # fmt: skip
def test_text_is_the_same_from_every_frame(frame):
    table = read_table(frame)
    assert table.column("town").tolist() == ["Ulm", None, "Bonn"]
    np.testing.assert_array_equal(table.column("code"), [1, 2, np.nan])
    with pytest.raises(DataError, match=r"column 'town', row 0 .*'Ulm' (is not a|among)"):
        read_table(frame, numeric=["town"])


def test_categories_that_are_no_text():
    numbers = [3, 1, None, 3], [2.5, 1, 1, 2.5]
    frame = pd.DataFrame({name: pd.Categorical(n) for name, n in zip("cd", numbers, strict=True)})
    table = read_table(frame)
    assert table.column("c").tolist() == ["3", "1", None, "3"]
    assert table.column("d").tolist() == ["2.5", "1", "1", "2.5"]
    assert read_labelled(frame, "d")[1].tolist() == [2.5, 1, 1, 2.5]
