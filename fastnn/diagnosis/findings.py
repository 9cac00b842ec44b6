"""Findings: what is wrong with a network or its training, each with cause and cure in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fastnn.data.preprocess import Features
from fastnn.data.targets import Targets
from fastnn.errors import Spelling, arg, in_python, spell
from fastnn.nn.network import Network
from fastnn.nn.optimizers import optimizer
from fastnn.training.rate_advice import by_trying, higher_rate, lower_rate

#: Before the first epoch, and with the weights that the model keeps.
BEFORE, AT_THE_END = "before training", "at the end"

#: What can be found, in the order in which one thing leads to the next.
NAMES = (
    "unscaled inputs", "unscaled targets", "zero initialisation", "vanishing gradients",
    "learning rate too high", "learning rate too low", "exploding gradients", "dead ReLU units",
    "saturated units", "overconfident predictions", "loss at chance",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Finding:
    """What is wrong: its ``name``, the ``cause`` with its figure, the ``cure``, each in one line.

    ``layers``: those that it is about, from 1; ``when``: the looks at which it was there. The
    options in ``marked_cause`` and ``marked_cure`` are marked by `fastnn.errors.arg`, and spelt as
    a door does by `said` and `to_json`.

    >>> found = Finding("learning rate too high", "it rose", f"try {arg('learning_rate', 0.01)}")
    >>> print(found)
    learning rate too high: it rose; try learning_rate=0.01
    >>> found.cure
    'try learning_rate=0.01'
    """

    name: str
    marked_cause: str
    marked_cure: str
    layers: tuple[int, ...] = ()
    when: tuple[str, ...] = ()

    @property
    def cause(self) -> str:
        """What shows it, with the figure."""
        return spell(self.marked_cause)

    @property
    def cure(self) -> str:
        """What to do, with the options as Python writes them."""
        return spell(self.marked_cure)

    def said(self, spelling: Spelling = in_python) -> str:
        """Return it in one line, options as ``spelling`` writes them."""
        times = f" ({self.times})" if self.when else ""
        return spell(f"{self.name}{times}: {self.marked_cause}; {self.marked_cure}", spelling)

    @property
    def times(self) -> str:
        """When it was there, in words.

        >>> Finding("dead ReLU units", "", "", when=(BEFORE, "after epoch 1", AT_THE_END)).times
        'from before training to the end'
        """
        if len(self.when) < 2:
            return "".join(self.when)
        ends = (self.when[0], self.when[-1])
        first, last = (when.removeprefix("after ").removeprefix("at ") for when in ends)
        return f"from {first} to {last}"

    def __str__(self) -> str:
        return self.said()

    def __repr__(self) -> str:
        return f"<Finding {self}>"

    def to_json(self, spelling: Spelling = in_python) -> dict[str, Any]:
        """Return the same in dicts and lists."""
        return {
            "name": self.name,
            "cause": spell(self.marked_cause, spelling),
            "cure": spell(self.marked_cure, spelling),
            "layers": list(self.layers),
            "when": list(self.when),
        }


@dataclass(frozen=True)
class Door:
    """What brings inputs and targets to the size that networks learn, where a model was trained.

    ``finds_rate``: whether it can look for a learning rate; ``rate``, ``epochs``: what it calls
    these.
    """

    inputs: str
    targets: str
    finds_rate: bool = False
    rate: str = "learning_rate"
    epochs: str = "epochs"


#: The doors at which trainings begin.
TRAIN = Door(
    f"do without {arg('standardize', False)}",
    f"do without {arg('standardize_target', False)}",
    finds_rate=True,
)
ESTIMATOR = Door(
    f"give the estimator {arg('standardize', True)}",
    f"give the estimator {arg('standardize_target', True)}",
    rate="learning_rate_init",
    epochs="max_iter",
)
SEQUENTIAL = Door(
    "let the first layer be Normalization()",
    "take off the mean of y and divide by its standard deviation",
)
#: Of a model that was not trained here.
ELSEWHERE = Door(
    "give the rows scaled as the training had them",
    "give the target scaled as the training had it",
)


@dataclass(frozen=True)
class Case:
    """What is known of a training besides its numbers: for causes and cures.

    ``options``: those that a model file keeps (`Recipe.to_json`); ``columns``: the names of the
    network's inputs; ``standardizes``, ``standardizes_target``: whether they are standardised;
    ``door``: where the training began.
    """

    network: Network
    options: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[str] = ()
    standardizes: bool = False
    standardizes_target: bool = False
    door: Door = TRAIN

    @staticmethod
    def of(
        network: Network,
        options: Mapping[str, Any],
        features: Features,
        targets: Targets,
        door: Door = TRAIN,
    ) -> Case:
        """Return what is known where the preprocessing is known, too.

        >>> from fastnn.api.train import train
        >>> model = train("diabetes", epochs=1).model
        >>> case = Case.of(model.network, model.options, model.features, model.targets)
        >>> case.columns[:2], case.standardizes, case.standardizes_target
        (('age', 'sex'), True, True)
        """
        fitted = [v.tolist() for v in (targets.mean, targets.scale) if v is not None]
        done = bool(fitted) and fitted != [[0.0] * targets.n_outputs, [1.0] * targets.n_outputs]
        return Case(network, options, features.names, features.standardize, done, door)

    @property
    def chose_weights(self) -> bool:
        """Whether the initialiser of a layer was chosen, and not left to the activation."""
        made = self.options.get("initializer")
        each = made if isinstance(made, (list, tuple)) else [made]
        return any(one is not None for one in each)

    def default_weights(self) -> list[str]:
        """The advice to leave the initialiser to the activation, where it was chosen."""
        return [f"no {arg('initializer')} of your own"] * self.chose_weights

    @property
    def bold_rate(self) -> bool:
        """Whether the learning rate is far above the default of the optimizer."""
        rate = self.options.get("learning_rate")
        return rate is not None and rate > 10 * optimizer(self.options["optimizer"]).learning_rate

    def smaller_rate(self) -> str:
        """The advice to take a lower learning rate."""
        return self._rate("lower", lower_rate)

    def larger_rate(self) -> str:
        """The advice to take a higher learning rate."""
        return self._rate("higher", higher_rate)

    def _rate(self, which: str, other: Callable[[float, float], float]) -> str:
        rate = self.options.get("learning_rate")
        if rate is None:
            return f"a {which} {arg(self.door.rate)}"
        default = optimizer(self.options["optimizer"]).learning_rate
        return arg(self.door.rate, other(rate, default))

    def by_trying(self) -> str:
        """What finds a rate, behind one to try: nothing at a door that cannot look for one."""
        return by_trying() if self.door.finds_rate else ""

    def more_epochs(self) -> str:
        """The advice to train for longer."""
        return f"more {arg(self.door.epochs)}"


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return each finding once, as it was first, with all times at which it was there; in order.

    >>> seen = [Finding("dead ReLU units", "", "", when=(when,)) for when in (BEFORE, AT_THE_END)]
    >>> [f.when for f in merged(seen)]
    [('before training', 'at the end')]
    """
    found: dict[str, Finding] = {}
    for finding in findings:
        first = found.get(finding.name, finding)
        when = tuple(dict.fromkeys([*first.when, *finding.when]))
        found[finding.name] = replace(first, when=when)
    return tuple(found[name] for name in NAMES if name in found)


def try_one_of(cures: Sequence[str]) -> str:
    """Return advice in one line.

    >>> try_one_of(["fewer layers", "a higher rate"])
    'try fewer layers, or a higher rate'
    """
    return f"try {', or '.join(cures)}"


def figure(value: float) -> str:
    """Return a number with what matters of it, for a message.

    >>> figure(3278.4), figure(31.7), figure(2e-13)
    ('3,278', '31.7', '2e-13')
    """
    return f"{value:,.0f}" if 100 <= abs(value) < 1e9 else f"{value:.3g}"
