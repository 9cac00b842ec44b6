"""What a training step costs the host: counted by the emulated device, not estimated."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastnn.backend.backend import get_backend
from fastnn.backend.cuda.capture import WARM_UP
from fastnn.backend.program import Dot
from fastnn.nn.network import network
from fastnn.nn.optimizers import OPTIMIZERS, optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data
from fastnn.recipe.recipe import Recipe
from fastnn.training.learner import Learner
from fastnn.training.part import Part

emulated_gpu = pytest.importorskip("emulated_gpu", reason="only the emulated device counts")
pytestmark = pytest.mark.cuda

#: Launches of one eager step of 784-256-128-10 with Adam, besides the 8 products.
MOST_LAUNCHES = 9
WAITING = (
    *("copies_to_device", "copies_to_host", "copies_on_device", "fills", "synchronisations"),
    *("allocations", "frees", "pool_allocations", "host_allocations"),
)


def counted(work: Callable[[], Any]) -> dict[str, int]:
    """What happens while ``work()`` runs."""
    before = emulated_gpu.counters()
    work()
    return {name: n - before[name] for name, n in emulated_gpu.counters().items()}


def training(
    sizes: list[int], rule: str, m: int, n: int, *, capture: str = "always", **options: Any
) -> Callable[[int], dict[str, int]]:
    """A function that trains an epoch of so many steps and returns its counts."""
    backend = get_backend("cuda", capture=capture)
    rng = np.random.default_rng(0)
    chosen = {key: options.pop(key) for key in ("activation", "dropout") if key in options}
    net = network(sizes, loss_function="categorical_crossentropy", **chosen)
    p = Parameters(net, backend, "float32")
    initialize(net, p, backend, seed=0)
    X = backend.array(rng.standard_normal((n, sizes[0])), "float32")
    Y = backend.array(rng.integers(0, sizes[-1], (n, 1)), "float32")
    plan = TrainingPlan(backend, net, p, optimizer(rule), Data(X, Y), m, **options)
    rates = np.full(plan.n_steps, 0.001)

    def epoch(steps: int) -> dict[str, int]:
        return counted(lambda: plan.run_epoch(np.arange(n), rates, steps))

    epoch(plan.n_steps)  # captured by now, but for the short last batch
    for _ in range(WARM_UP):
        epoch(plan.n_steps)
    return epoch


def per_step(epoch: Callable[[int], dict[str, int]]) -> dict[str, int]:
    """The difference that four more steps make, for one of them."""
    few, more = epoch(2), epoch(6)
    difference = {name: more[name] - few[name] for name in more}
    assert all(n % 4 == 0 for n in difference.values())
    return {name: n // 4 for name, n in difference.items()}


@pytest.mark.parametrize("capture", ["always", "never"])
def test_a_step_of_the_usual_network(capture: str) -> None:
    step = per_step(training([784, 256, 128, 10], "adam", 8, 48, capture=capture))
    assert [name for name in WAITING if step[name]] == []
    if capture == "always":
        assert (step["graph_launches"], step["launches"], step["products"]) == (1, 0, 0)
    else:
        assert step["launches"] <= MOST_LAUNCHES
        assert step["products"] == 8


@pytest.mark.parametrize("capture", ["always", "never"])
@pytest.mark.parametrize("rule", OPTIMIZERS.names)
def test_no_step_waits_copies_or_allocates(rule: str, capture: str) -> None:
    options = {"activation": ["softmax", "gelu"], "dropout": 0.5, "clip_norm": 1.0}
    step = per_step(training([5, 7, 4, 3], rule, 6, 36, capture=capture, l2=0.1, l1=0.1, **options))
    assert [name for name in WAITING if step[name]] == []
    assert step["launches"] + step["graph_launches"] > 0


def test_an_epoch_reads_once_and_the_short_last_batch_costs_no_more() -> None:
    epoch = training([5, 7, 3], "adam", 10, 45)
    without, whole = epoch(4), epoch(5)
    for counts in (without, whole):
        assert counts["copies_to_host"] == 1
        assert counts["allocations"] == counts["frees"] == counts["host_allocations"] == 0
    assert [name for name in WAITING if whole[name] != without[name]] == []


def test_a_training_reads_once_an_epoch() -> None:
    """The costs, and with them whether the weights are still numbers."""
    backend, rng = get_backend("cuda"), np.random.default_rng(0)
    X = rng.standard_normal((40, 4)).astype(np.float32)

    def reads(epochs: int) -> int:
        net = network([4, 3, 2], loss_function="squared_error")
        p = Parameters(net, backend, "float32")
        initialize(net, p, backend, seed=0)
        options = Recipe.of(patience=None, epochs=epochs, batch_size=8)
        learner, part = Learner(net, p, backend), Part(X, X[:, :2].copy())
        return counted(lambda: learner.train(part, options))["copies_to_host"]

    assert reads(7) - reads(3) == 4


def test_the_products_are_those_of_the_notes() -> None:
    """L forward, L for dW, L - 1 for dA: 3 L - 1."""
    backend = get_backend("cuda")
    net = network([4, 3, 3, 2], loss_function="squared_error")
    p = Parameters(net, backend, "float32")
    data = Data(backend.zeros((6, 4), "float32"), backend.zeros((6, 2), "float32"))
    plan = TrainingPlan(backend, net, p, optimizer("adam"), data, 3)
    assert sum(isinstance(i, Dot) for i in plan.program.instructions) == 3 * 3 - 1
