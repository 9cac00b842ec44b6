"""A kernel: one elementwise function, written once, with its graph, derivative and print."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from fastnn.backend.derivative import derivative
from fastnn.backend.expression import ScalarFunction
from fastnn.backend.graph import Graph, parameter_names, trace


class Kernel:
    """A named elementwise function; ``xp.apply(kernel, *arrays, out=...)`` runs it anywhere.

    Calling it runs the plain Python function, so that a kernel is also its own oracle:

    >>> import numpy as np
    >>> square_sum = Kernel("square_sum", lambda x, y: x * x + y * y)
    >>> float(square_sum(3.0, 4.0))
    25.0
    >>> print(square_sum)
    square_sum(x, y):
        t1 = square(x)
        t2 = square(y)
        t3 = t1 + t2
        return t3
    """

    def __init__(self, name: str, function: ScalarFunction | Graph) -> None:
        self.name = name
        if isinstance(function, Graph):
            self.graph = function  # fills the cached property
            self._function: ScalarFunction | None = None
            self.inputs = function.inputs
        else:
            self._function = function
            self.inputs = parameter_names(function)

    @cached_property
    def graph(self) -> Graph:
        """The traced expression, made when first needed."""
        assert self._function is not None
        return trace(self._function)

    @property
    def n_outputs(self) -> int:
        """How many results it has."""
        return len(self.graph.outputs)

    def __call__(self, *arguments: Any) -> Any:
        if self._function is not None:
            return self._function(*arguments)
        results = self.graph.evaluate(*arguments)
        return results[0] if len(results) == 1 else results

    def derivative(self, wrt: str | int = 0) -> Kernel:
        """Return the kernel of the derivative with respect to one argument (N15)."""
        slope = derivative(self.graph, wrt)
        name = self.inputs[wrt] if isinstance(wrt, int) else wrt
        return Kernel(f"d_{self.name}_d_{name}", slope)

    def __str__(self) -> str:
        body = "\n".join(f"    {line}" for line in str(self.graph).splitlines())
        return f"{self.name}({', '.join(self.inputs)}):\n{body}"

    def __repr__(self) -> str:
        return f"<kernel {self.name}({', '.join(self.inputs)})>"
