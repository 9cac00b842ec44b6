"""Formulas of the tables as HTML: powers, indices, Greek letters, roots."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "pi": "π",
    "sum": "Σ", "sqrt": "√", "inf": "∞",
}  # fmt: skip
#: What is written upright: functions and words.
_UPRIGHT = {
    "log", "tanh", "cos", "erf", "max", "min", "floor", "mean", "var", "sign", "if", "else",
}  # fmt: skip
#: A power whose exponent holds no other: a number, a word, a call, or what is in brackets.
_POWER = re.compile(r"\^(?:\(([^()^]*)\)|(-?\w+\([^()^]*\)|-?[\w.]+))")
_WORD = re.compile(r"<[^>]+>|&\w+;|[A-Za-z]+\d*(?:_[A-Za-z0-9]+)*'?|-")


def mathematics(formula: str) -> Markup:
    """Return a formula as HTML.

    >>> mathematics("g' = 1 - a^2")
    Markup('g′ = 1 − a<sup>2</sup>')
    >>> mathematics("e^(-z^2 / 2)")
    Markup('e<sup>−z<sup>2</sup> / 2</sup>')
    >>> mathematics("S = beta2 S + (1 - beta2) dW^2")
    Markup('S = β<sub>2</sub> S + (1 − β<sub>2</sub>) dW<sup>2</sup>')
    """
    text = formula.replace("<=", "≤").replace(">=", "≥")
    html = str(escape(text)).replace("&#39;", "'")
    while _POWER.search(html):
        html = _POWER.sub(lambda found: f"<sup>{found[1] or found[2]}</sup>", html)
    return Markup(_WORD.sub(_word, html))


def _word(found: re.Match[str]) -> str:
    """A word with its indices; entities and elements stay as they are."""
    word = found[0]
    if word[0] in "<&":
        return word
    if word == "-":
        return "−"
    prime = "′" * word.endswith("'")
    first, *indices = word.rstrip("'").split("_")
    if len(first) > 3 and first.endswith("hat"):
        return f"{first[:-3]}\u0302{prime}"  # the sign that goes above the letter before it
    letters = first.rstrip("0123456789")
    if letters in _UPRIGHT or (letters not in _GREEK and len(letters) > 3):
        return f"<span>{word}</span>"
    below = ",".join(filter(None, [first[len(letters) :], *indices]))
    return f"{_GREEK.get(letters, letters)}{f'<sub>{below}</sub>' if below else ''}{prime}"
