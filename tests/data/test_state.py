"""A closed set of keys, each of its type."""

import numpy as np
import pytest

from fastnn.data.state import check_metadata, check_vectors, is_count, is_text_list
from fastnn.errors import ModelFileError


def test_checks():
    assert is_text_list([])
    assert not is_text_list([1])
    assert not is_text_list(["a", ["b"]])
    assert not is_count(1.0)


def test_keys_are_closed():
    schema = {"a": is_count}
    check_metadata({"a": 1}, schema, "part")
    with pytest.raises(ModelFileError, match="part: unknown entries b; a newer or foreign file"):
        check_metadata({"a": 1, "b": 2}, schema, "part")
    with pytest.raises(ModelFileError, match="part: entries a are missing; a damaged file"):
        check_metadata({}, schema, "part")
    with pytest.raises(ModelFileError, match="part: 'a' has the value '0'"):
        check_metadata({"a": 0}, schema, "part")


def test_arrays_are_exact():
    check_vectors({"v": np.zeros(2)}, {"v": 2}, "part")
    for wrong in ([0.0, 0.0], np.zeros((2, 1)), np.zeros(2, ">f8"), np.array([np.inf, 0])):
        with pytest.raises(ModelFileError, match="part: array 'v' must be"):
            check_vectors({"v": wrong}, {"v": 2}, "part")
