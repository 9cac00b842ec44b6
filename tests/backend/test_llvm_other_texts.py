"""Sums, maxima, gathered rows, table rows and counters in compiled code, against NumPy."""

import itertools
import math

import numpy as np
import pytest

from fastnn.backend.compiled import barriers as sharing
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy.executor import NumpyExecutable
from fastnn.backend.program import (
    Advance,
    Apply,
    Gather,
    Load,
    Program,
    Reduce,
    Store,
    Uniform,
)
from fastnn.backend.random import UniformStream
from tests.backend.compiled import needs_compiler, run

pytestmark = needs_compiler

SHAPES = [(1, 1), (1, 7), (7, 1), (3, 4), (5, 40), (40, 5), (17, 65)]
DTYPES = (np.float32, np.float64)


@pytest.fixture(params=[1, 2, 3])
def threads(request, monkeypatch) -> int:
    """One, two and three threads that share even the smallest instruction."""
    monkeypatch.setattr(sharing, "ALONE", 0)
    return int(request.param)


def test_sums_and_maxima(threads: int, rng) -> None:
    steps, checks = [], []
    for shape, dtype, axis in itertools.product(SHAPES, DTYPES, (0, 1, None)):
        a = rng.standard_normal(shape).astype(dtype)
        size = tuple(1 if axis in (d, None) else n for d, n in enumerate(shape))
        sums, most = (np.full(size, 777.0, dtype) for _ in range(2))
        steps += [Reduce("sum", a, axis, sums), Reduce("max", a, axis, most)]
        checks.append((a, axis, sums, most))
    run(steps, threads, times=2)
    for a, axis, sums, most in checks:
        lines = {0: a.T, 1: a, None: a.reshape(1, -1)}[axis]
        exact = [math.fsum(line) for line in lines]
        scale = np.finfo(a.dtype).eps * abs(a).sum()
        np.testing.assert_allclose(sums.ravel(), exact, rtol=0, atol=scale)
        assert most.ravel().tolist() == [max(line) for line in lines.tolist()]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.0, 1e-310])
def test_strange_numbers_in_a_reduction(value: float, threads: int) -> None:
    with np.errstate(invalid="ignore"):
        for axis, place in itertools.product((0, 1, None), range(6)):
            a = np.full((2, 3), -np.inf) if value != np.inf else np.zeros((2, 3))
            a.ravel()[place] = value
            results = [np.full_like(np.add.reduce(a, axis, keepdims=True), 777) for _ in range(2)]
            run([Reduce(h, a, axis, o) for h, o in zip(("sum", "max"), results, strict=True)])
            np.testing.assert_array_equal(results[0], np.add.reduce(a, axis, keepdims=True))
            np.testing.assert_array_equal(results[1], np.maximum.reduce(a, axis, keepdims=True))


def test_a_long_float32_sum_stays_accurate(rng) -> None:
    a, out = rng.random((10, 60_000), np.float32), np.zeros((1, 1), np.float32)
    run([Reduce("sum", a, None, out)])
    exact = math.fsum(a.ravel().tolist())
    assert abs(out.item() - exact) / exact < 1e-5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "width"), [(1, 1), (5, 3), (100, 64), (7, 1)])
def test_gathered_rows(dtype, rows: int, width: int, threads: int, rng) -> None:
    source = rng.standard_normal((rows, width)).astype(dtype)
    order, m = rng.integers(0, rows, 3 * 4), 4
    out, kept, position = np.zeros((m, width), dtype), [], np.array([0])
    for _ in range(3):
        run([Gather(source, order, position, out), Advance(position, m)], threads)
        kept.append(out.copy())
    np.testing.assert_array_equal(np.concatenate(kept), source[order])
    assert position.item() == 12


def test_an_index_that_is_no_row_reads_the_nearest_as_in_numpy() -> None:
    source, order = np.arange(6.0).reshape(3, 2), np.array([-5, 99, 2**62, -(2**62), 1])
    outs = [np.zeros((5, 2)) for _ in range(2)]
    gather = [Gather(source, order, np.array([0]), out) for out in outs]
    run(gather[:1])
    NumpyExecutable(Program(tuple(gather[1:]), {})).run()
    np.testing.assert_array_equal(outs[0], outs[1])


def test_table_rows_and_counters(threads: int) -> None:
    table, row = np.arange(12.0).reshape(4, 3), np.zeros(3)
    step, total, costs = np.array([0]), np.zeros((1, 1)), np.full(4, -1.0)
    program = [
        Load(table, step, row),
        Apply(Kernel("sum", lambda a, b: a + b), (row[:1], row[2:]), (total[0],)),
        Store(total, step, costs),
        Advance(step, 1),
    ]
    run(program, threads, times=3)
    assert costs.tolist() == [2.0, 8.0, 14.0, -1.0]
    assert step.item() == 3


def test_uniform_numbers_of_a_step(threads: int) -> None:
    counter, U, first = np.array([5]), np.zeros((3, 50), np.float32), np.zeros((1, 3), np.float32)
    table, expected = np.zeros((4, 3), np.float32), np.zeros((3, 50), np.float32)
    copied = [Load(U[:1, :3], np.array([0]), first[0]), Store(first[0], np.array([2]), table)]
    run([Uniform(9, 2, counter, U), *copied, Advance(counter, 1)], threads, times=4)
    UniformStream(9, 2).fill(expected, step=8)
    np.testing.assert_array_equal(U, expected)
    assert counter.item() == 9
    np.testing.assert_array_equal(table[2], expected[0, :3])


def test_a_generator_that_fails_raises_and_is_not_passed_over(threads: int) -> None:
    U = np.zeros((2, 2), np.float32)
    with pytest.raises(OverflowError):
        run([Uniform(0, 1, np.array([-1]), U)], threads)
