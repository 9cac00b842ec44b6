"""Configs of trainings: what is kept of them, as a TOML file and back."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.api.search import search
from fastnn.api.train import train
from fastnn.api.train_many import train_many
from fastnn.errors import ArgumentError, DataError
from fastnn.model.files import load
from fastnn.nn.optimizers import optimizer
from fastnn.recipe.config import Config, read_toml

#: What differs from every default, as a user would give it.
GIVEN: dict[str, Any] = {
    "data": "digits",
    "hidden_layer_sizes": (8, 4),
    "activation": ["relu", "leaky_relu(slope=0.2)"],
    "optimizer": optimizer("adam(beta1=0.8)"),
    "schedule": "cosine(warm_up=1)",
    "learning_rate": np.float64(1e-5),
    "class_weight": "balanced",
    "patience": None,
    "epochs": np.int64(3),
    "shuffle": False,
    "time_limit": "10m",
    "fractions": (0.5, 0.25, 0.25),
    "drop": ("pixel_0_0",),
    "seed": 2**64 - 1,
}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(Config.of(GIVEN).to_toml())
    found = read_toml(str(path), {"data": lambda name, value: value})
    same = {**GIVEN, "optimizer": "adam(beta1=0.8,beta2=0.999,epsilon=1e-07)", "time_limit": 600.0}
    for name, value in same.items():
        value = list(value) if isinstance(value, tuple) else value
        read = list(found[name]) if isinstance(found[name], tuple) else found[name]
        assert read == value or name == "optimizer", name
    assert optimizer(found["optimizer"]) == GIVEN["optimizer"]
    assert list(found) == sorted(found, key=[*found].index)
    assert set(found) == set(GIVEN)


def test_a_model_says_what_its_training_was_given_and_the_same_training_can_be_run(
    tmp_path: Path,
) -> None:
    first = train(**GIVEN)
    first.save(tmp_path / "a.fastnn")
    config = load(tmp_path / "a.fastnn").config
    assert config == Config.of(GIVEN)
    assert config.unkept == ()
    again = train(**config.given)
    assert (again.model.parameters.theta == first.model.parameters.theta).all()


def test_python_objects_are_named_and_left_out() -> None:
    X, y = np.eye(4), np.array([0, 1, 0, 1])
    config = train(X, y, validation=(X, y), test=(X, y), epochs=1, batch_size=2).model.config
    assert config.given == {"epochs": 1, "batch_size": 2}
    assert config.unkept == ("data", "target", "validation", "test")


def test_each_of_many_trainings_has_a_config_of_its_own() -> None:
    common = {"hidden_layer_sizes": [4], "epochs": 2}
    many = train_many([{"l2": 0.5}, {"seed": 3}], "diabetes", **common)
    assert many[0].model.config.given["l2"] == 0.5
    assert many[1].model.config.given["seed"] == 3
    for one in many:
        again = train(**one.model.config.given)
        np.testing.assert_array_equal(again.model.parameters.theta, one.model.parameters.theta)
    found = search("diabetes", grid={"l2": [0.0, 9.0]}, folds=2, **common)
    best = found.training.model
    again = train(**best.config.given)
    assert best.config.given["fold"] == [0, 2]
    np.testing.assert_array_equal(again.model.parameters.theta, best.parameters.theta)


def test_the_learning_rate_that_was_found_is_the_one_of_the_config() -> None:
    trained = train("diabetes", epochs=1, find_learning_rate=True)
    assert trained.model.config.given["learning_rate"] == trained.model.options["learning_rate"]


@given(st.dictionaries(st.text(max_size=5), st.floats(0, 9) | st.integers(-9, 9), max_size=3))
def test_any_label_can_be_a_key_and_any_text_a_value(weights: dict[str, float]) -> None:
    name = "".join(weights)
    text = Config.of({"data": name, "class_weight": weights}).to_toml()
    found = tomllib.loads(text)
    assert found["data"] == name
    assert found["class_weight"] == weights


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch = 3", "unknown option 'epoch'; did you mean 'epochs'"),
        ("lr = 3", "unknown option 'lr'; write learning_rate"),
        ("epochs = 'x'", "epochs needs a whole number, found 'x'"),
        ("epochs = 0", "epochs must be a whole number above 0, found 0"),
        ("epochs = [1]", "epochs must be a whole number above 0, found .1."),
        ("hidden = 3\nhidden_layer_sizes = 3", "hidden_layer_sizes is set twice"),
        ("groups = 3", "groups are Python objects"),
        ("optimizer = 'adm'", "unknown optimizer 'adm'; did you mean 'adam'"),
        ("shuffle = 'no'", "shuffle must be True or False, found 'no'"),
        ("time_limit = '3 days'", "time_limit must be seconds above 0"),
        ("[network]\nhidden = 3", "unknown option 'network'"),
    ],
)
def test_what_cannot_be_is_said_with_the_file_and_the_option(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(ArgumentError, match=f"config file '{path}': {said}") as caught:
        read_toml(str(path), {})
    assert caught.value.argument is not None


@pytest.mark.parametrize("content", [b"epochs = ", b"\xff\xfe", b"PK\x03\x04"])
def test_what_is_no_toml_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"config file '{path}' is not a TOML file"):
        read_toml(str(path), {})
    with pytest.raises(DataError, match=r"config file '.*' cannot be read: Is a directory"):
        read_toml(str(tmp_path), {})
    with pytest.raises(DataError, match=r"config file '.*none.toml' does not exist"):
        read_toml(str(tmp_path / "none.toml"), {})
