"""Tables on disk: the same as in memory, noticed in time, kept whole or not at all."""

import gzip
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.data.statistics import DataWarning
from fastnn.data.storage import MEMORY, OnDisk
from fastnn.errors import ArgumentError, DataError
from fastnn.preparation.examples import read_source
from fastnn.reading import batched, csv_text, file_types, larger
from fastnn.reading.files import read_labelled, read_table
from fastnn.reading.find_files import find_files
from tests.optional import optional

pa = optional("pyarrow")
parquet = optional("pyarrow.parquet")

N = 300
RNG = np.random.default_rng(8)
COLUMNS: dict[str, Any] = {
    "x": RNG.normal(size=N),
    "gaps": [None if i % 7 == 0 else float(i) / 3 for i in range(N)],
    "whole": list(range(N)),
    "late": [str(i) if i < 250 else f"word {i % 5}" for i in range(N)],
    "town": [["Ulm", "Bonn", None, "Köln"][i % 4] for i in range(N)],
    "day": [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(N)],
    "text numbers": [f"{i}.50" for i in range(N)],
    "y": ["no", "yes", "no"] * (N // 3),
}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches of each file."""
    monkeypatch.setattr(file_types, "BATCH_ROWS", 40)
    monkeypatch.setattr(csv_text, "_BATCH_BYTES", 2000)


def table() -> Any:
    return pa.table(COLUMNS)


def csv_file(folder: Path) -> Path:
    path = folder / "a.csv"
    path.write_text(table().to_pandas().to_csv(index=False), "utf-8")
    return path


def parquet_file(folder: Path) -> Path:
    path = folder / "a.parquet"
    parquet.write_table(table(), path, row_group_size=70)
    return path


def arrow_file(folder: Path) -> Path:
    path = folder / "a.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table().schema) as writer:
        for batch in table().to_batches(30):
            writer.write_batch(batch)
    return path


def packed_file(folder: Path) -> Path:
    path = folder / "a.csv.gz"
    path.write_bytes(gzip.compress(csv_file(folder).read_bytes()))
    return path


def encoded_file(folder: Path) -> Path:
    path = csv_file(folder)
    path.write_text(path.read_text("utf-8"), "utf-16")
    return path


FILES = {
    "csv": csv_file, "packed": packed_file, "encoded": encoded_file, "parquet": parquet_file,
    "arrow": arrow_file,
}  # fmt: skip


def quiet(work: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return work()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_that_is_read_in_batches_is_the_same(kind: str, tmp_path: Path) -> None:
    path = FILES[kind](tmp_path)
    how: dict[str, Any] = {"categorical": ["whole"], "drop": ["x"]}
    one, y = quiet(lambda: read_labelled(path, "y", **how))
    two, z = quiet(lambda: read_labelled(path, "y", storage=OnDisk(), **how))
    assert isinstance(two.numeric, np.memmap)
    assert one.names == two.names
    np.testing.assert_array_equal(two.numeric, one.numeric)
    assert (one.numeric_names, list(one.categorical)) == (two.numeric_names, list(two.categorical))
    for name, texts in one.categorical.items():
        assert list(texts) == list(two.categorical[name]), name
    assert {n: (d.form, d.of_day) for n, d in one.dates.items()} == {
        n: (d.form, d.of_day) for n, d in two.dates.items()
    }
    np.testing.assert_array_equal(y, z)


@pytest.mark.parametrize("kind", FILES)
def test_a_model_of_a_table_on_disk_is_the_same_bit_for_bit(kind: str, tmp_path: Path) -> None:
    path = FILES[kind](tmp_path)
    (tmp_path / "cache").mkdir()
    how: dict[str, Any] = {"hidden_layer_sizes": [4], "epochs": 2, "drop": ["late"]}
    source = parquet_file(tmp_path) if kind == "arrow" else path
    one = quiet(lambda: train(source, "y", **how)).model
    for _ in range(2):  # the second from what was kept
        two = quiet(lambda: train(path, "y", cache=str(tmp_path / "cache"), **how)).model
        np.testing.assert_array_equal(two.parameters.theta, one.parameters.theta)
        assert two.features.to_state()[0] == one.features.to_state()[0]
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.name.startswith("fastnn-")


def test_what_was_kept_is_read_and_not_the_source(tmp_path: Path, monkeypatch) -> None:
    path, cache = csv_file(tmp_path), tmp_path / "cache"
    cache.mkdir()
    how: dict[str, Any] = {"hidden_layer_sizes": [], "epochs": 1, "drop": ["late"]}
    quiet(lambda: train(path, "y", cache=str(cache), **how))
    monkeypatch.setattr(larger, "_save", None)  # nothing may be written again
    quiet(lambda: train(path, "y", cache=str(cache), seed=4, l2=0.1, **how))
    for change in (
        lambda: os.utime(path, (1, 1)),  # another time
        lambda: path.write_text(path.read_text("utf-8") + path.read_text("utf-8")[-60:], "utf-8"),
    ):
        change()
        with pytest.raises((TypeError, DataError)):
            quiet(lambda: train(path, "y", cache=str(cache), **how))
    with pytest.raises(TypeError):  # other options
        quiet(lambda: train(path, "y", cache=str(cache), **{**how, "drop": ["late", "x"]}))


def test_a_damaged_cache_is_read_anew(tmp_path: Path) -> None:
    path, cache = csv_file(tmp_path), tmp_path / "cache"
    cache.mkdir()
    how: dict[str, Any] = {"hidden_layer_sizes": [], "epochs": 1, "drop": ["late"]}
    one = quiet(lambda: train(path, "y", cache=str(cache), **how)).model
    (kept,) = cache.iterdir()
    for damage in (
        lambda: (kept / "numeric.npy").write_bytes(b"\x93NUMPY"),
        lambda: (kept / "table.json").write_text("{"),
        lambda: (kept / "table.json").write_text(
            json.dumps({**json.loads((kept / "table.json").read_text()), "key": "of another file"})
        ),
        lambda: (kept / "codes0.npy").unlink(),
    ):
        damage()
        two = quiet(lambda: train(path, "y", cache=str(cache), **how)).model
        np.testing.assert_array_equal(two.parameters.theta, one.parameters.theta)


def test_nothing_unfinished_is_left_behind(tmp_path: Path, monkeypatch) -> None:
    path, cache = csv_file(tmp_path), tmp_path / "cache"
    cache.mkdir()

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(larger.np.lib.format, "write_array_header_1_0", fails)
    with pytest.raises(DataError, match=r"folder '.*cache': .*No space left on device"):
        quiet(lambda: train(path, "y", cache=str(cache), epochs=1, drop=["late"]))
    assert not list(cache.iterdir())


def test_parts_from_memory_are_not_kept(tmp_path: Path) -> None:
    path, cache = csv_file(tmp_path), tmp_path / "cache"
    cache.mkdir()
    part = table().slice(0, 40)
    how: dict[str, Any] = {"hidden_layer_sizes": [], "epochs": 1, "drop": ["late"]}
    quiet(lambda: train(path, "y", cache=str(cache), validation=part, test=part, **how))
    assert len(list(cache.iterdir())) == 1


def test_a_cache_that_is_no_folder(tmp_path: Path) -> None:
    path = csv_file(tmp_path)
    with pytest.raises(ArgumentError, match=r"cache: there is no folder .*none'; create it first"):
        train(path, "y", cache=str(tmp_path / "none" / "new"))
    for cache in (str(path), ""):
        with pytest.raises(ArgumentError, match=r"cache: '.*' is no folder; name another"):
            train(path, "y", cache=cache)
    with pytest.raises(ArgumentError, match="cache has no effect: only tables that are read from"):
        train(np.eye(4), [0, 1, 0, 1], cache=str(tmp_path))
    with pytest.raises(ArgumentError, match="cache has no effect: data set 'digits' is no text"):
        train("digits", cache=str(tmp_path))


def test_a_file_that_was_changed_with_its_old_time_and_size_is_read_again(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.csv", tmp_path / "made"
    found = []
    for x in (1, 1, 2):
        path.write_text(f"x,y\n{x},3.5\n{x},7\n", "utf-8")
        os.utime(path, (5, 5))
        found.append(quiet(lambda: read_source(path, "y", cache=str(cache)).examples.table.numeric))
    assert [values.tolist() for values in found] == [[[1], [1]], [[1], [1]], [[2], [2]]]


def test_what_is_told_of_the_data_is_told_from_the_cache_too(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.csv", tmp_path / "made"
    rows = "".join(f"{i},${i},{i}.5\n" for i in range(9))
    path.write_text(f"# by hand\n,cost,y\n{rows}1,2,3,4\n", "utf-8")

    def spell(name: str, value: str | None) -> str:
        return f"--{name}={value}"

    found = []
    for how in ({}, {"cache": str(cache)}, {"cache": str(cache)}):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            read_source(path, "y", bad_rows="skip", **how)
        messages = [one.message for one in told]
        assert all(isinstance(message, DataWarning) for message in messages)
        found.append({(type(one), one.said(spell)) for one in messages})  # type: ignore[union-attr]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 4
    assert any("--bad_rows='error' refuses them" in said for _, said in found[0])


def test_what_was_kept_of_an_earlier_state_of_a_file_is_removed(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.csv", tmp_path / "made"
    kept = []
    for k in range(3):
        path.write_text(f"x,z,y\n{k},1,3.5\n{k},2,7\n", "utf-8")
        for drop in ([], ["z"]):
            quiet(lambda d=drop: read_source(path, "y", cache=str(cache), drop=d))
            kept.append(len(list(cache.iterdir())))
    assert kept == [1, 2, 2, 2, 2, 2]


def test_damaged_codes_are_read_again(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.csv", tmp_path / "made"
    path.write_text("x,t,y\n1,Ulm,3.5\n2,Bonn,7\n", "utf-8")
    tables = []
    for _ in range(2):
        table = quiet(lambda: read_source(path, "y", cache=str(cache)).examples.table)
        tables.append(list(table.categorical["t"]))
        codes = next(cache.glob("*/codes0.npy"))
        codes.write_bytes(codes.read_bytes()[:-1] + b"\x7f")
    assert tables == [["Ulm", "Bonn"]] * 2


@pytest.mark.parametrize("kind", ["reader", "duckdb"])
def test_a_stream_is_read_in_batches_onto_the_disk(kind: str) -> None:
    rows, query = table(), "select * from rows"
    stream = optional("duckdb").sql(query) if kind == "duckdb" else rows.to_reader(40)
    memory, disk = (
        quiet(lambda s=source: read_source(s, "y", drop=["late"])).examples.table
        for source in (rows, stream)
    )
    assert isinstance(disk.storage, OnDisk)
    assert isinstance(disk.numeric, np.memmap)
    assert memory.storage is MEMORY
    np.testing.assert_array_equal(memory.numeric, disk.numeric)


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path, monkeypatch) -> None:
    path = csv_file(tmp_path)

    def batches(*args: Any) -> Any:
        os.utime(path, (5, 5))
        return csv_text.csv_batches(*args)

    monkeypatch.setattr(batched, "csv_batches", batches)
    with pytest.raises(DataError, match=r"'.*a.csv' has changed while it was read"):
        quiet(lambda: read_table(path, storage=OnDisk()))


def test_several_files_are_one_table(tmp_path: Path) -> None:
    whole, halves = csv_file(tmp_path), [tmp_path / "1.csv", tmp_path / "2.csv"]
    header, *lines = whole.read_text("utf-8").splitlines()
    for half, part in zip(halves, (lines[:260], lines[260:]), strict=True):
        half.write_text("\n".join([header, *part]) + "\n", "utf-8")
    one, y = quiet(lambda: read_labelled(whole, "y"))
    two, z = quiet(lambda: read_labelled(halves, "y", storage=OnDisk()))
    np.testing.assert_array_equal(two.numeric, one.numeric)
    for name, texts in one.categorical.items():
        assert list(texts) == list(two.categorical[name]), name
    np.testing.assert_array_equal(y, z)
    halves[1].write_text(halves[1].read_text("utf-8").replace("town", "place", 1), "utf-8")
    with pytest.raises(DataError, match=r"2.csv' has not the columns of '.*1.csv': it lacks town"):
        quiet(lambda: read_table(halves, storage=OnDisk()))


def test_a_table_larger_than_memory_goes_to_the_disk_by_itself(tmp_path: Path, monkeypatch) -> None:
    path = parquet_file(tmp_path)
    assert larger.storage_for(find_files(path)) is MEMORY
    monkeypatch.setattr(
        larger, "free_memory", lambda: 4 * batched.size_in_memory(find_files(path)) - 1
    )
    with pytest.warns(DataWarning, match=r"the table takes about .* GB of memory are free: it is"):
        assert isinstance(larger.storage_for(find_files(path)), OnDisk)
    monkeypatch.setattr(larger, "free_memory", lambda: 4 * batched.size_in_memory(find_files(path)))
    assert larger.storage_for(find_files(path)) is MEMORY


def test_a_memory_mapped_array_is_used_as_it_is(tmp_path: Path) -> None:
    X = RNG.normal(size=(60, 3)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    mapped, y = np.load(tmp_path / "X.npy", mmap_mode="r"), np.arange(60) % 2
    found = read_table(mapped, storage=larger.storage_for(mapped))
    assert np.shares_memory(found.numeric, mapped)
    one, two = (train(data, y, epochs=2).model.parameters.theta for data in (X, mapped))
    np.testing.assert_array_equal(one, two)


def test_errors_name_the_line_in_a_later_batch(tmp_path: Path) -> None:
    path = csv_file(tmp_path)
    lines = path.read_text("utf-8").splitlines()
    lines[200] = "1,2,3"
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(DataError, match="line 201: 3 cells where the header has 8 columns"):
        read_table(path, storage=OnDisk())
    with pytest.raises(DataError, match=r"column 'late', line 252 of .*: 'word 0' is not a number"):
        read_table(csv_file(tmp_path), storage=OnDisk(), numeric=["late"])


def test_a_damaged_file_is_named_when_it_is_read(tmp_path: Path) -> None:
    path = parquet_file(tmp_path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"file '.*a.parquet' is not a readable Parquet file"):
        train(path, "y")
