"""Instructions that are launched together: how many launches are left, and the same numbers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.cuda.fused_elementwise import compose
from fastnn.backend.cuda.fused_reductions import fuse_lines
from fastnn.backend.cuda.fusing import lower_program
from fastnn.backend.cuda.lowering import Launch, lower
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy.executor import NumpyExecutable
from fastnn.backend.program import (
    Advance,
    Apply,
    Dot,
    Gather,
    Instruction,
    Load,
    Program,
    Reduce,
    Store,
    Uniform,
)
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data
from tests.backend.cuda_on_cpu import TextExecutable, needs_compiler, poisoned

add = Kernel("add", lambda x, y: x + y)
double = Kernel("double", lambda x: 2 * x)
halve = Kernel("halve", lambda x: 0.5 * x)
positive = Kernel("positive", lambda x: x > 0)
exp_shifted = Kernel("exp_shifted", lambda z, top: np.exp(z - top))
divide = Kernel("divide", lambda e, total: e / total)
ONE = np.zeros(1, np.int64)


def names(instructions: list[Instruction]) -> list[str]:
    work = lower_program(instructions, np.empty)
    return ["dot" if isinstance(x, Dot) else x.source.name for x in work]


def counted(**options: Any) -> tuple[int, int]:
    """Launches and products of one step of 784-256-128-10."""
    sizes, batch, rule = [784, 256, 128, 10], 128, options.pop("optimizer", "adam")
    loss = options.pop("loss_function", "categorical_crossentropy")
    net = network(sizes, loss_function=loss, dropout=options.pop("dropout", 0.0))
    xp = CpuBackend()
    parameters = Parameters(net, xp, "float32")
    K = 1 if net.loss.link == "softmax" else 10
    w = np.ones((300, 1), "f") if options.pop("weighted", False) else None
    data = Data(np.zeros((300, 784), "f"), np.zeros((300, K), "f"), w)
    step = TrainingPlan(xp, net, parameters, optimizer(rule), data, batch, **options)
    work = lower_program(step.program.instructions, np.empty)
    products = sum(isinstance(x, Dot) for x in work)
    return len(work) - products, products


def test_the_launches_of_a_step() -> None:
    # gather; two activations; output and cost; the rest of the cost with tables and counters;
    # three sums or deltas with their sums; the update.
    assert counted() == (9, 8)
    assert counted(weighted=True) == (9, 8)
    assert counted(optimizer="momentum") == (9, 8)
    assert counted(dropout=0.5) == (9, 8)  # the masks are made beside the gathering
    # The cost of an output needs nothing of the others: the sum for its bias comes along.
    assert counted(loss_function="binary_crossentropy") == (8, 8)
    # A pass over the weights for the penalty; the two norms are products.
    assert counted(l2=0.1, clip_norm=1.0) == (10, 10)


def test_one_text_serves_every_layer_and_batch() -> None:
    def texts(n: int, m: int) -> list[str]:
        Z, top, total, out = (np.zeros(s) for s in ((n, m), (1, m), (1, m), (n, m)))
        return [x.source.text for x in lower_program(softmax(Z, top, total, out), np.empty)]  # type: ignore[union-attr]

    assert len(texts(3, 5)) == 1
    assert texts(3, 5) == texts(10, 128) == texts(200, 1000)


def softmax(Z: Any, top: Any, total: Any, out: Any) -> list[Instruction]:
    return [
        Reduce("max", Z, 0, top),
        Apply(exp_shifted, (Z, top), (out,)),
        Reduce("sum", out, 0, total),
        Apply(divide, (out, total), (out,)),
    ]


SHAPES = [(1, 1), (1, 40), (40, 1), (10, 33), (3, 300), (300, 3), (33, 64)]


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_softmax_in_one_launch(shape: tuple[int, int], dtype: str, rng: Any) -> None:
    Z = rng.normal(size=shape).astype(dtype) * 30
    top, total, out = poisoned((1, shape[1]), dtype), poisoned((1, shape[1]), dtype), Z.copy()
    instructions = softmax(out, top, total, out)
    if out.size > 1:  # a single number is a chore
        assert names(instructions) == ["fastnn_max_exp_shifted_sum_divide_columns"]
    TextExecutable(Program(tuple(instructions), {})).run()
    E = np.exp(Z.astype(float) - Z.max(axis=0))
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(out, E / E.sum(axis=0), rtol=tolerance, atol=1e-37)
    np.testing.assert_array_equal(top[0], Z.max(axis=0))


@needs_compiler
@pytest.mark.parametrize("shape", SHAPES)
def test_an_element_and_the_sum_of_its_row(shape: tuple[int, int], rng: Any) -> None:
    Z, b = rng.normal(size=shape), rng.normal(size=(shape[0], 1))
    labels, A, db = (
        rng.normal(size=shape[::-1]),
        poisoned(shape, "f8"),
        poisoned((shape[0], 1), "f8"),
    )
    kernel = Kernel("mix", lambda z, b, y, s: (z + b) * y + s)
    args = (Z, b, labels.T, np.array([2.5]))
    instructions: list[Instruction] = [Apply(kernel, args, (A,)), Reduce("sum", A, 1, db)]
    if A.size > 1:
        assert names(instructions) == ["fastnn_mix_sum_rows"]
    TextExecutable(Program(tuple(instructions), {})).run()
    np.testing.assert_allclose(A, (Z + b) * labels.T + 2.5, rtol=1e-15)
    np.testing.assert_allclose(db, A.sum(axis=1, keepdims=True), rtol=1e-12)


@needs_compiler
def test_a_nan_in_a_column_stays_in_it() -> None:
    Z = np.zeros((4, 40))
    Z[2, 7] = np.nan
    out, top, total = np.empty_like(Z), np.empty((1, 40)), np.empty((1, 40))
    TextExecutable(Program(tuple(softmax(Z, top, total, out)), {})).run()
    assert np.isnan(out).any(axis=0).nonzero()[0].tolist() == [7]
    assert np.isnan(out[:, 7]).all()


def test_sums_of_long_rows_stay_with_many_blocks() -> None:
    Z, db = np.zeros((10, 65536)), np.zeros((10, 1))
    assert names([Apply(double, (Z,), (Z,)), Reduce("sum", Z, 1, db)]) == [
        "fastnn_double_packs",
        *["fastnn_sum_rows_float64_float64"] * 2,
    ]


def test_lines_that_are_no_one_launch() -> None:
    Z, out = np.zeros((4, 5)), np.zeros((4, 5))
    top, side = np.zeros((1, 5)), np.zeros((4, 1))
    maximum = Reduce("max", Z, 0, top)
    assert fuse_lines([maximum, Apply(exp_shifted, (Z, top), (out,))]) is not None
    for broken in (
        [maximum, Reduce("sum", Z, 1, side)],  # along different axes
        [maximum, Apply(add, (Z, top), (np.zeros((4, 5), "f"),))],  # in another dtype
        [Apply(double, (top,), (top,)), maximum],  # not over the same elements
        [maximum, Apply(double, (Z[:, ::-1],), (out,))],  # a layout that is no line
        [Apply(add, (Z, top), (out,)), maximum],  # another thread may still read top
        [Apply(double, (out.T[:, :4].T,), (Z[:, :4],))],  # nothing is reduced
        [maximum, Apply(add, (Z, Z[:1]), (Z,))],  # a row that another thread writes
        [maximum, Reduce("max", out, 0, top)],  # a result that is written twice
    ):
        assert fuse_lines(broken) is None


# --- chains -----------------------------------------------------------------------------------


def test_a_chain_keeps_values_in_registers() -> None:
    Z, A, B = np.zeros((4, 5)), np.zeros((4, 5)), np.zeros((4, 5))
    both = compose(Apply(double, (Z,), (A,)), Apply(add, (A, Z), (B,)))
    assert both is not None
    assert [a is b for a, b in zip((*both.args, *both.outs), (Z, A, B), strict=True)] == [True] * 3
    again = compose(both, Apply(double, (B,), (A,)))  # A is written once, at the end
    assert again is not None
    assert len(again.outs) == 2
    assert str(again.kernel).splitlines()[1:] == [
        "    t1 = 2 * x",
        "    t2 = t1 + x",
        "    t3 = 2 * t2",
        "    return t3, t2",
    ]


def test_kernels_that_are_no_chain() -> None:
    Z, A, row = np.zeros((4, 5)), np.zeros((4, 5)), np.zeros((1, 5))
    first = Apply(double, (Z,), (A,))
    for second in (
        Apply(double, (row,), (np.zeros((1, 5)),)),  # another shape
        Apply(add, (Z, A[:1]), (np.zeros((4, 5)),)),  # a row that other threads write
        Apply(double, (A,), (np.zeros((4, 5), "f"),)),  # another dtype
        Apply(add, (row, row), (Z[:1],)),  # a part of the elements
    ):
        assert compose(first, second) is None
    truth = Apply(positive, (Z,), (A,))
    assert compose(truth, Apply(add, (A, A), (Z,))) is None  # 1 + 1 is 2, true + true is true


@needs_compiler
def test_the_update_after_clipping_is_one_launch(rng: Any) -> None:
    g, theta = rng.normal(size=70), rng.normal(size=70)
    before, factor = (g.copy(), theta.copy()), np.array([[0.25]])
    scale = Kernel("scale", lambda g, factor: g * factor)
    descend = Kernel("descend", lambda p, g: p - g)
    instructions: list[Instruction] = [
        Apply(scale, (g, factor.reshape(1)), (g,)),
        Apply(descend, (theta, g), (theta,)),
    ]
    assert names(instructions) == ["fastnn_scale_descend"]
    TextExecutable(Program(tuple(instructions), {})).run()
    np.testing.assert_array_equal(g, before[0] * 0.25)
    np.testing.assert_array_equal(theta, before[1] - before[0] * 0.25)


# --- small things and loops -------------------------------------------------------------------


@needs_compiler
def test_chores_see_what_the_one_before_wrote() -> None:
    cost, J, costs = np.arange(12.0).reshape(3, 4), poisoned((1, 1), "f8"), np.zeros(3)
    table, row, step = np.arange(6.0).reshape(3, 2), poisoned(2, "f8"), np.array([1])
    instructions: list[Instruction] = [
        Reduce("sum", cost, None, J),
        Apply(double, (J,), (J,)),
        Store(J, step, costs),
        Load(table, step, row),
        Advance(step, 1),
        Store(J, step, costs),
    ]
    assert len(names(instructions)) == 1
    TextExecutable(Program(tuple(instructions), {})).run()
    assert costs.tolist() == [0.0, 132.0, 132.0]
    assert row.tolist() == [2.0, 3.0]
    assert step.tolist() == [2]


@needs_compiler
def test_gathering_and_masks_side_by_side(rng: Any) -> None:
    X, Y = rng.normal(size=(9, 4)), np.arange(9.0).reshape(9, 1)
    order, position = np.array([8, 0, 3, 5]), np.array([1])
    outs = poisoned((3, 4), "f8"), poisoned((3, 1), "f8"), poisoned((5, 3), "f4")
    instructions: list[Instruction] = [
        Gather(X, order, position, outs[0]),
        Gather(Y, order, position, outs[1]),
        Uniform(5, 1, position, outs[2]),
    ]
    assert names(instructions) == ["fastnn_gather_with_gather_with_uniform"]
    TextExecutable(Program(tuple(instructions), {})).run()
    np.testing.assert_array_equal(outs[0], X[[0, 3, 5]])
    np.testing.assert_array_equal(outs[1], Y[[0, 3, 5]])
    wanted = np.empty((5, 3), np.float32)
    NumpyExecutable(Program((Uniform(5, 1, position, wanted),), {})).run()
    assert outs[2].tobytes() == wanted.tobytes()


def test_nothing_moves_past_what_it_depends_on() -> None:
    A, B, counter = np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(1, np.int64)
    other = np.zeros(1, np.int64)
    order, rows = np.zeros(2, np.int64), np.zeros((2, 2))
    # The gathering reads the counter between its two advances.
    assert names([Advance(counter, 1), Gather(A, order, counter, rows), Advance(counter, 1)]) == [
        "fastnn_advance_int64",
        "fastnn_gather_float64_float64",
        "fastnn_advance_int64",
    ]
    # The second counter is free to come along.
    assert (
        len(names([Advance(counter, 1), Gather(A, order, counter, rows), Advance(other, 1)])) == 2
    )
    # What a product needs stays before it, and what needs the product after it.
    assert names([Apply(double, (A,), (A,)), Dot(A, A, B), Apply(double, (B,), (B,))]) == [
        "fastnn_double",
        "dot",
        "fastnn_double",
    ]


# --- any program ------------------------------------------------------------------------------

ARRAYS = [(3, 4)] * 4 + [(1, 4)] * 2 + [(3, 1)] * 2 + [(1, 1)] * 2


@st.composite
def programs(draw: Any) -> tuple[list[np.ndarray], tuple[Instruction, ...]]:
    """Instructions that read and write a few arrays over and over."""
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    arrays = [rng.uniform(0.5, 2.0, size=shape) for shape in ARRAYS]
    counters = [np.array([0]), np.array([1])]
    table = rng.uniform(0.5, 2.0, size=(50, 1))
    found: list[Instruction] = []
    full, row, column, scalar = ((0, 4), (4, 6), (6, 8), (8, 10))

    def one(*kinds: tuple[int, int]) -> np.ndarray:
        kind = draw(st.sampled_from(kinds))
        return arrays[draw(st.integers(kind[0], kind[1] - 1))]

    for _ in range(draw(st.integers(2, 12))):
        match draw(st.integers(0, 7)):
            case 0 | 1:
                args = (one(full), one(full, row, column, scalar))
                found.append(Apply(draw(st.sampled_from([mean, ratio])), args, (one(full),)))
            case 2:
                found.append(Reduce(draw(st.sampled_from(["sum", "max"])), one(full), 0, one(row)))
            case 3:
                found.append(Reduce("sum", one(full), 1, one(column)))
            case 4:
                found.append(Reduce("max", one(full), None, one(scalar)))
            case 5:
                found.append(Apply(halve, (one(scalar),), (one(scalar),)))
            case 6:
                counter = draw(st.sampled_from(counters))
                found.append(Load(table, counter, one(scalar)))
            case 7:
                found.append(Advance(draw(st.sampled_from(counters)), 1))
    return [*arrays, *counters], tuple(found)


mean = Kernel("mean", lambda x, y: 0.5 * (x + y))
ratio = Kernel("ratio", lambda x, y: x / (x + y))


@needs_compiler
@settings(max_examples=10)
@given(programs())
def test_any_program_gives_the_numbers_of_its_instructions(
    drawn: tuple[list[np.ndarray], tuple[Instruction, ...]],
) -> None:
    arrays, instructions = drawn
    before = [a.copy() for a in arrays]
    alone = []
    for i in instructions:  # a program each: nothing to put together
        alone.append(TextExecutable(Program((i,), {})))
    for executable in alone:
        executable.run()
    wanted = [a.copy() for a in arrays]
    for a, values in zip(arrays, before, strict=True):
        a[...] = values
    TextExecutable(Program(instructions, {})).run()
    for found, value in zip(arrays, wanted, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-14)


def test_launches_keep_their_arguments_alive() -> None:
    """A graph of launches holds addresses; the arrays must live as long as the launches."""
    Z = np.zeros((10, 65536))
    work = lower_program([Reduce("sum", Z, 1, np.zeros((10, 1)))], np.empty)
    assert all(isinstance(x, Launch) for x in work)
    assert any(a is Z for x in work for a in x.args)  # type: ignore[union-attr]
    assert lower(Reduce("sum", Z, 1, np.zeros((10, 1))), np.empty)[0].source == work[0].source  # type: ignore[union-attr]
