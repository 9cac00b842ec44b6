"""The prepared NumPy calls: every operation, shape and aliasing, against plain evaluation."""

import math
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.backend.expression import OPERATIONS, Operation, erf
from fastnn.backend.graph import trace
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy import elementwise as kernels
from fastnn.backend.numpy.elementwise import BLOCK, lower, run_kernel
from fastnn.backend.numpy.executor import NumpyExecutable
from fastnn.backend.numpy.scratch import Scratch
from fastnn.backend.program import Recorder
from fastnn.backend.random import UniformStream
from fastnn.errors import ArgumentError

SPECIAL = np.array([-np.inf, -1e30, -2.5, -1.0, -0.0, 0.0, 1e-30, 0.75, 3.0, np.inf, np.nan])


def run(function, *args: np.ndarray, dtype=np.float64, shape=None) -> np.ndarray:
    out = np.empty(np.broadcast_shapes(*(a.shape for a in args)) if shape is None else shape, dtype)
    with np.errstate(all="ignore"):
        run_kernel(trace(function), args, [out])
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", OPERATIONS.values(), ids=lambda row: row.name)
def test_every_operation_on_every_kind_of_number(row: Operation, dtype) -> None:
    if row.name == "erf":
        return  # below
    function = {1: lambda x: row.function(x), 2: lambda x, y: row.function(x, y)}.get(
        row.arity, lambda x, y, z: row.function(x, y, z)
    )
    x = SPECIAL.astype(dtype)
    arguments = [x.reshape(-1, 1), x.reshape(1, -1), x[::-1].reshape(1, -1)][: row.arity]
    with np.errstate(all="ignore"):
        expected = row.function(*arguments)
    found = run(function, *arguments, dtype=dtype)
    np.testing.assert_array_equal(found, expected)
    finite_zero = (found == 0) & ~np.isnan(found)
    if expected.dtype == dtype:
        np.testing.assert_array_equal(
            np.signbit(found)[finite_zero], np.signbit(expected)[finite_zero]
        )


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1.2e-15), (np.float32, 3e-7)])
def test_erf_is_accurate(dtype, tolerance) -> None:
    x = np.concatenate([np.linspace(-7, 7, 20001), np.logspace(-30, 2, 300), [np.inf, -np.inf]])
    x = x.astype(dtype)
    found = run(lambda x: erf(x), x, dtype=dtype)
    exact = np.array([math.erf(v) for v in x])
    assert abs(found - exact).max() <= tolerance
    assert abs(found).max() <= 1.0
    np.testing.assert_array_equal(run(lambda x: erf(x), -x, dtype=dtype), -found)
    assert np.isnan(run(lambda x: erf(x), np.array([np.nan], dtype), dtype=dtype)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "function",
    [
        lambda c, x, y: np.where(c > 0, x, y),
        lambda c, x, y: np.where(c > 0, x, 0.0),
        lambda c, x, y: np.where(c > 0, 0.0, y),
        lambda c, x, y: np.where(c, x, y),  # not zero counts as true, NaN too
        lambda c, x, y: np.where(c > 0, 1.0, 2.0),
        lambda c, x, y: np.where(c > 0, y > 0, x),
        lambda c, x, y: np.where(~(c > 0) | (x == y), x, y),
        lambda c, x, y: np.where(c > 0, np.where(x > 0, c, y), np.where(y > 0, x, c)),
    ],
)
def test_where_keeps_nan_and_infinity_as_they_are(function, dtype) -> None:
    x = SPECIAL.astype(dtype)
    c, x, y = x.reshape(-1, 1, 1), x.reshape(1, -1, 1), x[::-1].reshape(1, 1, -1)
    with np.errstate(all="ignore"):
        expected = np.asarray(function(c, x, y), dtype) + np.zeros((11, 11, 11), dtype)
    found = run(function, c, x, y, dtype=dtype, shape=(11, 11, 11))
    np.testing.assert_array_equal(found, expected)


def test_truth_values_are_computed_with_in_full_precision() -> None:
    x = np.array([-1.0, 2.0])
    np.testing.assert_array_equal(run(lambda x: np.exp(x > 0), x), np.exp([0.0, 1.0]))
    np.testing.assert_array_equal(run(lambda x: 0 - (x > 0), x), [0.0, -1.0])
    np.testing.assert_array_equal(run(lambda x: (x > 0) * x, x), [0.0, 2.0])
    np.testing.assert_array_equal(
        run(lambda x: (x > 0) / 3, x, dtype=np.float32), np.float32([0, 1 / 3])
    )


def test_arguments_of_another_dtype_are_converted_not_computed_in() -> None:
    u = np.float32([0.1, 0.7, 1e30])
    for function in (lambda u: u * u, lambda u: np.where(u > 0.5, u, 2 * u), lambda u: np.sqrt(u)):
        np.testing.assert_array_equal(run(function, u), function(u.astype(np.float64)))
    n = np.array([3, 4])
    np.testing.assert_array_equal(run(lambda n: n / 2, n), [1.5, 2.0])


SHAPES = [(4, 6), (1, 6), (4, 1), (1, 1), (), (6,)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("a", SHAPES, ids=str)
@pytest.mark.parametrize("b", SHAPES, ids=str)
def test_every_pattern_of_broadcasting(a, b, dtype, rng) -> None:
    x, y = (np.asarray(rng.standard_normal(s), dtype) for s in (a, b))
    graph = trace(lambda x, y: (np.exp(-x * x) + np.where(x > y, x, y) * y, np.tanh(y) - x))
    outs = [np.full(np.broadcast_shapes(a, b), np.nan, dtype) for _ in range(2)]
    run_kernel(graph, [x, y], outs)
    for out, expected in zip(outs, graph.evaluate(x, y), strict=True):
        np.testing.assert_allclose(out, expected, rtol=1e-6 if dtype == np.float32 else 1e-14)


def test_views_that_are_not_contiguous(rng) -> None:
    x, y = rng.standard_normal((5, 8)), rng.standard_normal((8, 10))
    graph = trace(lambda x, y: np.where(x > y, x - y, np.sin(x) * y))
    wide = np.zeros((8, 9))
    run_kernel(graph, [x.T, y[:, ::2]], [wide[:, 1:6]])
    np.testing.assert_array_equal(wide[:, 1:6], graph.evaluate(x.T, y[:, ::2])[0])
    assert not wide[:, 0].any()
    assert not wide[:, 6:].any()


@settings(max_examples=150)
@given(data=st.data())
def test_outputs_may_lie_on_arguments_in_every_way(expressions, data) -> None:
    n_outs = data.draw(st.integers(1, 3))
    trees = [
        data.draw(st.one_of(st.integers(0, 2), expressions.trees(3))) for _ in range(n_outs)
    ]  # a plain argument is an output as well: swaps and rotations
    if data.draw(st.booleans()):  # later outputs are computed from the first one
        trees = [trees[0], *(("add", trees[0], ("where", trees[0], 0, t)) for t in trees[1:])]
    graph = trace(lambda a, b, c: tuple(expressions.interpret(t, a, b, c) for t in trees))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    shapes = data.draw(st.lists(st.sampled_from([(3, 4), (1, 4), (3, 1)]), min_size=3, max_size=3))
    args = [rng.standard_normal(s).astype(dtype) for s in shapes]
    args[0] = rng.standard_normal((3, 4)).astype(dtype)
    if data.draw(st.booleans()):
        args[1] = args[0]  # one array is two arguments
    whole = [i for i, a in enumerate(args) if a.shape == (3, 4)]
    places = data.draw(st.permutations([*whole, None, None, None]))[:n_outs]
    outs: list[np.ndarray] = []
    for place in places:
        taken = place is None or any(args[place] is o for o in outs)
        outs.append(np.full((3, 4), np.nan, dtype) if taken else args[place])
    expected = [
        np.broadcast_to(np.asarray(e, dtype), (3, 4)).copy()
        for e in graph.evaluate(*(a.copy() for a in args))
    ]
    kept = [(a, a.copy()) for a in args if not any(a is o for o in outs)]
    with np.errstate(under="ignore"):
        run_kernel(graph, args, outs)
    for out, right in zip(outs, expected, strict=True):
        np.testing.assert_allclose(
            out,
            right,
            rtol=2e-5 if dtype == np.float32 else 1e-13,
            atol=1e-6 if dtype == np.float32 else 1e-14,
        )
    for a, before in kept:
        np.testing.assert_array_equal(a, before, "an argument that is no output was written to")


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("size", [7, BLOCK + 3])
def test_where_on_each_of_its_arguments(place, size, rng) -> None:
    args = [rng.standard_normal(size) for _ in range(3)]
    expected = np.where(args[0] > 0, args[1], args[2])
    run_kernel(trace(lambda c, x, y: np.where(c > 0, x, y)), args, [args[place]])
    np.testing.assert_array_equal(args[place], expected)


def test_an_output_that_has_to_wait_is_not_overwritten(rng) -> None:
    # tanh(a) goes where a is, but a is needed later: it waits in scratch memory.
    a, out = rng.standard_normal(9), np.empty(9)
    graph = trace(lambda a: (np.tanh(a), np.sin(np.cos(np.exp(np.tanh(a)))) * a))
    expected = graph.evaluate(a.copy())
    run_kernel(graph, [a], [a, out])
    np.testing.assert_array_equal(a, expected[0])
    np.testing.assert_array_equal(out, expected[1])


@pytest.mark.parametrize(
    ("shape", "smaller"),
    [
        ((3, BLOCK), (3, 1)),
        ((BLOCK, 3), (BLOCK, 1)),
        ((BLOCK, 3), (1, 3)),
        ((2 * BLOCK + 7,), (1,)),
        ((7, BLOCK + 5), ()),
        ((1, 3 * BLOCK), (1, 1)),
        ((BLOCK, 2), (2,)),
        ((40, 30, 100), (40, 1, 100)),
    ],
)
def test_arrays_longer_than_a_block(shape, smaller, rng) -> None:
    x, y = rng.standard_normal(shape), np.asarray(rng.standard_normal(smaller))
    graph = trace(lambda x, y: (np.where(x > y, x * y, x - y), x + y))
    expected = graph.evaluate(x, y)
    other = np.empty(shape)
    run_kernel(graph, [x, y], [x, other])  # in place as well
    np.testing.assert_array_equal(x, expected[0])
    np.testing.assert_array_equal(other, expected[1])


def test_nothing_is_written_between_blocks_of_an_aliased_vector(rng) -> None:
    p, g = rng.standard_normal((2, 3 * BLOCK + 11))
    start = p.copy()
    run_kernel(trace(lambda p, g, rate: p - rate * g), [p, g, np.array([0.5])], [p])
    np.testing.assert_array_equal(p, start - 0.5 * g)


KERNELS = {
    "one": lambda x, y: np.exp(x) + y,
    "erf": lambda x, y: erf(x) * y,
    "where": lambda x, y: np.where(x > y, np.tanh(x), y * y),
    "where of numbers": lambda x, y: np.where(x, x * y, y) + np.where(x + y, y, x),
    "column times row": lambda x, y: np.exp(np.sin(y)) * x,
    "truth values": lambda x, y: (x > 0) & (y > 0) | (x * y > 1.0),
    "selu": lambda x, y: np.where(x > 0, 1.05 * x, 1.75 * np.expm1(np.minimum(x, 0.0))) * y,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", KERNELS)
def test_a_prepared_kernel_allocates_nothing_that_grows(name, dtype, rng) -> None:
    x, y = (rng.standard_normal(s).astype(dtype) for s in ((200, 300), (1, 300)))
    outs, scratch = [np.empty((200, 300), dtype)], Scratch()
    calls = lower(trace(KERNELS[name]), [x, y], outs, scratch)()
    with np.errstate(all="ignore"):
        for call in calls:
            call()
        tracemalloc.start()
        for call in calls:
            call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # NumPy has a buffer of 8192 elements of its own; a block has 32768, an array 60000.
    assert peak < 8192 * x.itemsize + 4096, f"{peak} bytes for arrays of {outs[0].nbytes}"


def test_blocks_of_every_length_use_their_own_part_of_the_arrays(rng) -> None:
    x = rng.random((7, 40_000))  # a block is one row; the second argument is the first of them
    kernel, out = Kernel("k", lambda x, y: np.where(y > 0.5, x - y, x)), np.empty_like(x)
    for call in lower(kernel.graph, [x, x[0:1]], [out], Scratch())():
        call()
    np.testing.assert_array_equal(out, np.where(x[0:1] > 0.5, x - x[0:1], x))


def test_many_blocks_are_planned_once(monkeypatch) -> None:
    x, made = np.zeros(3_000_000), []
    plain = kernels._Lowering
    monkeypatch.setattr(kernels, "_Lowering", lambda *a: (made.append(1), plain(*a))[1])
    lower(trace(lambda x: np.tanh(x)), [x], [x], Scratch())
    assert len(made) == 2  # blocks of the usual length, and the last


def test_scratch_is_shared_and_small() -> None:
    scratch = Scratch()
    x, out = np.zeros((10, 10)), np.zeros((10, 10))
    graph = trace(lambda x: np.sin(np.cos(np.exp(np.tanh(x) + 1) * 2) - 3))
    binds = [lower(graph, [x], [out], scratch) for _ in range(5)]
    for bind in binds:
        bind()
    assert sum(scratch.sizes) <= 800, "a chain of operations needs one array at the most"


# ---------------------------------------------------------------- the instructions of a program


@pytest.fixture
def world() -> SimpleNamespace:
    return SimpleNamespace(
        counter=np.array([0]), position=np.array([0]), rows=np.arange(12.0).reshape(6, 2)
    )


def test_a_program_runs_its_instructions_in_order(world) -> None:
    xp, order = Recorder(), np.array([5, 3, 1, 0, 2, 4])
    batch, total, table = np.zeros((2, 2)), np.zeros((1, 1)), np.zeros(3)
    scale, row = np.array([[1.0], [10.0], [100.0]]), np.zeros(1)
    xp.gather(world.rows, order, world.position, out=batch)
    xp.load(scale, world.counter, out=row)
    xp.apply(Kernel("scale", lambda a, s: a * s), batch, row, out=batch)
    xp.sum(batch, axis=None, keepdims=True, out=total)
    xp.store(total, world.counter, table=table)
    xp.advance(world.position, 2)
    xp.advance(world.counter, 1)
    NumpyExecutable(xp.program()).run(3)
    # rows 5 and 3: 10 + 11 + 6 + 7; rows 1 and 0: 2 + 3 + 0 + 1; rows 2 and 4: 4 + 5 + 8 + 9
    assert table.tolist() == [34.0, 60.0, 2600.0]
    assert (world.position.tolist(), world.counter.tolist()) == ([6], [3])


def test_products_and_reductions(rng) -> None:
    xp, A, B = Recorder(), rng.standard_normal((3, 4)), rng.standard_normal((5, 4))
    product, rows, columns, everything = (
        np.zeros((3, 5)), np.zeros((3, 1)), np.zeros((1, 4)), np.zeros((1, 1)),
    )  # fmt: skip
    xp.dot(A, B.T, out=product)
    xp.sum(A, axis=1, keepdims=True, out=rows)
    xp.max(A, axis=0, keepdims=True, out=columns)
    xp.max(A, axis=None, keepdims=True, out=everything)
    NumpyExecutable(xp.program()).run()
    expected = [[sum(A[i, k] * B[j, k] for k in range(4)) for j in range(5)] for i in range(3)]
    np.testing.assert_allclose(product, expected, rtol=1e-13)
    np.testing.assert_allclose(rows.ravel(), [math.fsum(r) for r in A], rtol=1e-13)
    assert columns.ravel().tolist() == [max(c) for c in A.T]
    assert everything.item() == max(A.ravel())


def test_the_maximum_keeps_nan() -> None:
    xp, a, out = Recorder(), np.array([[1.0, np.nan], [2.0, 0.0]]), np.zeros((1, 2))
    xp.max(a, axis=0, keepdims=True, out=out)
    NumpyExecutable(xp.program()).run()
    np.testing.assert_array_equal(out, [[2.0, np.nan]])


def test_uniform_numbers_of_a_step(world) -> None:
    xp, U = Recorder(), np.zeros((3, 5), np.float32)
    xp.uniform(9, 2, world.counter, out=U)
    xp.advance(world.counter, 1)
    executable, expected = NumpyExecutable(xp.program()), np.zeros((3, 5), np.float32)
    for step in range(3):
        executable.run()
        UniformStream(9, 2).fill(expected, step)
        np.testing.assert_array_equal(U, expected)


def test_a_program_does_not_warn_about_overflow() -> None:
    xp, z = Recorder(), np.array([1000.0, 0.0])
    out = np.empty(2)
    xp.apply(Kernel("exp", lambda z: np.log(np.exp(z) - 1)), z, out=out)
    NumpyExecutable(xp.program()).run()  # a warning would be an error; the caller looks at J
    assert out.tolist() == [np.inf, -np.inf]


def test_a_bad_kernel_call_is_refused_when_the_program_is_made_ready() -> None:
    xp = Recorder()
    xp.apply(Kernel("k", lambda z: z + 1), np.zeros(3), out=np.zeros(4))
    with pytest.raises(ArgumentError, match=r"kernel 'k': out has shape \(4,\), needs \(3,\)"):
        NumpyExecutable(xp.program())


def test_running_zero_times_does_nothing(world) -> None:
    xp = Recorder()
    xp.advance(world.counter, 1)
    NumpyExecutable(xp.program()).run(0)
    assert world.counter.tolist() == [0]


def test_uniform_numbers_of_some_columns(world) -> None:
    xp, U, first = Recorder(), np.zeros((3, 2), np.float32), np.array([0])
    xp.uniform_columns(9, 2, world.counter, xp.name(first, "column"), 5, out=xp.name(U, "U"))
    xp.advance(first, 2)
    program = xp.program()
    assert "U = uniform(layer=2" in str(program)
    assert "[:, column + j], of 5 columns" in str(program)
    executable, expected = NumpyExecutable(program), np.zeros((3, 5), np.float32)
    UniformStream(9, 2).fill(expected, world.counter.item())
    for column in (0, 2):
        executable.run()
        np.testing.assert_array_equal(U, expected[:, column : column + 2])
