"""Proofs on the user's own machine: gradients, training steps, and the GPU against the CPU.

Every activation meets every loss in a small network, with weighted examples, both penalties and a
ragged last batch. The oracles are the numeric derivative (N16), the plain loops of
`fastnn.reference`, and for a GPU the same programs on NumPy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, pairwise, product

import numpy as np
import numpy.typing as npt

from fastnn import reference
from fastnn.backend.backend import get_backend
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.protocols import Backend
from fastnn.backend.random import generator
from fastnn.nn.activations import ACTIVATIONS
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.gradient_check import gradient_check
from fastnn.nn.losses import LOSSES, LossFunction, loss
from fastnn.nn.network import Network, network
from fastnn.nn.normalization import PLACES
from fastnn.nn.optimizers import OPTIMIZERS, OptimizerRule, optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data
from fastnn.proofs.loop_twin import loop_masks, loop_twin, numbers_of_both
from fastnn.proofs.parity import parity
from fastnn.proofs.proof import Proof, proof
from fastnn.proofs.proof import deviation as deviation

FloatArray = npt.NDArray[np.float64]
Named = tuple[str, Network]  # a case and what to call it

SEED = 0
RATE = 0.002
L2, L1, CLIP = 0.1, 0.01, 0.5
N_EXAMPLES, BATCH = 7, 3  # batches of 3, 3 and 1
SIZES = (3, 4, 3)


def proofs(device: str = "cpu") -> Iterator[Proof]:
    """Prove the kernels, one `Proof` after the other; a few seconds on the CPU.

    >>> next(proofs()).passed
    True

    Raises DeviceError if the device cannot be used.
    """
    backend = get_backend(device)
    yield prove_gradients(chain(combinations(), normalized()))
    yield prove_steps(chain(combinations(), normalized()))
    yield prove_optimizers()
    if backend.device != "cpu":
        for dtype in ("float64", "float32"):
            yield prove_parity(backend, dtype)
        yield from parity(backend)


def combinations() -> Iterator[Named]:
    """Return every activation with every loss.

    The activation is that of the hidden layer, and of the output too where the loss allows it.

    >>> sum(1 for _ in combinations()) == len(ACTIVATIONS.names) * len(LOSSES.names)
    True
    """
    for name, cost in product(ACTIVATIONS.names, LOSSES.names):
        function = loss(cost)
        free = not function.from_logits and name != "softmax"
        yield (
            f"{name} with {cost}",
            network(
                SIZES,
                activation=name,
                output_activation=name if free else None,
                loss_function=function,
            ),
        )


def normalized() -> Iterator[Named]:
    """Return every activation with batch normalisation before it, and after it.

    >>> [name for name, _ in normalized()][:2]
    ['identity, normalised before', 'identity, normalised after']
    """
    for name, place in product(ACTIVATIONS.names, PLACES.names):
        # A small epsilon would leave exponential's bias, a factor that cancels out, no gradient,
        # and before the second activation a shift of the first layer's outputs would have none.
        norms = [f"{place}(epsilon=0.1)", "after(epsilon=0.1)"]
        net = network((3, 4, 4, 3), activation=[name, "sigmoid"], batch_normalization=norms)
        yield f"{name}, normalised {place}", net


def optimizer_rules() -> list[OptimizerRule]:
    """Return every optimiser, with every place of epsilon where there are several.

    >>> [rule.options["epsilon_placement"] for rule in optimizer_rules() if rule.name == "adam"]
    ['outside', 'inside', 'before_correction']
    """
    rules = []
    for row in OPTIMIZERS:
        places = next((o.choices for o in row.options if o.name == "epsilon_placement"), (None,))
        rules += [
            optimizer({"name": row.name} | ({"epsilon_placement": place} if place else {}))
            for place in places
        ]
    return rules


def prove_gradients(cases: Iterable[Named]) -> Proof:
    """Compare back-propagation with central differences, float64.

    >>> prove_gradients([("one", network([3, 2, 1], activation="tanh"))]).passed
    True
    """
    errors = {}
    for name, net in cases:
        X, Y, w = examples(net)
        found = gradient_check(net, X, Y, weights=w, l2=L2, l1=L1, seed=SEED)
        errors[f"{name}, {found.worst}"] = found.relative_error
    return proof("gradients", "numeric gradient", "cpu", errors, 1e-6)


def prove_steps(cases: Iterable[Named]) -> Proof:
    """Compare an epoch of gradient descent with the plain loops, float64.

    >>> prove_steps([("one", network([3, 2, 1], activation="tanh"))]).passed
    True
    """
    rule = optimizer("gradient_descent")
    errors = {name: _against_loops(net, rule) for name, net in cases}
    return proof("training steps", "plain loops", "cpu", errors, 1e-12)


def prove_optimizers() -> Proof:
    """Compare three epochs of each optimiser, with dropout and clipping, with the plain loops.

    >>> prove_optimizers().passed
    True
    """
    net = _dropout_network()
    errors = {
        _name(rule): _against_loops(net, rule, epochs=3, clip=CLIP) for rule in optimizer_rules()
    }
    return proof("optimizers, dropout", "plain loops", "cpu", errors, 1e-12)


def prove_parity(backend: Backend, dtype: str) -> Proof:
    """Compare costs, parameters and predictions of a device with those of NumPy.

    >>> prove_parity(CpuBackend(), "float64").largest_error
    0.0
    """
    descent = optimizer("gradient_descent")
    runs: list[tuple[str, Network, OptimizerRule, float | None]]
    runs = [(name, net, descent, None) for name, net in chain(combinations(), normalized())]
    runs += [(_name(rule), _dropout_network(), rule, CLIP) for rule in optimizer_rules()]
    ready = {  # all of them, before the first runs: the tests' device compiles them together
        name: [_ready(where, net, rule, dtype, clip) for where in (backend, CpuBackend())]
        for name, net, rule, clip in runs
    }
    errors = {}
    for name, (on_device, on_cpu) in ready.items():
        there, here = _run(on_device, epochs=2), _run(on_cpu, epochs=2)
        errors[name] = max(deviation(a, b) for a, b in zip(there, here, strict=True))
    return proof(f"all kernels, {dtype}", "NumPy", backend.device, errors, _PARITY[dtype])


#: The order of the sums and the last bit of exp differ between devices; steps make it grow.
_PARITY = {"float64": 1e-10, "float32": 2e-5}


def examples(net: Network) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return X (7, n), Y as the network's loss wants it, and weights (7, 1), float64.

    >>> examples(network([3, 2, 1]))[0].shape
    (7, 3)
    """
    random = generator(SEED, "check")
    X = random.uniform(-1, 1, (N_EXAMPLES, net.sizes[0]))
    Y = _targets(net.loss, net.sizes[-1], random)
    return X, Y, random.uniform(0.5, 1.5, (N_EXAMPLES, 1))


def _targets(cost: LossFunction, n_outputs: int, random: np.random.Generator) -> FloatArray:
    if cost.link == "softmax":
        return random.integers(n_outputs, size=(N_EXAMPLES, 1)).astype(np.float64)
    shape = (N_EXAMPLES, n_outputs)
    if "binary" in cost.tasks and cost.from_logits:
        return random.integers(2, size=shape).astype(np.float64)
    if cost.lowest_target == 0:
        return random.integers(4, size=shape).astype(np.float64)
    return random.standard_normal(shape)


def _dropout_network() -> Network:
    return network(SIZES, activation="tanh", dropout=0.5, loss_function="squared_error")


def _name(rule: OptimizerRule) -> str:
    place = rule.options.get("epsilon_placement")
    return f"{rule.name}, epsilon {place}" if place else rule.name


def _start(backend: Backend, net: Network, dtype: str) -> Parameters:
    """Parameters at their start; the biases are moved off zero, where ReLU has its kink."""
    p = Parameters(net, backend, dtype)
    initialize(net, p, backend, seed=SEED)
    theta = np.array(backend.host(p.theta), np.float64)
    n, stop = p.layout.n_weights, p.layout.n_trained
    theta[n:stop] += generator(SEED, "check", index=1).uniform(-0.5, 0.5, stop - n)
    backend.copy(backend.array(theta, p.dtype), p.theta)
    return p


def _orders(epochs: int) -> list[npt.NDArray[np.int64]]:
    return [generator(SEED, "shuffle", index=e).permutation(N_EXAMPLES) for e in range(epochs)]


def _plan(
    backend: Backend, net: Network, p: Parameters, rule: OptimizerRule, clip: float | None
) -> TrainingPlan:
    X, Y, w = (backend.array(v, p.dtype) for v in examples(net))
    return TrainingPlan(
        backend, net, p, rule, Data(X, Y, w), BATCH, l2=L2, l1=L1, clip_norm=clip, seed=SEED
    )


def _ready(
    backend: Backend, net: Network, rule: OptimizerRule, dtype: str, clip: float | None
) -> TrainingPlan:
    return _plan(backend, net, _start(backend, net, dtype), rule, clip)


def _run(plan: TrainingPlan, *, epochs: int) -> tuple[FloatArray, ...]:
    """Train; return the costs, the parameters and the predictions."""
    backend, net, p = plan.backend, plan.network, plan.parameters
    rates = np.full(plan.n_steps, RATE)
    costs = np.concatenate([plan.run_epoch(order, rates) for order in _orders(epochs)])
    X = examples(net)[0].astype(p.dtype)
    A = EvaluationPlan(backend, net, p).predict(X)
    return costs, np.array(backend.host(p.theta), np.float64), np.asarray(A, np.float64)


def _against_loops(
    net: Network, rule: OptimizerRule, *, epochs: int = 1, clip: float | None = None
) -> float:
    """Train here and in plain loops; return how far costs and parameters are apart."""
    backend = CpuBackend()
    p = _start(backend, net, "float64")
    twin = loop_twin(net, p, rule, RATE, l2=L2, l1=L1, clip=clip)
    plan = _plan(backend, net, p, rule, clip)
    rates = np.full(plan.n_steps, RATE)
    X, Y, w = (v.T.tolist() for v in examples(net))
    errors = []
    for order in _orders(epochs):
        costs = plan.run_epoch(order, rates)
        places = pairwise(accumulate(plan.batch_sizes, initial=0))
        batches = [order[i:j].tolist() for i, j in places]
        by_loops = reference.train_epoch(twin, X, Y, batches, w, loop_masks(net, SEED))
        errors.append(deviation(costs, by_loops))
    return max(errors + [deviation(a, b) for a, b in numbers_of_both(p, twin)])
