"""How errors name what they are about, and how a door spells it."""

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import fastnn
from fastnn.errors import ArgumentError, DataError, about, arg, inside, shown, spell, spelled


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


#: What is wrong with no argument: a call out of order, a file, what the library cannot do.
NO_ARGUMENT = (
    "Normalization has not seen",
    "a network is described by",  # of a model file
    "add: the layers are in use",
    "batch normalisation cannot train with",  # one example
    "dropout of a network ends",
    "inverse is for regression",
    "networks that are trained at once",
    "sizes, activations, dropout",
    "the export to ONNX needs onnx",
    "the model cannot be saved",
    "the number of inputs is not known",
    "the weights are too large for ONNX",
    "to_model: there is one class",
)


def errors_of_arguments() -> Iterator[tuple[str, ast.Call]]:
    """Every ArgumentError that a function raises for its callers; the backends' are ours alone.

    The command line has flags; what `about` is around is named by that.
    """
    root = Path(fastnn.__file__).parent
    for path in sorted(root.rglob("*.py")):
        place = str(path.relative_to(root))
        if place.startswith(("backend", "cli")):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = [
            inner
            for outer in ast.walk(tree)
            if isinstance(outer, ast.With) and "about(" in ast.unparse(outer.items[0])
            for inner in ast.walk(outer)
        ]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ArgumentError":
                if node not in named:
                    yield f"{place}:{node.lineno}", node


def test_every_error_of_an_argument_names_it() -> None:
    found, used = [], set()
    for place, node in errors_of_arguments():
        text = ast.unparse(node)
        begin = "".join(
            part.value if isinstance(part, ast.Constant) else "{}"
            for part in getattr(node.args[0], "values", node.args)
        )
        if "arg(" in text or "argument=" in text or begin.startswith("{}"):
            continue  # what begins with a variable begins with the argument's owner or name
        known = [start for start in NO_ARGUMENT if begin.startswith(start)]
        used.update(known)
        if not known:
            found.append(f"{place}: {begin}")
    assert found == []
    assert sorted(used) == sorted(NO_ARGUMENT)


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


def test_arrays_and_long_values_are_not_shown() -> None:
    rows = np.zeros((60, 4))
    for value in (
        rows,
        (rows, [0, 1]),
        [[rows]],
        SimpleNamespace(columns=[]),
        ["x" * 300],
        "y" * 300,
    ):
        assert spell(f"{arg('test', value)} has no effect") == "test has no effect"
    for value in (3, "huber", ["x", "y"], np.float32(0.5), {"seed": [1]}):
        assert spell(arg("test", value)) == f"test={value!r}"
    assert shown(rows) == "ndarray of shape (60, 4)"
    assert shown((rows, rows[:, 0])) == "(ndarray of shape (60, 4), ndarray of shape (60,))"
    assert shown(np.zeros(2)) == "array([0., 0.])"
    assert "\n" not in shown({"a": rows})


def test_warnings_are_given_by_the_one_function_that_finds_the_users_line() -> None:
    package = Path(fastnn.__file__).parent
    plain = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"^(?! *(>>>|\.\.\.)).*\bwarnings\.warn\(", path.read_text("utf-8"), re.M)
    }
    assert plain == {"errors.py"}


def test_a_warning_points_to_the_line_that_called_the_package(tmp_path) -> None:
    n = np.arange(40)
    data = {"x": n / 3, "gone": [None] * 40, "w": n % 2 + 1.0, "y": np.where(n % 3, "a", "b")}
    data["y"] = np.array([None, *data["y"][1:]], object)
    whole = {"hidden_layer_sizes": [2], "epochs": 1, "engine": "numpy"}
    doors = {
        "train": lambda: fastnn.train(data, "y", sample_weight="w", **whole),
        "train_many": lambda: fastnn.train_many([{}], data, "y", **whole),
        "search": lambda: fastnn.search(data, "y", grid={"l2": [0.0]}, **whole),
        "whole numbers": lambda: fastnn.train(n / 3, n % 15, **whole),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = doors["train"]().model
    doors["evaluate"] = lambda: model.evaluate({"x": n / 3, "y": data["y"]})
    doors["predict"] = lambda: model.predict({"x": n / 3, "more": n})
    doors["estimator"] = lambda: fastnn.MLPClassifier(max_iter=1).fit(n[:, None], n % 2)
    for name, door in doors.items():
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            door()
        assert told, name
        assert {one.filename for one in told} == {__file__}, name
