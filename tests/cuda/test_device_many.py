"""Many networks at once on a GPU are each of them alone there, and on the CPU."""

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.api.train_many import train_many

pytestmark = pytest.mark.cuda


def test_each_network_is_the_one_trained_alone() -> None:
    configs = [
        {"seed": 0, "learning_rate": 0.01},
        {"seed": 1, "l2": 1.0, "patience": 1, "learning_rate": 0.1},
        {"seed": 2, "fold": (1, 3)},
        {"seed": 3, "fold": (2, 3), "gradient_clip": 0.5},
    ]
    given = {"hidden_layer_sizes": [6], "epochs": 3, "dtype": "float64", "dropout": 0.2}
    found = train_many(configs, "diabetes", device="cuda", **given)
    for training, config in zip(found, configs, strict=True):
        for device, near in (("cuda", 1e-12), ("cpu", 1e-10)):
            alone = train("diabetes", device=device, **given, **{"split_seed": 0, **config})
            thetas = (t.model.to("cpu").parameters.theta for t in (training, alone))
            np.testing.assert_allclose(*thetas, rtol=near, atol=near)
            assert training.history.best_epoch == alone.history.best_epoch
            assert training.report["test"] == pytest.approx(alone.report["test"], rel=1e-8)
