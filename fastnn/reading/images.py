"""Pictures as rows of numbers: files, or a folder of them, with a folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.data.table import Array, Place
from fastnn.errors import DataError
from fastnn.extras import pip_install

#: Endings of pictures.
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif")

#: What the folder of a picture is called among its columns.
CLASS = "class"

#: Pillow's names of what a pixel is, and as what it is read; others are RGB.
_MODES = {"1": "L", "L": "L", "I;16": "I;16", "RGB": "RGB", "RGBA": "RGBA", "LA": "L"}


def read_images(path: Path) -> tuple[dict[str, Array], Place]:
    """Return the pixels ``x`` (N, h, w[, c]) of a picture, or of those in a folder.

    Of a folder of folders there is also the column `CLASS`: the folder that each of them is in.

    Raises DataError naming the file that is no picture, or not of the size of the others.
    """
    if path.is_file():
        return _pixels([path])
    there = sorted(one for one in path.iterdir() if one.name[0] not in "._")
    classes = [one for one in there if one.is_dir()]
    if not classes:
        return _pixels(there)
    files: list[Path] = []
    names: list[str] = []
    for folder in classes:
        own = sorted(one for one in folder.iterdir() if one.name[0] not in "._")
        for one in own:
            if one.suffix.lower() not in ENDINGS or one.is_dir():
                raise DataError(
                    f"'{one}' is no picture ({', '.join(ENDINGS)}): a folder of folders is read as "
                    "pictures, each in the folder of its class; name tables by a pattern, such as "
                    f"'{path}/**/*{one.suffix or '.csv'}'"
                )
        files += own
        names += [folder.name] * len(own)
    if not files:
        raise DataError(f"folder '{path}' holds no pictures")
    columns, place = _pixels(files)
    labels = np.empty(len(names), object)
    labels[:] = names
    return {**columns, CLASS: labels}, place


def has_classes(path: Any) -> bool:
    """Say whether a path is a folder of folders, which are classes of pictures.

    >>> has_classes("digits.csv")
    False
    """
    folder = Path(path) if isinstance(path, (str, Path)) else None
    if folder is None or not folder.is_dir():
        return False
    there = [one for one in folder.iterdir() if one.name[0] not in "._"]
    return bool(there) and all(one.is_dir() for one in there)


def _pixels(files: Sequence[Path]) -> tuple[dict[str, Array], Place]:
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError(
            f"reading '{files[0]}' needs pillow, which is not installed: {pip_install('images')}"
        ) from error
    found: list[Array] = []
    for file in files:
        try:
            with Image.open(file) as image:
                pixels = np.asarray(image.convert(_MODES.get(image.mode, "RGB")))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise DataError(f"file '{file}' is not a readable picture: {error}") from error
        if found and pixels.shape != found[0].shape:
            raise DataError(
                f"picture '{file}' is {_size(pixels)}, but '{files[0]}' is {_size(found[0])}; all "
                "need the same size and the same colours"
            )
        found.append(pixels)
    return {"x": np.stack(found)}, lambda row: f"picture '{files[row]}'"


def _size(pixels: Array) -> str:
    """In words, as pictures are measured: width first."""
    height, width, *channels = pixels.shape
    colours = {3: "RGB", 4: "RGB with alpha"}[channels[0]] if channels else "grey"
    return f"{width} x {height} pixels, {colours}"
