"""The memory of many networks, and programs of one that run for all of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastnn.backend.compiled.stacked import StackedCompiledExecutable
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy import stacked
from fastnn.backend.numpy.executor import NumpyExecutable
from fastnn.backend.numpy.stacked import StackedNumpyExecutable, groups, share_out
from fastnn.backend.program import Program, Recorder
from fastnn.backend.stack import Stack
from fastnn.errors import ArgumentError
from tests.backend.compiled import needs_compiler

XP = CpuBackend()


def test_every_array_of_a_stack_is_the_first_of_as_many() -> None:
    stack = Stack(XP, seeds=[0, 0, 0])
    a = stack.array(np.arange(6.0).reshape(2, 3))
    assert a.shape == (2, 3)
    assert stack.all(a).tolist() == [[[0, 1, 2], [3, 4, 5]]] * 3
    stack.all(a)[2, 1, 0] = 7.0
    assert stack.one(a, 2)[1, 0] == 7.0
    assert a[1, 0] == 3.0
    assert stack.bytes_per_network == 48


def test_views_of_an_array_are_as_far_apart_as_the_arrays() -> None:
    stack = Stack(XP, seeds=[0, 1])
    theta = stack.zeros((10,), np.float64)
    W, b = theta[:6].reshape(2, 3), theta[6:8].reshape(-1, 1)
    stack.all(theta)[1] = np.arange(10.0)
    assert stack.one(W, 1).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert stack.one(W.T, 1).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert stack.all(b)[:, :, 0].tolist() == [[0, 0], [6, 7]]
    assert stack.all(b, first=1).shape == (1, 2, 1)


def test_what_comes_from_elsewhere_is_shared() -> None:
    stack, data = Stack(XP, seeds=[0, 1]), np.arange(3.0)
    assert stack.step(data) == 0
    assert stack.all(data).tolist() == [[0, 1, 2], [0, 1, 2]]
    assert stack.one(data, 1) is data


def test_networks_choose_from_a_pool() -> None:
    stack, pool = Stack(XP, seeds=[0] * 4), np.arange(12.0).reshape(3, 2, 2)
    first = stack.choose(pool, [2, 0, 0, 1])
    assert first.tolist() == pool[2].tolist()
    assert [stack.one(first, g)[0, 0] for g in range(4)] == [8, 0, 0, 4]
    assert stack.one(first[1:], 3).tolist() == [[6, 7]]
    assert stack.step(first) is None
    with pytest.raises(ArgumentError, match="do not lie at equal distances"):
        stack.all(first)


def test_a_pool_that_all_share_is_shared() -> None:
    stack, pool = Stack(XP, seeds=[0] * 2), np.arange(4.0).reshape(2, 2)
    assert stack.step(stack.choose(pool, [1, 1])) == 0


def test_a_stack_needs_networks_and_seeds() -> None:
    with pytest.raises(ArgumentError, match="at least one network"):
        Stack(XP, seeds=[])
    with pytest.raises(ArgumentError, match="seed must be a whole number"):
        Stack(XP, seeds=[0, -1])


def test_results_belong_to_the_stack() -> None:
    stack, xp, shared = Stack(XP, seeds=[0, 1]), Recorder(), np.zeros((2, 2))
    xp.dot(stack.zeros((2, 2), np.float64), shared, out=shared)
    with pytest.raises(ArgumentError, match=r"result of a Dot of shape .* every network needs"):
        stack.compile(xp.program())


@pytest.mark.parametrize("name", ["dot", "sum", "max", "apply", "compile_stacked"])
def test_a_stack_computes_nothing_at_once(name: str) -> None:
    stack, a = Stack(XP, seeds=[0]), np.ones((2, 2))
    calls: dict[str, Callable[[], Any]] = {
        "dot": lambda: stack.dot(a, a, out=a),
        "sum": lambda: stack.sum(a, axis=0, out=a),
        "max": lambda: stack.max(a, axis=0, out=a),
        "apply": lambda: stack.apply(Kernel("twice", lambda x: 2 * x), a, out=a),
        "compile_stacked": lambda: stack.compile_stacked(Program((), {}), stack),
    }
    with pytest.raises(ArgumentError, match=r"nothing at once|stack of stacks"):
        calls[name]()


# ------------------------------------------------------- a program with every instruction


def make_program(dtype: str, n: int, k: int, m: int) -> tuple[Stack, Program, list[Any]]:
    """A program for five networks with data of three kinds, and the arrays that it writes."""
    rng = np.random.default_rng(3)
    stack, xp = Stack(XP, seeds=[5, 6, 7, 8, 9]), Recorder()

    def drawn(*shape: int) -> Any:
        a = stack.zeros(shape, dtype)
        stack.all(a)[...] = rng.standard_normal((5, *shape))
        return a

    pool = rng.standard_normal((3, 9, k)).astype(dtype)
    source = stack.choose(pool, [1, 0, 2, 2, 1])
    order, position = stack.zeros((9,), np.int64), stack.zeros((1,), np.int64)
    stack.all(order)[...] = [rng.permutation(9) for _ in range(5)]
    step = stack.zeros((1,), np.int64)
    shared = rng.standard_normal((n, k)).astype(dtype)
    rows, Z, A, product = drawn(m, k), drawn(n, m), drawn(n, m), drawn(n, k)
    top, right, J, squares = drawn(1, m), drawn(n, 1), drawn(1, 1), drawn(1, 1)
    table, row, costs, flat = drawn(4, 2), drawn(2), drawn(4), drawn(n * k)
    U = stack.zeros((n, m), np.float32)
    xp.gather(source, order, position, out=rows)
    xp.dot(shared, rows.T, out=Z)
    xp.uniform(0, 1, step, out=U)
    kernel = Kernel("mix", lambda z, u, b: (np.where(u > 0.5, np.tanh(z + b), 0.0), z * b))
    xp.apply(kernel, Z, U, drawn(n, 1), out=(A, Z))
    xp.max(Z, axis=0, out=top)
    xp.apply(Kernel("shift", lambda z, t: np.exp(z - t)), Z, top, out=Z)
    xp.sum(Z, axis=0, out=top)
    xp.sum(A, axis=1, out=right)
    xp.sum(Z, axis=None, out=J)
    xp.dot(A, rows, out=product)
    xp.dot(flat.reshape(1, -1), flat.reshape(-1, 1), out=squares)
    xp.load(table, step, out=row)
    xp.apply(Kernel("go", lambda p, g, r: p - r * g), flat, product.reshape(-1), row[1:], out=flat)
    xp.store(J, step, table=costs)
    xp.advance(position, m)
    xp.advance(step, 1)
    written = [rows, Z, A, product, top, right, J, squares, row, costs, flat, U, position, step]
    return stack, xp.program(), written


Executables = Callable[[Program, Stack], Any]
ENGINES: dict[str, Executables] = {
    "NumPy": lambda program, stack: StackedNumpyExecutable(program, stack),
    "NumPy, two threads": lambda program, stack: StackedNumpyExecutable(program, stack, 2),
    "compiled": lambda program, stack: StackedCompiledExecutable(program, stack),
    "compiled, three threads": lambda program, stack: StackedCompiledExecutable(program, stack, 3),
}


@pytest.mark.parametrize(
    "engine", [pytest.param(e, marks=needs_compiler if "comp" in e else ()) for e in ENGINES]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(4, 3, 2), (1, 3, 2), (4, 1, 2), (4, 3, 1), (1, 1, 1)])
def test_every_network_gets_what_it_would_get_alone(
    engine: str, dtype: str, shape: tuple[int, int, int]
) -> None:
    stack, program, written = make_program(dtype, *shape)
    ENGINES[engine](program, stack).run(3)
    alone, unrolled, expected = make_program(dtype, *shape)
    NumpyExecutable(alone.unrolled(unrolled)).run(3)
    same = 0.0 if engine.startswith("NumPy") else {"float32": 2e-6, "float64": 1e-13}[dtype]
    for found, wanted in zip(written, expected, strict=True):
        np.testing.assert_allclose(stack.all(found), alone.all(wanted), rtol=same, atol=same)
    assert stack.all(written[-1]).ravel().tolist() == [3] * 5
    assert len(np.unique(stack.all(written[7]))) == 5  # the networks differ


@pytest.mark.parametrize("size", [1, 100, 300, 1 << 30])
def test_groups_of_any_size_give_the_same(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, program, expected = make_program("float32", 4, 3, 2)
    StackedNumpyExecutable(program, alone).run(2)
    monkeypatch.setattr(stacked, "GROUP_BYTES", size * alone.bytes_per_network // 100)
    stack, program, written = make_program("float32", 4, 3, 2)
    StackedNumpyExecutable(program, stack).run(2)
    for found, wanted in zip(written, expected, strict=True):
        assert stack.all(found).tolist() == alone.all(wanted).tolist()


def test_groups_hold_every_network_once() -> None:
    for n in (1, 2, 7, 32):
        for threads in (1, 2, 3):
            for size in (1, stacked.GROUP_BYTES // 3, 10 * stacked.GROUP_BYTES):
                found = groups(n, threads, size)
                assert [g for first, stop in found for g in range(first, stop)] == list(range(n))
                assert len(found) >= min(n, threads)


def test_an_error_in_a_thread_is_raised_when_all_have_ended() -> None:
    done: list[int] = []

    def fail() -> None:
        raise ArgumentError("mine")

    with pytest.raises(ArgumentError, match="mine"):
        share_out([fail, lambda: done.append(1), lambda: done.append(2)], threads=2)
    assert sorted(done) in ([1, 2], [2], [1])


@needs_compiler
def test_an_error_in_the_dropout_masks_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    stack, program, _ = make_program("float32", 4, 3, 2)
    executable = StackedCompiledExecutable(program, stack)

    def fail(*_: object) -> None:
        raise MemoryError("no masks")

    monkeypatch.setattr("fastnn.backend.random.UniformStream.fill", fail)
    with pytest.raises(MemoryError, match="no masks"):
        executable.run()


@pytest.mark.parametrize(("n", "count"), [(10_000, 3), (16_000, 3), (20_000, 2), (40_000, 3)])
def test_long_updates_have_the_bits_of_a_network_alone(n: int, count: int) -> None:
    """Whether BLAS adds up depends on the length of one network's arrays, not of all together."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, count, n)).astype("float32")

    def update(backend: Any) -> tuple[Program, list[Any]]:
        xp = Recorder()
        arrays = [backend.zeros((n,), "float32") for _ in range(3)]
        rate, beta = backend.array([0.1], "float32"), backend.array([0.9], "float32")
        kernel = Kernel("go", lambda p, g, v, r, b: (p - r * (b * v + g), b * v + r * g))
        p, g, v = arrays
        xp.apply(kernel, p, g, v, rate, beta, out=(p, v))
        return xp.program(), arrays

    stack = Stack(XP, seeds=[0] * count)
    program, arrays = update(stack)
    for array, given in zip(arrays, values, strict=True):
        stack.all(array)[:] = given
    StackedNumpyExecutable(program, stack).run(2)
    for g in range(count):
        alone, own = update(XP)
        for array, given in zip(own, values[:, g], strict=True):
            array[:] = given
        NumpyExecutable(alone).run(2)
        for array, wanted in zip(arrays, own, strict=True):
            np.testing.assert_array_equal(stack.one(array, g), wanted)
