"""Findings: what is wrong with a network or its training, each with cause and cure in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fastnn.errors import Spelling, arg, in_python, spell
from fastnn.nn.network import Network

#: Before the first epoch, and with the weights that the model keeps.
BEFORE, AT_THE_END = "before training", "at the end"


@dataclass(frozen=True)
class Finding:
    """What is wrong: its ``name``, the ``cause`` with its figure, the ``cure``, each in one line.

    ``layers``: those that it is about, from 1; ``when``: the looks at which it was there. Cause and
    cure name options, which `said` and `to_json` spell as a door does.

    >>> found = Finding("a rate too high", "the loss rose", f"try {arg('learning_rate', 0.01)}")
    >>> print(found)
    a rate too high: the loss rose; try learning_rate=0.01
    """

    name: str
    cause: str
    cure: str
    layers: tuple[int, ...] = ()
    when: tuple[str, ...] = ()

    def said(self, spelling: Spelling = in_python) -> str:
        """Return it in one line, options as ``spelling`` writes them."""
        times = " to ".join(dict.fromkeys([*self.when[:1], *self.when[-1:]]))
        return f"{self.name}{f' ({times})' * bool(times)}: {self.problem(spelling)}; " + spell(
            self.cure, spelling
        )

    def problem(self, spelling: Spelling = in_python) -> str:
        """Return the cause, options as ``spelling`` writes them."""
        return spell(self.cause, spelling)

    def __str__(self) -> str:
        return self.said()

    def to_json(self, spelling: Spelling = in_python) -> dict[str, Any]:
        """Return the same in dicts and lists."""
        return {
            "name": self.name,
            "cause": spell(self.cause, spelling),
            "cure": spell(self.cure, spelling),
            "layers": list(self.layers),
            "when": list(self.when),
        }


@dataclass(frozen=True)
class Case:
    """What is known of a training besides its numbers: for causes and cures.

    ``options``: those that a model file keeps (`Recipe.to_json`); ``columns``: the names of the
    network's inputs; ``standardizes``, ``standardizes_target``: whether they are standardised.
    """

    network: Network
    options: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[str] = ()
    standardizes: bool = False
    standardizes_target: bool = False

    @property
    def chose_weights(self) -> bool:
        """Whether the initialiser was chosen, and not left to the activation."""
        return self.options.get("initializer") is not None

    def default_weights(self) -> list[str]:
        """The advice to leave the initialiser to the activation, where it was chosen."""
        return [f"no {arg('initializer')} of your own"] * self.chose_weights

    def smaller_rate(self) -> str:
        """The advice to take a lower learning rate."""
        return self._rate("lower", 0.1)

    def larger_rate(self) -> str:
        """The advice to take a higher learning rate."""
        return self._rate("higher", 10)

    def _rate(self, which: str, factor: float) -> str:
        rate = self.options.get("learning_rate")
        if rate is None:
            return f"a {which} {arg('learning_rate')}"
        return arg("learning_rate", float(f"{rate * factor:.3g}"))


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return each finding once, as it was last, with all times at which it was there.

    >>> seen = [Finding("dead units", "3 of 4", "", when=(when,)) for when in (BEFORE, AT_THE_END)]
    >>> [f.when for f in merged(seen)]
    [('before training', 'at the end')]
    """
    found: dict[str, Finding] = {}
    for finding in findings:
        before = found.get(finding.name, finding).when
        when = tuple(dict.fromkeys([*before, *finding.when]))
        found[finding.name] = replace(finding, when=when)
    return tuple(found.values())


def try_one_of(cures: Sequence[str]) -> str:
    """Return advice in one line.

    >>> try_one_of(["fewer layers", "a higher rate"])
    'try fewer layers, or a higher rate'
    """
    return f"try {', or '.join(cures)}"
