"""A column of text as its different texts and, for each row, which of them it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.storage import MEMORY, Storage

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Texts:
    """Row i is ``distinct[codes[i]]``; None is a gap. What NumPy is asked, it takes as an array.

    ``codes`` (N,) int32 lie where the numbers of the table do (`storage`).

    >>> texts = Texts((None, "Ulm"), np.array([1, 0, 1], np.int32))
    >>> len(texts), texts[2], list(texts[:2]), np.asarray(texts)
    (3, 'Ulm', ['Ulm', None], array(['Ulm', None, 'Ulm'], dtype=object))
    """

    distinct: Sequence[str | None]
    codes: Array
    storage: Storage = MEMORY

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of an array of texts: object."""
        return np.dtype(object)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N,)."""
        return self.codes.shape

    @property
    def ndim(self) -> int:
        """1."""
        return 1

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> Any:
        """Return one text, the array of a slice, or the texts of many rows."""
        if isinstance(rows, (int, np.integer)):
            return self.distinct[self.codes[rows]]
        if isinstance(rows, slice):
            return self._array(self.codes[rows])
        return Texts(self.distinct, self.storage.take(self.codes, np.asarray(rows)), self.storage)

    def __iter__(self) -> Iterator[str | None]:
        for start in range(0, len(self), 65_536):
            yield from self[start : start + 65_536].tolist()

    def tolist(self) -> list[str | None]:
        """Return all texts."""
        return list(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self._array(self.codes).astype(dtype or object, copy=False)

    def _array(self, codes: Array) -> Array:
        texts = np.empty(len(self.distinct), object)
        texts[:] = self.distinct
        return np.asarray(texts[codes])


def coded(texts: Iterable[str | None]) -> Texts:
    """Return texts as their codes.

    >>> coded(["a", None, "a"]).codes
    array([0, 1, 0], dtype=int32)
    """
    index: dict[str | None, int] = {}
    codes = np.fromiter((index.setdefault(text, len(index)) for text in texts), np.int32)
    return Texts(tuple(index), codes)


def parts_of(texts: Array | Texts) -> tuple[Sequence[str | None], Array]:
    """Return the different texts of a column and, for each row, which of them it is.

    >>> parts_of(np.array(["a", None, "a"], dtype=object))
    (('a', None), array([0, 1, 0], dtype=int32))
    """
    found = texts if isinstance(texts, Texts) else coded(texts)
    return found.distinct, found.codes


def counts_of(texts: Array | Texts) -> dict[str, int]:
    """Return in how many rows each of the texts is, gaps left out.

    >>> counts_of(np.array(["a", None, "a"], dtype=object))
    {'a': 2}
    """
    distinct, codes = parts_of(texts)
    counts = np.bincount(codes, minlength=len(distinct)).tolist()
    return {t: n for t, n in zip(distinct, counts, strict=True) if t is not None and n}
