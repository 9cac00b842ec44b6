"""Columns of text files that are kept: spelt as they are, with the numbers that they write."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data.cells import Reading
from fastnn.data.storage import MEMORY, OnDisk
from fastnn.data.texts import Texts
from fastnn.reading.files import read_columns
from fastnn.reading.spelt import Spelt, as_spelt


def column(cells):
    found = np.empty(len(cells), object)
    found[:] = cells
    return found


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1000000000002758", "-7", "0"], [1000000000002758, -7, 0]),
        (["1", None, "1"], [1, None, 1]),
        (["1", "2.50", "1e3"], [1.0, 2.5, 1000.0]),
        (["true", "False", None], [True, False, None]),
        ([str(2**63 - 1)], [2**63 - 1]),
    ],
)
def test_numbers_have_their_spelling_and_their_values(cells, numbers):
    found = as_spelt(column(cells), Reading())
    assert isinstance(found, Spelt)
    assert (found.tolist(), list(found), len(found)) == (cells, cells, len(cells))
    assert found.numbers().tolist() == numbers
    assert list(map(type, found.numbers().tolist())) == list(map(type, numbers))
    assert (found[1:].tolist(), found[1:].numbers().tolist()) == (cells[1:], numbers[1:])


@pytest.mark.parametrize(
    "cells",
    [["02134", "10115"], ["+1", "2"], ["1", "x"], [str(2**63), "1"], ["inf", "1.5"], [None, None],
     ["true", "1"], ["1_0"], ["2024-01-31"], ["1,5"]],
)  # fmt: skip
def test_codes_and_other_text_are_text(cells):
    assert as_spelt(column(cells), Reading()).tolist() == cells
    assert isinstance(as_spelt(column(cells), Reading()), np.ndarray)


def test_the_notation_of_the_file_is_that_of_its_numbers():
    dots = Reading(decimal=",", thousands=".")
    found = as_spelt(column(["1.234,5", "7"]), dots)
    assert (found.tolist(), found.numbers().tolist()) == (["1.234,5", "7"], [1234.5, 7])


@pytest.mark.parametrize("storage", [MEMORY, OnDisk()])
def test_only_files_of_text_have_them(tmp_path, storage):
    path = tmp_path / "a.csv"
    path.write_text("id,zip,x\n" + "12,02134,0.50\n,10115,2\n" * 3)
    found = read_columns(path, ["id", "zip", "x"], storage)
    assert found["id"].numbers().tolist() == [12, None] * 3
    assert found["zip"].tolist() == ["02134", "10115"] * 3
    assert isinstance(found["zip"], np.ndarray if storage is MEMORY else Texts)
    assert (found["x"].tolist(), found["x"].numbers().tolist()) == (["0.50", "2"] * 3, [0.5, 2] * 3)
    same = read_columns({"id": ["12", "13"]}, ["id"], storage)["id"]
    assert not isinstance(same, Spelt), "text was somebody's choice"


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
)
def test_what_is_written_is_what_is_read(numbers):
    found = as_spelt(column([str(number) for number in numbers]), Reading())
    if isinstance(found, Spelt):
        wanted = numbers if all(isinstance(n, int) for n in numbers) else [*map(float, numbers)]
        assert found.numbers().tolist() == wanted
    else:
        assert not numbers
