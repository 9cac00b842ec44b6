"""`fastnn report`, and `--report` of train and search: pages, where they go, what is refused."""

import json
import os
import re

import pytest

from fastnn.api.train import train
from fastnn.datasets.builtin import load as load_data
from fastnn.model.files import load
from fastnn.report.doors import report_html
from fastnn.text import number
from tests.browser import Page


def _page(path) -> Page:
    page = Page(path.read_text(encoding="utf-8"))
    page.asks_for_nothing()
    return page


def _labelled(name: str):
    dataset = load_data(name)
    return dataset.table, dataset.target


class TestReport:
    def test_a_model_alone(self, fastnn, models, tmp_path) -> None:
        ran = fastnn("report", models / "digits.fastnn")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.splitlines()[-1] == "report: digits-model.html"
        page = _page(tmp_path / "digits-model.html")
        assert "classes" not in page.anchors
        line = (
            "Left out without DATA: classes and their confusion matrix, ROC and precision-recall,"
        )
        assert line in page.texts[""]
        assert line in " ".join(ran.out.split())
        assert "fastnn.load('digits.fastnn')" in page.listings[0]  # and no folder before it

    def test_with_rows(self, fastnn, models, flats_csv, tmp_path) -> None:
        ran = fastnn("report", models / "flats.fastnn", "flats.csv", "--drop", "id", "--seed", 3)
        assert ran.code == 0, ran.err
        page = _page(tmp_path / "flats-on-flats.html")
        text = (tmp_path / "flats-on-flats.html").read_text(encoding="utf-8")
        assert "Left out" not in text + ran.out
        assert "the 120 rows of flats.csv" in text
        assert str(tmp_path) not in text
        assert "errors" in page.anchors
        ran = fastnn("report", models / "flats.fastnn", "flats.csv", "--drop", "id", "-o", "b.html")
        assert (tmp_path / "b.html").read_text(encoding="utf-8") != text  # another seed

    def test_it_is_the_page_of_python(self, fastnn, models, tmp_path) -> None:
        ran = fastnn("report", models / "tumours.fastnn", "breast_cancer", "--seed", 2)
        assert "all 569 rows, some of them seen by a model trained on it" in ran.err
        model = load(models / "tumours.fastnn")
        text = report_html(model, "breast_cancer", seed=2)
        written = (tmp_path / "tumours-on-breast_cancer.html").read_text(encoding="utf-8")
        ends = "Configuration</h2>"  # where options are written as the door does

        def before(page: str) -> str:  # findings are spelt as the door does, too
            return re.sub('<p class="warning">.*?</p>', "", page.split(ends)[0])

        assert before(written) == before(text)
        assert "--learning-rate" in Page(written).rows("configuration", 1)
        assert ran.out.splitlines()[1].split()[2] == number(
            model.evaluate(*_labelled("breast_cancer"))["accuracy"]
        )

    def test_several_models(self, fastnn, models, tmp_path) -> None:
        other = train("breast_cancer", hidden_layer_sizes=[4], epochs=2).model
        other.save(tmp_path / "other.fastnn")
        ran = fastnn("report", models / "tumours.fastnn", "other.fastnn", "breast_cancer", "--json")
        assert ran.code == 0
        assert ran.err.count("all 569 rows") == 1  # said once
        document = json.loads(ran.out)
        assert document["report"] == "report-on-breast_cancer.html"
        assert document["left_out"] is None
        assert list(document["models"]) == ["tumours", "other"]
        assert document["examples"] == 569
        page = _page(tmp_path / "report-on-breast_cancer.html")
        heads = page.tables["quality"][0][0]
        for name, metrics in document["metrics"].items():
            shown = dict(zip(heads[1:], page.rows("quality")[name], strict=True))
            assert shown["accuracy"] == number(metrics["accuracy"])

    def test_models_of_one_name_have_their_folders(self, fastnn, models, tmp_path) -> None:
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "m.fastnn").write_bytes((models / "digits.fastnn").read_bytes())
        ran = fastnn("report", "a/m.fastnn", "b/m.fastnn", "--json")
        document = json.loads(ran.out)
        assert list(document["models"]) == ["a/m", "b/m"]
        assert document["report"] == "report-models.html"
        assert document["left_out"].startswith("Left out without DATA: calibration, each class, ")

    def test_a_page_is_replaced_and_a_foreign_file_is_not(self, fastnn, models, tmp_path) -> None:
        assert fastnn("report", models / "digits.fastnn").code == 0
        ran = fastnn("report", models / "digits.fastnn")
        assert ran.err == "fastnn: the report that was in digits-model.html is replaced\n"
        (tmp_path / "digits-model.html").write_text("<h1>mine</h1>")
        ran = fastnn("report", models / "digits.fastnn")
        assert ran.code == 2
        assert "'digits-model.html' is there already and is no page of fastnn" in ran.err
        assert (tmp_path / "digits-model.html").read_text() == "<h1>mine</h1>"

    def test_the_page_of_a_training_stays(self, fastnn, tmp_path) -> None:
        """That of the model alone has fewer chapters, and that on other rows other ones."""
        fastnn("train", "diabetes", "--hidden", "4", "--epochs", "2", "--quiet", "--report")
        before = (tmp_path / "diabetes.html").read_bytes()
        assert fastnn("report", "diabetes.fastnn").code == 0
        assert fastnn("report", "diabetes.fastnn", "diabetes").code == 0
        assert (tmp_path / "diabetes.html").read_bytes() == before
        assert {path.name for path in tmp_path.glob("*.html")} == {
            "diabetes.html", "diabetes-model.html", "diabetes-on-diabetes.html",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("words", "code", "said"),
        [
            (["digits"], 2, "digits is DATA: give a MODEL before it"),
            (["digits", "M"], 2, "DATA comes last: fastnn report M digits"),
            (["M", "digits", "x.csv"], 2, "one file of rows is DATA"),
            (["M", "M"], 2, "digits is there twice"),
            (["M", "T"], 2, "tumours cannot be compared with digits: their tasks differ"),
            (["M", "breast_cancer"], 3, "'breast_cancer': missing columns: pixel_0_0"),
            (["M", "none.csv"], 3, "none.csv"),
            (["none.fastnn"], 3, "model file 'none.fastnn' does not exist"),
            (["M", "-o", "page.txt"], 2, "--out: the name of a page ends in .html, found 'page"),
            (["M", "-o", "none/page.html"], 3, "--out: there is no folder"),
            (["M", "--target", "digit"], 2, "--target has no effect without DATA"),
            (["M", "--decimal", ","], 2, "--decimal has no effect without DATA"),
            (["M", "--seed", "1"], 2, "--seed has no effect without DATA"),
            (["M", "--engine", "numpy"], 2, "--engine has no effect without DATA"),
            (["M", "digits", "--seed", "-1"], 2, "--seed must be a whole number"),
            ([], 2, "required"),
        ],
    )
    def test_what_cannot_be(self, fastnn, models, words, code, said, tmp_path) -> None:
        names = {"M": models / "digits.fastnn", "T": models / "tumours.fastnn"}
        ran = fastnn("report", *[names.get(word, word) for word in words])
        assert ran.code == code
        lines = ran.err.splitlines()
        assert said.replace(" M ", f" {models / 'digits.fastnn'} ") in lines[-1]
        assert list(tmp_path.glob("*.html")) == []

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_cannot_be_written(self, fastnn, models, tmp_path) -> None:
        (tmp_path / "closed").mkdir(mode=0o555)
        ran = fastnn("report", models / "digits.fastnn", "-o", "closed/page.html")
        assert ran.code == 3
        assert "--out: nothing can be written into the folder" in ran.err


class TestTrain:
    QUICK = ("--hidden", "4", "--epochs", "2", "--quiet")

    def test_a_training_leaves_its_page(self, fastnn, tmp_path) -> None:
        ran = fastnn("train", "digits", *self.QUICK, "--report")
        assert ran.code == 0
        assert ran.out.splitlines()[-2:] == ["model: digits.fastnn", "report: digits.html"]
        page = _page(tmp_path / "digits.html")
        assert "fastnn.load('digits.fastnn')" in page.listings[0]
        assert "2 epochs" in page.texts["learning"]

    def test_a_name_and_json(self, fastnn, flats_csv, tmp_path) -> None:
        ran = fastnn("train", "flats.csv", "--target", "price", "--drop", "id", *self.QUICK,
                     "--report", "page.html", "--json")  # fmt: skip
        assert json.loads(ran.out)["report"] == "page.html"
        assert "Left out as asked: id." in _page(tmp_path / "page.html").texts["data"]
        ran = fastnn("train", "digits", *self.QUICK, "--json")
        assert "report" not in json.loads(ran.out)

    def test_divergence_leaves_the_report_alone(self, fastnn, tmp_path) -> None:
        ran = fastnn("train", "diabetes", "--optimizer", "sgd", "--learning-rate", "1e9",
                     "--quiet", "--report")  # fmt: skip
        assert ran.code == 1
        assert ran.err.splitlines()[-1].endswith("nothing is saved but its report, diabetes.html")
        assert [path.name for path in tmp_path.iterdir()] == ["diabetes.html"]
        assert "The training diverged" in _page(tmp_path / "diabetes.html").texts[""]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--report=page"], "--report: the name of a page ends in .html, found 'page'"),
            (["--report", "none/page.html"], "--report: there is no folder"),
        ],
    )
    def test_it_is_refused_before_the_training(self, fastnn, words, said, tmp_path) -> None:
        ran = fastnn("train", "digits", *self.QUICK, *words)
        assert ran.code in (2, 3)
        assert said in ran.err
        assert list(tmp_path.iterdir()) == []

    def test_the_best_of_a_search(self, fastnn, tmp_path) -> None:
        ran = fastnn("search", "digits", "--grid", "l2=0,1", *self.QUICK, "--report")
        assert ran.code == 0
        assert ran.out.splitlines()[-1] == "report: digits.html"
        assert "errors" in _page(tmp_path / "digits.html").anchors
        ran = fastnn("search", "digits", "--grid", "l2=0,1", *self.QUICK, "--report", "--json")
        assert json.loads(ran.out)["report"] == "digits.html"
