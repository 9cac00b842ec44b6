"""The C++ text of every operation, access pattern and kernel computes what NumPy computes."""

import itertools
import math
import random
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fastnn.backend.cuda.elementwise_text import C_TYPES, Operand, elementwise, literal
from fastnn.backend.cuda.layout import access, element_strides
from fastnn.backend.cuda.lowering import plan
from fastnn.backend.derivative import derivative
from fastnn.backend.expression import OPERATIONS
from fastnn.backend.graph import Graph, Value, trace
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy.elementwise import run_kernel
from fastnn.backend.program import Apply
from fastnn.errors import ArgumentError
from fastnn.nn.activations import ACTIVATIONS, activation
from fastnn.nn.losses import LOSSES, loss
from fastnn.nn.optimizers import OPTIMIZERS, optimizer
from tests.backend.cuda_on_cpu import compile_texts, execute, needs_compiler, poisoned, run

pytestmark = needs_compiler

DTYPES = ("float32", "float64")
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 20.0, -20.0, 1e-30, 1e30, math.pi]
SPECIAL += [math.inf, -math.inf, math.nan]


def close(found: Any, wanted: Any, dtype: str, scale: float = 1.0) -> None:
    """Compare to a few units in the last place of the largest term (``scale``)."""
    tolerance = TOLERANCE[dtype] * scale
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * 1e-3)


def combinations(arity: int, dtype: str) -> list[np.ndarray]:
    """Arrays in which every tuple of special numbers comes up."""
    rows = np.array(list(itertools.product(SPECIAL, repeat=arity)), dtype)
    return [np.ascontiguousarray(column) for column in rows.T]


def operation_graph(name: str) -> Graph:
    """The graph of one operation on its inputs; truth values go in as ``x > 0`` and out as 0, 1."""
    arity = OPERATIONS[name].arity
    values = [Value("input", name=n) for n in "xyz"[:arity]]
    return Graph(tuple("xyz"[:arity]), (*values, Value(name, tuple(range(arity)))), (arity,))


CASES = [(name, dtype) for name in OPERATIONS for dtype in DTYPES]


TRUTH: list[tuple[Any, list[float], list[float]]] = [
    (lambda x: (x > 0) * 5, [-1.0, 2.0], [0.0, 5.0]),
    (lambda x: (x > 0) * (x < 3), [-1.0, 2.0, 4.0], [0.0, 1.0, 0.0]),
    (lambda x: np.logical_and(x, x < 3), [0.0, 2.0, np.nan], [0.0, 1.0, 0.0]),
    (lambda x: np.where(x, 7.0, x), [0.0, 2.0, np.nan], [0.0, 7.0, 7.0]),
    (lambda x: np.where(x > 1, x > 0, x < 5), [0.0, 2.0, 9.0], [1.0, 1.0, 1.0]),
    (lambda x: (x > 0) + (x > 1), [-1.0, 0.5, 2.0], [0.0, 1.0, 1.0]),  # NumPy: or
    (lambda x: np.logical_not(x == 2) * np.inf, [2.0, 1.0], [np.nan, np.inf]),
]


@pytest.fixture(scope="module", autouse=True)
def _texts() -> None:
    """Compile the texts of the whole module at once: one call of g++ instead of dozens."""
    sources = []
    for name, dtype in CASES:
        args = combinations(OPERATIONS[name].arity, dtype)
        kernel = Kernel(name, operation_graph(name))
        sources += plan(Apply(kernel, tuple(args), (np.empty_like(args[0]),)), np.empty)
    for (expression, x, _), dtype in itertools.product(TRUTH, DTYPES):
        args = (np.array(x, dtype),)
        sources += plan(
            Apply(Kernel("truth", expression), args, (np.empty_like(args[0]),)), np.empty
        )
    for dtype in INTEGERS:
        sources += plan(Apply(one_hot, *label_case(dtype)), np.empty)
    for kernel, args, outs in table_cases():
        sources += plan(Apply(kernel, args, outs), np.empty)
    for rows, cols in SHAPES:
        for _, x, y, outs in access_cases(rows, cols):
            sources += plan(Apply(mix, (x, y), tuple(outs)), np.empty)
    for graph, args, outs in random_cases():
        sources += plan(Apply(Kernel("random", graph), args, outs), np.empty)
    compile_texts(launch.source for launch in sources)


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_every_operation_on_every_special_number(name: str, dtype: str) -> None:
    graph = operation_graph(name)
    args = combinations(OPERATIONS[name].arity, dtype)
    found, wanted = poisoned(args[0].shape, dtype), poisoned(args[0].shape, dtype)
    execute(Apply(Kernel(name, graph), tuple(args), (found,)))
    with np.errstate(all="ignore"):
        if name == "erf":  # NumPy has none: ours is a polynomial, Python's is the C library's
            wanted = np.array([math.erf(x) for x in args[0]], dtype)
        else:
            run_kernel(graph, args, [wanted])
    close(found, wanted, dtype)
    if name not in ("maximum", "minimum"):  # of 0 and -0 NumPy returns either
        numbers = ~np.isnan(wanted)
        assert (np.signbit(found) == np.signbit(wanted))[numbers].all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("expression", "x", "wanted"), TRUTH)
def test_truth_values(expression: Any, x: Any, wanted: Any, dtype: str) -> None:
    out = poisoned(len(x), dtype)
    execute(Apply(Kernel("truth", expression), (np.array(x, dtype),), (out,)))
    np.testing.assert_array_equal(out, np.array(wanted, dtype))


NUMBERS = [0.0, -0.0, 0.1, -1 / 3, 1e-45, 5e-324, 3.4e38, 1.7e308, 2.0**24 + 1, 1e22]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [*NUMBERS, math.inf, -math.inf, math.nan])
def test_a_literal_means_exactly_its_number(value: float, dtype: str) -> None:
    text = literal(value, dtype).replace("(", "").replace(")", "")
    bits = text.partition("0x")[2]
    if bits:
        wide = int(bits, 16).to_bytes(4 if dtype == "float32" else 8, "little")
        number = float(np.frombuffer(wide, dtype)[0]) * (-1 if text.startswith("-") else 1)
    else:
        assert text.endswith("f") == (dtype == "float32")
        number = float(text.removesuffix("f"))
    with np.errstate(over="ignore"):
        found, wanted = np.array(number).astype(dtype), np.array(value).astype(dtype)
    np.testing.assert_array_equal(found, wanted)
    assert np.signbit(found) == np.signbit(wanted)


# --- access patterns --------------------------------------------------------------------------


def views(rows: int, cols: int, dtype: str) -> dict[str, np.ndarray]:
    """One array of whole numbers per access pattern, all of which broadcast to (rows, cols)."""
    numbers = np.arange(1.0, 4 * rows * cols + 1, dtype=dtype)
    n = rows * cols
    return {
        "flat": numbers[:n].reshape(rows, cols),
        "transposed": numbers[n : 2 * n].reshape(cols, rows).T,
        "row": numbers[:cols].reshape(1, cols),
        "column": numbers[:rows].reshape(rows, 1),
        "scalar": numbers[2:3],
        "strided": numbers.reshape(2 * rows, 2 * cols)[::2, 1::2],
        "backwards": numbers[:n].reshape(rows, cols)[::-1, ::-1],
        "one row": numbers[:cols],
        "zero dimensions": numbers[2],
        "strided column": numbers.reshape(rows, 4 * cols)[:, 1:2],
    }


SHAPES = [(1, 1), (1, 5), (5, 1), (3, 4), (33, 127)]
mix = Kernel("mix", lambda x, y: (3 * x - y, x + y))


def access_cases(rows: int, cols: int) -> list[tuple[str, Any, Any, list[np.ndarray]]]:
    """Every pair of patterns that fits, with every pattern of the outputs."""
    arrays = {name: np.asarray(x) for name, x in views(rows, cols, "float64").items()}
    cases = []
    for (x, X), (y, Y) in itertools.product(arrays.items(), repeat=2):
        if np.broadcast_shapes(X.shape, Y.shape) == (rows, cols):
            for out in ("flat", "transposed", "strided"):
                outs = [views(rows, cols, "float64")[out] for _ in range(2)]
                cases.append((f"{x}, {y} -> {out}", X, Y, outs))
    return cases


@pytest.mark.parametrize(("rows", "cols"), SHAPES)
def test_every_access_pattern(rows: int, cols: int) -> None:
    for name, x, y, outs in access_cases(rows, cols):
        kept = [out.base.copy() for out in outs]
        execute(Apply(mix, (x, y), tuple(outs)))
        for out, base, wanted in zip(outs, kept, (3 * x - y, x + y), strict=True):
            np.testing.assert_array_equal(out, wanted, name)
            written = out.base != base
            out[...] = 0
            assert not (written & (out.base != 0)).any(), f"{name}: wrote beside its output"


def test_the_patterns_are_found() -> None:
    found = {
        name: access(element_strides(np.asarray(x), 3, 4), 3, 4)
        for name, x in views(3, 4, "float32").items()
    }
    assert found == {
        "flat": "flat",
        "transposed": "transposed",
        "row": "row",
        "column": "column",
        "scalar": "scalar",
        "strided": "strided",
        "backwards": "strided",
        "one row": "row",
        "zero dimensions": "scalar",
        "strided column": "strided",
    }


def test_a_transposed_output_is_written_in_the_order_of_its_memory() -> None:
    x, y, out = np.ones((4, 3)), np.ones((3, 1)), np.ones((4, 3))
    (launch,) = plan(Apply(mix, (x.T, y), (x.T, out.T)), np.empty)
    assert "out0[e]" in launch.source.text
    assert "p_x[e]" in launch.source.text
    assert "p_y[j]" in launch.source.text  # a column of the view is a row of the memory


@pytest.mark.parametrize("shape", [(7,), (1,), ()])
def test_arrays_of_less_than_two_dimensions(shape: tuple[int, ...]) -> None:
    x, y = np.full(shape, 2.0), np.full((), 3.0)
    outs = (np.empty(shape), np.empty(shape))
    execute(Apply(mix, (x, y), outs))
    assert (outs[0] == 3.0).all()
    assert (outs[1] == 5.0).all()


def test_nothing_is_launched_for_an_empty_array() -> None:
    empty = np.empty((0, 3))
    assert plan(Apply(mix, (empty, empty), (empty, empty)), np.empty) == []


def test_an_output_may_be_an_input() -> None:
    x, y = np.arange(1.0, 1001.0), np.arange(1000.0, 0.0, -1.0)
    wanted = 3 * x - y, x + y
    execute(Apply(mix, (x, y), (y, x)))  # crosswise
    np.testing.assert_array_equal(y, wanted[0])
    np.testing.assert_array_equal(x, wanted[1])


def test_few_threads_share_out_many_elements() -> None:
    x, y = np.arange(1000.0).reshape(10, 100), np.arange(100.0)
    outs = (np.empty_like(x), np.empty_like(x))
    launches = plan(Apply(mix, (x, y), outs), np.empty)
    run([replace(launch, blocks=2, threads=7) for launch in launches])
    np.testing.assert_array_equal(outs[0], 3 * x - y)


def test_the_text_with_64_bit_indices() -> None:
    x, y = np.arange(12.0).reshape(4, 3), np.arange(4.0).reshape(4, 1)
    outs = (np.empty_like(x), np.empty_like(x))
    (launch,) = plan(Apply(mix, (x, y), outs), np.empty)
    operands = Operand("float64"), Operand("float64", "column")
    source = elementwise("mix", mix.graph, operands, (Operand("float64"),) * 2, True)
    assert "long long e = (long long)blockIdx.x" in source.text
    sizes = [np.int64(n) for n in (12, 4, 3)]
    run([replace(launch, source=source, args=(x, y, *outs, *sizes))])
    np.testing.assert_array_equal(outs[1], x + y)


def test_large_arrays_get_64_bit_indices() -> None:
    for n, wide in ((2**31 - 1, False), (2**31, True)):
        # Claims n elements without having them: planning reads and writes none.
        array = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (n,), (4,))
        (launch,) = plan(Apply(Kernel("k", lambda x: x + 1), (array,), (array,)), np.empty)
        assert ("long long size" in launch.source.text) is wide
        assert launch.blocks == 8192


# --- dtypes -----------------------------------------------------------------------------------


def test_uniforms_in_float32_meet_activations_in_float64() -> None:
    a = np.array([1.0, 2.0, 1 / 3, 4.0])
    u = np.array([0.4999999, 0.5, 0.75, 0.1], np.float32)
    out = np.empty_like(a)
    kernel = Kernel("dropout", lambda a, u: np.where(u >= 0.5, a * 2, 0.0))
    execute(Apply(kernel, (a, u), (out,)))
    assert out.tolist() == [0.0, 4.0, 2 / 3, 0.0]


INTEGERS = [dtype for dtype in C_TYPES if not dtype.startswith("float")]
one_hot = Kernel("one_hot", lambda k, y: (np.where(k == y, 1.0, 0.0), k == y))


def label_case(dtype: str) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Classes 0, 1, 2 down and three labels along; float32 and truth values come out."""
    classes = np.arange(3.0, dtype=np.float32).reshape(3, 1)
    labels = np.array([[1, 0, 1]], dtype)
    return (classes, labels), (np.empty((3, 3), np.float32), np.empty((3, 3), dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_labels_of_every_integer_dtype(dtype: str) -> None:
    args, outs = label_case(dtype)
    execute(Apply(one_hot, args, outs))
    assert outs[0].tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert (outs[0] == outs[1]).all()


def test_dtypes_without_a_kernel_are_named() -> None:
    kernel = Kernel("k", lambda x: x + 1)
    for dtype in (np.float16, np.complex128):
        with pytest.raises(ArgumentError, match=r"kernel 'k': p_x has dtype .* convert it first"):
            plan(Apply(kernel, (np.ones(2, dtype),), (np.ones(2),)), np.empty)
    with pytest.raises(ArgumentError, match="kernel 'k': the output must be float32 or float64"):
        plan(Apply(kernel, (np.ones(2),), (np.ones(2, np.int64),)), np.empty)


@pytest.mark.parametrize(
    "names", [("double", "e"), ("i", "size"), ("β1", "β2"), ("p_x", "x"), ("exp", "i_p_exp")]
)
def test_no_name_of_an_argument_is_in_the_way(names: tuple[str, str]) -> None:
    graph = Graph(
        names, (*(Value("input", name=n) for n in names), Value("subtract", (0, 1))), (2,)
    )
    x = np.arange(12.0).reshape(3, 4)
    out = np.empty_like(x)
    execute(Apply(Kernel("während ∂", graph), (x, x[:, :1]), (out,)))
    np.testing.assert_array_equal(out, x - x[:, :1])


def test_the_text_is_plain_ascii_and_promises_its_block_size() -> None:
    source = elementwise(
        "été", trace(lambda z: z + 1), (Operand("float32"),), (Operand("float32"),), False
    )
    assert source.text.isascii()
    assert re.search(r"__launch_bounds__\(256, 3\) fastnn__t_\(", source.text)


# --- the library's own kernels ----------------------------------------------------------------


def table_cases() -> list[tuple[Kernel, tuple[np.ndarray, ...], tuple[np.ndarray, ...]]]:
    """Each activation, loss and optimiser with its derivative, in both dtypes, with its data."""
    rng = np.random.default_rng(5)
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
    cases = []
    for (name, graph), dtype in itertools.product(kernels, DTYPES):
        args = [np.array(rng.normal(size=64) * 3, dtype) for _ in graph.inputs]
        args[0][:6] = [0.0, -0.0, 80.0, -80.0, 1.0, -1.0]
        if "poisson" in name or "exponential" in name:
            args[0][:] = np.minimum(args[0], 5)
        if name.split("(")[0] in ("rmsprop", "adam", "adamw"):
            args = [abs(a) + np.dtype(dtype).type(0.1) for a in args]
        outs = tuple(poisoned(64, dtype) for _ in graph.outputs)
        cases.append((Kernel(name, graph), tuple(args), outs))
    return cases


def test_every_activation_loss_and_optimiser() -> None:
    names = set()
    for kernel, args, outs in table_cases():
        wanted = [poisoned(64, outs[0].dtype) for _ in outs]
        execute(Apply(kernel, args, outs))
        with np.errstate(under="ignore"):
            run_kernel(kernel.graph, args, wanted)
        for found, expected in zip(outs, wanted, strict=True):
            scale = max(1.0, float(abs(expected).max()))
            np.testing.assert_allclose(
                found,
                expected,
                rtol=4 * TOLERANCE[found.dtype.name],
                atol=4 * TOLERANCE[found.dtype.name] * scale,
                err_msg=kernel.name,
            )
        names.add(kernel.name)
    assert len(names) == 3 * len(ACTIVATIONS.names) + 2 * len(LOSSES.names) + 16


# --- random expressions -----------------------------------------------------------------------

UNARY = [
    lambda x: -x,
    abs,
    np.sign,
    np.tanh,
    np.sin,
    np.cos,
    lambda x: np.sqrt(abs(x)),
    lambda x: np.exp(-abs(x)),
    lambda x: np.expm1(-abs(x)),
    lambda x: np.log1p(abs(x)),
    lambda x: np.log(1 + x * x),
]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: np.tanh(x) * y,
    lambda x, y: x / (2 + np.cos(y)),
    lambda x, y: (1 + abs(x)) ** np.tanh(y),
    np.maximum,
    np.minimum,
    lambda x, y: np.where(x > y, y, x * 0.5),
    lambda x, y: np.where(np.logical_or(x <= 0.25, np.logical_not(y >= x)), 1.0, y),
]


def random_cases() -> list[tuple[Graph, tuple[np.ndarray, ...], tuple[np.ndarray, ...]]]:
    """60 expressions of up to 60 operations on a full, a row and a column operand."""
    chooser, rng, cases = random.Random(11), np.random.default_rng(11), []

    def expression(x: Any, y: Any, z: Any) -> Any:
        known = [x, y, z, 0.75]
        for _ in range(chooser.randint(1, 30)):
            if chooser.random() < 0.5:
                known.append(chooser.choice(UNARY)(chooser.choice(known[:3] + known[4:])))
            else:
                known.append(
                    chooser.choice(BINARY)(chooser.choice(known[:3]), chooser.choice(known))
                )
        return known[-1], known[len(known) // 2] + x

    for _ in range(60):
        x, y, z = rng.normal(size=(5, 7)), rng.normal(size=(1, 7)), rng.normal(size=(5, 1))
        graph = trace(expression)
        cases.append((graph, (x, y, z), (np.empty((5, 7)), np.empty((5, 7)))))
    return cases


def test_random_expressions() -> None:
    for graph, args, outs in random_cases():
        execute(Apply(Kernel("random", graph), args, outs))
        for found, wanted in zip(outs, graph.evaluate(*args), strict=True):
            np.testing.assert_allclose(
                found, np.broadcast_to(wanted, (5, 7)), rtol=1e-11, atol=1e-12
            )
