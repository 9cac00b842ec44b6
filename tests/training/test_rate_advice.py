"""Which rate is advised: at least, or at most, what the optimiser would have taken by itself."""

import pytest

from fastnn.cli.train_arguments import as_flag
from fastnn.errors import spell
from fastnn.training.rate_advice import by_trying, higher_rate, lower_rate


@pytest.mark.parametrize(
    ("rate", "default", "lower", "higher"),
    [
        (0.001, 0.001, 0.0001, 0.01),
        (0.005, 0.001, 0.0005, 0.05),
        (3.0, 0.001, 0.001, 30.0),  # a tenth of it would be 300 times the default
        (1e-7, 0.1, 1e-8, 0.1),  # ten times it would be a hundred thousandth of the default
        (0.0123456, 0.1, 0.00123, 0.123),
    ],
)
def test_rates(rate: float, default: float, lower: float, higher: float) -> None:
    assert lower_rate(rate, default) == lower
    assert higher_rate(rate, default) == higher


def test_the_command_line_names_its_flag() -> None:
    assert spell(by_trying(), as_flag) == ", or what --find-learning-rate finds"
