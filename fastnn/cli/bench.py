"""``fastnn bench``: loops, NumPy, compiled code and the GPU, timed on this machine (N17)."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from fastnn.cli.messages import note
from fastnn.cli.parser import Parser
from fastnn.recipe import checks
from fastnn.recipe.forms import layers, real, split_list, whole
from fastnn.version import __version__

if TYPE_CHECKING:
    from fastnn.timing.comparison import Effort, Timed

_EPILOG = """\
examples:
  fastnn bench                    # everything: about a minute and a half
  fastnn bench step dot           # a training step, and a product of vectors
  fastnn bench "tanh forward" adam --batch-sizes 128,full
  fastnn bench step --layers 784,512,256,10 --loop-limit 10

A loop that would take longer than the limit is not run; its cell says so."""


def add_bench(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "bench",
        help="time loops, NumPy, compiled code and the GPU, kernel by kernel",
        description="Time every kernel and the whole training step: in plain loops, vectorised "
        "with NumPy, compiled (by llvmlite), and on a GPU where CUDA can be used. float32, the "
        "fastest of the repeats.",
        epilog=_EPILOG,
    )
    p.set_defaults(run=bench)
    p.add_argument(
        "what", nargs="*", metavar="WHAT",
        help="kernels by name, first word or kind: step, dot, dense, activation, loss, optimizer; "
        "default: all",
    )  # fmt: skip
    p.add_argument(
        "--batch-sizes", type=_sizes, metavar="M,M,...",
        help="examples per batch, full for 10,000; default: "
        "1,16,32,64,128,256,512,1024,4096,full",
    )  # fmt: skip
    p.add_argument(
        "--layers", type=layers, default=(32, 64, 64, 2), metavar="N,N,...",
        help="sizes of the network of the training step; default: 32,64,64,2",
    )  # fmt: skip
    for option, read, default, metavar, what in (
        ("--units", whole, 64, "N", "units of a layer, for the kernels"),
        ("--seconds", real, 0.05, "S", "seconds to measure each vectorised cell"),
        ("--loop-limit", real, 0.5, "S", "leave loops out that take more seconds"),
        ("--repeats", whole, 5, "N", "times that each is measured"),
    ):
        text = f"{what}; default: %(default)s"
        p.add_argument(option, type=read, default=default, metavar=metavar, help=text)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def _sizes(text: str) -> tuple[int | str, ...]:
    """Read batch sizes; 'full' stands for the whole data set."""
    words = split_list(text)
    if not all(w == "full" or (w.isdecimal() and int(w) > 0) for w in words):
        raise argparse.ArgumentTypeError(f"needs batch sizes such as 1,128,full; found {text!r}")
    return tuple(w if w == "full" else int(w) for w in words)


def bench(arguments: argparse.Namespace) -> int:
    """Measure and print; what was measured before an interruption is printed too."""
    from fastnn.timing.comparison import BATCH_SIZES, FULL, Effort, compare, subjects

    _check(arguments)
    asked = arguments.batch_sizes or (*BATCH_SIZES, "full")
    batch_sizes = [FULL if m == "full" else int(m) for m in asked]
    effort = Effort(arguments.seconds, arguments.loop_limit, arguments.repeats)
    chosen = subjects(arguments.what, sizes=arguments.layers, units=arguments.units)
    found: list[list[Timed]] = []
    interrupted = False
    try:
        for subject in chosen:
            if arguments.json:
                note(f"{subject.name}, {subject.size}")
            rows = list(compare([subject], batch_sizes, effort))
            found += rows
            if not arguments.json:
                print(block(rows, FULL) + "\n", flush=True)
    except KeyboardInterrupt:
        interrupted = True
    if arguments.json:
        _print_document(found, effort, interrupted)
    else:
        print("\n".join(summary(found)))
    if interrupted:
        note("interrupted: what was measured is above")
    return 130 if interrupted else 0


def _check(arguments: argparse.Namespace) -> None:
    from fastnn.errors import ArgumentError

    checks.whole("--units", arguments.units)
    checks.whole("--repeats", arguments.repeats)
    checks.number("--seconds", arguments.seconds)
    checks.number("--loop-limit", arguments.loop_limit)
    if len(arguments.layers) < 2:
        raise ArgumentError(
            f"--layers needs at least two sizes, of the input and of the output; "
            f"found {len(arguments.layers)}"
        )
    if arguments.layers[-1] < 2:
        raise ArgumentError("--layers must end with at least two outputs, one for each class")


def block(rows: Sequence[Sequence[Timed]], full: int) -> str:
    """Return the table of one kernel: microseconds, and how many times as fast as the loop.

    >>> from fastnn.timing.comparison import Timed
    >>> row = [Timed("loss", "poisson", "10 outputs", 16, c, (s,)) for c, s in
    ...     [("loop", 1e-3), ("NumPy", 1e-5), ("compiled", 2e-6)]]
    >>> print(block([[*row, Timed("loss", "poisson", "10 outputs", 16, "GPU", (), "no CUDA")]], 99))
    poisson, 10 outputs (microseconds)
    batch   loop  NumPy  compiled  GPU  NumPy/loop  compiled/loop
    16     1,000   10.0      2.00    -         100            500
    """
    from fastnn.text import table

    first = rows[0][0]
    columns = [cell.column for cell in rows[0]]
    lines = [["batch", *columns, *(f"{c}/loop" for c in _against(rows))]]
    for row in rows:
        m = row[0].batch
        label = "any" if m is None else f"full {m}" if m == full else str(m)
        ratios = [_times(row[0].minimum / c.minimum) for c in row if c.column in _against(rows)]
        lines.append([label, *map(_microseconds, row), *ratios])
    return f"{first.name}, {first.size} (microseconds)\n{table(lines)}"


def _against(rows: Iterable[Sequence[Timed]]) -> list[str]:
    """The columns, but for the loop, in which anything was measured."""
    return list(dict.fromkeys(c.column for row in rows for c in row[1:] if c.seconds))


def _microseconds(cell: Timed) -> str:
    if not cell.seconds:
        return "left out" if cell.column == "loop" else "-"
    value = cell.minimum * 1e6
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def _times(ratio: float) -> str:
    if not math.isfinite(ratio):
        return "-"
    return f"{ratio:,.{0 if ratio >= 10 else 1}f}"


def summary(rows: Sequence[Sequence[Timed]]) -> list[str]:
    r"""Return what is gained over the loops, and why columns or cells are empty.

    >>> from fastnn.timing.comparison import Timed
    >>> cells = [Timed("loss", "poisson", "10 outputs", 16, c, (s,)) for c, s in
    ...     [("loop", 1e-3), ("NumPy", 1e-5)]]
    >>> print(*summary([cells]), sep="\n")
    NumPy: 100 times as fast as the loop (geometric mean of 1), at most 100
    (poisson, batch 16)
    """
    from fastnn.text import WIDTH

    lines = []
    for column in _against(rows):
        pairs = [(row[0], c) for row in rows for c in row if c.column == column]
        ratios = [(loop.minimum / c.minimum, c) for loop, c in pairs if loop.seconds and c.seconds]
        if ratios:
            mean = math.exp(sum(math.log(ratio) for ratio, _ in ratios) / len(ratios))
            top, where = max(ratios, key=lambda pair: pair[0])
            batch = "" if where.batch is None else f", batch {where.batch}"
            lines.append(
                f"{column}: {_times(mean)} times as fast as the loop (geometric mean of "
                f"{len(ratios)}), at most {_times(top)} ({where.name}{batch})"
            )
    return [fill(line, WIDTH, break_on_hyphens=False) for line in [*lines, *_gaps(rows)]]


def _gaps(rows: Sequence[Sequence[Timed]]) -> list[str]:
    """Return why columns, or some of their cells, are empty; a line for each reason."""
    cells = [cell for row in rows for cell in row if cell.reason]
    slow = [c for c in cells if c.column == "loop" and c.reason.startswith("not run")]
    lines = []
    if slow:
        limit = slow[0].reason.rpartition(", ")[2]
        lines.append(f"loop: {_cells(len(slow))} left out, too slow ({limit}; --loop-limit)")
    others = Counter((c.column, c.reason) for c in cells if c not in slow)
    for (column, reason), n in others.items():
        partly = column in ("loop", *_against(rows))
        what = f"{column}: {_cells(n)}" if partly else f"{column} column:"
        lines.append(f"{what} empty, {reason}")
    return lines


def _cells(n: int) -> str:
    return f"{n} cell{'s' if n != 1 else ''}"


def _print_document(rows: Sequence[Sequence[Timed]], effort: Effort, interrupted: bool) -> None:
    from fastnn.cli.diagnose import gather
    from fastnn.cli.text import print_json

    print_json(
        {
            "fastnn": __version__,
            "machine": gather(),
            "dtype": "float32",
            "effort": vars(effort),
            "interrupted": interrupted,
            "unit": "seconds per call",
            "results": [vars(cell) for row in rows for cell in row],
        }
    )
