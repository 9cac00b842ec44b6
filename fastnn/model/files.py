"""Saved models: one file each, the same for every device."""

from __future__ import annotations

import os

import numpy as np

from fastnn.backend.backend import get_backend
from fastnn.formats.document import unpack
from fastnn.model.model import Model
from fastnn.nn.parameters import Parameters
from fastnn.training.learner import Learner


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model into one file, whole or not at all: ``model.save(path)``.

    The file keeps network, weights, preprocessing, labels, history, training options and report;
    not the times of the epochs nor the optimiser's state. Its form is in `document`.

    Raises DataError, naming the path, if it cannot be written (no such folder, no permission, a
    full disk, a folder of that name), ArgumentError if the model holds what a file cannot keep,
    such as weights that are not finite. The model and a file that was there stay as they were.

    >>> import tempfile
    >>> from fastnn.api.train import train
    >>> model = train("diabetes", hidden_layer_sizes=[], epochs=1).model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/diabetes.fastnn")
    ...     print(load(f"{folder}/diabetes.fastnn").network)
    10 inputs -> 1 identity; squared_error; 11 parameters
    """
    model.save(path)


def load(path: str | os.PathLike[str], device: str = "cpu") -> Model:
    """Read a model that `save` wrote, on whatever device it was trained.

    ``device``: where it will predict, "cpu", "cuda", "cuda:N" or "auto".

    Raises ModelFileError (a DataError) naming the file and what is wrong: not there, truncated,
    damaged, foreign, or written by a newer fastnn; DeviceError if the device cannot be used.

    >>> load("no-such.fastnn")
    Traceback (most recent call last):
    fastnn.errors.ModelFileError: model file 'no-such.fastnn' does not exist; check the path
    """
    backend = get_backend(device)
    saved = unpack(path)
    parameters = Parameters(saved.network, backend, saved.features.dtype)
    flat = np.zeros(parameters.layout.size, parameters.dtype)
    for name, view in parameters.layout.named_views(flat).items():
        view[:] = saved.weights[name]
    backend.copy(backend.array(flat), parameters.theta)
    learner = Learner(saved.network, parameters, backend, history=saved.history)
    return Model(
        learner, saved.features, saved.targets, saved.target_name, saved.options, saved.report
    )
