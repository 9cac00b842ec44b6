"""Nodes of an ONNX graph, one call each; expressions of the kernels become nodes too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.expression import OPERATIONS
from fastnn.backend.graph import Graph
from fastnn.errors import ArgumentError
from fastnn.extras import pip_install

Array = npt.NDArray[Any]

#: Operator set 18 (2022) and the machine-learning set 3: what runtimes of the last years know.
OPSET, ML_OPSET, IR_VERSION = 18, 3, 8
ML = "ai.onnx.ml"

#: Operations of an expression that are one node.
_ONE_NODE = {
    "negative": "Neg",
    "absolute": "Abs",
    "sign": "Sign",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "tanh": "Tanh",
    "sin": "Sin",
    "cos": "Cos",
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "power": "Pow",
    "maximum": "Max",
    "minimum": "Min",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "equal": "Equal",
}


def import_onnx() -> Any:
    """Return the package onnx; raise ArgumentError with the cure if it is not installed."""
    try:
        import onnx
    except ImportError:
        raise ArgumentError(
            f"the export to ONNX needs onnx, which is not installed: {pip_install('onnx')}"
        ) from None
    return onnx


class OnnxGraph:
    """A graph under construction; values are their names.

    >>> graph = OnnxGraph("square", taken=["X"])
    >>> product = graph.node("Mul", "X", "X")
    >>> graph.node("Mul", product, graph.constant(np.float32(2.0)))
    'Mul_2'
    """

    def __init__(self, name: str, taken: Collection[str]) -> None:
        self.onnx = import_onnx()
        self.name = name
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[Any] = []
        self._taken = set(taken)

    def unique(self, name: str) -> str:
        """Return ``name``, or with a number where it is taken, and take it."""
        free, number = name, len(self.nodes) + 1
        while free in self._taken:
            free, number = f"{name}_{number}", number + 1
        self._taken.add(free)
        return free

    def node(self, op: str, *inputs: str, domain: str = "", out: str = "", **options: Any) -> str:
        """Add a node with one output; return the output's name."""
        name = out or self.unique(op)
        made = self.onnx.helper.make_node(op, list(inputs), [name], domain=domain, **options)
        self.nodes.append(made)
        return name

    def constant(self, value: Any, name: str = "constant") -> str:
        """Return the name of a constant array; the same one again is not stored twice."""
        array = np.asarray(value)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            label = self.unique(name)
            stored = array.astype(object) if array.dtype.kind == "U" else array
            self._initializers.append(self.onnx.numpy_helper.from_array(stored, label))
            self._constants[key] = label
        return self._constants[key]

    def cast(self, value: str, dtype: Any) -> str:
        """Return ``value`` in another type."""
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.node("Cast", value, to=kind)

    def add_input(self, name: str, dtype: Any, columns: int) -> str:
        """Add an input (N, columns); ``dtype`` object is text."""
        self.inputs.append(self._info(name, dtype, ["N", columns]))
        return name

    def add_output(self, name: str, value: str, dtype: Any, columns: int | None) -> None:
        """Make ``value`` an output (N, columns), or (N,)."""
        named = self.node("Identity", value, out=self.unique(name))
        self.outputs.append(self._info(named, dtype, ["N"] if columns is None else ["N", columns]))

    def _info(self, name: str, dtype: Any, shape: list[Any]) -> Any:
        dtype = np.dtype(dtype)
        text = dtype.kind in "UO"
        kind = (
            self.onnx.TensorProto.STRING
            if text
            else self.onnx.helper.np_dtype_to_tensor_dtype(dtype)
        )
        return self.onnx.helper.make_tensor_value_info(name, kind, shape)

    def expression(self, graph: Graph, arguments: Mapping[str, str], dtype: Any) -> list[str]:
        """Add the nodes of an elementwise expression on arrays of ``dtype``; return its results.

        ONNX has no expm1 and log1p: they are ``exp(x) - 1`` and ``log(1 + x)``, exact to the
        rounding of numbers around 1. Runtimes know the error function in float32 only.
        """
        found: list[str] = []
        truth = [v.op in OPERATIONS and OPERATIONS[v.op].boolean for v in graph.values]

        def number(i: int) -> str:
            return self.cast(found[i], dtype) if truth[i] else found[i]

        def condition(i: int) -> str:
            return found[i] if truth[i] else self.cast(found[i], np.bool_)

        for v in graph.values:
            if v.op == "input":
                found.append(arguments[v.name])
            elif v.op == "constant":
                found.append(self.constant(np.array(v.value, dtype)))
            elif v.op == "where":
                found.append(
                    self.node("Where", condition(v.args[0]), number(v.args[1]), number(v.args[2]))
                )
            elif v.op in ("logical_and", "logical_or"):
                op = {"logical_and": "And", "logical_or": "Or"}[v.op]
                found.append(self.node(op, *(condition(a) for a in v.args)))
            elif v.op == "logical_not":
                found.append(self.node("Not", condition(v.args[0])))
            else:
                found.append(self._arithmetic(v.op, [number(a) for a in v.args], dtype))
        return [number(o) for o in graph.outputs]

    def _arithmetic(self, op: str, args: list[str], dtype: Any) -> str:
        one = self.constant(np.array(1, dtype)) if op in ("expm1", "log1p") else ""
        match op:
            case "square":
                return self.node("Mul", args[0], args[0])
            case "expm1":
                return self.node("Sub", self.node("Exp", args[0]), one)
            case "log1p":
                return self.node("Log", self.node("Add", args[0], one))
            case "not_equal":
                return self.node("Not", self.node("Equal", *args))
            case "erf" if np.dtype(dtype) == np.float64:
                return self.cast(self.node("Erf", self.cast(args[0], np.float32)), dtype)
            case "erf":
                return self.node("Erf", args[0])
            case _:
                return self.node(_ONE_NODE[op], *args)

    def model(self, metadata: Mapping[str, str], producer: str, version: str) -> Any:
        """Return the whole as a checked `onnx.ModelProto`."""
        helper = self.onnx.helper
        graph = helper.make_graph(
            self.nodes, self.name, self.inputs, self.outputs, self._initializers
        )
        opsets = [helper.make_opsetid("", OPSET)]
        if any(node.domain == ML for node in self.nodes):
            opsets.append(helper.make_opsetid(ML, ML_OPSET))
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=IR_VERSION,
            producer_name=producer,
            producer_version=version,
        )
        helper.set_model_props(model, dict(metadata))
        self.onnx.checker.check_model(model, full_check=True)
        return model
