"""The random stream against a plain Python Philox, and what being counter-based means."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn import reference
from fastnn.backend.random import PURPOSES, UniformStream, check_seed, generator
from fastnn.errors import ArgumentError

SEEDS = st.integers(0, 2**64 - 1)


def uniforms(seed: int, layer: int, step: int, n: int) -> np.ndarray:
    out = np.empty(n, np.float32)
    UniformStream(seed, layer).fill(out, step)
    return out


@given(SEEDS, st.integers(1, 60), st.integers(0, 2**40), st.integers(1, 40))
def test_uniforms_are_those_of_the_loop_twin(seed, layer, step, n) -> None:
    expected = reference.uniform32(seed, [step, layer, PURPOSES["dropout"]], n)
    assert uniforms(seed, layer, step, n).tolist() == expected


@given(SEEDS, st.sampled_from(sorted(PURPOSES)), st.integers(0, 9), st.integers(0, 9))
def test_a_generator_stands_at_its_counter(seed, purpose, index, layer) -> None:
    words = generator(seed, purpose, index, layer).bit_generator.random_raw(5)
    blocks = [
        reference.philox([1 + i, index, layer, PURPOSES[purpose]], [seed, 0]) for i in range(2)
    ]
    assert words.tolist() == [*blocks[0], blocks[1][0]]


def test_a_stream_remembers_nothing() -> None:
    stream, a, b = UniformStream(5, 2), np.empty(13, np.float32), np.empty(13, np.float32)
    stream.fill(a, 3)
    stream.fill(b, 4)
    stream.fill(b, 3)
    assert a.tolist() == b.tolist()
    assert uniforms(5, 2, 3, 7).tolist() == a[:7].tolist(), "a shorter batch has the same start"


def test_an_array_is_filled_in_its_own_shape() -> None:
    out = np.empty((3, 5), np.float32)
    UniformStream(1, 1).fill(out, 0)
    assert out.ravel().tolist() == uniforms(1, 1, 0, 15).tolist()


@given(SEEDS, st.integers(1, 9), st.integers(1, 40), st.integers(0, 40), st.integers(0, 40))
def test_columns_are_those_of_the_whole(seed, n, k, before, after) -> None:
    of, stream = before + k + after, UniformStream(seed, 3)
    part, whole = np.empty((n, k), np.float32), np.empty((n, of), np.float32)
    stream.fill_columns(part, 5, before, of)
    stream.fill(whole, 5)
    np.testing.assert_array_equal(part, whole[:, before : before + k])


def test_every_word_of_the_counter_makes_another_stream() -> None:
    streams = [
        (seed, purpose, index, layer)
        for seed in (0, 1)
        for purpose in PURPOSES
        for index in (0, 1)
        for layer in (0, 1)
    ]
    first = {tuple(generator(*s).bit_generator.random_raw(4).tolist()) for s in streams}
    assert len(first) == len(streams)


def test_uniforms_fill_the_unit_interval_evenly() -> None:
    n = 80_000
    u = uniforms(0, 1, 0, n).astype(np.float64)
    assert u.min() >= 0.0
    assert u.max() < 1.0
    assert abs(u.mean() - 0.5) < 5 / math.sqrt(12 * n)
    counts = np.histogram(u, 16, (0, 1))[0]
    assert (abs(counts - n / 16) < 5 * math.sqrt(n / 16)).all()
    assert set((u * 2**24 % 1).tolist()) == {0.0}, "24 bits each"


def test_the_dropout_stream_leaves_the_shuffles_alone() -> None:
    shuffle = generator(7, "shuffle", index=3).permutation(20).tolist()
    uniforms(7, 1, 3, 100)
    assert generator(7, "shuffle", index=3).permutation(20).tolist() == shuffle


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, True, None, "0"])
def test_a_seed_that_is_none_is_refused(seed) -> None:
    with pytest.raises(ArgumentError, match=r"seed must be a whole number from 0 to 2\*\*64 - 1"):
        check_seed(seed)


def test_seeds_of_numpy_count() -> None:
    assert check_seed(np.int32(3)) == 3
    assert check_seed(2**64 - 1) == 2**64 - 1
