"""Properties of the pages: escaped, self-contained, in order, small; and awkward trainings."""

import math
import re
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fastnn.api.foreign import from_keras
from fastnn.api.search import search
from fastnn.api.train import Training, train
from fastnn.data.statistics import DataNote, DataWarning
from fastnn.errors import ArgumentError, DataError, DivergenceError
from fastnn.nn.activations import custom_activation
from fastnn.report import judged as judged_module
from fastnn.report.counted import MOST_TIME, most_counted
from fastnn.report.doors import report_html, subjects_of
from fastnn.report.judged import Judged
from fastnn.report.subject import of_training
from fastnn.report.thresholds import bins_of
from fastnn.text import numbers
from fastnn.training.curves import calibration
from fastnn.training.loop import TrainingInterrupted
from tests.browser import Page, browse, needs_browser
from tests.optional import optional
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
    assert page.anchors == [
        "learning", "quality", "errors", "layers", "data", "configuration", "environment", "use",
    ]  # fmt: skip
    assert page.texts[""].count("Left out, as one row does not show it: ") == 1
    assert "what matters, signals and dead units of the layers. Give more" in page.texts[""]
    assert "cannot be told from one row" in page.texts["layers"]
    said = page.texts["errors"]
    right = "The only row of the data is predicted rightly."
    assert right in said or "Of the only row of the data; rows are counted" in said
    assert "only row of the data have" not in "".join(page.texts.values())
    both = {"a": trainings[task].model, "b": trainings[task].model}
    page = check(report_html(both, data, target))
    assert page.anchors == ["quality", "learning", "differences"]
    assert "Left out, as one row does not show it: " in page.texts[""]


def test_what_is_left_out_without_rows_is_said(trainings: dict[str, Training]) -> None:
    for task, training in trainings.items():
        without = check(report_html(training.model))
        (line,) = re.findall(r"Left out without data: .*?known target\.", without.texts[""])
        assert ("the threshold" in line) == (task in ("binary", "weighted"))
        assert ("predicted and true values" in line) == (task in ("regression", "several"))
        assert "what matters, the largest errors, signals and gradients" in line
        assert "Left out" not in Page(training.report_html()).texts[""]
    two = {"a": trainings["multiclass"].model, "b": trainings["multiclass"].model}
    page = check(report_html(two))
    assert "Left out without data: calibration, each class, where they agree." in page.texts[""]


def test_the_test_part_was_looked_at_once_where_that_is_so(trainings: dict[str, Training]) -> None:
    training, said = trainings["regression"], "The test part was looked at once"
    assert said in Page(training.report_html()).texts["quality"]
    assert said in Page(report_html(training.model)).texts["quality"]
    assert said not in Page(report_html(training.model, table())).texts["quality"]


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_metrics_are_in_one_order(trainings: dict[str, Training], tmp_path: Path, task) -> None:
    """A file keeps them in another one."""
    from fastnn.model.files import load

    trainings[task].model.save(tmp_path / "m.fastnn")
    model = load(tmp_path / "m.fastnn")
    rows = table() if task == "regression" else classes(("cheap", NASTY))
    heads = [
        Page(text).tables["quality"][0][0]
        for text in (trainings[task].report_html(), report_html(model), report_html(model, rows))
    ]
    own = ["r2", "rmse", "mae"] if task == "regression" else ["accuracy", "roc_auc"]
    assert heads == [["part", "loss", *own]] * 3
    texts = [report_html(model), report_html({"a": model, "b": model})]
    drawn = [[name for name in re.findall(r"<h3>(\w+)</h3>", t) if name in own] for t in texts]
    assert drawn == [own, own]
    both = Page(report_html({"a": model, "b": model}, rows)).tables["quality"][0][0]
    assert both[: 2 + len(own)] == ["model", "loss", *own]


def test_the_baseline_does_not_look_at_the_rows_it_is_judged_on(tmp_path: Path) -> None:
    """Three of four training rows are of class a, and all of the new rows of class b."""
    from fastnn.model.files import load

    X = np.random.default_rng(0).normal(size=(80, 2))
    y = np.array(["a", "a", "a", "b"] * 20)
    training = train(X, y, validation=(X, y), test=(X, y), **SETTINGS)
    assert training.model.prior.tolist() == [0.75, 0.25]
    training.model.save(tmp_path / "m.fastnn")
    model = load(tmp_path / "m.fastnn")
    page = check(report_html(model, X[:20], np.array(["b"] * 20)))
    assert page.rows("quality")["baseline: always 'a'"][1] == "0.0000"
    assert "the baseline is of the rows" not in page.texts["quality"]
    model.prior = None  # as in a file that an earlier fastnn wrote
    page = check(report_html(model, X[:20], np.array(["b"] * 20)))
    assert page.rows("quality")["baseline: always 'b'"][1] == "1.0000"
    said = "What the training part had is not in this model, so the baseline is of the rows that"
    assert said in page.texts["quality"]
    page = check(report_html({"a": model, "b": model}, X[:20], np.array(["b"] * 20)))
    assert said in page.texts["quality"]


def test_options_are_written_as_the_door_writes_them(trainings: dict[str, Training]) -> None:
    from fastnn.cli.train_arguments import as_flag

    training = trainings["regression"]
    assert "learning_rate" in Page(training.report_html()).rows("configuration", 1)
    text = training.report_html(spelling=as_flag)
    rows = Page(text).rows("configuration", 1)
    assert {"--learning-rate", "--batch-size", "--epochs"} <= set(rows)
    assert rows["--no-shuffle"][0] == "not given"
    assert "learning_rate" not in text
    raw = train(table(), "price", standardize=False, **SETTINGS | {"epochs": 1})
    assert "do without standardize=False" in Page(raw.report_html()).texts["layers"]
    found = Page(raw.report_html(spelling=as_flag)).texts["layers"]
    assert "do without --no-standardize" in found


def test_data_of_other_columns(trainings: dict[str, Training]) -> None:
    model = trainings["regression"].model
    columns = table()
    with pytest.raises(DataError, match="no column 'area'; did you mean 'areas'"):
        report_html(model, {"areas" if n == "area" else n: v for n, v in columns.items()})
    with pytest.warns(DataNote, match="the model does not take are left out: more"):
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
    with pytest.raises(ArgumentError, match=r"models: 'a' must be a fastnn.Model, .* type int"):
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


def test_counts_are_of_all_rows_and_curves_of_those_that_are_drawn(
    trainings: dict[str, Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = optional("sklearn.metrics")
    monkeypatch.setattr(judged_module, "MOST_ROWS", 600)
    monkeypatch.setattr("fastnn.report.counted.BLOCK", 700)  # several blocks, the last ragged
    many = {n: np.concatenate([v] * 5) for n, v in classes(("a", "b", "c", NASTY)).items()}
    model = trainings["multiclass"].model
    text = report_html(model, many)
    page = check(text)
    assert "From the 1,200 rows of the data. ROC AUC is from 600 of the" in page.texts["classes"]
    assert "600 of the 1,200 rows" in page.texts["roc"]
    rows = {n: v for n, v in many.items() if n != "kind"}
    expected = metrics.confusion_matrix(many["kind"], model.predict(rows))
    cells = text.split("<h3>Confusion matrix</h3>")[1].split("</svg>")[0]
    found = re.findall(r"<title>[^<]*: ([\d,]*)</title>", cells)
    assert [int(c.replace(",", "") or 0) for c in found] == expected.ravel().tolist()
    recall = metrics.recall_score(many["kind"], model.predict(rows), average=None)
    assert [row[3] for row in list(page.rows("classes").values())[1:]] == numbers(recall.tolist())
    countable = most_counted(model)
    monkeypatch.setattr("fastnn.report.counted.MOST_TIME", 900 * MOST_TIME / countable)
    page = check(report_html(model, many))
    assert "From 900 of the 1,200 rows of the data." in page.texts["classes"]
    page = check(report_html({"a": model, "b": model}, many))  # each has half of the time
    assert "From 600 of the 1,200 rows of the data." in page.texts["classes"]


def test_a_training_counts_all_rows_of_its_test_part() -> None:
    """Of 1,000 classes a record keeps 1,048 rows: one of each."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 2))
    y = np.array([f"c{k}" for k in range(1000)] * 30)
    training = train(X[:1000], y[:1000], validation=(X[:1000], y[:1000]),
                     test=(rng.normal(size=(30000, 2)), y), **SETTINGS | {"epochs": 1})  # fmt: skip
    assert len(training.record.samples["test"]) == 1048
    page = check(training.report_html())
    assert "From the 30,000 rows of the test part." in page.texts["classes"]
    assert {row[1] for row in page.tables["classes"][2][1:]} == {"30"}
    assert "few rows" not in page.texts["classes"]


def test_classes_with_few_rows_are_marked_and_come_last() -> None:
    """Class a has 40 rows, b and c 9 and 10: only those of b are few."""
    rng = np.random.default_rng(0)
    y = np.array(["a"] * 40 + ["b"] * 9 + ["c"] * 10)
    X = rng.normal(size=(59, 2))
    training = train(X, y, validation=(X, y), test=(X, y), **SETTINGS | {"epochs": 1})
    page = check(training.report_html())
    assert "1 of 3 classes has fewer than 10 rows, which is marked" in page.texts["classes"]
    table = page.tables["classes"][0]
    assert table[0][-1] == "remark"
    assert [row[-1] for row in table[1:]] == ["", "few rows", ""]
    y = np.array([f"c{k:02}" for k in range(20)] * 3 + ["x"] * 50 + ["y"] * 50 + ["z"] * 50)
    X = rng.normal(size=(210, 2))
    training = train(X, y, validation=(X, y), test=(X, y), **SETTINGS | {"epochs": 1})
    page = check(training.report_html())
    assert "the 15 with the lowest F1 among those with 10 rows or more" in page.texts["classes"]
    assert {row[0] for row in page.tables["classes"][1][1:4]} == {"x", "y", "z"}


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
    with pytest.warns(DataWarning, match=r"test part: values that .*'town' \(240 of 240\)"):
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


def test_the_page_of_a_training_is_its_own(tmp_path) -> None:
    training = train("diabetes", hidden_layer_sizes=[], epochs=1, verbose=False)
    assert report_html(training, seed=3) == training.report_html(3)
    assert report_html(training, "diabetes") == report_html(training.model, "diabetes")
    with pytest.raises(ArgumentError, match=r"such as \{'small': model, .*found a list of 2$"):
        report_html([training.model, training.model])  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"path: the name of a page ends in .html, found .*txt"):
        training.save_report(tmp_path / "y.txt")
    assert not list(tmp_path.iterdir())


def test_bins_of_few_rows_are_small_dots_off_the_line() -> None:
    truth, score = [0, 1] * 20 + [1], [0.2] * 20 + [0.7] * 20 + [0.95]
    line, *dots = bins_of(calibration(truth, score), "rows")
    assert [point.x for point in line.points] == pytest.approx([0.2, 0.7])
    assert [dot.size for dot in dots] == [7.0, 7.0, pytest.approx(2 + 5 / 20**0.5)]
    assert "rows: 20" in dots[0].points[0].text
