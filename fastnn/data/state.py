"""Strict reading of saved preprocessing: a closed set of keys, each of its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastnn.data.cells import Reading
from fastnn.data.table import Array, listed
from fastnn.errors import ArgumentError, ModelFileError

Check = Callable[[object], bool]


def is_text(value: object) -> bool:
    """Accept text.

    >>> is_text("a"), is_text(1)
    (True, False)
    """
    return isinstance(value, str)


def is_flag(value: object) -> bool:
    """Accept True and False.

    >>> is_flag(True), is_flag(1)
    (True, False)
    """
    return isinstance(value, bool)


def is_count(value: object) -> bool:
    """Accept whole numbers from 1.

    >>> is_count(3), is_count(0), is_count(True)
    (True, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def is_text_list(value: object) -> bool:
    """Accept a list of texts without repetition.

    >>> is_text_list(["a", "b"]), is_text_list(["a", "a"]), is_text_list("ab")
    (True, False, False)
    """
    return isinstance(value, list) and all(map(is_text, value)) and len(set(value)) == len(value)


def is_reading(value: object) -> bool:
    """Accept what `cells.kept_options` keeps.

    >>> is_reading({"decimal": ",", "missing": ["-"]}), is_reading({"delimiter": ";"})
    (True, False)
    """
    names = {"header", "decimal", "thousands", "missing"}
    if not isinstance(value, dict) or not set(value) <= names:
        return False
    try:
        Reading(**value)
    except ArgumentError:
        return False
    return True


def check_metadata(metadata: Mapping[str, Any], schema: Mapping[str, Check], owner: str) -> None:
    """Raise ModelFileError unless ``metadata`` has exactly the keys of ``schema``, each valid.

    >>> check_metadata({"dtype": "float32"}, {"dtype": is_text}, "features")
    """
    if not isinstance(metadata, Mapping):
        raise ModelFileError(f"{owner}: expected a mapping, found {type(metadata).__name__}")
    _check_keys(metadata, schema, owner)
    for key, check in schema.items():
        if not check(metadata[key]):
            raise ModelFileError(
                f"{owner}: {key!r} has the value {str(metadata[key])[:60]!r}, which cannot be; "
                "the file was not written by fastnn or is damaged"
            )


def check_vectors(arrays: Mapping[str, Array], lengths: Mapping[str, int], owner: str) -> None:
    """Raise ModelFileError unless ``arrays`` are exactly these finite float64 vectors.

    >>> import numpy as np
    >>> check_vectors({"mean": np.zeros(2)}, {"mean": 2}, "features")
    """
    _check_keys(arrays, lengths, owner)
    for key, length in lengths.items():
        array = arrays[key]
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            found = getattr(array, "dtype", type(array).__name__)
            raise ModelFileError(f"{owner}: array {key!r} must be float64, found {found}")
        if array.shape != (length,) or not np.isfinite(array).all():
            raise ModelFileError(
                f"{owner}: array {key!r} must be {length} finite numbers, found shape {array.shape}"
            )


def _check_keys(found: Mapping[str, Any], expected: Mapping[str, Any], owner: str) -> None:
    foreign = [key for key in found if key not in expected]
    absent = [key for key in expected if key not in found]
    if foreign:
        raise ModelFileError(f"{owner}: unknown entries {listed(foreign)}; a newer or foreign file")
    if absent:
        raise ModelFileError(f"{owner}: entries {listed(absent)} are missing; a damaged file")
