"""Results as JSON."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastnn.cli.text import plain

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text()
    | st.floats(width=32).map(np.float32) | st.integers(-9, 9).map(np.int64),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=8,
)  # fmt: skip


@given(VALUES)
def test_everything_becomes_strict_json(value: object) -> None:
    text = json.dumps(plain(value), allow_nan=False)
    assert json.loads(text) == plain(value)


def test_arrays_become_lists() -> None:
    assert plain({"W": np.array([[1.0, np.inf]])}) == {"W": [[1.0, None]]}


def test_a_document_repeats_what_was_told(fastnn, tmp_path) -> None:
    rows = "".join(f"{i},{i}.5\n" for i in range(40))
    (tmp_path / "bad.csv").write_text(f"a,y\n{rows}1,2,3\n")
    how = ("--bad-rows", "skip", "--json")
    ran = fastnn("train", "bad.csv", "--target", "y", "--epochs", 1, "--quiet", *how)
    (said,) = json.loads(ran.out)["notes"]
    assert said.startswith("file 'bad.csv': 1 row of another number of cells than the 2 columns")
    assert f"fastnn: {said}" in ran.err
    for command in ("predict", "evaluate"):
        assert said in json.loads(fastnn(command, "bad.fastnn", "bad.csv", *how).out)["notes"]
    (tmp_path / "good.csv").write_text(f"a,y\n{rows}")
    ran = fastnn("train", "good.csv", "--target", "y", "--epochs", 1, "--quiet", "--json")
    assert "notes" not in json.loads(ran.out)
