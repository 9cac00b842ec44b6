"""Demos that have been run, once for all tests that look at them."""

from functools import cache

from fastnn.demos.demo import Demonstration
from fastnn.demos.table import DEMOS


@cache
def shown(name: str) -> Demonstration:
    """What a demo gives back with its defaults."""
    return DEMOS[name].load()()
