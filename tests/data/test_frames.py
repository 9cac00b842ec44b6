"""Columns of data frames: exact with gaps, of their own kind, alone or in a dict."""

from decimal import Decimal

import numpy as np
import pytest

from fastnn.data.files import read_labelled, read_table
from fastnn.errors import DataError
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
