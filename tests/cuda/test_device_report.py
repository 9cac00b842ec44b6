"""Reports and importance on a GPU: the same pages as on the CPU, but for rounding."""

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.report.doors import report_html
from fastnn.report.importance import explain
from tests.browser import Page

pytestmark = pytest.mark.cuda

SETTINGS = {"hidden_layer_sizes": [6], "epochs": 2, "dtype": "float64"}


def test_a_report_is_that_of_the_cpu() -> None:
    random = np.random.default_rng(0)
    X = random.standard_normal((80, 3))
    y = (X[:, 0] > 0).astype(int)
    pages = [
        Page(train(X, y, device=device, **SETTINGS).report_html()) for device in ("cuda", "cpu")
    ]
    assert pages[0].anchors == pages[1].anchors
    for chapter in ("quality", "classes", "threshold"):
        assert pages[0].tables[chapter] == pages[1].tables[chapter]
    assert "cuda:0" in pages[0].rows("environment")["device"]


def test_importance_is_that_of_the_cpu() -> None:
    model = train("diabetes", **SETTINGS).model
    there, here = explain(model.to("cuda"), "diabetes"), explain(model, "diabetes")
    assert there.drops == pytest.approx(here.drops, abs=1e-9)
    assert "cuda:0" in report_html(model.to("cuda"), "diabetes")
