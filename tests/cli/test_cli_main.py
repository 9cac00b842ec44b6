"""Exit codes, streams, signals, and errors in one line with the cure."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastnn.cli.main import build_parser, explain, main
from fastnn.errors import (
    ArgumentError,
    DataError,
    DeviceError,
    DivergenceError,
    FastnnError,
    MissingExtraError,
    ModelFileError,
)
from fastnn.model.files import load
from tests.waiting import HANG, SAYING_EVERY_EPOCH

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
COMMAND = [sys.executable, "-m", "fastnn"]


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and text.startswith("fastnn: error: ")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ArgumentError("x"), 2),
        (DataError("x"), 3),
        (ModelFileError("x"), 3),
        (DeviceError("x"), 4),
        (DivergenceError("x"), 1),
        (FastnnError("x"), 1),
        (MissingExtraError("x", name="sklearn"), 1),
    ],
)
def test_every_error_class_has_its_exit_code(error: Exception, code: int) -> None:
    assert explain(error) == (code, "x")


def test_errors_of_others_are_told_in_one_line_too() -> None:
    assert explain(ModuleNotFoundError("no", name="safetensors")) == (
        1,
        "the library 'safetensors' is not installed: pip install safetensors",
    )
    code, message = explain(FileNotFoundError(2, "No such file or directory", "a.csv"))
    assert (code, message) == (
        3, "file 'a.csv' cannot be read or written: No such file or directory",
    )  # fmt: skip
    assert "PYTHONUTF8=1" in explain(UnicodeEncodeError("ascii", "é", 0, 1, "no"))[1]
    assert "batch size" in explain(MemoryError("8 GB"))[1]
    assert "defect of fastnn" in explain(ZeroDivisionError("division by zero"))[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--"], "required: COMMAND (see fastnn --help)"),
        (["--quiet"], "required: COMMAND (see fastnn --help)"),
        (["trian", "digits"], "unknown command 'trian'; did you mean 'train'?"),
        (
            ["fly"],
            "unknown command 'fly' (known: train, search, predict, evaluate, ",
        ),
        (
            ["train"],
            "DATA is missing: name a built-in data set or a file (see fastnn train --help)",
        ),
        (["train", "digits", "--optimiser", "adam"], "did you mean '--optimizer'?"),
        (["train", "digits", "--optim", "adam"], "unknown argument '--optim'"),
        (["predict", "m.fastnn", "a.csv", "--epochs=2"], "an option of fastnn train and search"),
        (["train", "digits", "--threshold", "0.3"], "it is an option of fastnn predict (see"),
        (["train", "digits", "more"], "'digits' is a built-in data set and no file"),
        (["train", "digits", "--momentum", "0.9"], "'--momentum'; write --optimizer momentum"),
        (["train", "digits", "--weight-decay=1"], "--optimizer 'adamw(weight_decay=0.01)'"),
        (["train", "digits", "--beta", "1"], "write for example --optimizer 'momentum(beta=0.9)'"),
        (["train", "digits", "--power", "2"], "--schedule 'inverse_scaling(power=0.5)'"),
        (["train", "digits", "--warm-up", "5"], "--schedule 'cosine(warm_up=5)'"),
        (["train", "digits", "--hidden-layer-sizes", "8"], "sizes'; write --hidden (see"),
        (["train", "digits", "--threads", "2"], "'--threads'; there are as many threads as cores"),
        (
            ["train", "digits", "--header"],
            "unknown argument '--header'; did you mean '--no-header'?",
        ),
        (["train", "digits", "--lr", "0.1"], "unknown argument '--lr'; write --learning-rate"),
        (["train", "digits", "--epochs", "ten"], "--epochs: needs a whole number, found 'ten'"),
        (["train", "digits", "--l2", "much"], "--l2: needs a number, found 'much'"),
        (["train", "digits", "--hidden", "64,x"], "needs layer sizes such as 256,128, or none"),
        (["train", "digits", "--hidden", "64,0"], "needs layer sizes such as 256,128, or none"),
        (
            ["train", "digits", "--patience", "no"],
            "needs a whole number, found 'no'; or write none",
        ),
        (["train", "digits", "--metrics", "f1,,r2"], "has an empty entry in 'f1,,r2'"),
        (["predict", "m.fastnn"], "required: DATA"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(fastnn, arguments: list[str], said: str) -> None:
    ran = fastnn(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert one_line(ran.err)
    assert said in ran.err


def test_help_and_version(fastnn) -> None:
    assert fastnn("--version").out.startswith("fastnn ")
    shown = fastnn("--help")
    assert shown.code == 0
    for command in build_parser().commands:
        assert command in shown.out
        one = fastnn(command, "--help")
        assert (one.code, one.err) == (0, "")
        assert one.out.startswith(f"usage: fastnn {command}")


def test_nothing_at_all_prints_the_help(fastnn) -> None:
    alone, asked = fastnn(), fastnn("--help")
    assert (alone.code, alone.err) == (0, "")
    assert alone.out == asked.out
    assert alone.out.startswith("usage: fastnn ")


def test_help_fits_into_80_columns(fastnn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in ([], *([name] for name in build_parser().commands)):
        lines = fastnn(*command, "--help").out.splitlines()
        assert [line for line in lines if len(line) > 80] == []


def test_the_parser_waits_for_nothing_heavy(run_python) -> None:
    code = (
        "import sys; from fastnn.cli.main import main; main(['--help'])\n"
        "print([name for name in ('numpy', 'rich', 'pyarrow') if name in sys.modules])"
    )
    done = run_python("-c", code)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_results_on_stdout_progress_and_errors_on_stderr(run_python, tmp_path: Path) -> None:
    done = run_python("-m", "fastnn", "train", "diabetes", "--epochs", "2")
    assert done.returncode == 0
    assert "epoch 1/2" in done.stderr
    assert "epoch 1/2" not in done.stdout
    assert "diabetes.fastnn" in done.stdout
    wrong = run_python("-m", "fastnn", "train", "diabetes", "--activation", "rellu")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert one_line(wrong.stderr)
    assert "unknown --activation 'rellu'; did you mean 'relu'?" in wrong.stderr


def test_traceback_only_when_asked_for(fastnn) -> None:
    plain = fastnn("inspect", "absent.fastnn")
    assert one_line(plain.err)
    full = fastnn("inspect", "absent.fastnn", "--traceback")
    assert (plain.code, full.code) == (3, 3)
    assert "Traceback (most recent call last)" in full.err
    assert full.err.endswith(plain.err)


def test_a_defect_is_one_line_with_what_to_do(
    fastnn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fastnn.cli.diagnose as diagnose

    monkeypatch.setattr(diagnose, "gather", lambda: {})
    ran = fastnn("info")
    assert ran.code == 1
    assert one_line(ran.err)
    assert "KeyError" in ran.err
    assert "--traceback" in ran.err


@pytest.mark.parametrize("form", ["--format=csv", "--format=jsonl", "--format=parquet", "--json"])
def test_a_reader_that_has_seen_enough_is_no_error(models: Path, form: str) -> None:
    """`fastnn predict ... | head`: the pipe is closed long before all is written."""
    arguments = ["predict", str(models / "digits.fastnn"), "digits", "--proba", form]
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert len(process.stdout.read(10)) == 10
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(HANG) == 0
    assert b"Error" not in said
    assert b"error" not in said


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 128 + 15), (signal.SIGHUP, 128 + 1)],
    ids=["Ctrl-C", "kill", "a closed terminal"],
)
def test_a_signal_saves_the_model(tmp_path: Path, number: signal.Signals, code: int) -> None:
    arguments = ["train", "digits", "--epochs", "100000", "--patience", "none", "--hidden", "8"]
    with subprocess.Popen(
        [*SAYING_EVERY_EPOCH, *arguments, "--out", "cut.fastnn"], cwd=tmp_path, env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if line.split()[1].startswith("3/"):
                break
        process.send_signal(number)
        out, err = process.communicate(timeout=HANG)
    assert process.returncode == code
    model = load(tmp_path / "cut.fastnn")
    assert model.history.stopped == "interrupted"
    assert model.history.best_epoch == len(model.history.epochs) >= 3
    assert f"weights of epoch {model.history.best_epoch} is saved in cut.fastnn" in err
    assert "interrupted after epoch" in out
    assert model.predict(np.zeros((2, 64))).shape == (2,)
    assert "Traceback" not in err


def test_sigint_before_the_first_epoch_leaves_nothing(tmp_path: Path) -> None:
    """The command waits for a pipe to be filled: that is when it is interrupted."""
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with (
        subprocess.Popen(
            [*COMMAND, "train", "pipe.csv", "--target", "y"], cwd=tmp_path, env=ENVIRONMENT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process,
        pipe.open("wb"),  # returns when the command has opened the other end
    ):  # fmt: skip
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=HANG)
    assert (process.returncode, out, err) == (130, "", "fastnn: interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.csv"]


def test_ctrl_c_during_the_imports_is_one_line() -> None:
    code = (
        "import builtins, sys\n"
        "import fastnn.__main__ as m\n"
        "def interrupted(*_): raise KeyboardInterrupt\n"
        "builtins.__import__ = interrupted\n"
        "sys.exit(m.run())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "fastnn: interrupted\n")


def test_main_and_the_parser_agree_on_usage_errors() -> None:
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args(["train", "--epochs"])
    assert stop.value.code == 2
    assert main(["train", "--epochs"]) == 2
