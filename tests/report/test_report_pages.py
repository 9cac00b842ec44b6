"""Properties of the pages: escaped, self-contained, in order, small; and awkward trainings."""

import math
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fastnn.api.foreign import from_keras
from fastnn.api.search import search
from fastnn.api.train import Training, train
from fastnn.data.statistics import DataWarning
from fastnn.errors import ArgumentError, DataError, DivergenceError
from fastnn.nn.activations import custom_activation
from fastnn.report import judged as judged_module
from fastnn.report.doors import report_html, subjects_of
from fastnn.report.judged import Judged
from fastnn.report.subject import of_training
from fastnn.training.loop import TrainingInterrupted
from tests.browser import Page, browse, needs_browser
from tests.report.conftest import NASTY, SETTINGS, classes, table

TASKS = ("binary", "weighted", "multiclass", "regression", "several", "multilabel")
ALWAYS = ["learning", "quality", "importance", "errors", "layers", "data", "configuration",
          "environment", "use"]  # fmt: skip
OF_TASK = {
    "binary": ["classes", "roc", "calibration", "threshold"],
    "weighted": ["classes", "roc", "calibration", "threshold"],
    "multiclass": ["classes", "roc", "calibration"],
    "multilabel": ["classes", "roc", "calibration"],
    "regression": ["values"],
    "several": ["values"],
}


def check(text: str) -> Page:
    """A page that a customer may get."""
    page = Page(text)
    page.asks_for_nothing()
    assert "http" not in text.replace("http-equiv", "").replace("http.server", "")
    assert "url(" not in text
    assert "default-src 'none'" in text
    assert "<script>alert" not in text
    assert page.tags.count("script") == 1
    assert page.bare_heads == 0
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))  # none is left out on the way down
    assert len(set(page.anchors)) == len(page.anchors)
    assert len(text.encode()) < 1_000_000
    assert "nan" not in page.texts["quality"].split()
    return page


@pytest.mark.parametrize("task", TASKS)
def test_a_page_of_each_task(trainings: dict[str, Training], task: str) -> None:
    page = check(trainings[task].report_html())
    assert sorted(page.anchors) == sorted([*ALWAYS, *OF_TASK[task]])
    if task in ("binary", "weighted", "multiclass"):
        assert any(cell[0].startswith("<script>") for cell in page.tables["classes"][0])
    if task in ("binary", "weighted", "multiclass", "regression"):
        assert NASTY in [row[0] for row in page.tables["data"][1]]


@pytest.mark.parametrize("task", TASKS)
def test_the_same_training_has_the_same_page(trainings: dict[str, Training], task: str) -> None:
    assert trainings[task].report_html(3) == trainings[task].report_html(3)
    assert trainings[task].report_html(3) != trainings[task].report_html(4)


def test_no_name_of_the_machine_is_on_it(trainings: dict[str, Training], tmp_path: Path) -> None:
    import getpass
    import os
    import platform

    text = trainings["regression"].report_html()
    for name in (platform.node(), getpass.getuser(), os.getcwd(), str(Path.home())):
        assert len(name) < 5 or name not in text


def test_a_model_alone_and_with_rows(trainings: dict[str, Training], tmp_path: Path) -> None:
    trainings["regression"].model.save(tmp_path / "m.fastnn")
    from fastnn.model.files import load

    model = load(tmp_path / "m.fastnn")
    page = check(report_html(model))
    assert page.anchors == [
        "learning", "quality", "layers", "data", "configuration", "environment", "use",
    ]  # fmt: skip
    page = check(report_html(model, table()))
    assert sorted(page.anchors) == sorted([*ALWAYS, "values"])
    rows = page.rows("quality")
    assert [*rows] == [
        "part", "training", "validation", "test", "the 240 rows of the data",
        next(name for name in rows if name.startswith("baseline")),
    ]  # fmt: skip


def test_a_training_that_was_interrupted() -> None:
    def stop(state) -> None:
        if len(state.history.epochs) == 2:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        train(table(), "price", callbacks=[stop], **SETTINGS)
    page = check(caught.value.result.report_html())
    assert "The training was interrupted after epoch 2 of 20." in page.texts[""]
    assert "2 of 20 epochs, then interrupted." in page.texts["learning"]


@pytest.mark.parametrize("good", [0, 2])
def test_a_training_that_diverged(good: int) -> None:
    def explode(state) -> None:
        if len(state.history.epochs) == good:
            state.rate_factor = 1e30

    class Early:
        begin = epoch_end = staticmethod(explode)
        end = staticmethod(lambda state: None)

    with pytest.raises(DivergenceError) as caught:
        train(table(), "price", callbacks=[Early()], optimizer="sgd", **SETTINGS)
    page = check(caught.value.result.report_html())
    assert "The training diverged: its loss was no longer a number (epoch" in page.texts[""]
    of = "its last good epoch" if good else "that it began with"
    assert f"the weights {of if not good else 'of ' + of}" in page.texts[""]
    assert ("no curves" in page.texts["learning"]) == (not good)


def test_a_model_without_a_history() -> None:
    model = from_keras([[[1.0], [-1.0]], [0.5]], task="regression")
    page = check(report_html(model))
    assert "brought no history" in page.texts["learning"]
    assert "give rows with their target" in page.texts["quality"]
    assert "was not done by fastnn" in page.texts["configuration"]
    page = check(report_html(model, [[3.0, 1.0], [1.0, 1.0]], [2.0, 1.0]))
    assert page.rows("quality")["the 2 rows of the data"][1] == "0.0000"  # r2; both are off by 0.5


def test_the_best_of_a_search_has_the_whole_page() -> None:
    found = search(table(), "price", grid={"l2": [0.0, 1.0]}, **SETTINGS | {"epochs": 2})
    assert sorted(check(found.training.report_html()).anchors) == sorted([*ALWAYS, "values"])


def test_how_the_learning_rate_was_found() -> None:
    given = {name: value for name, value in SETTINGS.items() if name != "learning_rate"}
    training = train(table(), "price", find_learning_rate=True, **given | {"epochs": 2})
    text = training.report_html()
    page = check(text)
    assert training.range_test.lines[1] in page.texts["learning"]
    assert text.count("<h3>Loss over learning rate</h3>") == 1
    assert check(report_html(training.model)).texts["learning"].count("found") == 0


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "multilabel"])
def test_one_row(trainings: dict[str, Training], task: str) -> None:
    rng = np.random.default_rng(0)
    data, target = {
        "binary": (classes(("cheap", NASTY)), None),
        "multiclass": (classes(("a", "b", "c", NASTY)), None),
        "regression": (table(), None),
        "multilabel": (rng.normal(size=(1, 4)), [[1, 0, 1]]),
    }[task]
    if isinstance(data, dict):
        data = {name: values[:1] for name, values in data.items()}
    page = check(report_html(trainings[task].model, data, target))
    assert "the only row of the data" in page.texts["quality"]
    if task != "regression":
        assert "There are no curves" in page.texts["roc"]


def test_data_of_other_columns(trainings: dict[str, Training]) -> None:
    model = trainings["regression"].model
    columns = table()
    with pytest.raises(DataError, match="no column 'area'; did you mean 'areas'"):
        report_html(model, {"areas" if n == "area" else n: v for n, v in columns.items()})
    with pytest.raises(DataError, match="columns that the model was not trained on: more"):
        report_html(model, {**columns, "more": columns["area"]})
    with pytest.raises(DataError, match="target: no column 'price'"):
        report_html(model, {n: v for n, v in columns.items() if n != "price"})
    with pytest.raises(DataError, match="unknown label 'dear'"):
        report_html(trainings["binary"].model, {**classes(("cheap", "dear"))})


def test_what_has_no_effect_or_cannot_be(trainings: dict[str, Training], tmp_path: Path) -> None:
    model = trainings["regression"].model
    with pytest.raises(ArgumentError, match="target has no effect without data"):
        report_html(model, target="price")
    with pytest.raises(ArgumentError, match="decimal has no effect without data"):
        report_html(model, decimal=",")
    with pytest.raises(ArgumentError, match="models must be a model, or models by their names"):
        report_html([model])
    with pytest.raises(ArgumentError, match="models: 'a' is no model: 3"):
        report_html({"a": 3})
    with pytest.raises(ArgumentError, match="seed must be a whole number"):
        trainings["regression"].report_html(-1)
    with pytest.raises(DataError, match=r"cannot write file .*there is no folder"):
        trainings["regression"].save_report(tmp_path / "none" / "r.html")
    trainings["regression"].save_report(tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert text == trainings["regression"].report_html()


def test_many_rows_are_drawn_and_that_is_said(
    trainings: dict[str, Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judged_module, "MOST_ROWS", 600)
    one = table()
    many = {name: np.concatenate([v] * 5) for name, v in one.items()}
    model = trainings["regression"].model
    text = report_html(model, many)
    page = check(text)
    for chapter in ("values", "errors", "importance"):
        assert "600 of the 1,200 rows of the data" in page.texts[chapter]
    assert "600 of the 1,200 rows of the data" in page.rows("quality")
    assert report_html(model, many) == text
    (subject,) = subjects_of({"": model}, {"": model.examples(many)}, "the data").values()
    places = subject.judged.places
    assert len({*places.tolist()}) == 600
    assert subject.judged.examples.target.tolist() == many["price"][places].tolist()


def test_dots_are_few(trainings: dict[str, Training]) -> None:
    columns = {name: np.concatenate([v] * 10) for name, v in table().items()}
    text = report_html(trainings["regression"].model, columns)
    assert "800 of them, drawn by seed 0, are dots" in text
    assert text.split("<h3>price: predicted and true</h3>")[1].split("</svg>")[0].count(
        "<circle"
    ) == 800  # fmt: skip


def test_a_thousand_classes_and_five_hundred_columns_are_a_small_page() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3))
    y = np.array([f"class {k} {NASTY}" * 3 for k in range(1000)] * 3)
    page = check(train(X, y, **SETTINGS | {"epochs": 1}).report_html())
    assert "of 1,000 classes" in page.texts["classes"].lower()
    assert len(page.tables["classes"][2]) == 1001
    wide = {f"{NASTY} {j}": rng.normal(size=200) for j in range(500)}
    wide["y"] = np.arange(200) % 2
    page = check(train(wide, "y", **SETTINGS | {"epochs": 1}).report_html())
    assert len(page.tables["data"][1]) == 501


def test_too_much_for_a_page_is_said(
    trainings: dict[str, Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastnn.report.matters.MOST_WORK", 1e4)
    page = check(trainings["regression"].report_html())
    assert "The command fastnn explain" in page.texts["importance"]


def test_outputs_that_are_no_numbers_are_left_out_and_said() -> None:
    """In float32 the third row is 1e38 * 5 = inf."""
    model = from_keras([[[5.0]], [0.0]], task="regression", dtype="float32")
    page = check(report_html(model, [[1.0], [2.0], [1e38]], [5.0, 10.5, 1.0]))
    said = "the 2 rows of the data (1 left out, whose output is not finite)"
    assert said in page.rows("quality")
    with pytest.raises(DataError, match="no output of the model is a finite number"):
        report_html(model, [[1e38]], [1.0])


def test_an_output_that_is_no_probability_has_no_calibration() -> None:
    beyond = custom_activation(lambda z: 1.5 * np.tanh(z))
    more = {"loss": "squared_error", "output_activation": beyond}
    training = train(classes(("cheap", "dear")), "kind", **SETTINGS, **more)
    assert training.model.outputs(training.record.samples["test"].table).max() > 1
    page = check(training.report_html())
    assert "calibration" not in page.anchors
    assert {"roc", "threshold"} <= set(page.anchors)


def test_a_perfect_model_has_no_errors() -> None:
    X = np.array([[-9.0], [9.0]] * 50)
    page = check(train(X, X[:, 0] > 0, **SETTINGS).report_html())
    assert "None of the 20 rows" in page.texts["errors"]
    assert page.rows("quality")["test"][1] == "1.0000"


def test_warnings_of_the_training_are_not_said_again() -> None:
    columns = table()
    other = {**columns, "town": np.array(["Paris"] * len(columns["town"]), object)}
    with pytest.warns(DataWarning, match="240 of 240 values have no place of their own"):
        training = train(columns, "price", test=other, **SETTINGS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training.report_html()


def test_pixels_are_shown_as_pictures() -> None:
    training = train("digits", **SETTINGS)
    text = training.report_html()
    page = check(text)
    assert "picture" in page.tables["errors"][0][0]
    assert text.count('class="pixels"') == 1 + len(page.tables["errors"][0]) - 1
    assert "Importance of each pixel" in text


def test_rows_are_judged_as_the_model_judges_them(trainings: dict[str, Training]) -> None:
    model = trainings["multiclass"].model
    columns = classes(("a", "b", "c", NASTY))
    rows = Judged.of(model, model.examples(columns), "the data")
    found = model.evaluate(columns)
    assert rows.metrics == pytest.approx(found, rel=1e-6)
    del columns["kind"]
    assert rows.output == pytest.approx(model.predict_proba(columns), rel=1e-6)
    assert model.targets.decode(rows.predicted).tolist() == model.predict(columns).tolist()
    few = rows.some(30, seed=1)
    assert few.output.tolist() == rows.output[few.places].tolist()
    assert few.part.X.tolist() == rows.part.X[few.places].tolist()


def test_weights_count(trainings: dict[str, Training]) -> None:
    rows = of_training(trainings["weighted"].model, trainings["weighted"].record).judged
    right = rows.predicted == rows.target
    assert rows.metrics["accuracy"] == pytest.approx(np.average(right, weights=rows.weights))
    assert not math.isclose(rows.metrics["accuracy"], right.mean())


PROBE = """<script>
document.querySelectorAll("details").forEach((d) => { d.open = true; });
const asked = performance.getEntriesByType("resource").map((entry) => entry.name);
document.body.dataset.asked = JSON.stringify(asked);
document.body.dataset.paper = getComputedStyle(document.body).backgroundColor;
document.body.dataset.wider = document.documentElement.scrollWidth > innerWidth;
document.body.dataset.shown = [...document.images].every((i) => i.complete && i.naturalWidth);
</script>"""


@needs_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_browser_has_no_complaint(
    trainings: dict[str, Training], tmp_path: Path, dark: bool
) -> None:
    text = trainings["binary"].report_html().replace("</body>", PROBE + "</body>")
    (tmp_path / "r.html").write_text(text, encoding="utf-8")
    body, said = browse(tmp_path / "r.html", tmp_path, dark)
    assert "CONSOLE" not in said
    assert 'data-asked="[]"' in body
    assert 'data-wider="false"' in body
    assert 'data-shown="true"' in body
    assert f'data-paper="rgb({"17, 20, 24" if dark else "253, 253, 251"})"' in body
