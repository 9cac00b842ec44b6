"""The form of a model file: tensors and one JSON document against a closed schema.

The file is a safetensors file. Tensors: ``W1 .. WL`` (n_l, n_{l-1}) and ``b1 .. bL`` (n_l, 1) in
the model's dtype, for a layer with batch normalisation ``gamma``, ``beta``, ``mean`` and
``variance`` (n_l, 1) with its number, the arrays of the preprocessing as ``features.*`` and
``targets.*`` (float64). Its metadata has one entry, ``fastnn``: the document. There are no class
names and nothing to execute; a user's own activation or loss is kept as its expression graph.
Nothing depends on time, and on the machine only what ran the steps, which the history says: the
same training gives the same bytes there.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.preprocess import Features
from fastnn.data.state import Check, check_metadata, is_text, is_text_list
from fastnn.data.table import listed
from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError, DataError, ModelFileError
from fastnn.formats.atomic import path_text
from fastnn.nn.network import Network
from fastnn.nn.parameters import Layout
from fastnn.recipe.config import Config
from fastnn.recipe.recipe import Recipe
from fastnn.training.history import History
from fastnn.version import __version__

Array = npt.NDArray[Any]
Json = dict[str, Any]

FORMAT = "fastnn model"
#: Grows when an older fastnn could not read a new file. 2: batch normalisation. 3: how text was
#: read, and where categories had no gaps. 4: the config of the training. 5: the prior. 6: the
#: prior of a model of a quantile, which before was the mean. A file without these has version 1,
#: so that an older fastnn can read it.
VERSION = 6

#: Options that files of an earlier fastnn do not have, with what they did.
_LATER = {"micro_batch_size": "auto"}

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Contents:
    """What a model file holds; ``weights`` on the host by their names, "W1" (n_l, n_{l-1})."""

    network: Network
    weights: Mapping[str, Array]
    features: Features
    targets: Targets
    history: History
    target_name: str | tuple[str, ...]
    options: Mapping[str, Any]
    report: Mapping[str, Mapping[str, float]]
    config: Config = field(default_factory=Config)
    prior: Array | None = None  # (K,) float64, as `preparation.baseline.constant` returns it


def pack(contents: Contents) -> bytes:
    """Return the bytes of a model file; what `unpack` would refuse is refused here already.

    Raises ArgumentError saying what in the model cannot be saved, such as weights that are not
    finite.
    """
    from safetensors.numpy import save

    features, feature_arrays = contents.features.to_state()
    targets, target_arrays = contents.targets.to_state()
    tensors = {name: np.ascontiguousarray(values) for name, values in contents.weights.items()}
    tensors |= {f"features.{name}": array for name, array in feature_arrays.items()}
    tensors |= {f"targets.{name}": array for name, array in target_arrays.items()}
    document = {
        "format": FORMAT,
        "version": 6
        if contents.prior is not None and contents.network.loss.quantile is not None
        else 5
        if contents.prior is not None
        else 4
        if contents.config.given
        else 3
        if {"reading", "complete"} & set(features)
        else 2
        if any(contents.network.normalized)
        else 1,
        "fastnn": __version__,
        "dtype": tensors["W1"].dtype.name,
        "network": contents.network.to_json(),
        "features": features,
        "targets": targets,
        "target_name": contents.target_name
        if isinstance(contents.target_name, str)
        else list(contents.target_name),
        "history": contents.history.to_json(),
        "options": dict(contents.options),
        "report": {
            part: {name: value if math.isfinite(value) else None for name, value in row.items()}
            for part, row in contents.report.items()
        },
    }
    if contents.config.given:
        document["config"] = contents.config.to_json()
    if contents.prior is not None:
        document["prior"] = contents.prior.tolist()
    try:
        document["sha256"] = _digest(document, tensors)
        text = _canonical(document)
        _contents(json.loads(text), _Tensors.of(tensors))
    except (ModelFileError, TypeError, ValueError) as error:
        raise ArgumentError(f"the model cannot be saved: {error}") from error
    return save(tensors, {"fastnn": text})


def unpack(path: str | os.PathLike[str]) -> Contents:
    """Return what a model file holds, every key, type, shape and number checked.

    Raises ArgumentError if ``path`` is no path, ModelFileError naming the file and what is wrong.
    """
    from safetensors import SafetensorError, safe_open

    shown = path_text(path)
    try:
        if not stat.S_ISREG(os.stat(shown).st_mode):
            raise ModelFileError("it is not a file")
        with safe_open(shown, framework="np") as file:
            document = _parse((file.metadata() or {}).get("fastnn"), len(file.metadata() or {}))
            return _contents(document, _Tensors.of_file(file))
    except FileNotFoundError as error:
        raise ModelFileError(f"model file '{shown}' does not exist; check the path") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelFileError(f"model file '{shown}' cannot be read: {reason}") from error
    except SafetensorError as error:
        raise ModelFileError(
            f"model file '{shown}': it is damaged, or not a model file of fastnn ({error})"
        ) from error
    except DataError as error:
        raise ModelFileError(f"model file '{shown}': {error}") from error


@dataclass(frozen=True, eq=False)
class _Tensors:
    """Names with dtypes and shapes, and a way to get the numbers: checked before they are read."""

    form: Mapping[str, tuple[str, tuple[int, ...]]]
    get: Callable[[str], Array]

    @staticmethod
    def of(arrays: Mapping[str, Array]) -> _Tensors:
        return _Tensors({n: (a.dtype.name, a.shape) for n, a in arrays.items()}, arrays.__getitem__)

    @staticmethod
    def of_file(file: Any) -> _Tensors:
        names = {"F32": "float32", "F64": "float64"}
        form = {}
        for name in file.keys():  # noqa: SIM118 -- not a dict
            tensor = file.get_slice(name)
            dtype = str(tensor.get_dtype())
            form[name] = (names.get(dtype, dtype), tuple(tensor.get_shape()))
        return _Tensors(form, file.get_tensor)


def _parse(text: str | None, n_entries: int) -> Json:
    """Return the document; its own text must be what fastnn writes, JSON without extensions."""
    if text is None or n_entries != 1:
        raise ModelFileError("it is a safetensors file, but not a model file of fastnn")

    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    try:
        document = json.loads(text, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"its description is not JSON; the file is damaged: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ModelFileError("it is a safetensors file, but not a model file of fastnn")
    version = document.get("version")
    if type(version) is int and version > VERSION:
        raise ModelFileError(
            f"its format has version {version}, this fastnn ({__version__}) knows up to "
            f"{VERSION}; the file was written by fastnn {str(document.get('fastnn'))[:20]}: update"
        )
    return document


def _contents(document: Json, tensors: _Tensors) -> Contents:
    check_metadata({"config": {}, "prior": [], **document}, _SCHEMA, "model")
    dtype = document["dtype"]
    network = _made("network", Network.from_json, document["network"])
    shapes = Layout.of(network.sizes, network.normalized).shapes()
    expected = {name: (dtype, shape) for name, shape in shapes.items()}
    fitted: dict[str, dict[str, Array]] = {"features": {}, "targets": {}}
    for name in tensors.form:
        owner, _, key = name.partition(".")
        if owner in fitted:
            fitted[owner][key] = tensors.get(name)
        elif name not in expected:
            raise ModelFileError(f"unknown tensor {name!r}; a newer or foreign file")
    for name, form in expected.items():
        if name not in tensors.form:
            raise ModelFileError(f"tensor {name!r} is missing; a damaged file")
        if tensors.form[name] != form:
            raise ModelFileError(
                f"tensor {name!r} is {_shown(tensors.form[name])}, the network needs {_shown(form)}"
            )
    weights = {name: tensors.get(name) for name in expected}
    for name, values in weights.items():
        if not np.isfinite(values).all():
            raise ModelFileError(f"tensor {name!r} holds values that are not finite numbers")
        if name.startswith("variance") and (values < 0).any():
            raise ModelFileError(f"tensor {name!r} holds negative values")
    prior_counts = document["version"] >= 6 or network.loss.quantile is None
    contents = Contents(
        network=network,
        weights=weights,
        features=Features.from_state(document["features"], fitted["features"]),
        targets=Targets.from_state(document["targets"], fitted["targets"]),
        history=_made("history", History.from_json, document["history"]),
        target_name=name if isinstance(name := document["target_name"], str) else tuple(name),
        options=_options(document["options"]),
        report=_report(document["report"]),
        config=_made("config", Config.from_json, document["config"])
        if "config" in document
        else Config(),
        prior=np.array(document["prior"]) if prior_counts and document.get("prior") else None,
    )
    _check_fit(contents, dtype)
    every = weights | {f"{owner}.{k}": v for owner, d in fitted.items() for k, v in d.items()}
    if document["sha256"] != _digest(document, every):
        raise ModelFileError("its contents do not match their checksum; the file is damaged")
    return contents


_SCHEMA: dict[str, Check] = {
    "format": lambda v: v == FORMAT,
    "version": lambda v: type(v) is int and 1 <= v <= VERSION,
    "fastnn": is_text,
    "dtype": lambda v: v in ("float32", "float64"),
    "network": lambda v: isinstance(v, dict),
    "features": lambda v: isinstance(v, dict),
    "targets": lambda v: isinstance(v, dict),
    "target_name": lambda v: is_text(v) or (isinstance(v, list) and is_text_list(v) and len(v) > 1),
    "history": lambda v: isinstance(v, dict),
    "options": lambda v: isinstance(v, dict),
    "report": lambda v: isinstance(v, dict) and all(isinstance(r, dict) for r in v.values()),
    "config": lambda v: isinstance(v, dict),
    "prior": lambda v: isinstance(v, list) and all(type(x) is float for x in v),
    "sha256": is_text,
}


def _made(name: str, make: Callable[[Any], Any], data: Json) -> Any:
    """Return what ``make`` builds from ``data``, if it says of itself just the same.

    So a value of a wrong type, an unknown or a missing entry cannot slip through a constructor
    that is kind to people.
    """
    try:
        made = make(data)
    except (ArgumentError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{name}: {error}") from error
    if _canonical(made.to_json()) != _canonical(data):
        raise ModelFileError(f"{name}: not in the form that fastnn writes; a damaged file")
    return made


def _options(data: Json) -> Json:
    """Check how the model was trained; a model that was put together by hand has no options."""
    if not data:
        return {}
    data = {**_LATER, **data}
    _made("options", Recipe.from_json, data)
    return data


def _report(data: Json) -> dict[str, dict[str, float]]:
    for part, row in data.items():
        for name, value in row.items():
            if part not in PARTS or not (value is None or type(value) is float):
                raise ModelFileError(f"report: {part[:20]!r}, {name[:20]!r} cannot be {value!r}")
    return {
        part: {name: math.nan if value is None else value for name, value in row.items()}
        for part, row in data.items()
    }


def _check_fit(contents: Contents, dtype: str) -> None:
    """Raise ModelFileError if network and preprocessing do not belong together."""
    network, features, targets = contents.network, contents.features, contents.targets
    outputs = network.sizes[-1]
    as_softmax = targets.task == "binary" and network.loss.link == "softmax"
    if features.n_features != network.sizes[0]:
        raise ModelFileError(
            f"the network has {network.sizes[0]} inputs, but the features are {features.n_features}"
        )
    if outputs != (2 if as_softmax else targets.n_outputs):
        raise ModelFileError(f"the network has {outputs} outputs, which do not fit the targets")
    names = contents.target_name
    if isinstance(names, tuple) and len(names) != targets.n_outputs:
        raise ModelFileError(f"{len(names)} target columns do not fit {targets.n_outputs} targets")
    if targets.task not in network.loss.tasks:
        raise ModelFileError(f"loss {network.loss.name!r} does not fit task {targets.task!r}")
    _check_prior(contents.prior, targets)
    for name, found in (("features", features.dtype), ("targets", targets.dtype)):
        if found != dtype:
            raise ModelFileError(f"{name} are {found}, the weights {dtype}")


def _check_prior(prior: Array | None, targets: Targets) -> None:
    """Raise ModelFileError unless there is a mean or a share for each target, label or class."""
    if prior is None:
        return
    n = targets.n_outputs if targets.classes is None else len(targets.classes)
    if len(prior) != n or not np.isfinite(prior).all():
        raise ModelFileError(f"the prior must be {n} finite numbers, found {listed(prior)}")
    shares = targets.task != "regression"
    if shares and not (prior.min() >= 0 and prior.max() < 1 + 1e-6):
        raise ModelFileError(f"the prior must be shares from 0 to 1, found {listed(prior)}")
    if targets.classes is not None and not abs(prior.sum() - 1) < 1e-6:
        raise ModelFileError(f"the shares of the classes must sum up to 1, found {listed(prior)}")


def _canonical(data: object) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(document: Json, tensors: Mapping[str, Array]) -> str:
    """SHA-256 of everything but itself."""
    rest = {key: value for key, value in document.items() if key != "sha256"}
    digest = hashlib.sha256(_canonical(rest).encode())
    for name in sorted(tensors):
        digest.update(f"\n{name} {_shown(_Tensors.of(tensors).form[name])}\n".encode())
        digest.update(np.ascontiguousarray(tensors[name]).data)
    return digest.hexdigest()


def _shown(form: tuple[str, tuple[int, ...]]) -> str:
    dtype, shape = form
    return f"{dtype} ({listed(shape)})"
