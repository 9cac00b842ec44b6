"""The textbook: the same network in plain loops over examples and units, read beside the notes.

No array library, no cleverness: one number at a time, with the ``math`` module. The vectorised
code is tested against these loops, and the benchmark shows what vectorisation is worth (N17).

Matrices are lists of rows of floats and **examples are columns**: ``X[i][j]`` is feature i of
example j. Python counts layers from 0, so layer l takes ``A[l]`` to ``A[l + 1]``::

    A[0] = X        Z[l] = W[l] A[l] + b[l]        A[l + 1] = g(Z[l])        (N1)

``W[l]`` has a row for each unit, ``b[l]`` is a column, ``m`` is the number of examples. Read
`functions` and `derivatives` first, then `network`, `optimizers` and `training`.
"""

from fastnn.reference.derivatives import (
    computation_graph,
    logistic_regression_gradient,
    numeric_gradient,
)
from fastnn.reference.functions import (
    ACTIVATIONS,
    LOSSES,
    Column,
    Matrix,
    Named,
    Scalar,
    activate,
    activate_backward,
    example_loss,
    exp,
    link,
    named,
    sigmoid,
    sign,
    smoothed,
    softmax,
    softplus,
)
from fastnn.reference.network import (
    Masks,
    Matrices,
    Network,
    Norms,
    backward,
    column,
    cost,
    dropout_mask,
    forward,
)
from fastnn.reference.normalization import (
    BatchNorm,
    normalize,
    normalize_backward,
    normalize_by_estimates,
    track,
)
from fastnn.reference.optimizers import (
    OPTIMIZERS,
    Moments,
    Updated,
    adam,
    adamw,
    gradient_descent,
    momentum,
    nesterov,
    nesterov_velocity,
    rmsprop,
    velocity,
)
from fastnn.reference.random_numbers import philox, uniform32
from fastnn.reference.training import Training, clip_factor, train_epoch, train_step

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPTIMIZERS",
    "BatchNorm",
    "Column",
    "Masks",
    "Matrices",
    "Matrix",
    "Moments",
    "Named",
    "Network",
    "Norms",
    "Scalar",
    "Training",
    "Updated",
    "activate",
    "activate_backward",
    "adam",
    "adamw",
    "backward",
    "clip_factor",
    "column",
    "computation_graph",
    "cost",
    "dropout_mask",
    "example_loss",
    "exp",
    "forward",
    "gradient_descent",
    "link",
    "logistic_regression_gradient",
    "momentum",
    "named",
    "nesterov",
    "nesterov_velocity",
    "normalize",
    "normalize_backward",
    "normalize_by_estimates",
    "numeric_gradient",
    "philox",
    "rmsprop",
    "sigmoid",
    "sign",
    "smoothed",
    "softmax",
    "softplus",
    "track",
    "train_epoch",
    "train_step",
    "uniform32",
    "velocity",
]
