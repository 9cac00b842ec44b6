"""Fashion-MNIST from its IDX files, which are checked against their known digests."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fastnn.data.table import Array, Table
from fastnn.datasets.dataset import Dataset, candidates
from fastnn.errors import DataError

#: Where the Debian package puts the files.
SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")

#: sha256 of the four compressed files.
DIGESTS = {
    "train-images-idx3-ubyte.gz": (
        "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7"
    ),
    "train-labels-idx1-ubyte.gz": (
        "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05"
    ),
}

CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


def load_fashion_mnist(
    path: str | os.PathLike[str] | None = None, digests: Mapping[str, str] = DIGESTS
) -> Dataset:
    """Read the 60,000 + 10,000 images of 28 x 28 pixels (float32, 0 to 255) and their 10 classes.

    Looks for the four .gz files in ``path``, or else in $FASTNN_DATA and in the folder of Debian's
    package. Raises DataError, with the command that gets them, if they are nowhere, and if a file
    is not the published one.

    >>> load_fashion_mnist("no such folder")
    Traceback (most recent call last):
    fastnn.errors.DataError: Fashion-MNIST not found in no such folder: ...
    """
    folders = candidates(path, SYSTEM_FOLDER)
    folder = next((f for f in folders if all((f / name).is_file() for name in digests)), None)
    if folder is None:
        raise DataError(
            f"Fashion-MNIST not found in {', '.join(map(str, folders))}: install it with "
            "'sudo apt-get install dataset-fashion-mnist', or point $FASTNN_DATA to a folder with "
            + ", ".join(digests)
        )
    arrays = [_read_idx(folder / name, digest) for name, digest in digests.items()]
    train, test = (_part(arrays[i], arrays[i + 1], folder) for i in (0, 2))
    return Dataset(
        name="fashion_mnist",
        table=train[0],
        target=train[1],
        target_name="class",
        task="multiclass",
        test=test,
        description=f"{len(train[1])} + {len(test[1])} images of clothing, grey values 0 to 255; "
        + "; ".join(f"{k} {name}" for k, name in enumerate(CLASSES)),
    )


def _part(images: Array, labels: Array, folder: Path) -> tuple[Table, Array]:
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise DataError(f"{folder}: images {images.shape} and labels {labels.shape} do not fit")
    height, width = images.shape[1:]
    names = tuple(f"pixel_{row}_{column}" for row in range(height) for column in range(width))
    pixels = images.reshape(len(images), -1).astype(np.float32)
    return Table(names, pixels, names, {}), labels.astype(np.int64)


def _read_idx(path: Path, digest: str) -> Array:
    """Return the array of an IDX file: two zeros, type 8 (uint8), n, n sizes (big-endian), data."""
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise DataError(f"file '{path}' cannot be read: {error.strerror}") from error
    found = hashlib.sha256(packed).hexdigest()
    if found != digest:
        raise DataError(
            f"file '{path}' is not the published one (sha256 {found[:16]}..., expected "
            f"{digest[:16]}...); get it again"
        )
    try:
        data = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"file '{path}' is damaged: {error}") from error
    n_dimensions = data[3] if len(data) > 3 else 0
    start = 4 + 4 * n_dimensions
    shape = tuple(int(size) for size in np.frombuffer(data[4:start], ">u4"))
    if data[:3] != b"\0\0\x08" or len(shape) != n_dimensions or len(data) - start != np.prod(shape):
        raise DataError(f"file '{path}' is not an IDX file of bytes")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
