"""A model with dates as ONNX predicts what it predicts itself."""

import datetime

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.data.date_features import PARTS, DateParts
from fastnn.formats.onnx_dates import date_parts
from fastnn.formats.onnx_graph import OnnxGraph
from tests.optional import optional

optional("onnx")
runtime = optional("onnxruntime")


def test_the_calendar_from_the_year_1_to_9999():
    ends = [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)]
    first, last = ((end - datetime.datetime(1970, 1, 1)).total_seconds() for end in ends)
    seconds = np.sort(np.random.default_rng(0).uniform(first, last, 5000).round())
    leap = [951_782_400.0, 951_868_799.0, -1.0, 0.0, first, last]  # 29 February 2000 among them
    seconds = np.concatenate([seconds, leap])[:, None]
    date = DateParts("", False, PARTS, (1970.0, 10.0))
    graph = OnnxGraph("calendar", taken=["x"])
    graph.add_input("x", np.float64, 1)
    rows = graph.node("Concat", *date_parts(graph, date, "x"), axis=1)
    graph.add_output("parts", rows, np.float64, 7)
    session = runtime.InferenceSession(graph.model({}, "test", "1").SerializeToString())
    (found,) = session.run(None, {"x": seconds})
    np.testing.assert_allclose(found, date.values(seconds[:, 0]), atol=1e-12)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("more", [{}, {"c": ["a", "b"] * 30}], ids=["numbers", "categories"])
def test_as_the_model_predicts(tmp_path, more, standardize):
    generator = np.random.default_rng(0)
    moments = generator.integers(1.5e9, 1.6e9, 60).astype("M8[s]").astype("M8[us]")
    moments[::5] = "NaT"
    clock = [f"{i % 24}:{i:02}" for i in range(60)]
    data = {"d": moments, "x": generator.normal(size=60), "t": clock, **more}
    model = train(data, generator.normal(size=60), epochs=2, standardize=standardize).model
    model.to_onnx(tmp_path / "m.onnx")
    session = runtime.InferenceSession(tmp_path / "m.onnx")
    kinds = {one.name: (one.type, one.shape) for one in session.get_inputs()}
    assert kinds["d"] == kinds["t"] == ("tensor(double)", ["N", 1])
    assert kinds["x"][0] == "tensor(float)"
    seconds = np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 1e6)
    midnight = np.array([(i % 24 * 60 + i) * 60.0 for i in range(60)])
    feed = {"d": seconds, "t": midnight, "x": data["x"].astype(np.float32)}
    feed |= {name: np.array(values, object) for name, values in more.items()}
    (found,) = session.run(None, {name: values[:, None] for name, values in feed.items()})
    np.testing.assert_allclose(found, model.predict(data), rtol=1e-4, atol=1e-5)
    described = session.get_modelmeta().custom_metadata_map
    assert described["dates"] == '["d", "t"]'
