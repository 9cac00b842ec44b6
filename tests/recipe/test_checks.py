"""The checks of one value each: what they take, and how they refuse what they do not."""

from typing import Any

import numpy as np
import pytest

from fastnn.errors import ArgumentError
from fastnn.recipe import checks

HUGE = 10**400  # no float, and no number of 64 bits
CUT = "10{79}[.]{3} \\(401 characters\\)$"


@pytest.mark.parametrize("value", [1, np.int64(7), 2**63 - 1])
def test_counts_have_64_bits(value: Any) -> None:
    for check in (checks.whole, checks.size("auto")):
        found = check("n", value)
        assert (found, type(found)) == (int(value), int)
    assert checks.hidden_layer_sizes("n", value) == (int(value),)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "a whole number above 0.*, found 0$"),
        (True, "a whole number above 0.*, found True$"),
        (2.0, "a whole number above 0.*, found 2.0$"),
        (2**63, "a whole number of at most 2[*]{2}63 - 1.*, found 9223372036854775808$"),
        (HUGE, f"a whole number of at most 2[*]{{2}}63 - 1.*, found {CUT}"),
    ],
)
def test_what_counts_nothing(value: Any, said: str) -> None:
    for check in (
        checks.whole,
        checks.size("auto"),
        lambda n, v: checks.hidden_layer_sizes(n, [v]),
    ):
        with pytest.raises(ArgumentError, match=f"n must be {said}") as caught:
            check("n", value)
        assert caught.value.argument == "n"


@pytest.mark.parametrize("value", [HUGE, -HUGE, -1, float("nan"), float("inf"), True, "1", None])
def test_what_is_no_number(value: Any) -> None:
    for check in (checks.number, checks.above_0, checks.share):
        with pytest.raises(ArgumentError, match="n must be") as caught:
            check("n", value)
        assert (caught.value.argument, caught.value.value) == ("n", value)
        assert len(str(caught.value)) < 200
    with pytest.raises(ArgumentError, match="n must be"):
        checks.fractions("n", [value, 0.5, 0.5])


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(90, 90.0), (0.5, 0.5), ("90s", 90.0), ("1.5s", 1.5), ("10m", 600.0), ("2h", 7200.0),
     ("1h1m1s", 3661.0), (" 3m ", 180.0)],
)  # fmt: skip
def test_a_duration_is_seconds_or_hours_minutes_and_seconds(given: Any, seconds: float) -> None:
    assert checks.duration("time_limit", given) == seconds


@pytest.mark.parametrize(
    "value",
    [*(0, -1, "0s", "", " ", "10", "10 min", "m", "1s1h", "-5s", "1e3s", True, None), HUGE,
     float("nan"), float("inf"), "9" * 400 + "h"],
)  # fmt: skip
def test_what_is_no_duration(value: Any) -> None:
    with pytest.raises(ArgumentError, match="time_limit must be seconds above 0, or a text such"):
        checks.duration("time_limit", value)


def test_a_fold_is_one_of_a_number_that_can_be() -> None:
    assert checks.fold("fold", (np.int64(1), 2)) == (1, 2)
    for value in (
        (0, 1),
        (2, 2),
        (-1, 2),
        (0, 2**63),
        (0, HUGE),
        (True, 2),
        (0.0, 2),
        3,
        (1, 2, 3),
    ):
        with pytest.raises(ArgumentError, match="fold must be"):
            checks.fold("fold", value)
