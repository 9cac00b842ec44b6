"""Sums and maxima of lines together with what makes the numbers and what uses the results.

A block has whole lines to itself: rows, or 32 neighbouring columns. It goes over them in passes;
what a pass has summed up is known to all its threads in the next. Softmax with its cost is one
launch in this way, and so are a layer's delta and the gradient of its bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from fastnn.backend.cuda.elementwise_text import (
    ACCESS,
    C_TYPES,
    KERNEL,
    THREADS,
    Source,
    as_number,
    identifier,
    literal,
    statements,
)
from fastnn.backend.cuda.fused_elementwise import View, compose, view
from fastnn.backend.cuda.layout import access, overlap
from fastnn.backend.cuda.lowering import PART, Launch
from fastnn.backend.cuda.other_texts import COMBINE, TILE
from fastnn.backend.graph import Graph
from fastnn.backend.program import Apply, Array, Reduce, address, reads, writes

#: With fewer rows than this, long ones are shared between blocks instead (`lowering`).
MANY_ROWS = 512


@dataclass
class _Pass:
    """Elementwise work on every element of a line, then the reductions that it ends with."""

    apply: Apply | None = None
    reductions: list[Reduce] = field(default_factory=list)

    def add(self, i: Apply | Reduce) -> bool:
        """Take an instruction in; return False if it needs a pass of its own, or a kernel."""
        if isinstance(i, Reduce):  # a pass ends with any number of them
            self.reductions.append(i)
            return True
        for r in self.reductions:  # not known yet, or no longer what was summed
            if any(overlap(r.out, a) for a in i.args) or any(overlap(r.a, o) for o in i.outs):
                return False
        joined = i if self.apply is None else compose(self.apply, i)
        self.apply = joined or self.apply
        return joined is not None


def fuse_lines(instructions: Sequence[Apply | Reduce]) -> Launch | None:
    """Return one launch for instructions over the same (rows, cols), or None if there is none.

    At least one is a reduction along an axis; all of them along the same.
    """
    reductions = [i for i in instructions if isinstance(i, Reduce)]
    if not reductions or reductions[0].a.ndim != 2 or reductions[0].axis is None:
        return None
    rows, cols = reductions[0].a.shape
    down = reductions[0].axis % 2 == 0
    if not _suits(rows, cols, down) or not all(_fits(i, rows, cols, down) for i in instructions):
        return None
    if not _in_order(instructions, rows, cols):
        return None
    passes = [_Pass()]
    for i in instructions:
        if not passes[-1].add(i):
            passes.append(_Pass())
            if not passes[-1].add(i):
                return None
    return _launch(passes, rows, cols, down)


def _suits(rows: int, cols: int, down: bool) -> bool:
    """Return whether there are blocks enough, and lines short enough for one block."""
    if rows * cols == 0 or rows * cols >= 2**31:  # the text counts in 32 bits
        return False
    return rows <= PART if down else cols <= PART or rows >= MANY_ROWS


def _fits(i: Apply | Reduce, rows: int, cols: int, down: bool) -> bool:
    """Return whether an instruction goes over the same elements, in the same dtype."""
    if isinstance(i, Reduce):
        line = (1, cols) if down else (rows, 1)
        same = i.a.ndim == 2 and i.axis is not None and (i.axis % 2 == 0) == down
        return (
            same
            and tuple(i.a.shape) == (rows, cols)
            and tuple(i.out.shape) == line
            and i.out.flags.c_contiguous
            and i.a.flags.c_contiguous
            and i.a.dtype == i.out.dtype
        )
    patterns = [_pattern(a, rows, cols) for a in i.args]
    return (
        all(tuple(o.shape) == (rows, cols) and o.flags.c_contiguous for o in i.outs)
        and len({o.dtype.name for o in i.outs}) == 1
        and "strided" not in patterns
    )


def _pattern(a: Array, rows: int, cols: int) -> str:
    return access(view(a, rows, cols)[1], rows, cols)


def _in_order(instructions: Sequence[Apply | Reduce], rows: int, cols: int) -> bool:
    """Return whether every thread finds what the instructions before have left.

    What is written is used by the same thread, as the same element, or it is a result of a line
    that all its threads know; a result is written only once, and nothing reads it before.
    """
    # Threads do not wait for each other inside of a pass, so no one may read or overwrite what
    # another thread of the grid has written, or will.
    if len({w.dtype.name for i in instructions for w in writes(i)}) > 1:
        return False
    for k, later in enumerate(instructions):
        for earlier in instructions[: k + 1]:
            if isinstance(earlier, Reduce) and later is not earlier:
                # The others know the result from their registers, and leave it as it is.
                used = (later.a,) if isinstance(later, Reduce) else later.outs
                if any(overlap(earlier.out, a) for a in used):
                    return False
            # Written, then read: by the thread that wrote it.
            for w in writes(earlier):
                if later is not earlier and not _same(w, reads(later), rows, cols):
                    return False
            # Read or written, then written: likewise. The result of a line is another's at once.
            for w in writes(later):
                if isinstance(later, Reduce):
                    touched = (*reads(earlier), *(writes(earlier) if later is not earlier else ()))
                    if any(overlap(w, a) for a in touched):
                        return False
                elif not _same(w, (*reads(earlier), *writes(earlier)), rows, cols):
                    return False
    return True


def _same(written: Array, others: Sequence[Array], rows: int, cols: int) -> bool:
    place = view(written, rows, cols)
    return all(view(a, rows, cols) == place for a in others if overlap(written, a))


def _launch(passes: Sequence[_Pass], rows: int, cols: int, down: bool) -> Launch:
    operands: dict[tuple[int, str], Array] = {}  # the parameters, in the order of their use
    line_views: dict[View, int] = {}  # results of lines: every thread has them in a register
    described: list[_PassText] = []
    dtype = next(w.dtype.name for p in passes for w in _writes(p))

    def parameter(a: Array) -> int:
        key = (address(a), a.dtype.name)
        operands.setdefault(key, a)
        return list(operands).index(key)

    for p in passes:
        args: list[_Operand] = []
        outs: list[int] = []
        values: dict[View, int] = {}  # what is made or read in this pass: place of the result
        graph = Graph((), (), ()) if p.apply is None else p.apply.kernel.graph
        if p.apply is not None:
            for a in p.apply.args:
                key = view(a, rows, cols)
                if key in line_views:
                    args.append(_Operand(line=line_views[key]))
                else:
                    args.append(_Operand(parameter(a), a.dtype.name, _pattern(a, rows, cols)))
            outs = [parameter(o) for o in p.apply.outs]
            values = {view(o, rows, cols): k for k, o in enumerate(p.apply.outs)}
        reductions: list[_ReductionText] = []
        for r in p.reductions:
            # What this pass has just made is summed up from the register, else it is loaded.
            key = view(r.a, rows, cols)
            place = parameter(r.a) if key not in values else -1
            line_views[view(r.out, rows, cols)] = len(line_views)
            reductions.append(_ReductionText(r.how, values.get(key, -1), place, parameter(r.out)))
        name = "" if p.apply is None else p.apply.kernel.name
        described.append(_PassText(name, graph, tuple(args), tuple(outs), tuple(reductions)))
    written = {parameter(w) for p in passes for w in _writes(p)}
    types = tuple((key[1], k in written) for k, key in enumerate(operands))
    source = _source(tuple(described), types, dtype, down)
    if down:
        grid, threads = -(-cols // TILE), THREADS
    else:  # a power of two, for `_TOTAL` halves it; at least a warp, at most what a row can use
        grid, threads = rows, min(THREADS, max(32, 1 << (cols - 1).bit_length()))
    return Launch(source, grid, threads, (*operands.values(), np.uint32(rows), np.uint32(cols)))


def _writes(p: _Pass) -> tuple[Array, ...]:
    return (*(p.apply.outs if p.apply else ()), *(r.out for r in p.reductions))


# --- the text ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Operand:
    """An argument: element of a parameter, or the result ``line`` of an earlier pass."""

    parameter: int = -1
    dtype: str = ""
    access: str = ""
    line: int = -1


@dataclass(frozen=True)
class _ReductionText:
    how: str
    value: int  # which output of the pass is reduced, or -1: the parameter `place` is
    place: int
    out: int


@dataclass(frozen=True)
class _PassText:
    name: str
    graph: Graph
    args: tuple[_Operand, ...]
    outs: tuple[int, ...]
    reductions: tuple[_ReductionText, ...]


# All threads of a line get the result. Always combined in the same order: same numbers, same bits.
_TOTAL = """\
static __device__ inline {T} {how}_of_two({T} a, {T} b) {{ return {combine}; }}

static __device__ inline {T} {how}_of_line({T}* tile, {T} value)
{{
    tile[threadIdx.x] = value;
    __syncthreads();
    for (unsigned int half = blockDim.x / 2; half >= {width}; half /= 2) {{
        if (threadIdx.x < half) {{
            tile[threadIdx.x] = {how}_of_two(tile[threadIdx.x], tile[threadIdx.x + half]);
        }}
        __syncthreads();
    }}
    value = tile[threadIdx.x % {width}];
    __syncthreads();
    return value;
}}
"""


@lru_cache(maxsize=512)
def _source(
    passes: tuple[_PassText, ...], types: tuple[tuple[str, bool], ...], dtype: str, down: bool
) -> Source:
    T = C_TYPES[dtype]
    width = TILE if down else 1
    hows = dict.fromkeys(r.how for p in passes for r in p.reductions)
    helpers = [_TOTAL.format(T=T, how=h, combine=COMBINE[h][0], width=width) for h in hows]
    body = [f"__shared__ {T} tile[{THREADS}];"]
    if down:
        # 32 neighbouring columns, 8 rows at a time: each warp reads 128 bytes in one piece. Threads
        # right of the last column have nothing to add up, but all must come to `__syncthreads`.
        body += [
            f"const unsigned int j = blockIdx.x * {TILE} + threadIdx.x % {TILE};",
            f"const unsigned int first = threadIdx.x / {TILE}, end = j < cols ? rows : 0;",
        ]
        loop = f"for (unsigned int i = first; i < end; i += {THREADS // TILE}) {{"
        writer, place = f"threadIdx.x < {TILE} && j < cols", "j"
    else:
        body.append("const unsigned int i = blockIdx.x;")
        loop = "for (unsigned int j = threadIdx.x; j < cols; j += blockDim.x) {"
        writer, place = "threadIdx.x == 0", "i"
    known = 0
    for p in passes:
        totals = list(range(known, known + len(p.reductions)))
        known += len(totals)
        body += [
            f"{T} line{k} = {literal(COMBINE[r.how][1], dtype)};"
            for k, r in zip(totals, p.reductions, strict=True)
        ]
        body += [loop, *(f"    {line}" for line in _pass_lines(p, totals, dtype)), "}"]
        for k, r in zip(totals, p.reductions, strict=True):
            # All know the result; one thread of each line stores it.
            body.append(f"line{k} = {r.how}_of_line(tile, line{k});")
            body.append(f"if ({writer}) {{ a{r.out}[{place}] = line{k}; }}")
    words = [w for p in passes for w in (p.name, *(r.how for r in p.reductions)) if w]
    name = identifier("_".join(words)[:100] + ("_columns" if down else "_rows"), "fastnn_")
    parameters = [
        f"{'' if written else 'const '}{C_TYPES[d]}* a{k}" for k, (d, written) in enumerate(types)
    ]
    parameters += ["unsigned int rows", "unsigned int cols"]
    head = f"{KERNEL}{name}(\n    {', '.join(parameters)})"
    text = "\n".join([*helpers, head, "{", *(f"    {line}" for line in body), "}"])
    return Source(name, text)


def _pass_lines(p: _PassText, totals: Sequence[int], dtype: str) -> list[str]:
    """Return the lines for one element: load, compute, store, take into the sums."""
    T = C_TYPES[dtype]
    texts = [
        f"line{a.line}" if a.line >= 0
        else as_number(f"a{a.parameter}[{ACCESS[a.access]}]", a.dtype, dtype)
        for a in p.args
    ]  # fmt: skip
    read = [
        f"const {T} v{k} = {texts[k]};"
        for k in sorted({p.graph.inputs.index(v.name) for v in p.graph.values if v.op == "input"})
    ]
    computed, results = statements(p.graph, [f"v{k}" for k in range(len(texts))], dtype)
    values = [results[o].number(T) for o in p.graph.outputs]
    stored = [f"a{k}[e] = {value};" for k, value in zip(p.outs, values, strict=True)]
    taken = []
    for k, r in zip(totals, p.reductions, strict=True):
        value = values[r.value] if r.value >= 0 else f"a{r.place}[e]"
        taken.append(f"line{k} = {r.how}_of_two(line{k}, {value});")
    return ["const unsigned int e = i * cols + j;", *read, *computed, *stored, *taken]
