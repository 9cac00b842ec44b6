"""Random kernel expressions: trees of operations that are finite for every finite argument."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

ONE = {
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "abs": abs,
    "minus": lambda x: -x,
    "square": lambda x: x * x,
    "cube_root_of_size": lambda x: np.sqrt(1.0 + abs(x)),
    "log1p_size": lambda x: np.log1p(abs(x)),
    "exp_minus_size": lambda x: np.exp(-abs(x)),
}
TWO = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "divide": lambda x, y: x / (1.0 + y * y),
}
THREE = {
    "where": lambda c, x, y: np.where(c > 0.1, x, y),
    "where_both": lambda c, x, y: np.where((c > x) & (c <= 1.0), x, y),
}


def interpret(tree: Any, *arguments: Any) -> Any:
    """Evaluate a tree on numbers, arrays, symbols or anything else that NumPy's names take."""
    if isinstance(tree, int):
        return arguments[tree]
    if isinstance(tree, float):
        return tree
    name, *parts = tree
    function = {**ONE, **TWO, **THREE}[name]
    return function(*(interpret(part, *arguments) for part in parts))


@pytest.fixture(scope="session")
def expressions() -> SimpleNamespace:
    """``trees(n)``: a strategy for expressions of n arguments; ``interpret(tree, *arguments)``.

    Every tree starts from an argument, so that the result has an argument's shape.
    """

    def trees(n: int) -> st.SearchStrategy[Any]:
        leaves = st.integers(0, n - 1) | st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, -0.25])

        def bigger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
            return (
                st.tuples(st.sampled_from(sorted(ONE)), inner)
                | st.tuples(st.sampled_from(sorted(TWO)), inner, inner)
                | st.tuples(st.sampled_from(sorted(THREE)), inner, inner, inner)
            )

        whole = st.recursive(leaves, bigger, max_leaves=8)
        argument = st.integers(0, n - 1)
        two = st.tuples(st.sampled_from(sorted(TWO)), argument, whole)
        return two | st.tuples(st.sampled_from(sorted(THREE)), whole, argument, whole)

    return SimpleNamespace(trees=trees, interpret=interpret)
