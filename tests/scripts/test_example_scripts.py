"""The examples run, in seconds, and what they print is true."""

import json
import os
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from fastnn.backend.cuda.availability import cuda_status
from tests.optional import optional
from tests.waiting import HANG

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "scripts" / "examples"
pyarrow, onnxruntime, onnx = optional("pyarrow"), optional("onnxruntime"), optional("onnx")


@pytest.fixture
def example(run_python):
    """A function that runs an example, which must succeed, and returns what it prints."""

    def run(name: str, *arguments: str) -> str:
        done = run_python(str(EXAMPLES / f"{name}.py"), *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return str(done.stdout)

    return run


def test_every_example_is_run_here_and_says_what_it_is() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    names = [path.stem for path in EXAMPLES.glob("*.py")]
    assert len(names) == 5
    for name in names:
        assert f'example("{name}"' in here or f'"{name}.py"' in here
        text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
        assert text.startswith('"""')
        assert text.count("\n") < 140


def test_own_loss(example) -> None:
    out = example("own_loss")
    assert "dL/da at a = 2, y = 1: 0.761594; tanh(1) = 0.761594" in out
    assert float(re.search(r"relative error (\S+),", out)[1]) < 1e-6
    squared, own = (float(e) for e in re.findall(r"training with .*: (\S+)", out))
    assert own < squared / 2
    assert "saved and loaded: the same predictions" in out


def test_table_end_to_end(example, tmp_path: Path) -> None:
    assert pyarrow.Table
    out = example("table_end_to_end", "--folder", "made")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {
        "patients.csv", "new_patients.csv", "a_year_later.csv", "patients.fastnn",
    }  # fmt: skip
    assert "'weight': ('high', 'normal', 'very high')" in out
    for part in ("train", "validation", "test", "a year later"):
        assert float(re.search(rf"{part}:? +[rR]2 +(\S+?),? ", out)[1]) > 0.2
    assert re.search(r"of whom little is known: \d+\n", out)


def test_table_end_to_end_leaves_nothing_unless_asked(example, tmp_path: Path) -> None:
    assert pyarrow.Table
    example("table_end_to_end")
    assert list(tmp_path.iterdir()) == []


def test_cpu_or_gpu(example, run_python) -> None:
    small = ("--hidden", "16", "--epochs", "2")
    out = example("cpu_or_gpu", "--device", "cpu", *small)
    assert out.count("cpu: accuracy 0.") == 2
    assert "the two differ by 0.0e+00 in a cost and by 0.0e+00 in a weight" in out
    predicted = re.search(r"it predicts (\[.*\]), and (\[.*\]) when", out)
    assert predicted[1] == predicted[2]
    if not cuda_status().usable:
        wrong = run_python(str(EXAMPLES / "cpu_or_gpu.py"), "--device", "cuda", *small)
        assert (wrong.returncode, wrong.stdout) == (4, "")
        assert wrong.stderr.startswith("device 'cuda' cannot be used: ")
        assert wrong.stderr.count("\n") == 1


def test_export_and_serve(example) -> None:
    assert onnxruntime.InferenceSession
    assert onnx.ModelProto
    out = example("export_and_serve")
    assert "onnxruntime answers at http://127.0.0.1:" in out
    assert "200: ['left', 'right', 'top']" in out
    assert "as Model.predict: yes" in out
    assert "a row too short: 400: needs rows of 2 numbers, found shape (1, 1)" in out


WITHOUT_ONNXRUNTIME = """
import runpy, sys
sys.modules["onnxruntime"] = None
sys.argv = ["export_and_serve.py"]
runpy.run_path({path!r}, run_name="__main__")
"""


def test_export_and_serve_without_onnxruntime(run_python) -> None:
    path = str(EXAMPLES / "export_and_serve.py")
    done = run_python("-c", WITHOUT_ONNXRUNTIME.format(path=path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("fastnn answers")
    assert "200: ['left', 'right', 'top']" in done.stdout


def test_serving_until_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "export_and_serve.py"), "--keep", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        port = int(re.search(r":(\d+)/predict", process.stdout.readline())[1])
        found = {}
        for path, body in (
            ("/predict", "[[0, 3]]"), ("/predict", "no"), ("/predict", ""), ("/", "[[0, 3]]"),
        ):  # fmt: skip
            connection = HTTPConnection("127.0.0.1", port, timeout=HANG)
            connection.request("POST", path, body)
            with connection.getresponse() as answer:
                found[path, body] = answer.status, json.load(answer)
            connection.close()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=HANG)
    assert (process.returncode, out, err) == (0, "", "")
    assert found["/predict", "[[0, 3]]"][1]["labels"] == ["top"]
    assert sum(found["/predict", "[[0, 3]]"][1]["probabilities"][0]) == pytest.approx(1, abs=1e-3)
    assert [status for status, _ in found.values()] == [200, 400, 400, 404]
    assert "must have 1 to 1000000 bytes, found 0" in found["/predict", ""][1]["error"]


def test_vanishing_gradients(example, tmp_path: Path) -> None:
    out = example("vanishing_gradients", "--epochs", "1", "--folder", "made")
    rows = {line[:15].strip(): line[16:].split() for line in out.splitlines()[1:-1]}
    first = {name: float(row[2]) for name, row in rows.items()}
    last = {name: float(row[3]) for name, row in rows.items()}
    assert first["sigmoid, Glorot"] < 1e-12 < 1e-4 < last["sigmoid, Glorot"]
    assert first["tanh, too small"] < 1e-10
    assert first["ReLU, too large"] > 1e3
    for kept in ("tanh, Glorot", "ReLU, He"):
        assert 0.1 < first[kept] / last[kept] < 10
        assert 1e-4 < first[kept] < 1
    picture = (tmp_path / "made" / "vanishing_gradients.svg").read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert all(name in picture for name in rows)
