"""Saved models: one file each, the same for every device."""

from __future__ import annotations

import os
from inspect import signature
from typing import Unpack

import numpy as np

from fastnn.backend.backend import get_backend
from fastnn.formats.document import unpack
from fastnn.model.model import Model
from fastnn.nn.parameters import Parameters
from fastnn.recipe.choices import refuse_unknown
from fastnn.recipe.documentation import documented
from fastnn.recipe.table import EngineOptions
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


@documented(EngineOptions)
def load(path: str | os.PathLike[str], device: str = "cpu", **how: Unpack[EngineOptions]) -> Model:
    """Read a model that `save` wrote, on whatever device it was trained.

    Parameters
    ----------
    path : of the file.
    device : where it will predict, "cpu", "cuda", "cuda:N" or "auto".
    {options}

    Raises ModelFileError (a DataError) naming the file and what is wrong: not there, truncated,
    damaged, foreign, or written by a newer fastnn; DeviceError if the device cannot be used;
    ArgumentError for an option that has no effect there.

    >>> load("no-such.fastnn")
    Traceback (most recent call last):
    fastnn.errors.ModelFileError: model file 'no-such.fastnn' does not exist; check the path
    """
    refuse_unknown("load", how, signature(load).parameters)
    backend = get_backend(device, **how)
    saved = unpack(path)
    parameters = Parameters(saved.network, backend, saved.features.dtype)
    flat = np.zeros(parameters.layout.size, parameters.dtype)
    for name, view in parameters.layout.named_views(flat).items():
        view[:] = saved.weights[name]
    backend.copy(backend.array(flat), parameters.theta)
    learner = Learner(saved.network, parameters, backend, history=saved.history)
    return Model(
        learner, saved.features, saved.targets, saved.target_name, saved.options, saved.report,
        saved.config, saved.prior,
    )  # fmt: skip
