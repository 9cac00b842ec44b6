"""A loss and an activation of your own, each as one expression.

The loss is log cosh, `L(a, y) = log((e^(a - y) + e^(y - a)) / 2)`: like the squared error near 0,
like the absolute error far from it, with the smooth slope `dL/da = tanh(a - y)`. The activation is
`g(z) = z sigmoid(2 z)`. fastnn traces the expressions, derives their slopes by the chain rule
(N15), and runs them compiled or on a GPU like its own; a model file keeps them.
"""

import tempfile
from pathlib import Path

import numpy as np

import fastnn


def log_cosh(a, y):
    """For any `a - y` without overflow: log cosh e = |e| + log(1 + e^(-2 |e|)) - log 2."""
    e = abs(a - y)
    return e + np.log1p(np.exp(-2 * e)) - np.log(2.0)


def gate(z):
    return z / (1 + np.exp(-2 * z))


def main() -> None:
    # The derived slopes, beside those worked out by hand.
    loss, activation = fastnn.custom_loss(log_cosh), fastnn.custom_activation(gate)
    print(f"dL/da at a = 2, y = 1: {loss.delta(2.0, 1.0):.6f}; tanh(1) = {np.tanh(1.0):.6f}")
    print(f"g'(0): {activation.derivative(0.0):.6f}; sigmoid(0) = 0.5")

    # Back-propagation through both, against central differences (N16).
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = X[:, 0] + X[:, 1] ** 2 + 0.1 * rng.normal(size=400)
    net = fastnn.network([3, 5, 1], activation=gate, loss_function=log_cosh)
    check = fastnn.gradient_check(net, X[:20], y[:20, None])
    print(f"gradients: relative error {check.relative_error:.1e}, worst at {check.worst}")

    # One target in twenty is far off. The squared error follows them, log cosh hardly does.
    spoilt = y.copy()
    spoilt[::20] += 30
    choices = {"hidden_layer_sizes": [32], "epochs": 60, "seed": 0, "standardize_target": False}
    new = rng.normal(size=(1000, 3))
    truth = new[:, 0] + new[:, 1] ** 2
    for name, chosen in (("squared error", "squared_error"), ("log cosh", log_cosh)):
        model = fastnn.train(X, spoilt, loss=chosen, activation=gate, **choices).model
        error = np.abs(model.predict(new) - truth).mean()
        print(f"mean error of new examples after training with {name}: {error:.2f}")

    # The file keeps the expressions, not the Python functions.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.fastnn"
        model.save(path)
        same = np.array_equal(fastnn.load(path).predict(new), model.predict(new))
    print(f"saved and loaded: {'the same predictions' if same else 'other predictions'}")


if __name__ == "__main__":
    main()
