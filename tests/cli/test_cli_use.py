"""`fastnn predict` and `fastnn evaluate`: the numbers of the model itself, and nothing silently."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.backend.engine import compiled_status
from fastnn.datasets.builtin import load as load_data
from fastnn.model.files import load
from fastnn.reading.files import read_labelled


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, rows


ENGINES = [
    "numpy",
    pytest.param(
        "compiled",
        marks=pytest.mark.skipif(bool(compiled_status()), reason=compiled_status() or "-"),
    ),
]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_engine_means_the_same_as_in_training(fastnn, models, engine: str) -> None:
    given = (models / "tumours.fastnn", "breast_cancer", "--engine", engine)
    found = json.loads(fastnn("evaluate", *given, "--json").out)["engine"]
    asked = ("train", "breast_cancer", "--engine", engine, "--epochs", 1, "--quiet", "--json")
    trained = json.loads(fastnn(*asked).out)["engine"]
    assert found["engine"] == trained["engine"] == engine
    assert found["reason"] == trained["reason"] == f"engine='{engine}' was asked for"
    assert set(found) == set(trained)
    values = [float(line.split(",")[2]) for line in
              fastnn("predict", *given, "--proba").out.splitlines()[1:]]  # fmt: skip
    expected = load(models / "tumours.fastnn").predict_proba(load_data("breast_cancer").table)
    np.testing.assert_allclose(values, expected[:, 1], rtol=1e-4, atol=1e-6)


def test_how_it_is_computed_is_refused_as_in_training(fastnn, models) -> None:
    for command in ("train", "evaluate", "predict"):
        named = [models / "tumours.fastnn"] * (command != "train")
        for option, value, said in (
            ("--engine", "numpi", "--engine must be one of"),
            ("--precision", "tf32", "--precision tf32 has no effect on device 'cpu'"),
            ("--capture", "always", "--capture always has no effect on device 'cpu'"),
        ):
            ran = fastnn(command, *named, "breast_cancer", option, value)
            assert (ran.code, said in ran.err) == (2, True), ran.err


class TestPredict:
    def test_the_file_holds_what_the_model_predicts(self, fastnn, models, tmp_path) -> None:
        ran = fastnn("predict", models / "digits.fastnn", "digits", "-o", "p.csv", "--proba")
        assert (ran.code, ran.out) == (0, "")
        assert ran.err.splitlines()[-1] == "fastnn: 1,797 predictions written to p.csv"
        header, rows = read(tmp_path / "p.csv")
        model, table = load(models / "digits.fastnn"), load_data("digits").table
        assert header == ["prediction", *(f"probability_{k}" for k in range(10))]
        assert [int(row[0]) for row in rows] == model.predict(table).tolist()
        # Every float32 comes back exactly.
        P = np.array([[np.float32(cell) for cell in row[1:]] for row in rows])
        assert np.array_equal(P, model.predict_proba(table))

    def test_without_a_file_it_goes_to_stdout(self, fastnn, models) -> None:
        ran = fastnn("predict", models / "tumours.fastnn", "breast_cancer", "--proba")
        assert ran.code == 0
        lines = ran.out.splitlines()
        assert lines[0] == "prediction,probability_0,probability_1"
        assert len(lines) == 1 + 569
        label, p0, p1 = lines[1].split(",")
        assert (float(p1) > 0.5) == (label == "1")
        assert float(p0) + float(p1) == pytest.approx(1)

    def test_the_target_column_is_left_out_and_that_is_said(
        self, fastnn, models, flats_csv, tmp_path
    ) -> None:
        ran = fastnn("predict", models / "flats.fastnn", "flats.csv", "--drop", "id", "-o", "p.csv")
        assert ran.code == 0, ran.err
        assert ran.err.count("fastnn: the target 'price' in the data is left out\n") == 1
        table, _ = read_labelled(str(flats_csv), "price", drop=["id"])
        header, rows = read(tmp_path / "p.csv")
        assert header == ["prediction"]
        assert [float(row[0]) for row in rows] == load(models / "flats.fastnn").predict(
            table
        ).tolist()

    def test_without_the_target_column_nothing_is_said(self, fastnn, models, tmp_path) -> None:
        (tmp_path / "new.csv").write_text("town,rooms,area,built\nUlm,2,50,1990\n")
        ran = fastnn("predict", models / "flats.fastnn", "new.csv")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.count("\n") == 2

    def test_parquet(self, fastnn, models, tmp_path) -> None:
        parquet = pytest.importorskip("pyarrow.parquet")
        ran = fastnn("predict", models / "tumours.fastnn", "breast_cancer", "-o", "p.parquet",
                     "--proba")  # fmt: skip
        assert ran.code == 0
        table = parquet.read_table(tmp_path / "p.parquet")
        model, data = load(models / "tumours.fastnn"), load_data("breast_cancer").table
        assert table.column_names == ["prediction", "probability_0", "probability_1"]
        assert table["prediction"].to_pylist() == model.predict(data).tolist()
        assert np.array_equal(table["probability_1"].to_numpy(), model.predict_proba(data)[:, 1])

    def test_several_targets_have_a_column_each(self, fastnn, tmp_path, rng) -> None:
        X = rng.normal(size=(50, 3))
        Y = (X[:, :2] > 0).astype(int)
        columns = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]}
        model = train(columns, Y, epochs=1).model
        model.save(tmp_path / "m.fastnn")
        np.savez(tmp_path / "d.npz", **columns, target=Y)
        ran = fastnn("predict", "m.fastnn", "d.npz", "--proba", "-o", "p.csv")
        assert ran.code == 0, ran.err
        assert "the targets 'target0', 'target1' in the data are left out" in ran.err
        header, rows = read(tmp_path / "p.csv")
        assert header == ["prediction_0", "prediction_1", "probability_0", "probability_1"]
        found = np.array([[int(cell) for cell in row[:2]] for row in rows])
        assert np.array_equal(found, model.predict(columns))

    def test_text_labels_are_quoted_where_csv_needs_it(self, fastnn, tmp_path) -> None:
        label = ['yes, "very"', "no"] * 20
        train({"x": np.arange(40.0)}, label, epochs=1).model.save(tmp_path / "m.fastnn")
        np.savez(tmp_path / "d.npz", x=np.arange(40.0))
        assert fastnn("predict", "m.fastnn", "d.npz", "--proba", "-o", "p.csv").code == 0
        header, rows = read(tmp_path / "p.csv")
        assert header == ["prediction", "probability_no", 'probability_yes, "very"']
        assert {row[0] for row in rows} <= set(label)

    @pytest.mark.parametrize(
        ("model", "arguments", "code", "said"),
        [
            ("flats", ["new.csv", "--proba"], 2, "--proba has no effect: a regression model"),
            (
                "flats",
                ["new.csv", "-o", "p.txt"],
                2,
                "must end in .csv, .parquet, .jsonl, or say --format",
            ),
            ("flats", ["new.csv", "-o", "new.csv"], 2, "which is DATA: name another one"),
            ("flats", ["new.csv", "-o", "absent/p.csv"], 3, "there is no folder"),
            ("flats", ["absent.csv"], 3, "file 'absent.csv' does not exist"),
            ("flats", ["digits"], 3, "missing columns: area, rooms, town, built"),
            ("flats", ["few.csv"], 3, "'few.csv': no column 'town'"),
            ("flats", ["text.csv"], 3, "'small'"),
            ("flats", ["new.csv", "--drop", "w"], 3, "no column 'w'"),
            ("flats", ["new.csv", "--device", "cuda:9999"], 4, "cannot be used"),
            ("flats", ["new.csv", "--device", "gpu"], 2, "did you mean 'cuda'?"),
        ],
    )
    def test_what_cannot_work_leaves_no_file(
        self, fastnn, models, tmp_path, model, arguments, code, said
    ) -> None:
        (tmp_path / "new.csv").write_text("area,rooms,town,built\n50,2,Ulm,1990\n")
        (tmp_path / "few.csv").write_text("area,rooms,built\n50,2,1990\n")
        (tmp_path / "text.csv").write_text("area,rooms,town,built\nsmall,2,Ulm,1990\n")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        ran = fastnn("predict", models / f"{model}.fastnn", *arguments)
        assert (ran.code, ran.out) == (code, "")
        assert ran.err.splitlines()[-1].startswith("fastnn: error: ")
        assert said in ran.err
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_columns_that_the_model_does_not_know_pass(fastnn, models, tmp_path) -> None:
    (tmp_path / "new.csv").write_text("area,rooms,town,built\n50,2,Ulm,1990\n")
    (tmp_path / "more.csv").write_text(
        "id,area,rooms,town,built,when\nA-1,50,2,Ulm,1990,2024-01-31\n"
    )
    plain = fastnn("predict", models / "flats.fastnn", "new.csv")
    for drop, said in (([], "id, when"), (["--drop", "id"], "when")):
        ran = fastnn("predict", models / "flats.fastnn", "more.csv", *drop)
        assert (ran.code, ran.out) == (0, plain.out)
        assert ran.err == f"fastnn: columns that the model does not take are left out: {said}\n"


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_model_and_data_the_wrong_way_round(fastnn, models, flats_csv, command) -> None:
    ran = fastnn(command, "flats.csv", models / "flats.fastnn")
    assert (ran.code, ran.out) == (2, "")
    assert f"MODEL comes before DATA: fastnn {command} {models / 'flats.fastnn'} flats" in ran.err


def test_one_example_is_one(fastnn, models, tmp_path) -> None:
    (tmp_path / "one.csv").write_text("area,rooms,town,built,price\n50,2,Ulm,1990,1700\n")
    ran = fastnn("evaluate", models / "flats.fastnn", "one.csv")
    assert (ran.code, ran.out.splitlines()[1].split()[:2]) == (0, ["1", "example"])


class TestModelFiles:
    @pytest.fixture
    def damaged(self, models: Path, tmp_path: Path) -> Path:
        whole = (models / "digits.fastnn").read_bytes()
        (tmp_path / "cut.fastnn").write_bytes(whole[: len(whole) // 2])
        (tmp_path / "foreign.fastnn").write_text("a,b\n1,2\n")
        (tmp_path / "empty.fastnn").write_bytes(b"")
        return tmp_path

    @pytest.mark.parametrize("name", ["cut", "foreign", "empty", "absent"])
    @pytest.mark.parametrize("command", ["predict", "evaluate", "inspect"])
    def test_a_bad_model_file_is_code_3(self, fastnn, damaged, command, name) -> None:
        data = [] if command == "inspect" else ["digits"]
        ran = fastnn(command, f"{name}.fastnn", *data)
        assert (ran.code, ran.out) == (3, "")
        assert ran.err.count("\n") == 1
        assert f"model file '{name}.fastnn'" in ran.err


class TestEvaluate:
    def test_json_holds_what_the_model_says(self, fastnn, models) -> None:
        ran = fastnn("evaluate", models / "tumours.fastnn", "breast_cancer", "--json")
        assert ran.code == 0
        found = json.loads(ran.out)
        data = load_data("breast_cancer")
        model = load(models / "tumours.fastnn")
        metrics = ["accuracy", "roc_auc", "balanced_accuracy", "average_precision"]
        wanted = model.evaluate(data.table, data.target, metrics=metrics)
        assert found["metrics"] == pytest.approx(wanted)
        assert (found["task"], found["examples"], found["device"]) == ("binary", 569, "cpu")
        said = model.predict(data.table)
        pairs = [[int(((data.target == i) & (said == j)).sum()) for j in (0, 1)] for i in (0, 1)]
        assert found["confusion_matrix"] == {"labels": [0, 1], "counts": pairs}

    def test_a_table_and_a_confusion_matrix_for_people(self, fastnn, models) -> None:
        ran = fastnn("evaluate", models / "digits.fastnn", "digits")
        assert ran.code == 0
        assert (
            ran.err
            == "fastnn: digits: all 1,797 rows, some of them seen by a model trained on it\n"
        )
        lines = ran.out.splitlines()
        assert lines[0].split() == ["loss", "accuracy", "balanced_accuracy"]
        assert lines[1].startswith("1,797 examples")
        assert lines[2].startswith("baseline ")
        first = next(i for i, line in enumerate(lines) if line.startswith("true \\ predicted"))
        assert lines[first].split() == ["true", "\\", "predicted", *map(str, range(10))]
        rows = lines[first + 1 : first + 11]
        counts = [[0 if c == "." else int(c) for c in line.split()[1:]] for line in rows]
        assert np.sum(counts, axis=1).tolist() == np.bincount(load_data("digits").target).tolist()
        accuracy = np.trace(counts) / 1797
        assert float(lines[1].split()[-2]) == pytest.approx(accuracy, abs=5e-5)
        classes = [line.split() for line in lines[first - 11 : first - 1]]
        recall = np.diag(counts) / np.sum(counts, axis=1)
        assert [float(row[2]) for row in classes] == pytest.approx(recall, abs=5e-5)
        assert [int(row[4]) for row in classes] == np.sum(counts, axis=1).tolist()
        assert max(map(len, lines)) <= 80

    def test_weights_where_they_are_and_of_a_column_of_choice(self, fastnn, tmp_path) -> None:
        rows = [f"{i}.5,{'ab'[i % 3 == 0]},{1 + i % 2},{3 * (i % 2)}" for i in range(40)]
        rest = [row.rsplit(",", 2)[0] for row in rows]
        (tmp_path / "all.csv").write_text("\n".join(["x,y,w,v", *rows]))
        (tmp_path / "rest.csv").write_text("\n".join(["x,y", *rest, "1.5,"]))
        how = ("--epochs", 1, "--quiet", "-o", "m.fastnn", "--drop", "v")
        assert fastnn("train", "all.csv", "--target", "y", "--sample-weight", "w", *how).code == 0
        without = fastnn("evaluate", "m.fastnn", "rest.csv")
        assert (without.code, "without weights: the column 'w'" in without.out) == (0, True)
        assert "1 of 41 rows has no value and is left out" in without.err
        assert "--missing-target" not in without.err  # which evaluate does not have
        model = load(tmp_path / "m.fastnn")
        for column in ("w", "v"):
            option = ("--sample-weight", column) if column == "v" else ()
            ran = fastnn("evaluate", "m.fastnn", "all.csv", "--json", *option)
            drop = ["v"] if column == "w" else ["w"]
            known = model.examples(tmp_path / "all.csv", sample_weight=column, drop=drop)
            assert json.loads(ran.out)["metrics"]["loss"] == model.evaluate(known)["loss"]
        wrong = fastnn("evaluate", "m.fastnn", "rest.csv", "--sample-weight", "v")
        assert (wrong.code, "--sample-weight: no column 'v'" in wrong.err) == (3, True)

    def test_a_file_another_target_and_metrics_of_choice(self, fastnn, models, flats_csv) -> None:
        text = flats_csv.read_text(encoding="utf-8").replace("price", "rent")
        flats_csv.with_name("rents.csv").write_text(text, encoding="utf-8")
        command = ("evaluate", models / "flats.fastnn", "rents.csv", "--drop", "id", "--json")
        missing = fastnn(*command)
        assert missing.code == 3
        assert "target: no column 'price'" in missing.err
        ran = fastnn(*command, "--target", "rent", "--metrics", "mae")
        assert ran.code == 0, ran.err
        found = json.loads(ran.out)
        assert set(found["metrics"]) == {"mae", "loss"}
        assert found["target"] == "rent"
        assert found["confusion_matrix"] is None

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (["digits", "--target", "digit"], 2, "--target has no effect: data set 'digits' has"),
            (["digits", "--metrics", "r2"], 2, "metric 'r2' does not apply"),
            (["digits", "--metrics", "acuracy"], 2, "did you mean 'accuracy'?"),
            (["breast_cancer"], 3, "'breast_cancer': missing columns: pixel_0_0"),
            (["new.npz"], 3, "target, row 1 (counted from 0) of 'new.npz': unknown label 17;"),
        ],
    )
    def test_what_cannot_work(self, fastnn, models, tmp_path, arguments, code, said) -> None:
        digits = load_data("digits").table
        columns = {name: digits.column(name)[:3] for name in digits.names}
        np.savez(tmp_path / "new.npz", **columns, digit=np.array([3, 17, 4]))
        ran = fastnn("evaluate", models / "digits.fastnn", *arguments)
        assert (ran.code, ran.out) == (code, "")
        assert said in ran.err


def test_an_unknown_label_is_told_with_its_line(fastnn, models, tmp_path) -> None:
    digits = load_data("digits").table
    lines = [",".join([*digits.names, "digit"]), ""]  # an empty line, which is no row
    lines += [
        ",".join([*map(str, row), label])
        for row, label in zip(digits.numeric, ["3", "17"], strict=False)
    ]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    ran = fastnn("evaluate", models / "digits.fastnn", "new.csv")
    assert (ran.code, ran.out) == (3, "")
    assert "target, line 4 of 'new.csv': unknown label 17;" in ran.err


def test_a_gap_in_a_column_that_had_none_is_told(fastnn, models, tmp_path) -> None:
    (tmp_path / "new.csv").write_text("area,rooms,town,built\n,2,Ulm,1990\n50,3,Rome,1990\n")
    ran = fastnn("predict", models / "flats.fastnn", "new.csv")
    assert ran.code == 0
    lines = ran.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("fastnn: warning: column 'area': 1 of 2 values are missing")
    assert lines[1].startswith("fastnn: warning: column 'town': 1 of 2 values have no place")


def test_predictions_that_cannot_be_shown_are_told(run_python, models, tmp_path) -> None:
    train({"x": np.arange(40.0)}, ["ja", "nö"] * 20, epochs=1).model.save(tmp_path / "m.fastnn")
    np.savez(tmp_path / "d.npz", x=np.arange(40.0))
    arguments = ("-m", "fastnn", "predict", "m.fastnn", "d.npz", "--proba")
    done = run_python(*arguments, PYTHONIOENCODING="ascii")
    assert done.returncode == 3
    # Standard error is ASCII here too: it shows the character by its number.
    assert r"'ascii' cannot show '\xf6': set PYTHONUTF8=1, or write to a file" in done.stderr
    assert run_python(*arguments, PYTHONUTF8="1", PYTHONIOENCODING="").returncode == 0


def test_a_file_that_was_there_is_whole_until_the_new_one_is(fastnn, models, tmp_path) -> None:
    old = tmp_path / "p.csv"
    old.write_text("old")
    os.chmod(old, 0o640)
    assert fastnn("predict", models / "tumours.fastnn", "digits", "-o", "p.csv").code == 3
    assert old.read_text() == "old"
    assert fastnn("predict", models / "tumours.fastnn", "breast_cancer", "-o", "p.csv").code == 0
    assert old.read_text().startswith("prediction\n")
    assert old.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.csv"]


def test_numbers_in_another_notation(fastnn, tmp_path) -> None:
    lines = [f"1.0{i % 10}0,5;{'-' if i % 6 == 0 else i % 4};{i % 7},5" for i in range(60)]
    (tmp_path / "d.csv").write_text("a;b;y\n" + "\n".join(lines) + "\n")
    named = ["d.csv", "--target", "y", "--delimiter", ";", "--epochs", 1, "--quiet"]
    done = fastnn("train", *named)
    assert done.code == 3
    assert "say --decimal , and --thousands ." in done.err
    done = fastnn("train", *named, "--decimal", ",", "--thousands", ".")
    assert done.code == 3
    assert "--missing=-" in done.err
    signs = ["--decimal", ",", "--thousands", ".", "--missing=-"]
    assert fastnn("train", *named, *signs).code == 0
    (tmp_path / "rows.csv").write_text("a;b\n1.010,5;-\n1.020,5;2\n")
    found = fastnn("predict", "d.fastnn", "rows.csv", "--delimiter", ";")
    assert (found.code, found.err) == (0, "")
    assert fastnn("predict", "d.fastnn", "rows.csv", "--delimiter", ";", *signs).out == found.out
    done = fastnn("predict", "d.fastnn", "rows.csv", "--delimiter", ";", "--missing", "none")
    assert done.code == 3
    assert "'-' is not a number" in done.err
    done = fastnn("predict", "d.fastnn", "digits", "--decimal", ",")
    assert (done.code, "--decimal has no effect" in done.err) == (2, True)
    done = fastnn("train", *named, "--decimal", "comma")
    assert (done.code, "decimal must be one sign" in done.err) == (2, True)


def test_a_file_without_names_and_in_another_encoding(fastnn, tmp_path) -> None:
    lines = [f"{i % 9},{'Köln' if i % 4 else 'Ulm'},{i % 7 * 5}%,{i % 5}" for i in range(60)]
    (tmp_path / "d.data").write_text("\n".join(lines) + "\n", encoding="cp1252")
    named = ["d.data", "--target", "x3", "--epochs", 1, "--quiet", "--task", "regression"]
    done = fastnn("train", *named)
    assert (done.code, "say --no-header" in done.err) == (3, True)
    done = fastnn("train", *named, "--no-header")
    assert (done.code, "line 2, column 'x1'" in done.err) == (3, True)
    assert "if the cell is 'Köln', say --encoding cp1252" in done.err
    done = fastnn("train", *named, "--encoding", "cp1252", "--no-header")
    assert (done.code, "'x2': '0%' is read as the number 0" in done.err) == (0, True)
    # new files are read alike, but for the encoding, which is that of one file
    (tmp_path / "new.txt").write_text("1;Köln;10%\n2;Ulm;5%\n", encoding="utf-8")
    done = fastnn("predict", "d.fastnn", "new.txt")
    assert (done.code, len(done.out.splitlines())) == (0, 3)
    (tmp_path / "named.csv").write_text("x0,x1,x2\n1,Köln,10\n2,Ulm,5\n", encoding="utf-8")
    pd = pytest.importorskip("pandas")
    pd.read_csv(tmp_path / "named.csv").to_parquet(tmp_path / "named.parquet")
    assert fastnn("predict", "d.fastnn", "named.parquet").out == done.out
    done = fastnn("predict", "d.fastnn", "named.parquet", "--no-header")
    assert (done.code, "--no-header has no effect here" in done.err) == (2, True)
    done = fastnn("train", "digits", "--no-header")
    assert (done.code, "--no-header has no effect" in done.err) == (2, True)


def test_several_targets_and_a_delimiter(fastnn, tmp_path) -> None:
    lines = ["a;b;price;rent"] + [f"{i};{i * i % 7};{3 * i + 1};{-i}" for i in range(40)]
    (tmp_path / "d.csv").write_text("\n".join(lines) + "\n")
    named = ("--target", "price", "--target", "rent", "--delimiter", ";")
    done = fastnn("train", "d.csv", *named, "--epochs", 2, "--quiet", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["target"] == ["price", "rent"]
    done = fastnn("predict", "d.fastnn", "d.csv", "--delimiter", ";")
    assert done.out.splitlines()[0] == "prediction_price,prediction_rent"
    assert "the targets 'price', 'rent' in the data" in done.err
    done = fastnn("evaluate", "d.fastnn", "d.csv", "--delimiter", ";", "--json")
    assert json.loads(done.out)["examples"] == 40
    assert fastnn("evaluate", "d.fastnn", "d.csv", *named, "--json").out == done.out
    assert fastnn("inspect", "d.fastnn").code == 0
    done = fastnn("predict", "d.fastnn", "digits", "--delimiter", ";")
    assert (done.code, "--delimiter has no effect" in done.err) == (2, True)
    done = fastnn("train", "d.csv", "--target", "rent", "--delimiter", ",")
    assert (done.code, "say --delimiter ';'" in done.err) == (3, True)
