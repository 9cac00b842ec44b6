"""fastnn: feed-forward neural networks on NumPy (CPU) and CUDA from kernels written once.

Public names load on first use, so that ``import fastnn`` stays light:

>>> import fastnn
>>> issubclass(fastnn.ArgumentError, fastnn.FastnnError)
True
"""

from typing import TYPE_CHECKING

from fastnn.version import __version__

if TYPE_CHECKING:  # the same names again for type checkers and editors; a test keeps them equal
    from fastnn.errors import ArgumentError as ArgumentError
    from fastnn.errors import DataError as DataError
    from fastnn.errors import DeviceError as DeviceError
    from fastnn.errors import DivergenceError as DivergenceError
    from fastnn.errors import FastnnError as FastnnError
    from fastnn.errors import ModelFileError as ModelFileError

# Every public name and the module that defines it.
_PUBLIC = {
    "ArgumentError": "fastnn.errors",
    "DataError": "fastnn.errors",
    "DeviceError": "fastnn.errors",
    "DivergenceError": "fastnn.errors",
    "FastnnError": "fastnn.errors",
    "ModelFileError": "fastnn.errors",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_PUBLIC[name]), name)
        return value
    hint = ""
    if not name.startswith("_"):
        from fastnn.registry import did_you_mean

        hint = did_you_mean(name, _PUBLIC)
    raise AttributeError(f"module 'fastnn' has no attribute {name!r}{hint}", name=name)


def __dir__() -> list[str]:
    return sorted(__all__)
