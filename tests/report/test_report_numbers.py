"""Each number on a page, against scikit-learn, NumPy or arithmetic by hand."""

import re

import numpy as np
import pytest

from fastnn.api.train import Training
from fastnn.report.judged import Judged
from fastnn.report.subject import Subject, of_training
from fastnn.report.thresholds import along, between
from fastnn.text import number
from fastnn.training.curves import Cuts
from tests.browser import Page
from tests.optional import optional

TASKS = ("binary", "weighted", "multiclass", "regression", "several", "multilabel")
CLASSES = ("binary", "weighted", "multiclass")


@pytest.fixture(scope="module")
def pages(trainings: dict[str, Training]) -> dict[str, Page]:
    return {task: Page(training.report_html()) for task, training in trainings.items()}


def _judged(trainings: dict[str, Training], task: str) -> Judged:
    training = trainings[task]
    found = of_training(training.model, training.record).judged
    assert found is not None
    return found


@pytest.mark.parametrize("task", TASKS)
def test_metrics_of_the_parts_are_those_of_the_training(trainings, pages, task) -> None:
    names = pages[task].tables["quality"][0][0][1:]
    rows = pages[task].rows("quality")
    for part, row in trainings[task].report.items():
        shown = rows["training" if part == "train" else part]
        assert shown == [
            _like(cell, row[metric]) for cell, metric in zip(shown, names, strict=True)
        ]


def _like(cell: str, value: float) -> str:
    """A number as the cell has it: with as many decimals."""
    return f"{value:,.{len(cell.partition('.')[2])}f}"


@pytest.mark.parametrize("task", TASKS)
def test_all_numbers_of_a_column_have_one_form(pages, task) -> None:
    """As many decimals, or an exponent, in every column of every table but that of the options."""
    seen = 0
    for chapter in ("quality", "classes", "threshold", "values", "errors", "layers", "data"):
        for rows in pages[task].tables.get(chapter, []):
            for cells in zip(*rows[1:], strict=True):
                found = [c for c in cells if re.fullmatch(r"[-+]?[\d,]*\.\d+(e[-+]\d+)?", c)]
                forms = {(len(c.partition("e")[0].partition(".")[2]), "e" in c) for c in found}
                assert len(forms) <= 1, (chapter, cells)
                seen += len(found)
    assert seen > 30


@pytest.mark.parametrize("task", TASKS)
def test_the_baseline_is_scikit_learns_dummy(trainings, pages, task) -> None:
    """It learns from the training part; the majority class, the mean, with the rows' weights."""
    dummy, metrics = optional("sklearn.dummy"), optional("sklearn.metrics")
    training, judged = trainings[task], _judged(trainings, task)
    sample = training.record.samples["train"]
    assert len(sample) == training.record.rows["train"]
    y, w = sample.target, sample.flat_weights
    test, v = judged.examples.target, judged.weights
    zeros, others = np.zeros((len(y), 1)), np.zeros((len(test), 1))
    names = pages[task].tables["quality"][0][0][1:]
    (row,) = [r for n, r in pages[task].rows("quality").items() if n.startswith("baseline")]
    shown = dict(zip(names, row, strict=True))
    if task in ("regression", "several"):
        model = dummy.DummyRegressor().fit(zeros, y, w)
        found = metrics.mean_absolute_error(test, model.predict(others), sample_weight=v)
        assert shown["mae"] == _like(shown["mae"], found)
        assert shown["r2"] == number(metrics.r2_score(test, model.predict(others)))
    else:
        model = dummy.DummyClassifier(strategy="most_frequent").fit(zeros, y, w)
        found = metrics.accuracy_score(test, model.predict(others), sample_weight=v)
        assert shown["accuracy"] == number(found)


@pytest.mark.parametrize("task", CLASSES)
def test_the_table_of_classes_is_scikit_learns(trainings, pages, task) -> None:
    metrics = optional("sklearn.metrics")
    judged = _judged(trainings, task)
    y, p, w = judged.examples.target, trainings[task].model.predict(judged.examples.table), None
    w = judged.weights
    labels = trainings[task].model.targets.classes
    expected = metrics.precision_recall_fscore_support(
        y, p, labels=labels, sample_weight=w, zero_division=0
    )
    P = judged.output
    table = pages[task].rows("classes", 0)
    assert [*table][1:] == [str(label) for label in labels]
    for k, label in enumerate(labels):
        there, _, *shares, area = table[str(label)]
        assert shares == [number(float(v[k])) for v in expected[:3]]
        assert float(there.replace(",", "")) == pytest.approx(expected[3][k], rel=1e-3)
        found = metrics.roc_auc_score(y == label, P[:, k], sample_weight=w)
        assert area == number(found)


@pytest.mark.parametrize("task", CLASSES)
def test_the_confusion_matrix_is_scikit_learns(trainings, task) -> None:
    matrix = optional("sklearn.metrics").confusion_matrix
    judged = _judged(trainings, task)
    predicted = trainings[task].model.predict(judged.examples.table)
    labels = trainings[task].model.targets.classes
    counts = matrix(judged.examples.target, predicted, labels=labels, sample_weight=judged.weights)
    text = trainings[task].report_html().split("<h3>Confusion matrix</h3>")[1].split("</svg>")[0]
    cells = re.findall(r"<title>[^<]*: ([\d.,]*)</title>", text)
    found = [_about(cell or "0") for cell in cells]
    assert found == pytest.approx(counts.ravel().tolist(), rel=1e-3, abs=0.006)


def test_labels_are_counted_one_by_one(trainings, pages) -> None:
    metrics = optional("sklearn.metrics")
    judged = _judged(trainings, "multilabel")
    predicted = trainings["multilabel"].model.predict(judged.examples.table)
    expected = metrics.precision_recall_fscore_support(
        judged.examples.target, predicted, zero_division=0
    )
    rows = pages["multilabel"].rows("classes")
    assert [*rows] == ["label", "target 0", "target 1", "target 2"]
    for k in range(3):
        assert rows[f"target {k}"][2:5] == [number(float(v[k])) for v in expected[:3]]


def _names(text: str, heading: str) -> list[str]:
    """The names at the right edge of a chart."""
    svg = text.split(f"<h3>{heading}</h3>")[1].split("</svg>")[0]
    return re.findall(r'class="label"[^>]*>([^<]*)<', svg)


def test_areas_beside_the_curves_are_scikit_learns(trainings) -> None:
    metrics = optional("sklearn.metrics")
    judged = _judged(trainings, "weighted")
    y, s, w = judged.target == 1, judged.output[:, 1], judged.weights
    text = trainings["weighted"].report_html()
    area = metrics.roc_auc_score(y, s, sample_weight=w)
    assert _names(text, "ROC") == [f"AUC {area:.3f}"]
    precision = metrics.average_precision_score(y, s, sample_weight=w)
    assert _names(text, "Precision and recall") == [f"AP {precision:.3f}"]
    judged, text = _judged(trainings, "multiclass"), trainings["multiclass"].report_html()
    expected = [
        f"{label[:15]}: {metrics.roc_auc_score(judged.target == k, judged.output[:, k]):.3f}"
        for k, label in enumerate(trainings["multiclass"].model.targets.classes)
    ]
    found = sorted(re.sub(r"\.\.\.", "", n) for n in _names(text, "ROC"))
    assert [n.rpartition(": ")[2] for n in found] == [
        n.rpartition(": ")[2] for n in sorted(expected)
    ]


@pytest.mark.parametrize("task", ["binary", "weighted", "multiclass", "multilabel"])
def test_calibration_is_in_words(trainings, pages, task) -> None:
    """The mean distance in ten bins, and the Brier score, which is scikit-learn's."""
    judged = _judged(trainings, task)
    theirs = optional("sklearn.metrics").brier_score_loss
    w = np.ones(len(judged)) if judged.weights is None else judged.weights
    if task == "multiclass":
        p = judged.output.max(axis=1)
        y = judged.output.argmax(axis=1) == judged.target
        whole = judged.output / judged.output.sum(axis=1, keepdims=True)  # they are float32
        brier = theirs(judged.target, whole, labels=range(whole.shape[1]))
    elif task == "multilabel":
        p, y, w = judged.output.ravel(), judged.target.ravel(), np.repeat(w, 3)
        brier = np.mean([theirs(judged.target[:, k], judged.output[:, k]) for k in range(3)])
    else:
        p, y = judged.output[:, 1], judged.target
        brier = theirs(y, p, sample_weight=w)
    error = 0.0
    for k in range(10):
        mine = (p > k / 10) & (p <= (k + 1) / 10) if k else p <= 0.1
        if mine.any():
            gap = np.average(p[mine], weights=w[mine]) - np.average(y[mine], weights=w[mine])
            error += abs(gap) * w[mine].sum() / w.sum()
    said = pages[task].texts["calibration"]
    assert f"they are {error:.3f} apart" in said
    assert f"is {brier:.4f}: y is 1 where it is true" in said


@pytest.mark.parametrize("task", ["binary", "weighted"])
def test_thresholds_are_chosen_on_the_validation_part(trainings, pages, task) -> None:
    """The highest F1 of all thresholds, and what comes of the model's own."""
    metrics = optional("sklearn.metrics")
    training = trainings[task]
    rows = of_training(training.model, training.record).chosen
    assert "validation part" in pages[task].texts["threshold"]
    y, p, w = rows.target, rows.output[:, 1], rows.weights
    table = pages[task].rows("threshold")

    def f1(decided: np.ndarray) -> float:
        return metrics.f1_score(y, decided, sample_weight=w, zero_division=0)

    best = max(f1(p >= t) for t in np.unique(p))
    at, precision, recall, shown, accuracy, found = table["highest F1: from"]
    assert shown == number(best)
    assert f1(p >= float(at)) == pytest.approx(best, abs=1e-4)
    own = p > 0.5
    at, precision, recall, shown, accuracy, found = table["as predict does it: above"]
    assert (at, shown) == ("0.5000", number(f1(own)))
    assert precision == number(metrics.precision_score(y, own, sample_weight=w, zero_division=0))
    assert recall == number(metrics.recall_score(y, own, sample_weight=w))
    assert accuracy == number(metrics.accuracy_score(y, own, sample_weight=w))
    assert found == f"{np.average(own, weights=w):.1%}"
    highest = max(metrics.accuracy_score(y, p >= t, sample_weight=w) for t in np.unique(p))
    assert table["highest accuracy: from"][4] == number(highest)


def test_a_threshold_lies_between_two_scores() -> None:
    cuts = Cuts.of([1, 1, 0], [0.9, 0.7, 0.1])
    assert [between(cuts, i) for i in range(3)] == pytest.approx([0.8, 0.4, 0.05])


def test_a_curve_of_many_points_is_drawn_by_few() -> None:
    t = np.linspace(0, 1, 5000)
    x, y = along(t**4, np.sqrt(t), most=50)
    assert len(x) <= 50
    assert (x[0], x[-1], y[0], y[-1]) == (0, 1, 0, 1)
    assert np.abs(y - np.sqrt(np.sqrt(np.sqrt(x)))).max() < 1e-9  # they are points of the curve
    steps = abs(np.diff(x)) + abs(np.diff(y))
    assert steps.max() < 3 * 2 / 50


@pytest.mark.parametrize("task", ["regression", "several"])
def test_residuals_in_numbers(trainings, pages, task) -> None:
    metrics = optional("sklearn.metrics")
    judged = _judged(trainings, task)
    y = judged.examples.target.reshape(len(judged), -1)
    a = trainings[task].model.predict(judged.examples.table).reshape(len(judged), -1)
    rows = list(pages[task].rows("values").values())[1:]
    assert len(rows) == y.shape[1]
    for k, row in enumerate(rows):
        r = a[:, k] - y[:, k]
        r2 = metrics.r2_score(y[:, k], a[:, k])
        rmse = metrics.root_mean_squared_error(y[:, k], a[:, k])
        sizes = sorted(abs(r))
        expected = (r2, rmse, r.mean(), np.median(sizes), np.percentile(sizes, 90), sizes[-1])
        assert [_about(cell) for cell in row] == pytest.approx(expected, rel=2e-3)


def _about(cell: str) -> float:
    return float(cell.replace(",", ""))


@pytest.mark.parametrize("task", TASKS)
def test_the_largest_errors_are_real_rows(trainings, pages, task) -> None:
    """Row numbers are those of the user's table, and the worst is first."""
    judged = _judged(trainings, task)
    rows = pages[task].tables["errors"][0][1:]
    places = [int(row[0].replace(",", "")) for row in rows]
    assert set(places) <= set(judged.places.tolist())
    here = [judged.places.tolist().index(place) for place in places]
    wrong = judged.predicted != judged.target if task not in ("regression", "several") else None
    if task in ("regression", "several"):
        residual = judged.output - judged.target
        size = (abs(residual) / residual.std(axis=0)).max(axis=1)
        assert places[0] == judged.places[size.argmax()]
        assert size[here].tolist() == sorted(size, reverse=True)[: len(here)]
    elif task == "multilabel":
        assert all(wrong[i].any() for i in here)
    else:
        assert all(wrong[i] for i in here)
        assert len(here) == min(12, wrong.sum())
        true = [str(judged.examples.target[i]) for i in here]
        assert [row[1] for row in rows] == [t if len(t) <= 24 else t[:21] + "..." for t in true]


def test_importance_on_the_page_is_that_of_the_command(trainings) -> None:
    from fastnn.report.importance import importance

    judged = _judged(trainings, "regression")
    found = importance(judged, metric="r2", repeats=5, seed=0)
    text = trainings["regression"].report_html()
    shown = re.findall(
        r'class="value"[^>]*>([^<]*)<', text.split("<h3>Permutation importance</h3>")[1]
    )
    assert shown == [number(found.mean[j]) for j in found.ranked]


def test_what_was_read(trainings, pages) -> None:
    record, page = trainings["regression"].record, pages["regression"]
    rows = page.rows("data")
    assert [rows[n][0] for n in ("training", "validation", "test")] == ["144", "48", "48"]
    assert rows["training"][1] == "60.0%"
    assert "27 values are missing, in 1 column." in page.texts["data"]  # of 240 every ninth
    columns = page.rows("data", 1)
    assert columns["built"][-3:] == [str(record.gaps["built"][n]) for n in record.rows]
    assert columns["town"][:2] == ["3 categories", "4 inputs"]
    area = record.samples["train"].table.column("area")
    assert columns["area"][2] == _like(columns["area"][2], area.mean())
    assert columns["area"][3] == _like(columns["area"][3], area.std())


@pytest.mark.parametrize("task", TASKS)
def test_tiles_and_first_words(trainings, task) -> None:
    text = trainings[task].report_html()
    metric = "r2" if task in ("regression", "several") else "accuracy"
    tiles = re.findall(r'class="tile"><b>([^<]*)</b><span>([^<]*)</span>', text)
    value = trainings[task].report["test"][metric]
    assert tiles[0][0] == number(value)
    assert tiles[-1] == (f"{trainings[task].model.network.n_parameters:,}", "parameters")


def test_one_in_so_many(trainings) -> None:
    from fastnn.report.quality import tiles_of

    judged = _judged(trainings, "binary")
    subject = Subject(trainings["binary"].model, judged=judged)
    wrong = (judged.predicted != judged.target).mean()
    assert 0 < wrong < 0.5
    assert tiles_of(subject)[1] == (f"1 in {1 / wrong:,.0f}", "is predicted wrongly")
