"""What an earlier fastnn pickled: restored with the defaults of what is new since, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from fastnn.errors import ModelFileError
from fastnn.version import __version__


def refused(name: str, why: str = "") -> ModelFileError:
    """Return the error of a pickle that this fastnn cannot read.

    >>> refused("MLPClassifier")
    ModelFileError('the pickle of MLPClassifier was written by another version of fastnn, and ...
    """
    return ModelFileError(
        f"the pickle of {name} was written by another version of fastnn, and this one "
        f"({__version__}) cannot read it{why}: unpickle it with the version that wrote it and "
        "write a model file there (save), which later versions read; or train again"
    )


def check_pickle(name: str, state: object, needed: Iterable[str]) -> None:
    """Raise ModelFileError unless the state of a pickled object has all that is needed.

    >>> check_pickle("Features", {"columns": ()}, ["columns"])
    """
    absent = [one for one in needed if not isinstance(state, Mapping) or one not in state]
    if absent:
        raise refused(name, f" (it lacks {', '.join(absent)})")


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


class Pickled:
    """The base of a dataclass whose pickles outlive its fields.

    >>> from dataclasses import dataclass, field
    >>> @dataclass
    ... class Point(Pickled):
    ...     x: int
    ...     names: list[str] = field(default_factory=list)
    >>> point = Point.__new__(Point)
    >>> point.__setstate__({"x": 3})
    >>> point
    Point(x=3, names=[])
    """

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        known = {field.name: _default(field) for field in fields(self)}  # type: ignore[arg-type]
        needed = [name for name, value in known.items() if value is MISSING]
        check_pickle(type(self).__name__, state, needed)
        vars(self).update({**known, **state})
