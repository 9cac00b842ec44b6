"""Columns that are nearly numbers are refused with the option that reads them; text is not."""

import warnings

import numpy as np
import pytest

from fastnn.data.statistics import DataNote, DataWarning
from fastnn.errors import DataError
from fastnn.reading.files import read_labelled, read_table


@pytest.mark.parametrize(
    ("cells", "found", "cure"),
    [
        (["37,00", "1,5"], "37,00", r"decimal sign is a comma, say decimal=','"),
        (["1,200", "3,400"], "1,200", "comma, say decimal=.*comma groups .*thousands=','"),
        (["1,200.50", "3"], "1,200.50", r"thousands=','"),
        (["1.070,14", "3,5"], "1.070,14", r"decimal=',' and thousands='\.'"),
        (["1 200", "3 400"], "1 200", r"space groups .* thousands=' '"),
        (["1\u00a0200", "7"], "1\\xa0200", "thousands=' '"),
        (["1'200", "3'400,5"], "1'200", "decimal=',' and thousands=\"'\""),
        (["12%", "4", "3"], "12%", "write the numbers alone, or each with the same sign, such as"),
        (
            ["$3.50", "$1,200"],
            "$3.50",
            "if a comma groups the thousands, say thousands=',', or make",
        ),
        (["3,50 €", "7 €"], "3,50 €", "if the decimal sign is a comma, say decimal=',', or make"),
        (["3,50 €", "$7"], "3,50 €", r"decimal=','.*; write the numbers alone"),
        (["3.50 €", "$7"], "3.50 €", "write the numbers alone, or each with the same sign"),
        (["(5)", "7"], "(5)", "write the numbers alone"),
        (["\u22125", "7"], "\u22125", "as -1234.5, in plain digits, with a plain minus"),
        (["1,5", "2.25"], "1,5", "decimal=','"),
        (["1,5", "1.5,2,5"] + ["2"] * 30, "1,5", "one notation|correct|decimal"),
        (["2", "-", "3"], "-", r"if it means no value say missing=\['-'\]"),
        (["2", ".", "3"], ".", r"missing=\['\.'\]"),
        (["2", "#DIV/0!", "3"], "#DIV/0!", r"missing=\['#DIV/0!'\]"),
        (["2", "nil", "3"], "nil", r"missing=\['nil'\]"),
        (["2", "n.a.", "unknown", "3"], "n.a.", r"missing=\['n\.a\.'\]"),
        (["1,5", "-"], "1,5", "decimal=','"),
        (["2.5", "child", "3", "child"], "child", r"missing=\['child'\]"),  # a fraction: measured
        ([*map(str, range(25)), *["none yet"] * 9], "none yet", "missing="),
        (["1"] * 30 + ["abc"], "abc", "correct or empty the cell"),
        (["1"] * 30 + ["z" * 100_000], "z", r"\(100000 characters\)"),
    ],
)
@pytest.mark.parametrize("kind", ["file", "list"])
def test_nearly_numbers(kind, cells, found, cure, tmp_path):
    source = {"price": cells, "n": list(range(len(cells)))}
    if kind == "file":
        path = tmp_path / "a.csv"
        path.write_text("price\tn\n" + "".join(f"{c}\t1\n" for c in cells), encoding="utf-8")
        source = path.rename(path.with_suffix(".tsv"))
    with pytest.raises(DataError) as caught:
        read_table(source)
    message = str(caught.value)
    assert message.startswith("column 'price', ")
    assert found in message
    assert "is not a number, in a numeric column" in message
    assert "categorical=['price']" in message
    with pytest.raises(DataError, match=cure):
        read_table(source)
    assert len(message) < 600
    texts = read_table(source, categorical=["price"]).column("price")
    assert len(texts) == len(cells)


MEASURED = [-1234.5 + 97 * i for i in range(30)]


@pytest.mark.parametrize(
    "write",
    [
        lambda v: f"{v:.2f}".replace("-", "\u2212"),
        lambda v: f"{v:.2f}".replace("-", "\u2013"),
        lambda v: f"{abs(v):.2f}" + "-" * (v < 0),
        lambda v: f"{v:.3e}".replace("e", "D"),
        lambda v: f"{v:.3e}".replace("e", " x 10^"),
        "'{:.2f}'".format,
        "'{:.2f}".format,
        '="{:.2f}"'.format,
        lambda v: f"{v:.2f}".translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789.-"}),
        lambda v: f"{v:.2f}".replace(".", "\u066b"),
        lambda v: f"{v:.2f}".replace(".", "\u00b7"),
        "\u200b{:.2f}".format,
        lambda v: f"{v:.2f}" if v > 0 else f"<{v:.2f}",
    ],
)
def test_numbers_by_other_signs_are_refused_with_the_cure(write):
    cells = [write(v) for v in MEASURED]
    with pytest.raises(DataError, match=r"column 'c', row \d+ .*write (the|a) number"):
        read_table({"c": cells})
    assert read_table({"c": cells}, categorical=["c"]).column("c").dtype == object


@pytest.mark.parametrize(
    "form",
    ["{:.1f} kg", "{:.1f}kg", "{:.1f} m²", "{:.1f} m2", "{:.1f}°C", "{:.1f}k", "Rs. {:.2f}",
     "R$ {:.2f}", "US${:,.2f}", "₩{:.0f}", "~{:.1f}", "[{:.2f}]", "{:.0f} km", "{:.2f} kr"],
)  # fmt: skip
@pytest.mark.parametrize("others", [[], ["Ulm", "12.5"]])
def test_a_unit_in_nearly_every_cell_is_told(form, others):
    cells = [form.format(v) for v in MEASURED] + others
    with pytest.warns(DataWarning, match=r"column 'c', row 0 .* is text, .*number with .*alone"):
        assert read_table({"c": cells}).column("c").tolist() == cells
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_table({"c": cells}, categorical=["c"])


def test_units_in_turn_are_told():
    with pytest.warns(DataWarning, match="number with 'k'"):
        read_table({"c": ["1.5k", "2.5M", "7k", "1.25M"]})


CODES = [str(i) for i in range(1, 60)]


@pytest.mark.parametrize(
    "cells",
    [
        [f"A-{i}" for i in CODES],
        [f"F{i}" for i in CODES],
        [f"Model {i}" for i in CODES],
        [f"#{i}" for i in CODES],
        [f"v{i}.5" for i in CODES],
        [f"1.{i}.0" for i in CODES],
        [f"{i}x20" for i in CODES],
        [f"{i}th" for i in CODES],
        [f"{i}b" for i in CODES],
        [f"{i} {('High St', 'Mill Ln', 'Park Rd')[int(i) % 3]}" for i in CODES],
        [f"{i}-A" for i in CODES],
        [f"{i}/7" for i in CODES],
        [f"{i}-{i}" for i in CODES],
        ["1*", "2*", "3*", "4*", "5*"] * 9,
        ["1", "2", "3", ">3"] * 9,
        ["<18", "18-30", ">30"] * 9,
        ["5 kg", "10 kg"] * 9,
    ],
    ids=lambda cells: cells[0],
)
def test_codes_are_text_however_many_there_are(cells):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_table({"c": cells}).column("c").tolist() == cells


@pytest.mark.parametrize(
    "cells",
    [
        ["A-1", "B-2"],
        ["12-34", "56-78"],
        ["1.2.3", "1.10.0", "1.2"],
        ["10.0.0.1", "192.168.100.200"],
        ["2b", "3c", "4"],
        ["12", "12a", "14", "7b", "9"],
        ["1", "2", "3+"],
        ["1", "2", "3", "R", "N"],
        ["1", "2", "other"],
        ["+", "-", "0"],
        ["x", "."],
        ["10:30", "75:15"],
        ["3/4", "1/2"],
        ["2009-10", "2010-11"],
        ["5kg", "7kg"],
        ["1st", "2nd"],
        ["yes", "no"],
        ["O'Neil", "D'Arcy"],
        ["A,5", "B,6"],
        ["1,2,3", "1,2"],
        ["+49 30 1234", "030/12"],
        ["(a)", "(b)"],
        ["$", "%"],
        ["PC 17599", "113803", "A/5 21171", "373450", "W./C. 6607", "LINE"],
    ],
)
def test_true_text_is_no_business_of_it(cells):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = read_table({"code": cells * 3})
    assert table.column("code").tolist() == cells * 3


@pytest.mark.parametrize(
    "cells", [["02134", "10115"], [".5", "5."], ["1e3", "inf"][:1], ["+1", "-2"]]
)
def test_numbers_as_others_write_them(cells):
    assert read_table({"n": cells}).numeric.ravel().tolist() == [float(cell) for cell in cells]


def test_the_options_read_what_they_are_asked_for():
    cells = {"a": ["1.234,5", "-", "7"], "b": ["1", "-", "NA"]}
    table = read_table(cells, decimal=",", thousands=".", missing=["-"])
    assert str(table.numeric.tolist()) == "[[1234.5, 1.0], [nan, nan], [7.0, nan]]"


@pytest.mark.parametrize(
    ("cells", "numbers", "unit"),
    [
        (["12%", "3.5 %", None], [12, 3.5, np.nan], "%"),
        (["$5", "-$3.50", "$-2"], [5, -3.5, -2], "\\$"),
        (["5 €", "+7€", "NA"], [5, 7, np.nan], "€"),
        (["USD 5", "USD 1e3"], [5, 1000], "USD"),
        (["2‰"], [2], "‰"),
    ],
)
@pytest.mark.parametrize("kind", ["file", "list"])
def test_one_sign_at_all_numbers_is_their_unit(kind, cells, numbers, unit, tmp_path):
    source = {"price": cells, "n": list(range(len(cells)))}
    if kind == "file":
        source = tmp_path / "a.csv"
        source.write_text("price\tn\n" + "".join(f"{c or ''}\t1\n" for c in cells), "utf-8")
    for numeric in ([], ["price"]):
        with pytest.warns(DataNote, match=f"column 'price': .* in the unit '{unit}', as are"):
            values = read_table(source, numeric=numeric).column("price")
        np.testing.assert_array_equal(values, numbers)


def test_signs_with_an_option(tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n1.234,5 €;1\n7 €;2\n", "utf-8")
    with pytest.warns(DataNote, match="'1.234,5 €' is read as the number 1234.5, in the unit"):
        table = read_table(tmp_path / "a.csv", decimal=",", thousands=".")
    assert table.column("a").tolist() == [1234.5, 7]


def test_signs_that_stay_text():
    cells = ["$5", "$7"]
    assert read_table({"a": cells, "b": [1, 2]}, categorical=["a"]).column("a").tolist() == cells
    for mixed in (["$5", "7"], ["$5", "7€"], ["12%", "$3"], ["($5)", "($7)"], ["$5%", "$6%"]):
        with pytest.raises(DataError, match=r"is not a number|is neither"):
            read_table({"a": mixed, "b": [1, 2]}, numeric=["a"])
    # labels of a frame are text by somebody's choice
    with pytest.raises(DataError, match="'12%' is not a number"):
        read_labelled({"x": [1, 2], "y": ["12%", "13%"]}, "y")


@pytest.mark.parametrize(
    ("cell", "mark"),
    [("12*", "*"), ("12 **", "**"), ("1.5[1]", "[1]"), ("12 a", "a"), ("-3 (b)", "(b)"),
     ("7†", "†"), ("7²", "²")],
)  # fmt: skip
@pytest.mark.parametrize("n_numbers", [2, 30])
def test_marks_of_footnotes_are_named(tmp_path, cell, mark, n_numbers):
    path = tmp_path / "a.csv"
    path.write_text(
        "n,x\n" + "".join(f"{i},1\n" for i in range(n_numbers)) + f"{cell},2\n", "utf-8"
    )
    with pytest.raises(DataError) as caught:
        read_table(path)
    where = f"column 'n', line {n_numbers + 2} of '{path}': '{cell}' is not a number"
    assert str(caught.value).startswith(where)
    assert f"remove '{mark}' after the number, which looks like a footnote's mark" in str(
        caught.value
    )


def test_what_looks_like_a_mark_everywhere_is_text():
    stars = ["3*", "4*", "5*", "4"]
    assert read_table({"stars": stars, "x": [1, 2, 3, 4]}).column("stars").tolist() == stars


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["12%", "3.5 %", "4"], "row 2 .*: '4' has no '%', as most cells have ('12%'); write the"),
        (["$1", "7", "$2", "$3"], "row 1 .*: '7' has no '$', as most cells have ('$1'); write"),
    ],
)
def test_the_number_without_a_sign_is_the_odd_one(cells, said):
    with pytest.raises(DataError) as caught:
        read_table({"a": cells})
    row, _, rest = said.partition(" .*")
    assert str(caught.value).startswith(f"column 'a', {row} (counted from 0){rest}")


@pytest.mark.parametrize("word", ["Total", "TOTALS:", "Sum", "Grand total", "Subtotal", "Average"])
def test_a_row_that_sums_up_is_to_be_removed(word):
    with pytest.raises(DataError) as caught:
        read_table({"a": [*map(str, range(30)), word]})
    assert str(caught.value) == (
        f"column 'a', row 30 (counted from 0): '{word}' is not a number, in a numeric column; "
        "if the row sums up the others, remove it"
    )


@pytest.mark.parametrize("word", ["kg", "in metres", "€/m"])
def test_a_row_of_units_below_the_header_is_to_be_removed(word):
    numbers = [*map(str, range(30))]
    units = "; if the row holds units or explanations of the columns, remove it"
    with pytest.raises(DataError) as caught:
        read_table({"a": [word, *numbers]})
    assert str(caught.value).endswith(units)
    for elsewhere in ([word, *numbers, word], [*numbers, word], ["nil", *numbers]):
        with pytest.raises(DataError, match="if it means no value say missing="):
            read_table({"a": elsewhere})


@pytest.mark.parametrize(
    ("options", "say"),
    [
        ({"decimal": ",", "thousands": "."}, "say decimal='.' and thousands=''"),
        ({"decimal": ","}, "say decimal='.'"),
    ],
)
@pytest.mark.parametrize("more", [[], ["7"], ["1,5"]])
def test_fractions_in_a_notation_whose_sign_they_do_not_have(options, say, more):
    for kind in ({}, {"numeric": ["c"]}):
        with pytest.raises(DataError) as caught:
            read_table({"c": ["0.101", "-0.254", *more]}, **options, **kind)
        assert str(caught.value).startswith(
            "column 'c', row 0 (counted from 0): '0.101' is not a number, in a numeric column; "
            f"if the decimal sign is a point, {say}, or make the column categorical"
        )
