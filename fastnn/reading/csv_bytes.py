"""The bytes of a text file as UTF-8, for Arrow, and which signs are among them."""

from __future__ import annotations

import codecs
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from fastnn.backend.host.memory import free_memory
from fastnn.data.storage import MEMORY, OnDisk, Storage
from fastnn.errors import DataError, advice, arg
from fastnn.nn.memory import size
from fastnn.reading.csv_encoding import nul_byte
from fastnn.reading.csv_layout import Layout
from fastnn.reading.packed import opened

#: Bytes that are read at once.
_BLOCK = 2**18
#: Lines that are put into another form at once.
_LINES = 2**12
#: The end of a file that is kept: more than a line, for most.
_TAIL = 2**16


@dataclass
class Text:
    """What Arrow is to read.

    Attributes:
        source: a path, or where the file is packed or not UTF-8 the bytes, in memory or in a file
            without a name. Never a Python file: Arrow's threads may hold it while the interpreter
            ends, which aborts the process.
        quoted: whether there is a quotation mark after the header.
        torn: whether one of them may stand in the middle of a cell.
        hexadecimal: whether "0x" is there, which Arrow reads as the begin of a number.
        skipped: how many rows were left out, when they have been read.
        tail: the last bytes.
    """

    source: Path | bytearray | mmap.mmap
    quoted: bool = False
    torn: bool = False
    hexadecimal: bool = False
    skipped: int = 0
    tail: bytes = field(default=b"", repr=False)

    def stream(self) -> Any:
        """Return what one pass of Arrow reads."""
        import pyarrow as pa

        if isinstance(self.source, Path):
            return str(self.source)
        return pa.BufferReader(pa.py_buffer(self.source))


def text_of(layout: Layout, storage: Storage = MEMORY) -> Text:
    """Return the text of a file; ``storage``: where it is kept, if it cannot be read as it is.

    Raises DataError if it is none, for a full disk, and for more than fits into memory.
    """
    path = layout.path
    if isinstance(storage, OnDisk) and not layout.is_plain:
        return _kept_on_disk(layout, storage)
    kept = None if layout.is_plain else bytearray()
    text = Text(path if kept is None else kept)
    for block in _looked_at(layout, text):
        if kept is not None:
            kept += block
            _check_room(path, len(kept))
    return text


def _kept_on_disk(layout: Layout, storage: OnDisk) -> Text:
    text = Text(layout.path)
    with storage.open() as file:
        try:
            for block in _looked_at(layout, text):
                file.write(block)
            file.flush()
            text.source = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise storage.refused(error) from error
    return text


def _looked_at(layout: Layout, text: Text) -> Iterator[bytes]:
    """Yield the blocks of a file, and note in ``text`` which signs are among them."""
    path = layout.path
    last = b""
    for block in blocks(layout):
        if b"\0" in block:
            raise DataError(nul_byte(path, _line_of_nul(layout)))
        rows = 0 if last else _end_of_lines(block, layout)
        text.quoted = text.quoted or block.find(b'"', rows) >= 0
        if text.quoted and not text.torn:
            text.torn = _torn(layout.sign, last + block)
        if not text.hexadecimal and (b"x" in block or b"X" in block):
            joined = last[-1:] + block
            text.hexadecimal = b"0x" in joined or b"0X" in joined
        last = (last + block)[-2:] if len(block) < 2 else block[-2:]
        text.tail = (text.tail + block)[-_TAIL:] if len(block) < _TAIL else block[-_TAIL:]
        yield block


def _torn(sign: str, signs: bytes) -> bool:
    """Say whether a quotation mark neither begins nor ends a cell, nor is one of two.

    In a cell without marks around it it is right; what counts here is that it takes no time to see
    that a file has none.

    >>> _torn(",", b'1,"a ""b"" c",2'), _torn(",", b'1,"a "b" c",2')
    (False, True)
    """
    kinds = bytearray(b"a" * 256)
    for ends in (sign, "\r", "\n"):
        kinds[ord(ends)] = ord(",")
    kinds[ord('"')] = ord('"')
    return b'a"a' in signs.translate(kinds)


def _check_room(path: Path, n_bytes: int) -> None:
    most = free_memory() // 2
    if n_bytes > most:
        raise DataError(
            f"file '{path}' of {size(path.stat().st_size)} holds more than {size(most)} of text, "
            "half of the memory that is free; "
            + advice(
                "cache", f"keep it on disk: {arg('cache', 'DIR')}", "unpack it and take fewer rows"
            )
        )


def blocks(layout: Layout) -> Iterator[bytes]:
    """Yield the bytes of a file as UTF-8, unpacked, block after block."""
    if layout.runs:
        layout.check_encoding()
        lines = layout.lines()
        while chunk := "".join(islice(lines, _LINES)):
            yield chunk.encode()
        return
    decoder = None if layout.is_utf8 else codecs.getincrementaldecoder(layout.encoding)()
    with opened(layout.path) as stream:
        while block := stream.read(_BLOCK):
            try:
                yield block if decoder is None else decoder.decode(block).encode()
            except UnicodeDecodeError:
                layout.check_encoding()  # says where
                raise
        if decoder is not None:
            yield decoder.decode(b"", final=True).encode()


def _end_of_lines(block: bytes, layout: Layout) -> int:
    """Where the lines before the first row end, if that is in the block; else its begin."""
    end = 0
    for _ in range(layout.skip):
        end = block.find(b"\n", end) + 1
        if not end:
            break
    return end


def _line_of_nul(layout: Layout) -> int:
    line = 1
    for block in blocks(layout):
        before, found, _ = block.partition(b"\0")
        line += before.count(b"\n")
        if found:
            break
    return line
