"""CUDA C++ text of every kernel that a program needs, from the same graphs as the NumPy calls.

Text only: nothing here needs CuPy or a GPU. Which text with which sizes an instruction needs is
`lowering`'s business, running it `executor`'s. Sizes and numbers that change are arguments,
so that one text serves every layer and batch; types and access patterns are part of the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastnn.backend.expression import OPERATIONS
from fastnn.backend.graph import Graph, Value
from fastnn.errors import ArgumentError

#: How the text of every kernel begins: its name follows.
KERNEL = 'extern "C" __global__ void __launch_bounds__(256, 3) '

#: Threads of a block; the texts promise the compiler that it is never more. They also ask for room
#: for 3 blocks at once, 80 registers a thread: left to itself, it takes fewer and spills some.
THREADS = 256

C_TYPES = {
    "float32": "float",
    "float64": "double",
    "bool": "bool",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
}

#: Where a kernel finds the element of row i and column j; e = i * cols + j.
ACCESS = {
    "flat": "e",  # the same shape and order as the output
    "transposed": "j * rows + i",  # the (k, m) view of (m, k) rows
    "row": "j",  # (1, m), the same for every row
    "column": "i",  # (n, 1), the same for every column
    "scalar": "0",
    "strided": "i * i_{name} + j * j_{name}",  # any other view: two more arguments
}

#: One C++ expression per operation. {f}: "f" for float, "" for double; {T}: the type.
_TEMPLATES = {
    "negative": "-{0}",
    "absolute": "fabs{f}({0})",
    # 0 for both zeros; NaN stays NaN.
    "sign": "{0} > 0 ? ({T})1 : {0} < 0 ? ({T})-1 : {0} == 0 ? ({T})0 : {0}",
    "square": "{0} * {0}",
    "sqrt": "sqrt{f}({0})",
    "exp": "exp{f}({0})",
    "expm1": "expm1{f}({0})",
    "log": "log{f}({0})",
    "log1p": "log1p{f}({0})",
    "tanh": "tanh{f}({0})",
    "sin": "sin{f}({0})",
    "cos": "cos{f}({0})",
    "erf": "erf{f}({0})",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "power": "pow{f}({0}, {1})",
    # Not fmax and fmin: they drop a NaN, NumPy keeps it.
    "maximum": "({0} >= {1} || {0} != {0}) ? {0} : {1}",
    "minimum": "({0} <= {1} || {0} != {0}) ? {0} : {1}",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "logical_and": "{0} && {1}",
    "logical_or": "{0} || {1}",
    "logical_not": "!{0}",
    "where": "{0} ? {1} : {2}",
}


@dataclass(frozen=True)
class Source:
    """A kernel's C++ text and the name of its function."""

    name: str
    text: str


@dataclass(frozen=True)
class Operand:
    """What the text must know of an array: its dtype and access pattern."""

    dtype: str
    access: str = "flat"


def c_type(dtype: str, what: str) -> str:
    """Return the C++ type of a dtype; raise ArgumentError naming ``what`` if there is none."""
    if dtype not in C_TYPES:
        raise ArgumentError(
            f"{what} has dtype {dtype}, which the GPU kernels do not take: convert it first "
            f"(known: {', '.join(C_TYPES)})"
        )
    return C_TYPES[dtype]


def float_type(dtype: str, what: str) -> str:
    """Return "float" or "double"; raise ArgumentError naming ``what`` for any other dtype."""
    if dtype not in ("float32", "float64"):
        raise ArgumentError(f"{what} must be float32 or float64 on the GPU, found {dtype}")
    return C_TYPES[dtype]


def literal(value: float, dtype: str) -> str:
    """Return ``value``, rounded to ``dtype``, as C++ text that means exactly this number.

    >>> literal(0.1, "float32"), literal(0.1, "float64"), literal(-2.0, "float64")
    ('0.1f', '0.1', '(-2.0)')
    >>> literal(float("-inf"), "float32")
    '(-__int_as_float(0x7f800000))'
    """
    with np.errstate(over="ignore"):  # too large for float32 is infinity, as in NumPy
        number = np.dtype(dtype).type(value)
    single = dtype == "float32"
    if np.isnan(number):
        return (
            "__int_as_float(0x7fc00000)" if single else "__longlong_as_double(0x7ff8000000000000)"
        )
    if np.isinf(number):
        text = (
            "__int_as_float(0x7f800000)" if single else "__longlong_as_double(0x7ff0000000000000)"
        )
    else:
        text = str(abs(number)) + ("f" if single else "")  # the shortest text that reads back
    return f"(-{text})" if np.signbit(number) else text


def identifier(name: str, prefix: str) -> str:
    """Return a C++ name that says ``name`` and cannot be a word of the language.

    >>> identifier("my relu", "fastnn_")
    'fastnn_my_relu'
    """
    return prefix + re.sub(r"\W", "_", name, flags=re.ASCII)


def elementwise(
    name: str, graph: Graph, inputs: tuple[Operand, ...], outputs: tuple[Operand, ...], wide: bool
) -> Source:
    """Return the kernel ``outs = graph(*inputs)`` over ``rows * cols`` elements.

    It computes in the dtype of the first output (float32 or float64); inputs of other dtypes are
    converted as they are read. All inputs of an element are read before any output is written, so
    an output may be an input. ``wide`` asks for 64-bit indices. The arguments are the pointers of
    inputs and outputs, ``size, rows, cols``, and two strides for each "strided" operand.

    >>> relu = Graph(("z",), (Value("input", name="z"), Value("constant"),
    ...              Value("maximum", (0, 1))), (2,))
    >>> print(elementwise("relu", relu, (Operand("float32"),), (Operand("float32"),), False).text)
    extern "C" __global__ void __launch_bounds__(256, 3) fastnn_relu(
        const float* p_z, float* out0, unsigned int size, unsigned int rows, unsigned int cols)
    {
        const unsigned int step = gridDim.x * blockDim.x;
        for (unsigned int e = blockIdx.x * blockDim.x + threadIdx.x; e < size; e += step) {
            const float v_z = p_z[e];
            const float t1 = (v_z >= 0.0f || v_z != v_z) ? v_z : 0.0f;
            out0[e] = t1;
        }
    }
    """
    T = float_type(outputs[0].dtype, f"kernel {name!r}: the output")
    index = "long long" if wide else "unsigned int"
    names = [
        n if re.fullmatch(r"[A-Za-z_]\w*", n, re.ASCII) else str(place)
        for place, n in enumerate(graph.inputs)
    ]
    pointers = [f"p_{n}" for n in names] + [f"out{k}" for k in range(len(outputs))]
    operands = [*inputs, *outputs]
    types = [
        c_type(x.dtype, f"kernel {name!r}: {pointer}")
        for pointer, x in zip(pointers, operands, strict=True)
    ]
    elements = [
        f"{pointer}[{ACCESS[x.access].format(name=pointer)}]"
        for pointer, x in zip(pointers, operands, strict=True)
    ]
    parameters = [
        f"{'const ' if k < len(inputs) else ''}{ctype}* {pointer}"
        for k, (ctype, pointer) in enumerate(zip(types, pointers, strict=True))
    ]
    parameters += [f"{index} {n}" for n in ("size", "rows", "cols")]
    for pointer, x in zip(pointers, operands, strict=True):
        if x.access == "strided":
            parameters += [f"{index} i_{pointer}", f"{index} j_{pointer}"]
    before: list[str] = []
    loads: list[str] = []
    for k in sorted({graph.inputs.index(v.name) for v in graph.values if v.op == "input"}):
        value = as_number(elements[k], operands[k].dtype, outputs[0].dtype)
        # One number for all elements; no output overlaps it (`lowering` sees to that).
        (before if inputs[k].access == "scalar" else loads).append(
            f"const {T} v_{names[k]} = {value};"
        )
    lines, results = statements(graph, [f"v_{n}" for n in names], outputs[0].dtype)
    stores = [
        f"{element} = {_converted(results[o], T, ctype)};"
        for o, element, ctype in zip(
            graph.outputs, elements[len(inputs) :], types[len(inputs) :], strict=True
        )
    ]
    corners: list[str] = []
    if any(x.access not in ("flat", "scalar") for x in operands):
        corners.append(f"const {index} i = e / cols;")
    if any(x.access not in ("flat", "scalar", "column") for x in operands):
        corners.append(f"const {index} j = e - i * cols;")
    body = _grid_stride(index, [*corners, *loads, *lines, *stores])
    return _function(identifier(name, "fastnn_"), parameters, [*before, *body])


@dataclass(frozen=True)
class _Text:
    """A value in C++: its text and whether it is a truth value."""

    text: str
    truth: bool = False

    def number(self, T: str) -> str:
        """Return the text of the value as a number of C++ type ``T``."""
        return f"({T}){self.text}" if self.truth else self.text


def as_number(element: str, dtype: str, to: str) -> str:
    """Return the text of an element of dtype ``dtype`` as a number of dtype ``to``.

    >>> as_number("p[e]", "uint8", "float32")
    '(float)p[e]'
    """
    return element if dtype == to else f"({C_TYPES[to]}){element}"


def statements(graph: Graph, inputs: Sequence[str], dtype: str) -> tuple[list[str], list[_Text]]:
    """Return one line per operation of the graph, and the text of every value.

    ``inputs``: the text of each input. The temporaries have the numbers that the graph's own
    print gives them.
    """
    T = C_TYPES[dtype]
    lines: list[str] = []
    values: list[_Text] = []
    for v in graph.values:
        if v.op == "input":
            values.append(_Text(inputs[graph.inputs.index(v.name)]))
        elif v.op == "constant":
            values.append(_Text(literal(v.value, dtype)))
        else:
            t = f"t{len(lines) + 1}"
            truth = OPERATIONS[v.op].boolean
            line = _operation(v, [values[a] for a in v.args], T)
            lines.append(f"const {'bool' if truth else T} {t} = {line};")
            values.append(_Text(t, truth))
    return lines, values


def _operation(v: Value, args: list[_Text], T: str) -> str:
    if v.op == "add" and all(a.truth for a in args):  # as NumPy adds truth values
        return f"({T})({args[0].text} || {args[1].text})"
    wants_truth = [
        v.op.startswith("logical") or (v.op == "where" and k == 0) for k in range(len(args))
    ]
    texts = [
        (a.text if a.truth else f"({a.text} != 0)")
        if truth
        else _converted(a, T, T)
        for a, truth in zip(args, wants_truth, strict=True)
    ]  # fmt: skip
    return _TEMPLATES[v.op].format(*texts, f="f" if T == "float" else "", T=T)


def _converted(value: _Text, T: str, to: str) -> str:
    """Return the text of a value as type ``to``; it is of type ``T`` or bool."""
    found = "bool" if value.truth else T
    if found == to:
        return value.text
    return f"({value.text} != 0)" if to == "bool" else f"({to}){value.text}"


def _grid_stride(index: str, body: Sequence[str]) -> list[str]:
    """Return a loop in which the threads of the whole grid share out ``e`` from 0 to ``size``."""
    cast = "(long long)" if index == "long long" else ""
    return [
        f"const {index} step = {cast}gridDim.x * blockDim.x;",
        f"for ({index} e = {cast}blockIdx.x * blockDim.x + threadIdx.x; e < size; e += step) {{",
        *(f"    {line}" for line in body),
        "}",
    ]


def _function(name: str, parameters: Sequence[str], body: Sequence[str]) -> Source:
    lines = [
        f'extern "C" __global__ void __launch_bounds__({THREADS}, 3) {name}(',
        f"    {', '.join(parameters)})",
        "{",
        *(f"    {line}" for line in body),
        "}",
    ]
    return Source(name, "\n".join(lines))
