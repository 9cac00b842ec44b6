"""PyTorch, eager, with the fused Adam."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.networks import Case
from benchmarks.systems import Trained


def prepare(case: Case, compiled: bool = False) -> Trained:
    """Return the network, ready to be trained."""
    torch.manual_seed(case.seed)
    X, y = (torch.from_numpy(v) for v in case.data())
    layers: list[torch.nn.Module] = []
    for k, n in zip(case.sizes[:-1], case.sizes[1:], strict=True):
        activation = torch.nn.ReLU() if case.activation == "relu" else torch.nn.Tanh()
        layers += [torch.nn.Linear(k, n), activation]
    model = torch.nn.Sequential(*layers[:-1])
    cross = case.loss == "categorical_crossentropy"
    loss = torch.nn.CrossEntropyLoss() if cross else torch.nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)

    def forward(rows: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return loss(model(rows), targets)

    if compiled:
        torch._dynamo.reset()  # what other shapes have taught it
    run = torch.compile(forward, dynamic=False) if compiled else forward

    def epoch() -> None:
        order = torch.randperm(case.n_rows)
        for start in range(0, case.n_rows, case.batch):
            chosen = order[start : start + case.batch]
            optimizer.zero_grad(set_to_none=True)
            run(X[chosen], y[chosen]).backward()
            optimizer.step()

    @torch.inference_mode()
    def predict(rows: Any) -> Any:
        return model(torch.from_numpy(rows)).numpy()

    return Trained(epoch, predict, predict)
