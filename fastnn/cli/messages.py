"""What is said on standard error, and checks of where results are to go."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from typing import Any

from fastnn.errors import ArgumentError, DataError


def note(text: str) -> None:
    """Print one line on standard error.

    >>> note("3 rows")
    """
    print(f"fastnn: {text}", file=sys.stderr, flush=True)


def warn_in_one_line() -> None:
    """Show the warnings meant for users as one line each; to be called in ``catch_warnings``.

    >>> with warnings.catch_warnings():
    ...     warn_in_one_line()
    """

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        note(f"warning: {' '.join(str(message).split())}")

    warnings.simplefilter("ignore")
    warnings.simplefilter("default", UserWarning)
    warnings.simplefilter("default", RuntimeWarning)
    warnings.showwarning = show


def check_output(path: str, option: str, inputs: dict[str, str]) -> None:
    """Raise unless a file can be made at ``path``, before any work is done for it.

    ``inputs``: what the command reads, by its name in the usage: no result replaces it. Raises
    ArgumentError for these, DataError for a folder that is not there or cannot be written.

    >>> check_output("model.fastnn", "--out", {"DATA": "digits"})
    """
    for name, given in inputs.items():
        if os.path.exists(given) and os.path.exists(path) and os.path.samefile(given, path):
            raise ArgumentError(f"{option} is the file {path!r}, which is {name}: name another one")
    if os.path.isdir(path):
        raise DataError(f"{option}: '{path}' is a folder; name a file in it")
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise DataError(f"{option}: there is no folder '{folder}'; create it first")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(
            f"{option}: nothing can be written into the folder '{folder}' "
            f"({error.strerror}); choose another one"
        ) from error
