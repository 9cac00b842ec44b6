"""What happened in a training: columns, and the form in the model file."""

import json
import math

import pytest

from fastnn.backend.protocols import EngineChoice
from fastnn.errors import ModelFileError
from fastnn.training.history import Epoch, History

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
