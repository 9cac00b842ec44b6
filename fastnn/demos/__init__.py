"""Demos: an idea each, run on the real engine, as three lines and a picture.

``demos.forward()`` in a notebook is ``fastnn demo forward`` on the command line. Each loads when it
is asked for:

>>> from fastnn import demos
>>> "forward" in dir(demos)
True
"""

from typing import TYPE_CHECKING

from fastnn.demos.table import DEMOS

if TYPE_CHECKING:  # the same names for type checkers and editors; a test keeps them equal
    from fastnn.demos.activation_curves import activations as activations
    from fastnn.demos.batch_sizes import batches as batches
    from fastnn.demos.chain_rule import computation_graph as computation_graph
    from fastnn.demos.decision_boundaries import boundaries as boundaries
    from fastnn.demos.equal_units import zero as zero
    from fastnn.demos.error_flow import delta as delta
    from fastnn.demos.forward_pass import forward as forward
    from fastnn.demos.initial_spread import initialisers as initialisers
    from fastnn.demos.initialisers_and_rates import grid_search as grid_search
    from fastnn.demos.layer_blocks import blocks as blocks
    from fastnn.demos.limit_definition import derivative as derivative
    from fastnn.demos.many_layers import exploding as exploding
    from fastnn.demos.matrix_product import dot as dot
    from fastnn.demos.one_neuron import logistic_regression as logistic_regression
    from fastnn.demos.raw_and_normalised import normalisation as normalisation
    from fastnn.demos.several_outputs import k_outputs as k_outputs
    from fastnn.demos.update_rules_compared import optimisers as optimisers

__all__ = [row.function_name for row in DEMOS]


def __getattr__(name: str) -> object:
    for row in DEMOS:
        if row.function_name == name:
            value = globals()[name] = row.load()
            return value
    from fastnn.registry import did_you_mean

    hint = "" if name.startswith("_") else did_you_mean(name, __all__)
    raise AttributeError(f"module 'fastnn.demos' has no demo {name!r}{hint}", name=name)


def __dir__() -> list[str]:
    return sorted(__all__)
