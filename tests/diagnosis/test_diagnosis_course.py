"""What a learning curve tells, on curves made for it: the limits, and what they leave alone."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fastnn.diagnosis.baseline import Hits
from fastnn.diagnosis.course import at_chance, judge_history
from fastnn.diagnosis.findings import Case, Finding
from fastnn.nn.network import network
from fastnn.recipe.recipe import Recipe
from fastnn.training.history import Epoch, History

CASE = Case(network([2, 1]), Recipe.of(learning_rate=0.01).to_json())


def history(
    losses: Sequence[float],
    validation: Sequence[float] | None = None,
    stopped: str = "epochs",
    first: float | None = None,
) -> History:
    """``first``: the cost of the first batch, if the batches' costs are known."""
    return History(
        epochs=[
            Epoch(
                i + 1, loss=loss, learning_rate=0.01,
                validation_loss=None if validation is None else validation[i],
                batch_costs=None if first is None else np.array([first, loss]),
            )
            for i, loss in enumerate(losses)
        ],
        stopped=stopped,
    )  # fmt: skip


def names(*given: object, **known: float) -> list[str]:
    return [finding.name for finding in judge_history(history(*given), CASE, **known)]  # type: ignore[arg-type]


SLOW = [1 - 0.01 * i for i in range(10)]  # steadily, by 1 % an epoch
FAST = [0.9**i for i in range(10)]  # steadily, by 10 %: more epochs are needed, not a higher rate
DONE = [1, 0.5, 0.3, 0.22, 0.2, 0.199, 0.198, 0.197, 0.196, 0.195]  # what was to learn is learnt


def test_a_rate_too_low_is_a_loss_that_falls_slowly_and_as_much_at_the_end() -> None:
    assert names(SLOW) == ["learning rate too low"]
    assert names(FAST) == []
    assert names(DONE) == []


@pytest.mark.parametrize("stopped", ["early_stopping", "converged", "interrupted", "callback"])
def test_only_of_a_training_that_ran_out_of_epochs(stopped: str) -> None:
    assert names(SLOW, None, stopped) == []


def test_not_of_a_few_epochs_or_of_a_restless_loss() -> None:
    assert names(SLOW[:4]) == []
    assert names(SLOW[:5]) == ["learning rate too low"]
    restless = [loss + 0.02 * (-1) ** i for i, loss in enumerate(SLOW)]
    assert names(restless) == []


def test_not_where_only_the_training_part_gets_better() -> None:
    """What is still learnt then is learnt by heart: a higher rate would only do so sooner."""
    best_in_the_middle = [abs(i - 4) / 100 + 1 for i in range(10)]
    assert names(SLOW, SLOW) == ["learning rate too low"]
    assert names(SLOW, best_in_the_middle) == []
    assert names(SLOW, [math.nan] * 10) == []


def test_a_rate_too_high_is_a_loss_far_above_the_start() -> None:
    assert names([5.5, 2.0, 1.0], None, "epochs", 1.0) == ["learning rate too high"]
    assert names([4.5, 2.0, 1.0], None, "epochs", 1.0) == []
    assert names([1.0, 5.5, 1.0]) == ["learning rate too high"], "of a file: the first epoch's"
    assert names([5.5, 2.0, 1.0], None, "epochs", 1.0, constant=2.0) == [], "2.75 times"
    assert names([50.0, 20.0, 10.0], None, "epochs", 50.0) == [], "it began so high"


def test_or_one_that_is_no_longer_a_number() -> None:
    (found,) = judge_history(history([], None, "diverged"), CASE)
    assert str(found) == (
        "learning rate too high: the loss was no longer a number in epoch 1; "
        "try learning_rate=0.001, or what find_learning_rate finds, or gradient_clip=1"
    )


def test_no_history_tells_nothing() -> None:
    assert judge_history(History(), CASE, constant=1.0) == []


def test_chance_is_what_a_constant_reaches() -> None:
    assert names(DONE, DONE, constant=0.5) == []
    assert names(DONE, [0.6] * 10, constant=0.5) == ["loss at chance"]
    assert names(DONE, [0.6] * 9 + [0.4], constant=0.5) == [], "the best epoch counts"
    assert names(DONE, [math.nan] * 10, constant=0.5) == []
    assert names(DONE, [0.6] * 10) == [], "not without a measure of it"
    assert [f.name for f in at_chance(0.4949, 0.5, "it", CASE)] == []
    assert [f.name for f in at_chance(0.4951, 0.5, "it", CASE)] == ["loss at chance"]
    assert at_chance(math.nan, 0.5, "it", CASE) == []
    assert at_chance(0.0, 0.0, "it", CASE) == [], "a constant target is learnt by a constant"


def test_a_loss_at_chance_that_still_falls_needs_more_of_it() -> None:
    still = [1.0, 0.9, 0.8, 0.7, 0.6]
    (found,) = judge_history(history(still, still), CASE, 0.5)
    assert str(found).endswith(
        "; try more epochs, or learning_rate=0.1, or what find_learning_rate finds"
    )
    (found,) = judge_history(history(still, still[::-1]), CASE, 0.5)
    assert str(found).endswith("; see whether the columns tell anything about the target")


def test_after_few_epochs_a_loss_at_chance_is_no_wonder() -> None:
    few = [0.9, 0.8, 0.7, 0.6]
    assert names(few, few, constant=0.5) == []
    assert names(few, few, "early_stopping", constant=0.5) == ["loss at chance"]
    assert names(few, [0.6] * 4, constant=0.5) == ["loss at chance"], "it got no better"


def chance(loss: float, constant: float, start: float, accuracy: float, **options: Any) -> Finding:
    """What is found of a loss, far above that of a constant or not, of ten classes."""
    case = Case(network([2, 1]), Recipe.of(**options).to_json())
    losses = [start, *[loss] * 5]
    course = history(losses, [*[loss + 1] * 5, loss], "epochs", start)
    (found,) = at_chance(loss, constant, "it", case, course, Hits(accuracy, 0.1, 1000))
    return found


def test_a_loss_far_above_that_of_a_constant_is_no_chance_where_the_accuracy_is_good() -> None:
    steps = chance(5.7, 2.3, 2.6, 0.83, learning_rate=1.0)
    assert steps.name == "overconfident predictions"
    assert "though the accuracy is 0.83" in steps.cause
    assert steps.cure.startswith("try learning_rate=0.001, or what find_learning_rate finds")
    weights = chance(131, 2.3, 4000, 0.6, initializer="normal(scale=0.5)")
    assert weights.name == "overconfident predictions"
    assert weights.cure == "try no initializer of your own, or batch_normalization='before'"


def test_a_higher_rate_is_no_cure_of_weights_or_steps_that_are_too_large() -> None:
    for accuracy in (0.1, 0.6):
        for start, options in ((4000, {}), (2.6, {"learning_rate": 0.1})):
            cure = chance(131, 2.3, start, accuracy, **options).cure
            assert "learning_rate=0.01," not in cure, cure
            assert "learning_rate=1.0" not in cure, cure
    assert "learning_rate=0.01" in chance(2.31, 2.3, 2.6, 0.1).cure


def test_a_rate_far_above_the_default_is_named_at_chance() -> None:
    (found,) = at_chance(
        2.31, 2.3, "it", Case(network([2, 1]), Recipe.of(learning_rate=0.1).to_json())
    )
    assert found.name == "loss at chance"
    assert found.cure.startswith(
        "try learning_rate=0.001, or what find_learning_rate finds; or see"
    )
