"""Every choice is checked before anything is computed."""

import json
from dataclasses import fields

import numpy as np
import pytest

from fastnn.data.cells import Reading
from fastnn.errors import ArgumentError
from fastnn.nn.groups import ParameterGroup
from fastnn.recipe.checks import number, whole
from fastnn.recipe.choices import refuse_unknown
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.table import ReadingOptions


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epochs": 0}, "epochs must be a whole number above 0, found 0"),
        ({"epochs": True}, "epochs must be a whole number above 0, found True"),
        ({"epochs": 2.0}, "epochs must be a whole number above 0, found 2.0"),
        ({"batch_size": -3}, "batch_size must be a whole number above 0 or .* found -3"),
        ({"batch_size": "ful"}, "batch_size .* found 'ful'; did you mean 'full'"),
        ({"batch_size": 2.5}, "batch_size .* found 2.5"),
        ({"optimizer": "adm"}, "unknown optimizer 'adm'; did you mean 'adam'"),
        ({"optimizer": "adam(momentum=0.9)"}, "optimizer 'adam' has no option 'momentum'"),
        ({"optimizer": {"name": "sgd", "beta": 0.9}}, "has no option 'beta'; it belongs to"),
        (
            {"micro_batch_size": 0},
            "micro_batch_size must be a whole number above 0 or 'auto', found 0",
        ),
        ({"micro_batch_size": "all"}, "micro_batch_size must be .* or 'auto', found 'all'"),
        (
            {"micro_batch_size": 9, "batch_size": 8},
            "micro_batch_size=9 has no effect with batch_size=8: a micro-batch is a part",
        ),
        ({"learning_rate": 0}, "learning_rate must be a number above 0, found 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number above 0, found nan"),
        ({"learning_rate": "fast"}, "learning_rate must be a number above 0, found 'fast'"),
        ({"schedule": "cosin"}, "unknown schedule 'cosin'; did you mean 'cosine'"),
        ({"schedule": "cosine(drop=0.5)"}, "has no option 'drop'; it belongs to step"),
        ({"schedule": "one_cycle(warm_up=2)"}, "warm_up has no effect"),
        ({"l2": -1}, "l2 must be a number of 0 or more, found -1"),
        ({"l1": float("inf")}, "l1 must be a number of 0 or more, found inf"),
        ({"l2": True}, "l2 must be a number of 0 or more, found True"),
        ({"gradient_clip": 0}, "gradient_clip must be a number above 0, found 0"),
        ({"patience": 0}, "patience must be a whole number above 0, found 0"),
        ({"patience": True}, "patience must be a whole number above 0, found True"),
        (
            {"monitor": "accuracy"},
            "monitor='accuracy' has no effect without patience: set patience too",
        ),
        ({"min_delta": 0.1}, "min_delta=0.1 has no effect without patience: set patience too"),
        ({"patience": 1, "min_delta": -0.1}, "min_delta must be a number of 0 or more"),
        ({"patience": 1, "monitor": 3}, "monitor must be 'loss' or the name of a metric, found 3"),
        ({"tolerance": 0}, "tolerance must be a number above 0, found 0"),
        ({"shuffle": "no"}, "shuffle must be True or False, found 'no'"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": 0.5}, "seed must be a whole number from 0"),
        (
            {"hidden_layer_sizes": [], "activation": "tanh"},
            "activation='tanh' has no effect: there",
        ),
        ({"hidden_layer_sizes": [], "dropout": 0.1}, "dropout=0.1 has no effect: there is no hid"),
        ({"hidden_layer_sizes": [0]}, "each of hidden_layer_sizes must be a whole number above 0"),
        ({"hidden_layer_sizes": [2.0]}, "each of hidden_layer_sizes .* found 2.0"),
        ({"hidden_layer_sizes": "64"}, "hidden_layer_sizes must be a list of whole numbers such"),
        ({"hidden_layer_sizes": None}, "hidden_layer_sizes must be a list"),
        ({"fractions": (0.5, 0.5)}, "fractions must be three numbers"),
        ({"fractions": (1.0, 0.0, 0.0)}, "fractions must all be positive"),
        ({"fractions": (0.5, 0.5, 0.5)}, "fractions must sum to 1"),
        ({"fold": (5, 5)}, "fold must be .i, k. with k of 2 or more"),
        ({"hidden": 3}, "train has no argument 'hidden'; write hidden_layer_sizes$"),
        ({"epoch": 3}, "train has no argument 'epoch'; did you mean 'epochs'"),
        ({"groups": [3]}, r"groups must be a list of ParameterGroup, found \[3\]"),
        ({"groups": ParameterGroup("biases", None, 2.0)}, "groups must be a list"),
        ({"groups": [ParameterGroup("weights")]}, "has no effect: give it a learning_rate_factor"),
    ],
)
def test_what_cannot_work_is_named(given, said):
    with pytest.raises(ArgumentError, match=said) as caught:
        Recipe.of(**{"patience": None, **given})
    assert "\n" not in str(caught.value)


def test_defaults_follow_the_optimiser_and_the_amount_of_data():
    options = Recipe.of(patience=None, optimizer="sgd")
    assert options.learning_rate == 0.1
    assert [options.batch_size_for(n) for n in (5, 500, 10_000, 2_000_000)] == [5, 32, 128, 512]
    assert Recipe.of(patience=None, batch_size="full").batch_size_for(300) == 300
    assert Recipe.of(patience=None, batch_size=64).batch_size_for(300) == 64


def test_the_form_of_the_model_file_gives_the_same_options():
    options = Recipe.of(
        batch_size=np.int64(8),
        epochs=np.int32(5),
        optimizer="adamw(beta1=0.8)",
        schedule="step(every=2, per=step)",
        l2=np.float32(0.5),
        groups=[ParameterGroup("weights", np.int64(1), np.float32(0.5), 1)],
        patience=3,
        monitor="f1",
        min_delta=0.01,
        seed=2**64 - 1,
    )
    for chosen in (options, Recipe.of(patience=None)):
        text = json.dumps(chosen.to_json())
        assert json.dumps(Recipe.from_json(json.loads(text)).to_json()) == text


def test_hidden_layers_in_every_form():
    for given, sizes in (((), ()), (np.array([3, 2]), (3, 2)), (np.int64(3), (3,)), ([4], (4,))):
        assert (
            Recipe.of(hidden_layer_sizes=given, dropout=[0.0] * len(sizes)).hidden_layer_sizes
            == sizes
        )


def test_numbers():
    assert whole("n", np.int8(3)) == 3
    assert type(whole("n", np.int8(3))) is int
    assert type(number("x", np.float32(0.5))) is float
    with pytest.raises(ArgumentError, match="x must be a number of 0 or more, found None"):
        number("x", None)


def test_a_warm_up_that_never_ends_is_refused():
    with pytest.raises(ArgumentError, match="'cosine': its warm_up of 6 epochs is longer"):
        Recipe.of(patience=None, epochs=5, schedule="cosine(warm_up=6)")
    assert Recipe.of(patience=None, epochs=5, schedule="cosine(warm_up=5)").schedule.warm_up == 5
    assert Recipe.of(patience=None, epochs=5, schedule="cosine(warm_up=6, per=step)").epochs == 5


def test_the_options_of_reading_are_what_a_reading_takes() -> None:
    assert [field.name for field in fields(Reading)] == list(ReadingOptions.__annotations__)


def test_threads_are_no_option_and_no_thousands():
    with pytest.raises(ArgumentError, match=r"'threads'; there are as many .*OPENBLAS_NUM_THREADS"):
        refuse_unknown("train", ["threads"], ["thousands", "engine"])
