"""From what a user hands over to three parts."""

import numpy as np
import pytest

import fastnn
from fastnn.errors import ArgumentError, DataError
from fastnn.preparation.examples import read_source
from fastnn.preparation.parts import divide
from tests.optional import optional

pd = optional("pandas")
pl = optional("polars")

N = 40
FRAME = {
    "age": np.arange(N) * 1.5,
    "town": np.array(["Ulm", "Bonn"] * (N // 2), object),
    "sold": np.array([0, 1, 1, 0] * (N // 4)),
}


def sources(tmp_path):
    """The same data in every form."""
    frame = pd.DataFrame(FRAME)
    frame.to_csv(tmp_path / "d.csv", index=False)
    frame.to_parquet(tmp_path / "d.parquet")
    return [
        FRAME, frame, pl.DataFrame(FRAME), tmp_path / "d.csv", str(tmp_path / "d.csv"),
        tmp_path / "d.parquet",
    ]  # fmt: skip


def test_every_form_gives_the_same_examples(tmp_path):
    for source in sources(tmp_path):
        read = read_source(source, "sold")
        assert read.task == "binary"
        assert read.target_name == "sold"
        assert read.examples.table.names == ("age", "town")
        np.testing.assert_array_equal(read.examples.table.column("age"), FRAME["age"])
        assert read.examples.table.column("town").tolist() == FRAME["town"].tolist()
        np.testing.assert_array_equal(read.examples.target, FRAME["sold"])


def test_arrays_and_npz(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(N, 3)), np.arange(N) / 7
    np.savez(tmp_path / "d.npz", x=X, y=y)
    for source in (
        read_source(X, y),
        read_source(tmp_path / "d.npz", "y"),
        read_source(X, list(y)),
    ):
        assert source.task == "regression"
        np.testing.assert_array_equal(source.examples.table.numeric, X)
        np.testing.assert_array_equal(source.examples.target, y)


def test_targets_of_frames_can_be_series():
    frame = pd.DataFrame(FRAME)
    for target in (frame["sold"], pl.Series(FRAME["sold"]), FRAME["sold"].astype(bool)):
        read = read_source(frame.drop(columns="sold"), target)
        assert (read.task, read.target_name) == ("binary", "target")


@pytest.mark.parametrize(
    ("data", "target", "options", "error", "said"),
    [
        ("digit", None, {}, DataError, "'digit' is neither a file nor .* mean 'digits'"),
        ("digits", "digit", {}, ArgumentError, "target has no effect: data set 'digits' has its"),
        ("digits", None, {"categorical": ["zz"]}, DataError, "no column 'zz'"),
        ("digits", None, {"drop": ["zz"]}, DataError, "no column 'zz'"),
        ("digits", None, {"sample_weight": [1.0]}, ArgumentError, "needs one weight for 1797 rows"),
        ("missing.csv", "y", {}, DataError, "file 'missing.csv' does not exist"),
        (FRAME, None, {}, ArgumentError, "target is missing: name a column"),
        (FRAME, "sold_", {}, DataError, "target: no column 'sold_'; did you mean 'sold'"),
        (FRAME, 2, {}, ArgumentError, "must name a column, or several in a list, or be .* found 2"),
        (FRAME, np.zeros(3), {}, DataError, "target has 3 values for 40 rows of data"),
        (np.eye(4), "y", {}, ArgumentError, "an array has no column names"),
        (None, [1], {}, ArgumentError, "cannot read examples from NoneType"),
        (FRAME, "sold", {"sample_weight": ["a"] * N}, ArgumentError, "must be a list of numbers"),
        (FRAME, "sold", {"sample_weight": -np.ones(N)}, ArgumentError, "not negative"),
        (FRAME, "sold", {"sample_weight": np.zeros(N)}, ArgumentError, "not 0 for every example"),
    ],
)
def test_what_cannot_be_read(data, target, options, error, said):
    with pytest.raises(error, match=said):
        read_source(data, target, **options)


def test_sixty_twenty_twenty_and_weights_go_with_their_rows():
    source = read_source(FRAME, "sold", sample_weight=FRAME["age"] + 1)
    parts = divide(source, seed=3)
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 24, "validation": 8, "test": 8,
    }  # fmt: skip
    ages = np.concatenate([part.table.column("age") for part in parts.values()])
    assert sorted(ages) == sorted(FRAME["age"])
    for part in parts.values():
        np.testing.assert_array_equal(part.weights[:, 0], part.table.column("age") + 1)


def test_parts_of_ones_own(tmp_path):
    source = read_source(FRAME, "sold")
    sources(tmp_path)
    other = {"age": [3.0, 4.0], "town": ["Ulm", "Trier"], "sold": [1, 0]}
    for given in (other, pd.DataFrame(other), (pd.DataFrame(other).drop(columns="sold"), [1, 0])):
        parts = divide(source, validation=given, test=tmp_path / "d.csv")
        assert [len(part) for part in parts.values()] == [N, 2, N]
        assert parts["validation"].target.tolist() == [1, 0]
    # one of them: the other is split off what is left
    assert [len(p) for p in divide(source, validation=other).values()] == [32, 2, 8]
    assert [len(p) for p in divide(source, test=other).values()] == [36, 4, 2]
    with pytest.raises(ArgumentError, match="fractions have no effect: the validation and test p"):
        divide(source, validation=other, test=other, fractions=(0.6, 0.2, 0.2))


def test_weights_of_a_part_of_ones_own():
    source = read_source(FRAME, "sold")
    data = {"age": [3.0, 4.0], "town": ["Ulm", "Trier"]}
    for form in (tuple, list):
        assert divide(source, validation=form((data, [1, 0])))["validation"].weights is None
        part = divide(source, validation=form((data, [1, 0], [2.0, 6.0])))["validation"]
        assert part.flat_weights.tolist() == [2.0, 6.0]
    named = {**data, "w": [3.0, 1.0], "sold": [1, 0]}
    part = divide(source, test=(named, "sold", "w"))["test"]
    assert (part.table.names, part.flat_weights.tolist()) == (("age", "town"), [3.0, 1.0])
    # the column of the training's weights, unless others are given
    weighed = read_source({**FRAME, "w": np.ones(N)}, "sold", sample_weight="w")
    for weights, wanted in ((None, [3.0, 1.0]), ([5.0, 7.0], [5.0, 7.0])):
        given = (named, "sold", weights)
        assert divide(weighed, test=given)["test"].flat_weights.tolist() == wanted


def test_parts_of_ones_own_are_read_like_the_training_data(tmp_path):
    """A code that looks like a number stays a category, and dropped columns are dropped."""
    (tmp_path / "train.csv").write_text("id,code,y\n" + "1,01,0\n2,1A,1\n" * 20)
    (tmp_path / "test.csv").write_text("id,code,y\n1,01,0\n2,02,1\n")
    source = read_source(tmp_path / "train.csv", "y", drop=["id"])
    test = divide(source, test=tmp_path / "test.csv")["test"]
    assert test.table.names == ("code",)
    assert test.table.column("code").tolist() == ["01", "02"]
    (tmp_path / "bad.csv").write_text("x,y\n1.5,0\nhigh,1\n")
    numbers = read_source({"x": np.arange(9.0), "y": np.arange(9) % 2}, "y")
    with pytest.raises(DataError, match=r"test: .*line 3 of .*: 'high' is not a number"):
        divide(numbers, test=tmp_path / "bad.csv")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "validation must be a pair .data, target., with weights .data, target, weights., or d"),
        (
            (FRAME, "sold", [1.0]),
            "validation: sample_weight has shape .1,., needs one weight for 40",
        ),
        ((FRAME, "sold", "age of"), "validation: .*no column 'age of'"),
        ([], "validation must be a pair"),
        ((FRAME,), "validation must be a pair"),
        ((FRAME, [1, 0]), "validation: target has 2 values for 40 rows"),
        ({"age": [1.0]}, "validation: .*no column"),
    ],
)
def test_parts_that_cannot_be(given, said):
    with pytest.raises((ArgumentError, DataError), match=said):
        divide(read_source(FRAME, "sold"), validation=given)


def test_a_built_in_test_part_can_be_replaced():
    parts = divide(read_source("digits"), test=(np.zeros((3, 64)), [1, 2, 3]))
    assert len(parts["test"]) == 3
    assert len(parts["validation"]) == pytest.approx(179, abs=2)


PAIR = {**FRAME, "paid": np.array([0.5, 2.0] * (N // 2)), "lost": 1 - FRAME["sold"]}


def test_several_columns_can_be_the_target(tmp_path):
    pd.DataFrame(PAIR).to_csv(tmp_path / "d.csv", index=False)
    for source in (PAIR, pl.DataFrame(PAIR), tmp_path / "d.csv"):
        read = read_source(source, ["sold", "paid"])
        assert (read.task, read.target_name) == ("regression", ("sold", "paid"))
        assert read.examples.table.names == ("age", "town", "lost")
        np.testing.assert_array_equal(
            read.examples.target, np.column_stack([PAIR["sold"], PAIR["paid"]])
        )
        assert read_source(source, ("sold", "lost")).task == "multilabel"
        assert read_source(source, ["sold"]).target_name == "sold"
    with pytest.raises(DataError, match="no column 'pade'; did you mean 'paid'"):
        read_source(PAIR, ["sold", "pade"])


def test_a_list_of_labels_is_no_list_of_columns():
    labels = ["a", "b"] * (N // 2)
    assert read_source(FRAME, labels).examples.target.tolist() == labels
    assert read_source(np.eye(2), ["a", "b"]).examples.target.tolist() == ["a", "b"]


def test_a_delimiter_is_that_of_csv_files_only(tmp_path):
    frame = pd.DataFrame(FRAME)
    frame.to_csv(tmp_path / "d.csv", index=False, sep=";")
    frame.to_csv(tmp_path / "v.csv", index=False, sep=";")
    frame.to_parquet(tmp_path / "t.parquet")
    read = read_source(tmp_path / "d.csv", "sold", delimiter=";")
    assert read.examples.table.names == ("age", "town")
    parts = divide(read, validation=tmp_path / "v.csv", test=str(tmp_path / "t.parquet"))
    assert {name: len(part) for name, part in parts.items()} == {
        "train": N, "validation": N, "test": N,
    }  # fmt: skip
    with pytest.raises(DataError, match="say delimiter=';'"):
        read_source(tmp_path / "d.csv", "sold", delimiter="|")
    for source in (FRAME, tmp_path / "t.parquet"):
        with pytest.raises(ArgumentError, match="delimiter has no effect"):
            read_source(source, "sold", delimiter=";")
    with pytest.raises(ArgumentError, match="delimiter has no effect: data set 'digits'"):
        read_source("digits", delimiter=";")


@pytest.mark.parametrize("kind", ["dict", "frame", "csv", "parquet"])
def test_what_is_dropped_need_not_be_in_a_part_of_ones_own(kind, tmp_path) -> None:
    pd = pytest.importorskip("pandas")

    def made(name, columns):
        if kind == "dict":
            return columns
        frame, path = pd.DataFrame(columns), tmp_path / f"{name}.{kind}"
        if kind == "csv":
            frame.to_csv(path, index=False)
        elif kind == "parquet":
            frame.to_parquet(path)
        return frame if kind == "frame" else path

    n = np.arange(20)
    bare = {"x": n / 3, "y": n % 2}
    full = {**bare, "id": n, "day": n / 7, "note": [f"n{i}" for i in n]}
    how = {"hidden_layer_sizes": [], "epochs": 1, "seed": 0, "drop": ["id", "note", "day"]}
    data, with_all, without = (made(f"{k}", one) for k, one in enumerate([full, full, bare]))
    reports = [
        fastnn.train(data, "y", validation=part, test=part, **how).report
        for part in (with_all, without)
    ]
    assert reports[0] == reports[1]
    timed = fastnn.train(data, "y", test=without, split="time:day", **how)
    assert timed.model.features.columns == ("x",)
    with pytest.raises(DataError, match="drop: no column 'idd'"):
        fastnn.train(data, "y", test=without, **{**how, "drop": ["idd"]})
