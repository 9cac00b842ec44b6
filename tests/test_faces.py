"""Every object that a user meets shows itself in few lines, and safely in a notebook."""

import html.parser
import inspect
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn.api.search_result import Candidate
from fastnn.api.sequential.fit_history import FitHistory
from fastnn.data.table import Table
from fastnn.datasets.builtin import load
from fastnn.diagnosis.diagnosis import Diagnosis
from fastnn.diagnosis.findings import NAMES, Finding
from fastnn.faces import MOST_LINES, Curve, Face, table_rows
from fastnn.preparation.examples import Examples, read_source
from fastnn.text import WIDTH
from fastnn.training.callbacks import TrainingState
from fastnn.training.history import Epoch, History

EVIL = "<script>alert('x')</script>&\"\x1b[31m\n\ud800"
LONG = "a" * 100_000
RNG = np.random.default_rng(0)
OPTIONS: dict[str, Any] = {"hidden_layer_sizes": [3], "epochs": 2}


def history(n: int, loss: float = 0.5, n_metrics: int = 1, name: str = "f1") -> History:
    metrics = {f"{name}{i or ''}": loss for i in range(n_metrics)}
    epochs = [Epoch(i + 1, loss, 0.1, loss, metrics, training_metrics=metrics) for i in range(n)]
    return History("loss", epochs, n or None, "epochs" if n else "running")


@cache
def small() -> fastnn.Training:
    return fastnn.train({"a": RNG.normal(size=60), "b": np.arange(60.0)}, np.arange(60) % 2,
                        **OPTIONS)  # fmt: skip


@cache
def many_classes() -> fastnn.Training:
    return fastnn.train(RNG.normal(size=(3000, 2)), np.arange(3000) % 1000, **OPTIONS)


@cache
def many_columns() -> fastnn.Training:
    X = RNG.normal(size=(20, 10_000)).astype(np.float32)
    columns = {f"column {j} {'x' * 50}": X[:, j] for j in range(10_000)}
    return fastnn.train(columns, np.arange(20.0), task="regression", **OPTIONS)


@cache
def long_names() -> fastnn.Training:
    labels = np.array([LONG + "a", LONG + "b"] * 30)
    towns = np.array([f"{LONG}{i}" for i in range(3)] * 20, object)
    data = {LONG: RNG.normal(size=60), f"{LONG} town": towns, f"{LONG} target": labels}
    return fastnn.train(data, f"{LONG} target", **OPTIONS)


@cache
def evil() -> fastnn.Training:
    towns = np.array([EVIL[:-1], "Ulm"] * 30, object)
    data = {EVIL: RNG.normal(size=60), "town": towns, f"{EVIL} target": towns}
    return fastnn.train(data, f"{EVIL} target", metrics=["accuracy", "f1", "roc_auc"], **OPTIONS)


@cache
def deep() -> fastnn.Training:
    several = {"class_weight": {i: 1.0 + i for i in range(10)}, "metrics": ["accuracy", "log_loss"]}
    return fastnn.train("digits", hidden_layer_sizes=[2] * 300, epochs=1, **several)


@cache
def searched() -> fastnn.Search:
    grid = {"hidden_layer_sizes": [(2,), (2, 2)], "l2": [i / 10 for i in range(10)]}
    return fastnn.search("diabetes", grid=grid, epochs=1)


def diverged() -> fastnn.Training:
    with pytest.warns(RuntimeWarning, match="diverged"):
        (training,) = fastnn.train_many(
            [{}], "diabetes", learning_rate=1e30, optimizer="sgd", **OPTIONS
        )
    return training


def sequential(n_layers: int, *, fitted: bool = False) -> fastnn.Sequential:
    layers = [fastnn.Dense(2, activation="relu") for _ in range(n_layers - 1)]
    model = fastnn.Sequential([*layers, fastnn.Dense(1)] if n_layers else [])
    if fitted:
        model.compile(loss=fastnn.custom_loss(lambda a, y: (a - y) ** 2), metrics=["mae"])
        model.fit(np.arange(20.0), np.arange(20.0), validation_split=0.2, epochs=3)
    return model


def interrupted() -> TrainingState:
    return TrainingState(history(1000), 10**6, 10**9, "cpu")


#: What shows itself in several lines, in a notebook as HTML.
FACES: dict[str, Callable[[], Any]] = {
    "Training": small,
    "Training, 1,000 classes": many_classes,
    "Training, 10,000 columns": many_columns,
    "Training, long names": long_names,
    "Training, scripts for names": evil,
    "Training, 300 layers": deep,
    "Training, diverged": diverged,
    "Model": lambda: small().model,
    "Model, 1,000 classes": lambda: many_classes().model,
    "Model, 10,000 columns": lambda: many_columns().model,
    "Model, long names": lambda: long_names().model,
    "Model, scripts for names": lambda: evil().model,
    "Model, 300 layers": lambda: deep().model,
    "Model, without history": lambda: fastnn.from_keras(
        [np.ones((1, 1)), np.zeros(1)], task="binary"
    ),
    "History": lambda: small().history,
    "History, empty": History,
    "History, 5,000 epochs": lambda: history(5000),
    "History, all NaN": lambda: history(9, math.nan),
    "History, infinite": lambda: history(9, math.inf),
    "History, 100 metrics": lambda: history(9, n_metrics=100),
    "History, a long name": lambda: history(9, name=LONG),
    "History, scripts for names": lambda: history(9, name=EVIL),
    "Estimate, scripts for names": lambda: fastnn.estimate(
        {"x": [1, 2, 3, 4] * 5, EVIL: [0, 1] * 10}, EVIL
    ),
    "Search": searched,
    "Search, long choices": lambda: fastnn.Search(
        "loss", False,
        tuple(Candidate({LONG: LONG, EVIL: EVIL}, 0.5, (0.5,), {"loss": 0.5}, 1, "epochs", 0.0)
              for _ in range(99)), 0, small(),
    ),
    "Estimate": lambda: fastnn.estimate("diabetes", hidden_layer_sizes=[300] * 50, epochs=2),
    "Importance": lambda: importance(("a", "b")),
    "Importance, 5,000 columns": lambda: importance([f"{EVIL}{LONG}{i}" for i in range(5000)]),
    "Sequential": lambda: sequential(2, fitted=True),
    "Sequential, empty": lambda: sequential(0),
    "Sequential, not compiled": lambda: sequential(2),
    "Sequential, 300 layers": lambda: sequential(300),
    "FitHistory": lambda: FitHistory({"loss": [0.5], "val_loss": [math.nan]}, [0], "epochs"),
    "FitHistory, empty": lambda: FitHistory({}, [], "epochs"),
    "FitHistory, all that can be found": lambda: FitHistory(
        {"loss": [0.5]}, [0], "epochs",
        diagnosis=Diagnosis(tuple(Finding(name, EVIL, EVIL) for name in NAMES)),
    ),
    "FitHistory, long": lambda: FitHistory(
        {f"{EVIL}{LONG}{i}": [0.5] * 5000 for i in range(50)}, [*range(5000)], "epochs"
    ),
}  # fmt: skip


def importance(columns) -> fastnn.Importance:
    drops = np.linspace(-1, 1, 3 * len(columns)).reshape(-1, 3)
    return fastnn.Importance(EVIL, True, math.nan, tuple(columns), drops, 5, 9, 0)


#: What shows itself in a line.
LINES: dict[str, Callable[[], Any]] = {
    "Epoch": lambda: history(1).epochs[0],
    "Epoch, 100 metrics": lambda: history(1, n_metrics=100).epochs[0],
    "TrainingState": interrupted,
    "TrainingState, at the beginning": lambda: TrainingState(History(), 3, 5, "cpu"),
    "Table": lambda: load("digits").table,
    "Table, long names": lambda: Table.from_columns({LONG: np.zeros(2), f"{EVIL}b": np.ones(2)}),
    "Dataset": lambda: load("digits"),
    "Source": lambda: read_source("diabetes"),
    "Examples": lambda: read_source("diabetes").examples,
    "Examples, weighted": lambda: Examples(
        Table.from_columns({"a": np.zeros(3)}), np.zeros((3, 2)), np.ones((3, 1))
    ),
    "Features": lambda: many_columns().model.features,
    "Targets": lambda: many_classes().model.targets,
    "Targets, regression": lambda: many_columns().model.targets,
    "Candidate": lambda: searched().candidates[0],
    "Network": lambda: small().model.network,
    "Network, 300 layers": lambda: deep().model.network,
    "custom_loss": lambda: fastnn.custom_loss(lambda a, y: (a - y) ** 2, name=LONG),
    "custom_activation": lambda: fastnn.custom_activation(lambda z: z * np.tanh(z)),
    "Kernel": lambda: fastnn.Kernel("double", lambda z: z + z),
    "GradientCheck": lambda: fastnn.gradient_check(
        fastnn.network([1] * 60 + [1]), [[1.0]], [[1.0]], directions=2
    ),
    "LogUniform": lambda: fastnn.LogUniform(1e-3, 1.0),
    "ParameterGroup": lambda: fastnn.ParameterGroup("all", weight_decay=0.1),
    "Activation": lambda: fastnn.Activation("relu"),
    "BatchNormalization": fastnn.BatchNormalization,
    "Dense": lambda: fastnn.Dense(3, activation=fastnn.custom_activation(lambda z: z + z)),
    "Dropout": lambda: fastnn.Dropout(0.5),
    "Flatten": lambda: fastnn.Flatten(),
    "Input": lambda: fastnn.Input((3,)),
    "Normalization": fastnn.Normalization,
}


@pytest.mark.parametrize("name", FACES)
def test_a_text_is_30_lines_at_most(name: str) -> None:
    text = repr(FACES[name]())
    lines = text.split("\n")
    assert lines[0] == name.partition(",")[0]
    assert len(lines) <= MOST_LINES == 30
    assert max(map(len, lines)) <= WIDTH == 80
    assert all(line == line.rstrip() and line.isprintable() for line in lines), lines
    text.encode()  # no surrogate that a terminal or a notebook could not take


@pytest.mark.parametrize("name", FACES)
def test_str_and_print_are_the_same(name: str) -> None:
    face = FACES[name]()
    assert str(face) == repr(face)


@pytest.mark.parametrize("name", LINES)
def test_others_are_a_line(name: str) -> None:
    text = repr(LINES[name]())
    assert 5 < len(text) <= 400
    assert text.isprintable()


def test_every_public_class_is_looked_at() -> None:
    classes = {
        name
        for name in fastnn.__all__
        if inspect.isclass(value := getattr(fastnn, name)) and not issubclass(value, BaseException)
    }
    looked_at = {name.partition(",")[0] for name in (*FACES, *LINES)}
    # Those below, and a picture: tests/api/test_find_learning_rate.py.
    assert classes - looked_at == {"MLPClassifier", "MLPRegressor", "RangeTest"}


class Reader(html.parser.HTMLParser):
    """What a browser finds in a fragment: its elements, their attributes, its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", FACES)
def test_html_is_well_formed_and_loads_nothing(name: str) -> None:
    fragment = FACES[name]()._repr_html_()
    assert len(fragment) <= 30_000
    ET.fromstring(fragment)
    reader = Reader()
    reader.feed(fragment)
    reader.close()
    assert reader.tags <= {"div", "table", "tr", "th", "td", "svg", "path"}
    drawn = {"style", "width", "height", "viewbox", "role", "aria-label", "d", "fill", "stroke",
             "stroke-width", "stroke-linecap", "stroke-linejoin"}  # fmt: skip
    assert reader.attributes <= {"scope", *drawn}
    assert not re.search(r"https?:|url\(|@import|javascript:", fragment)
    assert "#" not in re.sub(r"&#\w+;", "", fragment), "a colour of its own, not the page's"


@pytest.mark.parametrize("name", [name for name in FACES if "scripts" in name])
def test_text_of_the_user_is_shown_as_text(name: str) -> None:
    fragment = FACES[name]()._repr_html_()
    assert "<script" not in fragment
    reader = Reader()
    reader.feed(fragment)
    assert "<script>" in reader.text
    assert "\\x1b[31m" in reader.text or "History" in name  # cut off there


def test_what_there_is_to_say_is_there() -> None:
    model = small().model
    for text in (repr(small()), repr(model), small()._repr_html_(), model._repr_html_()):
        assert "validation loss" in text
        assert "accuracy" in text
        assert "2 inputs -&gt; 3 relu" in text or "2 inputs -> 3 relu" in text
    assert model._repr_html_().count("<svg") == 2, "the losses of both parts"
    assert "a, b" in repr(model)
    assert re.search(r"\n  error +epoch 1, step \d of \d: the loss is ", str(diverged()))


def test_a_model_says_what_inspect_says() -> None:
    model, words = many_columns().model, " ".join(repr(many_columns().model).split())
    for name, fact in model.facts().items():
        start = " ".join(fact.split())[:25]
        assert f"{name} {start}" in words


@pytest.mark.parametrize("estimator", ["MLPClassifier", "MLPRegressor"])
def test_estimators_show_themselves_as_those_of_scikit_learn(estimator: str) -> None:
    pytest.importorskip("sklearn")
    model = getattr(fastnn, estimator)(max_iter=1, hidden_layer_sizes=(2,) * 500)
    assert repr(model).startswith(f"{estimator}(hidden_layer_sizes=(2, ")
    assert len(repr(model)) <= 1000
    with pytest.warns(UserWarning, match="iterations"):
        model.set_params(hidden_layer_sizes=(2,)).fit(np.arange(8.0)[:, None], np.arange(8) % 2)
    assert repr(model) == f"{estimator}(hidden_layer_sizes=(2,), max_iter=1)"
    assert "sk-estimator" in model._repr_html_()
    assert "History" in model.history_._repr_html_()


class TestFace:
    def test_long_facts_give_way_before_the_table(self) -> None:
        words = "word " * 1000
        face = Face("T", {str(i): words for i in range(9)}, [["", "a"]] + [["b", "1"]] * 9)
        lines = face.text().split("\n")
        assert len(lines) == 1 + 9 * 2 + 1 + 10 == MOST_LINES  # two lines for each fact
        assert lines[-10:] == ["     a", *["  b  1"] * 9]

    def test_what_is_left_out_is_said(self) -> None:
        rows = [["", *(f"name {j}" for j in range(20))]] + [["x", *["1"] * 20] for _ in range(30)]
        face = Face("T", {}, rows, more="trials")
        last = face.text().split("\n")[-1]
        assert last == "  ... and 18 more trials and 11 more columns"
        assert "... and 18 more trials" in face.html()

    def test_a_fact_that_is_a_curve_is_drawn(self) -> None:
        face = Face("T", {"loss": Curve([2.0, 1.0])})
        assert face.text() == "T\n  loss  █▁  2.0000 to 1.0000"
        assert "2.0000 to 1.0000" in face.html()
        assert "<svg" in face.html()


class TestCurve:
    def test_its_ends(self) -> None:
        assert Curve([None, 3.0, math.nan]).ends == "3.0000"
        assert Curve([None, 3.0, math.nan, 1.0]).ends == "3.0000 to 1.0000"
        assert str(Curve([math.nan, None])) == "no finite number"


class TestRows:
    def test_a_column_has_one_kind(self) -> None:
        columns = {
            "numbers": [1, None, 0.5], "whole": [1, 2, 3], "text": ["a", None, "b"],
            "truth": [True, False, None], "lists": [(1,), (1, 2), None], "mixed": [1, "a", None],
            "nothing": [None, None, None], "numpy": [np.float32(1), np.int64(2), 3],
        }  # fmt: skip
        found = list(table_rows(columns))
        assert [row["numbers"] for row in found][::2] == [1.0, 0.5]
        assert math.isnan(found[1]["numbers"])
        assert type(found[0]["numbers"]) is float
        assert [type(row["whole"]) for row in found] == [int] * 3
        assert [row["mixed"] for row in found] == ["1", "a", None]
        assert [row["lists"] for row in found] == [(1,), (1, 2), None]
        assert [row["nothing"] for row in found] == [None] * 3
        assert [type(row["numpy"]) for row in found] == [float] * 3
