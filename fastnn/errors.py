"""The errors a user can meet: each says what was found, where, and what to do."""


class FastnnError(Exception):
    """Base of every error that fastnn raises on purpose."""


class ArgumentError(FastnnError, ValueError):
    """An argument has a value that cannot work (command line: exit code 2)."""


class DataError(FastnnError, ValueError):
    """The data cannot be used as they are (command line: exit code 3)."""


class ModelFileError(DataError):
    """A model file is unreadable, truncated, foreign, or does not fit (exit code 3)."""


class DeviceError(FastnnError, RuntimeError):
    """The device that was asked for cannot be used (command line: exit code 4)."""


class DivergenceError(FastnnError, ArithmeticError, ValueError):
    """Training produced a loss that is not a finite number (command line: exit code 1)."""


class MissingExtraError(FastnnError, ModuleNotFoundError):
    """A name of fastnn needs a package that is not installed (command line: exit code 1).

    It is a ModuleNotFoundError too, and not an AttributeError: ``from fastnn import NAME`` would
    replace that one's message by its own.
    """
