"""Vanishing and exploding gradients, in numbers and in a picture (N20 to N23).

A layer multiplies the spread of what passes through it by some factor, and so do 20 of them, 20
times: 1.5^20 is 3,325, and 0.5^20 is 0.000001. Forwards that happens to the activations, backwards
to the gradients, and a first layer whose gradient is 1e-15 learns nothing. What keeps the factor
near 1 is the initialiser that belongs to the activation. This measures 20 layers of 32 units on the
digits before their first step, trains them, and draws it:

    python scripts/examples/vanishing_gradients.py --folder pictures
"""

import argparse
from pathlib import Path

import numpy as np

import fastnn
from fastnn.backend.backend import get_backend
from fastnn.datasets.builtin import load
from fastnn.nn.activations import activation as function
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.step import Data
from fastnn.pictures.figure import figure_svg
from fastnn.pictures.marks import Axis, Bar, BarChart, Chart, Figure, Line

DEPTH, UNITS = 20, 32

#: activation, initialiser, colour
CHOICES = {
    "sigmoid, Glorot": ("sigmoid", "glorot_normal", "orange"),
    "tanh, too small": ("tanh", "normal(scale=0.05)", "yellow"),
    "tanh, Glorot": ("tanh", "glorot_normal", "green"),
    "ReLU, too large": ("relu", "normal(scale=0.5)", "pink"),
    "ReLU, He": ("relu", "he_normal", "blue"),
}


def measure(activation: str, initializer: str) -> tuple[list[float], list[float]]:
    """For each hidden layer the deviation of A[l] and the mean of |dW[l]|, at the first weights."""
    digits = load("digits")
    X, Y = digits.table.numeric[:500], digits.target[:500, None]
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9)  # N19
    net = fastnn.network(
        [64, *[UNITS] * DEPTH, 10],
        activation=activation,
        loss_function="categorical_crossentropy",
    )
    cpu = get_backend("cpu")
    p = Parameters(net, cpu, np.float64)
    initialize(net, p, cpu, initializer=initializer, seed=0)

    A, deviations = X.T, []
    for W, b in zip(p.W[:DEPTH], p.b, strict=False):
        A = function(activation).forward(W @ A + b)  # N1
        deviations.append(A.std())

    plan = GradientPlan(cpu, net, p, Data(X, Y))
    plan.cost_and_gradient()  # N12 to N14
    return deviations, [np.abs(dW).mean() for dW in plan.dW[:DEPTH]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path(), help="where the picture goes")
    parser.add_argument("--epochs", type=int, default=10)
    chosen = parser.parse_args(arguments)

    print(f"{'':16}{'std A[1]':>10}{f'std A[{DEPTH}]':>11}{'|dW[1]|':>10}{f'|dW[{DEPTH}]|':>10}"
          f"{'accuracy':>10}")  # fmt: skip
    forwards, backwards, bars = [], [], []
    for name, (activation, initializer, colour) in CHOICES.items():
        deviations, gradients = measure(activation, initializer)
        training = fastnn.train(
            "digits", hidden_layer_sizes=[UNITS] * DEPTH, activation=activation,
            initializer=initializer, epochs=chosen.epochs, patience=None, seed=0,
        )  # fmt: skip
        accuracy = training.report["test"]["accuracy"]
        print(f"{name:16}{deviations[0]:10.1e}{deviations[-1]:11.1e}"
              f"{gradients[0]:10.1e}{gradients[-1]:10.1e}{accuracy:10.2f}")  # fmt: skip
        forwards.append(Line.of(name, range(1, DEPTH + 1), deviations, colour))
        backwards.append(Line.of(name, range(1, DEPTH + 1), gradients, colour))
        bars.append(Bar(name, accuracy, f"{accuracy:.2f}", colour))

    layer = Axis("layer l")
    figure = Figure(
        f"{DEPTH} layers of {UNITS} units on the digits",
        [
            Chart("Activations before the first step", tuple(forwards), layer,
                  Axis("standard deviation of A[l]", log=True)),
            Chart("Gradients before the first step", tuple(backwards), layer,
                  Axis("mean of |dW[l]|", log=True)),
            BarChart(f"After {chosen.epochs} epochs", tuple(bars),
                     "accuracy on the test part; 0.10 is chance"),
        ],
    )  # fmt: skip
    chosen.folder.mkdir(parents=True, exist_ok=True)
    path = chosen.folder / "vanishing_gradients.svg"
    path.write_text(figure_svg(figure), encoding="utf-8")
    print(f"picture: {path}")


if __name__ == "__main__":
    main()
