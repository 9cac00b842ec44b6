"""The table of demos: a row each, with the picture of the notes that it draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from fastnn.registry import Option, Table

if TYPE_CHECKING:
    from fastnn.demos.demo import Demonstration


@dataclass(frozen=True)
class Demo:
    """One row: what a demo is called, what it shows, and where its function is.

    ``notes`` are numbers of the notes' equations. The function has keyword arguments with
    defaults, each with its help (``Annotated[int, "..."]``): the options on the command line.
    """

    name: str  # as it is typed
    title: str
    notes: str
    picture: str  # which picture of the notes
    place: str  # module:function; the module has another name than the demo
    timed: bool = False  # whether some of its numbers are times
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()

    @property
    def function_name(self) -> str:
        """The name in ``fastnn.demos``."""
        return self.name.replace("-", "_")

    def load(self) -> Callable[..., Demonstration]:
        """Return the function."""
        module, _, function = self.place.partition(":")
        found: Callable[..., Demonstration] = getattr(import_module(module), function)
        return found


DEMOS: Table[Demo] = Table(
    "demo",
    [
        Demo(
            "forward",
            "The 3-4-1 network and its forward pass",
            "N1",
            "input, hidden and output layer, with every number",
            "fastnn.demos.forward_pass:forward",
        ),
        Demo(
            "activations",
            "Activations with their derivatives; tanh as the scaled sigmoid",
            "N2-N5",
            "the curves of sigmoid, tanh, ReLU and leaky ReLU, and their pros and cons",
            "fastnn.demos.activation_curves:activations",
        ),
        Demo(
            "derivative",
            "The derivative by its limit: secants, the tangent, and the error over h",
            "N16",
            "the limit definition of the derivative f'(c)",
            "fastnn.demos.limit_definition:derivative",
        ),
        Demo(
            "computation-graph",
            "J = 3(a + bc), or an expression of your own, with all its sensitivities",
            "N15",
            "the computation graph, and sensitivities by the chain rule",
            "fastnn.demos.chain_rule:computation_graph",
        ),
        Demo(
            "logistic-regression",
            "Logistic regression: its graph with da and dz; in loops and vectorised, timed",
            "N7, N12, N17",
            "logistic regression derivatives, and np.dot instead of loops",
            "fastnn.demos.one_neuron:logistic_regression",
            timed=True,
        ),
        Demo(
            "dot",
            "np.dot step by step: rows times columns, and what the shape is",
            "N1, N17",
            "the review of matrix multiplication",
            "fastnn.demos.matrix_product:dot",
        ),
        Demo(
            "blocks",
            "Forward and backward blocks of layers with their cache, all shapes and numbers",
            "N1, N12-N14",
            "forward and backward functions, layer by layer",
            "fastnn.demos.layer_blocks:blocks",
        ),
        Demo(
            "delta",
            "Errors flowing back, node by node, and the gradient of every weight",
            "N12-N14",
            "back-propagated errors, and neural network gradients",
            "fastnn.demos.error_flow:delta",
        ),
        Demo(
            "k-outputs",
            "A network with K outputs and its cost, with sigmoids and with softmax",
            "N9-N11",
            "the multi-classification problem, and the cost with its penalty",
            "fastnn.demos.several_outputs:k_outputs",
        ),
    ],
)
