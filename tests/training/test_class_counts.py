"""Counts of classes and labels by hand, and against scikit-learn, with weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.training.class_counts import ClassCounts
from tests.optional import optional

EXAMPLES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([0.0, 1.0, 2.5])), min_size=2, max_size=25
)


@given(EXAMPLES, st.integers(2, 4))
def test_counts_of_classes_are_scikit_learns(rows, k: int) -> None:
    report = optional("sklearn.metrics").precision_recall_fscore_support
    target, w = (np.array(v) for v in zip(*rows, strict=True))
    if not w.any():
        return
    target %= k
    predicted = np.roll(target, 1)
    counts = ClassCounts.of_classes(target, predicted, k, w)
    expected = report(
        target, predicted, labels=range(k), sample_weight=w, zero_division=0, average=None
    )
    for ours, theirs in zip(
        (counts.precision, counts.recall, counts.f1, counts.there), expected, strict=True
    ):
        assert ours == pytest.approx(theirs)
    assert counts.rows.tolist() == np.bincount(target, minlength=k).tolist()
    assert counts.total == len(target)


def test_counts_of_labels_by_hand() -> None:
    target, predicted = np.array([[1, 0], [1, 1], [0, 0]]), np.array([[1, 1], [0, 1], [0, 0]])
    counts = ClassCounts.of_labels(target, predicted, np.array([1.0, 2.0, 3.0]))
    assert (counts.there.tolist(), counts.found.tolist()) == ([3, 2], [1, 3])
    assert counts.both.tolist() == [1, 2]
    assert counts.precision.tolist() == [1, 2 / 3]
    assert (counts.rows.tolist(), counts.total) == ([2, 1], 3)


def test_confusions_are_what_is_off_the_diagonal() -> None:
    matrix = optional("sklearn.metrics").confusion_matrix
    rng = np.random.default_rng(0)
    target, predicted = rng.integers(0, 5, (2, 200))
    w = rng.uniform(0.5, 2, 200)
    counts = matrix(target, predicted, sample_weight=w)
    ours = ClassCounts.of_classes(target, predicted, 5, w)
    assert ours.matrix == pytest.approx(counts)
    found = ours.confusions()
    assert len(found) == np.count_nonzero(counts - np.diag(np.diag(counts)))
    for i, j, weight in found:
        assert i != j
        assert weight == pytest.approx(counts[i, j])
    weights = [weight for *_, weight in found]
    assert weights == sorted(weights, reverse=True)
    assert ClassCounts.of_classes(target, target, 5).confusions() == []
