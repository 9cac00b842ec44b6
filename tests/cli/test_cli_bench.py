"""`fastnn bench`."""

import json

import pytest

import fastnn.timing.comparison as comparison
from fastnn.backend.cuda.availability import cuda_status
from fastnn.cli.bench import block, summary
from fastnn.timing.comparison import Timed

QUICK = ("--seconds", "0.0001", "--repeats", "2", "--units", "4", "--layers", "3,4,2")


def test_a_table_and_what_it_amounts_to(fastnn) -> None:
    ran = fastnn("bench", "step", "tanh forward", "--batch-sizes", "1,16", *QUICK)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "training step, 3-4-2, Adam (microseconds)"
    assert lines[1].split()[:5] == ["batch", "loop", "NumPy", "compiled", "GPU"]
    assert [line.split()[0] for line in lines[2:4]] == ["1", "16"]
    assert "tanh forward, 4 units (microseconds)" in lines
    text = " ".join(ran.out.split())
    assert "NumPy: " in text
    assert "times as fast as the loop (geometric mean of 4)" in text
    if not cuda_status().usable:
        assert f"GPU column: empty, {cuda_status()}" in text
    assert max(map(len, lines)) <= 80


def test_as_json(fastnn) -> None:
    ran = fastnn("bench", "adam", "--json", *QUICK)
    assert ran.code == 0
    found = json.loads(ran.out)
    assert found["interrupted"] is False
    assert found["machine"]["cpus"] >= 1
    cells = {cell["column"]: cell for cell in found["results"]}
    assert list(cells) == ["loop", "NumPy", "compiled", "GPU"]
    assert cells["loop"]["batch"] is None
    assert len(cells["NumPy"]["seconds"]) == 2
    assert bool(cells["GPU"]["seconds"]) != bool(cells["GPU"]["reason"])


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_interrupted_it_shows_what_it_has(fastnn, monkeypatch, form: tuple[str, ...]) -> None:
    measure, seen = comparison.compare, []

    def interrupted(chosen, *rest):
        seen.append(chosen[0].name)
        if len(seen) > 1:
            raise KeyboardInterrupt
        return measure(chosen, *rest)

    monkeypatch.setattr(comparison, "compare", interrupted)
    ran = fastnn("bench", "adam", "tanh", *QUICK, *form)
    assert ran.code == 130
    assert "interrupted" in ran.err
    assert "tanh forward" in ran.out
    if form:
        assert json.loads(ran.out)["interrupted"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tahn"], "no kernel is called 'tahn'; did you mean 'tanh'?"),
        (["--batch-sizes", "1,much"], "needs batch sizes such as 1,128,full; found '1,much'"),
        (["--batch-sizes", "0"], "needs batch sizes"),
        (["--layers", "5"], "--layers needs at least two sizes"),
        (["--layers", "5,1"], "--layers must end with at least two outputs"),
        (["--units", "0"], "--units must be a whole number above 0, found 0"),
        (["--repeats", "0"], "--repeats must be a whole number above 0, found 0"),
        (["--seconds", "nan"], "--seconds must be a number of 0 or more, found nan"),
        (["--loop-limit", "-1"], "--loop-limit must be a number of 0 or more, found -1"),
    ],
)
def test_wrong_arguments_are_refused(fastnn, arguments: list[str], said: str) -> None:
    ran = fastnn("bench", *arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert said in ran.err


def _row(loop: tuple[float, ...], numpy: tuple[float, ...], batch: int = 16) -> list[Timed]:
    reason = "" if loop else "not run: about 3 s, the limit is 0.5 s"
    about = ("dense", "dense forward", "4 to 4 units", batch)
    return [Timed(*about, "loop", loop, reason), Timed(*about, "NumPy", numpy)]


def test_cells_by_hand() -> None:
    rows = [_row((0.004, 0.005), (1e-6, 2e-6)), _row((), (1.5e-5,), 10_000)]
    lines = block(rows, 10_000).splitlines()
    assert lines[2].split() == ["16", "4,000", "1.00", "4,000"]  # 4 ms over 1 us
    assert lines[3].split() == ["full", "10000", "left", "out", "15.0", "-"]
    text = " ".join(summary(rows)).split()
    assert " ".join(text) == (
        "NumPy: 4,000 times as fast as the loop (geometric mean of 1), at most 4,000 "
        "(dense forward, batch 16) loop: 1 cell left out, too slow "
        "(the limit is 0.5 s; --loop-limit)"
    )


def test_what_is_missing_is_counted_or_is_a_whole_column() -> None:
    rows = [_row((0.004,), (1e-6,)), _row((), (1e-6,))]
    about = ("dense", "dense forward", "4 to 4 units", 16)
    rows[0] += [Timed(*about, "compiled", (1e-6,)), Timed(*about, "GPU", (), "no CUDA")]
    rows[1] += [
        Timed(*about, "compiled", (), "not enough memory: 8 GB"),
        Timed(*about, "GPU", (), "no CUDA"),
    ]
    assert summary(rows)[-3:] == [
        "loop: 1 cell left out, too slow (the limit is 0.5 s; --loop-limit)",
        "GPU column: empty, no CUDA",
        "compiled: 1 cell empty, not enough memory: 8 GB",
    ]
