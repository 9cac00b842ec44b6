"""What people read: aligned tables, numbers, wrapped text, curves in a line."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any, TextIO

import numpy as np

WIDTH = 80
_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.:-=+*#"


def number(value: float | None) -> str:
    """Return a metric for a table; a dash where it is not defined.

    >>> number(0.97512), number(2891.4), number(float("nan")), number(1.2e-7)
    ('0.9751', '2,891', '-', '1.2e-07')
    """
    if value is None or not math.isfinite(value):
        return "-"
    size = abs(value)
    if size >= 1e7 or 0 < size < 1e-4:
        return f"{value:.2g}"
    return f"{value:,.{4 if size < 10 else 2 if size < 1000 else 0}f}"


def numbers(values: Sequence[float | None]) -> list[str]:
    """Return the metrics of a column of a table: all with as many decimals as the median needs.

    >>> numbers([195.071, 219.63, 1106.2, None]), numbers([0.5, 0.25])
    (['195.07', '219.63', '1,106.20', '-'], ['0.5000', '0.2500'])
    >>> numbers([2.5e9, 0.25]), numbers([0.0, 1.5e-7])
    (['2.50e+09', '2.50e-01'], ['0.00e+00', '1.50e-07'])
    """
    known = sorted(abs(v) for v in values if v is not None and math.isfinite(v))
    largest, size = (known[-1], known[len(known) // 2]) if known else (0.0, 0.0)
    if largest >= 1e7 or 0 < largest < 1e-4:
        form = ".2e"
    else:
        form = f",.{4 if size < 10 else 2 if size < 1000 else 0}f"
    return [_formed(v, form) for v in values]


def sizes(values: Sequence[float | None], digits: int = 3) -> list[str]:
    """Return the numbers of a column of which each matters by itself, not beside the largest.

    Each has ``digits`` digits or more; if they are of sizes too different for that all are written
    with an exponent.

    >>> sizes([0.0123, 1.5, 20.0]), sizes([1e-9, 1.0]), sizes([30.0, None, 45.0])
    (['0.0123', '1.5000', '20.0000'], ['1.00e-09', '1.00e+00'], ['30', '-', '45'])
    """
    known = [abs(v) for v in values if v is not None and math.isfinite(v) and v]
    low, high = (math.floor(math.log10(f(known))) if known else 0 for f in (min, max))
    decimals = max(digits - 1 - low, 0)
    if high - low > 4 or high > 6 or decimals > digits + 3:
        return [_formed(v, f".{digits - 1}e") for v in values]
    texts = [_formed(v, f",.{decimals}f") for v in values]
    tails = [text.partition(".")[2].rstrip("0") for text in texts]
    spare = decimals - max(map(len, tails), default=0)
    spare += spare == decimals  # and the point
    return [text[: len(text) - spare] if spare and "." in text else text for text in texts]


def _formed(value: float | None, form: str) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:{form}}"


def time_text(seconds: float) -> str:
    """Return a time for people, to two digits or so.

    >>> time_text(0.0123), time_text(2.34), time_text(75), time_text(8000)
    ('12 ms', '2.3 s', '1 min 15 s', '2 h 13 min')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.2g} ms"
    if seconds < 60:
        return f"{seconds:.2g} s"
    small, large, a, b = (60, 1, "min", "s") if seconds < 3600 else (3600, 60, "h", "min")
    whole, rest = divmod(round(seconds / large), small // large)
    return f"{whole} {a} {rest} {b}"


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Return rows as aligned columns: the first to the left, the others to the right.

    >>> print(table([["", "loss"], ["train", "0.5000"], ["test", "12.0000"]]))
             loss
    train  0.5000
    test  12.0000
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append((indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def metric_rows(report: Mapping[str, Mapping[str, float | None]]) -> list[list[str]]:
    """Return the metrics of some parts of the data as the rows of a table, the loss first.

    >>> metric_rows({"test": {"accuracy": 0.5, "loss": 1.25}})
    [['', 'loss', 'accuracy'], ['test', '1.2500', '0.5000']]
    """
    names = ["loss", *dict.fromkeys(n for row in report.values() for n in row if n != "loss")]
    rows = [[part, *(number(row.get(name)) for name in names)] for part, row in report.items()]
    return [["", *names], *rows]


def metrics_table(report: Mapping[str, Mapping[str, float | None]]) -> str:
    """Return the metrics of some parts of the data as a table, the loss first.

    >>> print(metrics_table({"test": {"accuracy": 0.5, "loss": 1.25}}))
            loss  accuracy
    test  1.2500    0.5000
    """
    return table(metric_rows(report))


def pairs(items: Mapping[str, object], indent: str = "", most: int | None = None) -> str:
    """Return names and values, one to a line, long values wrapped below themselves.

    ``most``: of a value that takes more lines, so many are shown.

    >>> print(pairs({"task": "binary", "inputs": "30 columns"}))
    task    binary
    inputs  30 columns
    """
    width = max(map(len, items), default=0) + 2
    lines = []
    for name, value in items.items():
        start, text = indent + name.ljust(width), str(value)
        if most is not None:  # of a text of any length no more is looked at
            text = printable(text[: WIDTH * (most + 1)])
        wrapped = fill(
            text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start),
            break_on_hyphens=False, break_long_words=most is not None, max_lines=most,
            placeholder=" ...",
        )  # fmt: skip
        lines.append(wrapped if text else start.rstrip())
    return "\n".join(lines)


def counted(n: int, word: str) -> str:
    """Return a number of things.

    >>> counted(1, "input"), counted(1200, "row")
    ('1 input', '1,200 rows')
    """
    return f"{n:,} {word}{'s' * (n != 1)}"


def printable(text: str) -> str:
    r"""Return a text with what cannot be seen, such as control characters, as Python writes it.

    >>> printable("a\x1b[31m\n"), printable("größer")
    ('a\\x1b[31m\\n', 'größer')
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def clipped(text: str, most: int) -> str:
    """Return a printable text of at most ``most`` characters, which says where there was more.

    >>> clipped("abcdefgh", 6), clipped("abc", 6)
    ('abc...', 'abc')
    """
    shown = printable(text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."


def engine_text(engine: Mapping[str, Any] | None) -> str:
    """Return in words what ran the steps of a training, `History.engine`; '' if it is not known.

    >>> engine_text({"engine": "numpy", "threads": 2, "reason": "engine='numpy' was asked for"})
    'numpy on 2 threads (as asked)'
    """
    if engine is None:
        return ""
    name, n, reason = engine["engine"], engine["threads"], engine["reason"]
    threads = "" if name == "cuda" else f" on {n} thread{'s' if n != 1 else ''}"
    return f"{name}{threads} ({'as asked' if reason.startswith('engine=') else reason})"


def sparkline(values: Sequence[float | None], width: int = 40, stream: TextIO | None = None) -> str:
    """Return a curve in one line, lowest to highest finite value; a space where there is none.

    More values than ``width`` are drawn as the means of stretches.

    >>> sparkline([3.0, 2.0, 1.0, None, 1.5])
    '█▅▁ ▃'
    """
    found = heights(values, width)
    bars = _BARS if can_show(_BARS, stream) else _PLAIN_BARS
    if all(h is None for h in found):
        return ""
    return "".join(" " if h is None else bars[round(h * (len(bars) - 1))] for h in found)


def heights(values: Sequence[float | None], most: int) -> list[float | None]:
    """Return a curve as at most ``most`` heights from 0 to 1; None where no value is finite.

    More values are drawn as the means of stretches; of equal values all heights are 0.

    >>> heights([3.0, None, 1.0, 2.0, 2.0], 5), heights([0.0, 0.0, 4.0, 4.0], 2)
    ([1.0, None, 0.0, 0.5, 0.5], [0.0, 1.0])
    """
    known = np.array([math.nan if v is None else v for v in values], np.float64)
    known[~np.isfinite(known)] = math.nan
    if np.isnan(known).all():
        return [None] * min(most, len(known))
    # By a power of 2, which rounds nothing: sums and differences are finite then.
    known = np.ldexp(known, -np.frexp(np.nanmax(abs(known)))[1])
    stretches = [s[~np.isnan(s)] for s in np.array_split(known, min(most, len(known)))]
    means = [float(s.mean()) if len(s) else None for s in stretches]
    drawn = [v for v in means if v is not None]
    low, spread = min(drawn), max(drawn) - min(drawn)
    if spread < 1e-12:  # means of equal values differ by rounding
        spread = 1.0
    return [None if v is None else (v - low) / spread for v in means]


def can_show(text: str, stream: TextIO | None = None) -> bool:
    """Return whether a stream (standard output) has the characters of ``text``.

    >>> import io
    >>> can_show("▁", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    False
    """
    try:
        text.encode(getattr(stream or sys.stdout, "encoding", None) or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
