"""Layers looked at on a GPU: the statistics and the findings of the CPU."""

from typing import Any

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.diagnosis.layers import look
from fastnn.nn.network import network
from fastnn.recipe.run_settings import RunSettings
from fastnn.training.learner import Learner
from fastnn.training.part import Part

pytestmark = pytest.mark.cuda

#: What a network may be made of.
KINDS: dict[str, dict[str, Any]] = {
    "relu": {},
    "gelu and classes": {"activation": "gelu", "loss_function": "categorical_crossentropy"},
    "softmax inside": {"activation": "softmax", "loss_function": "binary_crossentropy"},
    "normalised": {"activation": "sigmoid", "batch_normalization": "before"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_are_those_of_the_cpu(kind: str) -> None:
    net = network([4, 6, 5, 3], **KINDS[kind])
    random = np.random.default_rng(0)
    X, Y = random.standard_normal((33, 4)), random.integers(0, 2, (33, 3)).astype(float)
    if net.loss.link == "softmax":
        Y = random.integers(0, 3, (33, 1))
    seen = [
        look(Learner.new(net, RunSettings(device, dtype="float64"), seed=1), Part(X, Y))
        for device in ("cuda", "cpu")
    ]
    assert seen[0].loss == pytest.approx(seen[1].loss)
    for there, here in zip(*(one.to_json()["layers"] for one in seen), strict=True):
        assert set(there) == set(here)
        for name, value in here.items():
            close = value if isinstance(value, str) else pytest.approx(value, rel=1e-9, abs=1e-12)
            assert there[name] == close, name


def test_a_training_is_looked_at() -> None:
    options: dict[str, Any] = {
        "hidden_layer_sizes": [16] * 12, "activation": "sigmoid", "epochs": 2, "doctor": True,
    }  # fmt: skip
    there, here = (train("diabetes", device=device, **options) for device in ("cuda", "cpu"))
    assert [f.name for f in there.findings] == [f.name for f in here.findings] != []
    for a, b in zip(there.diagnosis.looks, here.diagnosis.looks, strict=True):
        assert a.when == b.when
        for x, y in zip(a.layers, b.layers, strict=True):
            assert x.delta == pytest.approx(y.delta, rel=1e-2)
            assert x.update == pytest.approx(y.update, rel=1e-2, abs=1e-7)
