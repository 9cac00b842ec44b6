"""Philox in plain integers against NumPy's, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn import reference as ref

word64 = st.integers(0, 2**64 - 1)


@given(
    counter=st.lists(word64, min_size=4, max_size=4), key=st.lists(word64, min_size=2, max_size=2)
)
def test_philox_is_numpys_bit_for_bit(counter, key):
    number = sum(word << (64 * i) for i, word in enumerate(counter)) + 1  # NumPy counts first
    following = [(number >> (64 * i)) & (2**64 - 1) for i in range(4)]
    words = np.random.Philox(key=np.array(key, np.uint64), counter=np.array(counter, np.uint64))
    assert ref.philox(following, key) == tuple(words.random_raw(4).tolist())


@given(seed=word64, words=st.lists(word64, min_size=3, max_size=3), n=st.integers(0, 40))
def test_uniform32_is_numpys_bit_for_bit(seed, words, n):
    key, counter = np.array([seed, 0], np.uint64), np.array([0, *words], np.uint64)
    numpys = np.random.Generator(np.random.Philox(key=key, counter=counter))
    assert ref.uniform32(seed, words, n) == numpys.random(n, dtype=np.float32).tolist()


def test_dropout_mask_keeps_the_mean():
    U = [ref.uniform32(1, [2, 3, 4], 4000)]
    mask = ref.dropout_mask(U, rate=0.25)[0]
    assert set(mask) == {0.0, 1 / 0.75}
    assert sum(mask) / 4000 == pytest.approx(1.0, abs=0.03)
    assert ref.dropout_mask([[0.0, 0.9]], rate=0.0) == [[1.0, 1.0]]
    assert ref.dropout_mask([[0.5]], rate=0.5) == [[2.0]]  # u = rate is kept
