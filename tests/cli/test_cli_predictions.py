"""`fastnn predict` as people use it: ids beside, other formats, thresholds, intervals, blocks."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.cli import predictions
from fastnn.model.files import load
from fastnn.reading import csv_text, larger
from tests.optional import optional

parquet = optional("pyarrow.parquet")
pl = optional("polars")

RNG = np.random.default_rng(2)
N = 60
ROWS = [
    {"id": f"{i:03}", "x": round(float(RNG.normal()), 3), "town": ["Ulm", "Bonn"][i % 2],
     "day": f"2024-01-{1 + i % 28:02}"}
    for i in range(N)
]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Rows with an id that a model does not take, and two models of them."""
    lines = ["id,x,town,day", *(",".join(map(str, row.values())) for row in ROWS)]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    x = np.array([row["x"] for row in ROWS])
    columns = {"x": x, "town": [row["town"] for row in ROWS]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        how = {"epochs": 3, "hidden_layer_sizes": [4]}
        train({**columns, "y": np.where(x > 0, "yes", "no")}, "y", **how).save(
            tmp_path / "c.fastnn"
        )
        train({**columns, "y": 2 * x}, "y", **how).save(tmp_path / "r.fastnn")
        for quantile in (5, 95):
            train(
                {**columns, "y": 2 * x}, "y", loss=f"quantile(quantile={quantile / 100})", **how
            ).save(tmp_path / f"q{quantile}.fastnn")
    return tmp_path


def test_an_id_goes_through_as_it_is_spelt(fastnn, data: Path) -> None:
    ran = fastnn("predict", "c.fastnn", "new.csv", "--keep", "id,day", "--keep", "town")
    assert ran.code == 0
    header, *lines = ran.out.splitlines()
    assert header == "id,day,town,prediction"
    assert [line.split(",")[0] for line in lines] == [row["id"] for row in ROWS]
    assert lines[3].split(",")[1:3] == [ROWS[3]["day"], ROWS[3]["town"]]
    assert ran.err == "", "what is kept is not told as left out"
    assert "are left out: id, day" in fastnn("predict", "c.fastnn", "new.csv").err
    wrong = fastnn("predict", "c.fastnn", "new.csv", "--keep", "ident")
    assert wrong.code == 3
    assert "--keep: no column 'ident'" in wrong.err


@pytest.mark.parametrize("name", ["new.parquet", "new.jsonl", "new.csv.gz", "new.arrow"])
def test_an_id_of_other_files(fastnn, data: Path, name: str) -> None:
    frame = pl.DataFrame(ROWS).with_columns(pl.col("day").str.to_date())
    if name.endswith(".parquet"):
        frame.write_parquet(data / name)
    elif name.endswith(".arrow"):
        frame.write_ipc(data / name)
    elif name.endswith(".jsonl"):
        frame.write_ndjson(data / name)
    else:
        import gzip

        (data / name).write_bytes(gzip.compress((data / "new.csv").read_bytes()))
    ran = fastnn("predict", "r.fastnn", name, "--keep", "id,day", "--format", "jsonl", "-o", "-")
    assert ran.code == 0, ran.err
    found = [json.loads(line) for line in ran.out.splitlines()]
    wanted = load(data / "r.fastnn").predict(pl.DataFrame(ROWS).select("x", "town"))
    assert [row["id"] for row in found] == [row["id"] for row in ROWS]
    assert [row["day"] for row in found] == [row["day"] for row in ROWS]
    np.testing.assert_array_equal([row["prediction"] for row in found], wanted)


def test_every_format_has_the_same_rows(fastnn, data: Path) -> None:
    command = ("predict", "c.fastnn", "new.csv", "--keep", "id", "--proba")
    for out in ("p.csv", "p.jsonl", "p.parquet"):
        assert fastnn(*command, "-o", out).code == 0
    one = pl.read_csv(data / "p.csv", schema_overrides={"id": pl.String})
    two, three = pl.read_ndjson(data / "p.jsonl"), pl.read_parquet(data / "p.parquet")
    assert one.columns == ["id", "prediction", "probability_no", "probability_yes"]
    for other in (two, three):
        assert other.columns == one.columns
        assert other["id"].to_list() == one["id"].to_list()
        assert other["prediction"].to_list() == one["prediction"].to_list()
        np.testing.assert_allclose(other["probability_yes"], one["probability_yes"], rtol=1e-6)
    document = json.loads(fastnn(*command, "--json").out)
    assert [row["id"] for row in document["rows"]] == one["id"].to_list()
    assert document["target"] == "y"
    named = fastnn(*command, "-o", "p.txt", "--format", "csv")
    assert named.code == 0
    assert (data / "p.txt").read_text() == (data / "p.csv").read_text()


def test_a_threshold_moves_what_is_predicted(fastnn, data: Path) -> None:
    model = load(data / "c.fastnn")
    P = model.predict_proba(pl.DataFrame(ROWS).select("x", "town"))[:, 1]
    cut = float(np.sort(P)[10])
    ran = fastnn("predict", "c.fastnn", "new.csv", "--threshold", repr(cut))
    found = ran.out.splitlines()[1:]
    assert found == ["yes" if p >= np.float32(cut) else "no" for p in P]
    for threshold, said in ((0, "--threshold must lie between 0 and 1, found 0"),
                            (2, "--threshold must lie between 0 and 1, found 2")):  # fmt: skip
        wrong = fastnn("predict", "c.fastnn", "new.csv", "--threshold", threshold)
        assert wrong.code == 2
        assert said in wrong.err
    wrong = fastnn("predict", "r.fastnn", "new.csv", "--threshold", 0.3)
    assert "--threshold has no effect: it is for two classes" in wrong.err


def test_an_interval_of_two_quantile_models(fastnn, data: Path) -> None:
    ran = fastnn("predict", "r.fastnn", "new.csv", "--interval", "q5.fastnn", "q95.fastnn",
                 "-o", "p.parquet")  # fmt: skip
    assert ran.code == 0, ran.err
    found = pl.read_parquet(data / "p.parquet")
    assert found.columns == ["prediction", "lower", "upper"]
    rows = pl.DataFrame(ROWS).select("x", "town")
    np.testing.assert_array_equal(found["lower"], load(data / "q5.fastnn").predict(rows))
    np.testing.assert_array_equal(found["upper"], load(data / "q95.fastnn").predict(rows))
    for pair, said in (
        (("q95.fastnn", "q5.fastnn"), "the lower one comes first"),
        (("r.fastnn", "q5.fastnn"), "'r.fastnn' is no model of a quantile of 'y'"),
    ):
        wrong = fastnn("predict", "r.fastnn", "new.csv", "--interval", *pair)
        assert wrong.code == 2
        assert said in wrong.err


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("prediction", ["c.fastnn"]),
        ("probability_no", ["c.fastnn", "--proba"]),
        ("lower", ["r.fastnn", "--interval", "q5.fastnn", "q95.fastnn"]),
    ],
)
@pytest.mark.parametrize("form", [["--json"], ["-o", "p.jsonl"], []])
def test_a_kept_column_is_not_lost_among_the_predictions(fastnn, data, name, command, form) -> None:
    (data / "new.csv").write_text((data / "new.csv").read_text().replace("day", name, 1))
    model, *more = command
    ran = fastnn("predict", model, "new.csv", "--keep", name, *more, *form)
    assert (ran.code, ran.out) == (2, "")
    said = f"fastnn: error: --keep: column '{name}' would be called as the predictions are ("
    assert ran.err.splitlines()[-1].startswith(said)
    assert not (data / "p.jsonl").exists()


def test_an_interval_of_several_targets(fastnn, data: Path) -> None:
    x = np.array([row["x"] for row in ROWS])
    both = {"x": x, "a": x, "b": 2 * x}
    for quantile in (0.1, 0.9):
        train(
            both,
            ["a", "b"],
            loss=f"quantile(quantile={quantile})",
            epochs=1,
            hidden_layer_sizes=[2],
        ).save(data / f"two{quantile}.fastnn")
    files = ["two0.1.fastnn", "two0.9.fastnn"]
    ran = fastnn("predict", files[0], "new.csv", "--interval", *files)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0] == "prediction_a,prediction_b,lower_a,lower_b,upper_a,upper_b"


def test_blocks_of_a_file_on_disk_are_the_rows_in_memory(fastnn, data: Path, monkeypatch) -> None:
    command = ("predict", "c.fastnn", "new.csv", "--keep", "id", "--proba")
    whole = fastnn(*command).out
    monkeypatch.setattr(predictions, "BLOCK", 7)
    monkeypatch.setattr(csv_text, "_BATCH_BYTES", 200)
    monkeypatch.setattr(larger, "free_memory", lambda: 1)
    ran = fastnn(*command)
    assert "it is kept in temporary files" in ran.err
    assert [line.split(",")[:2] for line in ran.out.splitlines()] == [
        line.split(",")[:2] for line in whole.splitlines()
    ]


def test_evaluate_of_a_file_on_disk_is_that_in_memory(fastnn, data: Path, monkeypatch) -> None:
    lines = [f"{row['x']},{row['town']},{2 * row['x']}" for row in ROWS]
    (data / "known.csv").write_text("\n".join(["x,town,y", *lines]) + "\n")
    whole = fastnn("evaluate", "r.fastnn", "known.csv")
    assert whole.code == 0
    monkeypatch.setattr(csv_text, "_BATCH_BYTES", 200)
    monkeypatch.setattr(larger, "free_memory", lambda: 1)
    assert fastnn("evaluate", "r.fastnn", "known.csv").out == whole.out


def test_an_error_in_the_middle_leaves_the_old_file(fastnn, data: Path) -> None:
    (data / "p.csv").write_text("old\n")
    (data / "bad.csv").write_text("x,town\n1,Ulm\nmany,Ulm\n")
    ran = fastnn("predict", "c.fastnn", "bad.csv", "-o", "p.csv")
    assert ran.code == 3
    assert "line 3 of 'bad.csv': 'many' is not a number" in ran.err
    assert (data / "p.csv").read_text() == "old\n"
    assert not [path for path in data.iterdir() if path.name.startswith(".fastnn")]


def test_json_is_one_document(fastnn, data: Path) -> None:
    ran = fastnn("predict", "c.fastnn", "new.csv", "--json", "-o", "p.csv")
    assert ran.code == 2
    assert "--json prints one document: leave --out and --format out" in ran.err


def test_numbers_of_a_text_file_that_are_kept_are_numbers_where_there_are_types(
    fastnn, data: Path
) -> None:
    ids = [10**15 + i for i in range(len(ROWS))]
    frame = pl.DataFrame(ROWS).with_columns(pl.Series("id", ids))
    cells = [None if i % 3 == 0 else f"{i}.50" for i in range(len(frame))]
    frame.with_columns(
        pl.Series("size", cells), pl.Series("zip", [f"0{i}" for i in range(len(frame))])
    ).write_csv(data / "numbers.csv")
    command = ("predict", "c.fastnn", "numbers.csv", "--keep", "id,size,zip")
    sizes = [None if cell is None else float(cell) for cell in cells]
    for out, read in (("k.jsonl", pl.read_ndjson), ("k.parquet", pl.read_parquet)):
        assert fastnn(*command, "-o", out).code == 0
        found = read(data / out)
        assert (found["id"].to_list(), found["size"].to_list()) == (ids, sizes)
        assert found["zip"].to_list() == [f"0{i}" for i in range(len(frame))]
    rows = json.loads(fastnn(*command, "--json").out)["rows"]
    assert [row["id"] for row in rows] == ids
    lines = fastnn(*command).out.splitlines()[1:]
    assert [line.split(",")[:2] for line in lines] == [
        [str(i), cell or ""] for i, cell in zip(ids, cells, strict=True)
    ]
