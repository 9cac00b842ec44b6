"""Curves, calibration and Brier scores by hand and against scikit-learn, with ties and weights."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.errors import ArgumentError
from fastnn.training.curves import Cuts, brier_score, calibration
from tests.optional import optional

#: Few values, so that ties are everywhere.
EXAMPLES = st.lists(
    st.tuples(
        st.booleans(), st.integers(0, 5).map(lambda k: k / 5), st.sampled_from([0.0, 1.0, 2.5])
    ),
    min_size=1,
    max_size=25,
)


def _arrays(rows: list[tuple[bool, float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y, s, w = (np.array(v) for v in zip(*rows, strict=True))
    return y, s, w


def test_cuts_by_hand() -> None:
    """Scores 0.8 (+), 0.6 (+ and -), 0.3 (-), 0.2 (+): the two at 0.6 are taken together."""
    cuts = Cuts.of([1, 1, 0, 0, 1], [0.8, 0.6, 0.6, 0.3, 0.2])
    assert cuts.tpr == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1])
    assert cuts.fpr == pytest.approx([0, 1 / 2, 1, 1])
    assert cuts.precision == pytest.approx([1, 2 / 3, 2 / 4, 3 / 5])
    assert cuts.f1 == pytest.approx([2 / 4, 4 / 6, 4 / 7, 6 / 8])
    assert cuts.accuracy == pytest.approx([3 / 5, 3 / 5, 2 / 5, 3 / 5])
    # Of the 3 x 2 pairs: 0.8 wins both, 0.6 wins one and ties one, 0.2 loses both.
    assert cuts.roc_auc == pytest.approx((2 + 1.5 + 0) / 6)
    assert cuts.average_precision == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3 + 1 / 3 * 3 / 5)
    assert [cuts.at(t) for t in (0.9, 0.8, 0.7, 0.6, 0.0)] == [None, 0, 0, 1, 3]


def test_a_class_that_is_not_there_has_no_curve() -> None:
    none, every = Cuts.of([0, 0], [0.1, 0.2]), Cuts.of([1, 1], [0.1, 0.2])
    assert np.isnan(none.tpr).all()
    assert np.isnan(every.fpr).all()
    assert math.isnan(none.roc_auc)
    assert math.isnan(none.average_precision)
    assert every.average_precision == 1.0
    assert math.isnan(Cuts.of([], []).average_precision)


@given(EXAMPLES)
def test_roc_and_precision_recall_are_scikit_learns(rows) -> None:
    metrics = optional("sklearn.metrics")
    y, s, w = _arrays(rows)
    counted = w > 0
    if len({*y[counted].tolist()}) < 2:
        return
    cuts = Cuts.of(y, s, w)
    fpr, tpr, thresholds = metrics.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    assert [0, *cuts.fpr] == pytest.approx(fpr)
    assert [0, *cuts.tpr] == pytest.approx(tpr)
    assert cuts.thresholds.tolist() == thresholds[1:].tolist()
    assert cuts.roc_auc == pytest.approx(metrics.roc_auc_score(y, s, sample_weight=w))
    assert np.trapezoid([0, *cuts.tpr], [0, *cuts.fpr]) == pytest.approx(cuts.roc_auc)
    precision, recall, _ = metrics.precision_recall_curve(y, s, sample_weight=w)
    assert [*cuts.precision[::-1], 1] == pytest.approx(precision)
    assert [*cuts.tpr[::-1], 0] == pytest.approx(recall)
    found = metrics.average_precision_score(y, s, sample_weight=w)
    assert cuts.average_precision == pytest.approx(found)


@given(EXAMPLES)
def test_a_cut_is_the_metrics_of_the_decision(rows) -> None:
    metrics = optional("sklearn.metrics")
    y, s, w = _arrays(rows)
    cuts = Cuts.of(y, s, w)
    for i, threshold in enumerate(cuts.thresholds):
        decided = s >= threshold
        found = metrics.f1_score(y, decided, sample_weight=w, zero_division=0)
        assert cuts.f1[i] == pytest.approx(found)
        assert cuts.accuracy[i] == pytest.approx(
            metrics.accuracy_score(y, decided, sample_weight=w)
        )


@given(EXAMPLES, st.integers(1, 12))
def test_calibration_is_scikit_learns(rows, bins: int) -> None:
    curve = optional("sklearn.calibration").calibration_curve
    y, p, _ = _arrays(rows)
    found = calibration(y, p, bins=bins)
    if len({*y.tolist()}) == 2:  # it refuses else
        observed, predicted = curve(y, p, n_bins=bins)
        assert found.observed == pytest.approx(observed)
        assert found.predicted == pytest.approx(predicted)
    assert found.weight.sum() == len(y)


@given(EXAMPLES)
def test_the_brier_score_of_two_classes_is_scikit_learns(rows) -> None:
    y, p, w = _arrays(rows)
    if w.any():
        found = brier_score("binary", y.astype(int), np.column_stack([1 - p, p]), w)
        theirs = optional("sklearn.metrics").brier_score_loss
        assert found == pytest.approx(theirs(y, p, sample_weight=w, pos_label=True))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_brier_score_of_several_classes_is_scikit_learns(weighted: bool) -> None:
    theirs = optional("sklearn.metrics").brier_score_loss
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 4, 60), rng.dirichlet(np.ones(4), 60)
    w = rng.uniform(0, 2, 60) if weighted else None
    expected = theirs(y, p, labels=range(4), sample_weight=w)
    assert brier_score("multiclass", y, p, w) == pytest.approx(expected)


def test_brier_scores_by_hand() -> None:
    """True class 0: 0.3^2 + 0.2^2 + 0.1^2 = 0.14; true class 2: 0.5^2 + 0.3^2 + 0.8^2 = 0.98."""
    p = np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]])
    y = np.array([0, 2])
    assert brier_score("multiclass", y, p) == pytest.approx((0.14 + 0.98) / 2)
    assert brier_score("multiclass", y, p, np.array([3.0, 1.0])) == pytest.approx(
        (3 * 0.14 + 0.98) / 4
    )
    # Labels: (0.1^2 + 0.4^2 + 0.5^2 + 0.2^2) / 4; two classes: 0.4^2 for the one example.
    labels, found = np.array([[1, 0], [1, 0]]), np.array([[0.9, 0.4], [0.5, 0.2]])
    assert brier_score("multilabel", labels, found) == pytest.approx(0.46 / 4)
    assert brier_score("binary", np.array([1]), np.array([[0.4, 0.6]])) == pytest.approx(0.16)
    assert math.isnan(brier_score("multiclass", np.zeros(0, int), np.zeros((0, 3))))


def test_calibration_by_hand() -> None:
    """Two bins. 0.5 belongs to the lower: 0.1, 0.5 with one positive; 0.6, 0.8, 1.0 with two."""
    found = calibration([0, 1, 1, 0, 1], [0.1, 0.5, 0.6, 0.8, 1.0], bins=2)
    assert found.predicted == pytest.approx([0.3, 0.8])
    assert found.observed == pytest.approx([0.5, 2 / 3])
    assert found.error == pytest.approx((2 * 0.2 + 3 * (0.8 - 2 / 3)) / 5)
    assert math.isnan(calibration([], []).error)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(
        ArgumentError, match=r"^score, truth .* one shape \(N,\), found \(1,\), \(2,\) and "
    ):
        Cuts.of([0, 1], [0.5])
    with pytest.raises(ArgumentError, match=r"^score has a value that is not a finite number"):
        Cuts.of([0, 1], [0.5, math.nan])
    with pytest.raises(ArgumentError, match="probability must lie between 0 and 1"):
        calibration([0, 1], [0.5, 1.5])
