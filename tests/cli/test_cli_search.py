"""`fastnn search`: the grid as text, the table, the CSV file and the model."""

import csv
import json
from pathlib import Path

import pytest

from fastnn.cli.main import build_parser
from fastnn.cli.search import read_grid
from fastnn.cli.train import ARGUMENTS
from fastnn.errors import ArgumentError
from fastnn.model.files import load
from fastnn.model.grid import LogUniform

GRID = "initializer=glorot_uniform,he_normal;learning_rate=1e-3,1e-1"


def test_a_table_a_csv_file_and_the_best_model(fastnn, tmp_path: Path) -> None:
    ran = fastnn("search", "digits", "--grid", GRID, "--epochs", 3, "--hidden", 8, "--quiet")
    assert ran.code == 0, ran.err
    assert ran.err == ""
    assert ran.out.startswith("4 combinations, ")
    assert "model: digits.fastnn\nresults: digits.search.csv" in ran.out
    with open(tmp_path / "digits.search.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    losses = [float(row["validation loss"]) for row in rows]
    assert losses == sorted(losses)
    model = load(str(tmp_path / "digits.fastnn"))
    assert model.report["validation"]["loss"] == losses[0]
    assert sorted(model.report) == ["test", "train", "validation"]
    assert model.options["initializer"]["name"] == rows[0]["initializer"]


def test_json_is_one_document(fastnn, tmp_path: Path) -> None:
    ran = fastnn(
        "search", "digits", "--grid", "l2=0,1", "--epochs", 1,
        "--quiet", "--json", "--out", "m.fastnn", "--csv", "t.csv", "--by", "accuracy",
    )  # fmt: skip
    found = json.loads(ran.out)
    assert found["by"] == "accuracy"
    assert len(found["candidates"]) == 2
    assert found["best"] == {"l2": found["candidates"][0]["l2"]}
    assert {"train", "validation", "test"} <= set(found)
    assert (tmp_path / "m.fastnn").is_file()
    assert (tmp_path / "t.csv").is_file()


def test_random_combinations_of_a_range(fastnn) -> None:
    ran = fastnn(
        "search", "diabetes", "--grid", "learning_rate=1e-4..1e-1;hidden=[4],[4,4]", "--random",
        3, "--epochs", 1, "--quiet", "--folds", 2,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.out.startswith("3 combinations")


def test_progress_goes_to_standard_error(fastnn) -> None:
    ran = fastnn("search", "diabetes", "--grid", "seed=0,1", "--epochs", 2)
    assert [line[:9] for line in ran.err.splitlines()] == ["epoch 1/2", "epoch 2/2"]


def test_what_is_there_is_replaced_and_said(fastnn) -> None:
    given = ("search", "diabetes", "--grid", "l2=0,1", "--epochs", 1, "--quiet")
    assert fastnn(*given).err == ""
    assert fastnn(*given).err.splitlines() == [
        "fastnn: diabetes.fastnn is replaced",
        "fastnn: diabetes.search.csv is replaced",
    ]


def test_every_option_of_train_is_there_but_for_the_engine() -> None:
    found = vars(build_parser().parse_args(
        ["search", "x", "--grid", "l2=0", "--backend", "numpy", "--engine", "dask", "--jobs", "2"]
    ))  # fmt: skip
    assert (found["engine"], found["workers"], found["jobs"]) == ("numpy", "dask", 2)
    trained = vars(build_parser().parse_args(["train", "x", "--engine", "numpy"]))
    assert set(trained) - {"engine"} <= set(found)
    assert "engine" in ARGUMENTS


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("learning_rate=1e-3,1e-2", {"learning_rate": [1e-3, 1e-2]}),
        ("learning-rate=1e-3", {"learning_rate": [1e-3]}),
        ("hidden=[64,32],[64],[]", {"hidden_layer_sizes": [(64, 32), (64,), ()]}),
        ("hidden_layer_sizes=8", {"hidden_layer_sizes": [(8,)]}),
        ("activation=leaky_relu(slope=0.2),[relu,tanh]",
         {"activation": ["leaky_relu(slope=0.2)", ["relu", "tanh"]]}),
        ("batch_size=32,full; patience=none,3",
         {"batch_size": [32, "full"], "patience": [None, 3]}),
        ("l2=1e-4..1", {"l2": LogUniform(1e-4, 1.0)}),
        ("dropout=0,0.5;seed=1", {"dropout": [0.0, 0.5], "seed": [1]}),
    ],
)  # fmt: skip
def test_grids_as_text(text: str, grid: object) -> None:
    assert read_grid(text) == grid


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat=1", "--grid: unknown argument '--learning-rat=1'; did you mean"),
        ("learning_rate=x", "--grid: argument --learning-rate: needs a number, found 'x'"),
        ("learning_rate", "not of the form NAME=A,B"),
        ("learning_rate=", "not of the form NAME=A,B"),
        ("l2=0,,1", "empty entry in '0,,1'"),
        ("l2=0;;l1=1", "empty entry"),
        ("l2=0;l2=1", "l2 is there twice"),
        ("batch_size=8..64", "takes no numbers of which there could be a range"),
        ("l2=0..1", "a range goes from a number above 0"),
        ("momentum=0.9", "write --optimizer momentum|unknown argument"),
    ],
)
def test_grids_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        read_grid(text)


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (["--grid", "l2=0", "--l2", "1"], 2, "l2 is given twice, in --grid and beside it"),
        (["--grid", "l2=0", "--engine", "ray"], 2, "--engine must be 'joblib' or 'dask'"),
        (["--grid", "l2=0", "--random", "5"], 2, "--random 5 is more than the 1 combinations"),
        (["--grid", "l2=0", "--precision", "tf32"], 2, "--precision tf32 has no effect on device"),
        (["--grid", "l2=-1"], 2, "l2 must be a number of 0 or more"),
        (["--grid", "l2=0", "--csv", "no/such.csv"], 3, "--csv: there is no folder"),
        (["--grid", "l2=0", "--csv", "diabetes.fastnn"], 2, "--csv and --out are the same file"),
        ([], 2, "the following arguments are required: --grid"),
    ],
)
def test_what_cannot_work(fastnn, given: list[str], code: int, message: str) -> None:
    ran = fastnn("search", "diabetes", *given, "--epochs", 1, "--quiet")
    assert ran.code == code
    assert message in ran.err
