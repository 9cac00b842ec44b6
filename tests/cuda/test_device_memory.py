"""The closed form of the memory against what CuPy's pool has really handed out."""

import numpy as np
import pytest

from fastnn.backend.backend import get_backend
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.memory import training_memory
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data

pytestmark = pytest.mark.cuda

CLASSES = {"loss_function": "categorical_crossentropy"}


@pytest.mark.parametrize(
    ("shape", "m", "micro"),
    [
        ({"activation": "relu", **CLASSES}, 128, None),
        ({"activation": "gelu", "dropout": 0.5, **CLASSES}, 1000, None),
        ({"activation": "tanh", "batch_normalization": "before"}, 500, None),
        ({"activation": "silu", "dropout": 0.5, **CLASSES}, 2000, 300),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_what_the_pool_hands_out(shape: dict, m: int, micro: int | None, dtype: str) -> None:
    cuda = get_backend("cuda")
    net, rule, N = network([100, 512, 256, 10], **shape), optimizer("adam"), 4000
    X = np.zeros((N, 100), dtype)
    Y = np.zeros((N, 1 if net.loss.link == "softmax" else 10), dtype)
    pool = cuda.xp.get_default_memory_pool()
    before = pool.used_bytes()
    parameters = Parameters(net, cuda, dtype)
    data = Data(cuda.array(X), cuda.array(Y))
    plan = TrainingPlan(cuda, net, parameters, rule, data, m, micro_batch_size=micro)
    kept = plan.snapshot()
    evaluation = EvaluationPlan(cuda, net, parameters)
    evaluation.evaluate(X, Y)
    found = pool.used_bytes() - before
    needed = training_memory(net, rule, N, m, dtype, micro_batch_size=micro, n_evaluated=N)
    assert kept[2] == 0
    assert needed.total == pytest.approx(found, rel=0.05)
