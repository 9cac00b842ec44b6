"""Learning-rate schedules against numbers worked by hand and PyTorch's schedulers."""

import json
import math

import numpy as np
import pytest

from fastnn.errors import ArgumentError
from fastnn.nn.schedules import SCHEDULES, schedule

EPOCHS = 12


def factors(spec, epochs: int = EPOCHS, steps_per_epoch: int = 1) -> list[float]:
    steps = np.arange(epochs * steps_per_epoch, dtype=float)
    return schedule(spec).factors(steps, steps_per_epoch, epochs).tolist()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("constant", [1, 1, 1, 1]),
        ("step(drop=0.5, every=2)", [1, 1, 0.5, 0.5]),
        ("exponential(decay=0.5)", [1, 0.5, 0.25, 0.125]),
        ("inverse_scaling(power=0.5)", [1, 1 / math.sqrt(2), 1 / math.sqrt(3), 0.5]),
        ("invscaling(power=1)", [1, 1 / 2, 1 / 3, 1 / 4]),
        ("cosine", [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]),
        ("cosine(final=0.5)", [1, 0.75 + math.sqrt(0.5) / 4, 0.75, 0.75 - math.sqrt(0.5) / 4]),
        ("constant(warm_up=3)", [1 / 4, 2 / 4, 3 / 4, 1]),
        ("exponential(decay=0.5, warm_up=1)", [1 / 2, 1, 1 / 2, 1 / 4]),
        # up from 0.1 to 1 at one third of the time, then down to 0
        ("one_cycle(rise=0.3333333333333333, initial=0.1)", [0.1, 1.0, 0.5, 0.0]),
    ],
)
def test_worked_by_hand(spec, expected) -> None:
    assert factors(spec, 4) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("spec", "name", "options"),
    [
        ("step(drop=0.3, every=4)", "StepLR", {"step_size": 4, "gamma": 0.3}),
        ("exponential(decay=0.9)", "ExponentialLR", {"gamma": 0.9}),
        ("cosine(final=0.2)", "CosineAnnealingLR", {"T_max": EPOCHS, "eta_min": 0.2}),
    ],
)
def test_pytorch_has_the_same(spec, name, options) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    expected = []
    for _ in range(EPOCHS):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert factors(spec) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", SCHEDULES.names)
def test_per_epoch_stands_still_within_an_epoch(name: str) -> None:
    per_epoch = factors({"name": name, "per": "epoch"}, 4, steps_per_epoch=5)
    assert per_epoch == [f for f in factors(name, 4) for _ in range(5)]


@pytest.mark.parametrize("name", SCHEDULES.names)
def test_per_step_counts_steps(name: str) -> None:
    if name == "constant":  # steps count for its warm-up only
        name = "constant(warm_up=3)"
        assert factors("constant(warm_up=3, per=step)", 3, 5) == factors(name, 15, 1)
        return
    assert factors({"name": name, "per": "step"}, 3, 5) == factors(name, 15, 1)


@pytest.mark.parametrize("name", SCHEDULES.names)
@pytest.mark.parametrize("epochs", [1, 2, 3, 50])
def test_every_factor_is_a_share_of_the_learning_rate(name: str, epochs: int) -> None:
    found = np.array(factors(name, epochs, 3))
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_one_cycle_goes_up_and_down_once() -> None:
    found = np.array(factors("one_cycle(rise=0.25, initial=0.2, final=0.1)", 41))
    assert found[[0, 10, 40]].tolist() == pytest.approx([0.2, 1.0, 0.1])
    assert (np.diff(found[:11]) > 0).all()
    assert (np.diff(found[10:]) < 0).all()


def test_warm_up_comes_before_the_schedules_own_time() -> None:
    found = factors("cosine(warm_up=2, per=step)", 5, 2)
    assert found[:3] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert found[2:] == pytest.approx(factors("cosine(per=step)", 4, 2))


def test_the_middle_of_a_training_is_what_it_would_have_been() -> None:
    rule, steps = schedule("one_cycle(per=step)"), np.arange(30.0)
    whole = rule.factors(steps, 5, 6)
    np.testing.assert_array_equal(rule.factors(steps[10:15], 5, 6), whole[10:15])


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("cosin", "unknown schedule 'cosin'; did you mean 'cosine'"),
        ("cosine(power=2)", "schedule 'cosine' has no option 'power'; it belongs to inverse_scal"),
        ("cosine(per=batch)", "per='batch'; choose from step, epoch"),
        ("cosine(warm_up=-1)", r"warm_up=-1.0 is outside \[0, inf\)"),
        ("one_cycle(warm_up=2)", "has its own rise: warm_up has no effect"),
        ("constant(per=step)", "per='step' has no effect without warm_up"),
        ("step(every=0)", r"every=0.0 is outside \[1, inf\)"),
        ("exponential(decay=1)", r"decay=1.0 is outside \(0, 1\)"),
        (0.1, "schedule must be a name"),
    ],
)
def test_what_is_no_schedule_is_refused(spec, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        schedule(spec)


@pytest.mark.parametrize("name", SCHEDULES.names)
def test_a_schedule_survives_json(name: str) -> None:
    rule = schedule({"name": name, "per": "epoch" if name == "constant" else "step"})
    assert schedule(json.loads(json.dumps(rule.to_json()))) == rule
    assert schedule(rule) is rule
