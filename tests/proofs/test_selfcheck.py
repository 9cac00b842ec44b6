"""The proofs that run on the user's machine: they pass here, and find what is wrong."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.program import Apply
from fastnn.errors import DeviceError
from fastnn.nn.activations import ACTIVATIONS, activation
from fastnn.nn.losses import LOSSES
from fastnn.nn.network import Network, network
from fastnn.proofs.selfcheck import (
    Proof,
    combinations,
    deviation,
    optimizer_rules,
    proofs,
    prove_gradients,
    prove_parity,
    prove_steps,
)


def test_every_activation_meets_every_loss() -> None:
    found = [(net.activations[0].name, net.loss.name) for _, net in combinations()]
    assert found == [(a, b) for a in ACTIVATIONS.names for b in LOSSES.names]


def test_every_optimizer_with_every_place_of_epsilon() -> None:
    found = [(rule.name, rule.options.get("epsilon_placement")) for rule in optimizer_rules()]
    assert len(found) == len(set(found)) == 13


def wrong_derivative() -> Network:
    net = network([3, 4, 2], activation="tanh")
    wrong = replace(activation("tanh"), derivative=lambda a: 1 - a * a + 1e-4)
    return replace(net, activations=(wrong, net.activations[1]))


def test_a_wrong_derivative_is_found_and_named() -> None:
    cases = [("right", network([3, 4, 2], activation="tanh")), ("wrong", wrong_derivative())]
    gradients, steps = prove_gradients(cases), prove_steps(cases)
    assert not gradients.passed
    assert gradients.worst.startswith("wrong, W[1]") or gradients.worst.startswith("wrong, b[1]")
    assert (steps.passed, steps.worst, steps.cases) == (False, "wrong", 2)


class OtherDevice(CpuBackend):
    """A device that gets the parameters a little wrong, by one part in a thousand."""

    device = "cuda:0"

    def compile(self, program, runs=1):
        executable = super().compile(program, runs)
        applied = [i for i in program.instructions if isinstance(i, Apply)]
        outs = applied[-1].outs  # of a training step: the update

        class Off:
            def run(self, n: int = 1) -> None:
                for _ in range(n):
                    executable.run()
                    for out in outs:
                        out *= 1 + 1e-3

        return Off()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_device_that_differs_is_found(dtype: str) -> None:
    proof = prove_parity(OtherDevice(), dtype)
    assert (proof.passed, proof.device) == (False, "cuda:0")
    assert proof.largest_error > 1e-4


def test_nan_never_passes() -> None:
    proof = Proof("a", "b", "cpu", 1, math.nan, "x", 1.0)
    assert not proof.passed
    assert deviation([np.nan], [1.0]) == math.inf
    assert deviation([1.0], [1.0, 2.0]) == math.inf
    assert deviation([0.0], [0.0]) == 0.0
    assert deviation([3.0], [2.0]) == 0.5


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(DeviceError, match="cuda:9999"):
        next(proofs("cuda:9999"))
