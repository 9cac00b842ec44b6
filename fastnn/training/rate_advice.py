"""Which learning rate to try after one that was too high or too low."""

from __future__ import annotations

from fastnn.errors import advice, arg


def lower_rate(rate: float, default: float) -> float:
    """Return a learning rate to try after one that was too high, to three digits.

    A tenth of it, but at most the ``default`` of the optimizer: from a rate of 100, tenths would be
    tried for long.

    >>> lower_rate(100, 0.001), lower_rate(0.001, 0.001)
    (0.001, 0.0001)
    """
    return _three_digits(min(rate / 10, default))


def higher_rate(rate: float, default: float) -> float:
    """Return a learning rate to try after one that was too low, to three digits.

    Ten times as high, but at least the ``default`` of the optimizer.

    >>> higher_rate(1e-7, 0.001), higher_rate(0.001, 0.001)
    (0.001, 0.01)
    """
    return _three_digits(max(10 * rate, default))


def _three_digits(rate: float) -> float:
    return float(f"{rate:.3g}")


def by_trying() -> str:
    """Say, behind a rate to try, what finds one; nothing where that has found the one at fault.

    >>> from fastnn.errors import lacking, spell
    >>> spell(by_trying())
    ', or what find_learning_rate finds'
    >>> with lacking("find_learning_rate"):
    ...     by_trying()
    ''
    """
    return advice("find_learning_rate", f", or what {arg('find_learning_rate')} finds")
