"""Only the columns that are wanted are read, whatever the others hold."""

import numpy as np
import pytest

from fastnn.data.statistics import DataNote
from fastnn.data.wanted import Only, tell_others
from fastnn.errors import DataError
from fastnn.reading.files import read_labelled, read_table
from tests.optional import optional

pd = optional("pandas")
pl = optional("polars")
pa = optional("pyarrow")
parquet = optional("pyarrow.parquet")

#: The last one is refused where it is read: numbers in two notations.
COLUMNS = {
    "a": np.array([1.0, 2.0, 3.0]),
    "y": np.array([0, 1, 0]),
    "day": np.array(["2024-01-31", "2024-02-01", "2024-02-02"]),
    "odd": np.array(["1", "2", "1,5"]),
}


def write(folder, name, columns):
    frame = pd.DataFrame(columns)
    path = folder / f"t.{name}"
    if name == "npz":
        np.savez(path, **{n: v.astype("U") if v.dtype == object else v for n, v in columns.items()})
    elif name == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if name == "tsv" else ",")
    return path


SOURCES = {
    "csv": lambda d, c: write(d, "csv", c),
    "tsv": lambda d, c: write(d, "tsv", c),
    "parquet": lambda d, c: write(d, "parquet", c),
    "npz": lambda d, c: write(d, "npz", c),
    "pandas": lambda d, c: pd.DataFrame(c).assign(day=pd.to_datetime(c["day"])),
    "polars": lambda d, c: pl.DataFrame(c),
    "arrow": lambda d, c: pa.table(c),
    "dict": lambda d, c: c,
    "dict of lists": lambda d, c: {n: v.tolist() for n, v in c.items()},
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_reader_leaves_others_unread(name, tmp_path):
    source = SOURCES[name](tmp_path, COLUMNS)
    only = Only(["a", "y"])
    table = read_table(source, only=only)
    assert (table.names, only.others) == (("a", "y"), ["day", "odd"])
    only = Only(["a", "y"])
    table, target = read_labelled(source, "y", only=only)
    assert (table.names, target.tolist(), only.others) == (("a",), [0, 1, 0], ["day", "odd"])
    with pytest.raises(DataError):
        read_table(source)
    with pytest.raises(DataError, match=r"no column 'dya'; did you mean 'day'.*odd"):
        read_table(source, only=Only(["a", "dya"]), numeric=["dya"])
    with pytest.raises(DataError, match="drop: no column 'z'"):
        read_table(source, only=Only(["a"]), drop=["z"])


def test_columns_of_a_block_are_known_by_their_own_names():
    blocks = {"x": np.eye(3), "z": np.ones((3, 2)), "rows": [[1, 2], [3, 4], [5, 6]]}
    only = Only(["x0", "x2", "rows1"])
    table = read_table(blocks, only=only)
    assert (table.names, only.others) == (("x0", "x2", "rows1"), ["x1", "z0", "z1", "rows0"])
    np.testing.assert_array_equal(table.numeric[:, 2], [2, 4, 6])
    only = Only(["x"])  # as a target is named
    assert read_labelled({**blocks, "a": np.ones(3)}, "x", only=Only(["x", "a"]))[1].shape == (3, 3)


def test_data_without_names_have_no_others():
    only = Only(["a"])
    assert read_table(np.eye(2), only=only).names == ("x0", "x1")
    assert only.others == []


def test_they_are_told_in_one_line_however_many():
    with pytest.warns(DataNote) as caught:
        tell_others([f"c{i}" for i in range(99)], ["c3"])
    (said,) = [str(one.message) for one in caught]
    assert said.startswith("columns that the model does not take are left out: c0, c1, c2, c4")
    assert said.endswith("... (98 in all); so is the target 'c3'")
    with pytest.warns(DataNote, match="left out: a; so are the targets 'l1', 'l2'$"):
        tell_others(["l1", "a", "l2"], ["l1", "l2"])
    with pytest.warns(DataNote, match="^the targets 'l1', 'l2' in the data are left out$"):
        tell_others(["l1", "l2"], ["l1", "l2"])
