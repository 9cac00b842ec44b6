"""Each finding is met in a real training, and healthy trainings are left alone."""

import re
from typing import Any

import numpy as np
import pytest

from fastnn.api.diagnose import diagnose
from fastnn.api.train import Training, train
from fastnn.cli.train_arguments import as_flag
from fastnn.datasets.builtin import load
from fastnn.diagnosis.findings import NAMES, Case, Finding, merged, try_one_of
from fastnn.diagnosis.rules import FOLLOWS, RULES
from fastnn.errors import DivergenceError, arg
from fastnn.nn.network import network
from fastnn.recipe.recipe import Recipe

DIGITS = load("digits")
RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((600, 6))
Y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
LABELS = (X[:, :3] + 0.3 * RANDOM.standard_normal((600, 3)) > 0).astype(int)
NOISE = RANDOM.standard_normal(600)


def trained(data: Any, target: Any = None, **options: Any) -> Training:
    """With what a training that diverged leaves."""
    try:
        return train(data, target, doctor=True, **options)
    except DivergenceError as error:
        found: Training = error.result
        return found


DEEP = {"hidden_layer_sizes": [16] * 12, "epochs": 2}

#: Trainings that are sick: what is found, in order, with what is said of the first of it.
SICK: dict[str, tuple[tuple[Any, ...], dict[str, Any], list[str], str]] = {
    "deep sigmoids": (
        ("digits",), {**DEEP, "activation": "sigmoid"},
        ["vanishing gradients", "loss at chance"],
        r"\(from before training to the end\): the size of dZ in layer 1 is \S+e-0\d times that of "
        r"the last of 13 layers; try activation='relu', or batch_normalization='before', or fewer",
    ),
    "weights too small": (
        ("diabetes",), {**DEEP, "initializer": "normal(scale=0.01)", "epochs": 5},
        ["vanishing gradients", "dead ReLU units", "loss at chance"],
        "; try no initializer of your own, or batch_norm",
    ),
    "weights too large": (
        ("diabetes",), {**DEEP, "initializer": "normal(scale=1)", "epochs": 5},
        ["exploding gradients", "loss at chance"],
        "the size of dZ in layer 1 is .* times .*; try no initializer of your own, or batch_norm",
    ),
    "a step that kills": (
        ("digits",), {"hidden_layer_sizes": [32, 32], "learning_rate": 3.0, "epochs": 3},
        ["learning rate too high", "dead ReLU units"],
        "in epoch 1 the loss was .* times that at the start; try learning_rate=0.001, or what",
    ),
    "saturated from the start": (
        ("digits",),
        {"hidden_layer_sizes": [32], "activation": "tanh", "initializer": "normal(scale=3)",
         "epochs": 2},
        ["saturated units"],
        r"\d\d of the 32 units of layer 1 \(tanh\) are flat on nearly all examples; try no init",
    ),
    "raw inputs": (
        (1000 * X, Y), {"standardize": False, "epochs": 5},
        ["unscaled inputs", "loss at chance"],
        r"the root mean square of column 'x\d' is 1,0\d\d, not about 1; do without standardize=Fa",
    ),
    "tiny inputs": (
        (0.001 * X, Y), {"standardize": False, "epochs": 2},
        ["unscaled inputs", "loss at chance"],
        r"the root mean square of column 'x\d' is 0\.001\d*, not about 1",
    ),
    "a raw target": (
        ("diabetes",), {"standardize_target": False, "epochs": 2},
        ["unscaled targets", "loss at chance"],
        r"the root mean square of the target is 17\d, not about 1; do without standardize_target=F",
    ),
    "a rate too high": (
        ("digits",),
        {"hidden_layer_sizes": [32], "activation": "tanh", "learning_rate": 3.0, "epochs": 2},
        ["learning rate too high", "saturated units"],
        "try learning_rate=0.001",
    ),
    "a rate that diverges": (
        (X, Y), {"optimizer": "sgd", "learning_rate": 10.0, "epochs": 2},
        ["learning rate too high"],
        "the loss was no longer a number in epoch 1; try learning_rate=0.1, or what "
        "find_learning_rate finds, or gradient_clip=1",
    ),
    "a rate too low": (
        ("breast_cancer",), {"learning_rate": 1e-5, "activation": "tanh", "epochs": 12},
        ["learning rate too low"],
        r"the loss falls by 1\.\d % an epoch, at the end as at the beginning; try learning_rate=0"
        r"\.001, or what find_learning_rate finds, or more epochs",
    ),
    "zero weights": (
        ("digits",), {"initializer": "zero", "activation": "tanh", "epochs": 2},
        ["zero initialisation", "loss at chance"],
        "the 128 units of layer 1 have equal weights, and so learn the same; try another initiali",
    ),
    "zero weights of ReLU": (
        ("diabetes",), {"initializer": "zero", "epochs": 5},
        ["zero initialisation", "loss at chance"],
        "the 128 units of layer 1 have equal weights",
    ),
    "steps too large": (
        ("digits",),
        {"hidden_layer_sizes": [32], "activation": "tanh", "initializer": "normal(scale=0.1)",
         "learning_rate": 1.0, "epochs": 5},
        ["saturated units", "overconfident predictions"],
        "units of layer 1",
    ),
    "nothing to learn": (
        (X, NOISE), {"epochs": 40, "learning_rate": 0.01},
        ["loss at chance"],
        r"the best validation loss is 0\.\d+, that of a constant prediction 0\.\d+; see whether "
        "the columns tell anything about the target$",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SICK)
def test_a_sick_training(name: str) -> None:
    data, options, names, said = SICK[name]
    training = trained(*data, **options)
    assert [finding.name for finding in training.findings] == names
    first = str(training.findings[0])
    assert re.search(said, first), first
    for finding in training.findings:
        assert "\n" not in str(finding)
        assert not re.search("[\x00-\x1f]", str(finding)), "an argument that is not spelt"
    if names[-1] == "loss at chance" and len(names) > 1:
        assert training.findings[-1].cure == "mend the above first"


def test_every_finding_is_met_above() -> None:
    met = {name for _, _, names, _ in SICK.values() for name in names}
    assert met == set(NAMES)
    assert {*FOLLOWS, *(name for names in FOLLOWS.values() for name in names)} <= set(NAMES)
    assert len(RULES) == len(set(RULES))


#: Trainings of every kind, that nothing is wrong with.
HEALTHY: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "digits, as they come": (("digits",), {"epochs": 5}),
    "one epoch": (("digits",), {"epochs": 1, "hidden_layer_sizes": [32]}),
    "tanh by SGD": (
        ("digits",),
        {"hidden_layer_sizes": [32, 32], "activation": "tanh", "optimizer": "sgd",
         "learning_rate": 0.1, "epochs": 5},
    ),
    "ten layers of SELU by momentum": (
        ("digits",),
        {"hidden_layer_sizes": [24] * 10, "activation": "selu", "optimizer": "momentum",
         "learning_rate": 0.1, "epochs": 4},
    ),
    "GELU by RMSprop with batch normalisation": (
        ("digits",),
        {"hidden_layer_sizes": [32], "activation": "gelu", "optimizer": "rmsprop",
         "batch_normalization": "before", "epochs": 4},
    ),
    "dropout, a penalty and a schedule": (
        ("digits",), {"dropout": 0.3, "l2": 1.0, "schedule": "cosine", "epochs": 4}
    ),
    "softmax alone": (("digits",), {"hidden_layer_sizes": [], "epochs": 5}),
    "smoothed labels": (("digits",), {"label_smoothing": 0.1, "epochs": 3}),
    "sigmoid": (
        ("breast_cancer",), {"hidden_layer_sizes": [32], "activation": "sigmoid", "epochs": 20}
    ),
    "ELU by AdamW": (
        ("breast_cancer",),
        {"hidden_layer_sizes": [32, 16], "activation": "elu", "optimizer": "adamw", "epochs": 20},
    ),
    "all examples at once, classes balanced": (
        ("breast_cancer",),
        {"class_weight": "balanced", "batch_size": "full", "learning_rate": 0.01, "epochs": 40},
    ),
    "a regression": (("diabetes",), {"epochs": 30}),
    "a linear one": (
        ("diabetes",), {"hidden_layer_sizes": [], "learning_rate": 0.01, "epochs": 40}
    ),
    "tanh and Huber": (
        ("diabetes",), {"activation": "tanh", "loss": "huber", "learning_rate": 0.003, "epochs": 40}
    ),
    "leaky ReLU": (
        (X, Y), {"hidden_layer_sizes": [32, 32], "activation": "leaky_relu", "epochs": 20}
    ),
    "two targets by SiLU": (
        (X, np.column_stack([Y, X[:, 3]])),
        {"activation": "silu", "learning_rate": 0.01, "epochs": 10},
    ),
    "several labels": ((X, LABELS), {"task": "multilabel", "epochs": 5}),
    "counts": ((X, np.floor(np.exp(1 + X[:, 0]))), {"loss": "poisson", "epochs": 20}),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_training_is_left_alone(name: str) -> None:
    data, options = HEALTHY[name]
    training = trained(*data, **options)
    assert str(training.diagnosis) == "nothing is found to be wrong"
    assert training.findings == ()
    assert len(training.diagnosis.looks) >= 3


def test_the_relu_net_whose_weights_alone_would_explode() -> None:
    """20 layers learn digits to 0.88, although W alone makes signals 1,700 times as large."""
    training = train("digits", hidden_layer_sizes=[32] * 20, epochs=15)
    assert training.report["test"]["accuracy"] == pytest.approx(0.88, abs=0.02)
    found = diagnose(training.model, DIGITS.table, DIGITS.target)
    assert found.findings == training.findings == ()
    layers = found.looks[0].layers
    assert np.prod([layer.gain for layer in layers]) > 1000
    assert all(0.1 < (layer.delta or 0) < 20 for layer in layers)


def test_the_sigmoid_net_whose_weights_alone_look_well() -> None:
    """20 layers learn nothing: the first gradient is some 1e-15, and W alone says 1.2."""
    training = train("digits", hidden_layer_sizes=[32] * 20, activation="sigmoid", epochs=3)
    assert training.report["test"]["accuracy"] == pytest.approx(0.10, abs=0.02)
    found = diagnose(training.model, DIGITS.table, DIGITS.target)
    assert training.findings == (), "after 3 epochs a loss at chance is no wonder"
    assert [finding.name for finding in found.findings] == [
        "vanishing gradients", "loss at chance"
    ]  # fmt: skip
    assert found.findings[0].layers[:2] == (1, 2)
    layers = found.looks[0].layers
    assert np.prod([layer.gain for layer in layers]) == pytest.approx(1, rel=0.5)
    dW = layers[0].dW
    assert dW is not None
    assert 0 < dW.rms < 1e-13


@pytest.mark.parametrize(
    "cure",
    [{"activation": "relu"}, {"batch_normalization": "before"}, {"hidden_layer_sizes": [16]}],
)
def test_the_cures_of_vanishing_gradients_cure(cure: dict[str, Any]) -> None:
    sick = {"hidden_layer_sizes": [32] * 8, "activation": "sigmoid", "epochs": 4}
    found = [train("digits", **{**sick, **change}, doctor=True) for change in ({}, cure)]
    before, after = ([finding.name for finding in training.findings] for training in found)
    assert "vanishing gradients" in before
    assert "vanishing gradients" not in after
    losses = [training.diagnosis.looks[-1].loss for training in found]
    assert losses[0] > 2.2
    assert losses[1] < 1.9


def test_a_door_spells_the_cure() -> None:
    finding = trained("digits", **SICK["deep sigmoids"][1]).findings[0]
    assert "try --activation relu, or --batch-normalization before" in finding.said(as_flag)
    assert finding.to_json(as_flag)["cure"].startswith("try --activation relu")
    assert finding.to_json() == {
        "name": "vanishing gradients",
        "cause": finding.cause,
        "cure": "try activation='relu', or batch_normalization='before', or fewer layers",
        "layers": list(finding.layers),
        "when": ["before training", "after epoch 1", "after epoch 2", "at the end"],
    }
    unscaled = trained(*SICK["raw inputs"][0], **SICK["raw inputs"][1]).findings[0]
    assert unscaled.said(as_flag).endswith("do without --no-standardize")


def test_a_cure_names_only_what_is_not_so_already() -> None:
    recipe = Recipe.of(initializer="zero", learning_rate=0.03, optimizer="momentum")
    own = Case(network([2, 3, 1]), recipe.to_json())
    assert own.default_weights() == [f"no {arg('initializer')} of your own"]
    assert Case(network([2, 3, 1])).default_weights() == []
    assert own.smaller_rate() == arg("learning_rate", 0.003)
    assert own.larger_rate() == arg("learning_rate", 0.3)
    assert Case(network([2, 1])).smaller_rate() == f"a lower {arg('learning_rate')}"


def test_findings_come_once_and_in_the_order_of_cause_and_effect() -> None:
    late = [Finding(name, "late", "", when=("after epoch 8",)) for name in NAMES[::-1]]
    early = Finding(NAMES[3], "early", "", when=("after epoch 2",))
    found = merged([early, *late])
    assert [finding.name for finding in found] == list(NAMES)
    assert found[3].cause == "early", "as it was first"
    assert found[3].times == "from epoch 2 to epoch 8"
    assert found[4].times == "after epoch 8"
    assert Finding("a", "b", "c").times == ""
    assert try_one_of(["a"]) == "try a"
