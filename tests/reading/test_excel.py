"""Excel files, written here as the smallest workbook that is one."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.data.statistics import DataNote
from fastnn.errors import ArgumentError, DataError
from fastnn.reading.files import read_columns, read_labelled, read_table
from tests.optional import optional

calamine = optional("python_calamine")
_ = calamine.CalamineWorkbook  # skips the file without it

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


class Fault(str):
    """What is in a cell that cannot be computed."""


def cell(where: str, value: object) -> str:
    if isinstance(value, Fault):
        return f'<c r="{where}" s="1" t="e"><f>B1/0</f><v>{value}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{where}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'<c r="{where}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{where}"><v>{value}</v></c>'


def workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    """Write a workbook; None is an empty cell."""
    numbers = range(1, len(sheets) + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path, "w") as archive:
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{k}.xml" ContentType="{kind}.worksheet+xml"/>'
            for k in numbers
        )
        archive.writestr(
            "[Content_Types].xml",
            f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f"{overrides}</Types>",
        )
        archive.writestr(
            "_rels/.rels",
            f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        named = "".join(
            f'<sheet name="{name}" sheetId="{k}" r:id="r{k}"/>'
            for k, name in zip(numbers, sheets, strict=True)
        )
        archive.writestr(
            "xl/workbook.xml",
            f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{named}</sheets>'
            "</workbook>",
        )
        related = "".join(
            f'<Relationship Id="r{k}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{k}.xml"/>'
            for k in numbers
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{related}</Relationships>',
        )
        for k, rows in zip(numbers, sheets.values(), strict=True):
            lines = "".join(
                f'<row r="{i}">'
                + "".join(cell(f"{chr(65 + j)}{i}", v) for j, v in enumerate(row) if v is not None)
                + "</row>"
                for i, row in enumerate(rows, start=1)
            )
            archive.writestr(
                f"xl/worksheets/sheet{k}.xml",
                f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>{lines}</sheetData></worksheet>',
            )
    return path


ROWS = [
    ["age", "height", "town", "married", "y"],
    [31, 1.75, "Ulm", True, "no"],
    [5, None, "Bonn", False, "yes"],
    [77, 1.6, None, False, "yes"],
]


def test_a_sheet_is_a_table(tmp_path):
    table, target = read_labelled(workbook(tmp_path / "a.xlsx", {"people": ROWS}), "y")
    assert table.names == ("age", "height", "town", "married")
    np.testing.assert_array_equal(table.numeric, [[31, 1.75, 1], [5, np.nan, 0], [77, 1.6, 0]])
    assert table.column("town").tolist() == ["Ulm", "Bonn", None]
    assert target.tolist() == ["no", "yes", "yes"]


def test_empty_rows_and_columns_are_left_out_and_rows_keep_their_numbers(tmp_path):
    rows = [[None], [None, "a", None, 2020], [None, 1, None, 5], [None], [None, "x", None, 6]]
    path = workbook(tmp_path / "a.xlsx", {"s": rows})
    table = read_table(path, categorical=["a"])
    assert table.names == ("a", "2020")
    assert table.column("a").tolist() == ["1", "x"]
    with pytest.raises(
        DataError, match=r"column 'a', row 5 of sheet 's' of '.*a.xlsx': 'x' is not"
    ):
        read_table(path, numeric=["a"])


def test_of_several_sheets_the_first_filled_one_is_read_and_told(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"empty": [], "one": ROWS, "two": ROWS})
    with pytest.warns(DataNote, match=r"'one' is read, and not 'two'; .* say sheet='two'"):
        assert len(read_table(path)) == 3
    path = workbook(tmp_path / "a.xlsx", {"empty": [], "one": ROWS})
    assert len(read_table(path)) == 3


def test_the_sheet_of_choice(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"one": ROWS, "2024": [["x"], [1]], "empty": []})
    assert read_table(path, sheet="2024").names == ("x",)
    for sheet, message in (
        ("2023", r"sheet='2023': there is none; did you mean '2024'\? \(sheets: 'one', '2024'\)"),
        ("empty", r"sheet='empty': it is empty \(sheets:"),
    ):
        with pytest.raises(DataError, match=message):
            read_table(path, sheet=sheet)
    with pytest.raises(ArgumentError, match="sheet must be a name, found 1"):
        read_table(path, sheet=1)
    (tmp_path / "a.csv").write_text("x\n1\n")
    with pytest.raises(ArgumentError, match="sheet has no effect here: only Excel files have that"):
        read_table(tmp_path / "a.csv", sheet="one")
    with pytest.raises(ArgumentError, match="delimiter has no effect here: only text files have"):
        read_table(path, delimiter=";")
    with pytest.raises(ArgumentError, match="sheet has no effect here"):
        read_table(np.eye(2), sheet="one")


def test_a_part_in_another_type_of_file(tmp_path):
    rows = [["x", "y"], *([i, 2.0 * i] for i in range(30))]
    path = workbook(tmp_path / "a.xlsx", {"first": [["z"], [1]], "second": rows})
    (tmp_path / "b.csv").write_text("x,y\n1,2\n3,6\n")
    trained = train(
        path, "y", task="regression", sheet="second", test=tmp_path / "b.csv", epochs=1,
        hidden_layer_sizes=[],
    )  # fmt: skip
    assert trained.model.config.given["sheet"] == "second"
    assert trained.model.predict(path, sheet="second", drop=["y"]).shape == (30,)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], r"file '.*a.xlsx' is empty: none of its sheets has a cell"),
        ([["a", "b"]], "sheet 's' of '.*a.xlsx' has a row of names but no rows of cells"),
        ([["a", None], [1, 2]], "sheet 's' of .*: column 2 has no name; name it in the first row"),
        ([["a", "a"], [1, 2]], "sheet 's' of .*: two columns are called 'a'; rename one"),
    ],
)
def test_what_is_no_table(rows, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_table(workbook(tmp_path / "a.xlsx", {"s": rows}))


def test_whole_numbers_are_such_though_excel_has_floats_alone(tmp_path):
    rows = [["id", "gap", "half", "big"], [1000000, 1, 1.5, 2**53], [2, None, 2, 1]]
    path = workbook(tmp_path / "a.xlsx", {"s": rows})
    kept = read_columns(path, ["id", "half", "big"])
    assert [kept[name].tolist() for name in kept] == [[1000000, 2], [1.5, 2], [2**53, 1]]
    assert [kept[name].dtype.kind for name in kept] == ["i", "f", "f"]  # 2^53 may be rounded
    np.testing.assert_array_equal(read_table(path).column("gap"), [1, np.nan])
    rows = [["x", "y"], *([i / 2, i % 3] for i in range(30))]
    _, target = read_labelled(workbook(tmp_path / "b.xlsx", {"s": rows}), "y")
    assert target.dtype == np.int64


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            [Fault("#DIV/0!"), 2.5, Fault("#N/A")],
            "2 cells hold an error and no value (the first B2: #DIV/0!); they are read as gaps",
        ),
        ([2.5, 1.5, Fault("#REF!")], "a cell holds an error and no value (B4: #REF!); it is read"),
    ],
)
@pytest.mark.parametrize("sheet", [None, "two"])
def test_cells_with_an_error_are_told(tmp_path, cells, said, sheet):
    rows = [["a", "b"], *([i, cell] for i, cell in enumerate(cells))]
    sheets = {"one": [], "two": rows} if sheet is None else {"one": ROWS, "two": rows}
    path = workbook(tmp_path / "a.xlsx", sheets)
    with pytest.warns(DataNote) as told:
        values = read_table(path, sheet=sheet).column("b")
    assert len(told) == 1
    assert str(told[0].message).startswith(f"sheet 'two' of '{path}': {said}")
    np.testing.assert_array_equal(np.isnan(values), [isinstance(cell, Fault) for cell in cells])
