"""A kernel: the function, its graph, its derivative and its print belong together."""

import math

import numpy as np
import pytest

from fastnn.backend.graph import trace
from fastnn.backend.kernel import Kernel
from fastnn.errors import ArgumentError


def test_a_kernel_computes_what_its_function_does() -> None:
    kernel = Kernel("norm", lambda x, y: np.sqrt(x * x + y * y))
    assert kernel.inputs == ("x", "y")
    assert float(kernel(3.0, 4.0)) == 5.0
    assert kernel.n_outputs == 1
    assert repr(kernel) == "<kernel norm(x, y)>"


def test_a_kernel_of_a_graph_computes_too() -> None:
    one = Kernel("one", trace(lambda x: x + 1))
    two = Kernel("two", trace(lambda x: (x + 1, x * 2)))
    assert one(2.0) == 3.0
    assert two(2.0) == (3.0, 4.0)
    assert two.n_outputs == 2


def test_the_graph_is_traced_when_it_is_needed() -> None:
    calls = []

    def function(x):
        calls.append(x)
        return x + 1

    kernel = Kernel("k", function)
    assert calls == []
    assert kernel.graph is kernel.graph
    assert len(calls) == 1


def test_the_derivative_is_a_kernel() -> None:
    slope = Kernel("product", lambda x, y: x * y * y).derivative("y")
    assert slope.name == "d_product_d_y"
    assert slope(2.0, 3.0) == 12.0
    assert Kernel("sine", lambda x: np.sin(x)).derivative()(0.3) == pytest.approx(math.cos(0.3))


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(ArgumentError, match="'z' is not an input of the expression: x"):
        Kernel("k", lambda x: x).derivative("z")


def test_the_print_reads_like_a_function() -> None:
    expected = "f(a, b):\n    t1 = a * b\n    t2 = exp(t1)\n    return t2, t1"
    assert str(Kernel("f", lambda a, b: (np.exp(a * b), a * b))) == expected
