"""Kernels as NumPy calls with ``out=``: nothing is allocated when they run.

A kernel's graph becomes a list of ufunc calls over a few *registers* (scratch memory that is
reused from call to call). Long arrays are worked through in blocks that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fastnn.backend.erf import expand_erf
from fastnn.backend.expression import OPERATIONS
from fastnn.backend.graph import Graph, Value
from fastnn.backend.numpy.scaled_sums import Axpby, sums_in_place
from fastnn.backend.numpy.scratch import Register, Scratch
from fastnn.backend.program import Array, same_elements

Call = Callable[[], Any]

#: Elements of one block: operands of a kernel stay in the second-level cache between calls.
BLOCK = 32768


class _Lowering:
    """Turns one graph over given operands into calls. Used once, then thrown away."""

    def __init__(
        self, graph: Graph, args: Sequence[Array], outs: Sequence[Array], long: bool
    ) -> None:
        self.dtype = np.dtype(outs[0].dtype)
        self.graph = expand_erf(graph, self.dtype)
        self.arguments = dict(zip(self.graph.inputs, args, strict=True))
        self.outs = outs
        self.calls: list[tuple[Any, tuple[Any, ...]]] = []  # functions and operands
        self.views: dict[int, tuple[Array, Array]] = {}  # arrays of bits, and of what
        self.registers: list[Register] = []
        self.free: list[int] = []
        self.n_registers = 0
        self.in_place = sums_in_place(self.graph, self.arguments, outs) if long else {}
        values = self.graph.values
        # When value i reads its arguments: products that are part of a sum are left to the sum.
        self.later = {k: i for i, s in self.in_place.items() for k in s.scaled}
        self.last_use = list(range(len(values)))
        for i, v in enumerate(values):
            for a in v.args:
                self.last_use[a] = max(self.last_use[a], self.later.get(i, i))
        self.operands: list[Any] = []
        for i, v in enumerate(values):
            self.operands.append(self._emit(i, v))
        self._copy_the_rest()

    def _copy_the_rest(self) -> None:
        """Copy what could not be computed in its place; arguments that get overwritten first."""
        rest = [
            (out, self.operands[value])
            for out, value in zip(self.outs, self.graph.outputs, strict=True)
            if self.operands[value] is not out
        ]
        moved = []
        for out, operand in rest:
            if isinstance(operand, np.ndarray) and any(
                same_elements(operand, o) for o in self.outs
            ):
                saved = self._register(operand.shape, operand.dtype)
                self.calls.append((np.copyto, (saved, operand)))
                operand = saved
            moved.append((out, operand))
        self.calls += [(np.copyto, pair) for pair in moved]

    def _emit(self, i: int, v: Value) -> Any:
        if v.op == "input":
            return self.arguments[v.name]
        if v.op == "constant":
            return np.array(v.value, self.dtype)
        if i in self.later:
            return None
        if i in self.in_place:
            return self._sum_in_place(i, self.in_place[i])
        args = [self.operands[a] for a in v.args]
        shape = np.broadcast_shapes(*(a.shape for a in args))
        if v.op == "where":
            out = self._target(i, shape, self.dtype, may_alias=False)
            self._where(args, out)
            self._release(i, v)
            return out
        dtype, converted = np.dtype(bool), args
        if not OPERATIONS[v.op].boolean:
            # NumPy would compute in the type of the arguments: exp of truth values in float16.
            dtype = self.dtype
            converted = [a if a.dtype == bool and len(args) > 1 else self._number(a) for a in args]
        self._release(i, v, alike=(shape, dtype))
        out = self._target(i, shape, dtype, may_alias=True)
        self.calls.append((OPERATIONS[v.op].function, (*converted, out)))
        self._free_if_new(converted, args)
        self._release(i, v)
        return out

    def _sum_in_place(self, i: int, found: Axpby) -> Any:
        operands = [self.operands[k] for k in found.operands]
        out = self._target(i, operands[-1].shape, self.dtype, may_alias=True)
        assert same_elements(out, operands[-1])
        self.calls.append((found, (*operands[:-1], out)))
        self._release(i, Value("", found.operands))
        return out

    def _number(self, operand: Any) -> Any:
        """Return ``operand`` in the kernel's dtype: as it is, or copied to a register."""
        if operand.dtype == self.dtype:
            return operand
        register = self._register(operand.shape, self.dtype)
        self.calls.append((np.copyto, (register, operand)))
        return register

    def _free_if_new(self, converted: Sequence[Any], args: Sequence[Any]) -> None:
        """Free the registers that `_number` took."""
        self.free += [c.index for c, a in zip(converted, args, strict=True) if c is not a]

    def _where(self, args: list[Any], out: Any) -> None:
        """Select by bits: exact for NaN and infinity, and without branches.

        ``np.copyto(..., where=)`` mispredicts a branch per element: 360 us against 31 us for
        65,536 random signs.
        """
        condition, *branches = args
        x, y = (self._number(b) for b in branches)
        truth = condition
        if condition.dtype != bool:
            truth = self._register(condition.shape, np.dtype(bool))
            self.calls.append((np.not_equal, (condition, np.zeros((), self.dtype), truth)))
        bits = np.dtype(np.int32 if self.dtype == np.float32 else np.int64)
        mask = self._register(condition.shape, bits)
        self.calls.append((np.copyto, (mask, truth)))
        self.calls.append((np.negative, (mask, mask)))
        xb, yb, ob = (self._bits(operand, bits) for operand in (x, y, out))
        if _is_zero(y):
            self.calls.append((np.bitwise_and, (xb, mask, ob)))
        elif _is_zero(x):
            self.calls.append((np.bitwise_not, (mask, mask)))
            self.calls.append((np.bitwise_and, (yb, mask, ob)))
        else:  # y ^ ((x ^ y) & mask)
            self.calls.append((np.bitwise_xor, (xb, yb, ob)))
            self.calls.append((np.bitwise_and, (ob, mask, ob)))
            self.calls.append((np.bitwise_xor, (ob, yb, ob)))
        self._free_if_new([mask, truth, x, y], [None, condition, *branches])

    def _bits(self, operand: Any, dtype: np.dtype[Any]) -> Any:
        bits = operand.view(dtype)
        if isinstance(operand, np.ndarray):
            self.views[id(bits)] = bits, operand
        return bits

    def _target(self, i: int, shape: tuple[int, ...], dtype: Any, may_alias: bool) -> Any:
        """Return where value i goes: straight into its output if nothing is overwritten early."""
        if i in self.graph.outputs:
            out = self.outs[self.graph.outputs.index(i)]
            if out.shape == shape and out.dtype == dtype:
                aliases = [n for n, a in self.arguments.items() if same_elements(a, out)]
                reads = [
                    self.last_use[n]
                    for n, v in enumerate(self.graph.values)
                    if v.op == "input" and v.name in aliases
                ]
                also_output = any(
                    self.graph.values[o].op == "input" and self.graph.values[o].name in aliases
                    for o in self.graph.outputs
                )
                if not also_output and all(r < i or (may_alias and r == i) for r in reads):
                    return out
        return self._register(shape, dtype)

    def _register(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Register:
        if not self.free:
            self.free.append(self.n_registers)
            self.n_registers += 1
        register = Register(self.free.pop(), shape, dtype)
        self.registers.append(register)
        return register

    def _release(self, i: int, v: Value, alike: tuple[Any, Any] | None = None) -> None:
        """Free the registers of arguments that are read here for the last time.

        ``alike``: only those of this shape and dtype. They may be overwritten in place; with any
        other form NumPy would have to make a copy first.
        """
        for a in set(v.args):
            operand = self.operands[a]
            if (
                isinstance(operand, Register)
                and self.last_use[a] == i
                and a not in self.graph.outputs
                and alike in (None, (operand.shape, operand.dtype))
            ):
                self.free.append(operand.index)
                self.last_use[a] = -1  # freed once


def _is_zero(operand: Any) -> bool:
    return isinstance(operand, np.ndarray) and operand.ndim == 0 and operand == 0.0


def _blocks(args: Sequence[Array], outs: Sequence[Array]) -> list[slice | None]:
    """Return the slices of the first axis to work through, or [None] for all at once."""
    shape = outs[0].shape
    size = int(np.prod(shape, dtype=np.int64))
    if size <= BLOCK or not shape:
        return [None]
    rows = max(1, BLOCK * shape[0] // size)
    if any(a.ndim not in (0, len(shape)) for a in args) or rows >= shape[0]:
        return [None]
    return [slice(i, min(i + rows, shape[0])) for i in range(0, shape[0], rows)]


def _cut(a: Array, block: slice | None, length: int) -> Array:
    return a if block is None or a.ndim == 0 or a.shape[0] != length else a[block]


def lower(
    graph: Graph,
    args: Sequence[Array],
    outs: Sequence[Array],
    scratch: Scratch,
    by_blas: bool = True,
) -> Callable[[], list[Call]]:
    """Plan a kernel's calls; the result makes them, once all scratch needs are known.

    All blocks of one length have the same plan, with other stretches of the arrays. In arrays that
    take several blocks, sums of two scaled arrays are left to BLAS (see `scaled_sums`) unless that
    is not wanted.
    """
    whole = [*args, *outs]
    length = outs[0].shape[0] if outs[0].ndim else 0
    plans: dict[int, Any] = {}  # by length
    blocks = []
    cuts = _blocks(args, outs)
    for block in cuts:
        cut = [_cut(a, block, length) for a in whole]
        n = 0 if block is None else block.stop - block.start
        if n not in plans:
            long = by_blas and len(cuts) > 1
            lowering = _Lowering(graph, cut[: len(args)], cut[len(args) :], long)
            for register in lowering.registers:
                scratch.need(register)
            plans[n] = _sources(lowering, cut)
        blocks.append((plans[n], cut))

    def bind() -> list[Call]:
        places: dict[int, Any] = {}  # of the plans' registers

        def found(operand: Any, source: int | None, cut: Sequence[Array]) -> Any:
            if source is None:
                if id(operand) not in places:
                    places[id(operand)] = scratch.resolve(operand)
                return places[id(operand)]
            array = cut[source]
            return array if array.dtype == operand.dtype else array.view(operand.dtype)

        return [
            _prepared(function, [found(o, k, cut) for o, k in operands])
            for calls, cut in blocks
            for function, operands in calls
        ]

    return bind


def _sources(lowering: _Lowering, cut: Sequence[Array]) -> list[Any]:
    """Return the calls, each operand with the number of the block's array that it is, if any."""

    def source(operand: Any) -> int | None:
        _, seen = lowering.views.get(id(operand), (None, operand))
        return next((k for k, a in enumerate(cut) if a is seen), None)

    return [(function, [(o, source(o)) for o in operands]) for function, operands in lowering.calls]


def _prepared(function: Any, operands: list[Any]) -> Call:
    if isinstance(function, Axpby):
        return function.prepared(*operands)
    # One number for all of an array: without axes it takes NumPy 0.25 us, with them 0.75.
    *inputs, out = operands
    if out.size > 1:
        operands = [*(a.reshape(()) if a.size == 1 else a for a in inputs), out]
    # NumPy 2.4 deprecates a positional out for these two, and only for them.
    if function in (np.maximum, np.minimum):
        return partial(function, *operands[:2], out=operands[2])
    return partial(function, *operands)


def run_kernel(graph: Graph, args: Sequence[Array], outs: Sequence[Array]) -> None:
    """Run one kernel now, with scratch of its own."""
    for call in lower(graph, args, outs, Scratch())():
        call()
