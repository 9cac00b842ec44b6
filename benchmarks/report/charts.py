"""What the charts show, without saying how they are drawn: lines and bars from the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from benchmarks.networks import NETWORKS, case
from benchmarks.results import quantity
from benchmarks.rows import FLOORS, SYSTEMS, Row, by_case
from benchmarks.sections.footprint import FIRST_STEP, MEMORY
from fastnn.pictures.marks import Axis, Bar, BarChart, Chart, Line, Point, Weight
from fastnn.pictures.palette import series_colour
from fastnn.pictures.scales import short
from fastnn.text import number

#: How systems are called on the page.
NAMES = {
    "fastnn_compiled": "fastnn compiled",
    "fastnn_numpy": "fastnn NumPy",
    "fastnn_model": "fastnn Model.predict",
    "products": "products alone",
    "bytes_moved": "bytes alone",
    "pytorch": "PyTorch",
    "pytorch_compile": "torch.compile",
    "jax_step": "JAX step",
    "jax_scan": "JAX scan",
    "sklearn_mlp": "scikit-learn",
    "keras_fit": "Keras",
    "thinc_model": "Thinc",
    "fastnn": "fastnn",
    "numpy": "NumPy",
    "torch": "PyTorch",
    "jax": "JAX",
    "sklearn": "scikit-learn",
    "keras": "Keras, with JAX",
    "thinc": "Thinc",
}
#: The kernels whose loops are drawn; the page has a table of them all.
DRAWN = (
    "training step",
    "dense forward",
    "dense backward",
    "categorical_crossentropy",
    "tanh forward",
    "relu backward",
)


#: fastnn is blue everywhere and drawn thicker; two variants of one library share a hue.
COLOURS = {
    "fastnn_compiled": "blue",
    "fastnn_numpy": "sky",
    "fastnn_model": "pale_blue",
    "fastnn": "blue",
    "pytorch": "orange",
    "torch": "orange",
    "pytorch_compile": "pale_orange",
    "jax_scan": "green",
    "jax": "green",
    "jax_step": "pale_green",
    "sklearn_mlp": "pink",
    "sklearn": "pink",
    "keras_fit": "yellow",
    "keras": "yellow",
    "thinc_model": "brown",
    "thinc": "brown",
    "floor": "grey",
    "products": "grey",
    "bytes_moved": "pale_grey",
    "numpy": "grey",
}
#: How systems are drawn, by what they are.
WEIGHTS: dict[str, Weight] = {"own": "strong", "peer": "plain", "floor": "dashed"}


def kind_of(system: str) -> str:
    """Return "own", "peer" or "floor".

    >>> kind_of("fastnn_model"), kind_of("jax_scan"), kind_of("products"), kind_of("torch")
    ('own', 'peer', 'floor', 'peer')
    """
    if system.startswith("fastnn"):
        return "own"
    return "floor" if system == "floor" or SYSTEMS.get(system) is False else "peer"


def _line(system: str, points: Iterable[Point], name: str) -> Line:
    return Line(name, tuple(points), COLOURS[system], WEIGHTS[kind_of(system)])


def _chart(title: str, note: str, x_name: str, y_name: str, lines: Iterable[Line]) -> Chart:
    """Lines on two logarithmic axes; the sizes that were measured are the ticks."""
    drawn = tuple(lines)
    sizes = sorted({p.x for line in drawn for p in line.points})
    x = Axis(x_name, log=True, ticks=tuple((n, short(n)) for n in sizes))
    return Chart(title, drawn, x, Axis(y_name, log=True), note, width=540, height=380)


def throughput(rows: Sequence[Row]) -> list[Chart]:
    """Return samples per second over the batch size, a chart for each of the networks A to D."""
    found = []
    for name in ("A", "B", "C", "D"):
        mine = by_case(r for r in rows if r.section == "steps" and r.case.startswith(f"{name}:"))
        systems = [_floor(systems) for systems in mine.values()]
        lines = [_line("floor", _speeds([r for r in systems if r]), "floor")]
        lines += [
            _line(s, _speeds([c[s] for c in mine.values() if s in c]), NAMES[s])
            for s in SYSTEMS
            if s not in FLOORS
        ]
        if kept := tuple(line for line in lines if line.points):
            found.append(
                _chart(f"Network {name}", words(name), "batch size", "samples per second", kept)
            )
    return found


def words(name: str) -> str:
    """Return a network in words.

    >>> words("B")
    '32-64-64-2, ReLU, cross-entropy'
    """
    sizes, activation, loss, _ = NETWORKS[name]
    shown = {"relu": "ReLU", "categorical_crossentropy": "cross-entropy"}
    parts = ["-".join(map(str, sizes)), shown.get(activation, activation)]
    return ", ".join([*parts, shown.get(loss, loss.replace("_", " "))])


def _floor(systems: dict[str, Row]) -> Row | None:
    """The floor that is reached first: the products alone, or the bytes alone."""
    measured = [systems[name] for name in FLOORS if name in systems and systems[name].values]
    return max(measured, key=lambda r: r.minimum, default=None)


def _speeds(rows: Sequence[Row]) -> tuple[Point, ...]:
    points = []
    for r in sorted((r for r in rows if r.values), key=lambda r: case(r.case).batch):
        m = case(r.case).batch
        what = f"{NAMES[r.system]}, " if r.system in FLOORS else ""
        text = f"{what}batch {m}: {m / r.minimum:,.0f} samples/s, "
        points.append(Point(m, m / r.minimum, f"{text}{quantity(r.minimum, 's')} a step"))
    return tuple(points)


def vectorised(rows: Sequence[Row]) -> list[Chart]:
    """Return how many times as fast as the loop each kernel is, a chart for each other column."""
    kernels = by_case(r for r in rows if r.section == "kernels")
    found = []
    for column in ("NumPy", "compiled", "GPU"):
        lines = []
        for name in DRAWN:
            points = [
                Point(m, ratio := loop.minimum / other.minimum,
                      f"batch {m}: {ratio:,.0f} times ({quantity(loop.minimum, 's')} in loops, "
                      f"{quantity(other.minimum, 's')})")
                for cells in kernels.values()
                if (loop := cells["loop"]).values and (other := cells[column]).values
                and loop.extra["name"] == name and (m := loop.extra["batch"])
            ]  # fmt: skip
            if points:
                weight: Weight = "strong" if name == "training step" else "plain"
                label = name.replace("categorical_crossentropy", "cross-entropy")
                lines.append(Line(label, tuple(points), series_colour(len(lines)), weight))
        if lines:
            title = {"NumPy": "NumPy over loops", "compiled": "Compiled over loops"}.get(
                column, "GPU over loops"
            )
            found.append(
                _chart(title, "the same kernel, the same numbers", "batch size",
                       "times as fast as the loop", lines)
            )  # fmt: skip
    return found


def scaling(rows: Sequence[Row]) -> list[Chart]:
    """Return seconds per step over the width, and over the depth."""
    found = []
    for letter, title, x_name in (
        ("W", "Width", "units in each of two hidden layers"),
        ("L", "Depth", "hidden layers of 64 units"),
    ):
        lines = []
        for system in SYSTEMS:
            points = [
                Point(int(r.case[1:].partition(":")[0]), r.minimum * 1e6,
                      f"{r.extra['network']}: {quantity(r.minimum, 's')} a step")
                for r in rows
                if r.section == "scaling" and r.case[0] == letter
                and r.system == system and r.values
            ]  # fmt: skip
            if points:
                line = tuple(sorted(points, key=lambda p: p.x))
                lines.append(_line(system, line, NAMES[system]))
        if lines:
            found.append(
                _chart(title, "batch 128, 64 inputs, 10 classes", x_name, "microseconds a step",
                       lines)
            )  # fmt: skip
    return found


def bars(rows: Sequence[Row]) -> list[tuple[str, list[BarChart]]]:
    """Return the bar charts, in groups with a heading."""
    steps = [r for r in rows if r.section == "steps"]
    groups = [
        ("Networks E and F: time of a training step",
         [_bar_chart(steps, label, f"Network {label[0]}",
                     f"{case(label).shape}, batch {label[2:]}",
                 lambda v: quantity(v, "s")) for label in ("E:100", "F:10000")]),
        ("Fashion-MNIST: training time until the test accuracy is 0.88",
         [_bar_chart([r for r in rows if r.section == "accuracy"], "fashion:100", "784-256-128-10",
                 "batch 100, median of the seeds, each a dot", lambda v: quantity(v, "s"))]),
        ("The prediction of one row",
         [_bar_chart([r for r in rows if r.section == "latency"], label, f"Network {label[0]}",
                 words(label[0]), lambda v: quantity(v, "s")) for label in ("B:128", "A:128")]),
        ("What a library costs before it computes",
         [_bar_chart([r for r in rows if r.section == "footprint"], *about)
          for about in (
              ("import", "Import", "a new interpreter", lambda v: f"{v:.2f} s"),
              ("installed size", "On disk", "with all that it requires", _megabytes),
              ("first step", "First epoch", f"from the start of the process, {FIRST_STEP}",
               lambda v: f"{v:.2f} s"),
              ("peak memory", "Peak memory", f"of a process that trains {MEMORY}", _megabytes),
          )]),
    ]  # fmt: skip
    kept = [(heading, [c for c in charts if c.bars]) for heading, charts in groups]
    return [(heading, charts) for heading, charts in kept if charts]


def _megabytes(value: float) -> str:
    return f"{number(round(value / 1e6))} MB".replace(".0000", "").replace(".00", "")


def _bar_chart(
    rows: Sequence[Row], label: str, title: str, note: str, text: Callable[[float], str]
) -> BarChart:
    """The fastest (or smallest) first; accuracies by the median, all else by the minimum."""
    mine = [r for r in rows if r.case == label]
    found = []
    for row in mine:
        if row.values and not row.error:
            several = row.section == "accuracy"
            value = row.median if several else row.minimum
            found.append(
                Bar(NAMES[row.system], value, text(value), COLOURS[row.system],
                    WEIGHTS[kind_of(row.system)], tuple(row.values) if several else ())
            )  # fmt: skip
    missing = tuple(f"{NAMES[r.system]}: {r.error}" for r in mine if r.error)
    return BarChart(title, tuple(sorted(found, key=lambda b: b.value)), note, missing)
