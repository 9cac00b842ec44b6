"""``fastnn train --find-learning-rate``: it says what it takes and why, and draws it."""

import json
from pathlib import Path

import pytest

from fastnn.api.find_learning_rate import find_learning_rate

FIND = ("train", "diabetes", "--hidden", "none", "--optimizer", "sgd", "--epochs", "2",
        "--find-learning-rate")  # fmt: skip


def test_it_is_said_before_the_training_and_with_the_results(fastnn) -> None:
    found = find_learning_rate("diabetes", hidden_layer_sizes=[], optimizer="sgd")
    ran = fastnn(*FIND)
    assert ran.code == 0
    first, *epochs = ran.err.splitlines()
    assert first == f"{found.lines[0]}: {found.reason}"
    assert epochs[0].startswith("epoch 1/2 ")
    assert f"{found.lines[0]}: {found.reason}" in " ".join(ran.out.split())
    quiet = fastnn(*FIND, "--quiet", "--json")
    document = json.loads(quiet.out)
    assert document["learning_rate"] == found.learning_rate
    assert document["learning_rate_found"] == found.reason
    assert "learning rate" not in quiet.err


def test_the_model_is_that_of_the_rate_given_by_hand(fastnn, tmp_path: Path) -> None:
    fastnn(*FIND, "--quiet", "-o", "found.fastnn")
    rate = json.loads(fastnn(*FIND, "--quiet", "--json").out)["learning_rate"]
    by_hand = fastnn(*FIND[:-1], "--learning-rate", rate, "--quiet", "--json", "-o", "hand.fastnn")
    assert (tmp_path / "found.fastnn").read_bytes() == (tmp_path / "hand.fastnn").read_bytes()
    assert json.loads(by_hand.out)["learning_rate_found"] is None


def test_its_picture(fastnn, tmp_path: Path) -> None:
    assert fastnn(*FIND, "--rate-picture", "a.svg").code == 0
    assert "Learning rate found for gradient_descent" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--learning-rate", "0.1"], 2, "--learning-rate is given, and --find-learning-rate would"),
        (["--rate-picture", "a.gif"], 2, "--rate-picture must end in .svg, .png, .csv or .html, f"),
        (["--rate-picture", "none/a.svg"], 3, "--rate-picture: there is no folder "),
    ],
)
def test_what_cannot_be(fastnn, arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    ran = fastnn(*FIND, *arguments)
    assert ran.code == code
    assert said in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_nothing_is_refused(fastnn) -> None:
    ran = fastnn("train", "diabetes", "--rate-picture", "a.svg")
    assert ran.code == 2
    assert "--rate-picture has no effect without --find-learning-rate: set it too" in ran.err
