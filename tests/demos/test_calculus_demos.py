"""activations, derivative, computation-graph, logistic-regression and dot against other sources."""

import math

import numpy as np
import pytest

from fastnn import demos
from fastnn.demos.graph_diagram import columns_of, graph_nodes, heights_of, with_own_constants
from fastnn.demos.own_expression import (
    every_value,
    expression_graph,
    names_and_texts,
    numbers_at,
)
from fastnn.errors import ArgumentError
from fastnn.pictures.marks import Chart, Diagram, Dots, HeatMap, Line


def lines_of(chart: object) -> dict[str, Line]:
    assert isinstance(chart, Chart)
    return {mark.name: mark for mark in chart.marks if isinstance(mark, Line) and mark.name}


# ---------------------------------------------------------------- activations


@pytest.mark.parametrize(
    ("panel", "g", "slope"),
    [
        (0, lambda z: 1 / (1 + math.exp(-z)), lambda z: math.exp(-z) / (1 + math.exp(-z)) ** 2),
        (1, math.tanh, lambda z: 1 / math.cosh(z) ** 2),
        (2, lambda z: max(z, 0.0), lambda z: float(z > 0)),
        (3, lambda z: z if z > 0 else z / 100, lambda z: 1.0 if z > 0 else 0.01),
    ],
)
def test_each_activation_and_its_slope(panel, g, slope) -> None:
    shown = lines_of(demos.activations().figure.panels[panel])
    for name, function in (("a = g(z)", g), ("g'(z)", slope)):
        inside = [p for p in shown[name].points if math.isfinite(p.y)]
        assert len(inside) > 150
        assert [p.y for p in inside] == pytest.approx([function(p.x) for p in inside], abs=1e-12)


@pytest.mark.parametrize(("panel", "below"), [(2, 0.0), (3, 0.01)])
def test_a_slope_that_jumps_is_drawn_as_a_jump(panel: int, below: float) -> None:
    """No line from the slope at 0 to that above 0, and a dot where the slope at 0 itself is."""
    chart = demos.activations().figure.panels[panel]
    assert isinstance(chart, Chart)
    points = lines_of(chart)["g'(z)"].points
    gaps = [k for k, p in enumerate(points) if math.isnan(p.y)]
    assert len(gaps) == 1
    before, after = points[gaps[0] - 1], points[gaps[0] + 1]
    assert (before.x, before.y) == (0.0, below)
    assert 0 < after.x < 1e-6
    assert after.y == 1.0
    [dot] = [m for m in chart.marks if isinstance(m, Dots)]
    assert [(p.x, p.y) for p in dot.points] == [(0.0, below)]


def test_smooth_slopes_have_no_gap_and_dots_are_named_where_they_end() -> None:
    panels = demos.activations().figure.panels
    for panel in panels[:2]:
        assert all(math.isfinite(p.y) for p in lines_of(panel)["g'(z)"].points)
    assert isinstance(panels[4], Chart)
    [dots] = [m for m in panels[4].marks if isinstance(m, Dots)]
    assert dots.curve


def test_the_mean_slope_of_a_normal_z() -> None:
    """ReLU: P(z > 0) = 1/2, leaky ReLU: (1 + 0.01)/2; sigmoid and tanh by chance."""
    table = demos.activations().figure.panels[-1]
    assert isinstance(table, HeatMap)
    means = [row[-1] for row in table.values]
    z = np.random.default_rng(0).normal(size=400_000)
    expected = [(1 / np.cosh(z / 2) ** 2).mean() / 4, (1 / np.cosh(z) ** 2).mean(), 0.5, 0.505]
    assert means == pytest.approx(expected, abs=2e-3)


# ---------------------------------------------------------------- derivative


def test_the_error_over_h_is_a_v() -> None:
    """Taylor: f(c+h) - f(c) over h is off by h sin(c)/2, the central one by h^2 cos(c)/6."""
    curves = lines_of(demos.derivative().figure.panels[1])
    forward = {p.x: p.y for p in curves["(f(c+h) - f(c)) / h"].points}
    central = {p.x: p.y for p in curves["(f(c+h) - f(c-h)) / 2h"].points}
    for h in (1e-2, 1e-3):
        x = min(forward, key=lambda at: abs(at - h))
        assert forward[x] == pytest.approx(h * math.sin(1) / 2, rel=0.02)
        assert central[x] == pytest.approx(h * h * math.cos(1) / 6, rel=0.02)
    for errors, best in ((forward, 1e-8), (central, 6e-6)):
        lowest = min(errors, key=lambda x: errors[x])
        assert best / 40 < lowest < best * 40
        assert errors[min(errors)] > 1e3 * errors[lowest]


def test_the_tangent_and_the_secants() -> None:
    curves = lines_of(demos.derivative(expression="x**2", c=3.0).figure.panels[0])

    def slope(line: Line) -> float:
        a, b = line.points[0], line.points[-1]
        return (b.y - a.y) / (b.x - a.x)

    assert slope(curves["tangent"]) == pytest.approx(6.0)  # 2c
    assert slope(curves["h = 2"]) == pytest.approx(8.0)  # 2c + h
    assert slope(curves["h = 0.4"]) == pytest.approx(6.4)
    secants = [curves[f"h = {h}"] for h in ("2", "1", "0.4")]
    assert len({line.colour for line in secants} | {"blue", "green"}) == 5  # f and its tangent
    assert len({line.weight for line in secants}) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"expression": "a*b"}, "expression must be a function of x alone, found a, b"),
        ({"expression": "log(x)", "c": -1.0}, r"is no number: log\(-1\), at x = -1"),
        ({"expression": "sqrt(x)", "c": 0.0}, "c: there is no derivative at 0"),
    ],
)
def test_derivative_refuses(options, said) -> None:
    with pytest.raises(ArgumentError, match=said):
        demos.derivative(**options)


def test_a_line_has_no_error_but_rounding() -> None:
    assert "f'(1) = 2" in demos.derivative(expression="2*x + 1").lines[0]


# ---------------------------------------------------------------- computation graph


def boxes(found) -> dict[str, tuple[str, ...]]:
    [diagram] = found.figure.panels
    assert isinstance(diagram, Diagram)
    return {node.texts[0]: node.texts[1:] for node in diagram.nodes}


def test_the_graph_of_the_notes() -> None:
    """J = 3(a + bc) at 5, 3, 2: u = 6, v = 11, J = 33; dJ/dv = dJ/du = dJ/da = 3, 3c, 3b."""
    assert boxes(demos.computation_graph()) == {
        "3": (),
        "a": ("5", "dJ/da = 3"),
        "b": ("3", "dJ/db = 6"),
        "c": ("2", "dJ/dc = 9"),
        "u = b * c": ("6", "dJ/du = 3"),
        "v = a + u": ("11", "dJ/dv = 3"),
        "J = 3 * v": ("33", "dJ/dJ = 1"),
    }


def test_a_value_that_is_used_twice_adds_up_its_sensitivities() -> None:
    """J = x y + x: dJ/dx = y + 1. At a = 2 of a a: 2a."""
    said = boxes(demos.computation_graph(expression="x*y + x", at={"x": 4.0, "y": 7.0}))
    assert said["x"][1] == "dJ/dx = 8"
    assert boxes(demos.computation_graph(expression="a*a", at="a=2"))["a"][1] == "dJ/da = 4"


def test_the_chain_rule_holds_on_the_arrows() -> None:
    """Along the arrows that leave a value: sum of (on the arrow) times dJ/d(its end)."""
    text = "-(y*log(sigmoid(w*x+b)) + (1-y)*log(1-sigmoid(w*x+b)))"
    found = demos.computation_graph(expression=text, at="y=1,w=0.5,x=2,b=-0.3")
    [diagram] = found.figure.panels
    assert isinstance(diagram, Diagram)
    slope = [float(n.texts[2].partition("=")[2]) if len(n.texts) > 2 else None
             for n in diagram.nodes]  # fmt: skip
    for i, node in enumerate(diagram.nodes):
        leaving = [e for e in diagram.edges if e.start == i and e.text]
        if leaving:
            total = sum(float(e.text) * slope[e.end] for e in leaving)
            assert slope[i] == pytest.approx(total, abs=2e-3), node.texts
    # Logistic regression: dL/db = a - y, dL/dw = (a - y) x
    a = 1 / (1 + math.exp(-0.7))
    said = boxes(found)
    assert float(said["b"][1].partition("=")[2]) == pytest.approx(a - 1, abs=1e-5)
    assert float(said["w"][1].partition("=")[2]) == pytest.approx(2 * (a - 1), abs=1e-5)


def test_more_steps_than_can_be_said_are_counted() -> None:
    found = demos.computation_graph(expression="sin(a)+sin(b)+sin(c)+cos(a)+cos(b)")
    assert found.lines[0].endswith(" and 3 more")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a if a > b else c", "branches at 'a if a > b else c': .*write maximum"),
        ("a > b", "branches at 'a > b'"),
        ("a and b", "branches"),
        ("not a", "branches"),
        ("", "must be a text such as"),
        (None, "must be a text such as"),
        ("a +", r"cannot be read: 'a \+' \(invalid syntax\)"),
        ("((a)", "cannot be read"),
        ("a\0", "cannot be read"),
        ("a^2", r"has 'a \^ 2': write \*\* for a power"),
        ("a % b", "has 'a % b'; it can have names, numbers"),
        ("a[0]", r"has 'a\[0\]'"),
        ("a.real", "has 'a.real'"),
        ("lambda: a", "has 'lambda: a'"),
        ("'a' + b", "has \"'a'\""),
        ("True * a", "has True, which is no number"),
        ("1j * a", "has '1j'"),
        ("__import__('os').system('true')", "calls .*, which is no function that is known"),
        ("open(a)", "calls the unknown function open"),
        ("tan(a)", r"calls the unknown function tan; did you mean 'tanh'\? \(known: exp,"),
        ("exp(a, b)", "calls exp with 2 arguments; it takes 1"),
        ("exp(a=b)", "has 'exp"),
        ("exp * a", r"uses the function exp as a number: write exp\(\.\.\.\)"),
        ("a", "'a' has nothing to compute"),
        ("3 + 4", "has nothing to compute"),
        ("a" * 301, "has 301 characters; at most 300"),
        ("+".join(f"x{k}" for k in range(30)), "takes 59 steps; at most 40"),
        ("10**10**10**10 * a", "has a number that is too large"),
        ("9" * 200 + "*a**99*a**99", "is no number"),
    ],
)
def test_an_expression_that_cannot_be_drawn(text: object, said: str) -> None:
    with pytest.raises(ArgumentError, match=said) as raised:
        demos.computation_graph(expression=text)
    assert str(raised.value).startswith("expression ")
    assert raised.value.argument == "expression"


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("a/b", "a=1,b=0", "expression divides by 0: 1 / 0, at a = 1, b = 0"),
        ("log(a)", "a=-1", r"expression is no number: log\(-1\), at a = -1"),
        ("exp(a)", "a=1000", r"expression is no number: exp\(1000\)"),
        ("sqrt(a)", "a=0", "at: the sensitivity of a is no finite number at a = 0"),
        ("a/b", "a=1", "at has no number for b: give one for each name, such as at='a=1,b=2'"),
        ("x*y", "a=5,b=3,c=2", "at has no number for x, y"),
        ("a/b", "a=1,b=2,d=3", "at has a number for 'd', which the expression does not have"),
        ("a/b", "a=1,b=x", "at: b must be a finite number, found 'x'"),
        ("a/b", {"a": 1, "b": None}, "at: b must be a finite number, found None"),
        ("a/b", "a=1,b=inf", "at: b must be a finite number"),
        ("a/b", "a;b", "at must be of the form a=5,b=3, found 'a;b'"),
    ],
)
def test_numbers_at_which_there_is_no_graph(text: str, at: object, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        demos.computation_graph(expression=text, at=at)


def test_numbers_of_the_example_serve_other_expressions_of_its_names() -> None:
    assert "J = a * c = 10" in demos.computation_graph(expression="a*c").lines[0]


def test_names_keep_out_of_each_others_way() -> None:
    graph = expression_graph("J*u + sin(u)*v")
    named = names_and_texts(graph)
    names = [name for name, _ in named]
    assert len(set(names)) == len(names)
    assert dict(named)["f"] == "w + q"


EXPRESSIONS = [
    "3*(a+b*c)",
    "max(a*b, c)**2/(a+1) + sin(a)",
    "sigmoid(a)*sigmoid(b) + a*b*c + a",
    "a*a + a*a*b - abs(c)",
    "relu(a - b)*2 + min(a, c)/2 - exp(-a)",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_no_box_lies_over_another_and_arrows_go_to_the_right(text: str) -> None:
    graph = with_own_constants(expression_graph(text))
    numbers = numbers_at(graph, "a=5,b=3,c=2", "a=5,b=3,c=2")
    plain = expression_graph(text)
    assert every_value(graph, numbers)[graph.outputs[0]] == pytest.approx(
        every_value(plain, numbers)[plain.outputs[0]]
    )
    columns, heights = columns_of(graph), heights_of(graph, columns_of(graph))
    for i, v in enumerate(graph.values):
        assert all(columns[a] < columns[i] for a in v.args)
    assert min(heights) == 0.0
    nodes = graph_nodes(graph, [("x" * 12,)] * len(columns), ["grey"] * len(columns))
    for i, one in enumerate(nodes):
        for other in nodes[:i]:
            apart = abs(one.x - other.x), abs(one.y - other.y)
            assert (
                apart[0] >= (one.width + other.width) / 2
                or apart[1] >= (one.height + other.height) / 2
            )


# ---------------------------------------------------------------- logistic regression


def test_logistic_regression_by_hand() -> None:
    """Z = 0.5*2 - 1*1 + 0 = 0, a = 1/2; y = 0: L = log 2, da = 1/(1/2) = 2, dz = 1/2, dw = x/2."""
    found = demos.logistic_regression(x=(2.0, 1.0), w=(0.5, -1.0), b=0.0, y=0)
    graph, times = found.figure.panels
    assert isinstance(graph, Diagram)
    said = {node.texts[0]: node.texts[1:] for node in graph.nodes}
    assert said["z = w1 x1 + w2 x2 + b"] == ("0", "dz = 0.5000")
    assert said["a = sigmoid(z)"] == ("0.5000", "da = 2.0000")
    assert said["L(a, y)"] == ("0.6931", "y = 0")
    assert said["w1"][1] == "dw1 = 1.0000"
    assert said["w2"][1] == "dw2 = 0.5000"
    assert said["b"][1] == "db = 0.5000"
    curves = lines_of(times)
    assert set(curves) == {"in loops", "vectorised", "recorded"}
    assert all(p.y > 0 for line in curves.values() for p in line.points)
    apart = float(found.lines[2].rpartition("differ by ")[2].split()[0])
    assert apart < 1e-12


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"y": 2}, "y must be 0 or 1, found 2"),
        ({"x": (1.0,)}, "x must be 2 numbers"),
        ({"w": (1.0, math.inf)}, "w must be 2 numbers"),
        ({"b": math.nan}, "b must be 1 number from"),
        ({"x": (1e3, -1e3), "y": 0}, "x: with z = 900.1, a is 1 to the last digit"),
    ],
)
def test_logistic_regression_refuses(options, said) -> None:
    with pytest.raises(ArgumentError, match=said):
        demos.logistic_regression(**options)


# ---------------------------------------------------------------- dot


def test_the_products_of_the_notes() -> None:
    product = demos.dot(left="1,2; 3,4", right="5,6; 7,8").figure.panels
    assert product[3].values == ((19, 22), (43, 50))
    assert product[2].texts[1] == ("(3)(5) + (4)(7) = 43", "(3)(6) + (4)(8) = 50")
    assert demos.dot().figure.panels[3].values == ((3, 4, 1), (17, 8, 3), (7, -9, -1))


def test_a_row_times_a_column_is_a_number() -> None:
    found = demos.dot(left="1,2,3", right="4;5;6")
    assert found.figure.panels[3].values == ((32,),)  # 4 + 10 + 18
    assert found.lines[0].startswith("(1, 3) times (3, 1) is (1, 1)")


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        ("1,2", "1,2", r"right is \(1, 2\) and left is \(1, 2\): the left one must have as many c"),
        ("1,2; 3", "1;2", "left must be rows of numbers of equal length, .*found '1,2; 3'"),
        ("1,a", "1;2", "left must be rows of numbers"),
        ("1,nan", "1;2", "left must be rows of numbers"),
        ("1", "1,1,1,1,1,1,1", r"right is \(1, 7\): at most 6 rows and columns"),
    ],
)
def test_dot_refuses(left: str, right: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        demos.dot(left=left, right=right)


def test_a_kink_has_no_derivative_and_says_so() -> None:
    for text, taken in (("relu(a)*b", "0"), ("abs(a)*b", "0")):
        *_, said = demos.computation_graph(expression=text, at="a=0,b=2").lines
        assert "has a kink where a = 0: there is no derivative; " in said
        assert f"; {taken} is taken by convention" in said
        assert len(demos.computation_graph(expression=text, at="a=1,b=2").lines) == 3


def test_a_long_formula_stands_below_the_title() -> None:
    text = "+".join(f"sin(a{i})" for i in range(9))
    at = {f"a{i}": 0.5 for i in range(9)}
    assert text in demos.computation_graph(expression=text, at=at).svg()
