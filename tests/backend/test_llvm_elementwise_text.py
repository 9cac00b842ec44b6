"""The LLVM text of every operation, operand and kernel computes what NumPy computes.

Single operations of arithmetic are compared exactly. Where several are in a row, LLVM may fuse a
product and a sum into one rounding, so the comparison is to a few units in the last place.
"""

import itertools
import math
import re
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.backend.compiled.elementwise_text import Operand, kernel_text, number
from fastnn.backend.derivative import derivative
from fastnn.backend.expression import OPERATIONS, erf
from fastnn.backend.graph import Graph, Value, trace
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy.elementwise import run_kernel
from fastnn.backend.program import Apply
from fastnn.nn.activations import ACTIVATIONS, activation
from fastnn.nn.losses import LOSSES, loss
from fastnn.nn.optimizers import OPTIMIZERS, optimizer
from tests.backend.compiled import compute, needs_compiler, run

DTYPES = ("float32", "float64")
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 20.0, -20.0, 1e-30, 1e30, math.pi]
SPECIAL += [math.inf, -math.inf, math.nan, 1e-44, -1e-310]  # and two below the normal numbers
APPROXIMATE = {"exp", "expm1", "log", "log1p", "tanh", "erf", "power", "sin", "cos"}
LOSES_SIGN = {"expm1", "tanh", "log1p", "erf", "maximum", "minimum"}  # of a zero


def operation_graph(name: str) -> Graph:
    """The graph of one operation on its inputs, not simplified."""
    arity = OPERATIONS[name].arity
    values = [Value("input", name=n) for n in "xyz"[:arity]]
    return Graph(tuple("xyz"[:arity]), (*values, Value(name, tuple(range(arity)))), (arity,))


def combinations(arity: int, dtype: str) -> list[np.ndarray]:
    """Arrays in which every tuple of special numbers comes up."""
    rows = np.array(list(itertools.product(SPECIAL, repeat=arity)), dtype)
    return [np.ascontiguousarray(column) for column in rows.T]


CASES = [(name, dtype) for name in OPERATIONS for dtype in DTYPES]


@pytest.fixture(scope="module")
def operations() -> dict[tuple[str, str], np.ndarray]:
    """Every operation on all special numbers, compiled in one go."""
    outs, steps = {}, []
    for name, dtype in CASES:
        args = combinations(OPERATIONS[name].arity, dtype)
        outs[name, dtype] = np.full(args[0].shape, 777.0, dtype)
        steps.append(Apply(Kernel(name, operation_graph(name)), tuple(args), (outs[name, dtype],)))
    run(steps)
    return outs


@needs_compiler
@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_every_operation_on_every_special_number(name: str, dtype: str, operations) -> None:
    args, found = combinations(OPERATIONS[name].arity, dtype), operations[name, dtype]
    wanted = np.empty_like(found)
    with np.errstate(all="ignore"):
        if name == "erf":
            wanted = np.array([math.erf(x) for x in args[0]], dtype)
        else:
            run_kernel(operation_graph(name), args, [wanted])
    if name in APPROXIMATE:
        tolerance = TOLERANCE[dtype]
        # The error of erf is absolute (see test_llvm_math), that of the others relative.
        atol = tolerance * (0.5 if name == "erf" else 1e-3)
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=atol)
    else:
        np.testing.assert_array_equal(found, wanted)
    if name not in LOSES_SIGN:
        numbers = ~np.isnan(wanted)
        assert (np.signbit(found) == np.signbit(wanted))[numbers].all()


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("expression", "x", "wanted"),
    [
        (lambda x: (x > 0) * 5, [-1.0, 2.0], [0.0, 5.0]),
        (lambda x: (x > 0) * (x < 3), [-1.0, 2.0, 4.0], [0.0, 1.0, 0.0]),
        (lambda x: np.logical_and(x, x < 3), [0.0, 2.0, np.nan], [0.0, 1.0, 0.0]),
        (lambda x: np.where(x, 7.0, x), [0.0, 2.0, np.nan], [0.0, 7.0, 7.0]),
        (lambda x: np.where(x > 1, x > 0, x < 5), [0.0, 2.0, 9.0], [1.0, 1.0, 1.0]),
        (lambda x: np.where(x > 1, x > 0, x), [0.5, 2.0], [0.5, 1.0]),
        (lambda x: (x > 0) + (x > 1), [-1.0, 0.5, 2.0], [0.0, 1.0, 1.0]),  # NumPy: or
        (lambda x: ((x > 0) + (x > 1)) * 3.0, [-1.0, 0.5, 2.0], [0.0, 3.0, 3.0]),
        (lambda x: np.logical_not(x == 2) * np.inf, [2.0, 1.0], [np.nan, np.inf]),
        (lambda x: np.exp(x > 0), [-1.0, 2.0], [1.0, math.e]),
        (lambda x: x > 0, [-1.0, 2.0, np.nan], [0.0, 1.0, 0.0]),
        (lambda x: np.maximum(x, np.nan), [1.0, np.nan], [np.nan, np.nan]),
        (lambda x: np.minimum(np.log(-1.0 + 0 * x), x), [1.0, np.nan], [np.nan, np.nan]),
        (lambda x: np.maximum(1.0, x), [0.5, 3.0, np.nan], [1.0, 3.0, np.nan]),
        (lambda x: x + np.inf, [1.0, -np.inf], [np.inf, np.nan]),
    ],
)
def test_truth_values_and_constants(expression: Any, x: Any, wanted: Any, dtype: str) -> None:
    with np.errstate(invalid="ignore"):
        (found,) = compute([expression], [np.array(x, dtype)], dtype)
    np.testing.assert_allclose(found, np.array(wanted, dtype), rtol=1e-6)


@pytest.mark.parametrize(
    "value",
    [0.0, -0.0, 0.1, -1 / 3, 1e-45, 5e-324, 3.4e38, 1.7e308, 1e22, math.inf, -math.inf, math.nan],
)
@pytest.mark.parametrize(("t", "dtype"), [("float", np.float32), ("double", np.float64)])
def test_a_constant_means_exactly_its_number(value: float, t: str, dtype) -> None:
    (found,) = struct.unpack(">d", bytes.fromhex(number(value, t).removeprefix("0x")))
    with np.errstate(over="ignore"):
        wanted = float(np.array(value, dtype))
    np.testing.assert_array_equal(found, wanted)
    assert math.copysign(1, found) == math.copysign(1, wanted)


# --- how operands lie in memory -----------------------------------------------------------------


def operands(rows: int, cols: int, dtype: str) -> dict[str, np.ndarray]:
    """One array of whole numbers per kind, all of which broadcast to (rows, cols)."""
    numbers, n = np.arange(1.0, 4 * rows * cols + 1, dtype=dtype), rows * cols
    return {
        "full": numbers[:n].reshape(rows, cols),
        "transposed": numbers[n : 2 * n].reshape(cols, rows).T,
        "wide transposed": numbers.reshape(2 * cols, 2 * rows)[:cols, :rows].T,
        "row": numbers[:cols].reshape(1, cols),
        "column": numbers[:rows].reshape(rows, 1),
        "scalar": numbers[2:3].reshape(1, 1),
        "zero dimensions": numbers[2],
    }


SHAPES = [(1, 1), (1, 5), (5, 1), (33, 127)]
MIXED = [*itertools.product(DTYPES, DTYPES)]


@needs_compiler
@pytest.mark.parametrize(
    ("rows", "cols", "dtypes"),
    [(n, m, ("float64", "float64")) for n, m in SHAPES] + [(3, 4, pair) for pair in MIXED],
)
def test_every_pair_of_operands(rows: int, cols: int, dtypes) -> None:
    """The second operand may have another type: float32 uniforms in a float64 network."""
    dtype, other = dtypes
    arrays = itertools.product(
        operands(rows, cols, dtype).items(), operands(rows, cols, other).items()
    )
    mix = Kernel("mix", lambda x, y: (3 * x - y, x + y))
    steps, checks = [], []
    for (name, x), (second, y) in arrays:
        x, y = np.asarray(x), np.asarray(y)
        if np.broadcast_shapes(x.shape, y.shape) == (rows, cols):
            outs = np.full((2, rows, cols), 777.0, dtype)
            steps.append(Apply(mix, (x, y), (outs[0], outs[1])))
            checks.append((f"{name}, {second}", outs, 3 * x - y, x + y))
    run(steps)
    assert len(checks) > 15
    for names, outs, first, second in checks:
        np.testing.assert_array_equal(outs[0], first, names)
        np.testing.assert_array_equal(outs[1], second, names)


@needs_compiler
def test_uniforms_in_float32_are_compared_in_float64() -> None:
    a, u = np.array([1.0, 2.0, 1 / 3, 4.0]), np.array([0.4999999, 0.5, 0.75, 0.1], np.float32)
    (out,) = compute([lambda a, u: np.where(u >= 0.5, a * 2, 0.0)], [a, u], np.float64)
    assert out.tolist() == [0.0, 4.0, 2 / 3, 0.0]


@needs_compiler
def test_float64_arguments_are_rounded_in_a_float32_kernel() -> None:
    (out,) = compute([lambda x: x * 1.0 + 0.0], [np.array([0.1, 1e300, -1e300])], np.float32)
    np.testing.assert_array_equal(out, np.float32([0.1, np.inf, -np.inf]))


@needs_compiler
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65, 1000])
@pytest.mark.parametrize("offset", [0, 1, 3])
def test_every_length_and_alignment(size: int, offset: int, rng) -> None:
    for dtype in DTYPES:
        memory = np.full(size + 8, 777.0, dtype)
        x, out = rng.standard_normal(size).astype(dtype), memory[offset : offset + size]
        run([Apply(Kernel("halve", lambda x: x * 0.5), (x,), (out,))])
        np.testing.assert_array_equal(out, x * np.array(0.5, dtype))
        assert (memory[:offset] == 777).all()
        assert (memory[offset + size :] == 777).all(), "wrote beyond its output"


# --- outputs on arguments -----------------------------------------------------------------------


@needs_compiler
@settings(max_examples=60)
@given(data=st.data())
def test_outputs_may_lie_on_arguments_in_every_way(expressions, data) -> None:
    n_outs = data.draw(st.integers(1, 3))
    trees = [data.draw(st.one_of(st.integers(0, 2), expressions.trees(3))) for _ in range(n_outs)]
    graph = trace(lambda a, b, c: tuple(expressions.interpret(t, a, b, c) for t in trees))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    n, m = data.draw(st.sampled_from([(3, 4), (1, 9), (9, 1), (5, 33)]))
    shapes = data.draw(st.lists(st.sampled_from([(n, m), (1, m), (n, 1)]), min_size=3, max_size=3))
    args = [rng.standard_normal(s).astype(dtype) for s in shapes]
    args[0] = rng.standard_normal((n, m)).astype(dtype)
    if data.draw(st.booleans()):
        args[1] = args[0]  # one array is two arguments
    if data.draw(st.booleans()):
        args[2] = rng.standard_normal((m, n)).astype(dtype).T
    whole = [i for i, a in enumerate(args) if a.shape == (n, m) and a.flags.c_contiguous]
    places = data.draw(st.permutations([*whole, None, None, None]))[:n_outs]
    outs: list[np.ndarray] = []
    for place in places:
        taken = place is None or any(args[place] is o for o in outs)
        outs.append(np.full((n, m), np.nan, dtype) if taken else args[place])
    expected = [
        np.broadcast_to(np.asarray(e, dtype), (n, m)).copy()
        for e in graph.evaluate(*(a.copy() for a in args))
    ]
    kept = [(a, a.copy()) for a in args if not any(a is o for o in outs)]
    run([Apply(Kernel("random", graph), tuple(args), tuple(outs))])
    for out, right in zip(outs, expected, strict=True):
        tolerance = (2e-5, 2e-6) if dtype == np.float32 else (1e-13, 1e-14)
        np.testing.assert_allclose(out, right, rtol=tolerance[0], atol=tolerance[1])
    for a, before in kept:
        np.testing.assert_array_equal(a, before, "an argument that is no output was written to")


@needs_compiler
def test_outputs_cross_over() -> None:
    x, y = np.arange(1.0, 101.0), np.arange(100.0, 0.0, -1.0)
    wanted = 3 * x - y, x + y
    run([Apply(Kernel("mix", lambda x, y: (3 * x - y, x + y)), (x, y), (y, x))])
    np.testing.assert_array_equal(y, wanted[0])
    np.testing.assert_array_equal(x, wanted[1])


# --- the library's own kernels ------------------------------------------------------------------


def table_kernels() -> list[tuple[str, Graph]]:
    """Each activation, loss and optimiser with its derivatives."""
    kernels: list[tuple[str, Graph]] = []
    for g in ACTIVATIONS:
        filled = activation(g.name)
        kernels.append((f"{g.name}_forward", trace(lambda z, f=filled: f.forward(z))))
        kernels.append((f"{g.name}_derivative", trace(lambda z, f=filled: f.derivative(z))))
        kernels.append((f"{g.name}_traced", derivative(kernels[-2][1])))
    for row in LOSSES:
        cost = loss(row.name)
        kernels.append((f"{row.name}_value", trace(lambda a, y, f=cost: f.value(a, y))))
        kernels.append((f"{row.name}_delta", trace(lambda a, y, f=cost: f.delta(a, y))))
    for rule in OPTIMIZERS:
        kernels.append((rule.name, optimizer(rule.name).kernel.graph))
        for place in next((o.choices for o in rule.options if o.name == "epsilon_placement"), ()):
            name = f"{rule.name}(epsilon_placement={place})"
            kernels.append((name, optimizer(name).kernel.graph))
    return kernels


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_activation_loss_and_optimiser(dtype: str, rng) -> None:
    steps = []
    for name, graph in table_kernels():
        args = [(rng.normal(size=64) * 3).astype(dtype) for _ in graph.inputs]
        args[0][:6] = [0.0, -0.0, 80.0, -80.0, 1.0, -1.0]
        if "poisson" in name or "exponential" in name:
            args[0][:] = np.minimum(args[0], 5)
        if name.split("(")[0] in ("rmsprop", "adam", "adamw"):
            args = [abs(a) + np.array(0.1, dtype) for a in args]
        outs = tuple(np.full(64, 777.0, dtype) for _ in graph.outputs)
        steps.append(Apply(Kernel(name, graph), tuple(args), outs))
    run(steps)
    assert len(steps) >= 3 * len(ACTIVATIONS.names) + 2 * len(LOSSES.names) + len(OPTIMIZERS.names)
    for step in steps:
        wanted = [np.empty(64, dtype) for _ in step.outs]
        with np.errstate(under="ignore"):
            run_kernel(step.kernel.graph, step.args, wanted)
        for found, expected in zip(step.outs, wanted, strict=True):
            scale = max(1.0, float(abs(expected).max()))
            rtol = 4 * TOLERANCE[dtype]
            np.testing.assert_allclose(
                found, expected, rtol=rtol, atol=rtol * scale, err_msg=step.kernel.name
            )


# --- the text itself ----------------------------------------------------------------------------


def test_an_argument_that_is_an_output_shares_its_pointer() -> None:
    graph = trace(lambda p, g, rate: p - rate * g)
    full, one = Operand("full", "float"), Operand("scalar", "float")
    made = kernel_text(
        "k", graph, [full, full, one], [full], [0, None, None], [False], "float", flat=True
    )
    assert made.pointers == (("arg", 1), ("arg", 2), ("out", 0))
    assert "%arg0" not in made.text
    assert made.text.count("noalias") == 3
    assert len(re.findall(r"= phi i64", made.text)) == 1, "one loop"


def test_the_text_depends_on_nothing_but_its_arguments() -> None:
    graph = trace(lambda x, y: (np.tanh(x) * y + erf(x), np.where(x > y, np.log(y), 2.0)))
    texts = {
        kernel_text(
            "k",
            graph,
            [Operand("transposed", "double", 7), Operand("row", "float")],
            [Operand("full", "double")] * 2,
            [None, None],
            [True, False],
            "double",
            flat=False,
        ).text
        for _ in range(3)
    }
    assert len(texts) == 1
    assert texts.pop().isascii()
