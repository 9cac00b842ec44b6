"""The errors a user can meet: each says what was found, where, and what to do.

A message names arguments with `arg`, so that every door can call them as its users do: ``epochs``
in Python, ``--epochs`` on the command line, ``max_iter`` in the estimators. Text of the user's,
such as the name of a column, is never taken for an argument.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

#: Around the name of an argument in a message, and between it and its value. Characters that
#: `repr` escapes and no text has, so that nothing else in a message can be taken for them.
_OPEN, _VALUE, _CLOSE = "\x11", "\x12", "\x13"
_ARGUMENT = re.compile(f"{_OPEN}(\\w+)(?:{_VALUE}([^{_CLOSE}]*))?{_CLOSE}")

#: From the name of an argument, and its value as Python writes it or None, to what a door writes.
Spelling = Callable[[str, str | None], str]


def arg(name: str, *value: object) -> str:
    """Return an argument's name for the message of an error, or the name with a value.

    >>> str(ArgumentError(f"{arg('epochs')} must be above 0; try {arg('loss', 'huber')}"))
    "epochs must be above 0; try loss='huber'"

    An array, or another value that is longer than a line, is left out:

    >>> import numpy as np
    >>> str(ArgumentError(f"{arg('test', (np.eye(2), [0, 1]))} has no effect"))
    'test has no effect'
    """
    owner, colon, own = name.rpartition(": ")  # such as 'Dense: units'
    if not own.isidentifier():  # such as 'data set': a kind of name, and no argument
        return name
    said = "".join(f"{_VALUE}{one!r}" for one in value if _fits_a_line(one))
    return f"{owner}{colon}{_OPEN}{own}{said}{_CLOSE}"


#: So many characters of a value an error shows beside the name of its argument.
_MOST = 200


def _fits_a_line(value: object) -> bool:
    """Whether a value is no array, no frame, nothing with one of them in it, and not long."""
    if getattr(value, "shape", ()) != () or hasattr(value, "columns"):
        return False
    if isinstance(value, (list, tuple)):
        return len(value) <= _MOST and all(map(_fits_a_line, value)) and len(repr(value)) <= _MOST
    text = repr(value)
    return len(text) <= _MOST and "\n" not in text


def in_python(name: str, value: str | None = None) -> str:
    """Spell an argument as Python does: the spelling of an error's text.

    >>> in_python("loss", "'mse'")
    "loss='mse'"
    """
    return name if value is None else f"{name}={value}"


def shown(value: object, most: int = 80) -> str:
    """Return a cell, a name or any other value for a message: no more of it than a line.

    >>> shown("Ulm"), shown("ab" * 500, most=5)
    ("'Ulm'", "'ababa'... (1000 characters)")
    >>> import numpy as np
    >>> shown(np.zeros((60, 4)))
    'ndarray of shape (60, 4)'
    """
    if isinstance(value, str):
        cut = f"... ({len(value)} characters)" if len(value) > most else ""
        return f"{str(value[:most])!r}{cut}"
    if isinstance(value, (list, tuple)) and any(getattr(v, "shape", ()) for v in value):
        text = ", ".join(shown(one, most) for one in value)
        return f"[{text}]" if isinstance(value, list) else f"({text})"
    try:
        text = repr(value)
    except Exception:  # a foreign object, or an int of more digits than Python prints
        return f"a value of type {type(value).__name__}"
    shape = getattr(value, "shape", ())
    if shape != () and ("\n" in text or len(text) > most):
        return f"{type(value).__name__} of shape {shape}"
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


class FastnnError(Exception):
    """Base of every error that fastnn raises on purpose.

    ``argument`` is the name of the argument that cannot work, as the function calls it that was
    called, and ``value`` what it was, where there is one.

    >>> error = FastnnError(f"{arg('epochs')} must be above 0", value=-1)
    >>> error.argument, error.value, error.said(lambda name, value: f"--{name}")
    ('epochs', -1, '--epochs must be above 0')
    """

    argument: str | None
    value: object

    def __init__(
        self, message: str = "", *, argument: str | None = None, value: object = None, **more: Any
    ) -> None:
        super().__init__(spell(message), **more)
        first = _ARGUMENT.search(message)
        if first and ";" in message[: first.start()]:  # it belongs to what is to be done
            first = None
        self.argument = first[1] if argument is None and first else argument
        self.value = value
        self._message = message

    def said(self, spelling: Spelling) -> str:
        """Return the message with the arguments as ``spelling`` writes them."""
        return spell(self._message, spelling)

    def within(self: E, where: str = "", after: str = "") -> E:
        """Return the same error with a text before it, such as the part of the data it is in.

        >>> FastnnError("column 'x': no value").within("test: ")
        FastnnError("test: column 'x': no value")
        """
        named = _ARGUMENT.search(where)
        return self._again(where + self._message + after, named[1] if named else self.argument)

    def about(self: E, name: str) -> E:
        """Return the same error naming an argument: before its message, if it did not.

        >>> ArgumentError(f"unknown {arg('activation')} 'rellu'").about("output_activation")
        ArgumentError("output_activation: unknown activation 'rellu'")
        """
        if self.argument == name:
            return self
        inner = self.argument or ""
        plain = _ARGUMENT.sub(
            lambda m: in_python(*m.groups()) if m[1] == inner else m[0], self._message
        )
        return self._again(f"{arg(name)}: {plain}", name)

    def respelled(self: E, spelling: Spelling) -> E:
        """Return the same error as a door with names of its own says it."""
        named = self.argument
        return self._again(self.said(spelling), None if named is None else spelling(named, None))

    def _again(self: E, message: str, argument: str | None) -> E:
        again = type(self)(message, argument=argument, value=self.value)
        return again.with_traceback(self.__traceback__)


E = TypeVar("E", bound=FastnnError)


def spell(message: str, spelling: Spelling = in_python) -> str:
    """Return a message with the arguments that `arg` marked as ``spelling`` writes them.

    >>> spell(f"try {arg('epochs', 20)}"), spell(f"try {arg('epochs')}", lambda *_: "--epochs")
    ('try epochs=20', 'try --epochs')
    """
    return _ARGUMENT.sub(lambda found: spelling(found[1], found[2]), message)


@contextmanager
def _changed(change: Callable[[FastnnError], FastnnError]) -> Iterator[None]:
    try:
        yield
    except FastnnError as error:
        raise change(error) from error.__cause__


def inside(where: str) -> AbstractContextManager[None]:
    """Say where an error is: ``where`` comes before its message.

    >>> with inside("validation: "):
    ...     raise DataError("column 'x' is missing")
    Traceback (most recent call last):
    fastnn.errors.DataError: validation: column 'x' is missing
    """
    return _changed(lambda error: error.within(where))


def about(name: str) -> AbstractContextManager[None]:
    """Let errors name an argument, `FastnnError.about`.

    >>> with about("metrics"):
    ...     raise ArgumentError("unknown metric 'acurracy'")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: metrics: unknown metric 'acurracy'
    """
    return _changed(lambda error: error.about(name))


def spelled(spelling: Spelling) -> AbstractContextManager[None]:
    """Let errors call arguments as the users of a door do.

    >>> with spelled(lambda name, value: {"epochs": "max_iter"}.get(name, name)):
    ...     raise ArgumentError(f"{arg('epochs')} must be above 0")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: max_iter must be above 0
    """
    return _changed(lambda error: error.respelled(spelling))


#: The options that the door which is used does not have.
_LACKING: ContextVar[frozenset[str]] = ContextVar("lacking", default=frozenset())


@contextmanager
def lacking(*options: str) -> Iterator[None]:
    """Say in the block what `advice` says at doors that do not have these options.

    >>> with lacking("drop"):
    ...     print(f"column 'x' is empty; fill it{advice('drop', ' or leave it out')}")
    column 'x' is empty; fill it
    """
    before = _LACKING.set(_LACKING.get() | set(options))
    try:
        yield
    finally:
        _LACKING.reset(before)


def advice(option: str, text: str, otherwise: str = "") -> str:
    """Return ``text``, which tells to use an option; ``otherwise`` at a door without it.

    >>> advice("drop", ", or leave it out")
    ', or leave it out'
    """
    return otherwise if option in _LACKING.get() else text


class FastnnWarning(UserWarning):
    """What a user should know of, with arguments as an error has them: marked by `arg`.

    ``is_note``: all is well, and the command line does not call it a warning.

    >>> found = FastnnWarning(f"leave it out: {arg('drop', ['x'])}")
    >>> str(found), found.said(lambda name, value: f"--{name} ...")
    ("leave it out: drop=['x']", 'leave it out: --drop ...')
    """

    is_note = False

    def __init__(self, message: str = "") -> None:
        super().__init__(spell(message))
        self._message = message

    @property
    def marked(self) -> str:
        """The message as it was given, with the marks of `arg`: to be given again."""
        return self._message

    def said(self, spelling: Spelling) -> str:
        """Return the message with the arguments as ``spelling`` writes them."""
        return spell(self._message, spelling)


def warn(message: str | Warning, category: type[Warning] | None = None) -> None:
    """Warn, of the line of the user's code from which the package was called.

    However deep in the package that is told, and through how many functions it comes. (From
    Python 3.12 on `warnings.warn` could do that itself: ``skip_file_prefixes``.)

    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     warn(FastnnWarning("the column is empty"))
    >>> str(told[0].message)
    'the column is empty'
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


#: Files whose lines are not the user's: those of the package, and what its decorators go through.
_INSIDE = (os.path.join(os.path.dirname(os.path.abspath(__file__)), ""), contextlib.__file__)


class ArgumentError(FastnnError, ValueError):
    """An argument has a value that cannot work (command line: exit code 2)."""


class DataError(FastnnError, ValueError):
    """The data cannot be used as they are (command line: exit code 3)."""


class ModelFileError(DataError):
    """A model file is unreadable, truncated, foreign, or does not fit (exit code 3)."""


class DeviceError(FastnnError, RuntimeError):
    """The device that was asked for cannot be used (command line: exit code 4)."""


class DivergenceError(FastnnError, ArithmeticError, ValueError):
    """Training produced a loss that is not a finite number (command line: exit code 1).

    A ValueError too, as scikit-learn raises where a fit fails. ``result``: of `fastnn.train` the
    training until then, with the weights of the last good epoch.
    """

    result: Any = None

    def _again(self, message: str, argument: str | None) -> DivergenceError:
        again = super()._again(message, argument)
        again.result = self.result
        return again


class MissingExtraError(FastnnError, ModuleNotFoundError):
    """A name of fastnn needs a package that is not installed (command line: exit code 1).

    It is a ModuleNotFoundError too, and not an AttributeError: ``from fastnn import NAME`` would
    replace that one's message by its own.
    """
