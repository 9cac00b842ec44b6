"""`--config` and `--print-config`: a training from a file, and again from its model."""

import json
from pathlib import Path

import pytest

from fastnn.model.files import load

RUN = """\
data = "digits"
hidden = [16]       # as on the command line
epochs = 3
patience = "none"
out = "run.fastnn"
"""


def test_a_training_from_a_file_and_again_from_its_model(fastnn, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(RUN)
    ran = fastnn("train", "--config", "run.toml", "--quiet")
    assert ran.code == 0
    first = load(tmp_path / "run.fastnn")
    assert len(first.history.epochs) == 3
    assert first.network.sizes == (64, 16, 10)
    again = fastnn("train", "--config", "run.fastnn", "--quiet", "--out", "again.fastnn")
    assert again.code == 0
    assert (tmp_path / "again.fastnn").read_bytes() == (tmp_path / "run.fastnn").read_bytes()
    shorter = fastnn("train", "--config", "run.fastnn", "--epochs", 2, "--quiet", "-o", "b.fastnn")
    assert shorter.code == 0
    assert len(load(tmp_path / "b.fastnn").history.epochs) == 2, "the command line decides"


def test_what_is_printed_is_what_a_config_reads(fastnn, tmp_path: Path, flats_csv: Path) -> None:
    asked = ["--target", "price", "--drop", "id", "--drop", "town", "--l2", "1e-3", "--epochs", 2]
    printed = fastnn("train", "flats.csv", *asked, "--print-config")
    assert printed.code == 0
    assert 'data = "flats.csv"\ntarget = "price"\n' in printed.out
    assert 'drop = ["id", "town"]' in printed.out
    assert not list(tmp_path.glob("*.fastnn")), "nothing was trained"
    (tmp_path / "c.toml").write_text(printed.out)
    assert fastnn("train", "--config", "c.toml", "--print-config").out == printed.out
    one = fastnn("train", "--config", "c.toml", "--quiet", "-o", "one.fastnn")
    two = fastnn("train", "flats.csv", *asked, "--quiet", "-o", "two.fastnn")
    assert (one.code, two.code) == (0, 0)
    assert (tmp_path / "one.fastnn").read_bytes() == (tmp_path / "two.fastnn").read_bytes()


def test_every_option_is_in_what_is_printed_without_any(fastnn) -> None:
    printed = fastnn("train", "--print-config")
    assert printed.code == 0
    assert all(line.startswith("#") for line in printed.out.splitlines() if line)
    for said in ("# epochs = 100", "# hidden_layer_sizes = [128]", "# loss: by the task"):
        assert said in printed.out


def test_a_search_takes_a_config_too(fastnn, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(RUN)
    ran = fastnn("search", "--config", "run.toml", "--grid", "l2=0,1", "--quiet")
    assert ran.code == 0
    printed = fastnn("train", "--config", "run.fastnn", "--print-config").out
    assert "\nl2 = " in printed
    assert "\nepochs = 3\n" in printed


@pytest.mark.parametrize(
    ("text", "flags", "said"),
    [
        ("epoch = 3", ["digits"], "config file 'c.toml': unknown option 'epoch'; did you mean"),
        ("epochs = 0", ["digits"], "config file 'c.toml': epochs must be a whole number above 0"),
        ("target = 'x'", ["digits"], "config file 'c.toml': target has no effect: data set"),
        ("monitor = 'f1'", ["digits", "--patience", "none"],
         "config file 'c.toml': monitor='f1' has no effect without --patience: set --patience too"),
        ("data = 3", [], "config file 'c.toml': data must be a text, found 3"),
        ("doctor = 'yes'", ["digits"], "config file 'c.toml': doctor must be True or False"),
        ("epochs = ", ["digits"], "config file 'c.toml' is not a TOML file"),
        ("epochs = 3", [], "DATA is missing: name a built-in data set or a file"),
        ("epochs = 3", ["digits", "--epochs", "0"], "error: --epochs must be a whole number"),
    ],
)  # fmt: skip
def test_errors_say_whether_the_file_or_the_command_line_is_wrong(
    fastnn, tmp_path: Path, text: str, flags: list[str], said: str
) -> None:
    (tmp_path / "c.toml").write_text(text)
    ran = fastnn("train", *flags, "--config", "c.toml")
    assert ran.code in (2, 3)
    assert said in ran.err
    assert ran.out == ""


def test_a_model_whose_training_cannot_be_run_again(fastnn, tmp_path: Path) -> None:
    import numpy as np

    from fastnn.api.train import train

    X, y = np.eye(6), np.array([0, 1] * 3)
    trained = train(X, y, epochs=1, sample_weight=np.ones(6), hidden_layer_sizes=[])
    trained.save(tmp_path / "m.fastnn")
    ran = fastnn("train", "--config", "m.fastnn")
    assert ran.code == 2
    assert "model file 'm.fastnn': target, sample_weight of its training was a Python" in ran.err
    assert fastnn("train", "--config", "none.fastnn").code == 3


def test_a_dry_run_trains_and_writes_nothing(fastnn, tmp_path: Path, flats_csv: Path) -> None:
    ran = fastnn("train", "flats.csv", "--target", "price", "--report", "--dry-run")
    assert ran.code == 0
    assert "72 train, 24 validation, 24 test" in ran.out
    assert ran.out.endswith(
        "nothing is trained or written: --dry-run\nit would write flats.fastnn and flats.html\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["flats.csv"]
    document = json.loads(fastnn("train", "digits", "--epochs", 3, "--dry-run", "--json").out)
    assert document["rows"] == {"train": 1078, "validation": 360, "test": 359}
    assert document["seconds_at_most"] == pytest.approx(3 * document["seconds_per_epoch"])
    assert document["memory"]["total"] > 9610 * 4
    bad = fastnn("train", "flats.csv", "--target", "prise", "--dry-run")
    assert bad.code == 3
    assert "did you mean 'price'" in bad.err
