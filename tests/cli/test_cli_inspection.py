"""`fastnn inspect`: what the model file holds, for people and for programs."""

import json
from pathlib import Path

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.cli.inspection import _weights_table, weight_statistics
from fastnn.model.files import load


def test_facts_for_people(fastnn, models: Path) -> None:
    ran = fastnn("inspect", models / "flats.fastnn")
    assert (ran.code, ran.err) == (0, "")
    lines = " ".join(ran.out.split())
    assert "task regression of 'price'" in lines
    assert "-> 128 relu -> 1 identity; squared_error;" in lines
    assert "columns 4: area, rooms, town, built" in lines
    assert "inputs 8: 3 numeric, standardised; 1 for missing values (built); 4 for the" in lines
    assert "optimizer adam(beta1=0.9, beta2=0.999," in lines
    assert "epochs 3, all that were asked for, best 3" in lines
    parts = [line.split()[0] for line in ran.out.splitlines()[-3:]]
    assert parts == ["train", "validation", "test"]
    short = [line for line in ran.out.splitlines() if not line.startswith("model ")]
    assert max(map(len, short)) <= 80


def test_classes_are_shown(fastnn, models: Path) -> None:
    lines = fastnn("inspect", models / "digits.fastnn").out.splitlines()
    assert "classes   10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in lines


def test_json(fastnn, models: Path) -> None:
    found = json.loads(fastnn("inspect", models / "digits.fastnn", "--json").out)
    model = load(models / "digits.fastnn")
    assert found["network"]["sizes"] == [64, 16, 10]
    assert found["classes"] == list(range(10))
    assert found["history"] == model.history.to_json()
    assert found["report"] == {part: dict(row) for part, row in model.report.items()}
    assert list(found["report"]) == ["train", "validation", "test"]
    assert found["options"] == model.options
    assert "weights" not in found


def test_weights_are_measured(fastnn, models: Path) -> None:
    layers = json.loads(fastnn("inspect", models / "digits.fastnn", "--json", "--weights").out)
    W = load(models / "digits.fastnn").parameters.W
    assert [layer["layer"] for layer in layers["weights"]] == [1, 2]
    for found, w in zip(layers["weights"], W, strict=True):
        assert (found["units"], found["inputs"]) == w.shape
        assert found["weights"]["mean"] == pytest.approx(float(w.mean()), abs=1e-7)
        assert found["weights"]["max"] == pytest.approx(float(np.abs(w).max()))
    shown = fastnn("inspect", models / "digits.fastnn", "--weights").out
    assert "W[1] 16 x 64" in shown
    assert "b[2] 10 x 1" in shown


def test_batch_normalisation_is_measured_too() -> None:
    model = train("diabetes", hidden_layer_sizes=[10], batch_normalization="before", epochs=1).model
    first, last = weight_statistics(model)
    norm = model.parameters.norms[1]
    for name in ("gamma", "beta", "mean", "variance"):
        assert first[name]["max"] == pytest.approx(abs(getattr(norm, name)).max())
        assert name not in last
    shown = _weights_table([first, last])
    assert "variance[1] 10 x 1" in shown
    assert "gamma[2]" not in shown


def test_the_gain_tells_explosion_from_decay() -> None:
    """N20: with W = 1.5 I of 4 units the mean square is 2.25/4, so the gain is sqrt(4 2.25/4)."""
    model = train("diabetes", hidden_layer_sizes=[10], activation="identity", epochs=1).model
    for factor in (1.5, 0.5):
        model.parameters.W[0][:] = factor * np.eye(10)
        model.parameters.b[0][:] = 0
        first = weight_statistics(model)[0]
        assert first["gain"] == pytest.approx(factor)
        assert first["weights"]["zeros"] == pytest.approx(0.9)
        assert first["biases"]["zeros"] == 1.0
