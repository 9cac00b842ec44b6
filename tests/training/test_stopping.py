"""Early stopping on sequences whose ending is known, and convergence (N25)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.training.stopping import EarlyStopping, TimeLimit, converged


def run(values, patience, min_delta=0.0, greater=False):
    """Return (the epoch after which it stopped or None, best epoch, best weights)."""
    stopping = EarlyStopping(patience, min_delta, greater)
    for epoch, value in enumerate(values, start=1):
        if stopping.update(epoch, value, lambda: f"weights of {epoch}"):  # noqa: B023
            return epoch, stopping.best_epoch, stopping.best_weights
    return None, stopping.best_epoch, stopping.best_weights


@pytest.mark.parametrize(
    ("values", "patience", "options", "stops", "best"),
    [
        ([3, 2, 1], 1, {}, None, 3),
        ([3, 3], 1, {}, 2, 1),  # equal is not better
        ([3, 2, 4, 4, 1], 2, {}, 4, 2),
        ([3, 2, 4, 4, 1], 3, {}, None, 5),
        ([0.1, 0.5, 0.4, 0.3], 2, {"greater": True}, 4, 2),
        ([1.0, 0.95, 0.85], 2, {"min_delta": 0.1}, None, 3),  # 0.15 better than 1.0
        ([1.0, 0.95, 0.92], 2, {"min_delta": 0.1}, 3, 1),
        ([math.nan, 5, 6], 1, {}, 3, 2),  # anything is better than nan
        ([5, math.nan, math.nan], 2, {}, 3, 1),
        ([math.nan, math.nan], 1, {}, 2, 1),
        ([math.inf, 7.0], 3, {}, None, 2),
    ],
)
def test_known_sequences(values, patience, options, stops, best):
    assert run(values, patience, **options) == (stops, best, f"weights of {best}")


@given(st.lists(st.integers(0, 5), min_size=1), st.integers(1, 4), st.booleans())
def test_the_best_epoch_is_the_first_of_the_best_values_seen(values, patience, greater):
    stops, best, weights = run(values, patience, greater=greater)
    seen = values[: stops or len(values)]
    assert best == 1 + (np.argmax(seen) if greater else np.argmin(seen))
    assert weights == f"weights of {best}"
    if stops is not None:
        assert stops - best == patience


def test_convergence_needs_three_quiet_epochs_in_a_row():
    assert not converged([1.0, 1.0, 1.0], 0.01)
    assert converged([1.0, 1.0, 1.0, 1.0], 0.01)
    assert not converged([1.0, 1.0, 0.9, 0.9, 0.9], 0.01)
    assert converged([5.0, 1.0, 1.005, 1.0, 1.005], 0.01)  # up and down alike
    assert not converged([100.0, 100.0, 100.0, 102.0], 0.01)
    assert converged([0.0, 0.0, 0.0, 0.0], 1e-6)
    assert not converged([1.0, math.nan, 1.0, 1.0], 0.01)


@given(
    st.lists(st.integers(1, 10), min_size=1, max_size=20),
    st.integers(1, 100),
)
def test_a_training_keeps_its_time_limit_if_no_epoch_is_longer_than_the_one_before(
    lengths: list[int], seconds: int
) -> None:
    lengths.sort(reverse=True)
    now = [0]
    limit, ends = TimeLimit(seconds, clock=lambda: now[0]), []
    for length in lengths:
        now[0] += length
        ends.append(now[0])
        if limit.epoch_over():
            break
    assert len(ends) == 1 or ends[-1] <= seconds
    if len(ends) < len(lengths):  # another one as long as the last would have been too late
        assert ends[-1] + lengths[len(ends) - 1] > seconds
