"""Excel files: the table of one sheet."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from fastnn.data.statistics import DataNote
from fastnn.data.table import EXACT, Array, Place, listed
from fastnn.errors import DataError, arg, shown, warn
from fastnn.extras import pip_install
from fastnn.reading.packed import check_archive
from fastnn.registry import did_you_mean


def read_excel(path: Path, sheet: str | None = None) -> tuple[dict[str, Array], Place]:
    """Return the columns of a sheet, and where a row is.

    ``sheet``: its name; None is the first that is not empty, and if several are filled, a DataNote
    says which one is read. The first row that is not empty names the columns; empty rows and
    columns are left out.

    Raises DataError naming the file and the sheet.
    """
    try:
        import python_calamine as calamine
    except ImportError as error:
        raise DataError(
            f"reading '{path}' needs python-calamine, which is not installed: "
            f"{pip_install('excel')}"
        ) from error
    try:
        if zipfile.is_zipfile(path):  # but not an .xls
            check_archive(path)
        with calamine.CalamineWorkbook.from_path(str(path)) as book:
            sheets = {
                name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                for name in book.sheet_names
            }
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise DataError(f"file '{path}' is not a readable Excel file: {error}") from error
    filled = {name: rows for name, rows in sheets.items() if any(map(_filled, rows))}
    if not filled:
        raise DataError(f"file '{path}' is empty: none of its sheets has a cell")
    if sheet is not None:
        if sheet not in filled:
            empty = "it is empty" if sheet in sheets else "there is none"
            raise DataError(
                f"file '{path}': {arg('sheet', sheet)}: {empty}{did_you_mean(sheet, list(filled))} "
                f"(sheets: {listed(map(shown, filled))})"
            )
        _tell_errors(path, sheet)
        return _table(f"sheet {shown(sheet)} of '{path}'", filled[sheet])
    sheet, rows = next(iter(filled.items()))
    if len(filled) > 1:
        others = listed((shown(name) for name in filled if name != sheet), most=5)
        warn(
            DataNote(
                f"file '{path}': the sheet {shown(sheet)} is read, and not {others}; for another "
                f"one say {arg('sheet', next(name for name in filled if name != sheet))}"
            )
        )
    _tell_errors(path, sheet)
    return _table(f"sheet {shown(sheet)} of '{path}'", rows)


def _table(where: str, rows: list[list[Any]]) -> tuple[dict[str, Array], Place]:
    there = [number for number, row in enumerate(rows) if _filled(row)]
    header, body = rows[there[0]], [rows[number] for number in there[1:]]
    if not body:
        raise DataError(f"{where} has a row of names but no rows of cells")
    columns: dict[str, Array] = {}
    for j, title in enumerate(header):
        cells = np.empty(len(body), object)
        cells[:] = _whole([None if row[j] == "" else row[j] for row in body])
        name = f"{title:g}" if isinstance(title, float) else str(title).strip()
        if not name:
            if all(cell is None for cell in cells):
                continue
            raise DataError(f"{where}: column {j + 1} has no name; name it in the first row")
        if name in columns:
            raise DataError(f"{where}: two columns are called {shown(name)}; rename one of them")
        columns[name] = cells
    return columns, lambda row: f"row {there[row + 1] + 1} of {where}"


def _whole(cells: list[Any]) -> list[Any]:
    """The cells of a column, as whole numbers if all are such: Excel has floats alone."""
    there = [cell for cell in cells if cell is not None]
    if not all(type(cell) is float and cell.is_integer() and abs(cell) < EXACT for cell in there):
        return cells
    return [None if cell is None else int(cell) for cell in cells]


#: A cell with an error, and what is in it.
_ERROR = re.compile(
    rb'<(?:\w+:)?c\b([^>]*?\bt="e"[^>]*)>(?:(?:(?!<(?:\w+:)?c\b).){0,1000}?<(?:\w+:)?v>([^<]*)<)?',
    re.DOTALL,
)


def _tell_errors(path: Path, sheet: str) -> None:
    """Warn (DataNote) of the cells of an .xlsx that hold an error: they come as empty ones."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        text = _text_of(archive, sheet)
    if b't="e"' not in text:
        return
    found = list(_ERROR.finditer(text))
    where = re.search(rb'\br="([A-Z]+\d+)"', found[0][1]) if found else None
    if found:
        several = f"{len(found)} cells hold an error" if len(found) > 1 else "a cell holds an error"
        first = "the first " if len(found) > 1 else ""
        at = f" ({first}{where[1].decode()}: {(found[0][2] or b'').decode()})" if where else ""
        gaps = "they are read as gaps" if len(found) > 1 else "it is read as a gap"
        warn(DataNote(f"sheet {shown(sheet)} of '{path}': {several} and no value{at}; {gaps}"))


def _text_of(archive: zipfile.ZipFile, sheet: str) -> bytes:
    """The XML of a sheet of an .xlsx, empty for other files."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return b""
    try:
        book, related = (
            ElementTree.fromstring(archive.read(name)).iter()
            for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")
        )
    except ElementTree.ParseError:  # though the table could be read
        return b""
    ends = [
        value
        for one in book
        if one.tag.endswith("}sheet") and one.get("name") == sheet
        for key, value in one.attrib.items()
        if key.endswith("}id")
    ]
    targets = [one.get("Target", "") for one in related if one.get("Id") in ends]
    place = targets[0] if targets else ""
    place = place.removeprefix("/") if place.startswith("/") else f"xl/{place}"
    return archive.read(place) if place in names else b""


def _filled(row: list[Any]) -> bool:
    return any(cell != "" for cell in row)
