"""Several models on one page: what is said of each, and what cannot be compared."""

import re

import numpy as np
import pytest

from fastnn.api.train import Training, train
from fastnn.errors import ArgumentError
from fastnn.report.comparison import MOST_MODELS
from fastnn.report.doors import report_html
from fastnn.text import number
from tests.browser import Page
from tests.optional import optional
from tests.report.conftest import NASTY, SETTINGS, classes, table
from tests.report.test_report_pages import check

BINARY = classes(("cheap", NASTY))


@pytest.fixture(scope="module")
def binary(trainings: dict[str, Training]) -> dict[str, Training]:
    poor = train(BINARY, "kind", **SETTINGS | {"epochs": 2, "hidden_layer_sizes": [], "l2": 0.5})
    return {"good": trainings["binary"], NASTY: poor}


def _models(trainings: dict[str, Training]) -> dict:
    return {name: training.model for name, training in trainings.items()}


def test_metrics_are_those_of_evaluate_and_the_best_is_bold(binary) -> None:
    text = report_html(_models(binary), BINARY)
    page = check(text)
    assert page.anchors == ["quality", "learning", "roc", "agreement", "differences"]
    names = page.tables["quality"][0][0][1:]
    rows = page.rows("quality")
    found = {name: t.model.evaluate(BINARY) for name, t in binary.items()}
    for name, metrics in found.items():
        shown = dict(zip(names, rows[name], strict=True))
        assert {m: shown[m] for m in metrics} == {m: number(v) for m, v in metrics.items()}
    best = max(found, key=lambda name: found[name]["accuracy"])
    assert f"<b>{number(found[best]['accuracy'])}</b>" in text
    least = min(found, key=lambda name: found[name]["loss"])
    assert f"<td><b>{number(found[least]['loss'])}</b></td>" in text


def test_areas_and_calibration_of_each(binary) -> None:
    metrics = optional("sklearn.metrics")
    models = _models(binary)
    text = report_html(models, BINARY)
    rows = {n: v for n, v in BINARY.items() if n != "kind"}
    svg = text.split("<h3>ROC</h3>")[1].split("</svg>")[0]
    areas = [n.rpartition(": ")[2] for n in re.findall(r'class="label"[^>]*>([^<]*)<', svg)]
    expected = []
    for name, model in models.items():
        p = model.predict_proba(rows)[:, 1]
        y = BINARY["kind"] == model.targets.classes[1]
        expected.append(f"{metrics.roc_auc_score(y, p):.3f}")
        brier = metrics.brier_score_loss(y, p)
        page = Page(text)
        heads = page.tables["quality"][0][0][1:]
        assert page.rows("quality")[name][heads.index("Brier")] == number(brier)
    assert sorted(areas) == sorted(expected)


def test_where_they_agree(binary) -> None:
    models = _models(binary)
    rows = {n: v for n, v in BINARY.items() if n != "kind"}
    a, b = (model.predict(rows) for model in models.values())
    text = report_html(models, BINARY)
    said = Page(text).texts["agreement"]
    both = int(((a != BINARY["kind"]) & (b != BINARY["kind"])).sum())
    none = int(((a == BINARY["kind"]) & (b == BINARY["kind"])).sum())
    assert f"{both} of 240 rows are wrong for every model, {none} right for all." in said
    cells = re.findall(r": ([\d.]+)</title>", text.split("<h3>The same prediction</h3>")[1])
    assert cells[:4] == ["1.000", f"{(a == b).mean():.3f}", f"{(a == b).mean():.3f}", "1.000"]


def test_what_differs_and_nothing_else(binary) -> None:
    rows = Page(report_html(_models(binary))).rows("differences")
    assert rows["epochs"] == ["20", "2"]
    assert rows["l2"] == ["0", "0.5"]
    assert "8 relu" in rows["network"][0]
    assert "seed" not in rows
    alike = {"a": binary["good"].model, "b": binary["good"].model}
    assert "No option does." in Page(report_html(alike)).texts["differences"]


def test_without_rows_they_are_compared_by_their_own_test_parts(binary) -> None:
    page = check(report_html(_models(binary)))
    assert "the test part of its training" in page.texts["quality"]
    names = page.tables["quality"][0][0][1:]
    shown = dict(zip(names, page.rows("quality")["good"], strict=True))
    assert shown["accuracy"] == number(binary["good"].report["test"]["accuracy"])


def test_classes_labels_and_targets_one_by_one(trainings: dict[str, Training]) -> None:
    metrics = optional("sklearn.metrics")
    many = classes(("a", "b", "c", NASTY))
    other = train(many, "kind", **SETTINGS | {"epochs": 2}).model
    models = {"one": trainings["multiclass"].model, "two": other}
    rows = Page(report_html(models, many)).rows("classes")
    features = {n: v for n, v in many.items() if n != "kind"}
    for j, model in enumerate(models.values()):
        f1 = metrics.f1_score(many["kind"], model.predict(features), average=None)
        assert [row[j] for row in list(rows.values())[1:]] == [number(v) for v in f1.tolist()]
    rng = np.random.default_rng(6)
    X = rng.normal(size=(150, 4))
    Y = np.column_stack([X[:, 0] + 3, 10 * X[:, 1] - X[:, 2]])
    models = {"one": trainings["several"].model, "two": train(X, Y, **SETTINGS).model}
    page = check(report_html(models, X, Y))
    rmse = np.sqrt(((models["one"].predict(X) - Y) ** 2).mean(axis=0))
    assert [float(r[0].replace(",", "")) for r in list(page.rows("classes").values())[1:]] == (
        pytest.approx(rmse.tolist(), rel=1e-2)
    )
    said = page.texts["agreement"]
    r = [(model.predict(X) - Y).ravel() for model in models.values()]
    assert f"{np.corrcoef(r)[0, 1]:.3f}" in said


def test_losses_of_different_kinds_are_not_compared(trainings: dict[str, Training]) -> None:
    other = train(table(), "price", loss="absolute_error", **SETTINGS | {"epochs": 2}).model
    page = Page(report_html({"a": trainings["regression"].model, "b": other}, table()))
    assert "losses are of different kinds" in page.texts["quality"]
    assert "loss" not in page.tables["quality"][0][0]


def test_what_cannot_be_compared(trainings: dict[str, Training]) -> None:
    models = {name: trainings[name].model for name in ("binary", "regression")}
    with pytest.raises(ArgumentError, match=r"^regression cannot be compared with binary: their"):
        report_html(models)
    models = {name: trainings[name].model for name in ("binary", "multiclass")}
    with pytest.raises(ArgumentError, match="their tasks differ, multiclass and binary"):
        report_html(models)
    other = train(classes(("cheap", "dear")), "kind", **SETTINGS | {"epochs": 1}).model
    with pytest.raises(ArgumentError, match="their classes differ"):
        report_html({"a": trainings["binary"].model, "b": other})
    model = trainings["binary"].model
    with pytest.raises(ArgumentError, match=rf"13 models .* compare {MOST_MODELS} at the most"):
        report_html({str(k): model for k in range(13)})
