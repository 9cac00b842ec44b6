"""The formulas that `fastnn help` shows are what is computed: each is read as it is written.

A product has no sign, a power is ``^``, and ``x if c, else y`` is a choice. What is assigned in one
equation is there in the next, so the equations of an optimiser are a step of it.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from fastnn.datasets.builtin import DATASETS
from fastnn.nn.activations import ACTIVATIONS, activation
from fastnn.nn.initializers import INITIALIZERS
from fastnn.nn.losses import LOSSES, loss
from fastnn.nn.normalization import PLACES
from fastnn.nn.optimizers import OPTIMIZERS, optimizer
from fastnn.nn.schedules import PER, SCHEDULES, WARM_UP, schedule
from fastnn.registry import About
from fastnn.training.metrics import METRICS, POOLED, evaluate

TABLES = (
    ACTIVATIONS, LOSSES, INITIALIZERS, PLACES, OPTIMIZERS, SCHEDULES, METRICS, DATASETS,
)  # fmt: skip
ROWS = [(table.kind, row) for table in TABLES for row in table]

TOKEN = re.compile(r"\d+(?:\.\d+)?|[A-Za-z_]\w*'?|<=|>=|[-+*/^()<>=,]")
FUNCTIONS: dict[str, Any] = {
    "erf": math.erf, "tanh": math.tanh, "log": math.log, "sqrt": math.sqrt, "cos": math.cos,
    "floor": math.floor, "max": max, "min": min, "abs": abs,
    "sign": lambda x: (x > 0) - (x < 0), "mean": np.mean, "sum": np.sum,
}  # fmt: skip
WORDS = {"if", "else"}


def in_python(formula: str) -> str:
    """The right side of an equation as Python.

    ``slope z`` is ``slope * z``, ``e^-z`` is ``e ** -z``, ``|x|`` is ``abs(x)``.
    """
    text = re.sub(r"\|([^|]+)\|", r"abs(\1)", formula).replace(", else", " else")
    tokens = TOKEN.findall(text)
    assert "".join(tokens) == text.replace(" ", ""), f"{formula}: what is not read"
    found: list[str] = []
    for token in tokens:
        value = token[0].isalnum() and token not in WORDS
        if found and (value or token == "("):
            last = found[-1]
            ended = last == ")" or (last[0].isalnum() and last not in WORDS)
            if ended and last not in FUNCTIONS:
                found.append("*")
        found.append(token.replace("'", "_slope"))
    return " ".join("**" if token == "^" else token for token in found)


def computed(about: About, **values: Any) -> Mapping[str, Any]:
    """All that the equations of a row say, computed one after the other from ``values``."""
    for equation in about.equations:
        name, _, formula = equation.partition(" = ")
        code = in_python(formula)
        names = {**FUNCTIONS, "e": math.e, "pi": math.pi, **values}
        values[name.replace("'", "_slope")] = eval(code, {"__builtins__": {}}, names)
    return values


def numbers() -> Iterator[float]:
    yield from (-3.0, -0.5, 0.25, 2.0)


def test_the_reader_of_formulas_itself() -> None:
    assert in_python("1/2 (a - y)^2") == "1 / 2 * ( a - y ) ** 2"
    assert in_python("z if z > 0, else slope z") == "z if z > 0 else slope * z"
    assert in_python("-y log(a) - (1 - y) e^-z") == "- y * log ( a ) - ( 1 - y ) * e ** - z"
    assert in_python("|a - y| T") == "abs ( a - y ) * T"
    assert computed(About("s = 2 z; a = s^2", "", ""), z=3.0)["a"] == 36
    with pytest.raises(AssertionError, match="what is not read"):
        in_python("a ? b")


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[f"{kind} {row.name}" for kind, row in ROWS])
def test_every_row_says_what_it_is(kind: str, row: Any) -> None:
    about = row.about
    assert about.says[0].isupper() or about.says[0].isdigit() or about.says.startswith("z ")
    assert kind == "data set" or (about.formula and about.says.endswith("."))
    assert about.source
    assert all(option.says for option in row.options), "Option(..., says=...)"
    assert all(option.says[-1] != "." for option in (*row.options, PER, WARM_UP, POOLED))


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS.names if n != "softmax"])
def test_activation(name: str) -> None:
    options = {option.name: 0.3 for option in ACTIVATIONS[name].options}
    g = activation({"name": name, **options})
    for z in numbers():
        found = computed(ACTIVATIONS[name].about, z=z, a=float(g.forward(z)), **options)
        assert math.isclose(found["a"], g.forward(z), rel_tol=1e-4), name
        slope = g.derivative(g.forward(z) if g.from_output else z)
        assert math.isclose(found["g_slope"], slope, rel_tol=1e-4, abs_tol=1e-12), name


@pytest.mark.parametrize("name", [n for n in LOSSES.names if n != "categorical_crossentropy"])
def test_loss(name: str) -> None:
    options = {"huber": {"delta": 0.7}, "quantile": {"quantile": 0.3}}.get(name, {})
    row, rule = LOSSES[name], loss({"name": name, **options})
    slope = "dL/dz" if row.from_logits else "dL/da"
    for t in numbers():
        for y in (0.0, 1.0):
            found = computed(row.about, z=t, a=t, y=y, **options)
            assert math.isclose(found["L"], rule.value(t, y), rel_tol=1e-12), name
            assert math.isclose(found[slope], rule.delta(t, y), abs_tol=1e-12), name


def test_softmax_and_its_loss() -> None:
    """Of two classes they are sigmoid and binary cross-entropy of the difference."""
    assert ACTIVATIONS["softmax"].about.equations[0] == "a_k = e^z_k / sum_j e^z_j"
    first, L, slope = LOSSES["categorical_crossentropy"].about.equations
    assert first == ACTIVATIONS["softmax"].about.equations[0]
    assert (L, slope) == ("L = -sum_k y_k log(a_k)", "dL/dz_k = a_k - y_k")


@pytest.mark.parametrize("name", INITIALIZERS.names)
def test_initializer(name: str) -> None:
    row = INITIALIZERS[name]
    options = {option.name: 0.3 for option in row.options}
    first, second = row.about.equations
    found = computed(About(first, "", ""), n_in=7.0, n_out=5.0, gain=4.0, **options)
    assert math.isclose(found["r"], row.scale(7, 5, 4.0, **options))
    words = {
        "uniform": "uniform",
        "normal": "normal,",
        "truncated": "cut off at 2.27 r",
        "zero": "W = 0",
    }
    assert [kind for kind, word in words.items() if word in second][-1] == row.distribution


@pytest.mark.parametrize("name", OPTIMIZERS.names)
def test_optimizer(name: str) -> None:
    row, rule = OPTIMIZERS[name], optimizer(name)
    options = {k: v for k, v in rule.options.items() if isinstance(v, float)}
    W, dW, alpha, t = 0.5, -0.25, 0.1, 3.0
    state = dict.fromkeys(row.state, 0.75)
    found = computed(row.about, W=W, dW=dW, alpha=alpha, t=t, **state, **options)
    coefficients = rule.coefficients(np.array([t]), np.array([alpha]))[0]
    wanted = np.atleast_1d(rule.update(W, dW, *state.values(), *coefficients))
    np.testing.assert_allclose([found["W"], *(found[s] for s in row.state)], wanted, rtol=1e-12)


@pytest.mark.parametrize("name", SCHEDULES.names)
def test_schedule(name: str) -> None:
    rule, T = schedule(name), 20
    for t in (0, 3, 11, 19):
        found = computed(SCHEDULES[name].about, t=t, T=T, **rule.options)
        wanted = rule.factors(np.array([float(t)]), 1, T)[0]
        assert math.isclose(found["f"], wanted, abs_tol=1e-12), (name, t)


@pytest.mark.parametrize("name", ["f1", "precision", "recall"])
def test_metric_of_two_classes(name: str) -> None:
    """3 true positives, 1 false positive, 2 false negatives, 1 true negative."""
    y = [1, 1, 1, 1, 1, 0, 0]
    p = np.array([0.9, 0.9, 0.9, 0.1, 0.1, 0.9, 0.1])
    found = eval(in_python(METRICS[name].about.formula), {"tp": 3, "fp": 1, "fn": 2})
    assert evaluate("binary", [name], y, np.stack([1 - p, p], axis=1))[name] == found


@pytest.mark.parametrize("name", ["r2", "rmse", "mse", "mae"])
def test_metric_of_numbers(name: str) -> None:
    y, a = np.array([1.0, 2.0, 4.0]), np.array([1.5, 1.0, 4.0])
    found = eval(in_python(METRICS[name].about.formula), {**FUNCTIONS, "y": y, "a": a})
    values = evaluate("regression", [name], y[:, None], a[:, None])
    assert math.isclose(values[name], found)
