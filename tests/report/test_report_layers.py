"""The layers on a page: the numbers by NumPy, and what is found to be wrong."""

import numpy as np
import pytest

from fastnn.api.train import Training, train
from fastnn.report.doors import report_html
from tests.browser import Page
from tests.report.conftest import SETTINGS, table

DEEP = {"hidden_layer_sizes": [16] * 12, "activation": "sigmoid", "epochs": 2, "engine": "numpy"}


def _cells(page: Page, k: int = 0) -> dict[str, list[str]]:
    return page.rows("layers", k)


def test_signals_and_gradients_by_numpy(trainings: dict[str, Training]) -> None:
    """8 relu and 1 identity, squared error (N13, N14): dZ[2] = (A - Y)/m, backwards by hand."""
    training = trainings["regression"]
    model, record = training.model, training.record
    table = record.samples["train"].table
    X = model.features.transform(table).astype(np.float64).T
    Y = model.targets.encode(record.samples["train"].target).astype(np.float64).T
    weights = {n: v.astype(np.float64) for n, v in model.learner.weights().items()}
    Z1 = weights["W1"] @ X + weights["b1"]
    A1 = np.maximum(Z1, 0)
    A2 = weights["W2"] @ A1 + weights["b2"]
    dZ2 = (A2 - Y) / X.shape[1]
    dZ1 = weights["W2"].T @ dZ2 * (Z1 > 0)

    def rms(x: np.ndarray) -> str:
        return f"{np.sqrt((x**2).mean()):.3g}"

    rows = _cells(Page(training.report_html()))
    share = np.linalg.norm(dZ1) / np.linalg.norm(dZ2)
    expected = {
        "1 relu": [Z1, A1, dZ1 @ X.T, dZ1.sum(axis=1), f"{share:.3g}"],
        "2 identity": [A2, A2, dZ2 @ A1.T, dZ2.sum(axis=1), "1"],
    }
    for name, (Z, A, dW, db, way) in expected.items():
        units, *shown = rows[name]
        assert units == str(len(Z))
        wanted = [rms(Z), rms(A), rms(dW), rms(db), way]
        found = [shown[k] for k in (0, 1, 3, 4, 5)]
        assert [float(x) for x in found] == pytest.approx([float(x) for x in wanted], rel=6e-3)
        assert shown[2] == f"{(A == 0).mean():.0%}"
    dead = int((A1 == 0).all(axis=1).sum())
    assert rows["1 relu"][-2:] == [str(dead), ""]


def test_weights_by_numpy(trainings: dict[str, Training]) -> None:
    training = trainings["regression"]
    W = training.model.learner.weights()["W1"].astype(np.float64)
    shape, mean, deviation, largest, zeros, gain = _cells(Page(training.report_html()), 1)["W[1]"]
    assert shape == f"{W.shape[0]} x {W.shape[1]}"
    expected = (W.mean(), W.std(), abs(W).max(), np.sqrt(W.shape[1] * (W**2).mean()))
    shown = [float(cell) for cell in (mean, deviation, largest, gain)]
    assert shown == pytest.approx(expected, rel=5e-3)
    assert zeros == "0%"


def test_vanishing_gradients_are_said_first_and_in_their_chapter() -> None:
    training = train(table(), "price", **DEEP)
    text = training.report_html()
    page = Page(text)
    assert "vanishing gradients" in page.texts[""]
    assert "vanishing gradients" in page.texts["layers"]
    assert '<a href="#layers">' in text.split("<nav")[0]
    assert text.count("<h3>The way back</h3>") == 1
    assert len(page.tables["layers"][0]) == 14


def test_a_healthy_training_is_told_so(trainings: dict[str, Training]) -> None:
    page = Page(trainings["regression"].report_html())
    assert "Nothing is found to be wrong." in page.texts["layers"]
    assert "Found in the" not in page.texts[""]
    assert "on 144 rows of the training part (loss " in page.texts["layers"]


def test_what_the_doctor_found_in_the_training_is_told() -> None:
    training = train(table(), "price", doctor=True, **DEEP)
    times = [finding.times for finding in training.findings if finding.name.startswith("van")]
    assert times[0] in Page(training.report_html()).texts["layers"]


def test_weights_alone_where_there_are_no_rows(trainings: dict[str, Training]) -> None:
    page = Page(report_html(trainings["regression"].model))
    assert "there are none" in page.texts["layers"]
    assert [*_cells(page)][1:] == ["W[1]", "b[1]", "W[2]", "b[2]"]


def test_batch_normalisation_and_rows_of_the_user(trainings: dict[str, Training]) -> None:
    training = train(table(), "price", batch_normalization="before", **SETTINGS | {"epochs": 1})
    page = Page(training.report_html())
    assert {"gamma[1]", "beta[1]", "mean[1]", "variance[1]"} < set(_cells(page, 1))
    page = Page(report_html(trainings["regression"].model, table()))
    assert "on 240 rows of the data (loss " in page.texts["layers"]
