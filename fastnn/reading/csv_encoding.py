"""How the characters of a text file are written: found by its begin, checked where it is wrong."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from pathlib import Path

from fastnn.errors import ArgumentError, DataError, advice, arg, shown
from fastnn.reading.csv_lines import cells_of, records
from fastnn.reading.packed import opened

#: The begin of a file that is looked at: so many characters, or more if that is not two lines.
_HEAD = 2**18
_LONGEST_HEAD = 2**26

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def head_of(path: Path, given: str | None) -> tuple[str, str]:
    r"""Return Python's name of the encoding, and the begin of a file up to the end of a line.

    UTF-8 is "utf-8-sig", with or without a byte order mark. Raises ArgumentError for a given one
    that the file's mark contradicts or that needs a mark, DataError for what cannot be UTF-8 text.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("größe\n1\n", "utf-16")
    ...     print(head_of(path, None))
    ('utf-16', 'größe\n1\n')
    """
    data, whole = b"", False
    with opened(path) as stream:
        while not whole and _lines(data) < 3 and len(data) < _LONGEST_HEAD:
            size = max(_HEAD, 3 * len(data))
            more = stream.read(size)
            data, whole = data + more, len(more) < size
    encoding = "utf-8-sig" if given is None else codecs.lookup(given).name
    encoding = "utf-8-sig" if encoding == "utf-8" else encoding
    found = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if found is not None:
        family = found.removesuffix("-sig")
        if not encoding.startswith(family) and given is not None:
            raise ArgumentError(
                f"{arg('encoding', given)}: file '{path}' begins with the mark of {family} text; "
                f"leave {arg('encoding')} out"
            )
        encoding = found
    elif encoding in ("utf-16", "utf-32") and data:
        ends = " or ".join(f"{encoding}-{end}" for end in ("le", "be"))
        raise ArgumentError(
            f"{arg('encoding', given)}: file '{path}' does not begin with the mark of {encoding} "
            f"text, which says the order of its bytes; say {ends}"
        )
    elif encoding == "utf-8-sig" and b"\0" in data:
        raise DataError(_holds_nul(path, data))
    head = codecs.getincrementaldecoder(encoding)("replace").decode(data, final=whole)
    end = len(head) if whole else max(head.rfind("\n"), head[:-1].rfind("\r")) + 1
    return encoding, head[: end or len(head)]


def _lines(data: bytes) -> int:
    return max(data.count(b"\n"), data.count(b"\r"))


def _holds_nul(path: Path, data: bytes) -> str:
    """The message for text with a NUL byte, which is UTF-16 or no text at all."""
    even, odd = data[:_HEAD:2].count(b"\0"), data[1:_HEAD:2].count(b"\0")
    if max(even, odd) > len(data[:_HEAD]) // 8 and min(even, odd) * 8 < max(even, odd):
        name = "utf-16-le" if odd > even else "utf-16-be"
        say = advice("encoding", f"say {arg('encoding', name)}", "save it as UTF-8")
        return f"file '{path}' looks like UTF-16 text without a byte order mark; if it is, {say}"
    return nul_byte(path, data[: data.index(b"\0")].count(b"\n") + 1)


def nul_byte(path: Path, line: int) -> str:
    """Return the message for a NUL byte.

    >>> nul_byte(Path("a.csv"), 3)
    "file 'a.csv', line 3: there is a NUL byte, which no text has; ..."
    """
    return (
        f"file '{path}', line {line}: there is a NUL byte, which no text has; the file is damaged "
        "or no text file: remove the byte, or write the file again"
    )


def check_encoding(path: Path, encoding: str, sign: str, names: Sequence[str]) -> None:
    """Raise DataError for the first line of a file that is not in ``encoding``, with its cell."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                decoder.decode(line)
            except UnicodeDecodeError as error:
                found, j, cell = _bad_cell(number, error, sign)
                name = names[j] if j is not None and j < len(names) else ""
                column = f", column {shown(name)}" if name and "\ufffd" not in name else ""
                where = f"file '{path}', line {found}{column}"
                raise DataError(f"{where}: {_cure(encoding, cell, error)}") from error


def _bad_cell(number: int, error: UnicodeDecodeError, sign: str) -> tuple[int, int | None, str]:
    """The line, the column and the cell, as Western Europe reads it, of what cannot be decoded."""
    whole = error.object.decode("cp1252", "replace")
    before, after = whole[: error.start], whole[error.start :]
    number += len(re.findall("\r(?!\n)", before))
    before = re.split("[\r\n]", before)[-1]
    line = before + re.split("[\r\n]", after)[0]
    j = next(records([before + "x"], sign)).cells - 1
    cells = cells_of(next(records([line], sign)), sign)
    return (number, j, cells[j]) if j < len(cells) else (number, None, line)


def _cure(encoding: str, cell: str, error: UnicodeDecodeError) -> str:
    if encoding != "utf-8-sig":
        other = advice("encoding", f"say another {arg('encoding')}", "write it as UTF-8")
        return f"this is not {encoding} text ({error.reason}); {other}"
    say = advice("encoding", f"say {arg('encoding', 'cp1252')}", "write the file as UTF-8")
    return (
        f"this is not UTF-8 text; if the cell is {shown(cell.strip())}, {say}, else the encoding "
        "that the file has"
    )
