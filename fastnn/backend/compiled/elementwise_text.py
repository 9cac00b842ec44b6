"""LLVM text of kernels: one fused loop for everything that is not a matrix product.

The same graphs that become NumPy calls and CUDA text become loops here, which LLVM vectorises.
Text only: nothing here needs LLVM to be installed.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastnn.backend.compiled.llvm_math import BITS, expand
from fastnn.backend.expression import OPERATIONS
from fastnn.backend.graph import Graph, Value


@dataclass(frozen=True)
class Operand:
    """How a kernel walks through one array: ``kind`` and, for a transposed view, its step.

    "full" (n, m) contiguous; "column" (n, 1); "row" (1, m); "scalar" one element;
    "transposed" (n, m) with neighbours of a column side by side, ``stride`` apart in a row.
    """

    kind: str
    type: str  # "float" or "double"
    stride: int = 0

    def index(self) -> tuple[list[str], str]:
        """Return the lines that compute the element's offset in loop (%i, %j), and its name."""
        match self.kind:
            case "full":
                return [], "%ij"
            case "column":
                return [], "%i"
            case "row":
                return [], "%j"
            case "scalar":
                return [], "0"
            case _:
                place = f"%t{self.stride}"
                return [
                    f"{place}.j = mul nsw i64 %j, {self.stride}",
                    f"{place} = add nsw i64 {place}.j, %i",
                ], place


_NAN = "0x7FF8000000000000"


def truths(graph: Graph) -> list[bool]:
    """Return which values are truth values; like NumPy's, their sum is one: ``or``.

    >>> from fastnn.backend.graph import trace
    >>> truths(trace(lambda x: (x > 0) + (x < 5)))[-1]
    True
    """
    found: list[bool] = []
    for v in graph.values:
        either = v.op == "add" and all(found[a] for a in v.args)
        found.append(either or (v.op in OPERATIONS and OPERATIONS[v.op].boolean))
    return found


def number(value: float, t: str) -> str:
    """Return a constant as LLVM writes it: the bits of a double that the type can hold.

    >>> number(0.5, "float")
    '0x3FE0000000000000'
    """
    if math.isnan(value):
        return _NAN
    with np.errstate(over="ignore"):  # too large for the type is infinity there
        exact = float(np.array(value, np.float32)) if t == "float" else float(value)
    return "0x" + struct.pack(">d", exact).hex().upper()


class _Body:
    """The straight-line text of one element of a kernel."""

    def __init__(self, t: str) -> None:
        self.t = t
        self.lines: list[str] = []
        self._n = 0

    def new(self, text: str) -> str:
        self._n += 1
        name = f"%v{self._n}"
        self.lines.append(f"{name} = {text}")
        return name

    def value(self, v: Value, args: list[str], kinds: list[bool]) -> str:
        """Emit one operation; ``kinds`` says which arguments are truth values."""
        t = self.t
        one, zero = number(1.0, t), number(0.0, t)
        if v.op == "add" and all(kinds):  # as in NumPy
            return self.new(f"or i1 {args[0]}, {args[1]}")
        if v.op not in ("logical_and", "logical_or", "logical_not"):
            # NumPy computes with truth values as with 0 and 1. Here they are bits (i1), for
            # vectors of masks: numbers are made of them only where one is computed with.
            args = [
                self.new(f"select i1 {a}, {t} {one}, {t} {zero}")
                if truth and not (v.op == "where" and n == 0)
                else a
                for n, (a, truth) in enumerate(zip(args, kinds, strict=True))
            ]
        arithmetic = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv"}
        if v.op in arithmetic:
            # "contract": a product and a sum may be one instruction, rounded once.
            return self.new(f"{arithmetic[v.op]} contract {t} {args[0]}, {args[1]}")
        comparisons = {
            "greater": "ogt", "greater_equal": "oge", "less": "olt", "less_equal": "ole",
            "equal": "oeq", "not_equal": "une",
        }  # fmt: skip
        if v.op in comparisons:
            # "o" for ordered: false if one is NaN. Only "une", not equal, is true then.
            return self.new(f"fcmp {comparisons[v.op]} {t} {args[0]}, {args[1]}")
        intrinsics = {"absolute": "fabs", "sqrt": "sqrt", "rint": "rint", "sin": "sin",
                      "cos": "cos"}  # fmt: skip
        if v.op in intrinsics:
            suffix = "f32" if t == "float" else "f64"
            return self.new(f"call {t} @llvm.{intrinsics[v.op]}.{suffix}({t} {args[0]})")
        return getattr(self, "_" + v.op)(args, kinds)  # type: ignore[no-any-return]

    def _negative(self, a: list[str], kinds: list[bool]) -> str:
        return self.new(f"fneg {self.t} {a[0]}")

    def _square(self, a: list[str], kinds: list[bool]) -> str:
        return self.new(f"fmul contract {self.t} {a[0]}, {a[0]}")

    def _power(self, a: list[str], kinds: list[bool]) -> str:
        suffix = "f32" if self.t == "float" else "f64"
        return self.new(f"call {self.t} @llvm.pow.{suffix}({self.t} {a[0]}, {self.t} {a[1]})")

    def _sign(self, a: list[str], kinds: list[bool]) -> str:
        t, zero = self.t, number(0.0, self.t)
        up = self.new(f"fcmp ogt {t} {a[0]}, {zero}")
        down = self.new(f"fcmp olt {t} {a[0]}, {zero}")
        same = self.new(f"fcmp oeq {t} {a[0]}, {zero}")
        rest = self.new(f"select i1 {same}, {t} {zero}, {t} {a[0]}")  # NaN stays NaN
        low = self.new(f"select i1 {down}, {t} {number(-1.0, t)}, {t} {rest}")
        return self.new(f"select i1 {up}, {t} {number(1.0, t)}, {t} {low}")

    def _extreme(self, a: list[str], less: str) -> str:
        """The greater (or smaller) one; NaN wins, as in NumPy."""
        t = self.t
        first = self.new(f"fcmp {less} {t} {a[0]}, {a[1]}")
        chosen = self.new(f"select i1 {first}, {t} {a[1]}, {t} {a[0]}")  # keeps a[0] = NaN
        if a[1].startswith("0x") and a[1] != _NAN:  # a constant: relu needs no second question
            return chosen
        strange = self.new(f"fcmp uno {t} {a[1]}, {a[1]}")
        return self.new(f"select i1 {strange}, {t} {a[1]}, {t} {chosen}")

    def _maximum(self, a: list[str], kinds: list[bool]) -> str:
        return self._extreme(a[::-1] if a[0].startswith("0x") else a, "olt")

    def _minimum(self, a: list[str], kinds: list[bool]) -> str:
        return self._extreme(a[::-1] if a[0].startswith("0x") else a, "ogt")

    def _truth(self, a: str, truth: bool) -> str:
        return a if truth else self.new(f"fcmp une {self.t} {a}, {number(0.0, self.t)}")

    def _where(self, a: list[str], kinds: list[bool]) -> str:
        condition = self._truth(a[0], kinds[0])
        return self.new(f"select i1 {condition}, {self.t} {a[1]}, {self.t} {a[2]}")

    def _logical_and(self, a: list[str], kinds: list[bool]) -> str:
        x, y = (self._truth(v, k) for v, k in zip(a, kinds, strict=True))
        return self.new(f"and i1 {x}, {y}")

    def _logical_or(self, a: list[str], kinds: list[bool]) -> str:
        x, y = (self._truth(v, k) for v, k in zip(a, kinds, strict=True))
        return self.new(f"or i1 {x}, {y}")

    def _logical_not(self, a: list[str], kinds: list[bool]) -> str:
        return self.new(f"xor i1 {self._truth(a[0], kinds[0])}, true")

    def _pow2(self, a: list[str], kinds: list[bool]) -> str:
        # 2^k for a whole k: the exponent's bits of a number whose mantissa is 1.
        integer, shift, bias = BITS[self.t]
        k = self.new(f"fptosi {self.t} {a[0]} to {integer}")
        k = self.new(f"freeze {integer} {k}")  # of NaN, which the other factor passes on
        k = self.new(f"add {integer} {k}, {bias}")
        k = self.new(f"shl {integer} {k}, {shift}")
        return self.new(f"bitcast {integer} {k} to {self.t}")

    def _split(self, a: str) -> tuple[str, str]:
        """Bits of m in [sqrt(1/2), sqrt(2)) and exponent e of a = 2^e m, a normal number."""
        integer, shift, _ = BITS[self.t]
        # The bits of positive numbers are in the order of the numbers. Counted from those of
        # sqrt(1/2), the exponent's bits change where m would leave its interval: no comparison.
        packed = struct.pack("<f" if integer == "i32" else "<d", math.sqrt(0.5))
        root_half = int.from_bytes(packed, "little")
        bits = self.new(f"bitcast {self.t} {a} to {integer}")
        above = self.new(f"sub {integer} {bits}, {root_half}")
        e = self.new(f"ashr {integer} {above}, {shift}")
        moved = self.new(f"shl {integer} {e}, {shift}")
        return self.new(f"sub {integer} {bits}, {moved}"), e

    def _mantissa(self, a: list[str], kinds: list[bool]) -> str:
        m, _ = self._split(a[0])
        return self.new(f"bitcast {BITS[self.t][0]} {m} to {self.t}")

    def _exponent(self, a: list[str], kinds: list[bool]) -> str:
        _, e = self._split(a[0])
        return self.new(f"sitofp {BITS[self.t][0]} {e} to {self.t}")


#: the last parameters of every loop
RANGE = "i64 %lo, i64 %hi, i64 %m, i64 %first, i64 %last"


@dataclass(frozen=True)
class KernelText:
    """The text of a kernel's function; pointers first, then ``lo, hi, m, first, last``.

    It walks rows lo to hi of m elements each, in them columns first to last; a flat kernel walks
    elements lo to hi and ignores the others. ``pointers`` says which array each
    pointer is: ("arg", i), ("out", k) or ("sum", k); an argument that is an output shares its
    pointer.
    """

    text: str
    pointers: tuple[tuple[str, int], ...]


def kernel_text(
    name: str,
    graph: Graph,
    args: Sequence[Operand],
    outs: Sequence[Operand],
    alias: Sequence[int | None],
    sums: Sequence[bool],
    t: str,
    *,
    flat: bool,
) -> KernelText:
    """Return the LLVM function of an elementwise kernel, flat or over rows and columns.

    ``alias[i]`` is the output that argument i shares its memory with; ``sums[k]`` asks for the
    sum of output k over each row as well (`db`, N14).
    """
    graph = expand(graph, t)
    pointers = [("arg", i) for i in range(len(args)) if alias[i] is None]
    pointers += [("out", k) for k in range(len(outs))]
    pointers += [("sum", k) for k, wanted in enumerate(sums) if wanted]
    body = _Body(t)

    def address(kind: str, i: int, operand: Operand) -> str:
        lines, place = operand.index()
        for line in lines:
            if line not in body.lines:  # operands of one stride share a place
                body.lines.append(line)
        return body.new(f"getelementptr inbounds {operand.type}, ptr %{kind}{i}, i64 {place}")

    names: list[str] = []
    truth = truths(graph)
    inputs = {n: i for i, n in enumerate(graph.inputs)}
    for v in graph.values:
        if v.op == "input":
            i = inputs[v.name]
            kind, place = ("arg", i) if alias[i] is None else ("out", int(alias[i] or 0))
            pointer = address(kind, place, args[i])
            loaded = body.new(f"load {args[i].type}, ptr {pointer}")
            if args[i].type != t:
                convert = "fpext" if t == "double" else "fptrunc"
                loaded = body.new(f"{convert} {args[i].type} {loaded} to {t}")
            names.append(loaded)
        elif v.op == "constant":
            names.append(number(v.value, t))
        else:
            names.append(body.value(v, [names[a] for a in v.args], [truth[a] for a in v.args]))
    total_names: list[tuple[int, str, str]] = []
    for k, o in enumerate(graph.outputs):
        result = names[o]
        if truth[o]:
            result = body.new(f"select i1 {result}, {t} {number(1.0, t)}, {t} {number(0.0, t)}")
        pointer = address("out", k, outs[k])
        body.lines.append(f"store {t} {result}, ptr {pointer}")
        if sums[k]:
            # "reassoc": in several parts side by side, or the sum could not be vectorised.
            total = body.new(f"fadd reassoc contract {t} %s{k}, {result}")
            total_names.append((k, f"%s{k}", total))
    # "noalias" saves LLVM a check before each loop whether stores change what is loaded later.
    parameters = ", ".join(f"ptr noalias %{kind}{i}" for kind, i in pointers)
    head = f"define void @{name}({parameters}, {RANGE}) #0 {{"
    lines = _flat_loop(body.lines) if flat else _row_loops(body.lines, total_names, t)
    return KernelText("\n".join([head, *lines, "}"]), tuple(pointers))


def _flat_loop(body: list[str]) -> list[str]:
    """``for ij = lo .. hi: body``, in the form (tested at the end) that LLVM vectorises best."""
    return [
        "entry:",
        "  %some = icmp slt i64 %lo, %hi",
        "  br i1 %some, label %loop, label %end",
        "loop:",
        "  %ij = phi i64 [ %lo, %entry ], [ %next, %loop ]",
        *("  " + line for line in body),
        "  %next = add nuw nsw i64 %ij, 1",
        "  %more = icmp slt i64 %next, %hi",
        "  br i1 %more, label %loop, label %end",
        "end:",
        "  ret void",
    ]


def _row_loops(body: list[str], totals: list[tuple[int, str, str]], t: str) -> list[str]:
    """``for i = lo .. hi: for j = first .. last: body``, with sums stored after each row."""
    zero = number(0.0, t)
    return [
        "entry:",
        "  %some.rows = icmp slt i64 %lo, %hi",
        "  %some.columns = icmp slt i64 %first, %last",
        "  %some = and i1 %some.rows, %some.columns",
        "  br i1 %some, label %row, label %end",
        "row:",
        "  %i = phi i64 [ %lo, %entry ], [ %i.next, %row.end ]",
        "  %start = mul nuw nsw i64 %i, %m",
        "  br label %loop",
        "loop:",
        "  %j = phi i64 [ %first, %row ], [ %j.next, %loop ]",
        *(f"  {s} = phi {t} [ {zero}, %row ], [ {total}, %loop ]" for _, s, total in totals),
        "  %ij = add nuw nsw i64 %start, %j",
        *("  " + line for line in body),
        "  %j.next = add nuw nsw i64 %j, 1",
        "  %j.more = icmp slt i64 %j.next, %last",
        "  br i1 %j.more, label %loop, label %row.end",
        "row.end:",
        *(
            line
            for k, _, total in totals
            for line in (
                f"  %sum.at{k} = getelementptr inbounds {t}, ptr %sum{k}, i64 %i",
                f"  store {t} {total}, ptr %sum.at{k}",
            )
        ),
        "  %i.next = add nuw nsw i64 %i, 1",
        "  %i.more = icmp slt i64 %i.next, %hi",
        "  br i1 %i.more, label %row, label %end",
        "end:",
        "  ret void",
    ]
