"""Several launches as one: each text becomes a function that the new kernel calls.

A small network's step is bound by the number of launches and by nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from fastnn.backend.cuda.elementwise_text import KERNEL, Source
from fastnn.backend.cuda.lowering import Launch

#: The most arguments of a kernel that was put together: CUDA takes 4 KB of them.
MAX_ARGUMENTS = 200


def side_by_side(launches: Sequence[Launch]) -> Launch:
    """Return one launch for several that do not touch what another of them writes.

    Each must be a loop in which the threads of the whole grid share out the work.
    """
    return _combined(launches, "with", [""] * (len(launches) - 1))


def in_turn(launches: Sequence[Launch]) -> Launch:
    """Return one launch for several of a single block each, the next seeing what the last wrote."""
    return _combined(launches, "then", ["__syncthreads();"] * (len(launches) - 1))


def _combined(launches: Sequence[Launch], word: str, between: Sequence[str]) -> Launch:
    if len(launches) == 1:
        return launches[0]
    return Launch(
        _source(tuple(x.source for x in launches), word, tuple(between)),
        max(x.blocks for x in launches),
        max(x.threads for x in launches),
        tuple(a for x in launches for a in x.args),
    )


@lru_cache(maxsize=1024)
def _source(sources: tuple[Source, ...], word: str, between: tuple[str, ...]) -> Source:
    functions: dict[Source, str] = {}
    parts: list[str] = []
    parameters: list[str] = []
    calls: list[str] = []
    for source, gap in zip(sources, (*between, ""), strict=True):
        if source not in functions:
            functions[source] = f"part{len(functions)}"
            function = source.text.replace(KERNEL, "static __device__ __forceinline__ void ")
            parts.append(f"namespace {functions[source]} {{\n{function}\n}}\n")
        types = parameter_types(source)
        names = [f"a{len(parameters) + k}" for k in range(len(types))]
        parameters += [f"{t} {n}" for t, n in zip(types, names, strict=True)]
        calls.append(f"    {functions[source]}::{source.name}({', '.join(names)});")
        if gap:
            calls.append(f"    {gap}")
    name = _name([s.name.removeprefix("fastnn_") for s in sources], word)
    body = "\n".join(calls)
    head = f"{KERNEL}{name}(\n    {', '.join(parameters)})"
    return Source(name, "\n".join([*parts, f"{head}\n{{\n{body}\n}}"]))


def parameter_types(source: Source) -> list[str]:
    """Return the C++ types of a kernel's parameters.

    >>> from fastnn.backend.cuda.other_texts import advance
    >>> parameter_types(advance("int64"))
    ['long long*', 'long long']
    """
    start = source.text.index(f"{KERNEL}{source.name}(") + len(f"{KERNEL}{source.name}(")
    declared = source.text[start : source.text.index(")", start)]
    return [" ".join(p.split()[:-1]) for p in declared.split(",")]


def _name(names: Sequence[str], word: str) -> str:
    """Return a name that says what is in the kernel: a profiler shows nothing else.

    >>> _name(["gather_float32_float32", "gather_float32_float32", "uniform"], "with")
    'fastnn_gather_with_gather_with_uniform'
    """
    short = [re.sub(r"(_(float|u?int)\d+)+$", "", n) for n in names]
    return "fastnn_" + f"_{word}_".join(short)[:100]
