"""Tables of names: aliases, options with ranges, and refusals that carry their cure."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from fastnn.errors import ArgumentError
from fastnn.registry import Option, Table, did_you_mean, parse_call, parse_choice


@dataclass(frozen=True)
class Fruit:
    name: str
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()


FRUIT = Table(
    "fruit",
    [
        Fruit("apple", aliases=("malus",), options=(Option("weight", 2.0, low=0.0),)),
        Fruit("pear", options=(Option("ripe", True), Option("kind", "a", choices=("a", "bb")))),
        Fruit("plum"),
    ],
)


def test_a_row_is_found_by_name_and_alias() -> None:
    assert FRUIT["apple"] is FRUIT["malus"]
    assert FRUIT.names == ("apple", "pear", "plum")
    assert [row.name for row in FRUIT] == ["apple", "pear", "plum"]
    assert "malus" in FRUIT
    assert "grape" not in FRUIT


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("aple", r"unknown fruit 'aple'; did you mean 'apple'\? \(known: apple, pear, plum\)"),
        ("mallus", "did you mean 'malus'"),
        ("xyz", r"^unknown fruit 'xyz' \(known: apple, pear, plum\)$"),
        (7, r"fruit must be a name \(text\), found 7"),
        (None, "found None"),
    ],
)
def test_an_unknown_name_is_refused(name: object, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        FRUIT[name]  # type: ignore[index]


def test_options_are_completed_and_checked() -> None:
    assert FRUIT.options("malus", {}) == {"weight": 2.0}
    assert FRUIT.options("apple", {"weight": 3}) == {"weight": 3.0}
    assert FRUIT.options("pear", {"ripe": False}) == {"ripe": False, "kind": "a"}


@pytest.mark.parametrize(
    ("row", "given", "said"),
    [
        ("apple", {"ripe": True}, r"fruit 'apple' has no option 'ripe'; it belongs to pear \(its"),
        ("apple", {"wieght": 1}, r"did you mean 'weight'\? \(its options: weight\)"),
        ("plum", {"zzz": 1}, r"fruit 'plum' has no option 'zzz' \(its options: none\)"),
        ("apple", {"weight": -1}, r"fruit 'apple': weight=-1 is outside \[0, inf\)"),
        ("pear", {"kind": "b"}, "kind='b'; choose from a, bb; did you mean 'bb'"),
        ("pear", {"ripe": 1}, "fruit 'pear': ripe must be True or False, found 1"),
    ],
)
def test_an_option_without_effect_or_out_of_range_is_refused(row, given, said) -> None:
    with pytest.raises(ArgumentError, match=said):
        FRUIT.options(row, given)


def test_the_ends_of_a_range() -> None:
    closed, open_ends = Option("p", 0.5, 0, 1), Option("p", 0.5, 0, 1, True, True)
    assert closed.check("x", 0) == 0.0
    assert closed.check("x", np.float32(1)) == 1.0
    for end in (0, 1):
        with pytest.raises(ArgumentError, match=rf"x: p={end} is outside \(0, 1\)"):
            open_ends.check("x", end)


@pytest.mark.parametrize("value", ["a", None, True, [1.0], math.nan, math.inf, 10**400])
def test_only_a_finite_number_is_a_number(value: object) -> None:
    with pytest.raises(ArgumentError, match="x: p"):
        Option("p", 0.5).check("x", value)


def test_none_is_allowed_where_it_is_the_default() -> None:
    assert Option("limit", None, low=0).check("x", None) is None
    assert Option("limit", None, low=0).check("x", 2) == 2.0
    with pytest.raises(ArgumentError, match="outside"):
        Option("limit", None, low=0).check("x", -2)


@pytest.mark.parametrize(
    ("found", "names", "meant"),
    [("Y", ["x", "y"], "y"), ("y", ["X", "Y"], "Y"), ("RELLU", ["tanh", "ReLU"], "ReLU")],
)
def test_did_you_mean_takes_capital_and_small_letters_as_alike(found, names, meant) -> None:
    assert did_you_mean(found, names) == f"; did you mean {meant!r}?"


def test_did_you_mean_is_silent_without_a_close_name() -> None:
    assert did_you_mean("zzz", ["relu"]) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("elu( alpha = 2 )", ("elu", {"alpha": 2.0})),
        ("f(a=1, b=True, c='inside')", ("f", {"a": 1.0, "b": True, "c": "inside"})),
        ("f()", ("f", {})),
        (" relu ", ("relu", {})),
    ],
)
def test_a_call_is_split(text: str, expected: object) -> None:
    assert parse_call(text, "activation") == expected


@pytest.mark.parametrize("text", ["elu(2)", "elu(alpha=2", "elu(=)x"])
def test_a_malformed_call_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match=r"is not of the form name\(option=value, ...\)"):
        parse_call(text, "activation")


def test_a_choice_is_text_or_a_dict_with_a_name() -> None:
    assert parse_choice("elu(alpha=2)", "a") == parse_choice({"name": "elu", "alpha": 2.0}, "a")
    for wrong in (3, None, {"alpha": 2.0}, {"name": 3}, ["elu"]):
        with pytest.raises(ArgumentError, match="loss must be a name"):
            parse_choice(wrong, "loss")
