"""How errors name what they are about, and how a door spells it."""

import pytest

from fastnn.errors import ArgumentError, DataError, about, arg, inside, spelled


def test_the_argument_is_the_first_that_is_named() -> None:
    assert ArgumentError(f"{arg('l2')} with {arg('l1')}").argument == "l2"
    assert ArgumentError(f"{arg('Dense: units')} must be 1").argument == "units"
    assert str(ArgumentError(f"{arg('Dense: units', 0)} is wrong")) == "Dense: units=0 is wrong"
    assert ArgumentError(f"unknown {arg('data set')} 'digit'").argument is None
    assert ArgumentError("x", argument="data").argument == "data"


def test_what_is_to_be_done_is_not_what_is_wrong() -> None:
    error = DataError(f"column 'a': 'x' is no number; say {arg('missing', ['x'])}")
    assert error.argument is None
    assert str(error) == "column 'a': 'x' is no number; say missing=['x']"


def test_text_of_the_user_is_no_argument() -> None:
    with pytest.raises(DataError) as caught, spelled(lambda name, value: f"--{name}"):
        raise DataError(f"{arg('drop')}: no column 'drop'")
    assert str(caught.value) == "--drop: no column 'drop'"


def test_the_door_names_the_argument_that_it_was_given() -> None:
    """What lies within another argument is said, but the outer one is the caller's."""
    with pytest.raises(DataError) as caught, inside(f"{arg('validation')}: "):
        raise DataError(f"{arg('target')}: no column 'y'")
    assert (caught.value.argument, str(caught.value)) == (
        "validation", "validation: target: no column 'y'",
    )  # fmt: skip
    with pytest.raises(ArgumentError) as found, spelled(lambda name, _: name.upper()):
        raise ArgumentError(f"{arg('l2')} must be above 0")
    assert (found.value.argument, str(found.value)) == ("L2", "L2 must be above 0")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (f"{arg('loss')} must be a name", "loss must be a name"),
        ("a loss is a function", "loss: a loss is a function"),
        (f"unknown {arg('cost')} 'x'", "loss: unknown cost 'x'"),
        (f"unknown {arg('cost')} 'x': try {arg('l2')}", "loss: unknown cost 'x': try --l2"),
    ],
)
def test_an_error_about_an_argument_names_it_once(message: str, said: str) -> None:
    with pytest.raises(ArgumentError) as caught, about("loss"):
        raise ArgumentError(message)
    assert caught.value.argument == "loss"
    text = caught.value.said(lambda name, _: f"--{name}" if name == "l2" else name)
    assert text == said


def test_the_cause_and_the_place_stay() -> None:
    cause = KeyError("a")
    with pytest.raises(ArgumentError) as caught, inside("x: "), about("l2"):
        raise ArgumentError("no") from cause
    assert caught.value.__cause__ is cause
    assert caught.traceback[-1].name == "test_the_cause_and_the_place_stay"
