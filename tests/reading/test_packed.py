"""Packed files: every packing gives the same bytes; what is damaged or too large is told."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastnn.errors import DataError
from fastnn.reading import packed
from fastnn.reading.files import read_table
from fastnn.reading.packed import PACKED, opened, unpacked
from tests.optional import optional

pa = optional("pyarrow")

TEXT = b"age,town\n3,Ulm\n4,Bonn\n"


def zipped(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda text: pa.compress(text, "zstd", asbytes=True),
    ".zip": lambda text: zipped(("a.csv", text)),
}


def test_each_packing_is_tried_here():
    assert PACK.keys() == PACKED.keys()


@pytest.mark.parametrize("ending", PACKED)
def test_every_packing_gives_the_same_table(ending, tmp_path):
    path = tmp_path / f"a.csv{ending}"
    path.write_bytes(PACK[ending](TEXT))
    assert path.read_bytes().startswith(PACKED[ending])
    assert unpacked(path) == TEXT
    table = read_table(path)
    assert table.column("age").tolist() == [3, 4]
    assert table.column("town").tolist() == ["Ulm", "Bonn"]
    with pytest.raises(DataError, match=r"column 'town', line 2 of '.*a.csv.*': 'Ulm' is not a"):
        read_table(path, numeric=["town"])


@pytest.mark.parametrize("ending", PACKED)
def test_damaged_files_are_named(ending, tmp_path):
    path = tmp_path / f"a.csv{ending}"
    whole = PACK[ending](TEXT * 100)
    for content in (whole[: len(whole) // 2], b"no packed file", whole[:6] + b"\xff" * 30):
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"file '.*a.csv{ending}' is damaged or not what"):
            unpacked(path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            (("a.csv", TEXT), ("b.csv", TEXT)),
            r"holds 2 files \(a.csv, b.csv\); unpack it, and name",
        ),
        ((("empty/", b""),), "holds no file"),
    ],
)
def test_an_archive_has_one_member(members, message, tmp_path):
    path = tmp_path / "a.csv.zip"
    path.write_bytes(zipped(*members))
    with pytest.raises(DataError, match=rf"file '.*a.csv.zip' {message}"):
        read_table(path)


def test_what_a_mac_adds_to_an_archive_is_no_member(tmp_path):
    path = tmp_path / "a.csv.zip"
    path.write_bytes(zipped(("a.csv", TEXT), ("__MACOSX/._a.csv", b"x"), (".DS_Store", b"x")))
    assert len(read_table(path)) == 2


def test_an_archive_with_a_password(tmp_path):
    path = tmp_path / "a.csv.zip"
    content = bytearray(zipped(("a.csv", TEXT)))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1  # says that the member is encrypted
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a.csv.zip' cannot be unpacked: .*encrypted.*unpack it"):
        read_table(path)


@pytest.mark.parametrize("ending", PACKED)
def test_a_bomb(ending, tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "BOMB_BYTES", 2**20)
    path = tmp_path / f"a.csv{ending}"
    path.write_bytes(PACK[ending](b"x\n" + b"0\n" * 2**21))
    with pytest.raises(DataError, match=r"a\.csv.* of [\d,]+ bytes unpacks to more than [\d,]+, o"):
        read_table(path)


def test_more_than_the_memory_holds(tmp_path, monkeypatch):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TEXT))
    monkeypatch.setattr(packed, "free_memory", lambda: 10)
    with pytest.raises(DataError, match=r"a.csv.gz' of 0.0 MB holds more than 0.0 GB, half of the"):
        unpacked(path)


def test_an_archive_of_more_than_the_memory_holds(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(10**6))
    assert len(read_table(tmp_path / "a.npz")) == 10**6
    monkeypatch.setattr(packed, "free_memory", lambda: 10**7)
    with pytest.raises(
        DataError, match=r"a.npz' of 0.0 MB holds more than 0.0 GB, half of the mem"
    ):
        read_table(tmp_path / "a.npz")


def test_errors_in_the_block_stay_what_they_are(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TEXT))
    with pytest.raises(RuntimeError, match="mine"), opened(path):
        raise RuntimeError("mine")
    with pytest.raises(FileNotFoundError), opened(Path(tmp_path, "none.csv")):
        pass
