"""PyTorch on the same networks, eager and as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np


def steps(
    sizes: list[int],
    loss: str,
    X: np.ndarray[Any, Any],
    Y: np.ndarray[Any, Any],
    m: int,
    device: str,
) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """Yield (name, one training step, wait) of PyTorch, its data resident on the device."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    on = torch.device(device)
    if on.type == "cuda":
        torch.cuda.set_device(on)  # streams and graphs are made on the present one
    x, y = torch.from_numpy(X).to(on), torch.from_numpy(Y).to(on)
    order = torch.randperm(len(x), device=on)
    place = torch.zeros(1, dtype=torch.int64, device=on)
    rows = torch.arange(m, device=on)

    def wait() -> None:
        if on.type == "cuda":
            torch.cuda.synchronize(on)

    def made(**options: Any) -> Callable[[], None]:
        model = _model(torch, sizes).to(on)
        cost = {
            "categorical_crossentropy": torch.nn.CrossEntropyLoss(),
            "binary_crossentropy": torch.nn.BCEWithLogitsLoss(),
            "squared_error": torch.nn.MSELoss(),
        }[loss]
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001, **options)

        def step() -> None:
            chosen = order[(place + rows) % len(x)]
            optimizer.zero_grad(set_to_none=True)
            targets = y[chosen]
            cost(
                model(x[chosen]), targets[:, 0].long() if "categorical" in loss else targets
            ).backward()
            optimizer.step()
            place.add_(m)

        return step

    yield "torch eager", made(), wait
    if on.type == "cuda":
        step = made(capturable=True)
        with _captured(torch, step) as replay:
            yield "torch graph", replay, wait


def _model(torch: Any, sizes: list[int]) -> Any:
    layers: list[Any] = []
    for k, n in pairwise(sizes):
        layers += [torch.nn.Linear(k, n), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


@contextmanager
def _captured(torch: Any, step: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Warm up on a side stream, capture one step, give its replay."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    yield graph.replay
    del graph
