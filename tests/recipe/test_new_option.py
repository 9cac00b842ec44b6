"""A new option is an entry of the table and its use: two files, and it is at every door."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: The entry, after the option that it follows; and its field among those of the recipe.
ROW = """\
    dummy_factor: Annotated[float, Option(
        1.0, checks.above_0,
        "a factor that a test adds",
        Flag("F", forms.real),
    )]
    gradient_clip: Annotated["""
FIELD = """\
    dummy_factor: float
    gradient_clip: float | None
"""
#: The use: of the learning rate, in the one place where rates are made.
USE = "options.learning_rate * options.dummy_factor *"

DOORS = """
import contextlib, inspect, io, json
import numpy as np
import fastnn
from fastnn import Dense, Sequential
from fastnn.cli.main import main

found = {}
with contextlib.redirect_stdout(io.StringIO()) as shown:
    main(["train", "--help"])
found["help"] = "--dummy-factor F" in shown.getvalue()
for function in (fastnn.train, fastnn.train_many, fastnn.search, Sequential.compile):
    parameter = inspect.signature(function).parameters["dummy_factor"]
    found[function.__qualname__] = parameter.default == 1.0 and "dummy_factor" in function.__doc__

X = np.linspace(-1, 1, 40).reshape(-1, 1)
y = 3 * X[:, 0]
fixed = {"epochs": 2, "hidden_layer_sizes": [], "patience": None, "seed": 1}


def loss(**options):
    return fastnn.train(X, y, **fixed, **options).history.epochs[-1].loss


half = loss(learning_rate=0.004)
found["train"] = loss(learning_rate=0.008, dummy_factor=0.5) == half != loss(learning_rate=0.008)
many = fastnn.train_many([{"dummy_factor": 0.5}], X, y, **fixed, learning_rate=0.008)
found["train_many"] = many[0].history.epochs[-1].loss == half
grid = {"dummy_factor": [0.5, 1.0]}
searched = fastnn.search(X, y, grid=grid, **fixed, learning_rate=0.008)
found["search"] = len({c.score for c in searched.candidates}) == 2


def weights(**options):
    model = Sequential([Dense(1, input_dim=1)], seed=1)
    model.compile("mse", "sgd", **options)
    model.fit(X, y, epochs=1)
    return model.get_weights()[0].item()


found["Sequential"] = weights(learning_rate=0.02, dummy_factor=0.5) == weights(learning_rate=0.01)
try:
    fastnn.train(X, y, dummy_factor=0)
except fastnn.ArgumentError as error:
    found["checked"] = str(error) == "dummy_factor must be a number above 0, found 0"
with contextlib.redirect_stderr(io.StringIO()) as said:
    code = main(["train", "digits", "--dummy-factor", "0"])
found["in the door's spelling"] = code == 2 and "--dummy-factor must be" in said.getvalue()
try:
    fastnn.train(X, y, dumy_factor=2)
except fastnn.ArgumentError as error:
    found["did you mean"] = "did you mean 'dummy_factor'" in str(error)
ESTIMATORS
print(json.dumps(found))
"""

ESTIMATORS = """
from fastnn import MLPRegressor


def coefs(**options):
    model = MLPRegressor(hidden_layer_sizes=(), solver="sgd", max_iter=1, random_state=1, **options)
    return model.fit(X, y).coefs_[0].item()


import warnings
warnings.simplefilter("ignore")
halved = coefs(learning_rate_init=0.02, dummy_factor=0.5)
found["estimators"] = halved == coefs(learning_rate_init=0.01)
found["get_params"] = MLPRegressor(dummy_factor=2.0).get_params()["dummy_factor"] == 2.0
"""


def edited(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{path}: {before!r} stands there {text.count(before)} times"
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_an_option_that_is_added_to_the_table_is_at_every_door(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "fastnn", tmp_path / "fastnn", ignore=shutil.ignore_patterns("__pyc*"))
    table = tmp_path / "fastnn" / "recipe" / "table.py"
    edited(table, "    gradient_clip: Annotated[", ROW)
    edited(table, "    gradient_clip: float | None\n", FIELD)
    edited(tmp_path / "fastnn" / "training" / "course.py", "options.learning_rate *", USE)
    code = DOORS.replace("ESTIMATORS", ESTIMATORS)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    import json

    found = json.loads(done.stdout)
    assert [door for door, there in found.items() if not there] == []
    assert len(found) >= 11
