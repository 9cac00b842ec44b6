"""Small training runs that use every instruction, to compare one device with another."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastnn.backend.protocols import Backend
from fastnn.backend.random import generator
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data


@dataclass(frozen=True)
class Run:
    """What is trained, and how."""

    n_outputs: int
    network: dict[str, Any]
    optimizer: str
    weighted: bool = False
    training: dict[str, Any] = field(default_factory=dict)


RUNS = {
    "classes, dropout, Adam, penalties": Run(
        3,
        {
            "activation": ["relu", "gelu"],
            "dropout": 0.3,
            "loss_function": "categorical_crossentropy",
        },
        "adam",
        training={"l2": 0.1, "l1": 0.01, "clip_norm": 1.0},
    ),
    "weighted regression, Nesterov": Run(
        2, {"activation": ["softmax", "tanh"], "loss_function": "huber"}, "nesterov", weighted=True
    ),
    "several labels, RMSprop": Run(
        2,
        {
            "activation": "leaky_relu",
            "dropout": [0.0, 0.5],
            "loss_function": "binary_crossentropy",
        },
        "rmsprop",
    ),
    "batch normalisation, before and after, AdamW": Run(
        2,
        {
            "activation": ["relu", "gelu"],
            "dropout": [0.3, 0.0],
            "batch_normalization": ["before(momentum=0.9)", "after"],
        },
        "adamw",
        training={"l2": 0.1, "clip_norm": 1.0},
    ),
    "batch normalisation, softmax and logits": Run(
        3,
        {
            "activation": ["softmax", "silu"],
            "batch_normalization": ["before", "after"],
            "loss_function": "categorical_crossentropy",
        },
        "adam",
        weighted=True,
    ),
    "in micro-batches of 5, 5, 5 and 1": Run(
        3,
        {
            "activation": ["tanh", "softmax"],
            "dropout": [0.4, 0.2],
            "loss_function": "categorical_crossentropy",
        },
        "adam",
        weighted=True,
        training={"l2": 0.1, "clip_norm": 1.0, "micro_batch_size": 5},
    ),
}


def train(backend: Backend, run: Run, dtype: str) -> tuple[Any, Any, Any]:
    """Train 3-7-6-K on 50 examples for 5 epochs of batches of 16, 16, 16 and 2.

    Return the mean cost of each epoch, the parameters and the predictions, all on the host.
    """
    rng = np.random.default_rng(8)
    net = network([3, 7, 6, run.n_outputs], **run.network)
    X = rng.normal(size=(50, 3))
    Y = np.tile(X[:, :1] > 0, run.n_outputs)
    if net.loss.link == "softmax":
        Y = (X[:, :1] > 0) + (X[:, 1:2] > 0).astype(float)
    w = backend.array(rng.uniform(0.5, 2, size=(50, 1)), dtype) if run.weighted else None
    data = Data(backend.array(X, dtype), backend.array(Y, dtype), w)
    parameters = Parameters(net, backend, dtype)
    initialize(net, parameters, backend, seed=4)
    rule = optimizer(run.optimizer)
    plan = TrainingPlan(backend, net, parameters, rule, data, 16, seed=4, **run.training)
    costs = [
        plan.run_epoch(generator(4, "shuffle", epoch).permutation(50), np.full(4, 0.02)).mean()
        for epoch in range(5)
    ]
    predictions = EvaluationPlan(backend, net, parameters, 32).predict(data.X)
    return np.array(costs), np.array(backend.host(parameters.theta)), predictions
