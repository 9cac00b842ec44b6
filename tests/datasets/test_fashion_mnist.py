"""IDX files: small ones made here, and the real ones where they are installed."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from fastnn.datasets.builtin import load
from fastnn.datasets.fashion_mnist import DIGESTS, SYSTEM_FOLDER, load_fashion_mnist
from fastnn.errors import DataError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([9, 0], dtype=np.uint8)


def idx(array):
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def make(folder, **changed):
    """Write four small files; return their digests."""
    contents = dict(zip(DIGESTS, [idx(IMAGES), idx(LABELS), idx(IMAGES), idx(LABELS)], strict=True))
    contents |= changed
    digests = {}
    for name, content in contents.items():
        packed = gzip.compress(content)
        (folder / name).write_bytes(packed)
        digests[name] = hashlib.sha256(packed).hexdigest()
    return digests


def test_small_files(tmp_path):
    data = load_fashion_mnist(tmp_path, make(tmp_path))
    assert data.table.numeric.dtype == np.float32
    assert data.table.numeric.tolist() == [list(range(12)), list(range(12, 24))]
    assert data.table.names[:5] == ("pixel_0_0", "pixel_0_1", "pixel_0_2", "pixel_0_3", "pixel_1_0")
    assert data.target.tolist() == [9, 0]
    assert data.target.dtype == np.int64
    assert data.test[0].numeric.shape == (2, 12)
    assert (data.task, data.name) == ("multiclass", "fashion_mnist")


def test_found_through_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    digests = make(tmp_path)
    assert len(load_fashion_mnist(digests=digests).target) == 2


def test_another_file_is_refused(tmp_path):
    digests = make(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"other"))
    with pytest.raises(DataError, match=r"t10k-labels.* is not the published one .*get it again"):
        load_fashion_mnist(tmp_path, digests)


def test_missing_files_name_the_command(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="sudo apt-get install dataset-fashion-mnist") as caught:
        load_fashion_mnist(tmp_path)
    assert str(tmp_path) in str(caught.value)
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    monkeypatch.setattr("fastnn.datasets.fashion_mnist.SYSTEM_FOLDER", tmp_path / "none")
    with pytest.raises(DataError, match=f"{tmp_path}, {tmp_path}/none: install"):
        load_fashion_mnist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file of bytes"),
        (idx(IMAGES)[:-1], "is not an IDX file of bytes"),
        (b"\0\0\x0d" + idx(IMAGES)[3:], "is not an IDX file of bytes"),
        (idx(LABELS), r"images \(2,\) and labels \(2,\) do not fit"),
        (idx(IMAGES[:1]), r"images \(1, 3, 4\) and labels \(2,\) do not fit"),
    ],
)
def test_foreign_contents(tmp_path, content, message):
    digests = make(tmp_path, **{"train-images-idx3-ubyte.gz": content})
    with pytest.raises(DataError, match=message):
        load_fashion_mnist(tmp_path, digests)


def test_a_file_that_is_not_compressed(tmp_path):
    digests = make(tmp_path)
    name = "train-images-idx3-ubyte.gz"
    (tmp_path / name).write_bytes(idx(IMAGES))
    digests[name] = hashlib.sha256(idx(IMAGES)).hexdigest()
    with pytest.raises(DataError, match="is damaged"):
        load_fashion_mnist(tmp_path, digests)


@pytest.mark.skipif(
    not SYSTEM_FOLDER.is_dir(), reason="Fashion-MNIST: apt-get install dataset-fashion-mnist"
)
def test_the_real_one(monkeypatch):
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    data = load("fashion_mnist")
    assert data.table.numeric.shape == (60_000, 784)
    assert data.test[0].numeric.shape == (10_000, 784)
    assert np.bincount(data.target).tolist() == [6000] * 10
    assert np.bincount(data.test[1]).tolist() == [1000] * 10
    assert (data.table.numeric.min(), data.table.numeric.max()) == (0, 255)
    # the published mean of the training pixels, 0.2860 of 255
    assert data.table.numeric.mean(dtype=np.float64) / 255 == pytest.approx(0.2860, abs=5e-5)
