"""From the instructions of a program to calls of compiled functions, a share for each thread."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.compiled.barriers import Access, Share, access, shares
from fastnn.backend.compiled.compilable import check_compilable, operand_of, type_of
from fastnn.backend.compiled.elementwise_text import Operand, kernel_text
from fastnn.backend.compiled.other_texts import GATHER, LOAD, STORE, reduce_text
from fastnn.backend.compiled.per_column import hoist_rows
from fastnn.backend.compiled.products import (
    Product,
    blas_call,
    is_written_out,
    pointer,
    product_call,
    product_texts,
    scratch_elements,
)
from fastnn.backend.compiled.row_sums import fuse_row_sums
from fastnn.backend.graph import Graph
from fastnn.backend.host.blas import Blas
from fastnn.backend.program import (
    Advance,
    Apply,
    Array,
    Dot,
    Gather,
    Instruction,
    Load,
    Program,
    Reduce,
    Store,
    Uniform,
    UniformColumns,
    address,
    reads,
    same_elements,
)
from fastnn.backend.random import UniformStream
from fastnn.backend.stack import Stack


@dataclass(frozen=True)
class Task:
    """One instruction: for each thread the lines that do its share; and what they touch.

    A line calls kernel number k as ``call void {k}(...)``: its address is known only when all
    kernels are compiled.
    """

    lines: list[list[str]]
    touched: list[Access]


@dataclass(frozen=True)
class Lowered:
    """A program's tasks, the texts of their kernels, and memory that only they know of.

    ``calls_back``: it calls Python functions; ``errors`` receives what they raise.
    """

    tasks: list[Task]
    texts: list[str]
    kept: list[Any]
    calls_back: bool
    errors: list[BaseException]
    private: list[Array]  # the code's own memory, (copies, ...) each


def lower_program(
    program: Program, threads: int, blas: Blas, stack: Stack | None = None, copies: int = 1
) -> Lowered:
    """Lower a program; raises NotCompilableError for what compiled code cannot do.

    ``stack``: the program is for the first network of it, and the text around the lines knows the
    number of the network as ``i64 %network``; so many ``copies`` of the code's own memory are made.
    """
    lowering = _Lowering(threads, blas, stack, copies)
    instructions = list(program.instructions)
    while instructions:
        # What follows is handed over, because a kernel may fuse a sum that comes later.
        lowering.add(instructions.pop(0), instructions)
    return Lowered(
        lowering.tasks, lowering.texts, lowering.kept, lowering.calls_back, lowering.errors,
        lowering.private,
    )  # fmt: skip


class _Lowering:
    """Collects tasks. Used once, then thrown away."""

    def __init__(self, threads: int, blas: Blas, stack: Stack | None, copies: int) -> None:
        self.threads, self.blas, self.stack, self.copies = threads, blas, stack, copies
        self.tasks: list[Task] = []
        self.texts: list[str] = []
        self.kept: list[Any] = []
        self.private: list[Array] = []
        self.scratch: dict[tuple[int, str], Array] = {}
        self.calls_back = False
        self.errors: list[BaseException] = []

    def add(self, i: Instruction, following: list[Instruction]) -> None:
        check_compilable(i)
        match i:
            case Apply():
                self._apply(i, following)
            case Dot():
                self._dot(i)
            case Reduce():
                self._reduce(i)
            case Gather():
                self._gather(i)
            case Load():
                text = LOAD.replace("WIDTH", str(i.out.nbytes))
                call = self._call(text, i.table, i.counter, i.out)
                self._alone([call], reads=[i.table, i.counter], writes=[i.out])
            case Store():
                text = STORE.replace("WIDTH", str(i.value.nbytes))
                call = self._call(text, i.table, i.counter, i.value)
                self._alone([call], reads=[i.counter, i.value], writes=[i.table])
            case Advance():
                self._advance(i)
            case Uniform() | UniformColumns():
                self._called_back(i)

    def _call(self, text: str, *arrays: Array, numbers: Sequence[int] = ()) -> str:
        self.texts.append(text)
        arguments = ", ".join([pointer(a) for a in arrays] + [f"i64 {n}" for n in numbers])
        return f"call void {{{len(self.texts) - 1}}}({arguments})"

    def _alone(self, lines: list[str], reads: Sequence[Array], writes: Sequence[Array]) -> None:
        """A task of the first thread: too small to share, or an order of its own to keep."""
        touched = [access(a, 0, None, write=False) for a in reads]
        touched += [access(a, 0, None, write=True) for a in writes]
        self.tasks.append(Task([lines] + [[] for _ in range(self.threads - 1)], touched))

    # Elementwise kernels

    def _apply(self, i: Apply, following: list[Instruction]) -> None:
        out = i.outs[0]
        graph, args = i.kernel.graph, list(i.args)
        parts = hoist_rows(graph, [operand_of(a, out).kind for a in args])
        if parts is not None:
            # The logarithm of a softmax's sum, say: a kernel over one row, before the other.
            made = [self._memory((1, out.shape[1]), out.dtype) for _ in parts.first.outputs]
            self._kernel(parts.first, [args[k] for k in parts.first_inputs], made, {})
            graph, args = parts.rest, [*(args[k] for k in parts.rest_inputs), *made]
        self._kernel(graph, args, i.outs, fuse_row_sums(i, following))

    def _kernel(
        self, graph: Graph, args: Sequence[Array], outs: Sequence[Array], sums: dict[int, Array]
    ) -> None:
        out = outs[0]
        n, m = out.shape if out.ndim == 2 else (1, out.size)
        # By estimate, four operations take as long as loading and storing an element.
        work = out.size * max(1, len(graph.values) // 4)
        # The sum of a row is one thread's: parts of it would have to be added up in some order.
        parts = shares(n, m, self.threads, work, by_rows=True if sums else None)
        operands = [operand_of(a, out) for a in args]
        # One loop over all elements is quicker than one for each row. It needs operands that lie
        # like the result, and shares without gaps: whole rows.
        same = all(o.kind in ("full", "scalar") for o in operands)
        flat = same and not sums and (n == 1 or all(p.last == m for p in parts if not p.empty))
        made = kernel_text(
            "NAME",
            graph,
            operands,
            [Operand("full", type_of(o)) for o in outs],
            # In place: argument and result must be one pointer, for pointers promise LLVM that no
            # other one leads to the same memory.
            [next((k for k, o in enumerate(outs) if same_elements(a, o)), None) for a in args],
            [k in sums for k in range(len(outs))],
            type_of(out),
            flat=flat,
        )
        arrays = {"arg": args, "out": outs, "sum": [sums.get(k) for k in range(len(outs))]}
        pointers = [arrays[kind][k] for kind, k in made.pointers]
        lines: list[list[str]] = []
        touched: list[Access] = []
        for t, p in enumerate(parts):
            if p.empty:
                lines.append([])
                continue
            stretch = (p.first, p.last) if n == 1 else (p.lo * m, p.hi * m)
            numbers = (*stretch, 0, 0, 0) if flat else (p.lo, p.hi, m, p.first, p.last)
            lines.append([self._call(made.text, *pointers, numbers=numbers)])
            touched += [access(a, t, _part(a, out, p), write=False) for a in args]
            touched += [access(o, t, _part(o, out, p), write=True) for o in outs]
            touched += [access(s, t, Share(p.lo, p.hi, 0, 1), write=True) for s in sums.values()]
        self.tasks.append(Task(lines, touched))

    # Matrix products and reductions

    def _dot(self, i: Dot) -> None:
        t, (n, m), k = type_of(i.out), i.out.shape, i.a.shape[1]
        # Two vectors: a sum of squares (clipping, penalties). BLAS has a function for that.
        if n == m == 1 and i.a.flags.c_contiguous and i.b.flags.c_contiguous:
            size, result = self.blas.size, f"%dot{len(self.tasks)}"
            line = (
                f"{result} = call {t} inttoptr (i64 {self.blas.dot[t]} to ptr)"
                f"({size} {k}, {pointer(i.a)}, {size} 1, {pointer(i.b)}, {size} 1)"
            )
            store = f"store {t} {result}, {pointer(i.out)}"
            self._alone([line, store], reads=[i.a, i.b], writes=[i.out])
            return
        lines: list[list[str]] = []
        touched: list[Access] = []
        # Rows or columns are shared out, never the terms of a sum.
        for thread, p in enumerate(shares(n, m, self.threads, n * m * k / 8)):
            if p.empty:
                lines.append([])
            else:
                rows, columns = slice(p.lo, p.hi), slice(p.first, p.last)
                share = Product(i.a[rows], i.b[:, columns], i.out[rows, columns], t)
                lines.append([self._gemm(share, thread)])
                touched += [
                    access(i.a, thread, Share(p.lo, p.hi, 0, k), write=False),
                    access(i.b, thread, Share(0, k, p.first, p.last), write=False),
                    access(i.out, thread, p, write=True),
                ]
        self.tasks.append(Task(lines, touched))

    def _gemm(self, product: Product, thread: int) -> str:
        """One thread's share of a product."""
        if not is_written_out(product):
            return blas_call(product, self.blas)
        texts = product_texts(product)
        self.texts += texts
        end, count = len(self.texts), len(texts)
        scratch = self._scratch(thread, product)
        return product_call(product, list(range(end - count, end)), scratch)

    def _scratch(self, thread: int, product: Product) -> int:
        """Return the address of what a thread's products copy to, a multiple of 64.

        All of a thread's products use the same: one is over when the next begins.
        """
        key = (thread, product.t)
        if key not in self.scratch:
            size = scratch_elements(product.t) * product.out.itemsize
            self.scratch[key] = self._memory((-(-size // 64) * 64 + 64,), np.uint8)
        return -(-address(self.scratch[key]) // 64) * 64

    def _memory(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Return memory that only this program knows of: with a stack, the first of the copies."""
        base = np.empty((self.copies, *shape), dtype)
        self.kept.append(base)
        self.private.append(base)
        return base[0]

    def _reduce(self, i: Reduce) -> None:
        n, m = i.a.shape
        if i.axis is None:  # as one row, by one thread: always added up in the same order
            text = reduce_text("NAME", i.how, 1, type_of(i.a))
            call = self._call(text, i.a, i.out, numbers=(0, 1, n * m, 0, n * m))
            self._alone([call], reads=[i.a], writes=[i.out])
            return
        text = reduce_text("NAME", i.how, i.axis, type_of(i.a))
        lines: list[list[str]] = []
        touched: list[Access] = []
        for t, p in enumerate(shares(n, m, self.threads, n * m, by_rows=i.axis == 1)):
            numbers = (p.lo, p.hi, m, p.first, p.last)
            lines.append([] if p.empty else [self._call(text, i.a, i.out, numbers=numbers)])
            if not p.empty:
                made = Share(p.lo, p.hi, 0, 1) if i.axis == 1 else Share(0, 1, p.first, p.last)
                touched.append(access(i.a, t, p, write=False))
                touched.append(access(i.out, t, made, write=True))
        self.tasks.append(Task(lines, touched))

    # Rows, counters, random numbers

    def _gather(self, i: Gather) -> None:
        m, k = i.out.shape
        width, last = k * i.out.dtype.itemsize, i.source.shape[0] - 1
        text = GATHER.replace("WIDTH", str(width)).replace("LAST", str(last))
        arrays = (i.source, i.order, i.position, i.out)
        lines: list[list[str]] = []
        touched: list[Access] = []
        for t, p in enumerate(shares(m, k, self.threads, m * k, by_rows=True)):
            lines.append([] if p.empty else [self._call(text, *arrays, numbers=(p.lo, p.hi))])
            if not p.empty:
                # Which rows of the source is known only when it runs: it may be any.
                touched += [access(a, t, None, write=False) for a in arrays[:3]]
                touched.append(access(i.out, t, p, write=True))
        self.tasks.append(Task(lines, touched))

    def _advance(self, i: Advance) -> None:
        n, place = len(self.tasks), pointer(i.counter)
        lines = [
            f"%count{n} = load i64, {place}",
            f"%next{n} = add i64 %count{n}, {i.by}",
            f"store i64 %next{n}, {place}",
        ]
        self._alone(lines, reads=[], writes=[i.counter])

    def _called_back(self, i: Uniform | UniformColumns) -> None:
        """NumPy's generator fills the array: the compiled step calls back.

        The numbers must be NumPy's own, bit for bit, or dropout would differ from engine to engine.
        """
        stack, errors = self.stack, self.errors
        own = [i] if stack is None else [stack.instruction(i, g) for g in range(len(stack))]
        fills = [_filling(u) for u in own]

        def fill(network: int) -> None:
            try:
                fills[network]()
            except BaseException as error:  # it cannot pass through compiled code
                errors.append(error)

        callback = ctypes.CFUNCTYPE(None, ctypes.c_int64)(fill)
        self.kept.append(callback)
        self.calls_back = True
        place = ctypes.cast(callback, ctypes.c_void_p).value
        network = "0" if stack is None else "%network"
        line = f"call void inttoptr (i64 {place} to ptr)(i64 {network})"
        self._alone([line], reads=list(reads(i)), writes=[i.out])


def _filling(i: Instruction) -> Callable[[], None]:
    """Return what fills the array of a `Uniform` or `UniformColumns`."""
    assert isinstance(i, (Uniform, UniformColumns))
    stream = UniformStream(i.seed, i.layer)
    if isinstance(i, Uniform):
        return lambda: stream.fill(i.out, i.counter.item())
    return lambda: stream.fill_columns(i.out, i.counter.item(), i.first.item(), i.of)


def _part(a: Array, out: Array, p: Share) -> Share | None:
    """The share of ``a`` that is read or written when share ``p`` of ``out`` is made."""
    if a.size == 1 or a.ndim != 2:
        return None
    rows = (p.lo, p.hi) if a.shape[0] == out.shape[0] else (0, a.shape[0])
    columns = (p.first, p.last) if a.shape[1] == out.shape[1] else (0, a.shape[1])
    return Share(*rows, *columns)
