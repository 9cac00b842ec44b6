"""Rows on disk are the same numbers as rows in memory; what cannot be written is said."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data import storage as module
from fastnn.data.preprocess import Features
from fastnn.data.storage import MEMORY, Growing, OnDisk
from fastnn.data.table import Table
from fastnn.errors import DataError

RNG = np.random.default_rng(3)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few rows, so that there are several."""
    monkeypatch.setattr(module, "BLOCK_BYTES", 64)


@pytest.mark.usefixtures("small_blocks")
def test_a_table_on_disk_is_that_in_memory(tmp_path: Path) -> None:
    n = 50
    columns = {
        "a": RNG.normal(size=n),
        "b": RNG.integers(0, 9, n),
        "gaps": np.where(RNG.random(n) < 0.3, np.nan, RNG.normal(size=n)),
        "town": RNG.choice(["Ulm", "Bonn"], n).astype(object),
        "x": RNG.normal(size=(n, 3)),
    }
    one, two = (Table.from_columns(columns, storage=s) for s in (MEMORY, OnDisk(str(tmp_path))))
    index = RNG.permutation(n)[:20]
    for how in (
        lambda t: t,
        lambda t: t.rows(index),
        lambda t: t.rows(np.arange(n) % 3 == 0),
        lambda t: t.drop(["b", "x1"]),
    ):
        a, b = how(one), how(two)
        assert isinstance(b.numeric, np.memmap)
        assert b.numeric.flags.c_contiguous
        np.testing.assert_array_equal(b.numeric, a.numeric)
        assert (a.names, a.numeric_names) == (b.names, b.numeric_names)
        f, g = (Features.fit(t, categorical=["b"] if "b" in t.names else []) for t in (a, b))
        np.testing.assert_array_equal(f.mean, g.mean)
        np.testing.assert_array_equal(f.scale, g.scale)
        made = g.transform(b)
        assert isinstance(made, np.memmap)
        np.testing.assert_array_equal(made, f.transform(a))
    assert not list(tmp_path.iterdir()), "its files have no names"


@pytest.mark.usefixtures("small_blocks")
@given(
    st.lists(
        st.tuples(st.sampled_from(["int8", "int64", "float32", "float64", "bool"]),
                  st.lists(st.integers(0, 100), max_size=30)),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_a_column_that_grows_becomes_the_type_that_holds_all(batches) -> None:
    parts = [np.array(values, dtype) for dtype, values in batches]
    column = Growing(OnDisk())
    for part in parts:
        column.append(part)
    together = np.concatenate(parts)
    assert len(column) == len(together)
    found = column.values()
    assert found.dtype == together.dtype
    np.testing.assert_array_equal(found, together)


def test_the_first_infinite_number_of_a_later_block_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 64)
    values = np.zeros((40, 2))
    values[33, 1] = np.inf
    with pytest.raises(DataError, match=r"column 'x1', row 33 \(counted from 0\): inf is not"):
        Table.from_columns({"x": values})


def test_a_folder_that_is_not_there_and_a_full_disk_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match=r"folder '.*none': the data cannot be written there"):
        OnDisk(str(tmp_path / "none")).zeros((3,), "float64")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match=r"needing 0.8 GB \(No space left on device\); choose"):
        OnDisk(str(tmp_path)).zeros((10**8,), "float64")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is Linux's")
def test_a_disk_that_fills_up_while_a_column_grows_is_said() -> None:
    class Full(OnDisk):
        def open(self):
            return open("/dev/full", "wb")

    with pytest.raises(DataError, match=r"folder 'here': the data cannot be .*No space left"):
        Growing(Full("here")).append(np.zeros(10**6))


def test_nothing_is_a_table_of_no_numbers() -> None:
    assert OnDisk().zeros((0, 3), "float32").shape == (0, 3)
    assert len(Growing(OnDisk()).values()) == 0
