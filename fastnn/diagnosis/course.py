"""What the learning curve tells: a rate too high or too low, a loss at chance.

The limits come from the 440 trainings of `rules`; that a rate is too high (or too low) is said
of those that a lower (a higher) one made better by a tenth of what there was to learn.
"""

from __future__ import annotations

import math

import numpy as np

from fastnn.diagnosis.baseline import Hits
from fastnn.diagnosis.findings import Case, Finding, figure, try_one_of
from fastnn.errors import arg
from fastnn.training.history import History

#: How many times the loss of an epoch is that of the constant predictor and of the first batch. In
#: 124 of 159 trainings with too high a rate, in 5 of 189 healthy ones, all at 100 times a default.
RISEN = 5.0

#: So many epochs show the form of a curve; after fewer, a loss at chance is no wonder.
FEWEST_EPOCHS = 5
#: The fall of the loss in the second half of the epochs, as a share of that in the first half ...
STEADY = 0.25
#: ... in so many of them ...
EVERY = 0.95
#: ... by less than this share in each: 158 of 222 trainings with too low a rate, and none of 189
#: healthy ones, looked at after 5, 10, 15, 20 or 30 epochs. Without this limit 55 of them after 5.
SLOW = 0.02

#: A loss within 1 % of the constant predictor's is at chance.
NEAR = 0.99

#: A loss so many times the constant predictor's is far above it; one that began so many times
#: above it began with weights that are too large. Default weights begin at 1 to 4 times.
FAR, LARGE = 1.5, 5.0

#: What a loss no better than a constant's is called: by an accuracy at chance, and by one above.
CHANCE, OVERCONFIDENT = "loss at chance", "overconfident predictions"


def judge_history(
    history: History, case: Case, constant: float | None = None, hits: Hits | None = None
) -> list[Finding]:
    """Return what is wrong with the course of a training.

    ``constant``: the loss of the best constant predictor on the validation part, if it is known
    (`fastnn.diagnosis.baseline.constant_loss`); ``hits``: how often the model is right there.

    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.recipe import Recipe
    >>> from fastnn.training.history import Epoch
    >>> epochs = [Epoch(i, loss=1 - i / 1000, learning_rate=1e-6) for i in range(1, 9)]
    >>> case = Case(network([2, 1]), Recipe.of(learning_rate=1e-6).to_json())
    >>> print(*judge_history(History(epochs=epochs, stopped="epochs"), case))
    learning rate too low: the loss falls by 0.1 % an epoch, at the end as at the ...
    """
    rules = (_too_high(history, case, constant), _too_low(history, case))
    found = [finding for finding in rules if finding is not None]
    validation = [e.validation_loss for e in history.epochs if e.validation_loss is not None]
    known = [loss for loss in validation if math.isfinite(loss)]
    if known and constant is not None and not _just_begun(history, known):
        what = "the best validation loss"
        found += at_chance(min(known), constant, what, case, history, hits)
    return found


def _just_begun(history: History, losses: list[float]) -> bool:
    """Whether a loss at chance is no wonder: after few epochs, if it got better in them."""
    if history.stopped != "epochs" or len(losses) >= FEWEST_EPOCHS:
        return False
    return losses[-1] < NEAR * (losses[0] if len(losses) > 1 else _first_loss(history))


def _first_loss(history: History) -> float:
    """The loss before the first step, or of the first epoch; nan where there was none."""
    if not history.epochs:
        return math.nan
    costs = history.epochs[0].batch_costs
    return history.epochs[0].loss if costs is None else float(costs[0])


def at_chance(
    loss: float,
    constant: float,
    what: str,
    case: Case,
    history: History | None = None,
    hits: Hits | None = None,
) -> list[Finding]:
    """Return whether a loss is no better than that of a constant predictor.

    An accuracy well above chance, ``hits``, shows that much was learnt all the same: the
    predictions are then too sure of themselves, where they are wrong.

    >>> from fastnn.nn.network import network
    >>> print(*at_chance(2.31, 2.30, "the loss", Case(network([2, 1]))))
    loss at chance: the loss is 2.31, that of a constant prediction 2.3; see whether the columns ...
    """
    if not loss > NEAR * constant or constant <= 0:
        return []
    history = History() if history is None else history
    cause = f"{what} is {loss:.4g}, that of a constant prediction {constant:.4g}"
    if hits is not None and hits.clear and loss > constant / NEAR:
        cause += f", though the accuracy is {hits.accuracy:.2g}: wrong predictions are too sure"
        return [Finding(OVERCONFIDENT, cause, _calmer(loss, constant, case, history))]
    if loss > FAR * constant and (case.bold_rate or _began_large(history, constant)):
        return [Finding(CHANCE, cause, _calmer(loss, constant, case, history))]
    validation = [e.validation_loss for e in history.epochs if e.validation_loss is not None]
    if history.stopped == "epochs" and validation and min(validation) == validation[-1]:
        more = [case.more_epochs(), case.larger_rate() + case.by_trying()]
        cure = try_one_of(more[: 1 + (not case.bold_rate)])
    else:
        cure = "see whether the columns tell anything about the target"
        if case.bold_rate:
            cure = f"{try_one_of([case.smaller_rate() + case.by_trying()])}; or {cure}"
    return [Finding(CHANCE, cause, cure)]


def _began_large(history: History, constant: float) -> bool:
    return _first_loss(history) > LARGE * constant


def _calmer(loss: float, constant: float, case: Case, history: History) -> str:
    """What makes predictions less sure: smaller weights at first, or smaller steps."""
    cures = case.default_weights()
    if not cures or not _began_large(history, constant):
        cures.append(case.smaller_rate() + case.by_trying())
    if not any(case.network.normalized):
        cures.append(arg("batch_normalization", "before"))
    return try_one_of(cures)


def _too_high(history: History, case: Case, constant: float | None) -> Finding | None:
    cure = try_one_of([case.smaller_rate() + case.by_trying(), arg("gradient_clip", 1)])
    name, epochs = "learning rate too high", history.epochs
    if history.stopped == "diverged":
        return Finding(name, f"the loss was no longer a number in epoch {len(epochs) + 1}", cure)
    losses = np.array([e.loss for e in epochs])
    if not len(losses):
        return None
    usual = max(_first_loss(history), constant or 0.0)
    e = int(losses.argmax())
    if not losses[e] > RISEN * usual > 0:
        return None
    times = figure(losses[e] / usual)
    cause = f"in epoch {e + 1} the loss was {figure(losses[e])}, {times} times that at the start"
    return Finding(name, cause, cure)


def _too_low(history: History, case: Case) -> Finding | None:
    losses = np.array([e.loss for e in history.epochs])
    n, half = len(losses), len(losses) // 2
    if n < FEWEST_EPOCHS or history.stopped != "epochs" or not (losses > 0).all():
        return None
    validation = [e.validation_loss for e in history.epochs]
    if None not in validation and int(np.argmin(np.array(validation, float))) < n - 1 - n // 10:
        return None  # what is still learnt is the training part by heart
    early, late = losses[0] - losses[half], losses[half] - losses[-1]
    pace = 1 - float(losses[-1] / losses[half]) ** (1 / (n - 1 - half))
    steady = early > 0 and late > STEADY * early and (np.diff(losses) < 0).mean() >= EVERY
    if not steady or pace >= SLOW:
        return None
    return Finding(
        "learning rate too low",
        f"the loss falls by {100 * pace:.2g} % an epoch, at the end as at the beginning",
        try_one_of([case.larger_rate() + case.by_trying(), case.more_epochs()]),
    )
