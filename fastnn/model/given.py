"""A model, in whatever form of one a user hands it over."""

from __future__ import annotations

from typing import Protocol

from fastnn.errors import ArgumentError, arg
from fastnn.model.model import Model


class Convertible(Protocol):
    """What can be made a model: an estimator, a `Sequential`."""

    def to_model(self) -> Model:
        """Return a copy as a model."""
        ...


AnyModel = Model | Convertible


def as_model(given: object, name: str = "model", which: str = "") -> Model:
    """Return a model: as it is, or what the ``to_model`` of an estimator or a `Sequential` makes.

    ``name``: what the door calls the argument; ``which``: of several models, this one.

    >>> from fastnn.api.train import train
    >>> model = train("diabetes", hidden_layer_sizes=[], epochs=1).model
    >>> as_model(model) is model
    True
    >>> as_model("digits.fastnn")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: model must be a fastnn.Model, ... found an object ...

    Raises ArgumentError for anything else; NotFittedError or ArgumentError, from ``to_model``, for
    an estimator that was not fitted and a `Sequential` that was not compiled.
    """
    if isinstance(given, Model):
        return given
    convert = None if isinstance(given, type) else getattr(given, "to_model", None)
    made = convert() if callable(convert) else None
    if isinstance(made, Model):
        return made
    found = f"an object of type {type(given).__name__}"
    if isinstance(given, type):
        found = f"the class {given.__name__}"
    cure = ""
    if isinstance(given, str):
        cure = ": fastnn.load reads one from a file"
    elif isinstance(getattr(given, "model", None), Model):
        cure = ": give its .model"
    of = f"{arg(name)}{f': {which!r}' if which else ''}"
    raise ArgumentError(
        f"{of} must be a fastnn.Model, an estimator of fastnn or a Sequential, found {found}{cure}",
        argument=name,
        value=given,
    )
