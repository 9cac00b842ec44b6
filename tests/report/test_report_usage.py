"""The listings on a page work as they are: loading, predicting, exporting, serving."""

import json
import shlex
import threading
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn.api.train import Training
from fastnn.cli.main import main
from fastnn.report.subject import of_training
from fastnn.report.usage import example_row
from tests.browser import Page
from tests.optional import optional

FILE = "a model's <file>.fastnn"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _listings(training: Training) -> tuple[str, str, str]:
    training.model.save(FILE)
    python, commands, server = Page(training.report_html(file=FILE)).listings
    return python, commands, server


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_python(trainings, task: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The row is one of the test part, without its target."""
    training = trainings[task]
    python, _, _ = _listings(training)
    exec(compile(python, "page", "exec"), {})
    rows = of_training(training.model, training.record).judged
    predicted = training.model.predict(rows.examples.table)[:1]
    said = capsys.readouterr().out.splitlines()[0]
    if task == "binary":
        assert said == str(predicted)
    else:  # a row alone is rounded otherwise
        assert float(said.strip("[]")) == pytest.approx(predicted[0], rel=1e-5)
    assert ("predict_proba" in python) == (task == "binary")


def test_a_model_without_names_reads_a_file(trainings) -> None:
    python, _, _ = Page(trainings["several"].report_html()).listings
    assert 'model.predict("new.csv")' in python
    assert "fastnn.load('model.fastnn')" in python


def test_a_row_with_a_gap_is_one_that_the_model_takes(trainings) -> None:
    training = trainings["regression"]
    rows = of_training(training.model, training.record).judged
    gap = int(np.flatnonzero(np.isnan(rows.examples.table.column("built")))[0])
    few = rows.examples.rows(np.array([gap]))
    row = example_row(training.model, type(rows).of(training.model, few, ""))
    assert row["built"] is None
    found = training.model.predict({name: [value] for name, value in row.items()})
    assert found == pytest.approx(rows.output[gap])


def test_commands(trainings, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training = trainings["binary"]
    _, commands, _ = _listings(training)
    test = training.record.samples["test"]
    frame = optional("pandas").DataFrame({n: test.table.column(n) for n in test.table.names})
    frame.to_csv("new.csv", index=False)
    frame.assign(kind=test.target).to_csv("labelled.csv", index=False)
    ran = []
    for line in commands.splitlines():
        words = shlex.split(line)
        assert words[0] == "fastnn"
        if words[1] == "export":
            assert optional("onnx").__version__
        assert main(words[1:]) == 0, capsys.readouterr().err
        ran.append(words[1])
    assert ran == ["predict", "evaluate", "export"]
    assert (folder / "predictions.csv").is_file()
    assert (folder / "model.onnx").is_file()


@pytest.mark.parametrize("task", ["binary", "several"])
def test_the_server(trainings, task: str, folder: Path) -> None:
    training = trainings[task]
    _, _, listing = _listings(training)
    names: dict[str, Any] = {"__name__": "served"}
    exec(compile(listing, "page", "exec"), names)
    table = training.record.samples["test"].table
    if task == "several":
        asked: Any = table.numeric[:3].tolist()
    else:
        asked = {n: [None if v != v else v for v in table.column(n)[:3]] for n in table.names}

    class Quiet(names["Predict"]):
        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            expected = training.model.predict(table.rows(np.arange(3))).tolist()
            assert _post(server.server_port, json.dumps(asked)) == (200, expected)
            status, answer = _post(server.server_port, '{"area": [1]}')
            assert status == 400
            assert answer["error"]
            assert _post(server.server_port, "no json")[0] == 400
        finally:
            server.shutdown()


def _post(port: int, body: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port)
    try:
        connection.request("POST", "/", body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
