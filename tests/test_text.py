"""Text for people, and the words of the command line."""

import argparse
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.cli.messages import check_output
from fastnn.errors import ArgumentError
from fastnn.recipe.forms import shares, split_list
from fastnn.text import WIDTH, clipped, number, pairs, sparkline, table


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.0000"), (1e-5, "1e-05"), (-0.5, "-0.5000"), (12.345, "12.35"), (1234.5, "1,234"),
     (1e9, "1e+09"), (float("inf"), "-"), (None, "-")],
)  # fmt: skip
def test_numbers_are_short(value: float | None, shown: str) -> None:
    assert number(value) == shown


@given(st.lists(st.tuples(st.text("ab ", max_size=9), st.text("12", max_size=9)), min_size=1))
def test_columns_line_up(rows: list[tuple[str, str]]) -> None:
    lines = table(rows).split("\n")
    assert len(lines) == len(rows)
    ends = {len(line) for line, row in zip(lines, rows, strict=True) if row[1]}
    assert len(ends) <= 1


@given(st.text("abc ", max_size=300))
def test_long_values_are_wrapped_below_themselves(value: str) -> None:
    lines = pairs({"name": "x", "value": value}).split("\n")
    assert all(line.startswith("       ") for line in lines[2:])
    if all(len(word) < 60 for word in value.split()):
        assert max(map(len, lines)) <= WIDTH


def test_only_so_many_lines_of_a_value() -> None:
    lines = pairs({"a": "word " * 100, "b": "x" * 10_000}, most=2).split("\n")
    assert len(lines) == 4
    assert max(map(len, lines)) <= WIDTH
    assert lines[1].endswith("word ...")
    assert lines[3].endswith("...")


def test_control_characters_are_written_out() -> None:
    assert pairs({"a": "\x1b[31m\tb"}, most=1) == "a  \\x1b[31m\\tb"
    assert clipped("\ud800" * 9, 12) == "\\ud800\\ud..."


class TestSparkline:
    def test_lowest_and_highest(self) -> None:
        assert sparkline([1.0, 2.0]) == "▁█"
        assert sparkline([5.0, 5.0, 5.0]) == "▁▁▁"
        assert sparkline([]) == ""
        assert sparkline([None, float("nan")]) == ""

    @given(st.lists(st.none() | st.floats(-1e6, 1e6) | st.just(float("inf")), max_size=99))
    def test_never_wider_than_asked(self, values: list[float | None]) -> None:
        assert len(sparkline(values, width=40)) <= min(40, len(values))

    def test_means_of_stretches(self) -> None:
        assert sparkline([0.0, 0.0, 4.0, 4.0], width=2) == "▁█"

    def test_numbers_of_any_size(self) -> None:
        assert sparkline([-1.7e308, 1.7e308, 0.0]) == "▁█▅"
        assert sparkline([0.0, 5e-324]) == "▁█"
        assert sparkline([1.7e308] * 99) == "▁" * 40

    def test_where_the_bars_cannot_be_shown(self) -> None:
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        assert sparkline([1.0, 2.0], stream=stream).isascii()


@given(st.lists(st.from_regex(r"[a-z]+(\([a-z]=1,[a-z]=2\))?", fullmatch=True), min_size=1))
def test_lists_are_split_outside_of_brackets(parts: list[str]) -> None:
    assert split_list(",".join(parts)) == parts


def test_shares_are_numbers() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="needs a number, found 'x'"):
        shares(".5,x,.2")


def test_a_result_never_replaces_an_input(tmp_path) -> None:
    data = tmp_path / "a.csv"
    data.write_text("x\n1\n")
    link = tmp_path / "b.csv"
    link.symlink_to(data)
    with pytest.raises(ArgumentError, match="which is DATA"):
        check_output(str(link), "--out", {"DATA": str(data)})
