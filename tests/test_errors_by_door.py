"""Every option of the table, given wrongly, is refused by name at every door that has it.

The name is spelt as the door spells it, in the message and in ``error.argument``.
"""

import inspect
import re
import warnings
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import ArgumentError, DataError, Dense, Sequential, search, train, train_many
from fastnn.cli.main import main
from fastnn.data.statistics import DataWarning
from fastnn.recipe.choices import OPTIONS, options
from fastnn.recipe.table import (
    DescentOptions,
    EngineOptions,
    FitOptions,
    ReadingOptions,
    RecipeOptions,
    RunOptions,
)
from tests.optional import optional

X = np.arange(40.0).reshape(20, 2)
LABELS = np.arange(20) % 2


class Wrong:
    """What no option can be."""

    def __repr__(self) -> str:
        return "<wrong>"


WRONG = Wrong()
#: What no flag can be, whether it takes a number, a name, a list, a sign or a folder.
TEXT = "wrong,,/wrong"


def refused(name: str, call: Any, *given: Any, **more: Any) -> str:
    """The message with which ``call`` refuses what it is given as ``name``."""
    with pytest.raises(ArgumentError) as caught:
        call(*given, **more)
    message = str(caught.value)
    assert (caught.value.argument, "\n" in message) == (name, False), message
    assert name in message
    assert "<wrong>" in message or "would compare on" in message
    return message


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("door", [train, train_many, search])
def test_functions_name_every_option(door: Any, name: str) -> None:
    own = {"train_many": {"configs": [{"l2": 0.5}]}, "search": {"grid": {"l2": [0.5]}}}
    if name == "l2":
        own["train_many"]["configs"], own["search"]["grid"] = [{}], {"l1": [0.5]}
    refused(name, door, data=X, target=LABELS, **own.get(door.__name__, {}), **{name: WRONG})


@pytest.mark.parametrize("name", options(RecipeOptions))
def test_a_config_is_named_too(name: str) -> None:
    message = refused(name, train_many, [{}, {name: WRONG}], X, LABELS)
    assert message.startswith(f"config 1 {{{name!r}: <wrong>}}: ")


@pytest.mark.parametrize("name", [n for n, row in OPTIONS.items() if row.flag is not None])
@pytest.mark.parametrize("command", ["train", "search"])
def test_the_command_line_spells_flags(
    command: str, name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.csv").write_text("a,b\n" + "1.5,0\n2.5,1\n" * 20)
    flag = f"--{OPTIONS[name].flag_name}"
    grid = ["--grid", "seed=0" if name != "seed" else "l2=0"] if command == "search" else []
    code = main([command, "d.csv", "--target", "b", *grid, f"{flag}={TEXT}"])
    said = capsys.readouterr().err.splitlines()
    assert code == 2
    assert len(said) == 1
    assert flag in said[0]
    assert [path.name for path in tmp_path.iterdir()] == ["d.csv"]


@pytest.mark.parametrize("name", [*options(RunOptions), "seed"])
def test_sequential_names_how_it_runs(name: str) -> None:
    refused(name, Sequential, [Dense(1)], **{name: WRONG})


@pytest.mark.parametrize("name", [*options(DescentOptions), "optimizer", "loss", "metrics"])
def test_compile_names_every_option(name: str) -> None:
    refused(name, Sequential([Dense(1)]).compile, **{"loss": "mse", name: WRONG})


@pytest.mark.parametrize("name", [*options(FitOptions), "validation_split", "callbacks", "verbose"])
def test_fit_names_every_option(name: str) -> None:
    model = Sequential([Dense(1)])
    model.compile(loss="mse")
    refused(name, model.fit, X, LABELS, **{name: WRONG})


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_estimators_name_every_parameter(kind: str) -> None:
    estimator = getattr(fastnn, kind)
    for name in inspect.signature(estimator).parameters:
        refused(name, estimator(**{name: WRONG}).fit, X, LABELS)


def test_a_training_without_end_is_refused_at_every_door(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    many, model = 10**30, Sequential([Dense(1)])
    model.compile(loss="mse")
    doors = {
        "epochs": [
            lambda: train(X, LABELS, epochs=many),
            lambda: train_many([{}], X, LABELS, epochs=many),
            lambda: search(X, LABELS, grid={"l2": [0.0]}, epochs=many),
            lambda: model.fit(X, LABELS, epochs=many),
        ],
        "max_iter": [
            lambda: fastnn.MLPClassifier(max_iter=many).fit(X, LABELS),
            lambda: fastnn.MLPRegressor(max_iter=many, solver="lbfgs").fit(X, LABELS),
        ],
    }
    for name, calls in doors.items():
        for call in calls:
            with pytest.raises(ArgumentError) as caught:
                call()
            said = f"{name} must be a whole number of at most 2**63 - 1, found {many}"
            assert str(caught.value).endswith(said)  # after the configuration that it is in
            assert caught.value.argument == name
    monkeypatch.chdir(tmp_path)
    assert main(["train", "digits", "--epochs", str(many)]) == 2
    said = f"--epochs must be a whole number of at most 2**63 - 1, found {many}"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "weights",
    [float("nan"), float("inf"), -1.0, 0.0, 10**400, "ab", [1.0], [np.nan] * 20, {}],
    ids=repr,
)
def test_weights_that_cannot_be_are_named_at_every_door(weights: Any) -> None:
    trained, sequential = model(), Sequential([Dense(1)])
    sequential.compile(loss="mse")
    sequential.fit(X, LABELS)
    classifier = fastnn.MLPClassifier(max_iter=1)
    doors: list[Any] = [
        lambda w: train(X, LABELS, sample_weight=w),
        lambda w: train_many([{}], X, LABELS, sample_weight=w),
        lambda w: search(X, LABELS, grid={"l2": [0.0]}, sample_weight=w),
        lambda w: trained.evaluate(X, LABELS, sample_weight=w),
        lambda w: sequential.fit(X, LABELS, sample_weight=w),
        lambda w: sequential.evaluate(X, LABELS, sample_weight=w),
        lambda w: classifier.fit(X, LABELS, sample_weight=w),
        lambda w: classifier.partial_fit(X, LABELS, sample_weight=w, classes=[0, 1]),
        lambda w: fastnn.MLPRegressor(solver="lbfgs").fit(X, LABELS, sample_weight=w),
    ]
    for door in doors:
        with pytest.raises(ArgumentError, match=r"^sample_weight") as caught:
            door(weights)
        assert caught.value.argument == "sample_weight"
        assert len(str(caught.value)) < 250
    held = (X, LABELS, weights)
    with pytest.raises(ArgumentError, match="sample_weight"):
        sequential.fit(X, LABELS, validation_data=held)
    with pytest.raises(DataError, match=r"^validation_data: sample_weight"):
        fastnn.MLPClassifier(early_stopping=True, validation_data=held).fit(X, LABELS)


def test_weights_next_to_nothing_are_not_reported_as_the_penalty() -> None:
    for solver in ("adam", "lbfgs"):
        estimator = fastnn.MLPClassifier(solver=solver, max_iter=1)
        with pytest.raises(ArgumentError, match=r"^sample_weight: .* beside alpha=0.0001: scale"):
            estimator.fit(X, LABELS, sample_weight=[1e-320] * 20)


def test_what_the_doors_call_otherwise_is_called_so() -> None:
    """A cure, too, is written as the door's users write it."""
    groups = [fastnn.ParameterGroup(weight_decay=0.1)]
    given = {"groups": groups, "hidden_layer_sizes": [2]}
    said = "weight_decay has no effect with optimizer='adam': use optimizer='adamw', or "
    with pytest.raises(ArgumentError, match=f"groups: {said}l2$"):
        train(X, LABELS, **given)
    with pytest.raises(ArgumentError, match=f"groups: {said}alpha$"):
        fastnn.MLPClassifier(**given).fit(X, LABELS)
    with pytest.raises(ArgumentError, match=r"^unknown loss 'log_los' .*; did you mean 'log_loss'"):
        fastnn.MLPClassifier(loss="log_los").fit(X, LABELS)
    with pytest.raises(ArgumentError, match=r"^monitor: unknown metric 'acuracy'; did you mean"):
        fastnn.MLPClassifier(early_stopping=True, monitor="acuracy").fit(X, LABELS)
    with pytest.raises(ArgumentError, match="schedule 'step': every=100 epochs has no effect"):
        fastnn.MLPRegressor(max_iter=2, schedule="step(every=100)").fit(X, LABELS)
    with pytest.raises(ArgumentError, match=r"cannot train with one example: .*give more examples"):
        fastnn.MLPRegressor(batch_normalization="before").partial_fit(X[:1], LABELS[:1])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("epoch", "; did you mean 'epochs'\\?"),
        ("lr", "; write learning_rate$"),
        ("gpu", "; write device='cuda'$"),
        ("random_state", "; write seed$"),
        ("beta1", "; it is an option of adam, adamw: write .* optimizer='adam\\(beta1=0.9\\)'$"),
        ("warm_up", "; it is an option of every schedule: write schedule='cosine\\(warm_up=5\\)'$"),
        ("no_such_thing", "$"),
    ],
)
def test_what_other_programs_call_an_option_is_told(name: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=f"^train has no argument '{name}'{said}") as caught:
        train(X, LABELS, **{name: 1})
    assert caught.value.argument == name


def test_a_door_tells_no_more_than_it_has() -> None:
    with pytest.raises(ArgumentError, match=r"has no argument 'l2'; write alpha$"):
        fastnn.MLPClassifier(l2=1)
    with pytest.raises(ArgumentError, match="'fractions'; use validation_fraction, and"):
        fastnn.MLPClassifier(fractions=1)
    with pytest.raises(ArgumentError, match=r"^Sequential has no argument 'lr' \(it has layers, "):
        Sequential([], lr=1)


#: Columns that are refused, for one reason each.
REFUSED: dict[str, list[Any]] = {
    "another notation": ["1,5", "2,5", "3"],
    "money": ["$1,000.50", "$2", "$3"],
    "a sign for nothing": ["-", "2", "3"],
    "dates": ["1/1/2013", "1/2/2013", "1/3/2013"],
    "no such date": ["2013-02-28", "2013-02-29", "2013-03-01"],
    "too large": [2**53 + 1, 2**53 + 3, 3],
    "a mixture": ["x", 2, 3.5],
}


def advised(message: str) -> set[str]:
    """The options that a message tells to use, as Python has them or as flags."""
    written = {name: rf"\b{name}=|\({name}\)|it {name}$|--{name}\b" for name in OPTIONS}
    return {name for name, form in written.items() if re.search(form, message)}


@pytest.mark.parametrize("cells", REFUSED.values(), ids=REFUSED)
def test_advice_names_what_the_door_has(
    cells: list[Any], tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    rows, labels = {"a": cells}, [0, 1, 0]
    good, reading = {"a": [1.5, 2.5, 3.5]}, {*options(ReadingOptions)}
    trained = train({"a": np.arange(40.0)}, np.arange(40) % 2, epochs=1).model
    sequential = Sequential([Dense(1, activation="sigmoid")])
    sequential.compile(loss="binary_crossentropy")
    new = Sequential([Dense(1, activation="sigmoid")])
    new.compile(loss="binary_crossentropy")
    sequential.fit(good, labels)
    doors: list[tuple[Any, set[str]]] = [
        (lambda: train(rows, labels), {*reading, "categorical", "drop"}),
        (lambda: trained.predict(rows), reading),
        (lambda: trained.evaluate(rows, labels), reading),
        (lambda: new.fit(rows, labels), set()),
        (lambda: sequential.predict(rows), set()),
        (lambda: sequential.evaluate(rows, labels), set()),
    ]
    found = []
    for call, allowed in doors:
        with pytest.raises(DataError) as caught:
            call()
        found.append(advised(str(caught.value)))
        assert found[-1] <= allowed, str(caught.value)
    assert found[0] & {"categorical", "drop", "date_format"}
    monkeypatch.chdir(tmp_path)
    trained.save("m.fastnn")
    lines = [f"{cell};{label}" for cell, label in zip(cells, labels, strict=True)]
    (tmp_path / "d.csv").write_text("\n".join(["a;y", *lines]) + "\n")
    for command in ("predict", "evaluate"):
        target = ["--target", "y"] if command == "evaluate" else ["--drop", "y"]
        assert main([command, "m.fastnn", "d.csv", "--delimiter", ";", *target]) == 3
        said = capsys.readouterr().err
        assert advised(said) <= {*reading, "drop"}, said


@pytest.mark.parametrize(
    ("task", "target", "said"),
    [
        ("binary", [0.5, 1.5, 2.5], "0.5 is no class label (not a whole number)"),
        ("binary", [[0, 1], [1, 0], [1, 1]], "needs one label per row, found shape (3, 2)"),
        ("regression", ["a", "b", "a"], "a regression target needs numbers, found the text 'a'"),
        ("regression", [2**53 + 1, 2, 3], "9007199254740993 is too large to be exact as a number"),
    ],
)
def test_advice_on_a_target_names_what_the_door_has(task: str, target: Any, said: str) -> None:
    y = np.arange(20) % 2 if task == "binary" else np.arange(20) * 0.5
    trained = train(X, y, task=task, epochs=1).model
    with pytest.raises(DataError) as caught:
        trained.evaluate(X[:3], target)
    assert said in str(caught.value)
    assert advised(str(caught.value)) == set()
    with pytest.raises(DataError) as caught:
        train(X[:3], target, task=task)
    assert said in str(caught.value)
    assert ("task" in advised(str(caught.value))) == (target[0] != 2**53 + 1)


def test_estimators_advise_their_own_parameters() -> None:
    pandas = optional("pandas")
    frame = pandas.DataFrame({"a": REFUSED["a sign for nothing"], "t": ["x", "y", "x"]})
    good = frame.assign(a=[1.5, 2.5, 3.5])
    estimator = fastnn.MLPClassifier(max_iter=1, categorical_features=["t"], solver="lbfgs")
    said = "X?.*'-' is not a number, in a numeric column; correct or empty the cell"
    with pytest.raises(DataError, match=f"{said}, or .*: categorical_features=\\['a'\\]$"):
        estimator.fit(frame, [0, 1, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one step does not converge
        estimator.fit(good, [0, 1, 0])
    with pytest.raises(DataError, match=f"{said}$"):
        estimator.predict(frame)


def test_a_column_that_is_not_there_is_named_with_its_argument() -> None:
    data = {"a": np.arange(20.0), "y": LABELS}
    for option in ("categorical", "drop"):
        with pytest.raises(DataError, match=f"^{option}: no column 'b'") as caught:
            train(data, "y", **{option: ["b"]})
        assert caught.value.argument == option
    trained = train({"a": np.arange(20.0), "b": ["x", "y"] * 10}, LABELS, epochs=1).model
    for call in (trained.predict, lambda given: trained.evaluate(given, LABELS)):
        with pytest.raises(DataError, match=r"^no column 'b'"):
            call({"a": data["a"]})


def test_a_warning_spells_options_as_its_door_does(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Of columns of texts that are all different."""
    texts, numbers = [f"n{i}" for i in range(60)], np.arange(60.0)
    end = "nearly every row: 't'"
    with pytest.warns(DataWarning, match=f"{end}; to keep one: keep_text=\\['t'\\]$"):
        train({"t": texts, "x": numbers}, np.arange(60) % 2, epochs=1)
    monkeypatch.chdir(tmp_path)
    rows = [
        f"{text},{number},{number % 2:.0f}" for text, number in zip(texts, numbers, strict=True)
    ]
    (tmp_path / "d.csv").write_text("\n".join(["t,x,y", *rows]) + "\n")
    assert main(["train", "d.csv", "--target", "y", "--epochs", "1", "--quiet"]) == 0
    assert capsys.readouterr().err.rstrip().endswith("; to keep one: --keep-text t")
    pandas = optional("pandas")
    frame = pandas.DataFrame({"t": pandas.Categorical(texts), "x": numbers})
    estimator = fastnn.MLPClassifier(categorical_features="from_dtype", tol=1e9)
    with pytest.warns(DataWarning, match=f"{end}$"):
        estimator.fit(frame, np.arange(60) % 2)


def model() -> Any:
    return train(X, LABELS, hidden_layer_sizes=[2], epochs=1, batch_size=8).model


def test_a_model_names_its_arguments() -> None:
    trained = model()
    refused("metrics", trained.evaluate, X, LABELS, metrics=WRONG)
    refused("target", trained.evaluate, X, WRONG)
    refused("decimal", trained.predict, X, decimal=WRONG)
    refused("X", trained.outputs_of_rows, WRONG)
    refused("device", trained.to, WRONG)
    for name in options(EngineOptions):
        refused(name, trained.to, "cpu", **{name: WRONG})
        refused(name, fastnn.load, "m.fastnn", **{name: WRONG})
    refused("path", trained.save, WRONG)
    with pytest.raises(
        ArgumentError, match="metrics: metric 'r2' does not apply to a binary target"
    ):
        trained.evaluate(X, LABELS, metrics=["r2"])
    with pytest.raises(ArgumentError, match="no argument 'delimeter'; did you mean 'delimiter'"):
        trained.predict(X, delimeter=";")
    assert list(trained.evaluate(X, LABELS, metrics=[])) == ["loss"]
    assert list(train(X, LABELS, metrics=[], epochs=1).report["test"]) == ["loss"]
