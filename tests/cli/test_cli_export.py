"""`fastnn export`: the file is the model, and what it refuses."""

import numpy as np
import pytest

from fastnn.datasets.builtin import load as load_data
from fastnn.model.files import load


def test_the_exported_model_predicts_the_same(fastnn, models, tmp_path):
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    path = models / "digits.fastnn"
    ran = fastnn("export", path, "digits.onnx")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "                         type    shape",
        "input X               float32  (N, 64)",
        "output label            int64     (N,)",
        "output probabilities  float32  (N, 10)",
    ]
    assert ran.err == f"fastnn: the model of {path} is written to digits.onnx\n"
    ready = ort.InferenceSession(str(tmp_path / "digits.onnx"), providers=["CPUExecutionProvider"])
    data = load_data("digits").table
    label, probabilities = ready.run(None, {"X": data.numeric.astype(np.float32)})
    model = load(path)
    np.testing.assert_array_equal(label, model.predict(data))
    np.testing.assert_allclose(probabilities, model.predict_proba(data), atol=1e-6)


@pytest.mark.parametrize(
    ("out", "code", "said"),
    [
        ("digits.pb", 2, "OUT: the name must end in .onnx, found 'digits.pb'"),
        ("no/digits.onnx", 3, "OUT: there is no folder"),
    ],
)
def test_a_name_that_cannot_be(fastnn, models, out, code, said):
    ran = fastnn("export", models / "digits.fastnn", out)
    assert ran.code == code
    assert said in ran.err


def test_a_model_that_is_not_there(fastnn):
    ran = fastnn("export", "no.fastnn", "m.onnx")
    assert (ran.code, ran.out) == (3, "")
    assert "model file 'no.fastnn' does not exist" in ran.err
