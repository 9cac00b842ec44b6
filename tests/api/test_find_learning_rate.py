"""The learning rate that is found trains well, and training with it is training with it by hand."""

import csv
import re
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from fastnn import Dense, Sequential
from fastnn.api.find_learning_rate import find_learning_rate
from fastnn.api.train import train
from fastnn.api.train_many import train_many
from fastnn.errors import ArgumentError, DataError, DivergenceError
from fastnn.nn.plan import TrainingPlan
from fastnn.training.callbacks import TrainingState
from fastnn.training.loop import TrainingInterrupted

DECADES = [10.0**k for k in range(-5, 2)]


def _friedman(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """J. H. Friedman 1991: a sum of a product, a square and two lines, of 5 of 10 inputs."""
    x = rng.uniform(size=(3000, 10))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    return x, y + 10 * x[:, 3] + 5 * x[:, 4] + rng.normal(size=3000)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("data", ["digits", "breast_cancer", "diabetes", "friedman"])
def test_the_rate_trains_nearly_as_well_as_the_best_of_a_grid(
    data: str, optimizer: str, rng: np.random.Generator
) -> None:
    examples = _friedman(rng) if data == "friedman" else (data,)
    options: Any = {"optimizer": optimizer, "hidden_layer_sizes": [32], "epochs": 40}
    found = find_learning_rate(*examples, **options)
    assert found.clear
    rates = [{"learning_rate": rate} for rate in (found.learning_rate, *DECADES)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the high ones diverge
        trained = train_many(rates, *examples, **options)
    metric = "r2" if data in ("diabetes", "friedman") else "accuracy"
    mine, *others = [
        -np.inf if t.error is not None else t.report["validation"][metric] for t in trained
    ]
    assert mine > max(others) - 0.06
    assert sum(other < max(others) - 0.06 for other in others) >= 2  # not any rate will do


def test_training_with_it_is_training_with_it_by_hand(tmp_path: Path) -> None:
    options: Any = {"hidden_layer_sizes": [8], "epochs": 3, "dropout": 0.2, "seed": 5}
    found = find_learning_rate("digits", **options)
    at_once = train("digits", find_learning_rate=True, **options)
    by_hand = train("digits", learning_rate=found.learning_rate, **options)
    assert at_once.range_test is not None
    assert at_once.range_test.learning_rate == found.learning_rate
    assert by_hand.range_test is None
    for name, training in (("a", at_once), ("b", by_hand)):
        training.model.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert at_once.model.options["learning_rate"] == found.learning_rate


def test_it_takes_what_train_takes(rng: np.random.Generator) -> None:
    table = {"a": rng.normal(size=60), "b": ["x", "y", "z"] * 20}
    table["y"] = table["a"] * 2 + rng.normal(size=60) / 10
    found = find_learning_rate(
        table, "y", schedule="cosine", hidden_layer_sizes=[4, 4], batch_normalization="before",
        dropout=0.1, l2=0.1, gradient_clip=1.0, dtype="float64",
        sample_weight=rng.uniform(size=60),
    )  # fmt: skip
    assert found.clear
    assert found.optimizer == "adam"


def test_its_files(tmp_path: Path) -> None:
    found = find_learning_rate("diabetes", hidden_layer_sizes=[], optimizer="sgd")
    assert found.learning_rate == float(f"{found.learning_rate:.2g}")
    assert repr(found).splitlines()[0] == f"learning rate {found.learning_rate:g} for " + (
        "gradient_descent"
    )
    for ending in ("svg", "csv", "html"):
        found.save(tmp_path / f"a.{ending}")
    ElementTree.fromstring((tmp_path / "a.svg").read_text())
    assert f">{found.learning_rate:g}</text>" in (tmp_path / "a.svg").read_text()
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    smooth = [r for r in rows if r["series"] == "smoothed"]
    assert float(smooth[7]["y"]) == pytest.approx(found.smoothed[7])
    page = (tmp_path / "a.html").read_text()
    assert found.page() == page
    assert "The loss falls from" in page
    html = found._repr_html_()
    assert re.fullmatch(
        r'<p>learning rate [\d.]+ for gradient_descent</p><img alt="[^"]*" '
        r'src="data:image/svg\+xml;base64,[\w+/=]+">', html,
    )  # fmt: skip
    assert len(html) < 150_000
    assert len(repr(found).splitlines()) == 2
    columns = found.columns()
    assert [len(column) for column in columns.values()] == [601] * 5
    assert columns["learning_rate"][0] == pytest.approx(1e-8)
    with pytest.raises(ArgumentError, match=r"path must end in \.svg, .*, found '.*a\.gif'"):
        found.save(tmp_path / "a.gif")
    with pytest.raises(DataError, match="there is no folder"):
        found.save(tmp_path / "none" / "a.svg")


def test_its_png(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="resvg-py is not installed (extra plot)")
    train("diabetes", hidden_layer_sizes=[], epochs=1, find_learning_rate=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_what_has_found_a_rate_is_no_cure_of_it() -> None:
    def spoil(state: TrainingState) -> None:
        state.rate_factor = 1e9

    options: Any = {"optimizer": "sgd", "hidden_layer_sizes": [4], "epochs": 2}
    rate = find_learning_rate("diabetes", **options).learning_rate
    for how, advised in (({"learning_rate": rate}, True), ({"find_learning_rate": True}, False)):
        with pytest.raises(DivergenceError) as caught:
            train("diabetes", callbacks=[spoil], **how, **options)
        found = caught.value.result.findings[0]
        assert found.name == "learning rate too high"
        for said in (str(caught.value), str(found)):
            assert ("what find_learning_rate finds" in said) == advised


def test_arguments_that_contradict_each_other() -> None:
    with pytest.raises(ArgumentError, match="learning_rate is given, and find_learning_rate would"):
        train("digits", learning_rate=0.1, find_learning_rate=True)
    with pytest.raises(ArgumentError, match="no argument 'learning_rate'; it is what is found"):
        find_learning_rate("digits", learning_rate=0.1)  # type: ignore[call-arg]
    with pytest.raises(ArgumentError, match="no argument 'optimiser'; did you mean 'optimizer'"):
        find_learning_rate("digits", optimiser="adam")  # type: ignore[call-arg]
    with pytest.raises(ArgumentError, match="find_learning_rate must be True or False, found 1"):
        train("digits", find_learning_rate=1)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"find_learning_rate must end in \.svg, .* 'a\.gif'"):
        train("digits", find_learning_rate="a.gif")


def test_where_nothing_falls_the_default_is_taken_and_said() -> None:
    """Targets 1 and -1 for either x: from weights of 0 there is nowhere to go."""
    X, y = np.array([[1.0], [1.0], [-1.0], [-1.0]] * 10), np.array([1.0, -1.0] * 20)
    options: Any = {
        "hidden_layer_sizes": [], "initializer": "zeros", "batch_size": "full", "epochs": 1,
        "optimizer": "momentum", "task": "regression", "validation": (X, y), "test": (X, y),
    }  # fmt: skip
    found = find_learning_rate(X, y, **options)
    assert (found.clear, found.learning_rate) == (False, 0.1)
    found.svg()
    with pytest.warns(RuntimeWarning, match="learning rate 0.1 for momentum: no rate from"):
        training = train(X, y, find_learning_rate=True, **options)
    assert training.model.options["learning_rate"] == 0.1


def test_a_loss_that_is_no_number_at_once() -> None:
    X, y = np.full((40, 1), 1e30) * np.arange(1, 41)[:, None], np.arange(40.0)
    with pytest.raises(DivergenceError, match="before the first step"):
        find_learning_rate(X, y, standardize=False, task="regression")


def test_ctrl_c_while_it_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingPlan, "run_epoch", interrupted)
    with pytest.raises(TrainingInterrupted) as caught:
        train("digits", find_learning_rate=tmp_path / "a.svg")
    assert caught.value.result is None
    assert caught.value.history.epochs == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt):
        find_learning_rate("digits")


def test_what_is_trained_elsewhere_is_refused_with_what_to_do() -> None:
    layers = Sequential([Dense(1)])
    X = np.ones((20, 2))
    for given in ((layers, X, X[:, 0]), (layers,)):
        with pytest.raises(
            ArgumentError, match=r"data .* found a Sequential: .*find_learning_rate"
        ) as c:
            find_learning_rate(*given)
        assert c.value.argument == "data"


def test_a_deep_network_of_sigmoids_that_falls_to_chance_has_learnt_nothing() -> None:
    found = find_learning_rate("digits", hidden_layer_sizes=[32] * 20, activation="sigmoid")
    assert not found.clear
    assert "brings the loss clearly below that of a constant prediction, 2.30" in found.reason


def test_the_sweeps_are_drawn_paler_than_their_mean() -> None:
    found = find_learning_rate("diabetes", hidden_layer_sizes=[4])
    (chart,) = found.figure().panels
    assert {line.weight for line in chart.marks[: len(found.losses)]} == {"thin"}
    assert chart.marks[len(found.losses)].weight == "strong"
