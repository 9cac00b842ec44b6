"""CUDA C++ text of what is not elementwise: sums and maxima, mini-batches, tables, uniforms.

The texts stand here as they are compiled, but for the types. Sizes are arguments. Out-of-range
rows cannot raise on a GPU: they give NaN (integers: -1), so that the loss shows it.
"""

from __future__ import annotations

from functools import lru_cache
from string import Template

from fastnn.backend.cuda.elementwise_text import Source, c_type, float_type, literal
from fastnn.backend.random import PURPOSES

#: A block of the column kernel: 32 neighbouring columns (one coalesced read) of 8 rows.
TILE = 32

# Block r * parts + s takes the elements s * part to (s + 1) * part of row r and writes
# out[r * parts + s]; with parts = 1 these are whole rows. Each thread takes every n-th element,
# then a tree combines the threads: always in the same order, so the same numbers give the same
# bits. The block has a power of two of threads.
_ROWS = Template("""\
static __device__ inline $T combine($T a, $T b) { return $combine; }

extern "C" __global__ void __launch_bounds__(256, 3) $name(
    const $A* a, $T* out, long long cols, long long part, long long parts)
{
    __shared__ $T tile[256];
    const long long r = blockIdx.x / parts;
    const long long start = (blockIdx.x % parts) * part;
    const long long end = start + part < cols ? start + part : cols;
    $T value = $start;
    for (long long j = start + threadIdx.x; j < end; j += blockDim.x) {
        value = combine(value, ($T)a[r * cols + j]);
    }
    tile[threadIdx.x] = value;
    __syncthreads();
    for (unsigned int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            tile[threadIdx.x] = combine(tile[threadIdx.x], tile[threadIdx.x + half]);
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        out[blockIdx.x] = tile[0];
    }
}
""")

# Block s * groups + g takes the rows s * part to (s + 1) * part of the 32 columns of group g and
# writes them to row s of out (parts, cols).
_COLUMNS = Template("""\
static __device__ inline $T combine($T a, $T b) { return $combine; }

extern "C" __global__ void __launch_bounds__(256, 3) $name(
    const $A* a, $T* out, long long rows, long long cols, long long part)
{
    __shared__ $T tile[256];
    const long long groups = (cols + 31) / 32;
    const long long s = blockIdx.x / groups;
    const long long j = (blockIdx.x % groups) * 32 + threadIdx.x % 32;
    const unsigned int line = threadIdx.x / 32;
    const long long end = (s + 1) * part < rows ? (s + 1) * part : rows;
    $T value = $start;
    if (j < cols) {
        for (long long i = s * part + line; i < end; i += 8) {
            value = combine(value, ($T)a[i * cols + j]);
        }
    }
    tile[threadIdx.x] = value;
    __syncthreads();
    for (unsigned int half = 4; half > 0; half /= 2) {
        if (line < half) {
            tile[threadIdx.x] = combine(tile[threadIdx.x], tile[threadIdx.x + 32 * half]);
        }
        __syncthreads();
    }
    if (line == 0 && j < cols) {
        out[s * cols + j] = tile[threadIdx.x];
    }
}
""")

# Neighbouring threads read neighbouring elements of one row.
_GATHER = Template("""\
extern "C" __global__ void __launch_bounds__(256, 3) $name(
    const $A* source, const $I* order, const $P* position, $T* out,
    $E size, $E width, long long n_source, long long n_order)
{
    const long long first = position[0];
    const $E step = ($E)gridDim.x * blockDim.x;
    for ($E e = ($E)blockIdx.x * blockDim.x + threadIdx.x; e < size; e += step) {
        const $E line = e / width;
        const long long at = first + line;
        const long long row = at >= 0 && at < n_order ? (long long)order[at] : -1;
        const bool there = row >= 0 && row < n_source;
        out[e] = there ? ($T)source[row * width + (e - line * width)] : $missing;
    }
}
""")

# width is 1 where one number of the table fills all of out.
_LOAD = Template("""\
extern "C" __global__ void __launch_bounds__(256, 3) $name(
    const $A* table, const $P* counter, $T* out,
    long long size, long long width, long long length)
{
    const long long row = counter[0];
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long e = (long long)blockIdx.x * blockDim.x + threadIdx.x; e < size; e += step) {
        out[e] = row >= 0 && row < length ? ($T)table[row * width + (width > 1 ? e : 0)] : $missing;
    }
}
""")

_STORE = Template("""\
extern "C" __global__ void __launch_bounds__(256, 3) $name(
    const $A* value, const $P* counter, $T* table, long long length)
{
    const long long row = counter[0];
    if (blockIdx.x == 0 && threadIdx.x == 0 && row >= 0 && row < length) {
        table[row] = ($T)value[0];
    }
}
""")

_ADVANCE = Template("""\
extern "C" __global__ void __launch_bounds__(256, 3) $name($P* counter, long long by)
{
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        counter[0] += ($P)by;
    }
}
""")

# Philox 4x64-10 (Salmon et al. 2011): the words c0 .. c3 of the counter become four random ones.
_ROUNDS = """\
        unsigned long long k0 = seed, k1 = 0;
        for (int round = 0; round < 10; ++round) {
            const unsigned long long high0 = __umul64hi(0xD2E7470EE14C6C93ULL, c0);
            const unsigned long long low0 = 0xD2E7470EE14C6C93ULL * c0;
            const unsigned long long high1 = __umul64hi(0xCA5A826395121157ULL, c2);
            const unsigned long long low1 = 0xCA5A826395121157ULL * c2;
            c0 = high1 ^ c1 ^ k0;
            c1 = low1;
            c2 = high0 ^ c3 ^ k1;
            c3 = low0;
            k0 += 0x9E3779B97F4A7C15ULL;
            k1 += 0xBB67AE8584CAA73BULL;
        }"""

# One thread makes one block of four words: eight numbers. Counter [1 + block, step, layer, purpose]
# and key [seed, 0], as random.UniformStream has them.
_UNIFORM = Template("""\
extern "C" __global__ void __launch_bounds__(256, 3) $name(
    const $P* counter, float* out, long long size,
    unsigned long long seed, unsigned long long layer)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long b = (long long)blockIdx.x * blockDim.x + threadIdx.x; 8 * b < size; b += step) {
        unsigned long long c0 = b + 1, c1 = counter[0], c2 = layer, c3 = $purpose;
$rounds
        const unsigned long long words[4] = {c0, c1, c2, c3};
        for (int k = 0; k < 8; ++k) {  // always 8 times, so that words stays in registers
            const unsigned int word = (unsigned int)(words[k / 2] >> (k % 2 * 32));
            if (8 * b + k < size) {
                out[8 * b + k] = (float)(word >> 8) * 5.9604644775390625e-8f;  // 2^-24
            }
        }
    }
}
""")

# Element e of out is number `at` of the whole batch: each thread makes the block that it lies in.
_UNIFORM_COLUMNS = Template("""\
extern "C" __global__ void __launch_bounds__(256, 3) $name(
    const $P* counter, const $Q* first, float* out, long long size, long long width, long long of,
    unsigned long long seed, unsigned long long layer)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long e = (long long)blockIdx.x * blockDim.x + threadIdx.x; e < size; e += step) {
        const long long at = e / width * of + first[0] + e % width;
        unsigned long long c0 = at / 8 + 1, c1 = counter[0], c2 = layer, c3 = $purpose;
$rounds
        const long long k = at % 8;
        const unsigned long long word = k < 4 ? (k < 2 ? c0 : c1) : (k < 6 ? c2 : c3);
        const unsigned int half = (unsigned int)(word >> k % 2 * 32);
        out[e] = (float)(half >> 8) * 5.9604644775390625e-8f;  // 2^-24
    }
}
""")

#: How two numbers become one, and what to begin with.
COMBINE = {
    "sum": ("a + b", 0.0),
    "max": ("(a >= b || a != a) ? a : b", float("-inf")),  # a NaN stays
}


def _source(template: Template, name: str, **words: str) -> Source:
    return Source(name, template.substitute(name=name, **words).strip())


@lru_cache(maxsize=256)
def reduction(how: str, columns: bool, a: str, out: str) -> Source:
    """Return the kernel that sums (``how="sum"``) or takes the maximum ("max").

    Along contiguous rows (arguments ``a, out, cols, part, parts``) or down the columns (``a,
    out, rows, cols, part``), in parts. ``a`` and ``out`` are dtypes; it computes in ``out``.

    >>> reduction("sum", False, "float32", "float32").name
    'fastnn_sum_rows_float32_float32'
    """
    combine, start = COMBINE[how]
    return _source(
        _COLUMNS if columns else _ROWS,
        f"fastnn_{how}_{'columns' if columns else 'rows'}_{a}_{out}",
        A=c_type(a, how),
        T=float_type(out, f"{how}: out"),
        combine=combine,
        start=literal(start, out),
    )


def _missing(dtype: str) -> str:
    """Return what stands where there is no such row: NaN, or -1 for integers."""
    return literal(float("nan"), dtype) if dtype.startswith("float") else f"({c_type(dtype, '')})-1"


@lru_cache(maxsize=256)
def gather(source: str, order: str, position: str, out: str, wide: bool = False) -> Source:
    """Return the kernel of ``out[j] = source[order[position + j]]`` for rows of ``width`` elements.

    Arguments: ``source, order, position, out, size, width, n_source, n_order``; ``size`` counts
    the elements of ``out``. ``wide`` asks for 64 bits to count them: such divisions are slow.
    """
    return _source(
        _GATHER,
        f"fastnn_gather_{source}_{out}",
        A=c_type(source, "gather: source"),
        I=c_type(order, "gather: order"),
        P=c_type(position, "gather: position"),
        T=c_type(out, "gather: out"),
        E="long long" if wide else "unsigned int",
        missing=_missing(out),
    )


@lru_cache(maxsize=256)
def load(table: str, counter: str, out: str) -> Source:
    """Return the kernel of ``out = table[counter]``.

    Arguments: ``table, counter, out, size, width, length``: elements of ``out``, elements of a
    row of the table (that, or 1), rows.
    """
    return _source(
        _LOAD,
        f"fastnn_load_{table}_{out}",
        A=c_type(table, "load: table"),
        P=c_type(counter, "load: counter"),
        T=c_type(out, "load: out"),
        missing=_missing(out),
    )


@lru_cache(maxsize=256)
def store(value: str, counter: str, table: str) -> Source:
    """Return the kernel of ``table[counter] = value``: ``value, counter, table, length``."""
    return _source(
        _STORE,
        f"fastnn_store_{value}_{table}",
        A=c_type(value, "store: value"),
        P=c_type(counter, "store: counter"),
        T=c_type(table, "store: table"),
    )


@lru_cache(maxsize=256)
def advance(counter: str) -> Source:
    """Return the kernel of ``counter += by``; its arguments are these two."""
    return _source(_ADVANCE, f"fastnn_advance_{counter}", P=c_type(counter, "advance: counter"))


@lru_cache(maxsize=256)
def uniform(counter: str) -> Source:
    """Return the kernel that fills ``out`` (float32) as `random.UniformStream` does, bit for bit.

    Arguments: ``counter, out, size, seed, layer``.
    """
    return _source(
        _UNIFORM,
        "fastnn_uniform",
        P=c_type(counter, "uniform: counter"),
        purpose=str(PURPOSES["dropout"]),
        rounds=_ROUNDS,
    )


@lru_cache(maxsize=256)
def uniform_columns(counter: str, first: str) -> Source:
    """Return the kernel that fills ``out`` (n, width) with columns of a whole batch's uniforms.

    Arguments: ``counter, first, out, size, width, of, seed, layer``.
    """
    return _source(
        _UNIFORM_COLUMNS,
        f"fastnn_uniform_columns_{counter}_{first}",
        P=c_type(counter, "uniform: counter"),
        Q=c_type(first, "uniform: first"),
        purpose=str(PURPOSES["dropout"]),
        rounds=_ROUNDS,
    )
