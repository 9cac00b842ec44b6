"""`fastnn train`: what it passes on, prints and writes; every bad input leaves nothing behind."""

import csv
import inspect
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.backend.engine import compiled_status
from fastnn.cli.main import build_parser
from fastnn.cli.train import as_given, default_out
from fastnn.datasets.builtin import DATASETS
from fastnn.model.files import load
from fastnn.nn.activations import ACTIVATIONS
from fastnn.nn.initializers import INITIALIZERS
from fastnn.nn.losses import LOSSES
from fastnn.nn.optimizers import OPTIMIZERS
from fastnn.nn.schedules import SCHEDULES
from fastnn.recipe.choices import OPTIONS
from fastnn.training.metrics import METRICS


def test_every_option_is_an_argument_of_train() -> None:
    everything = [
        "x", "--target", "t", "--task", "auto", "--categorical", "a,b", "--drop", "c",
        "--cache", "c", "--sheet", "S", "--bad-rows", "skip", "--delimiter", ";",
        "--encoding", "cp1252", "--no-header", "--decimal", ",",
        "--thousands", "space", "--missing=-,nil",
        "--split", "group:g", "--split-seed", "3", "--no-shuffle", "--date", "d,e",
        "--date-format", "%d.%m.%Y",
        "--fractions", ".5,.3,.2", "--validation", "v.csv", "--test", "t.csv", "--no-standardize",
        "--class-weight", "balanced", "--hidden", "3,2", "--activation", "relu,tanh",
        "--output-activation", "tanh", "--initializer", "zero", "--loss", "huber(delta=2)",
        "--label-smoothing", "0.1", "--dropout", "0.1,0.2",
        "--batch-normalization", "before(momentum=0.9),none", "--optimizer", "adam(beta1=0.8)",
        "--learning-rate", "0.1", "--schedule", "cosine", "--batch-size", "full",
        "--micro-batch-size", "64", "--epochs", "3",
        "--l2", "1", "--l1", "2", "--gradient-clip", "3", "--patience", "none", "--min-delta",
        "0.1", "--monitor", "f1", "--tolerance", "0.1", "--time-limit", "10m",
        "--metrics", "f1,top_k_accuracy(k=2)",
        "--device", "auto", "--engine", "numpy", "--dtype", "float64", "--seed", "7",
        "--keep-text", "d", "--missing-target", "error", "--sample-weight", "w",
        "--capture", "never", "--precision", "tf32", "--doctor", "--find-learning-rate",
    ]  # fmt: skip
    found = vars(build_parser().parse_args(["train", *everything]))
    own = {"command", "run", "traceback", "data", "out", "json", "quiet"}
    flags = {name for name, row in OPTIONS.items() if row.flag is not None}
    others = {"target", "validation", "test", "doctor", "find_learning_rate", "sample_weight"}
    assert set(found) - own == flags | others
    assert set(found) - own <= set(inspect.signature(train).parameters)
    assert found["hidden_layer_sizes"] == (3, 2)
    assert found["activation"] == ["relu", "tanh"]
    assert found["dropout"] == [0.1, 0.2]
    assert found["fractions"] == (0.5, 0.3, 0.2)
    assert found["metrics"] == ["f1", "top_k_accuracy(k=2)"]
    assert found["loss"] == "huber(delta=2)"
    assert found["patience"] is None
    assert found["standardize"] is False
    assert found["batch_size"] == "full"


def test_what_is_not_given_is_not_passed_on() -> None:
    found = vars(build_parser().parse_args(["train", "digits"]))
    assert set(found) == {"command", "run", "traceback", "data", "out", "json", "quiet"}


def test_help_lists_every_name_of_every_table(fastnn) -> None:
    shown = fastnn("train", "--help").out
    tables = (DATASETS, ACTIVATIONS, LOSSES, INITIALIZERS, OPTIMIZERS, SCHEDULES, METRICS)
    for table in tables:
        assert [name for name in table.names if name not in shown] == []


def test_json_is_one_document_with_the_promised_keys(fastnn, tmp_path: Path) -> None:
    ran = fastnn("train", "digits", "--epochs", 4, "--hidden", "16", "--json", "--out", "d.fastnn")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert found["task"] == "multiclass"
    assert found["target"] == "digit"
    assert found["device"] == "cpu"
    assert found["epochs"] == 4
    assert found["stopped"] == "epochs"
    assert found["seed"] == 0
    assert found["model"] == "d.fastnn"
    assert found["parameters"] == 64 * 16 + 16 + 16 * 10 + 10
    model = load(tmp_path / "d.fastnn")
    assert found["best_epoch"] == model.history.best_epoch
    for part in ("train", "validation", "test"):
        assert found[part] == pytest.approx(dict(model.report[part]))
    assert ran.err.count("epoch ") == 2, "the first and the last"


def test_the_engine_that_ran_is_said_everywhere(fastnn, tmp_path: Path) -> None:
    """What was asked for ran, and says so: in both documents, the summaries and the file."""
    said = {"engine": "numpy", "threads": 1, "reason": "engine='numpy' was asked for"}
    given = ("--engine", "numpy", "--epochs", 1, "--hidden", "4", "--quiet", "--out", "d.fastnn")
    assert json.loads(fastnn("train", "diabetes", *given, "--json").out)["engine"] == said
    assert json.loads(fastnn("inspect", "d.fastnn", "--json").out)["engine"] == said
    assert "engine    numpy on 1 thread (as asked)" in fastnn("inspect", "d.fastnn").out
    assert "numpy on 1 thread (as asked)\n" in fastnn("train", "diabetes", *given).out
    searched = ("search", "diabetes", "--grid", "l2=0", *given)
    assert json.loads(fastnn(*searched, "--json").out)["engine"] == said
    assert "the best, trained by numpy on 1 thread (as asked):\n" in fastnn(*searched).out


@pytest.mark.skipif(bool(compiled_status()), reason=f"no compiled code: {compiled_status()}")
def test_auto_says_why_it_compiles(fastnn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTNN_CACHE", str(tmp_path / "kernels"))
    given = ("--epochs", 300, "--patience", "none", "--batch-size", 8, "--hidden", "4", "--quiet")
    found = json.loads(fastnn("train", "diabetes", *given, "--json").out)["engine"]
    assert found["engine"] == "compiled"
    assert found["reason"].startswith("auto: compiling costs about 0.0")


def test_engine_means_the_same_in_every_command_that_has_it() -> None:
    """What runs the processes of a search is called `--workers`."""
    found = [
        (name, action.help)
        for name, command in build_parser().commands.items()
        for action in command._actions
        if "--engine" in action.option_strings
    ]
    assert {name for name, _ in found} >= {"train", "search", "predict", "evaluate"}
    assert len({text for _, text in found}) == 1


def test_the_same_seed_gives_what_the_library_gives(fastnn, tmp_path: Path) -> None:
    options = ("--hidden", "8", "--epochs", 3, "--seed", 5, "--optimizer", "momentum(beta=0.8)")
    assert fastnn("train", "breast_cancer", *options, "--quiet").code == 0
    model = train(
        "breast_cancer", hidden_layer_sizes=[8], epochs=3, seed=5, optimizer="momentum(beta=0.8)"
    ).model
    model.save(tmp_path / "twin.fastnn")
    written = (tmp_path / "breast_cancer.fastnn").read_bytes()
    assert written == (tmp_path / "twin.fastnn").read_bytes()


def test_a_table_is_printed_for_people(fastnn) -> None:
    ran = fastnn("train", "diabetes", "--epochs", 2, "--quiet")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].startswith("regression of 'progression', ")
    assert "10 inputs -> 128 relu -> 1 identity" in lines[1]
    assert lines[2].startswith("numpy on 1 thread (auto: compiling would cost about ")
    assert lines[3] == "trained all of the 2 epochs"
    assert lines[5:8] == [
        "rows     442: 265 train, 89 validation, 88 test",
        "columns  10 numeric, which become 10 inputs",
        "target   values of mean 155.6",
    ]
    assert lines[9].split() == ["loss", "r2", "rmse", "mae"]
    parts = ["train", "validation", "test", "baseline"]
    assert [line.split()[0] for line in lines[10:14]] == parts
    assert lines[15] == "baseline: the mean, 155.58, on the test part"
    assert lines[-1] == "model: diabetes.fastnn"
    assert max(map(len, lines)) <= 80


def test_a_model_that_is_no_better_than_a_constant_is_told_so(fastnn, tmp_path) -> None:
    rows = "\n".join(f"{(i * 7) % 31},{'yes' if i % 10 == 0 else 'no'}" for i in range(300))
    (tmp_path / "rare.csv").write_text(f"x,y\n{rows}\n")
    command = ("train", "rare.csv", "--target", "y", "--epochs", 2, "--quiet")
    ran = fastnn(*command)
    said = (
        "baseline: always 'no', on the test part\n"
        "the model is no better than that: its accuracy there is "
    )
    assert said in ran.out
    found = json.loads(fastnn(*command, "--json").out)
    assert found["baseline"]["predicts"] == "always 'no'"
    assert found["baseline"]["test"]["accuracy"] == 0.9
    assert found["baseline"]["beaten"] is False
    assert found["read"]["rows"] == {"train": 180, "validation": 60, "test": 60}
    ran = fastnn("search", "rare.csv", "--target", "y", "--epochs", 2, "--quiet", "--grid", "l2=0")
    assert said in ran.out
    assert "rows     300: 180 train, 60 validation, 60 test\n" in ran.out


def test_what_was_read_is_told_in_a_few_lines(fastnn, tmp_path) -> None:
    rows = "\n".join(
        f"guest {i},{'' if i % 9 == 0 else i},,{i % 3 if i > 4 else ''}" for i in range(90)
    )
    (tmp_path / "t.csv").write_text(f"name,size,gone,grade\n{rows}\n")
    ran = fastnn("train", "t.csv", "--target", "grade", "--epochs", 2, "--quiet")
    read = ran.out.split("\n\n")[1].splitlines()
    assert read[:4] == [
        "rows      85: 51 train, 17 validation, 17 test",
        "columns   1 numeric, which becomes 2 inputs",
        "left out  5 rows without a target; empty: 'gone'; nearly all different: 'name'",
        "gaps      filled: 'size' 9",
    ]
    assert read[4].startswith("target    3 classes (--task regression takes them as values): ")
    assert (read[5:], read[4].count("%")) == (["          33%"], 2)
    assert ran.err.splitlines() == [
        "fastnn: target 'grade': 5 of 90 rows have no value and are left out; --missing-target "
        "error refuses them",
        "fastnn: left out, without a value: 'gone'",
        "fastnn: left out, text that is another in nearly every row: 'name'; to keep one: "
        "--keep-text name",
    ]


def test_early_stopping_is_told(fastnn) -> None:
    ran = fastnn("train", "breast_cancer", "--patience", 1, "--learning-rate", 0.1, "--quiet")
    assert ran.code == 0
    assert ": nothing got better; kept epoch" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_a_file_with_everything_that_tables_have(fastnn, flats_csv: Path) -> None:
    options = ("--drop", "id", "--categorical", "rooms", "--hidden", "none", "--epochs", 5)
    ran = fastnn("train", "flats.csv", "--target", "price", *options, "--quiet", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert (found["task"], found["model"]) == ("regression", "flats.fastnn")
    model = load(flats_csv.with_name("flats.fastnn"))
    assert model.features.columns == ("area", "rooms", "town", "built")
    assert set(model.features.categories) == {"rooms", "town"}
    assert model.network.n_layers == 1


def test_parts_of_the_users_own_are_read_without_the_dropped_columns(
    fastnn, flats_csv: Path
) -> None:
    lines = flats_csv.read_text(encoding="utf-8").splitlines(keepends=True)
    for name, rows in (("v.csv", lines[1:31]), ("t.csv", lines[31:61])):
        flats_csv.with_name(name).write_text(lines[0] + "".join(rows), encoding="utf-8")
    parts = ("--validation", "v.csv", "--test", "t.csv", "--drop", "id", "--epochs", 2)
    ran = fastnn("train", "flats.csv", "--target", "price", *parts, "--quiet", "--json")
    assert ran.code == 0, ran.err
    model = load(flats_csv.with_name("flats.fastnn"))
    drop = ["id", "price"]
    for name, part in (("v.csv", "validation"), ("t.csv", "test")):
        from fastnn.reading.files import read_labelled

        table, price = read_labelled(str(flats_csv.with_name(name)), "price", drop=drop[:1])
        expected = model.evaluate(table, price)
        assert json.loads(ran.out)[part] == pytest.approx(expected, rel=1e-5)


def test_a_bad_part_of_the_users_own_is_named(fastnn, flats_csv: Path) -> None:
    flats_csv.with_name("v.csv").write_text("area,price\n3,4\n")
    ran = fastnn("train", "flats.csv", "--target", "price", "--validation", "v.csv")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("fastnn: error: --validation: ")


def test_an_undefined_metric_is_null_and_a_dash(fastnn, flats_csv: Path) -> None:
    """R2 of a test part with one price only is not defined."""
    header, first, *_ = flats_csv.read_text(encoding="utf-8").splitlines()
    flats_csv.with_name("t.csv").write_text(f"{header}\n{first}\n{first}\n", encoding="utf-8")
    command = ("train", "flats.csv", "--target", "price", "--test", "t.csv", "--drop", "id",
               "--epochs", 1, "--quiet")  # fmt: skip
    found = json.loads(fastnn(*command, "--json").out)
    assert found["test"]["r2"] is None
    assert math.isfinite(found["test"]["rmse"])
    lines = fastnn(*command).out.splitlines()
    assert next(line for line in lines if line.startswith("test")).split()[2] == "-"


def test_warnings_are_one_line_each(fastnn, flats_csv: Path) -> None:
    ran = fastnn("train", "flats.csv", "--target", "price", "--epochs", 1, "--quiet")
    assert ran.code == 0
    lines = ran.err.splitlines()
    assert len(lines) == 1, "not again for the names of the validation and of the test part"
    assert lines[0].startswith("fastnn: left out, text that is another in nearly every row: 'id'")
    assert lines[0].endswith("; to keep one: --keep-text id")


def test_device_auto_says_what_it_took(run_python) -> None:
    command = ("train", "diabetes", "--epochs", "1", "--device", "auto", "--json", "--quiet")
    done = run_python("-m", "fastnn", *command)
    assert done.returncode == 0
    if json.loads(done.stdout)["device"] == "cpu":
        assert done.stderr.startswith("fastnn: warning: device 'auto' uses the CPU: ")
        assert done.stderr.count("\n") == 1


def test_a_device_that_cannot_be_used_is_code_4_before_anything_else(fastnn, tmp_path) -> None:
    ran = fastnn("train", "digits", "--device", "cuda:9999")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("fastnn: error: --device 'cuda:9999' cannot be used: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["digits", "--activation", "rellu"], "unknown --activation 'rellu'; did you mean 'relu'?"),
        (["digits", "--optimizer", "adm"], "unknown --optimizer 'adm'; did you mean 'adam'?"),
        (["digits", "--optimizer", "adam(momentum=0.9)"], "'adam' has no option 'momentum'"),
        (["digits", "--schedule", "cosin"], "unknown --schedule 'cosin'; did you mean 'cosine'?"),
        (["digits", "--schedule", "cosine(power=2)"], "it belongs to inverse_scaling"),
        (["digits", "--initializer", "he"], "unknown --initializer 'he'"),
        (["digits", "--loss", "huber"], "loss 'huber' does not fit a multiclass target"),
        (["digits", "--metrics", "r2"], "metric 'r2' does not apply to a multiclass target"),
        (["digits", "--monitor", "f1"], "--monitor must be 'loss' or one of the metrics"),
        (["digits", "--task", "multi"], "--task must be one of auto, binary, multiclass"),
        (["digits", "--batch-size", "-5"], "--batch-size must be a whole number above 0"),
        (["digits", "--epochs", "0"], "--epochs must be a whole number above 0, found 0"),
        (["digits", "--learning-rate", "0"], "--learning-rate must be a number above 0"),
        (["digits", "--gradient-clip", "0"], "--gradient-clip must be a number above 0"),
        (["digits", "--l2", "-1"], "--l2 must be a number of 0 or more, found -1.0"),
        (["digits", "--dropout", "1"], "--dropout must be in [0, 1), found 1.0"),
        (["digits", "--activation", "relu,tanh"], "--activation has 2 entries but the network has"),
        (["digits", "--seed", "-1"], "--seed must be a whole number from 0"),
        (["digits", "--dtype", "float16"], "--dtype must be one of float32, float64"),
        (["digits", "--fractions", ".5,.5"], "--fractions must be three numbers"),
        (["digits", "--device", "gpu"], "unknown --device 'gpu'; did you mean 'cuda'?"),
        (
            ["digits", "--patience", "none", "--min-delta", "1"],
            "--min-delta 1.0 has no effect without --patience: set --patience",
        ),
        (
            ["digits", "--patience", "none", "--monitor", "loss"],
            "--monitor loss has no effect without --patience",
        ),
        (["digits", "--precision", "tf32"], "--precision tf32 has no effect on device 'cpu'"),
        (["digits", "--capture", "maybe"], "--capture must be one of auto, never, always"),
        (["digits", "--target", "digit"], "--target has no effect: data set 'digits' has its own"),
        (["diabetes", "--class-weight", "balanced"], "--class-weight has no effect in regression"),
        (["digits", "--class-weight", "even"], "--class-weight must be 'balanced'"),
        (["diabetes", "--label-smoothing", "0.1"], "'squared_error' has no option 'label_smooth"),
    ],
)
def test_an_argument_that_cannot_work_is_code_2(
    fastnn, tmp_path: Path, arguments: list[str], said: str
) -> None:
    ran = fastnn("train", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("fastnn: error: ")
    assert said in ran.err
    assert list(tmp_path.iterdir()) == []


GOOD = "".join(f"{i},{i % 2}\n" for i in range(30))
BAD_FILES = {
    "nothing": ("", (), "file 'bad.csv' is empty"),
    "no rows": ("x,y\n", (), "has a header line but no rows"),
    "numbers for names": ("5.1,3.5\n3,4\n", ("--target", "3.5"), "say --no-header"),
    "same names": (f"x,x,y\n{GOOD}", (), "two columns are called 'x'"),
    "a nameless column": (f"x,,y\n{GOOD}", (), "column 2 has no name"),
    "other target": (f"x,z\n{GOOD}", (), "target: no column 'y'"),
    "text among numbers": (f"x,y\n{GOOD}oops,1\n", (), "'oops'"),
    "infinity": (f"x,y\n{GOOD}inf,1\n", (), "inf is not a finite number"),
    "gap in the target": (
        f"x,y\n{GOOD}5,\n",
        ("--missing-target", "error"),
        "target column 'y', line 32 of 'bad.csv'",
    ),
    "gaps only": ("x,y\n" + "1,\n" * 30, (), "target 'y': no row has a value"),
    "one class": ("x,y\n" + "1,a\n2,a\n" * 20, (), "'a'"),
    "three classes": (f"x,y\n{GOOD}" + "5,2\n" * 9, ("--task", "binary"), "two classes, found 3"),
    "label out of range": (f"x,y\n{GOOD}5,2\n", ("--task", "multilabel"), "out of range"),
    "text to regress": ("x,y\n" + "1,a\n2,b\n" * 20, ("--task", "regression"), "the text 'a'"),
    "ragged": (f"x,y\n{GOOD}5,1,7\n", (), "line 32: 3 cells where the header has 2 columns"),
    "no features": ("y\n" + "1\n0\n" * 20, (), "no feature columns are left"),
    "dates": (f"d,x,y\n{''.join(f'1/{i}/2024,{i},1.5' + chr(10) for i in range(1, 13))}", (),
              "month cannot be told apart ('1/1/2024' ...); say which it is: --date-format "
              "%d/%m/%Y or --date-format %m/%d/%Y"),
    "no such date": (f"d,y\n{''.join(f'2021-02-{i:02},{i}.5' + chr(10) for i in range(1, 31))}", (),
                     "column 'd', line 30 of 'bad.csv': '2021-02-29' cannot be, in a column of "
                     "dates (written %Y-%m-%d); correct or empty the cell"),
    "dates as target": (f"x,y\n{''.join(f'{i},2024-1-{i}' + chr(10) for i in range(1, 29))}", (),
                        "target column 'y' holds dates or times; predict numbers"),
    "split by nothing": (f"x,y\n{GOOD}", ("--split", "time:w"), "--split: no column 'w'"),
    "absent drop": (f"x,y\n{GOOD}", ("--drop", "w"), "no column 'w'"),
    "negative counts": ("x,y\n" + "".join(f"{i},{i - 3.5}\n" for i in range(40)),
                        ("--loss", "poisson"), "loss 'poisson' needs values of at least 0"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_FILES)
def test_data_that_cannot_be_used_are_code_3(fastnn, tmp_path: Path, kind: str) -> None:
    text, options, said = BAD_FILES[kind]
    (tmp_path / "bad.csv").write_text(text)
    target = () if "--target" in options else ("--target", "y")
    ran = fastnn("train", "bad.csv", *target, *options, "--epochs", 1)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.count("\n") == 1
    assert said in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("digitz", "neither a file nor a built-in data set; did you mean 'digits'?"),
        ("absent.csv", "file 'absent.csv' does not exist"),
        ("notes.doc", "unknown type; the name must end in one of .csv"),
    ],
)
def test_data_that_are_not_there(fastnn, data: str, said: str) -> None:
    ran = fastnn("train", data, "--target", "y")
    assert ran.code == 3
    assert said in ran.err


@pytest.mark.parametrize(
    ("given", "columns"),
    [
        (["b,c"], ["b", "c"]),
        (["b", "c"], ["b", "c"]),
        (["b,c", "d, e"], ["b", "c", "d", "e"]),
        (['"a,b",c'], ["a,b", "c"]),
        (['"a,b"'], "a,b"),
        (["size (cm, in)"], "size (cm, in)"),
        (['"say ""x"""'], 'say "x"'),
        (["b"], "b"),
    ],
)
def test_several_targets(given: list[str], columns: list[str] | str, fastnn, tmp_path) -> None:
    arguments = [word for one in given for word in ("--target", one)]
    found = build_parser().parse_args(["train", "t.csv", *arguments])
    assert as_given(found)["target"] == columns
    names = [columns] if isinstance(columns, str) else columns
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["x", *names])
        writer.writerows([i, *(i / 7 + j for j in range(len(names)))] for i in range(40))
    ran = fastnn("train", "t.csv", *arguments, "--epochs", 1, "--quiet", "--json")
    assert json.loads(ran.out)["target"] == columns
    judged = fastnn("evaluate", "t.fastnn", "t.csv", *arguments, "--json")
    assert json.loads(judged.out)["target"] == columns
    assert fastnn("evaluate", "t.fastnn", "t.csv", "--json").out == judged.out


def test_weights_of_a_column(fastnn, tmp_path) -> None:
    rows = "\n".join(f"{i},{1 + i % 3},{i % 2}" for i in range(60))
    (tmp_path / "t.csv").write_text(f"x,w,y\n{rows}\n")
    how = ("--target", "y", "--epochs", 2, "--quiet", "--json")
    ran = fastnn("train", "t.csv", "--sample-weight", "w", *how)
    assert (ran.code, ran.err) == (0, "")
    assert load("t.fastnn").features.columns == ("x",)
    judged = fastnn("evaluate", "t.fastnn", "t.csv", "--json")
    assert judged.err == ""
    wanted = load("t.fastnn").evaluate("t.csv")
    assert wanted.items() <= json.loads(judged.out)["metrics"].items()
    for command in ("explain", "report", "diagnose"):
        more = () if command != "explain" else ("--repeats", 1)
        if command == "diagnose":
            ran = fastnn("inspect", "t.fastnn", "--weights", "t.csv")
        else:
            ran = fastnn(command, "t.fastnn", "t.csv", *more)
        assert (ran.code, ran.err) == (0, ""), command
    again = fastnn("train", "--config", "t.fastnn", "--out", "u.fastnn", "--quiet", "--json")
    assert again.code == 0, again.err
    assert load("u.fastnn").features.weight == "w"
    ran = fastnn("train", "t.csv", "--sample-weight", "v", *how)
    assert (ran.code, "--sample-weight: no column 'v'" in ran.err) == (3, True)


def test_a_file_without_target_names_its_columns(fastnn, flats_csv: Path) -> None:
    ran = fastnn("train", "flats.csv")
    assert ran.code == 2
    assert "'flats.csv' needs --target COL" in ran.err
    assert "(columns: id, area, rooms, town, built, price)" in ran.err


def test_divergence_is_code_1_and_saves_nothing(fastnn, tmp_path: Path) -> None:
    ran = fastnn("train", "diabetes", "--learning-rate", "1e30", "--quiet")
    assert (ran.code, ran.out) == (1, "")
    assert "the loss is" in ran.err
    assert "--gradient-clip 1" in ran.err
    assert ran.err.endswith("; nothing is saved\n")
    assert list(tmp_path.iterdir()) == []


class TestWhereTheModelGoes:
    def test_a_folder_that_is_not_there_is_told_before_training(self, fastnn) -> None:
        ran = fastnn("train", "digits", "--out", "absent/m.fastnn")
        assert ran.code == 3
        assert "there is no folder" in ran.err
        assert "epoch" not in ran.err

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder nobody can write")
    def test_a_folder_that_cannot_be_written_is_told_before_training(self, fastnn) -> None:
        ran = fastnn("train", "digits", "--out", "/proc/m.fastnn")
        assert ran.code == 3
        assert "nothing can be written into the folder '/proc'" in ran.err
        assert "epoch" not in ran.err

    def test_a_path_below_a_file(self, fastnn, flats_csv: Path) -> None:
        ran = fastnn("train", "digits", "--out", "flats.csv/m.fastnn")
        assert ran.code == 3
        assert "there is no folder" in ran.err

    def test_a_folder_of_that_name(self, fastnn, tmp_path: Path) -> None:
        ran = fastnn("train", "digits", "--out", tmp_path)
        assert ran.code == 3
        assert "is a folder; name a file in it" in ran.err

    def test_a_foreign_file_is_not_replaced(self, fastnn, flats_csv: Path) -> None:
        before = flats_csv.read_bytes()
        ran = fastnn("train", "digits", "--epochs", 1, "--out", "flats.csv")
        assert ran.code == 2
        assert "is there already and is not a model" in ran.err
        assert flats_csv.read_bytes() == before

    def test_the_data_are_not_replaced(self, fastnn, flats_csv: Path) -> None:
        ran = fastnn("train", "flats.csv", "--target", "price", "--out", "./flats.csv")
        assert ran.code == 2
        assert "--out is the file './flats.csv', which is DATA" in ran.err

    def test_an_earlier_model_is_replaced_and_that_is_said(self, fastnn, tmp_path: Path) -> None:
        first = fastnn("train", "diabetes", "--epochs", 1, "--quiet")
        before = (tmp_path / "diabetes.fastnn").read_bytes()
        second = fastnn("train", "diabetes", "--epochs", 1, "--seed", 1, "--quiet")
        assert (first.err, second.code) == ("", 0)
        assert second.err == "fastnn: the model that was in diabetes.fastnn is replaced\n"
        assert (tmp_path / "diabetes.fastnn").read_bytes() != before

    def test_the_default_is_named_after_the_data(self) -> None:
        assert default_out("digits") == "digits.fastnn"
        assert default_out("/data/a.b.parquet") == "a.b.fastnn"
        assert default_out("T.CSV.GZ") == "T.fastnn"


def test_npz_and_parquet_are_read_too(fastnn, tmp_path: Path, rng: np.random.Generator) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")
    X, y = rng.normal(size=(60, 3)), np.tile([0, 1], 30)
    np.savez(tmp_path / "a.npz", x=X, y=y)
    parquet.write_table(pa.table({"x": X[:, 0], "y": y}), tmp_path / "b.parquet")
    for name in ("a.npz", "b.parquet"):
        ran = fastnn("train", name, "--target", "y", "--epochs", 1, "--quiet", "--json")
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["task"] == "binary"


def test_batch_normalisation_where_it_is_wanted(fastnn, tmp_path) -> None:
    ran = fastnn(
        "train", "digits", "--hidden", "12,8", "--batch-normalization",
        "before(momentum=0.9),none", "--epochs", "2", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "64 inputs -> 12 relu (batch norm before) -> 8 relu -> " in ran.out
    rules = load(tmp_path / "digits.fastnn").network.batch_norm
    assert [rule and (rule.place, rule.momentum) for rule in rules] == [("before", 0.9), None, None]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--batch-normalization", "inside"],
         "unknown --batch-normalization 'inside' (known: before"),
        (["--batch-normalization", "before", "--hidden", "none"],
         "--batch-normalization before has no effect: there is no hidden layer"),
        (["--batch-normalization", "after", "--batch-size", "1"], "a batch of one example is 0"),
    ],
)  # fmt: skip
def test_batch_normalisation_that_cannot_be(fastnn, options, said) -> None:
    ran = fastnn("train", "digits", *options)
    assert ran.code == 2
    assert said in ran.err


DEEP = ("digits", "--hidden", "16" + ",16" * 11, "--activation", "sigmoid", "--epochs", 2)
CURE = "try --activation relu, or --batch-normalization before, or fewer layers"


def test_the_doctor_says_what_is_wrong_at_once_and_in_the_end(fastnn) -> None:
    ran = fastnn("train", *DEEP, "--doctor")
    assert ran.code == 0
    first, *rest = ran.err.splitlines()
    assert first.startswith("fastnn: doctor: vanishing gradients (before training): the size of dZ")
    assert first.endswith(CURE)
    assert rest[0].startswith("epoch 1/2")
    block = rest[rest.index("") + 1 :]
    assert block[0].startswith("doctor: 4 looks; at the end, on 1,000 examples (loss 2.3")
    header = ["layer", "A", "dW", "dZ", "/", "dZ[13]", "units", "update", "/", "W"]
    assert block[1].split() == header
    assert [line.split()[0] for line in block[2:15]] == [
        *("1:", "2:", "3:", "4:", "5:", "6:", "...", "8:", "9:", "10:", "11:", "12:", "13:")
    ]
    assert "dZ / dZ[13]: size of a layer's error signal, relative to the last layer's" in " ".join(
        block
    )
    assert "(from before training to the end): the size of dZ in layer 1" in " ".join(block)
    assert CURE in " ".join(" ".join(block).split())
    assert max(map(len, block)) <= 80
    assert "warning" not in ran.err
    assert "doctor" not in ran.out


def test_quietly_the_doctor_says_it_in_the_end_alone(fastnn) -> None:
    lines = fastnn("train", *DEEP, "--doctor", "--quiet").err.splitlines()
    assert lines[0] == ""
    assert lines[1].startswith("doctor: 4 looks")
    healthy = fastnn("train", "digits", "--epochs", 3, "--doctor", "--quiet", "-o", "h.fastnn")
    assert healthy.err.splitlines()[-1] == "nothing is found to be wrong"


def test_the_doctor_in_json(fastnn) -> None:
    found = json.loads(fastnn("train", *DEEP, "--doctor", "--json").out)
    names = [finding["name"] for finding in found["findings"]]
    assert names == ["vanishing gradients", "loss at chance"]
    assert found["findings"][0]["cure"] == CURE
    assert [look["when"] for look in found["looks"]] == found["findings"][0]["when"]
    assert found["looks"][0]["layers"][0]["delta"] < 1e-6
    assert found["looks"][0]["layers"][0]["update"] > 0
    found = json.loads(fastnn("train", "digits", "--epochs", 3, "--json", "-o", "h.fastnn").out)
    assert found["findings"] == []
    assert "looks" not in found


def test_what_costs_nothing_to_find_is_a_warning_after_any_training(fastnn) -> None:
    ran = fastnn("train", "digits", "--epochs", 5, "--hidden", "32", "--quiet", "--initializer",
                 "zero", "--activation", "tanh")  # fmt: skip
    zero, chance = ran.err.splitlines()
    assert zero == (
        "fastnn: warning: zero initialisation: the 32 units of layer 1 have equal weights, and so "
        "learn the same; try another --initializer, or none"
    )
    assert chance.startswith("fastnn: warning: loss at chance: the best validation loss is 2.30")
    assert fastnn("train", "digits", "--epochs", 2, "--quiet", "-o", "h.fastnn").err == ""
    alone = fastnn("train", *DEEP[:-1], 5, "--quiet", "-o", "d.fastnn").err
    assert alone.endswith("or look at the layers: --doctor\n")
    assert alone.count("\n") == 1


def test_of_a_training_that_diverges_the_doctor_says_what_it_saw(fastnn, tmp_path: Path) -> None:
    given = ("train", "diabetes", "--optimizer", "sgd", "--learning-rate", 100, "--quiet")
    ran = fastnn(*given, "--doctor")
    assert ran.code == 1
    assert "doctor: 2 looks" in ran.err
    assert "learning rate too high: the loss was no longer a number in epoch 1" in ran.err
    assert ran.err.splitlines()[-1].startswith("fastnn: error: epoch 1, step ")
    assert len(fastnn(*given).err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_search_has_no_doctor(fastnn) -> None:
    ran = fastnn("search", "digits", "--grid", "l2=0,1", "--doctor")
    assert ran.code == 2
    assert "unknown argument '--doctor'" in ran.err


def test_the_account_goes_on_below_itself_and_cuts_no_word(fastnn, tmp_path) -> None:
    columns = [f"a_rather_long_name_{j}" for j in range(12)]
    rows = [
        [
            *("" if (i + j) % 9 == 0 else f"{i * j % 7}.5" for j in range(12)),
            f"class_number_{i % 8}",
        ]
        for i in range(160)
    ]
    table = "\n".join(map(",".join, [[*columns, "kind"], *rows]))
    (tmp_path / "a.csv").write_text(table)
    how = ("--epochs", 1, "--hidden", "2", "--quiet", "--out", "m.fastnn")
    ran = fastnn("train", "a.csv", "--target", "kind", "--drop", ",".join(columns[:6]), *how)
    read = ran.out.split("\n\n")[1].splitlines()
    assert max(map(len, read)) <= 80
    assert len(read) <= 12
    words = " ".join(ran.out.split("\n\n")[1].split())
    assert "6 numeric, which become 12 inputs" in words
    assert "'a_rather_long_name_6' " in words
    assert re.search(
        r"target 8 classes: ('class_number_\d' \d+%, ){5}'class_number_\d' \d+%", words
    )
    indent = read[0].index("160")
    assert all(line[:indent].strip() == "" or line[indent - 1] == " " for line in read)
