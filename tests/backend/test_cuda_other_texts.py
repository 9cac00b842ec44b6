"""Sums, maxima, mini-batches, tables and uniforms: the texts give what they promise."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.backend.cuda import lowering
from fastnn.backend.cuda.other_texts import (
    advance,
    gather,
    load,
    reduction,
    store,
    uniform,
    uniform_columns,
)
from fastnn.backend.program import Advance, Gather, Load, Reduce, Store, Uniform, UniformColumns
from fastnn.backend.random import UniformStream
from tests.backend.cuda_on_cpu import compile_texts, execute, needs_compiler, poisoned

pytestmark = needs_compiler


@pytest.fixture(scope="module", autouse=True)
def _texts() -> None:
    """Compile all texts of the module at once."""
    rows = [
        reduction(how, columns, dtype, dtype)
        for how in ("sum", "max")
        for columns in (False, True)
        for dtype in ("float32", "float64")
    ]
    batches = [gather(d, i, "int64", d) for d in ("float64", "int64") for i in ("int32", "int64")]
    tables = [load("float32", "int64", "float32"), store("float64", "int64", "float32")]
    compile_texts(
        [
            *(*rows, *batches, *tables),
            *(advance("int64"), advance("int32"), uniform("int64"), uniform("int32")),
            *(uniform_columns("int64", "int64"), uniform_columns("int32", "int64")),
            gather("uint8", "int64", "int64", "float32"),
        ]
    )


def reduced(how: str, a: np.ndarray, axis: int | None) -> np.ndarray:
    shape = tuple(1 if axis is None or k == axis % a.ndim else n for k, n in enumerate(a.shape))
    out: np.ndarray = poisoned(shape, a.dtype)
    execute(Reduce(how, a, axis, out))
    return out


SHAPES = [(1, 1), (1, 300), (300, 1), (3, 33), (33, 3), (10, 257), (70, 31)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_and_maxima(
    shape: tuple[int, int], transposed: bool, axis: int | None, dtype: str, rng: Any
) -> None:
    a = rng.normal(size=shape).astype(dtype)
    a = a.T if transposed else a
    terms = [a.ravel()] if axis is None else list(a.T if axis == 0 else a)
    exact = [math.fsum(map(float, line)) for line in terms]
    size = [sum(abs(float(x)) for x in line) for line in terms]  # the scale of rounding errors
    error = abs(reduced("sum", a, axis).ravel() - np.array(exact)) / np.array(size)
    assert error.max() < (3e-7 if dtype == "float32" else 3e-16 * 2)
    found = reduced("max", a, axis)
    assert found.ravel().tolist() == [float(max(line)) for line in terms]
    assert found.dtype == a.dtype


@pytest.mark.parametrize("axis", [0, 1, None])
def test_long_sums_are_made_in_parts(axis: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowering, "PART", 64)
    monkeypatch.setattr(lowering, "MAX_PARTS", 5)
    a = np.arange(1000.0 * 3).reshape((1000, 3) if axis == 0 else (3, 1000))
    out = poisoned(np.sum(a, axis=axis, keepdims=True).shape, a.dtype)
    assert len(lowering.lower(Reduce("sum", a, axis, out), poisoned)) == 2
    np.testing.assert_array_equal(reduced("sum", a, axis), a.sum(axis=axis, keepdims=True))
    np.testing.assert_array_equal(reduced("max", a, axis), a.max(axis=axis, keepdims=True))


def test_a_sum_over_half_a_million_numbers_in_float32() -> None:
    a = np.full(500_001, 0.1, np.float32)  # added one by one this is 2 % off
    exact = 500_001 * float(np.float32(0.1))
    assert abs(float(reduced("sum", a, 0)[0]) - exact) / exact < 2e-7


@pytest.mark.parametrize("axis", [0, 1, None])
def test_special_numbers_in_sums_and_maxima(axis: int | None) -> None:
    a = np.zeros((40, 40))
    a[7, 9] = np.nan
    for how, others in (("sum", 0.0), ("max", 0.0)):
        found = reduced(how, a, axis)
        assert np.isnan(found).sum() == 1
        assert (found[~np.isnan(found)] == others).all()
    assert (reduced("max", np.full((4, 5), -np.inf), axis) == -np.inf).all()
    assert (reduced("sum", np.full((4, 5), np.inf), axis) == np.inf).all()


def test_equal_numbers_give_equal_bits(rng: Any) -> None:
    a = rng.normal(size=(300, 70)).astype(np.float32)
    for axis in (0, 1, None):
        assert reduced("sum", a, axis).tobytes() == reduced("sum", a.copy(), axis).tobytes()


def test_sums_of_nothing() -> None:
    assert reduced("sum", np.empty((0, 3)), 0).tolist() == [[0.0, 0.0, 0.0]]
    assert reduced("sum", np.empty((2, 0)), 1).tolist() == [[0.0], [0.0]]
    assert reduced("sum", np.empty((2, 0)), 0).shape == (1, 0)


def test_labels_are_summed_in_the_dtype_of_the_output() -> None:
    out = np.empty((1, 1))
    execute(Reduce("sum", np.array([[True, False, True]]), None, out))
    assert out.tolist() == [[2.0]]


# --- mini-batches and tables ------------------------------------------------------------------


@pytest.mark.parametrize("order_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("shape", [(6, 3), (6, 1), (6,), (6, 2, 2)])
def test_gather_takes_the_rows_of_the_order(shape: tuple[int, ...], order_dtype: Any) -> None:
    source = np.arange(float(np.prod(shape))).reshape(shape)
    order = np.array([5, 0, 3, 2, 4, 1], order_dtype)
    out = poisoned((3, *shape[1:]), source.dtype)
    execute(Gather(source, order, np.array([2]), out))
    np.testing.assert_array_equal(out, source[[3, 2, 4]])


def test_gather_converts_pixels() -> None:
    pixels = np.array([[0, 255], [7, 9]], np.uint8)
    out = poisoned((1, 2), np.float32)
    execute(Gather(pixels, np.array([1, 0]), np.array([1]), out))
    assert out.tolist() == [[0.0, 255.0]]


def test_rows_that_do_not_exist_show() -> None:
    order = np.array([0, 7, -1])
    out = poisoned((4, 2), np.float64)
    execute(Gather(np.ones((3, 2)), order, np.array([0]), out))
    assert np.isnan(out).all(axis=1).tolist() == [False, True, True, True]
    labels = poisoned((2, 1), np.int64)
    execute(Gather(np.ones((3, 1), np.int64), order, np.array([1]), labels))
    assert labels.tolist() == [[-1], [-1]]


def test_load_and_store_follow_the_counter() -> None:
    table = np.arange(12.0, dtype=np.float32).reshape(4, 3)
    counter = np.array([0])
    row, costs = poisoned(3, np.float32), np.full(4, -1.0, np.float32)
    for step in range(4):
        execute(Load(table, counter, row))
        assert row.tolist() == table[step].tolist()
        execute(Store(np.array([[step + 0.5]]), counter, costs))
        execute(Advance(counter, 1))
    assert costs.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert counter.tolist() == [4]
    execute(Store(np.array([9.0]), counter, costs))  # beyond the end: nothing is overwritten
    execute(Load(table, counter, row))
    assert costs.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert np.isnan(row).all()


def test_load_fills_with_one_number() -> None:
    out = poisoned((2, 2), np.float32)
    execute(Load(np.array([1.0, 2.0], np.float32), np.array([1]), out))
    assert out.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_advance_counts_in_its_own_dtype() -> None:
    counter = np.array([5], np.int32)
    execute(Advance(counter, 128))
    assert counter.tolist() == [133]


# --- uniforms ---------------------------------------------------------------------------------


@settings(max_examples=30)
@given(
    st.integers(0, 2**64 - 1), st.integers(0, 2**31), st.integers(0, 2**40), st.integers(1, 5000)
)
def test_uniforms_are_those_of_the_cpu_bit_for_bit(
    seed: int, layer: int, step: int, n: int
) -> None:
    found, wanted = poisoned((n, 1), np.float32), np.empty((n, 1), np.float32)
    execute(Uniform(seed, layer, np.array([step]), found))
    UniformStream(seed, layer).fill(wanted, step)
    assert found.tobytes() == wanted.tobytes()


def test_uniforms_of_a_counter_of_32_bits() -> None:
    found, wanted = poisoned(9, np.float32), np.empty(9, np.float32)
    execute(Uniform(3, 1, np.array([7], np.int32), found))
    UniformStream(3, 1).fill(wanted, 7)
    assert found.tobytes() == wanted.tobytes()


@settings(max_examples=30)
@given(
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**40),
    st.integers(1, 20),
    st.integers(1, 60),
    st.integers(0, 100),
    st.integers(0, 100),
)
def test_uniforms_of_some_columns_are_those_of_the_whole(
    seed: int, step: int, n: int, k: int, before: int, after: int
) -> None:
    of = before + k + after
    found, wanted = poisoned((n, k), np.float32), np.empty((n, of), np.float32)
    execute(UniformColumns(seed, 2, np.array([step]), np.array([before]), of, found))
    UniformStream(seed, 2).fill(wanted, step)
    assert found.tobytes() == wanted[:, before : before + k].tobytes()
