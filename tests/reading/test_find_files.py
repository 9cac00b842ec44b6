"""Several files, folders and patterns: one table, or what does not belong is named."""

import os
import re

import numpy as np
import pytest

from fastnn.data.statistics import DataNote
from fastnn.data.storage import MEMORY, OnDisk
from fastnn.errors import DataError
from fastnn.reading import files as files_module
from fastnn.reading.files import read_labelled, read_table
from fastnn.reading.find_files import are_files, find_files
from tests.optional import optional

pa = optional("pyarrow")
parquet = optional("pyarrow.parquet")


@pytest.fixture
def folder(tmp_path):
    """Three files of a table of five rows; the second has the columns in another order."""
    made = tmp_path / "sales"
    made.mkdir()
    (made / "a.csv").write_text("x,town,y\n1,Ulm,no\n2,,yes\n")
    (made / "b.csv").write_text("town,y,x\nBonn,no,3\n")
    (made / "c.csv").write_text("x,town,y\n4.5,Ulm,no\n5,Ulm,yes\n")
    return made


def test_a_folder_a_pattern_and_a_list_are_one_table(folder):
    paths = sorted(folder.iterdir())
    for source in (folder, str(folder), f"{folder}/*.csv", paths, [str(path) for path in paths]):
        table, target = read_labelled(source, "y")
        assert table.names == ("x", "town")
        assert table.column("x").tolist() == [1, 2, 3, 4.5, 5]
        assert table.column("town").tolist() == ["Ulm", None, "Bonn", "Ulm", "Ulm"]
        assert target.tolist() == ["no", "yes", "no", "no", "yes"]
        assert not table.positional
    assert read_table([paths[2], folder / "a.csv"]).column("x").tolist() == [4.5, 5, 1, 2]
    (folder / ".hidden").write_text("")
    (folder / "_SUCCESS").write_text("")
    assert len(read_table(folder, drop=["y"])) == 5


def test_a_cell_is_told_with_its_file_and_line(folder):
    (folder / "c.csv").write_text("x,town,y\n4.5,Ulm,no\ninf,Ulm,yes\n")
    with pytest.raises(DataError, match=r"column 'x', line 3 of '.*c.csv': inf is not a finite"):
        read_table(folder)


#: Columns of three files, each of which alone may be something else than all of them.
PARTS = {
    "codes": [["1.0", "2"], ["A7", "B 8", "C"], ["", "D"]],
    "labels that are codes": [["1", "2"], ["x", "y", "z"], ["w", "1.0"]],
    "numbers": [["1", "2"], ["", ""], ["NA", "2.5"]],
    "truth and numbers": [["true", "false"], ["1", "0"], ["", "true"]],
    "a typing error": [["1", "2"] * 40, ["3", "4"], ["3O"]],
    "dates": [["2024-01-31", "2024-02-01"], ["", ""], ["2023-12-24"]],
    "dates and text": [["2024-01-31", "2024-02-01"], ["some day"], ["later", "soon"]],
    "dates, written otherwise": [["2024-01-31"], ["31.12.2023"], ["24.12.2023"]],
    "nothing": [["", ""], ["NA"], ["?"]],
    "text and nothing": [["", ""], ["Ulm", "Bonn"], ["", ""]],
}


@pytest.mark.parametrize(
    ("kind", "target"),
    # a file of nothing but dates is refused as a target by itself
    [
        (kind, target)
        for kind in PARTS
        for target in (False, True)
        if not (target and "dates" in kind)
    ],
)
def test_several_files_are_judged_as_one(kind, target, tmp_path):
    def outcome(source):
        try:
            if target:
                return read_labelled(source, "c", gaps=True)[1].tolist()
            values = read_table(source).column("c")
            return repr(values.tolist())
        except DataError as error:
            return re.sub(r"line \d+ of '.*?'", "a line", str(error))

    parts = PARTS[kind]
    (tmp_path / "several").mkdir()
    for k, part in enumerate(parts):
        lines = "".join(f'"{cell}",0\n' for cell in part)
        (tmp_path / "several" / f"{k}.csv").write_text(f"c,x\n{lines}")
    lines = "".join(f'"{cell}",0\n' for part in parts for cell in part)
    (tmp_path / "one.csv").write_text(f"c,x\n{lines}")
    assert str(outcome(tmp_path / "several")) == str(outcome(tmp_path / "one.csv"))


def test_typed_columns_of_several_files_are_judged_as_one(tmp_path):
    days = pa.array([0, 1], pa.date32())
    for k, (code, day) in enumerate([([1, 2], days), (["A", "B"], pa.nulls(2, pa.date32()))]):
        parquet.write_table(pa.table({"code": code, "day": day}), tmp_path / f"{k}.parquet")
    table = read_table(tmp_path)
    assert table.column("code").tolist() == ["1", "2", "A", "B"]
    assert list(table.dates) == ["day"]
    np.testing.assert_array_equal(table.column("day"), [0, 86400, np.nan, np.nan])


def test_types_without_text_are_joined_too(tmp_path):
    for k in range(3):
        table = pa.table({"x": pa.array([k, None], pa.int64()), "t": ["a", f"b{k}"]})
        parquet.write_table(table, tmp_path / f"{k}.parquet")
        np.savez(tmp_path / f"{k}.npz", x=np.full((2, 3), k), y=[k, k])
    table = read_table(f"{tmp_path}/*.parquet")
    np.testing.assert_array_equal(table.column("x"), [0, np.nan, 1, np.nan, 2, np.nan])
    assert table.column("t").tolist() == ["a", "b0", "a", "b1", "a", "b2"]
    with pytest.raises(DataError, match=r"column 't', row 0 .* of '.*0.parquet': 'a' is not a num"):
        read_table(f"{tmp_path}/*.parquet", numeric=["t"])
    assert read_table(f"{tmp_path}/*.npz").numeric[:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    np.savez(tmp_path / "2.npz", x=np.zeros((2, 4)), y=[0, 0])
    with pytest.raises(DataError, match=r"array 'x' has 4 columns in '.*2.npz' and 3 in '.*0.npz'"):
        read_table(f"{tmp_path}/*.npz")


def test_whole_numbers_are_never_rounded(tmp_path):
    (tmp_path / "a.csv").write_text(f"id\n{2**53 + 1}\n")
    (tmp_path / "b.csv").write_text("id\n0.5\n")
    with pytest.raises(DataError, match=rf"column 'id', line 2 of '.*a.csv': {2**53 + 1} is too"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("x,town\n1,Ulm\n", "it lacks y; files of one table have the same columns"),
        ("x,town,y,z\n1,Ulm,no,2\n", "it has z besides;"),
        ("x,city,y\n1,Ulm,no\n", "it lacks town, and it has city besides;"),
    ],
)
def test_other_columns(folder, other, message):
    (folder / "b.csv").write_text(other)
    expected = rf"file '.*b\.csv' has not the columns of '.*a\.csv': {message}"
    with pytest.raises(DataError, match=expected):
        read_table(folder)


@pytest.mark.parametrize(
    ("add", "message"),
    [
        ("notes.md", r"file '.*notes.md' is not of the type of the others \(3 of .csv\); take it "
         r"away, or name the others by a pattern, such as '.*sales/\*.csv'"),
        ("z.parquet", r"file '.*z.parquet' is not of the type of the others \(3 of .csv\)"),
        ("more/", r"folder '.*sales' holds the folder 'more' beside files; name the files by"),
    ],
)  # fmt: skip
def test_what_does_not_belong(folder, add, message):
    if add.endswith("/"):
        (folder / add).mkdir()
    else:
        (folder / add).write_bytes(b"PAR1")
    with pytest.raises(DataError, match=message):
        read_table(folder)
    assert len(read_table(f"{folder}/*.csv")) == 5


def test_what_is_not_there(folder):
    with pytest.raises(DataError, match=r"no file matches '.*sales/\*.parquet'; check the pattern"):
        read_table(f"{folder}/*.parquet")
    with pytest.raises(DataError, match=r"file '.*none.csv' does not exist"):
        read_table([folder / "a.csv", folder / "none.csv"])
    (folder / "notes.md").write_text("")
    with pytest.raises(DataError, match=r"file '.*notes.md': unknown type"):
        read_table(folder / "notes.md")


def test_a_name_with_signs_of_a_pattern_is_a_name(tmp_path):
    path = tmp_path / "a[1].csv"
    path.write_text("x\n1\n")
    assert len(read_table(path)) == 1


def test_texts_that_are_no_files_are_cells():
    assert not are_files(["Ulm", "Bonn"])
    assert not are_files([])
    assert read_table(["Ulm", "Bonn"]).column("x0").tolist() == ["Ulm", "Bonn"]


def test_a_file_that_changes_while_it_is_read(folder, monkeypatch):
    read_csv = files_module.read_csv

    def read(path, **options):
        found = read_csv(path, **options)
        if path.name == "b.csv":
            with path.open("a") as file:
                file.write("Ulm,yes,9\n")
        return found

    monkeypatch.setattr(files_module, "read_csv", read)
    with pytest.raises(DataError, match=r"file '.*b\.csv' has changed while it was read; read it"):
        read_table(folder)


def test_batches_of_several_files(tmp_path):
    parquet.write_table(pa.table({"x": [1, 2], "t": ["a", "b"]}), tmp_path / "a.parquet")
    parquet.write_table(pa.table({"t": ["c"], "x": [3]}), tmp_path / "b.parquet")
    found = find_files(tmp_path)
    assert found.size == sum(os.path.getsize(path) for path in found.paths)
    names, batches = found.batches()
    assert names == ["x", "t"]
    assert pa.concat_tables(batches).to_pydict() == {"x": [1, 2, 3], "t": ["a", "b", "c"]}
    parquet.write_table(pa.table({"x": [3]}), tmp_path / "b.parquet")
    _, batches = find_files(tmp_path).batches()
    with pytest.raises(DataError, match=re.escape("b.parquet' has not the columns of '")):
        list(batches)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "a.npy").write_bytes(b"")
    assert find_files(tmp_path / "c").batches() is None


@pytest.mark.parametrize("storage", [MEMORY, OnDisk()])
def test_what_holds_of_several_files_is_told_once(tmp_path, storage):
    for k in range(3):
        (tmp_path / f"p{k}.csv").write_text(f",x,y{',' * (k == 1)}\n0,1,2{',' * (k == 1)}\n")
    with pytest.warns(DataNote) as told:
        table = read_table(tmp_path, storage=storage)
    assert table.numeric.tolist() == [[1, 2]] * 3
    first, second = (str(one.message) for one in told)
    assert first == (
        f"file '{tmp_path / 'p0.csv'}' and 2 more: the first column has no name, and another value "
        "in each row, as an index has; it is left out"
    )
    assert second.startswith(f"file '{tmp_path / 'p1.csv'}': the last column has neither")


@pytest.mark.parametrize("storage", [MEMORY, OnDisk()])
def test_values_in_the_names_of_folders_are_told(tmp_path, storage):
    for year in (2023, 2024):
        folder = tmp_path / "kind=a" / f"year={year}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text("x,y\n1,2\n")
    with pytest.warns(
        DataNote, match="^folder 'year=2023': what the names .* 'year' is no"
    ) as told:
        table = read_table(tmp_path / "**" / "*.csv", storage=storage)
    assert len(told) == 1
    assert table.names == ("x", "y")
