"""Tracing: what a function leaves as a graph, what is simplified, refused, printed and kept."""

import inspect
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.backend.expression import OPERATIONS, Operation, Symbol, erf
from fastnn.backend.graph import Graph, Value, trace
from fastnn.errors import ArgumentError

VALUES = np.array([[-2.5, -1.0, -0.0], [0.0, 0.75, 3.0]])
POSITIVE = np.array([[0.5, 1.0, 0.001], [2.0, 0.75, 3.0]])


@pytest.mark.parametrize("row", OPERATIONS.values(), ids=lambda row: row.name)
def test_every_operation_is_traced_and_evaluated(row: Operation) -> None:
    if row.name == "erf":
        graph, expected = trace(lambda x: erf(x)), [[math.erf(v) for v in r] for r in VALUES]
        np.testing.assert_array_equal(graph.evaluate(VALUES)[0], expected)
        return
    function = {1: lambda x: row.function(x), 2: lambda x, y: row.function(x, y)}.get(
        row.arity, lambda x, y, z: row.function(x, y, z)
    )
    graph = trace(function)
    assert [v.op for v in graph.values] == ["input"] * row.arity + [row.name]
    arguments = [POSITIVE, VALUES + 0.1, POSITIVE][: row.arity]
    np.testing.assert_array_equal(graph.evaluate(*arguments)[0], row.function(*arguments))


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (lambda x, y: x > y, "greater"),
        (lambda x, y: x >= y, "greater_equal"),
        (lambda x, y: x < y, "less"),
        (lambda x, y: x <= y, "less_equal"),
        (lambda x, y: x == y, "equal"),
        (lambda x, y: x != y, "not_equal"),
        (lambda x, y: x**y, "power"),
        (lambda x: 2**x, "power"),
        (lambda x: abs(x), "absolute"),
        (lambda x: np.fabs(x), "absolute"),
        (lambda x: -x, "negative"),
        (lambda x: 3 / x, "divide"),
        (lambda x: 3 - x, "subtract"),
        (lambda x, y: (x > 0) & (y > 0), "logical_and"),
        (lambda x, y: (x > 0) | (y > 0), "logical_or"),
        (lambda x: ~(x > 0), "logical_not"),
        (lambda x: np.clip(x, 0, 1), "minimum"),
    ],
)
def test_operators_are_their_numpy_functions(function, op) -> None:
    graph = trace(function)
    assert graph.values[-1].op == op
    arguments = [POSITIVE, VALUES][: len(graph.inputs)]
    np.testing.assert_array_equal(graph.evaluate(*arguments)[0], function(*arguments))


@pytest.mark.parametrize(
    ("function", "printed"),
    [
        (lambda z: z * 1, "return z"),
        (lambda z: 1 * z, "return z"),
        (lambda z: z + 0, "return z"),
        (lambda z: 0 + z, "return z"),
        (lambda z: z - 0, "return z"),
        (lambda z: z / 1, "return z"),
        (lambda z: z**1, "return z"),
        (lambda z: +z, "return z"),
        (lambda z: np.negative(-z), "return z"),
        (lambda z: z * 0, "return 0"),
        (lambda z: 0 / z, "return 0"),
        (lambda z: 0 - z, "t1 = negative(z)\nreturn t1"),
        (lambda z: z * -1, "t1 = negative(z)\nreturn t1"),
        (lambda z: z**2, "t1 = square(z)\nreturn t1"),
        (lambda z: z * z, "t1 = square(z)\nreturn t1"),
        (lambda z: z**0.5, "t1 = sqrt(z)\nreturn t1"),
        (lambda z: np.where(z > 0, z, z), "return z"),
        (lambda z: np.where(1.0, z, 3), "return z"),
        (lambda z: np.where(False, z, 3), "return 3"),
        (lambda z: z + (2 + 3) * 4, "t1 = z + 20\nreturn t1"),
        (lambda z: z * np.exp(0.0), "return z"),
        (lambda z: z + np.where(True, 2.0, 3.0), "t1 = z + 2\nreturn t1"),
        (lambda z: z > -1.5, "t1 = z > (-1.5)\nreturn t1"),
        (lambda z: (np.exp(z), z), "t1 = exp(z)\nreturn t1, z"),
        (lambda z, unused: z, "return z"),
        # what the chain rule makes of a kink becomes one selection
        (lambda z, d: d * np.where(z > 0, 1.0, 0.0), "t1 = z > 0\nt2 = where(t1, d, 0)\nreturn t2"),
        (lambda z, d: np.where(z > 0, 0.0, 1.0) * d, "t1 = z > 0\nt2 = where(t1, 0, d)\nreturn t2"),
    ],
)
def test_simplified_and_printed(function, printed: str) -> None:
    assert str(trace(function)) == printed


def test_equal_subexpressions_are_computed_once() -> None:
    graph = trace(lambda z: np.exp(z) / (1 + np.exp(z)) + np.tanh(np.exp(z)))
    assert [v.op for v in graph.values].count("exp") == 1


def test_a_default_argument_is_a_constant_not_an_input() -> None:
    assert trace(lambda z, slope=0.5: slope * z).inputs == ("z",)


@given(data=st.data())
def test_a_traced_expression_computes_what_the_function_does(expressions, data) -> None:
    tree = data.draw(expressions.trees(2))
    graph = trace(lambda x, y: expressions.interpret(tree, x, y))
    x, y = np.linspace(-2, 2, 9), np.linspace(3, -1, 9)
    expected = np.broadcast_to(expressions.interpret(tree, x, y), x.shape)
    found = np.broadcast_to(graph.evaluate(x, y)[0], x.shape)
    np.testing.assert_array_equal(found, expected)
    assert Graph.from_json(json.loads(json.dumps(graph.to_json()))) == graph
    assert len(set(graph.values)) == len(graph.values), "a value is computed twice"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda z: z if z > 0 else 0.0, r"cannot branch .* write np.where\(condition, a, b\)"),
        (lambda z: (z > 0) and z, "cannot branch"),
        (lambda z: max(z, 0), "cannot branch"),
        (lambda z: math.exp(z), r"math.exp, float\): use NumPy's functions, such as np.exp"),
        (lambda z: float(z), "cannot turn its argument into a number"),
        (lambda z: np.sum(z), "cannot use np.sum: only elementwise functions"),
        (lambda z: np.add.reduce(z), "cannot use np.add.reduce"),
        (lambda z: np.exp(z, where=True), "cannot use np.exp with where"),
        (
            lambda z: np.arctan(z),
            r"cannot use np.arctan; did you mean '\w*tan\w*'\? \(known: np.neg",
        ),
        (lambda z: np.heaviside(z, 0.0), "cannot use np.heaviside"),
        (lambda z: np.clip(z, min=0, max=1), "cannot use np.clip"),
        (lambda z: z + np.ones(3), "mixes its arguments with ndarray|cannot use"),
        (lambda z: z + "1", "mixes its arguments with str: only numbers"),
        (lambda z: z // 2, "not a kernel expression: .*//"),
        (lambda z: [z, z], "mixes its arguments with list"),
        (lambda z: (z > 0) - (z < 0), "cannot take subtract of truth values.*np.where"),
        (lambda z: -(z > 0), "cannot take negative of truth values"),
        (lambda z: np.sign(z > 0), "cannot take sign of truth values"),
        (max, "write a function of them around it, such as lambda z"),
    ],
)
def test_what_is_not_an_elementwise_expression_is_refused(function, said: str) -> None:
    with pytest.raises(ArgumentError, match=said) as caught:
        trace(function)
    assert "\n" not in str(caught.value)


def test_an_unknown_function_suggests_a_known_one() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'exp'"):
        trace(lambda z: np.exp2(z))


def test_a_truth_value_counts_as_a_number_where_numpy_lets_it() -> None:
    for function in (lambda z: (z > 0) * z, lambda z: 0 - (z > 0), lambda z: -1 * (z > 0)):
        np.testing.assert_array_equal(trace(function).evaluate(VALUES)[0], function(VALUES))


GOOD = {"inputs": ["z"], "values": [["input", "z"], ["exp", 0]], "outputs": [1]}


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": None},
        {"inputs": "z"[:0] + "zz"},
        {"inputs": [1]},
        {"values": [["input", "y"], ["exp", 0]]},
        {"values": [["input", "z"], ["exp", 1]]},
        {"values": [["input", "z"], ["exp", -1]]},
        {"values": [["input", "z"], ["exp", 0.0]]},
        {"values": [["input", "z"], ["exp", True]]},
        {"values": [["input", "z"], ["exp"]]},
        {"values": [["input", "z"], ["exp", 0, 0]]},
        {"values": [["input", "z"], ["__import__", 0]]},
        {"values": [["input", "z"], [["exp"], 0]]},
        {"values": [["input", "z"], []]},
        {"values": [["input", "z"], ["constant", "1"]]},
        {"values": [["input", "z"], ["constant", None]]},
        {"values": [["input", "z"], ["constant", 10**400]]},
        {"values": [["input", "z"], ["constant"]]},
        {"values": [["input", "z"], ["greater", 0, 0], ["negative", 1]]},
        {"values": 3},
        {"outputs": []},
        {"outputs": [2]},
        {"outputs": ["1"]},
        {"outputs": None},
    ],
)
def test_a_foreign_graph_is_refused(change) -> None:
    assert Graph.from_json(GOOD).evaluate(0.0) == (1.0,)
    with pytest.raises(ArgumentError, match=r"^not an expression graph|truth values"):
        Graph.from_json({**GOOD, **change})


@pytest.mark.parametrize("data", [None, [], "exp", 3, {}, {"inputs": ["z"]}])
def test_what_is_no_graph_at_all_is_refused(data) -> None:
    with pytest.raises(ArgumentError, match="not an expression graph"):
        Graph.from_json(data)


def test_a_graph_survives_json_bit_by_bit() -> None:
    graph = trace(lambda z: 0.1 * z + 1e-300 * np.exp(z) - math.pi)
    again = Graph.from_json(json.loads(json.dumps(graph.to_json())))
    assert again == graph
    assert Value("constant", value=math.pi) in again.values


def test_erf_of_numbers_and_arrays() -> None:
    assert float(erf(0.5)) == math.erf(0.5)
    assert erf(VALUES).shape == VALUES.shape
    assert erf(np.zeros((2, 0))).shape == (2, 0)
    assert isinstance(erf(Symbol("input", name="z")), Symbol)


def test_the_signature_names_the_inputs() -> None:
    def f(first, second): ...

    assert list(inspect.signature(f).parameters) == ["first", "second"]
    assert trace(lambda first, second: first - second).inputs == ("first", "second")
