"""Reports as text and as files: of a training, of a model, of several models."""

from __future__ import annotations

import os

from fastnn.errors import ArgumentError, arg
from fastnn.formats.atomic import write_atomically


def write_page(path: str | os.PathLike[str], text: str) -> None:
    """Write a page whole or not at all."""
    write_atomically(path, text.encode("utf-8"))
