"""CUDA C++ text of large loops in which a thread moves 16 bytes at once: a pack of numbers.

What is memory-bound on a GPU, the optimiser's update above all, needs a quarter of the accesses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from string import Template

import numpy as np

from fastnn.backend.cuda.elementwise_text import (
    KERNEL,
    Operand,
    Source,
    c_type,
    identifier,
    literal,
    statements,
)
from fastnn.backend.graph import Graph
from fastnn.backend.program import Array, address

BYTES = 16
#: Elements from which packs pay: with fewer, more threads are better than wider ones.
WORTH_PACKS = 1 << 16

_PACK = "struct __align__(16) Pack {{ {T} of[{n}]; }};\n\n"


def per_pack(dtype: str) -> int:
    """Return how many numbers a pack has.

    >>> per_pack("float32"), per_pack("float64")
    (4, 2)
    """
    return BYTES // np.dtype(dtype).itemsize


def suit_packs(arrays: Sequence[Array], patterns: Sequence[str], rows: int, cols: int) -> bool:
    """Return whether a kernel over these operands can and should work in packs.

    All that is read or written element by element must be of one type and begin at a multiple of
    16 bytes; a pack never reaches into the next row where rows matter.
    """
    flat = [a for a, pattern in zip(arrays, patterns, strict=True) if pattern == "flat"]
    if not WORTH_PACKS <= rows * cols < 2**31 or not set(patterns) <= _PATTERNS:
        return False
    if {a.dtype.name for a in arrays} not in ({"float32"}, {"float64"}):
        return False
    line = rows * cols if set(patterns) <= {"flat", "scalar"} else cols
    whole = line % per_pack(arrays[0].dtype.name) == 0
    return whole and all(address(a) % BYTES == 0 for a in flat)


_PATTERNS = {"flat", "scalar", "column", "row"}


def elementwise_packs(
    name: str, graph: Graph, inputs: tuple[Operand, ...], outputs: tuple[Operand, ...]
) -> Source:
    """Return the kernel of `elementwise_text.elementwise`, with the same arguments, in packs.

    >>> from fastnn.backend.graph import trace
    >>> double, z = trace(lambda z: z * 2), Operand("float32")
    >>> print(elementwise_packs("double", double, (z,), (z,)).text)
    struct __align__(16) Pack { float of[4]; };
    <BLANKLINE>
    extern "C" __global__ void __launch_bounds__(256, 3) fastnn_double_packs(
        const float* a0, float* a1, unsigned int size, unsigned int rows, unsigned int cols)
    {
        const unsigned int step = 4 * gridDim.x * blockDim.x;
        for (unsigned int e = 4 * (blockIdx.x * blockDim.x + threadIdx.x); e < size; e += step) {
            const Pack q0 = *(const Pack*)(a0 + e);
            Pack q1;
            for (int k = 0; k < 4; ++k) {
                const float v0 = q0.of[k];
                const float t1 = v0 * 2.0f;
                q1.of[k] = t1;
            }
            *(Pack*)(a1 + e) = q1;
        }
    }
    """
    dtype = outputs[0].dtype
    T, n = c_type(dtype, name), per_pack(dtype)
    used = sorted({graph.inputs.index(v.name) for v in graph.values if v.op == "input"})
    outs = range(len(inputs), len(inputs) + len(outputs))
    parameters = [f"const {T}* a{k}" for k in range(len(inputs))] + [f"{T}* a{k}" for k in outs]
    parameters += [f"unsigned int {size}" for size in ("size", "rows", "cols")]
    of_one = {
        "flat": "q{k}.of[k]",
        "row": "a{k}[j + k]",
        "column": "c{k}",
        "scalar": "c{k}",
    }
    before = [f"const {T} c{k} = a{k}[0];" for k in used if inputs[k].access == "scalar"]
    first: list[str] = []
    if any(x.access in ("row", "column") for x in inputs):
        first.append("const unsigned int i = e / cols;")
    if any(x.access == "row" for x in inputs):
        first.append("const unsigned int j = e - i * cols;")
    first += [f"const {T} c{k} = a{k}[i];" for k in used if inputs[k].access == "column"]
    first += [
        f"const Pack q{k} = *(const Pack*)(a{k} + e);" for k in used if inputs[k].access == "flat"
    ]
    first += [f"Pack q{k};" for k in outs]
    reads = [f"const {T} v{k} = {of_one[inputs[k].access].format(k=k)};" for k in used]
    computed, results = statements(graph, [f"v{k}" for k in range(len(inputs))], dtype)
    writes = [
        f"q{k}.of[k] = {results[o].number(T)};" for k, o in zip(outs, graph.outputs, strict=True)
    ]
    lines = [
        *before,
        f"const unsigned int step = {n} * gridDim.x * blockDim.x;",
        f"for (unsigned int e = {n} * (blockIdx.x * blockDim.x + threadIdx.x); e < size; e += step)"
        " {",
        *(f"    {line}" for line in first),
        f"    for (int k = 0; k < {n}; ++k) {{",
        *(f"        {line}" for line in (*reads, *computed, *writes)),
        "    }",
        *(f"    *(Pack*)(a{k} + e) = q{k};" for k in outs),
        "}",
    ]
    whole = identifier(f"{name}_packs", "fastnn_")
    body = "\n".join(f"    {line}" for line in lines)
    head = f"{KERNEL}{whole}(\n    {', '.join(parameters)})"
    return Source(whole, _PACK.format(T=T, n=n) + f"{head}\n{{\n{body}\n}}")


# Neighbouring threads read neighbouring packs of one row. size and width count packs.
_GATHER = Template("""\
extern "C" __global__ void __launch_bounds__(256, 3) $name(
    const $T* source, const $I* order, const $P* position, $T* out,
    unsigned int size, unsigned int width, long long n_source, long long n_order)
{
    const long long first = position[0];
    const unsigned int step = gridDim.x * blockDim.x;
    for (unsigned int e = blockIdx.x * blockDim.x + threadIdx.x; e < size; e += step) {
        const unsigned int line = e / width;
        const long long at = first + line;
        const long long row = at >= 0 && at < n_order ? (long long)order[at] : -1;
        Pack pack;
        if (row >= 0 && row < n_source) {
            pack = ((const Pack*)source)[row * width + (e - line * width)];
        } else {
            for (int k = 0; k < $n; ++k) pack.of[k] = $missing;
        }
        ((Pack*)out)[e] = pack;
    }
}
""")


@lru_cache(maxsize=64)
def gather_packs(dtype: str, order: str, position: str) -> Source:
    """Return the kernel of `other_texts.gather` for rows that are whole packs of float numbers.

    Arguments: ``source, order, position, out, size, width, n_source, n_order``; ``size`` and
    ``width`` count packs.
    """
    name = f"fastnn_gather_packs_{dtype}"
    T, n = c_type(dtype, "gather: source"), per_pack(dtype)
    text = _GATHER.substitute(
        name=name, T=T, n=n, missing=literal(float("nan"), dtype),
        I=c_type(order, "gather: order"), P=c_type(position, "gather: position"),
    )  # fmt: skip
    return Source(name, _PACK.format(T=T, n=n) + re.sub(r"\n$", "", text))
