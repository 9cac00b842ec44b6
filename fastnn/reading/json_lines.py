"""JSON lines: an object in each line, with the cells of a row by their names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.data.table import Place
from fastnn.errors import DataError, shown
from fastnn.reading.packed import arrow, unpacked


def read_json_lines(path: Path) -> tuple[Any, Place]:
    """Return the rows of a file, as an Arrow table or as columns, and where each of them is.

    Arrow reads what it can. Columns whose cells change their type, of which it makes nothing, are
    read one by one, so that an error can show the cell.

    Raises DataError naming the file, and the line where there is one.
    """
    pa = arrow(path)
    from pyarrow import json as arrow_json

    text = unpacked(path)
    if not text.strip():
        raise DataError(f"file '{path}' is empty")

    def place(row: int) -> str:
        lines = unpacked(path).splitlines()  # again: a table may keep this, and not the text
        filled = (number for number, line in enumerate(lines, 1) if line.strip())
        return f"line {next(n for i, n in enumerate(filled) if i == row)} of '{path}'"

    try:
        options = arrow_json.ReadOptions(block_size=2**24)
        return arrow_json.read_json(pa.BufferReader(text), read_options=options), place
    except pa.ArrowException:
        return _one_by_one(path, text), place


def _one_by_one(path: Path, text: bytes) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    names: dict[str, None] = {}
    for number, line in enumerate(text.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            where = f"line {number}: {error}"
            raise DataError(f"file '{path}' is no file of JSON lines: {where}") from error
        if not isinstance(row, dict):
            raise DataError(
                f"file '{path}', line {number}: {shown(row, 40)} is no object with the cells of a "
                'row, such as {"age": 31}'
            )
        names |= dict.fromkeys(row)
        rows.append(row)
    columns = {name: np.empty(len(rows), object) for name in names}
    for name, column in columns.items():
        for i, row in enumerate(rows):
            column[i] = row.get(name)
    return columns
