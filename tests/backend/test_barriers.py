"""Shares cover a result once; accesses that meet in memory are found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.backend.compiled.barriers import ALONE, Access, Share, access, shares, waits


@settings(max_examples=300)
@given(
    n=st.integers(0, 300),
    m=st.integers(0, 300),
    threads=st.integers(1, 9),
    work=st.sampled_from([0.0, ALONE - 1, ALONE, 1e9]),
    by_rows=st.sampled_from([None, True, False]),
)
def test_shares_cover_everything_exactly_once(n, m, threads, work, by_rows) -> None:
    parts, covered = shares(n, m, threads, work, by_rows=by_rows), np.zeros((n, m), int)
    assert len(parts) == threads
    for p in parts:
        assert 0 <= p.lo <= p.hi <= n
        assert 0 <= p.first <= p.last <= m
        covered[p.lo : p.hi, p.first : p.last] += 1
        assert p.empty == (covered[p.lo : p.hi, p.first : p.last].size == 0)
    assert (covered == 1).all()
    if by_rows:
        assert all((p.first, p.last) == (0, m) for p in parts if not p.empty)


def test_little_work_is_done_by_one_thread() -> None:
    assert [p.empty for p in shares(64, 64, 3, ALONE - 1)] == [False, True, True]
    assert [p.empty for p in shares(64, 64, 3, ALONE)] == [False, False, False]


def test_many_rows_are_shared_by_rows_few_by_columns() -> None:
    assert shares(16, 100, 2, 1e6) == [Share(0, 8, 0, 100), Share(8, 16, 0, 100)]
    assert shares(15, 100, 2, 1e6) == [Share(0, 15, 0, 48), Share(0, 15, 48, 100)]


@st.composite
def views(draw, memory: np.ndarray) -> np.ndarray:
    """A matrix somewhere in ``memory``, contiguous, transposed or backwards, of either type."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    words = memory.view(dtype)
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    start = draw(st.integers(0, len(words) - n * m))
    array = words[start : start + n * m].reshape(n, m)
    return draw(st.sampled_from([array, array, array, array.T, array[::-1], array[:, ::2]]))


@st.composite
def touched(draw, memory: np.ndarray) -> tuple[Access, set[int]]:
    """An access to a share of a view, and the bytes that it stands for."""
    array = draw(views(memory))
    n, m = array.shape
    rows = sorted((draw(st.integers(0, n)), draw(st.integers(0, n))))
    columns = sorted((draw(st.integers(0, m)), draw(st.integers(0, m))))
    share = draw(st.sampled_from([None, Share(*rows, 0, m), Share(0, n, *columns)]))
    part = array if share is None else array[share.lo : share.hi, share.first : share.last]
    base = memory.__array_interface__["data"][0]
    begin = part.__array_interface__["data"][0] - base
    size = array.dtype.itemsize
    places = begin + np.add.outer(
        np.arange(part.shape[0]) * part.strides[0], np.arange(part.shape[1]) * part.strides[1]
    )
    occupied = {int(p) + b for p in places.ravel() for b in range(size)}
    write, thread = draw(st.booleans()), draw(st.integers(0, 1))
    return access(array, thread, share, write=write), occupied


MEMORY = np.zeros(40)


@settings(max_examples=600)
@given(a=touched(MEMORY), b=touched(MEMORY))
def test_accesses_that_meet_are_always_found(a, b) -> None:
    (first, its_bytes), (second, other_bytes) = a, b
    both_read, alike = not (first.write or second.write), first.thread == second.thread
    if its_bytes & other_bytes and not both_read and not alike:
        assert first.conflicts(second)
        assert second.conflicts(first)
    if both_read or alike:
        assert not first.conflicts(second)
    assert first.conflicts(second) == second.conflicts(first)


@settings(max_examples=200)
@given(
    n=st.integers(1, 40),
    m=st.integers(1, 40),
    threads=st.integers(2, 4),
    by_rows=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_threads_with_shares_of_one_array_do_not_wait(n, m, threads, by_rows, dtype) -> None:
    array = np.zeros((n, m), dtype)
    parts = [p for p in shares(n, m, threads, 1e9, by_rows=by_rows) if not p.empty]
    made = [access(array, t, p, write=True) for t, p in enumerate(parts)]
    used = [access(array, t, p, write=False) for t, p in enumerate(parts)]
    assert waits([made, used, made]) == [False, False, False]
    whole = [access(array, t, None, write=False) for t in range(len(parts))]
    assert waits([made, whole, made]) == [False, *[len(parts) > 1] * 2]


def test_columns_of_rows_that_begin_elsewhere_are_not_compared() -> None:
    memory = np.zeros(24)
    left, right = memory[:20].reshape(2, 10), memory[4:].reshape(2, 10)  # four elements on
    a = access(left, 0, Share(0, 2, 0, 4), write=True)
    b = access(right, 1, Share(0, 2, 6, 10), write=True)  # columns 0 to 4 of the next row
    assert a.conflicts(b)


def test_columns_of_another_type_are_compared_in_bytes() -> None:
    memory = np.zeros(20)
    a = access(memory.reshape(2, 10), 0, Share(0, 2, 0, 5), write=True)
    b = access(memory.view(np.float32).reshape(2, 20), 1, Share(0, 2, 6, 12), write=False)
    c = access(memory.view(np.float32).reshape(2, 20), 1, Share(0, 2, 10, 20), write=False)
    assert (a.conflicts(b), a.conflicts(c)) == (True, False)


@pytest.mark.parametrize("write", [True, False])
def test_after_a_wait_only_what_follows_counts(write: bool) -> None:
    a, b = np.zeros((1, 4)), np.zeros((1, 4))
    steps = [
        [access(a, 0, None, write=True)],
        [access(b, 1, None, write=True)],
        [access(a, 1, None, write=write)],  # waits for the first
        [access(b, 0, None, write=False)],  # the second is already behind
        [access(a, 0, None, write=True)],  # the third is not
    ]
    assert waits(steps) == [False, False, True, False, True]
