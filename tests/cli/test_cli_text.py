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
