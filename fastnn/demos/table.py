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
        """Return the function, whose result remembers its arguments."""
        from fastnn.demos.demo import remembering

        module, _, function = self.place.partition(":")
        found: Callable[..., Demonstration] = getattr(import_module(module), function)
        return remembering(found)


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
        Demo(
            "normalisation",
            "Raw and normalised inputs: the bowl of the cost, and the way down in it",
            "N19",
            "contours of the cost before and after the inputs are normalised",
            "fastnn.demos.raw_and_normalised:normalisation",
            aliases=("normalization",),
        ),
        Demo(
            "exploding",
            "1.5^L and 0.5^L in a deep network; gradients by layer in random ones",
            "N20",
            "exploding and vanishing gradients of a deep network",
            "fastnn.demos.many_layers:exploding",
        ),
        Demo(
            "initialisers",
            "The variance of activations and errors through 20 layers, by initialiser",
            "N21-N23",
            "random weight initialisation, and its table by activation",
            "fastnn.demos.initial_spread:initialisers",
            aliases=("initializers",),
        ),
        Demo(
            "zero",
            "Weights initialised to zero: all hidden units stay equal",
            "N24",
            "what happens if weights are initialised to zero",
            "fastnn.demos.equal_units:zero",
        ),
        Demo(
            "batches",
            "All examples in a step, some, or one: costs and paths",
            "N25-N27",
            "batch, mini-batch and stochastic gradient descent: costs and paths",
            "fastnn.demos.batch_sizes:batches",
        ),
        Demo(
            "optimisers",
            "Gradient descent, momentum, RMSprop and Adam in a valley and on a real network",
            "N28-N30",
            "gradient descent with momentum, RMSprop and Adam",
            "fastnn.demos.update_rules_compared:optimisers",
            aliases=("optimizers",),
        ),
        Demo(
            "boundaries",
            "What networks of growing width can separate in the plane",
            "N1",
            "what a network separates: the boundaries of its decisions",
            "fastnn.demos.decision_boundaries:boundaries",
        ),
        Demo(
            "grid-search",
            "A grid search over initialisers and learning rates, as a heat map",
            "N32",
            "a few initialisers in a grid search",
            "fastnn.demos.initialisers_and_rates:grid_search",
        ),
    ],
)
