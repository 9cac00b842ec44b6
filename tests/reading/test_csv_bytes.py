"""The bytes of a text file as UTF-8: what is packed, how much of it, and which signs are there."""

import gzip

import pytest

from fastnn.data.cells import Reading
from fastnn.data.storage import OnDisk
from fastnn.errors import DataError
from fastnn.reading import csv_bytes
from fastnn.reading.csv_bytes import blocks, text_of
from fastnn.reading.csv_layout import layout_of


@pytest.fixture
def write(tmp_path):
    def make(data, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return make


def test_a_plain_file_is_left_where_it_is(write):
    path = write(b"a,b\n1,2\n")
    found = text_of(layout_of(path))
    assert (found.source, found.quoted, found.hexadecimal) == (path, False, False)
    assert found.tail == b"a,b\n1,2\n"


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize(
    ("rows", "quoted", "hexadecimal"),
    [
        (b"1,2\n", False, False),
        (b'1,"2"\n', True, False),
        (b"1,0x1F\n", False, True),
        (b"1,0X1F\n", False, True),
        (b"1,x0\n", False, False),
    ],
)
def test_the_signs_after_the_header(write, monkeypatch, name, rows, quoted, hexadecimal):
    for size in (2**18, 7, 8, 9):  # so that what is looked for lies between two blocks, too
        monkeypatch.setattr(csv_bytes, "_BLOCK", size)
        found = text_of(layout_of(write(b"ab,c\n1,2\n" + rows, name)))
        assert (found.quoted, found.hexadecimal) == (quoted, hexadecimal)
    assert not text_of(layout_of(write(b'"a","c"\n1,2\n', name))).quoted or size < 8


def test_other_encodings_become_utf_8(write, monkeypatch):
    text = "größe,Ort\n1,東京\n"
    monkeypatch.setattr(csv_bytes, "_BLOCK", 3)  # in the middle of a character
    found = text_of(layout_of(write(text.encode("utf-16"))))
    assert bytes(found.source) == text.encode()
    path = write(b"a\n\x80\n")
    assert b"".join(blocks(layout_of(path, Reading(encoding="cp1252")))) == "a\n€\n".encode()


def test_a_bomb_is_refused_before_it_fills_the_memory(write, monkeypatch):
    monkeypatch.setattr(csv_bytes, "free_memory", lambda: 2 * 10**6)
    path = write(b"a,b\n" + b"1,2\n" * 10**6, "t.csv.gz")
    with pytest.raises(DataError, match=r"of .* kB holds more than 1.0 MB of text, half"):
        text_of(layout_of(path))
    assert len(text_of(layout_of(path), OnDisk()).source) == 4 + 4 * 10**6
    monkeypatch.setattr(csv_bytes, "free_memory", lambda: 10**8)
    assert len(text_of(layout_of(path)).source) == 4 + 4 * 10**6
