"""LLVM text of matrix products, for processors with 32 vector registers of 512 bits.

``C = A B`` in tiles of some rows and two vectors of columns, whose sums stay in registers (Goto
and van de Geijn 2008, "Anatomy of high-performance matrix multiplication"). A strip of A and a
part of B are copied first, so that the innermost loop reads neighbours: B in *panels* as wide as a
tile, A as rows or, if it is transposed, as columns of a tile. The rows of A are shared out evenly
among the tiles, so that no tile is much smaller than the others.
"""

from __future__ import annotations

from functools import cache

from fastnn.backend.compiled.llvm_builder import Function

#: Rows of a tile at most: 28 sums, two vectors of B and one of A leave one register free.
ROWS = 14
#: Terms that are added up at a time: a strip of A stays in the first-level cache.
DEPTH = 256
#: Columns of B that are copied at a time: they stay in the second-level cache.
COLUMNS = 512
#: Elements of a vector.
LANES = {"float": 16, "double": 8}
# Elements from row to row of a copied strip: not a power of two, lest rows evict each other.
_ROW_STEP = DEPTH + 16
# Elements from column to column of a strip of a transposed A.
_COLUMN_STEP = 16
_STRIP = DEPTH * _COLUMN_STEP


def scratch_size(m: int, t: str) -> int:
    """Return how many elements a product with m columns copies to: a strip of A, panels of B.

    >>> scratch_size(10, "float") - scratch_size(0, "float") == 256 * 32
    True
    """
    width = 2 * LANES[t]
    return _STRIP + DEPTH * (-(-min(m, COLUMNS) // width) * width)


@cache
def tile_text(t: str, rows: int, vectors: int, *, transposed: bool) -> str:
    """Return the function of a tile: ``(strip, panel, C, ldc, depth, add, columns, A, lda)``.

    It makes ``rows`` rows and the first ``columns`` columns of C, or adds to them if ``add`` is 1;
    ``vectors`` is how many that takes. ``transposed``: the strip is of a transposed A. The strip
    that begins at ``A`` is fetched into the cache on the way, for a later tile.
    """
    lanes = LANES[t]
    v, places = f"<{lanes} x {t}>", [(i, j) for i in range(rows) for j in range(vectors)]
    f = Function(
        "define void @NAME(ptr noalias %strip, ptr noalias %panel, ptr noalias %c, i64 %ldc, "
        "i64 %depth, i64 %add, i64 %columns, ptr %ahead, i64 %lda)"
    )
    to = {(i, j): f.place(t, "%c", f.integer("mul nsw", "%ldc", i), lanes * j) for i, j in places}
    for place in to.values():
        f.fetch(place, write=True)
    carried = [(v, f"%s{i}.{j}", "zeroinitializer", f"%t{i}.{j}") for i, j in places]
    with f.loop("%depth", carried=carried) as p:
        panel = f.place(t, "%panel", f.integer("mul nuw nsw", p, 2 * lanes))
        b = [f.load(t, lanes, f.place(t, panel, lanes * j)) for j in range(vectors)]
        step = _COLUMN_STEP if transposed else 1
        strip = f.place(t, "%strip", f.integer("mul nuw nsw", p, step))
        for i in range(rows):
            place = f.place(t, strip, i * (1 if transposed else _ROW_STEP))
            a = f.spread(t, lanes, f.new(f"load {t}, ptr {place}"))
            for j in range(vectors):
                f.do(
                    f"%t{i}.{j} = call {v} @llvm.fma.v{lanes}f{512 // lanes}"
                    f"({v} {a}, {v} {b[j]}, {v} %s{i}.{j})"
                )
        _fetch_ahead(f, t, p, transposed)
    masks = [f.first(lanes, f.integer("sub", "%columns", lanes * j)) for j in range(vectors)]
    for condition, adds in (("eq", False), ("ne", True)):
        with f.when(f.new(f"icmp {condition} i64 %add, 0")):
            for (i, j), place in to.items():
                value = f"%t{i}.{j}"
                if adds:
                    value = f.new(f"fadd {v} {f.load(t, lanes, place, masks[j])}, {value}")
                f.store(t, lanes, value, place, masks[j])
    return f.text()


def _fetch_ahead(f: Function, t: str, p: str, transposed: bool) -> None:
    """Fetch a part of the strip at ``%ahead``: all of it, when p has gone through `DEPTH` terms."""
    if transposed:  # a term is a column of 14 elements, in one or two lines of the cache
        start = f.place(t, "%ahead", f.integer("mul nsw", p, "%lda"))
        for element in (0, ROWS - 1):
            f.fetch(f.place(t, start, element))
        return
    lines = DEPTH // LANES[t]  # of a row
    for part in range(lines // 16):
        line = f.integer("add", f.integer("mul nuw nsw", p, lines // 16), part)
        row, place = f.integer("udiv", line, lines), f.integer("urem", line, lines)
        start = f.place(t, "%ahead", f.integer("mul nsw", row, "%lda"))
        f.fetch(f.place(t, start, f.integer("mul nuw nsw", place, LANES[t])))


@cache
def copy_rows_text(t: str) -> str:
    """Return the function that copies a strip of A: ``(A, lda, rows, depth, strip)``."""
    f = Function(_COPY)
    with f.loop("%n") as i:
        source = f.place(t, "%from", f.integer("mul nsw", i, "%ld"))
        to = f.place(t, "%to", f.integer("mul nsw", i, _ROW_STEP))
        with f.loop("%m", 16) as p:
            mask = f.first(16, f.integer("sub", "%m", p))
            f.store(t, 16, f.load(t, 16, f.place(t, source, p), mask), f.place(t, to, p))
    return f.text()


@cache
def copy_columns_text(t: str) -> str:
    """Return the function that copies a strip of a transposed A: ``(A, lda, rows, depth, strip)``.

    Element (i, p) of the strip lies at ``A[p * lda + i]``.
    """
    f = Function(_COPY)
    mask = f.first(16, "%n")
    with f.loop("%m") as p:
        source = f.place(t, "%from", f.integer("mul nsw", p, "%ld"))
        to = f.place(t, "%to", f.integer("mul nsw", p, _COLUMN_STEP))
        f.store(t, 16, f.load(t, 16, source, mask), to)
    return f.text()


@cache
def panels_text(t: str) -> str:
    """Return the function that copies panels of B: ``(B, ldb, depth, columns, panels)``."""
    width = 2 * LANES[t]
    f = Function(_COPY)
    size = f.integer("mul nuw nsw", _whole(f, "%n", 16), width)
    with f.loop("%m", width) as j:
        mask = f.first(width, f.integer("sub", "%m", j))
        number = f.integer("udiv exact", j, width)
        panel = f.place(t, "%to", f.integer("mul nuw nsw", number, size))
        with f.loop("%n") as p:
            source = f.place(t, "%from", f.integer("mul nsw", p, "%ld"), j)
            to = f.place(t, panel, f.integer("mul nuw nsw", p, width))
            f.store(t, width, f.load(t, width, source, mask), to)
    return f.text()


@cache
def transposed_panels_text(t: str) -> str:
    """Return the function that copies panels of a transposed B, arguments as above.

    Element (p, j) of B lies at ``B[j * ldb + p]``. Squares of a vector's length are transposed in
    registers; beyond the last column, the last one is copied again.
    """
    lanes = LANES[t]
    width = 2 * lanes
    f = Function(_COPY)
    size = f.integer("mul nuw nsw", _whole(f, "%n", 16), width)
    last = f.integer("sub", "%m", 1)
    with f.loop("%m", lanes) as j:
        # two squares side by side in a panel
        number, rest = f.integer("udiv", j, width), f.integer("urem", j, width)
        panel = f.place(t, "%to", f.integer("mul nuw nsw", number, size), rest)
        columns = [f.smaller(f.integer("add", j, k), last) for k in range(lanes)]
        sources = [f.place(t, "%from", f.integer("mul nsw", k, "%ld")) for k in columns]
        with f.loop("%n", lanes) as p:
            mask = f.first(lanes, f.integer("sub", "%n", p))
            square = [f.load(t, lanes, f.place(t, s, p), mask) for s in sources]
            for k, row in enumerate(_transposed(f, t, square)):
                to = f.place(t, panel, f.integer("mul nuw nsw", f.integer("add", p, k), width))
                f.store(t, lanes, row, to)
    return f.text()


def _transposed(f: Function, t: str, rows: list[str]) -> list[str]:
    """Transpose a square of vectors: exchange blocks of half the size, then of a quarter, ..."""
    n = len(rows)
    half = n // 2
    while half:
        mixed = list(rows)
        for i in (i for i in range(n) if not i & half):
            a, b = rows[i], rows[i + half]
            low = [k if not k & half else k - half + n for k in range(n)]
            high = [k + half if not k & half else k + n for k in range(n)]
            mixed[i], mixed[i + half] = (_mixed(f, t, a, b, lanes) for lanes in (low, high))
        rows, half = mixed, half // 2
    return rows


def _mixed(f: Function, t: str, a: str, b: str, lanes: list[int]) -> str:
    v, n = f"<{len(lanes)} x {t}>", len(lanes)
    numbers = ", ".join(f"i32 {lane}" for lane in lanes)
    return f.new(f"shufflevector {v} {a}, {v} {b}, <{n} x i32> <{numbers}>")


@cache
def product_text(t: str) -> str:
    """Return the function of a product, ``C = A B``.

    ``(A, lda, a_row, a_term, B, ldb, b_term, b_column, C, ldc, n, m, k, scratch, copy_a,
    copy_b, low, high, low_edge, high_edge)``: elements from row to row and from term to term of
    the sums in A, and so on; functions to copy A and B; the tiles with ``n / tiles`` rows and
    with one more, and those for a panel that is not full.
    """
    width = 2 * LANES[t]
    f = Function(
        "define void @NAME(ptr %a, i64 %lda, i64 %a_row, i64 %a_term, "
        "ptr %b, i64 %ldb, i64 %b_term, i64 %b_column, ptr %c, i64 %ldc, i64 %n, i64 %m, i64 %k, "
        "ptr %scratch, ptr %copy_a, ptr %copy_b, ptr %low, ptr %high, ptr %low_edge, "
        "ptr %high_edge)"
    )
    panels = f.place(t, "%scratch", _STRIP)
    tiles, rows, more_rows = _even(f, "%n", ROWS)
    parts, terms, more_terms = _even(f, "%k", DEPTH)
    with f.loop("%m", COLUMNS) as j:
        columns = f.smaller(f.integer("sub", "%m", j), COLUMNS)
        with f.loop(parts) as part:
            p, depth = _stretch(f, part, terms, more_terms)
            b = f.place(
                t, "%b", f.integer("mul nsw", p, "%b_term"), f.integer("mul nsw", j, "%b_column")
            )
            f.do(f"call void %copy_b(ptr {b}, i64 %ldb, i64 {depth}, i64 {columns}, ptr {panels})")
            add = f.smaller(part, 1)  # the first part replaces what C holds
            with f.loop(tiles) as tile:
                i, height = _stretch(f, tile, rows, more_rows)
                a = f.place(
                    t, "%a", f.integer("mul nsw", i, "%a_row"), f.integer("mul nsw", p, "%a_term")
                )
                f.do(f"call void %copy_a(ptr {a}, i64 %lda, i64 {height}, i64 {depth}, "
                     "ptr %scratch)")  # fmt: skip
                c = f.place(t, "%c", f.integer("mul nsw", i, "%ldc"), j)
                taller = f.new(f"icmp ult i64 {tile}, {more_rows}")
                size = f.integer("mul nuw nsw", _whole(f, depth, 16), width)
                below = f.place(t, a, f.integer("mul nsw", height, "%a_row"))
                with f.loop(columns, width) as q:
                    first = f.new(f"icmp eq i64 {q}, 0")
                    ahead = f.new(f"select i1 {first}, ptr {below}, ptr %scratch")
                    step = f.new(f"select i1 {first}, i64 %lda, i64 0")
                    number = f.integer("udiv exact", q, width)
                    panel = f.place(t, panels, f.integer("mul nuw nsw", number, size))
                    left = f.integer("sub", columns, q)
                    whole = f.new(f"icmp sge i64 {left}, {width}")
                    low = f.new(f"select i1 {whole}, ptr %low, ptr %low_edge")
                    high = f.new(f"select i1 {whole}, ptr %high, ptr %high_edge")
                    function = f.new(f"select i1 {taller}, ptr {high}, ptr {low}")
                    f.do(
                        f"call void {function}(ptr %scratch, ptr {panel}, "
                        f"ptr {f.place(t, c, q)}, i64 %ldc, i64 {depth}, i64 {add}, i64 {left}, "
                        f"ptr {ahead}, i64 {step})"
                    )
    return f.text()


_COPY = "define void @NAME(ptr noalias %from, i64 %ld, i64 %n, i64 %m, ptr noalias %to)"


def _whole(f: Function, n: str, step: int) -> str:
    """Return n rounded up to a multiple of a power of two."""
    return f.integer("and", f.integer("add", n, step - 1), -step)


def _even(f: Function, n: str, most: int) -> tuple[str, str, str]:
    """Cut n evenly: how many parts, the length of the shorter ones, how many are one longer."""
    parts = f.integer("udiv", f.integer("add", n, most - 1), most)
    return parts, f.integer("udiv", n, parts), f.integer("urem", n, parts)


def _stretch(f: Function, part: str, length: str, longer: str) -> tuple[str, str]:
    """Return where an even part begins and how long it is; the longer ones come first."""
    start = f.integer("add", f.integer("mul", part, length), f.smaller(part, longer))
    is_longer = f.new(f"icmp ult i64 {part}, {longer}")
    return start, f.integer("add", length, f.new(f"zext i1 {is_longer} to i64"))
