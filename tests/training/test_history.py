"""What happened in a training: columns, and the form in the model file."""

import csv
import json
import math

import numpy as np
import pytest

from fastnn.backend.protocols import EngineChoice
from fastnn.errors import ModelFileError
from fastnn.training.history import Epoch, History
from tests.optional import optional

TWO = [
    Epoch(1, 0.75, 0.01, 0.5, {"accuracy": 0.25, "f1": math.nan}, seconds=2.0),
    Epoch(2, 0.5, 0.005, 0.625, {"accuracy": 0.75, "f1": 0.5}, examples_per_second=30.0),
]


def test_columns_have_a_row_for_each_epoch():
    columns = History("loss", TWO, 1, "epochs").columns()
    assert columns["epoch"] == [1, 2]
    assert columns["loss"] == [0.75, 0.5]
    assert columns["validation_loss"] == [0.5, 0.625]
    assert columns["learning_rate"] == [0.01, 0.005]
    assert columns["validation_accuracy"] == [0.25, 0.75]
    assert columns["seconds"] == [2.0, 0.0]
    assert {len(values) for values in columns.values()} == {2}
    assert History().columns()["loss"] == []


def test_what_an_epoch_does_not_have_is_none():
    epochs = [
        Epoch(1, 0.5, 0.1),
        Epoch(2, 0.25, 0.1, 0.75, {"f1": 0.5}, training_metrics={"f1": 0.625}),
    ]
    columns = History(epochs=epochs).columns()
    assert columns["validation_loss"] == [None, 0.75]
    assert columns["validation_f1"] == [None, 0.5]
    assert columns["training_f1"] == [None, 0.625]


def test_the_cost_of_every_batch():
    epochs = [
        Epoch(1, 0.5, 0.1, batch_costs=np.array([0.75, 0.5])),
        Epoch(2, 0.5, 0.1),
        Epoch(3, 0.5, 0.1, batch_costs=np.array([0.25])),
    ]
    assert History(epochs=epochs).batch_columns() == {
        "epoch": [1, 1, 3], "batch": [1, 2, 1], "cost": [0.75, 0.5, 0.25],
    }  # fmt: skip
    assert History(epochs=TWO).batch_columns() == {"epoch": [], "batch": [], "cost": []}


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_it_is_a_data_frame(library):
    """Also where more rows than polars looks at have no validation part."""
    frames = optional(library)
    late = [Epoch(n, 1 / n, 0.1) for n in range(1, 151)]
    late += [Epoch(n, 1 / n, 0.1, 0.5, {"f1": 0.25}) for n in range(151, 161)]
    history = History(epochs=late)
    frame = frames.DataFrame(history)
    assert list(frame.columns) == list(history.columns())
    assert frame["epoch"].to_list() == list(range(1, 161))
    assert frame["validation_f1"].to_list()[150:] == [0.25] * 10
    assert all(map(math.isnan, frame["validation_loss"].to_list()[:150]))
    assert len(frames.DataFrame(History("loss", TWO))) == 2
    assert len(frames.DataFrame(History())) == 0
    assert len(frames.DataFrame(History().columns())) == 0


def test_its_rows_need_no_other_package(tmp_path):
    with (tmp_path / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, History(epochs=TWO).columns())
        writer.writeheader()
        writer.writerows(History(epochs=TWO))
    lines = (tmp_path / "history.csv").read_text().split()
    assert lines[0].startswith("epoch,loss,validation_loss,learning_rate,")
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["1", "0.75", "0.5"], ["2", "0.5", "0.625"],
    ]  # fmt: skip


def test_an_empty_history_counts_as_one():
    assert History(), "it can be looped over, but has no length"


def test_the_value_that_is_watched():
    assert TWO[0].value("loss") == 0.5
    assert TWO[1].value("accuracy") == 0.75
    assert math.isnan(Epoch(1, 0.5, 0.1).value("loss"))


def test_the_file_keeps_all_but_times_and_has_no_nan():
    text = json.dumps(History("f1", TWO, 2, "early_stopping").to_json(), allow_nan=False)
    assert "seconds" not in text
    again = History.from_json(json.loads(text))
    assert again.to_json() == json.loads(text)
    assert (again.monitor, again.best_epoch, again.stopped) == ("f1", 2, "early_stopping")
    assert math.isnan(again.epochs[0].metrics["f1"])
    assert [e.loss for e in again.epochs] == [0.75, 0.5]


def test_it_says_what_ran_the_training_and_old_files_do_not():
    history = History("f1", TWO, 2, "early_stopping")
    assert "engine" not in history.to_json()
    history.engine = EngineChoice("compiled", 2, "it saves 3.1 s of 4.0").to_json()
    said = {"engine": "compiled", "threads": 2, "reason": "it saves 3.1 s of 4.0"}
    again = History.from_json(json.loads(json.dumps(history.to_json())))
    assert again.engine == history.engine == history.even().engine == said


@pytest.mark.parametrize(
    "engine",
    [
        "numpy",
        {},
        {"engine": "numpy", "threads": 1},
        {"engine": "numpy", "threads": 0, "reason": ""},
        {"engine": 3, "threads": 1, "reason": ""},
        {"engine": "numpy", "threads": 1, "reason": "", "more": 1},
    ],
)
def test_an_engine_that_cannot_be(engine):
    with pytest.raises(ModelFileError, match="history, engine: "):
        History.from_json({**History().to_json(), "engine": engine})


@pytest.mark.parametrize("data", [None, 3, [], "history", {}, {"epochs": []}])
def test_anything_else_is_no_history(data):
    with pytest.raises(ModelFileError, match="history: "):
        History.from_json(data)
