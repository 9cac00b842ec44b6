"""N26, N27: sizes, order and cuts of the mini-batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data.batches import batch_size_for, epoch_order
from fastnn.errors import ArgumentError


@pytest.mark.parametrize(
    ("n_examples", "batch_size", "found"),
    [
        (1, "auto", 1),
        (2000, "auto", 2000),
        (2001, "auto", 64),
        (32_000, "auto", 64),
        (32_001, "auto", 128),
        (196_000, "auto", 512),
        (10**7, "auto", 1024),
        (10**7, "full", 10**7),
        (100, 32, 32),
        (100, np.int64(32), 32),
        (100, 1000, 100),
    ],
)
def test_batch_size(n_examples, batch_size, found):
    assert batch_size_for(n_examples, batch_size) == found


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, True, None])
def test_sizes_that_cannot_be(batch_size):
    with pytest.raises(ArgumentError, match="batch_size must be a whole number from 1"):
        batch_size_for(10, batch_size)


def test_refused():
    with pytest.raises(ArgumentError, match="found 'ful'; did you mean 'full'"):
        batch_size_for(10, "ful")
    with pytest.raises(ArgumentError, match="n_examples must be"):
        batch_size_for(0)
    with pytest.raises(ArgumentError, match="epoch must be a whole number from 0, found -1"):
        epoch_order(10, 0, -1)


@given(st.integers(1, 300), st.integers(0, 2**64 - 1), st.integers(0, 10**6))
def test_every_example_once_per_epoch(n_examples, seed, epoch):
    order = epoch_order(n_examples, seed, epoch)
    assert order.dtype == np.int64
    assert np.sort(order).tolist() == list(range(n_examples))
    np.testing.assert_array_equal(order, epoch_order(n_examples, seed, epoch))


def test_epochs_and_seeds_differ():
    orders = {tuple(epoch_order(20, seed, epoch)) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25
