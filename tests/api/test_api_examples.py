"""Held-out rows: none lost, none twice, every class in both parts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastnn.api.sequential.examples import hold_out
from fastnn.data.table import Table
from fastnn.preparation.examples import Examples


def rows_of(part: Examples) -> list[float]:
    return part.table.numeric[:, 0].tolist()


@given(
    counts=st.lists(st.integers(2, 12), min_size=2, max_size=4),
    share=st.floats(0.1, 0.6),
    seed=st.integers(0, 5),
)
def test_the_share_is_held_out_of_every_class_whatever_the_order(counts, share, seed):
    Y = np.repeat(np.arange(len(counts)), counts)[:, None]  # sorted: the last rows are one class
    table = Table.from_columns({"row": np.arange(len(Y), dtype=float)})
    weights = np.arange(1.0, len(Y) + 1)[:, None]
    rest, held = hold_out(Examples(table, Y, weights), "multiclass", share, seed)
    assert sorted(rows_of(rest) + rows_of(held)) == list(range(len(Y)))
    for part in (rest, held):
        assert set(part.target[:, 0]) == set(range(len(counts)))
        np.testing.assert_array_equal(part.target[:, 0], Y[np.array(rows_of(part), int), 0])
        np.testing.assert_array_equal(part.weights[:, 0], np.array(rows_of(part)) + 1)


def test_values_are_shuffled_not_cut_off():
    table = Table.from_columns({"row": np.arange(100.0)})
    part = Examples(table, np.arange(100.0)[:, None])
    _, held = hold_out(part, "regression", 0.2, seed=0)
    _, again = hold_out(part, "regression", 0.2, seed=0)
    assert len(held) == 20
    assert min(rows_of(held)) < 50
    assert rows_of(held) == rows_of(again)
