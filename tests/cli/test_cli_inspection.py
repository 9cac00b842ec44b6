"""`fastnn inspect`: what the model file holds, for people and for programs."""

import json
from pathlib import Path

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.diagnosis.layers import weight_statistics
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


def test_batch_normalisation_is_measured_too(fastnn, tmp_path: Path) -> None:
    model = train("diabetes", hidden_layer_sizes=[10], batch_normalization="before", epochs=1).model
    model.save(tmp_path / "m.fastnn")
    first, last = json.loads(fastnn("inspect", "m.fastnn", "--json", "--weights").out)["weights"]
    norm = model.parameters.norms[1]
    for name in ("gamma", "beta", "mean", "variance"):
        assert first[name]["max"] == pytest.approx(abs(getattr(norm, name)).max())
        assert name not in last
    shown = fastnn("inspect", "m.fastnn", "--weights").out
    assert "variance[1] 10 x 1" in shown
    assert "gamma[2]" not in shown


def test_the_gain_is_that_of_the_weights() -> None:
    """N20: with W = 1.5 I of 4 units the mean square is 2.25/4, so the gain is sqrt(4 2.25/4)."""
    model = train("diabetes", hidden_layer_sizes=[10], activation="identity", epochs=1).model
    for factor in (1.5, 0.5):
        model.parameters.W[0][:] = factor * np.eye(10)
        model.parameters.b[0][:] = 0
        first = weight_statistics(model.learner)[0]
        assert first.gain == pytest.approx(factor)
        assert first.weights.zeros == pytest.approx(0.9)
        assert first.biases.zeros == 1.0


def test_weights_alone_are_not_judged(fastnn, models: Path) -> None:
    """Neither well nor ill is said of them, but that all units are equal, which they show."""
    shown = fastnn("inspect", models / "digits.fastnn", "--weights").out
    assert shown.endswith(
        "signals and gradients are measured on data: fastnn inspect MODEL --weights DATA\n"
    )
    assert not any(word in shown for word in ("wrong", "healthy", "explode", "vanish"))
    found = json.loads(fastnn("inspect", models / "digits.fastnn", "--weights", "--json").out)
    assert found["findings"] == []
    assert not {"examples", "loss"} & set(found)
    assert not {"A", "dW", "delta"} & set(found["weights"][0])


def test_units_that_are_equal_show_in_the_weights(fastnn, tmp_path: Path) -> None:
    options = {"initializer": "zero", "activation": "tanh", "epochs": 1}
    train("digits", hidden_layer_sizes=[8], **options).model.save(tmp_path / "z.fastnn")
    said = "zero initialisation: the 8 units of layer 1 have equal weights, and so learn the same;"
    assert said in " ".join(fastnn("inspect", "z.fastnn", "--weights").out.split())


def test_with_data_signals_and_gradients_are_measured(fastnn, models: Path) -> None:
    ran = fastnn("inspect", models / "digits.fastnn", "--weights", "digits")
    assert ran.code == 0
    assert ran.err == "fastnn: digits: all 1,797 rows, some of them seen by a model trained on it\n"
    lines = ran.out.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("on 1,000 examples (loss "))
    assert lines[place + 1].split() == ["layer", "A", "dW", "dZ", "/", "dZ[2]", "units"]
    assert lines[place + 2].split()[:3] == ["1:", "16", "relu"]
    assert lines[place + 2].endswith(" 0 dead")
    assert lines[place + 3].split()[-1] == "1"
    assert lines[-1] == "nothing is found to be wrong"
    assert max(map(len, lines[place:])) <= 80
    found = json.loads(
        fastnn("inspect", models / "digits.fastnn", "--weights", "digits", "--json").out
    )
    assert (found["examples"], found["findings"]) == (1000, [])
    assert found["loss"] > 0
    assert found["weights"][0]["dead"] == 0
    assert found["weights"][1]["delta"] == 1.0
    assert set(found["weights"][0]["dW"]) == {"mean", "std", "rms", "max", "zeros"}


def test_a_sick_model_is_told_so_in_the_spelling_of_the_flags(fastnn, tmp_path: Path) -> None:
    options = {"hidden_layer_sizes": [16] * 12, "activation": "sigmoid", "epochs": 1}
    train("digits", **options).model.save(tmp_path / "deep.fastnn")
    ran = fastnn("inspect", "deep.fastnn", "--weights", "digits")
    said = " ".join(ran.out.split())
    assert "vanishing gradients: the size of dZ in layer 1 is" in said
    assert "try --activation relu, or --batch-normalization before, or fewer layers" in said
    assert [line for line in ran.out.splitlines() if line.startswith("...")] != [], "13 layers"
    found = json.loads(fastnn("inspect", "deep.fastnn", "--weights", "digits", "--json").out)
    assert len(found["weights"]) == 13
    assert found["findings"][0]["name"] == "vanishing gradients"
    assert found["findings"][0]["cure"].startswith("try --activation relu")


def test_data_that_do_not_fit_are_named(fastnn, models: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for data, code, said in (
        ("other.csv", 3, "'other.csv': missing columns: area, rooms, built, town"),
        ("no-such.csv", 3, "file 'no-such.csv' does not exist"),
        ("digits", 3, "'digits': missing columns: area"),
    ):
        ran = fastnn("inspect", models / "flats.fastnn", "--weights", data)
        assert (ran.code, ran.out) == (code, ""), data
        assert said in ran.err, ran.err


def test_data_are_read_as_evaluate_reads_them(fastnn, models: Path, tmp_path: Path) -> None:
    flats = (models / "flats.csv").read_text(encoding="utf-8")
    (tmp_path / "other.csv").write_text(flats.replace(",", ";").replace("price", "cost"))
    given = ("inspect", models / "flats.fastnn", "--json", "--weights")
    (tmp_path / "flats.csv").write_text(flats)
    same = [
        json.loads(fastnn(*given, *how).out)["weights"]
        for how in (
            ("flats.csv", "--drop", "id"),
            ("other.csv", "--drop", "id", "--delimiter", ";", "--target", "cost"),
        )
    ]
    assert same[0] == same[1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["inspect"], "MODEL is missing: fastnn inspect MODEL"),
        (["inspect", "--weights"], "MODEL is missing"),
        (["inspect", "m", "--target", "y"], "--target has no effect without --weights DATA"),
        (["inspect", "m", "--weights", "--drop", "y"], "--drop has no effect without --weights"),
        (["inspect", "m", "--decimal", ","], "--decimal has no effect without --weights DATA"),
    ],
)
def test_what_is_missing_is_told(fastnn, given: list[str], said: str) -> None:
    ran = fastnn(*given)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_the_model_may_come_after_the_option(fastnn, models: Path) -> None:
    after = fastnn("inspect", "--weights", models / "digits.fastnn")
    assert after == fastnn("inspect", models / "digits.fastnn", "--weights")
    both = fastnn("inspect", "--weights", "digits", models / "digits.fastnn")
    assert both == fastnn("inspect", models / "digits.fastnn", "--weights", "digits")
