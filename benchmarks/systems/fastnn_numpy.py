"""fastnn, its steps run by NumPy."""

from __future__ import annotations

from itertools import count

import numpy as np

from benchmarks.networks import Case
from benchmarks.systems import Trained
from fastnn.backend.backend import get_backend
from fastnn.data.batches import epoch_order
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data


def prepare(case: Case, engine: str = "numpy") -> Trained:
    """Return the network, ready to be trained."""
    backend = get_backend("cpu", engine)
    net = network(case.sizes, activation=case.activation, loss_function=case.loss)
    parameters = Parameters(net, backend, np.float32)
    initialize(net, parameters, backend, seed=case.seed)
    X, y = case.data()
    Y = (y.reshape(-1, 1) if y.ndim == 1 else y).astype(np.float32)
    plan = TrainingPlan(
        backend, net, parameters, optimizer("adam"), Data(X, Y), case.batch, epochs=1000
    )
    rates = np.full(plan.n_steps, 0.001)
    epochs = count(1)

    def epoch() -> None:
        plan.run_epoch(epoch_order(case.n_rows, case.seed, next(epochs)), rates)

    evaluation = EvaluationPlan(backend, net, parameters)
    return Trained(epoch, evaluation.predict, evaluation.predict)
