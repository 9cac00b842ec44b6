"""`fastnn search`: the grid as text, the table, the CSV file and the model."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fastnn.api.search_grid import LogUniform, expand
from fastnn.cli.main import build_parser
from fastnn.cli.search import read_grid
from fastnn.errors import ArgumentError
from fastnn.model.files import load
from tests.waiting import HANG, SAYING_EVERY_EPOCH

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


def test_the_examples_of_the_help_can_be_read(fastnn) -> None:
    lines = [line for line in fastnn("search", "--help").out.splitlines() if '--grid "' in line]
    assert len(lines) == 3
    for line in lines:
        assert expand(read_grid(line.split('"')[1]), 5 if "--random" in line else None)
    assert read_grid("shuffle=yes,no") == {"shuffle": [True, False]}


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


def test_every_option_of_train_is_there_and_means_the_same() -> None:
    found = vars(build_parser().parse_args(
        ["search", "x", "--grid", "l2=0", "--engine", "numpy", "--workers", "dask", "--jobs", "2"]
    ))  # fmt: skip
    assert (found["engine"], found["workers"], found["jobs"]) == ("numpy", "dask", 2)
    trained = vars(build_parser().parse_args(["train", "x", "--engine", "numpy"]))
    assert set(trained) <= set(found)


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
        ("learning_rat=1", "grid: unknown option 'learning_rat'; did you mean 'learning_rate'"),
        ("learning_rate=x", "grid: learning_rate: needs a number, found 'x'"),
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
        (["--grid", "l2=0", "--workers", "ray"], 2, "--workers must be one of joblib, dask"),
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


# --------------------------------------------------------------------------- interruptions

ROOT = Path(__file__).resolve().parents[2]
COMMAND = SAYING_EVERY_EPOCH
#: The command, which says on standard error when a share of the trainings has come back.
TELLING = """
import sys
from fastnn.cli.main import main
from fastnn.api import search_workers as workers

def telling(run):
    def told(*given):
        for found in run(*given):
            yield found
            print("share", found[0], file=sys.stderr, flush=True)  # when the next is asked for
    return told

workers._joblib, workers._dask = telling(workers._joblib), telling(workers._dask)
if __name__ == "__main__":
    sys.exit(main())
"""


def interrupted(
    folder: Path, command: list[str], seen: str, number: signal.Signals, *, group: bool
) -> tuple[int, str, list[str]]:
    """Run a command and send a signal when a line begins with ``seen``; its lines after that.

    ``group``: to all processes that it has started, too, as a terminal sends Ctrl-C.
    """
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        before = []
        for line in process.stderr:
            before.append(line)
            if " ".join(line.split()).startswith(seen):
                break
        else:
            pytest.fail(f"ended by itself: {before}")
        (os.killpg if group else os.kill)(process.pid, number)
        out, err = process.communicate(timeout=HANG)
    lines = [line for line in err.splitlines() if not line.startswith("epoch ")]
    return process.returncode, out, lines


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 128 + 15), (signal.SIGHUP, 128 + 1)],
    ids=["Ctrl-C", "kill", "a closed terminal"],
)
def test_a_signal_keeps_what_was_done(tmp_path: Path, number: signal.Signals, code: int) -> None:
    given = ["search", "digits", "--grid", "epochs=1,2,100000", "--patience", "none"]
    found, out, err = interrupted(
        tmp_path, [*COMMAND, *given, "--hidden", "8"], "epoch 3/100000", number, group=False
    )
    assert found == code
    assert err == [
        "fastnn: interrupted: 2 of 3 trainings were done: the best so far is saved in "
        "digits.fastnn, the results in digits.search.csv"
    ]
    assert out.startswith("2 of 3 combinations, ")
    assert [row["epochs"] for row in rows_of(tmp_path / "digits.search.csv")] == ["2", "1"]
    model = load(tmp_path / "digits.fastnn")
    assert (len(model.history.epochs), model.history.stopped) == (2, "epochs")
    assert sorted(model.report) == ["test", "train", "validation"]


def test_one_that_stopped_early_is_done_while_others_go_on(tmp_path: Path) -> None:
    given = ["search", "digits", "--grid", "patience=1,none;learning_rate=1", "--epochs", "100000"]
    found, out, err = interrupted(
        tmp_path, [*COMMAND, *given, "--hidden", "8", "--json"], "epoch 90/100000", signal.SIGINT,
        group=True,
    )  # fmt: skip
    assert found == 130, err
    assert "1 of 2 trainings were done" in err[0]
    document = json.loads(out)
    assert document["interrupted"]
    assert [c["stopped"] for c in document["candidates"]] == ["early_stopping"]


def test_a_combination_counts_when_all_its_folds_are_done(tmp_path: Path) -> None:
    given = ["search", "digits", "--grid", "epochs=2,100000", "--patience", "none", "--folds", "2"]
    found, out, err = interrupted(
        tmp_path, [*COMMAND, *given, "--hidden", "8"], "epoch 3/100000", signal.SIGINT, group=True
    )
    assert found == 130, err
    assert err == [
        "fastnn: interrupted: 2 of 4 trainings were done, 1 of 2 combinations in all their folds: "
        "the best so far is saved in digits.fastnn, the results in digits.search.csv"
    ]
    assert [row["epochs"] for row in rows_of(tmp_path / "digits.search.csv")] == ["2"]
    assert "1 of 2 combinations" in out


def test_where_nothing_was_done_that_is_said(tmp_path: Path) -> None:
    given = ["search", "digits", "--grid", "l2=0,1", "--epochs", "100000", "--patience", "none"]
    found = interrupted(
        tmp_path, [*COMMAND, *given, "--hidden", "8"], "epoch 3/", signal.SIGINT, group=True
    )
    assert found == (
        130, "", ["fastnn: interrupted: 0 of 2 trainings were done: nothing is saved"]
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("workers", "number", "group"),
    [
        pytest.param("joblib", signal.SIGINT, False, id="joblib, one process"),
        pytest.param("joblib", signal.SIGINT, True, id="joblib, all of them"),
        pytest.param("joblib", signal.SIGHUP, True, id="joblib, a closed terminal"),
        # That dask's processes, too, hear neither of the two signals: tests/api/test_search.py.
        pytest.param("dask", signal.SIGINT, True, id="dask, all of them"),
    ],
)
def test_with_processes_the_shares_that_were_done(
    workers: str, number: signal.Signals, group: bool, tmp_path: Path
) -> None:
    pytest.importorskip({"joblib": "joblib", "dask": "distributed"}[workers])
    script = tmp_path / "telling.py"
    script.write_text(TELLING, encoding="utf-8")
    given = ["search", "digits", "--grid", "epochs=1,100000", "--patience", "none", "--jobs", "2"]
    found, out, err = interrupted(
        tmp_path, [sys.executable, str(script), *given, "--hidden", "8", "--workers", workers],
        "share 0", number, group=group,
    )  # fmt: skip
    assert found == 128 + number, err
    if number == signal.SIGHUP:  # what Python's helpers say as they die would go to no terminal
        err = [line for line in err if line.startswith("fastnn: interrupted")]
    assert err == [
        "fastnn: interrupted: 1 of 2 trainings were done: the best so far is saved in "
        "digits.fastnn, the results in digits.search.csv"
    ]
    assert out.startswith("1 of 2 combinations")
    assert len(rows_of(tmp_path / "digits.search.csv")) == 1
    assert len(load(tmp_path / "digits.fastnn").history.epochs) == 1
