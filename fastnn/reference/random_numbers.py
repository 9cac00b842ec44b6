"""The random numbers of dropout, one integer at a time: Philox 4x64-10.

A counter-based generator: the numbers are a function of seed and counter, nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.reference.functions import Column

_WORD = 2**64 - 1
_MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
_KEY_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B


def philox(counter: Sequence[int], key: Sequence[int]) -> tuple[int, int, int, int]:
    """Return the four 64-bit words of Philox 4x64-10: a cipher of the counter under the key.

    Ten rounds; each multiplies two of the words to 128 bits and mixes the halves with the key.
    Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

    >>> hex(philox([0, 0, 0, 0], [0, 0])[0])
    '0x16554d9eca36314c'
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(_MULTIPLIERS[0] * c0, 2**64)
        high1, low1 = divmod(_MULTIPLIERS[1] * c2, 2**64)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + _KEY_STEPS[0]) & _WORD, (k1 + _KEY_STEPS[1]) & _WORD
    return c0, c1, c2, c3


def uniform32(seed: int, words: Sequence[int], n: int) -> Column:
    """Return n float32 numbers, uniform in [0, 1), of the stream with these upper counter words.

    Block i comes from the counter ``[1 + i, *words]``; each of its words gives two numbers, its
    low half first: the 24 upper bits of the half, divided by ``2^24``.

    >>> [round(u, 4) for u in uniform32(0, words=[7, 1, 4], n=3)]
    [0.1608, 0.3379, 0.1444]
    """
    numbers: Column = []
    for block in range((n + 7) // 8):
        for word in philox([1 + block, *words], [seed, 0]):
            numbers += [(half >> 8) / 2**24 for half in (word & 0xFFFFFFFF, word >> 32)]
    return numbers[:n]
