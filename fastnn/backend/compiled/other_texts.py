"""LLVM text of everything that is neither an elementwise kernel nor a matrix product."""

from __future__ import annotations

import math

from fastnn.backend.compiled.elementwise_text import RANGE, number


def reduce_text(name: str, how: str, axis: int | None, t: str) -> str:
    """Return the function of a sum or maximum: ``(ptr a, ptr out, lo, hi, m, first, last)``.

    ``axis=1``: out[i] over row i; ``axis=0``: out[j] over the rows, columns first to last, row
    by row so that memory is read in order; None: out[0] over rows lo to hi of m elements.
    """
    zero = number(0.0, t)
    if how == "sum":
        join = [f"%r = fadd reassoc contract {t} %acc, %x"]
    else:  # NaN wins
        join = [
            f"%less = fcmp olt {t} %acc, %x",
            f"%strange = fcmp uno {t} %x, %x",
            "%take = or i1 %less, %strange",
            f"%r = select i1 %take, {t} %x, {t} %acc",
        ]
    start = zero if how == "sum" else number(-math.inf, t)
    head = f"define void @{name}(ptr noalias %a, ptr noalias %out, {RANGE}) #0 {{"
    if axis == 0:
        lines = [
            "entry:",
            "  br label %fill",
            "fill:",
            "  %f = phi i64 [ %first, %entry ], [ %f.next, %fill ]",
            f"  %f.at = getelementptr inbounds {t}, ptr %out, i64 %f",
            f"  store {t} {start}, ptr %f.at",
            "  %f.next = add nuw nsw i64 %f, 1",
            "  %f.more = icmp slt i64 %f.next, %last",
            "  br i1 %f.more, label %fill, label %row",
            "row:",
            "  %i = phi i64 [ %lo, %fill ], [ %i.next, %row.end ]",
            "  %start = mul nuw nsw i64 %i, %m",
            "  br label %loop",
            "loop:",
            "  %j = phi i64 [ %first, %row ], [ %j.next, %loop ]",
            "  %ij = add nuw nsw i64 %start, %j",
            f"  %at = getelementptr inbounds {t}, ptr %a, i64 %ij",
            f"  %x = load {t}, ptr %at",
            f"  %to = getelementptr inbounds {t}, ptr %out, i64 %j",
            f"  %acc = load {t}, ptr %to",
            *("  " + line for line in join),
            f"  store {t} %r, ptr %to",
            "  %j.next = add nuw nsw i64 %j, 1",
            "  %j.more = icmp slt i64 %j.next, %last",
            "  br i1 %j.more, label %loop, label %row.end",
        ]
    else:
        lines = [
            "entry:",
            "  br label %row",
            "row:",
            "  %i = phi i64 [ %lo, %entry ], [ %i.next, %row.end ]",
            "  %start = mul nuw nsw i64 %i, %m",
            "  br label %loop",
            "loop:",
            "  %j = phi i64 [ 0, %row ], [ %j.next, %loop ]",
            f"  %acc = phi {t} [ {start}, %row ], [ %r, %loop ]",
            "  %ij = add nuw nsw i64 %start, %j",
            f"  %at = getelementptr inbounds {t}, ptr %a, i64 %ij",
            f"  %x = load {t}, ptr %at",
            *("  " + line for line in join),
            "  %j.next = add nuw nsw i64 %j, 1",
            "  %j.more = icmp slt i64 %j.next, %m",
            "  br i1 %j.more, label %loop, label %store",
            "store:",
            f"  %to = getelementptr inbounds {t}, ptr %out, i64 %i",
            f"  store {t} %r, ptr %to",
            "  br label %row.end",
        ]
    return "\n".join(
        [
            head,
            *lines,
            "row.end:",
            "  %i.next = add nuw nsw i64 %i, 1",
            "  %i.more = icmp slt i64 %i.next, %hi",
            "  br i1 %i.more, label %row, label %end",
            "end:",
            "  ret void",
            "}",
        ]
    )


# An index that is no row is held to the nearest one, as NumPy's take(mode="clip") does.
GATHER = """
define void @NAME(ptr noalias %source, ptr noalias %order, ptr noalias %position,
                  ptr noalias %out, i64 %lo, i64 %hi) #0 {
entry:
  %start = load i64, ptr %position
  %some = icmp slt i64 %lo, %hi
  br i1 %some, label %loop, label %end
loop:
  %j = phi i64 [ %lo, %entry ], [ %next, %loop ]
  %k = add i64 %start, %j
  %at = getelementptr inbounds i64, ptr %order, i64 %k
  %index = load i64, ptr %at
  %low = call i64 @llvm.smax.i64(i64 %index, i64 0)
  %row = call i64 @llvm.smin.i64(i64 %low, i64 LAST)
  %from.byte = mul i64 %row, WIDTH
  %from = getelementptr inbounds i8, ptr %source, i64 %from.byte
  %to.byte = mul i64 %j, WIDTH
  %to = getelementptr inbounds i8, ptr %out, i64 %to.byte
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 WIDTH, i1 false)
  %next = add nuw nsw i64 %j, 1
  %more = icmp slt i64 %next, %hi
  br i1 %more, label %loop, label %end
end:
  ret void
}
"""

LOAD = """
define void @NAME(ptr noalias %table, ptr noalias %counter, ptr noalias %out) #0 {
  %row = load i64, ptr %counter
  %byte = mul i64 %row, WIDTH
  %from = getelementptr inbounds i8, ptr %table, i64 %byte
  call void @llvm.memcpy.p0.p0.i64(ptr %out, ptr %from, i64 WIDTH, i1 false)
  ret void
}
"""

STORE = """
define void @NAME(ptr noalias %table, ptr noalias %counter, ptr noalias %value) #0 {
  %row = load i64, ptr %counter
  %byte = mul i64 %row, WIDTH
  %to = getelementptr inbounds i8, ptr %table, i64 %byte
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %value, i64 WIDTH, i1 false)
  ret void
}
"""
