"""Metrics against scikit-learn on made-up cases with ties and weights, and by hand."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.errors import ArgumentError
from fastnn.training.metrics import (
    METRICS,
    confusion_matrix,
    default_metrics,
    evaluate,
    greater_is_better,
    metric_names,
)

CLASSIFICATION = ("accuracy", "log_loss", "roc_auc", "f1")
PROBABILITIES = [0.0, 0.125, 0.25, 0.5, 0.75, 1.0]  # few values: many ties


def one(task, metric, target, output, weights=None):
    (value,) = evaluate(task, [metric], target, output, weights).values()
    return value


def positive(probabilities):
    p = np.array(probabilities, float)
    return np.column_stack([1 - p, p])


# ---------------------------------------------------------------- by hand


def test_binary_by_hand():
    y, p = [0, 0, 1, 1], positive([0.25, 0.75, 0.75, 0.9])
    # Predicted 0 1 1 1: 3 of 4 right; tp 2, fp 1, fn 0: 4/5.
    # Pairs (positive, negative): (.75, .25) 1, (.75, .75) 1/2, (.9, .25) 1, (.9, .75) 1: 3.5 of 4
    assert evaluate("binary", ["accuracy", "f1", "roc_auc"], y, p) == {
        "accuracy": 0.75,
        "f1": 0.8,
        "roc_auc": 0.875,
    }
    expected = -(3 * math.log(0.75) - math.log(4) + math.log(0.9)) / 4 + math.log(0.75) / 4
    assert one("binary", "log_loss", y, p) == pytest.approx(expected, rel=1e-14)


def test_weights_by_hand():
    y, p, w = [0, 0, 1, 1], positive([0.25, 0.75, 0.75, 0.9]), [1, 3, 2, 2]
    assert one("binary", "accuracy", y, p, w) == 5 / 8
    assert one("binary", "f1", y, p, w) == 8 / 11  # tp 4, fp 3
    # (2*1*1 + 2*3/2 + 2*1*1 + 2*3*1) / (4 * 4)
    assert one("binary", "roc_auc", y, p, w) == 13 / 16


def test_multiclass_by_hand():
    p = [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.4, 0.35, 0.25]]
    y = [0, 1, 1, 2]
    # Predicted 0 1 2 0. F1: class 0: 2/3, class 1: 2/3, class 2: 0; mean 4/9.
    assert one("multiclass", "accuracy", y, p) == 0.5
    assert one("multiclass", "f1", y, p) == pytest.approx(4 / 9)
    assert confusion_matrix(y, p).tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    # Place of the own class: first, first, second, third.
    places = [one("multiclass", {"name": "top_k_accuracy", "k": k}, y, p) for k in (1, 2, 3, 9)]
    assert places == [0.5, 0.75, 1.0, 1.0]


def test_multilabel_by_hand():
    y, p = [[1, 0], [1, 1], [0, 0]], [[0.9, 0.2], [0.8, 0.4], [0.5, 0.1]]
    # Predicted 10, 10, 00 (one half is not above one half): rows 1 and 3 right.
    # F1: label 0: 1, label 1: 0. AUC: 1 and 1. Log loss summed over the labels, N9.
    assert one("multilabel", "accuracy", y, p) == pytest.approx(2 / 3)
    assert one("multilabel", "f1", y, p) == 0.5
    assert one("multilabel", "roc_auc", y, p) == 1.0
    expected = -math.log(0.9 * 0.8 * 0.8 * 0.4 * 0.5 * 0.9) / 3
    assert one("multilabel", "log_loss", y, p) == pytest.approx(expected, rel=1e-14)


def test_regression_by_hand():
    y, a = [[1.0], [2.0], [3.0]], [[1.0], [2.0], [6.0]]
    # Errors 0 0 3: mean 1, root of 9/3, R2 = 1 - 9/2
    assert evaluate("regression", ["mae", "rmse", "r2"], y, a) == pytest.approx(
        {"mae": 1.0, "rmse": math.sqrt(3), "r2": -3.5}
    )
    # Weights 1 1 0: the third does not count.
    assert evaluate("regression", ["mae", "rmse", "r2"], y, a, [1, 1, 0]) == {
        "mae": 0.0,
        "rmse": 0.0,
        "r2": 1.0,
    }


def test_outputs_counted_one_by_one_by_hand():
    y, p = [[1, 0], [1, 1], [0, 0]], [[0.9, 0.2], [0.8, 0.4], [0.7, 0.1]]
    # Of six labels 1 0 1 1 0 0 the outputs .9 .2 .8 .4 .7 .1 find 2 of 3, and are wrong once.
    names = ["accuracy", "precision", "recall", "roc_auc"]
    found = evaluate("multilabel", [f"{name}(pooled=True)" for name in names], y, p)
    # Of 9 pairs of a 1 and a 0 one is in the wrong order, .4 and .7.
    assert list(found.values()) == pytest.approx([4 / 6, 2 / 3, 2 / 3, 8 / 9])
    assert list(found) == [f"{name}(pooled=True)" for name in names]
    # Of several classes each probability is a yes or no: 1 0 0, 0 1 0 against .6 .3 .1, .2 .4 .4
    y, p = [0, 1], [[0.6, 0.3, 0.1], [0.2, 0.4, 0.4]]
    found = evaluate("multiclass", [f"{name}(pooled=True)" for name in names[:3]], y, p)
    assert list(found.values()) == pytest.approx([5 / 6, 1.0, 0.5])
    # The mean over the labels is the sum over them, halved.
    y, p = [[1, 0], [1, 1], [0, 0]], [[0.9, 0.2], [0.8, 0.4], [0.5, 0.1]]
    pooled = one("multilabel", "log_loss(pooled=True)", y, p)
    assert pooled == pytest.approx(one("multilabel", "log_loss", y, p) / 2, rel=1e-14)
    # The square root of the mean square of all errors 3 1 0 0, with weights 1 3 of the examples.
    y, a = [[0.0, 0.0], [1.0, 1.0]], [[3.0, 1.0], [1.0, 1.0]]
    spec = {"name": "rmse", "pooled": True}
    assert one("regression", spec, y, a) == pytest.approx(math.sqrt(10 / 4))
    weighted = evaluate("regression", [spec], y, a, [1.0, 3.0])
    assert list(weighted.values()) == pytest.approx([math.sqrt(10 / 8)])


def test_one_output_counted_by_itself_is_the_metric_itself():
    y, p = [0, 1, 1, 0], positive([0.1, 0.9, 0.5, 0.6])
    for name in ("accuracy", "precision", "recall", "roc_auc"):
        assert one("binary", f"{name}(pooled=True)", y, p) == one("binary", name, y, p)


def test_ties_go_to_the_first_class_everywhere():
    p = [[0.5, 0.5], [0.5, 0.5]]
    assert one("multiclass", "accuracy", [0, 1], p) == 0.5
    assert one("multiclass", "top_k_accuracy(k=1)", [0, 1], p) == 0.5
    assert one("binary", "f1", [1, 0], p) == 0.0  # nothing predicted positive
    assert confusion_matrix([0, 1], p).tolist() == [[1, 0], [1, 0]]


def test_certain_and_wrong_costs_a_finite_log_loss():
    assert one("binary", "log_loss", [1], [[1.0, 0.0]]) == 52 * math.log(2)
    assert one("binary", "log_loss", [0], [[1.0, 0.0]]) == 0.0


def test_confusion_matrix_of_weights():
    counts = confusion_matrix([0, 1, 1], positive([0.1, 0.9, 0.2]), [0.5, 2.0, 0.25])
    assert counts.dtype == np.float64
    assert counts.tolist() == [[0.5, 0.0], [0.25, 2.0]]
    assert confusion_matrix([0], positive([0.1])).dtype == np.int64


# ---------------------------------------------------------------- undefined: nan, no warning


@pytest.mark.parametrize(
    ("task", "metric", "target", "output"),
    [
        ("binary", "roc_auc", [1, 1], positive([0.2, 0.7])),
        ("binary", "roc_auc", [0], positive([0.2])),
        ("multiclass", "roc_auc", [2, 2], [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]]),
        ("multilabel", "roc_auc", [[1, 0], [1, 0]], [[0.2, 0.3], [0.5, 0.3]]),
        ("regression", "r2", [[0.1]] * 3, [[1.0], [2.0], [3.0]]),
        ("regression", "r2", [[5.0]], [[5.0]]),
    ],
)
def test_undefined_is_nan(task, metric, target, output):
    assert math.isnan(one(task, metric, target, output))


def test_means_leave_out_what_is_undefined():
    # Class 2 is neither there nor predicted; the others are right.
    p = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]
    assert one("multiclass", "f1", [0, 1], p) == 1.0
    assert one("multiclass", "roc_auc", [0, 1], p) == 1.0
    # The first output is constant; R2 of the second is 1 - 1/2.
    y, a = [[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]], [[9.0, 1.0], [9.0, 3.0], [9.0, 3.0]]
    assert one("regression", "r2", y, a) == 0.5


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_nothing_to_judge_is_nan_for_every_metric(task):
    by_class = task in ("binary", "multiclass")
    names = [row.name for row in METRICS if task in row.tasks]
    y = np.array([1, 0]) if by_class else np.array([[1.0, 0.0], [0.0, 1.0]])
    p = np.array([[0.4, 0.6], [0.6, 0.4]])
    for target, output, weights in [
        (y[:0], p[:0], None),
        (y, p, [0, 0]),
        (y, np.where(p > 0.5, np.nan, p), None),
        (y, np.where(p > 0.5, np.inf, p), None),
    ]:
        found = evaluate(task, names, target, output, weights)
        assert list(found) == names
        assert all(map(math.isnan, found.values()))


def test_a_huge_output_gives_infinity_without_a_warning():
    found = evaluate("regression", ["rmse", "r2"], [[1.0], [2.0]], [[1e200], [2.0]])
    assert found == {"rmse": math.inf, "r2": -math.inf}


def test_an_example_of_weight_zero_does_not_count_even_if_broken():
    p = [[0.1, 0.9], [math.nan, math.nan]]
    assert one("binary", "accuracy", [1, 0], p, [1.0, 0.0]) == 1.0


# ---------------------------------------------------------------- scikit-learn


@pytest.fixture(scope="module")
def skm():
    return pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle")


def assert_close(found, expected):
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@st.composite
def cases(draw, n_classes=None):
    """Class indices that all occur, probabilities with ties (rows sum to 1), weights."""
    K = n_classes or draw(st.integers(3, 5))
    n = draw(st.integers(2 * K, 30))
    y = np.array(
        [*range(K), *draw(st.lists(st.integers(0, K - 1), min_size=n - K, max_size=n - K))]
    )
    rows = st.lists(st.integers(0, 4), min_size=K, max_size=K).filter(any)
    p = np.array(draw(st.lists(rows, min_size=n, max_size=n)), float)
    w = np.array(draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=n, max_size=n)))
    return y, p / p.sum(axis=1, keepdims=True), draw(st.sampled_from([None, w]))


@given(case=cases(n_classes=2))
def test_binary_agrees_with_scikit_learn(skm, case):
    y, p, w = case
    found = evaluate("binary", CLASSIFICATION, y, p, w)
    predicted = (p[:, 1] > p[:, 0]).astype(int)
    assert_close(found["accuracy"], skm.accuracy_score(y, predicted, sample_weight=w))
    assert_close(found["f1"], skm.f1_score(y, predicted, sample_weight=w))
    assert_close(found["roc_auc"], skm.roc_auc_score(y, p[:, 1], sample_weight=w))
    assert_close(found["log_loss"], skm.log_loss(y, p, sample_weight=w))


@given(case=cases())
def test_multiclass_agrees_with_scikit_learn(skm, case):
    y, p, w = case
    found = evaluate("multiclass", CLASSIFICATION, y, p, w)
    predicted = [max(range(len(row)), key=row.__getitem__) for row in p.tolist()]
    assert_close(found["accuracy"], skm.accuracy_score(y, predicted, sample_weight=w))
    assert_close(found["f1"], skm.f1_score(y, predicted, average="macro", sample_weight=w))
    assert_close(found["log_loss"], skm.log_loss(y, p, sample_weight=w))
    one_by_one = [  # scikit-learn's own macro mean refuses weights in this case
        skm.roc_auc_score(y == c, p[:, c], sample_weight=w) for c in range(p.shape[1])
    ]
    assert_close(found["roc_auc"], math.fsum(one_by_one) / p.shape[1])
    if w is None:
        assert_close(found["roc_auc"], skm.roc_auc_score(y, p, multi_class="ovr"))
    assert_close(
        confusion_matrix(y, p, w),
        skm.confusion_matrix(y, predicted, labels=range(p.shape[1]), sample_weight=w),
    )


@st.composite
def predictions(draw, task):
    """Targets, probabilities of few values and weights: classes go missing on either side."""
    K, n = 2 if task == "binary" else draw(st.integers(2, 4)), draw(st.integers(1, 8))
    p = np.array(draw(st.lists(st.sampled_from(PROBABILITIES), min_size=n * K, max_size=n * K)))
    among = st.integers(0, draw(st.integers(0, K - 1)))
    if task == "multilabel":
        y = np.array(draw(st.lists(st.integers(0, 1), min_size=n * K, max_size=n * K)))
        y = y.reshape(n, K) * (np.arange(K) < draw(st.integers(0, K)))
    else:
        y = np.array(draw(st.lists(among, min_size=n, max_size=n)))
    w = np.array(draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=n, max_size=n)))
    return y, p.reshape(n, K), draw(st.sampled_from([None, w]))


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
@given(data=st.data())
def test_precision_recall_and_f1_are_those_of_scikit_learn_in_every_case(skm, task, data):
    y, p, w = data.draw(predictions(task))
    predicted = (p > 0.5).astype(int) if task == "multilabel" else p.argmax(axis=1)
    average = "binary" if task == "binary" else "macro"
    found = evaluate(task, ["precision", "recall", "f1"], y, p, w)
    for name, value in found.items():
        score = getattr(skm, f"{name}_score")
        wanted = score(y, predicted, average=average, zero_division=0, sample_weight=w)
        assert value == pytest.approx(wanted, rel=1e-12, abs=0), name


def test_never_predicting_a_class_does_not_pay():
    y = [0] * 90 + [1] * 5 + [2] * 5
    lazy, fair = np.tile([0.8, 0.1, 0.1], (100, 1)), np.eye(3)[y]
    fair[:3] = [0.0, 0.5, 0.5]  # three of class 0 are taken for class 1
    # 90 of 100 right: 0.9 for class 0 alone; 1, 5/8 and 1 for the other model.
    assert one("multiclass", "precision", y, lazy) == pytest.approx(0.3)
    assert one("multiclass", "precision", y, fair) == pytest.approx((1 + 5 / 8 + 1) / 3)
    assert one("multiclass", "recall", y, lazy) == pytest.approx(1 / 3)
    assert one("binary", "precision", [0, 1], positive([0.1, 0.2])) == 0.0
    # A label without any example counts as 0, a class that is nowhere does not count.
    assert one("multilabel", "recall", [[1, 0], [1, 0]], [[0.9, 0.1], [0.9, 0.1]]) == 0.5
    assert one("multiclass", "recall", [0, 0], [[0.9, 0.1, 0.0], [0.9, 0.1, 0.0]]) == 1.0


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
@given(data=st.data())
def test_average_precision_is_that_of_scikit_learn_in_every_case(skm, task, data):
    y, p, w = data.draw(predictions(task))
    truth = y if task == "multilabel" else np.eye(p.shape[1], dtype=int)[y]
    columns = [1] if task == "binary" else range(p.shape[1])
    wanted = [
        skm.average_precision_score(truth[:, j], p[:, j], sample_weight=w)
        for j in columns
        if truth[:, j].any()
    ]
    found = one(task, "average_precision", y, p, w)
    if wanted:
        assert found == pytest.approx(np.mean(wanted), rel=1e-12)
    else:
        assert math.isnan(found), "it is not defined without a positive example"


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@given(data=st.data())
def test_balanced_accuracy_is_that_of_scikit_learn_in_every_case(skm, task, data):
    y, p, w = data.draw(predictions(task))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are predicted and not there
        wanted = skm.balanced_accuracy_score(y, p.argmax(axis=1), sample_weight=w)
    assert one(task, "balanced_accuracy", y, p, w) == pytest.approx(wanted, rel=1e-12)


def test_balanced_accuracy_and_average_precision_by_hand():
    y, p = [0, 0, 0, 1], positive([0.1, 0.6, 0.2, 0.4])
    # Class 0: 2 of 3 right, class 1: none.
    assert one("binary", "balanced_accuracy", y, p) == pytest.approx(1 / 3)
    # At 0.6 nothing is found, at 0.4 the positive one, as one of two.
    assert one("binary", "average_precision", y, p) == 0.5
    assert one("binary", "average_precision", y, p, [1, 3, 1, 1]) == 0.25


@given(st.floats(0.05, 0.95), st.integers(0, 2**32), st.booleans())
def test_the_pinball_loss_is_that_of_scikit_learn(skm, quantile, seed, weighted):
    rng = np.random.default_rng(seed)
    y, a = rng.normal(size=(2, 7, 2))
    w = rng.uniform(0.5, 2, 7) if weighted else None
    found = one("regression", {"name": "pinball", "quantile": quantile}, y, a, w)
    wanted = skm.mean_pinball_loss(y, a, alpha=quantile, sample_weight=w)
    assert found == pytest.approx(wanted, rel=1e-12)


def test_coverage_by_hand():
    y, a = [[1.0], [2.0], [3.0], [4.0]], [[1.0], [2.5], [2.0], [3.0]]
    assert one("regression", "coverage", y, a) == 0.5, "an equal target is covered"
    assert one("regression", "coverage", y, a, [3, 1, 1, 1]) == 4 / 6
    # quantile 0.75: 0.25 of 0.5 too high, 0.75 of 1 and of 1 too low.
    assert one("regression", "pinball(quantile=0.75)", y, a) == (0.125 + 0.75 + 0.75) / 4


@given(case=cases(), seed=st.integers(0, 2**32), k=st.integers(1, 2))
def test_top_k_agrees_with_scikit_learn_without_ties(skm, case, seed, k):
    y, p, w = case
    p = np.random.default_rng(seed).uniform(size=p.shape)
    assert_close(
        one("multiclass", f"top_k_accuracy(k={k})", y, p, w),
        skm.top_k_accuracy_score(y, p, k=k, sample_weight=w),
    )


@given(case=cases(), labels=st.integers(0, 2**32))
def test_multilabel_agrees_with_scikit_learn(skm, case, labels):
    _, p, w = case
    y = np.random.default_rng(labels).integers(2, size=p.shape)
    y[0], y[1] = 0, 1  # each label both ways, so that everything is defined
    found = evaluate("multilabel", CLASSIFICATION, y, p, w)
    predicted = (p > 0.5).astype(int)
    assert_close(found["accuracy"], skm.accuracy_score(y, predicted, sample_weight=w))
    assert_close(found["f1"], skm.f1_score(y, predicted, average="macro", sample_weight=w))
    assert_close(found["roc_auc"], skm.roc_auc_score(y, p, average="macro", sample_weight=w))
    per_label = [
        skm.log_loss(y[:, j], positive(p[:, j]), sample_weight=w) for j in range(y.shape[1])
    ]
    assert_close(found["log_loss"], math.fsum(per_label))


@given(
    n=st.integers(2, 30), k=st.integers(1, 3), seed=st.integers(0, 2**32), weighted=st.booleans()
)
def test_regression_agrees_with_scikit_learn(skm, n, k, seed, weighted):
    rng = np.random.default_rng(seed)
    y = rng.normal(100.0, 3.0, size=(n, k))
    a = y + rng.normal(size=(n, k))
    w = rng.uniform(0.1, 4.0, size=n) if weighted else None
    found = evaluate("regression", ["r2", "rmse", "mse", "mae"], y, a, w)
    assert_close(found["mse"], skm.mean_squared_error(y, a, sample_weight=w))
    assert_close(found["r2"], skm.r2_score(y, a, sample_weight=w))
    assert_close(found["rmse"], skm.root_mean_squared_error(y, a, sample_weight=w))
    assert_close(found["mae"], skm.mean_absolute_error(y, a, sample_weight=w))


# ---------------------------------------------------------------- properties


@given(case=cases(n_classes=2))
def test_auc_counts_pairs(case):
    y, p, w = case
    w = np.ones(len(y)) if w is None else w
    pairs = [
        (w[i] * w[j], (p[i, 1] > p[j, 1]) + 0.5 * (p[i, 1] == p[j, 1]))
        for i in np.flatnonzero(y == 1)
        for j in np.flatnonzero(y == 0)
    ]
    assert_close(
        one("binary", "roc_auc", y, p, w),
        sum(weight * won for weight, won in pairs) / sum(weight for weight, _ in pairs),
    )


@given(case=cases(), times=st.lists(st.integers(0, 3), min_size=30, max_size=30))
def test_a_weight_is_a_repetition(case, times):
    y, p, _ = case
    times = np.array(times[: len(y)])
    names = [*CLASSIFICATION, "top_k_accuracy(k=2)"]
    weighted = evaluate("multiclass", names, y, p, times)
    repeated = evaluate("multiclass", names, np.repeat(y, times), np.repeat(p, times, axis=0))
    assert weighted == pytest.approx(repeated, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("row", list(METRICS), ids=lambda row: row.name)
def test_the_better_model_scores_better(row):
    """greater_is_better is what it says, for each metric and task."""
    for task in row.tasks:
        if task == "regression":
            y = np.array([[1.0], [2.0], [3.0]])
            good, bad = y + 0.1, np.array([[3.0], [1.0], [1.0]])
        elif task == "multilabel":
            y = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
            good, bad = 0.1 + 0.8 * y, 0.9 - 0.8 * y
        else:
            y = np.array([0, 1, 1, 0])
            good, bad = 0.1 + 0.8 * np.eye(2)[y], 0.9 - 0.8 * np.eye(2)[y]
        spec = {"name": row.name, "k": 1} if row.name == "top_k_accuracy" else row.name
        difference = one(task, spec, y, good) - one(task, spec, y, bad)
        assert (difference > 0) == greater_is_better(row.name), task


def test_float32_and_read_only_arrays_are_judged_and_left_alone():
    y, p = np.array([0, 1, 1]), np.array([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]], np.float32)
    y.flags.writeable = p.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert one("binary", "accuracy", y, p) == pytest.approx(2 / 3)


# ---------------------------------------------------------------- names and errors


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_default_metrics_apply_to_their_task(task):
    assert metric_names(task, default_metrics(task)) == default_metrics(task)


def test_names_are_canonical():
    specs = ["acc", "top_k_accuracy", "top_k_accuracy(k=3)", {"name": "auc"}]
    assert metric_names("multiclass", specs) == (
        "accuracy",
        "top_k_accuracy",
        "top_k_accuracy(k=3)",
        "roc_auc",
    )
    assert greater_is_better("top_k_accuracy(k=3)")
    (pooled,) = metric_names("multilabel", [{"name": "precision", "pooled": True}])
    assert metric_names("multilabel", [pooled]) == ("precision(pooled=True)",)
    assert greater_is_better(pooled)


P2 = [[0.5, 0.5]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: default_metrics("ranking"), "unknown task 'ranking' \\(known: binary, "),
        (
            lambda: metric_names("regression", ["accuracy"]),
            "'accuracy' does not apply to a regression target; choose from r2, rmse, mse, mae",
        ),
        (lambda: metric_names("binary", ["acuracy"]), "did you mean 'accuracy'"),
        (
            lambda: metric_names("binary", ["f1(k=2)"]),
            "no option 'k'; it belongs to top_k_accuracy",
        ),
        (lambda: metric_names("multiclass", ["top_k_accuracy(k=0)"]), "k=0.0 is outside"),
        (lambda: metric_names("binary", ["recall(pooled=1)"]), "pooled must be True or False"),
        (lambda: metric_names("multiclass", ["top_k_accuracy(pooled=True)"]), "cannot be pooled"),
        (
            lambda: metric_names("multiclass", ["top_k_accuracy(k=2.5)"]),
            "k must be a whole number, found 2.5",
        ),
        (lambda: greater_is_better("loss"), "unknown metric 'loss'"),
        (
            lambda: evaluate("binary", ["f1"], [1], [[0.5]]),
            "'binary' must have the shapes \\(N,\\) and \\(N, 2\\), found \\(1,\\) and \\(1, 1\\)",
        ),
        (
            lambda: evaluate("multiclass", ["f1"], [1, 0], P2),
            "shapes \\(N,\\) and \\(N, K\\), found \\(2,\\) and \\(1, 2\\)",
        ),
        (
            lambda: evaluate("regression", ["r2"], [1.0], [[1.0]]),
            "shapes \\(N, k\\) and \\(N, k\\), found \\(1,\\) and \\(1, 1\\)",
        ),
        (
            lambda: evaluate("binary", ["f1"], [2], P2),
            "target must hold class indices from 0 to 1, the columns of the output; found 2",
        ),
        (lambda: evaluate("binary", ["f1"], [-1], P2), "found -1"),
        (lambda: evaluate("binary", ["f1"], [0.5], P2), "found 0.5"),
        (lambda: evaluate("binary", ["f1"], ["yes"], P2), "found 'yes'"),
        (lambda: confusion_matrix([2], P2), "found 2"),
        (
            lambda: evaluate("multilabel", ["f1"], [[0, 2]], P2),
            "target must hold 0 or 1 for each label; found 2",
        ),
        (
            lambda: evaluate("binary", ["f1"], [1], P2, [1.0, 2.0]),
            "weights must have the shape \\(1,\\), found \\(2,\\)",
        ),
        (
            lambda: evaluate("binary", ["f1"], [1], P2, [-1.0]),
            "weights must be finite and not negative, found -1.0 for example 0",
        ),
        (lambda: evaluate("binary", ["f1"], [1], P2, [math.nan]), "found nan for example 0"),
    ],
)
def test_errors_say_what_was_found(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
