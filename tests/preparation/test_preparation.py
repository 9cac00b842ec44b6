"""Examples as arrays: what a door calls X and y is said where they are wrong."""

import numpy as np
import pytest

from fastnn.data.preprocess import Features
from fastnn.data.table import Table
from fastnn.data.targets import Targets
from fastnn.errors import DataError
from fastnn.nn.losses import loss
from fastnn.preparation.examples import Examples
from fastnn.preparation.preparation import Preparation

TABLE = Table.from_columns({"x": np.array([1.0, 2.0, 4.0])})
OTHER = Table.from_columns({"z": np.array([1.0, 2.0, 4.0])})
LABELS = np.array([0, 1, 0])


def preparation(names: tuple[str, str] = ("", "")) -> Preparation:
    targets = Targets.fit(LABELS, "binary")
    return Preparation(Features.fit(TABLE), targets, loss("binary_crossentropy"), names)


@pytest.mark.parametrize(
    ("names", "x", "y"),
    [(("", ""), "held, ", "held, "), (("X: ", "y: "), "held, X: ", "held, y: ")],
)
def test_the_part_and_the_names_of_the_door_come_first(
    names: tuple[str, str], x: str, y: str
) -> None:
    prepared = preparation(names)
    with pytest.raises(DataError, match=rf"^{x}no column 'x'"):
        prepared.rows(Examples(OTHER, LABELS), "held, ")
    with pytest.raises(DataError, match=rf"^{y}target, row 2 .*unknown label 7"):
        prepared.target(Examples(TABLE, np.array([0, 1, 7])), "held, ")
    with pytest.raises(DataError, match=rf"^{y}target has 2 values for 3 rows of data"):
        prepared.target(Examples(TABLE, LABELS[:2]), "held, ")
    with pytest.raises(DataError, match=r"^held, every example has the weight 0$"):
        prepared.part(Examples(TABLE, LABELS, np.zeros((3, 1))), "held, ")


def test_weights_are_scaled_to_the_mean_1_unless_the_door_does_not() -> None:
    given = Examples(TABLE, LABELS, np.array([[1.0], [2.0], [3.0]]))
    part = preparation().part(given)
    assert part.w is not None
    assert (part.w.ravel().tolist(), part.w.dtype) == ([0.5, 1.0, 1.5], part.X.dtype)
    plain = preparation().part(given, scaled=False)
    assert plain.w is not None
    assert plain.w.ravel().tolist() == [1.0, 2.0, 3.0]
    assert preparation().part(Examples(TABLE, LABELS)).w is None
