"""The page of a run: it holds every figure, asks for nothing, and a browser has no complaint."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.report.__main__ import main
from benchmarks.report.charts import COLOURS, NAMES, bars, scaling, throughput, vectorised
from benchmarks.report.page import page, tiles
from benchmarks.report.readme import figures
from benchmarks.results import save
from benchmarks.rows import SYSTEMS, Row
from benchmarks.sections import latency
from fastnn.pictures import palette
from fastnn.pictures.marks import Chart, Line
from tests.browser import Page, browse, needs_browser

ABOUT = {
    "processor": "Z80 <fast>", "cores": 2, "versions": {"numpy": "2.4.6", "jax": None},
    "python": "3.12.1", "blas_threads": 2, "gpu": None,
}  # fmt: skip


def _rows() -> list[Row]:
    """A small run of every section, with figures that are easy to reckon with."""
    found = []
    for batch, seconds in ((16, 1e-4), (1024, 4e-3)):
        for system, factor in (("fastnn_compiled", 1), ("products", 0.8), ("bytes_moved", 0.1),
                               ("pytorch", 2), ("jax_scan", 1.5)):  # fmt: skip
            extra = {"batch": batch, "network": "784-512-256-10, relu"}
            found.append(Row("steps", f"A:{batch}", system, [seconds * factor], extra=extra))
    found.append(Row("steps", "A:16", "thinc_model", error="ValueError: <none>", extra=extra))
    for batch, loop in ((1, [1e-2]), (128, [])):
        about = {"kind": "step", "name": "training step", "size": "3-2", "batch": batch}
        reason = None if loop else "not run: about 3 s, the limit is 0.5 s"
        found.append(Row("kernels", f"training step:{batch}", "loop", loop, "s", reason, about))
        found.append(Row("kernels", f"training step:{batch}", "NumPy", [1e-4], extra=about))
        for column in ("compiled", "GPU"):
            found.append(Row("kernels", f"training step:{batch}", column, [], "s", "none", about))
    for n in (16, 64):
        extra = {"batch": 128, "network": f"64-{n}-{n}-10, relu"}
        found.append(Row("scaling", f"W{n}:128", "fastnn_numpy", [n * 1e-6], extra=extra))
    for name, values in (("fastnn_compiled", [3.0, 4.0, 9.0]), ("pytorch", [8.0, 6.0, 7.0])):
        found.append(Row("accuracy", "fashion:100", name, values))
    found.append(Row("latency", "B:128", "fastnn_numpy", [1e-5]))
    found.append(Row("latency", "B:128", "sklearn_mlp", [1.2e-4]))
    found.append(Row("footprint", "installed size", "torch", [7.4e8], "bytes"))
    return found


def _lines(chart: Chart) -> list[Line]:
    return [mark for mark in chart.marks if isinstance(mark, Line)]


def test_throughput_is_samples_per_second_and_the_floor_is_the_slower_one() -> None:
    [chart] = throughput(_rows())
    lines = {mark.name: mark for mark in _lines(chart)}
    assert [(p.x, p.y) for p in lines["fastnn compiled"].points] == [(16, 160_000), (1024, 256_000)]
    assert [round(p.y) for p in lines["floor"].points] == [200_000, 320_000]
    assert "products alone, batch 16: 200,000 samples/s" in lines["floor"].points[0].text
    assert "Thinc" not in lines


def test_ratios_over_the_loop() -> None:
    [chart] = vectorised(_rows())
    assert chart.title == "NumPy over loops"
    assert [(p.x, round(p.y)) for p in _lines(chart)[0].points] == [(1, 100)]


def test_scaling_is_in_microseconds() -> None:
    [chart] = scaling(_rows())
    assert [(p.x, round(p.y, 6)) for p in _lines(chart)[0].points] == [(16, 16.0), (64, 64.0)]


def test_bars_are_sorted_and_time_to_accuracy_is_the_median() -> None:
    charts = {chart.title: chart for _, group in bars(_rows()) for chart in group}
    times = charts["784-256-128-10"].bars
    assert [(b.name, b.value) for b in times] == [("fastnn compiled", 4.0), ("PyTorch", 7.0)]
    assert times[0].dots == (3.0, 4.0, 9.0)
    assert charts["On disk"].bars[0].text == "740 MB"


def test_the_tiles_by_hand() -> None:
    text = re.sub(r"<[^>]+>", " ", tiles(_rows()))
    assert "1.50 times" in text  # JAX scan, both times
    assert "100 times" in text
    assert "4.00 s" in text
    assert "PyTorch needs 7.00 s" in text
    assert "scikit-learn needs 120.0 us" in text


def test_every_system_has_a_name_and_a_colour() -> None:
    assert {*SYSTEMS, *latency.SYSTEMS} <= set(NAMES)
    assert set(NAMES) <= set(COLOURS)
    assert set(COLOURS.values()) <= set(palette.COLOURS)


def test_the_page_asks_for_nothing() -> None:
    text = page(_rows(), ABOUT)
    Page(text).asks_for_nothing()
    assert "url(" not in text
    assert "@import" not in text
    assert "fetch" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text


def test_the_page_holds_every_figure_and_every_reason_and_escapes_them() -> None:
    text = page(_rows(), ABOUT)
    assert "Z80 &lt;fast&gt;" in text
    assert "ValueError: &lt;none&gt;" in text
    assert "<none>" not in text
    assert "<td>100.0 us<td>100.0 us<td>160,000<td>1.50<td>1.25<td>10.00" in text
    assert "prefers-color-scheme:dark" in text.replace(" ", "")
    assert "not run: about 3 s, the limit is 0.5 s" in text


def test_a_run_with_nothing_in_it_still_makes_a_page() -> None:
    assert "Every figure" in page([], ABOUT)


def test_the_command_writes_page_and_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("resvg_py", reason="resvg-py is not installed (extra plot)")
    file = tmp_path / "run.json"
    save(file, _rows(), ABOUT)
    assert main([str(file)]) == 0
    written = [Path(line) for line in capsys.readouterr().out.split()]
    assert [p.name for p in written] == ["run.html", "run-throughput.png", "run-vectorised.png"]
    assert all(p.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" for p in written[1:])
    first = [p.read_bytes() for p in written]
    assert main([str(file)]) == 0
    assert [p.read_bytes() for p in written] == first  # the same run, the same files


def test_the_figures_for_the_readme_by_hand(tmp_path: Path) -> None:
    lines = figures(_rows(), str(tmp_path / "run")).splitlines()
    # 100 us compiled, JAX 150, PyTorch 200, products 80.
    assert lines[2] == "| 784-512-256-10, 16 | 100 | - | 150 | 200 | - | 80 |"
    text = " ".join(lines)
    assert (
        "fastnn compiled is 1.50 times as fast as the fastest other library of each case "
        "(geometric mean of 2 cases; at least 1.50 times, with 784-512-256-10 at batch 16)." in text
    )
    assert "fastnn compiled 4.00 s, PyTorch 7.00 s." in text
    assert "are 100 times as fast as plain Python loops (geometric mean of 1; at most 100 " in text
    assert ".png" not in text  # there are none


def test_a_readme_is_rewritten_between_its_comments(tmp_path: Path, capsys) -> None:
    readme, file = tmp_path / "README.md", tmp_path / "run.json"
    save(file, _rows(), ABOUT)
    readme.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n")
    (tmp_path / "run-throughput.png").touch()  # of an earlier call
    assert main([str(file), "--no-pictures", "--readme", str(readme)]) == 0
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- figures -->\n\n| network, batch |")
    picture = "![Samples per second over the batch size](run-throughput.png)"
    assert text.endswith(f"\n\n{picture}\n\n<!-- end of figures -->\nafter\n")
    assert "old" not in text
    readme.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        main([str(file), "--no-pictures", "--readme", str(readme)])
    assert "has no <!-- figures -->" in capsys.readouterr().err
    readme.unlink()
    with pytest.raises(SystemExit):
        main([str(file), "--no-pictures", "--readme", str(readme)])
    assert "README.md: cannot be read" in capsys.readouterr().err


def test_a_file_that_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text("[]", encoding="utf-8")
    with pytest.raises(SystemExit):
        main([str(tmp_path / "x.json")])
    assert "results of format None" in capsys.readouterr().err


PROBE = """<script>
const svg = document.querySelector("svg.picture"), p = svg.querySelector("circle[data-tip]");
const box = p.getBoundingClientRect();
const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true };
p.dispatchEvent(new PointerEvent("pointermove", at));
const said = document.getElementById("tip").textContent;
document.body.dataset.tip = said + "/" + svg.querySelectorAll(".active").length;
svg.dispatchEvent(new PointerEvent("pointerleave"));
document.body.dataset.after = document.getElementById("tip").style.opacity;
const asked = performance.getEntriesByType("resource").map((entry) => entry.name);
document.body.dataset.asked = JSON.stringify(asked);
document.body.dataset.paper = getComputedStyle(document.body).backgroundColor;
</script>"""


@needs_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_browser_shows_the_page_without_complaint_or_request(tmp_path: Path, dark: bool) -> None:
    file = tmp_path / "run.html"
    file.write_text(page(_rows(), ABOUT).replace("</body>", PROBE + "</body>"), encoding="utf-8")
    body, said = browse(file, tmp_path, dark)
    assert "CONSOLE" not in said
    assert 'data-asked="[]"' in body
    # The first point that is drawn is the floor's at batch 16; its line alone stands out.
    assert "products alone, batch 16: 200,000 samples/s" in body
    assert '/1"' in body
    assert 'data-after="0"' in body
    assert f'data-paper="rgb({"17, 20, 24" if dark else "253, 253, 251"})"' in body


@needs_browser
def test_the_browser_would_complain(tmp_path: Path) -> None:
    wrong = '<img src="https://example.invalid/a.png"><script>nothing.there()</script>'
    text = page(_rows(), ABOUT).replace("</body>", wrong + PROBE + "</body>")
    (tmp_path / "run.html").write_text(text, encoding="utf-8")
    _, said = browse(tmp_path / "run.html", tmp_path)
    assert "nothing is not defined" in said
    assert "example.invalid" in said  # refused by the page's own policy


def test_line_charts_are_what_the_page_draws() -> None:
    charts = [*throughput(_rows()), *vectorised(_rows()), *scaling(_rows())]
    assert all(isinstance(c, Chart) for c in charts)
    text = page(_rows(), ABOUT)
    assert text.count('class="series') == sum(len(c.marks) for c in charts)
    assert json.dumps(ABOUT)  # what a run keeps is plain data
