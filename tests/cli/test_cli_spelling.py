"""What a message tells to write on the command line is read there as the value that is meant."""

import argparse
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.cli.parser import Parser, joined
from fastnn.cli.train_arguments import LISTS, add_arguments, as_flag
from fastnn.recipe.choices import OPTIONS

#: Values besides defaults and examples, of each kind that an option takes.
NAMES = [
    ["a"],
    ["a", "b"],
    ["a,b", "c"],
    ["size (cm, inch)"],
    ["none"],
    ["-x"],
    ['say "a", b'],
    ["a,"],
]
MORE = {
    "categorical": NAMES, "drop": NAMES, "keep_text": NAMES, "dates": NAMES,
    "missing": [[], ["-"], ["none"], ["none", "nil"], ["-", "n/a"], ["a,b"], ["no value"]],
    "hidden_layer_sizes": [(), (8,), (8, 4)],
    "patience": [None, 3],
    "batch_normalization": [None, "before", [None, "after"]],
    "decimal": [",", "."], "thousands": [" ", "'", ","], "delimiter": ["\t", ";", " ", "|"],
    "metrics": [["f1"], ["accuracy", "f1"]],
    "activation": ["tanh", ["tanh", "leaky_relu(slope=0.2)"]],
    "optimizer": ["adam(beta1=0.8, beta2=0.9)"],
    "date_format": ["%b %d, %Y", {"born": "%b %d, %Y", "hired": "%Y%m"}],
    "fractions": [(0.5, 0.25, 0.25)],
    "batch_size": ["full", 64], "time_limit": ["10m", 90.0], "learning_rate": [1e-05],
}  # fmt: skip

VALUED = {n: row for n, row in OPTIONS.items() if row.flag is not None and not row.flag.negated}


def read(words: str):
    """What `fastnn train` takes of words as a shell has them."""
    p = Parser(argument_default=argparse.SUPPRESS)
    add_arguments(p)
    found = vars(p.parse_args(["digits", *shlex.split(words)]))
    del found["data"]
    return {n: list(joined(v)) if n in LISTS else v for n, v in found.items() if v is not False}


def same(value):
    return list(value) if isinstance(value, (list, tuple)) else value


def values():
    for name, row in VALUED.items():
        found = [row.default] * (row.default not in (None, (), []))
        found += [row.flag.read(text) for text in [row.flag.example] if text]
        yield from ((name, value) for value in [*found, *MORE.get(name, [])])


@pytest.mark.parametrize(("name", "value"), [*values()], ids=str)
def test_an_option_as_it_is_spelt_is_read_as_its_value(name, value) -> None:
    assert {n: same(v) for n, v in read(as_flag(name, repr(value))).items()} == {name: same(value)}


def test_every_option_is_tried() -> None:
    tried = {name for name, _ in values()}
    assert set(MORE) <= set(VALUED)
    assert set(VALUED) - tried <= {"split_seed", "fold", "seed", "data_seed", "device"}, tried


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("ab ,'\"-$(", max_size=5).map(str.strip).filter(bool), min_size=1, unique=True)
)
def test_names_of_columns_are_read_as_they_are_spelt(names) -> None:
    if names[0][:2] == "--" or any(n.startswith('"') or "(" in n for n in names):
        return  # which the notation has no form for
    assert read(as_flag("drop", repr(names)))["drop"] == names
