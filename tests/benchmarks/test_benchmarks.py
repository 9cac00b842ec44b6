"""The benchmark suite runs, keeps what it measured and compares only what can be compared."""

import importlib
import json
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import __main__ as suite
from benchmarks.networks import all_cases, case, scaling_cases
from benchmarks.processes import ENVIRONMENT, Worker, workers
from benchmarks.results import ResultsError, compare, load, machine, merge, save
from benchmarks.rows import FASTNN, FLOORS, PEERS, SYSTEMS, Row, best_peer, by_case
from benchmarks.sections import Options, accuracy, footprint, kernels, latency, steps
from benchmarks.systems import Trained
from benchmarks.tables import summary, table
from benchmarks.worker import Server

ROOT = Path(__file__).resolve().parents[2]


def test_a_label_names_network_and_batch() -> None:
    found = case("A:128")
    assert (found.sizes, found.batch, found.label) == ((784, 512, 256, 10), 128, "A:128")
    assert found.n_rows % 128 == 0
    assert found.n_steps == found.n_rows // 128
    assert len({c.label for c in all_cases()}) == len(all_cases()) == 34
    assert [c.label for c in scaling_cases()][:2] == ["W16:128", "W32:128"]
    for c in [*all_cases(), *scaling_cases()]:
        assert case(c.label) == c
        assert 3 <= c.n_steps <= 300


@pytest.mark.parametrize("label", ["X:1", "A", "A:0", "A:x", "W:1", "W0:1"])
def test_a_label_that_is_none_is_refused(label: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        case(label)


def test_the_products_of_a_step_by_hand() -> None:
    # 4-32-16-4 on 10,000: forward and dW for three layers, dA for the last two.
    assert case("F:10000").products() == [
        (32, 4, 10000), (32, 10000, 4),
        (16, 32, 10000), (16, 10000, 32), (32, 16, 10000),
        (4, 16, 10000), (4, 10000, 16), (16, 4, 10000),
    ]  # fmt: skip


def test_the_bytes_of_a_step_by_hand() -> None:
    # 4-32-16-4: 160 + 528 + 68 parameters, each with two moments read and written (6 numbers);
    # 4 + 4 numbers in a row; 32 + 16 hidden units written and read. All of 4 bytes.
    assert case("F:10000").n_parameters == 756
    assert case("F:10000").bytes_moved() == 4 * (6 * 756 + 10000 * (4 + 4) + 2 * 10000 * 48)
    # 32-64-64-2, class indices as targets: one number.
    assert case("B:1").bytes_moved() == 4 * (6 * 6402 + 33 + 2 * 128)


def test_every_system_has_a_module() -> None:
    assert set(SYSTEMS) == {*FASTNN, *FLOORS, *PEERS}
    for name in {*SYSTEMS, *latency.SYSTEMS}:
        assert (ROOT / "benchmarks" / "systems" / f"{name}.py").is_file(), name


OWN = ("fastnn_numpy", "products", "bytes_moved")


def test_systems_are_measured_in_processes_of_their_own() -> None:
    [rows] = steps.run(Options(("B:16",), OWN, repeats=2))
    assert [(r.system, r.error, len(r.values)) for r in rows] == [(name, None, 2) for name in OWN]
    assert all(r.minimum > 0 for r in rows)
    assert rows[0].extra["batch"] == 16


def test_a_process_is_asked_about_several_cases_and_ends(tmp_path: Path) -> None:
    with workers(["fastnn_numpy"]) as at_work:
        worker = at_work["fastnn_numpy"]
        for label in ("B:16", "F:16"):
            assert "error" not in worker.ask("prepare", case=label)
            assert worker.ask("epoch")["seconds"] > 0
        assert worker.ask("memory")["bytes"] > 1e6
        values = worker.ask("predict", calls=5, repeats=2)["values"]
        assert len(values) == 2
        process = worker._process
    assert process is not None
    assert process.returncode is not None


def test_a_process_has_the_threads_that_its_library_takes_by_itself() -> None:
    prefixes = ("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "MKL_", "XLA_")
    assert not [name for name in ENVIRONMENT if name.startswith(prefixes)]


def test_a_process_that_dies_or_hangs_leaves_its_reason() -> None:
    worker = Worker("fastnn_numpy", limit=20)
    assert "error" not in worker.ask("prepare", case="B:16")
    assert worker._process is not None
    worker._process.kill()
    assert "killed by signal 9" in worker.ask("epoch")["error"]
    hasty = Worker("fastnn_numpy", limit=0.0)
    assert hasty.ask("prepare", case="B:16") == {"error": "no answer within 0 s"}
    assert hasty._process is None


def test_a_system_that_cannot_run_leaves_its_reason() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TORCH],
        input='{"do": "prepare", "case": "B:16"}\n',
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"error": "torch is not installed"}


_WITHOUT_TORCH = """
import sys
import time
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Hidden())
from benchmarks.worker import main
sys.exit(main("pytorch"))
"""


def test_too_little_memory_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    import fastnn.backend.host.memory as host_memory

    monkeypatch.setattr(host_memory, "free_memory", lambda: 10**6)
    [rows] = steps.run(Options(("A:128",), OWN))
    assert [r.values for r in rows] == [[], [], []]
    assert rows[0].error is not None
    assert rows[0].error.startswith("needs about 0.")
    assert rows[0].error.endswith("GB of memory, 0.0 GB are free")


def _rows() -> list[Row]:
    return [
        Row("steps", "B:32", "fastnn_compiled", [2e-5, 3e-5]),
        Row("steps", "B:32", "products", [1e-5]),
        Row("steps", "B:32", "bytes_moved", [5e-6]),
        Row("steps", "B:32", "pytorch", [6e-5]),
        Row("steps", "B:32", "jax_scan", [4e-5, 8e-5]),
        Row("steps", "B:32", "keras_fit", error="keras is not installed"),
    ]


def test_ratios_are_of_the_minima() -> None:
    systems = by_case(_rows())["B:32"]
    assert best_peer(systems) is systems["jax_scan"]
    lines = table(_rows()).splitlines()
    assert lines[0] == "B:32  32-64-64-2, relu"
    assert lines[1].split("  ")[-3:] == ["x jax_scan", "/ products", "/ bytes_moved"]
    cells = {line.split()[0]: line.split()[1:] for line in lines[2:]}
    # 20 us: 32 rows in 20 us; 40 us of JAX over 20; 20 over 10; 20 over 5.
    assert cells["fastnn_compiled"] == ["20.0", "25.0", "1,600,000", "2.00", "2.00", "4.00"]
    assert cells["pytorch"] == ["60.0", "60.0", "533,333", "0.67", "6.00", "12.00"]
    assert cells["products"][3] == "-"
    assert "keras_fit: keras is not installed" in lines[-1]
    text = " ".join(summary(_rows()).split())
    assert "fastnn_compiled / best peer 2.00 2.00 B:32 1" in text
    assert "fastnn_compiled / pytorch 3.00 3.00 B:32 1" in text


def test_a_run_is_kept_and_compared(tmp_path: Path) -> None:
    about = machine()
    old = tmp_path / "old.json"
    save(old, _rows(), about)
    rows, found = load(old)
    assert rows == _rows()
    assert found == json.loads(json.dumps(about))
    slower = [
        Row("steps", "B:32", "fastnn_compiled", [5e-5]),
        Row("steps", "B:32", "pytorch", [6e-5]),
    ]
    assert compare(old, slower, about) == (
        "steps B:32 fastnn_compiled: 2.50 times as long (20.0 us, now 50.0 us)"
    )
    assert compare(old, _rows(), about).startswith("none of 5 figures is above")
    failed = [Row("steps", "B:32", "pytorch", error="torch is not installed")]
    assert compare(old, failed, about) == (
        "steps B:32 pytorch: 60.0 us then, now torch is not installed"
    )
    newer = {**about, "blas_threads": 64}
    said = compare(old, slower, newer).splitlines()
    assert said[0] == f"not as it was then: blas_threads {about['blas_threads']}, now 64"
    assert len(said) == 2
    assert "none of the cases" in compare(old, [Row("steps", "A:16", "products", [1.0])], about)
    elsewhere = {**about, "cores": about["cores"] + 1}
    said = compare(old, slower, elsewhere)
    assert f"another machine (cores {about['cores']} there and" in said
    assert said.endswith("the figures cannot be compared")


def test_new_rows_replace_old_ones() -> None:
    new = [Row("steps", "B:32", "pytorch", [1.0]), Row("latency", "B:32", "pytorch", [2.0])]
    found = merge(_rows(), new)
    assert len(found) == len(_rows()) + 1
    assert [r.values for r in found if r.system == "pytorch"] == [[1.0], [2.0]]


def test_the_machine_has_no_name_and_no_paths() -> None:
    text = json.dumps(machine())
    assert platform.node() not in re.split(r"[^\w.-]+", text)
    assert str(Path.home()) + "/" not in text
    assert {"processor", "cores", "versions", "blas_threads", "python"} <= set(machine())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ('{"format": 1}', "results of format 1, this suite reads 2; measure again"),
        ("[]", "results of format None"),
        ('{"format": 2, "rows": [{"section": "steps"}], "machine": {}}', "is not whole"),
        ('{"format": 2}', "is not whole"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_holds_no_results(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "old.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=said):
        load(path)


def run_suite(*arguments: object) -> int:
    return suite.main([str(a) for a in arguments])


def test_a_run_goes_on_where_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, ran = tmp_path / "run.json", []
    measured = steps.measure

    def interrupted(c, at_work, repeats, section):
        ran.append(c.label)
        if len(ran) == 2:
            raise KeyboardInterrupt
        return measured(c, at_work, repeats, section)

    monkeypatch.setattr(steps, "measure", interrupted)
    asked = ("B:16", "B:32", "--systems", "products,bytes_moved", "--repeats", 1, "--out", out)
    assert run_suite(*asked) == 130
    assert "interrupted: what was measured is kept" in capsys.readouterr().err
    assert {r.case for r in load(out)[0]} == {"B:16"}
    assert run_suite(*asked) == 0
    assert ran == ["B:16", "B:32", "B:32"]
    assert {r.case for r in load(out)[0]} == {"B:16", "B:32"}
    assert run_suite(*asked, "--again", "--compare", out) == 0
    assert ran[3:] == ["B:16", "B:32"]
    shown = capsys.readouterr().out
    assert "B:16  32-64-64-2, relu" in shown


def test_no_case_is_begun_after_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(steps, "measure", lambda c, *_: [Row("steps", c.label, "products", [1.0])])
    assert run_suite("B:16", "B:32", "--systems", "products", "--minutes", "0") == 0
    said = capsys.readouterr()
    assert "stopped after 0 minutes: the rest is not measured" in said.err
    assert "B:16" in said.out
    assert "B:32" not in said.out


def test_who_has_trained_for_long_gets_no_further_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(worker: object, row: Row, label: str, seed: int) -> None:
        row.values.append(25.0)

    monkeypatch.setattr(accuracy, "train", slow)
    [[row]] = accuracy.run(Options(systems=("fastnn_numpy",)))
    assert row.values == [25.0, 25.0]


def test_results_of_another_machine_are_not_mixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "run.json", _rows(), {**machine(), "processor": "Z80"})
    with pytest.raises(SystemExit):
        run_suite("B:16", "--out", tmp_path / "run.json")
    assert "of another machine (processor 'Z80' there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["X:1"], "a case is NETWORK:BATCH"),
        (["--systems", "torch"], "unknown system 'torch'"),
        (["--only", "stps"], "unknown section 'stps'; choose from steps, accuracy"),
        (["A:16", "--only", "kernels"], "cases are for the section steps alone"),
        (["--repeats", "0"], "--repeats must be at least 1"),
        (["--minutes", "nan"], "--minutes must be 0 or more, found nan"),
        (["--compare", "nothing.json"], "nothing.json: cannot be read"),
        (["--out", "no/such/run.json"], "there is no folder 'no/such'"),
    ],
)
def test_wrong_arguments_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run_suite(*arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


class Told:
    """A worker that answers from a list."""

    def __init__(self, *answers: dict[str, object]) -> None:
        self.answers, self.asked = list(answers), []

    def ask(self, do: str, **_: object) -> dict[str, object]:
        self.asked.append(do)
        return self.answers.pop(0)


def test_time_to_accuracy_counts_training_alone_and_looks_after_each_epoch() -> None:
    row = Row("accuracy", "fashion:100", "x", extra={"runs": []})
    told = Told(
        {"prepare_seconds": 3.0}, {"accuracy": 0.80}, {"seconds": 2.0}, {"accuracy": 0.87},
        {"seconds": 2.5}, {"accuracy": 0.88},
    )  # fmt: skip
    accuracy.train(told, row, "fashion:100", 0)  # type: ignore[arg-type]
    assert row.values == [7.5]
    assert row.extra["runs"] == [[[3.0, 0.80], [5.0, 0.87], [7.5, 0.88]]]
    assert told.asked == ["prepare", "accuracy", "epoch", "accuracy", "epoch", "accuracy"]


def test_a_target_that_is_not_reached_is_said() -> None:
    row = Row("accuracy", "fashion:100", "x", extra={"runs": []})
    answers = [{"prepare_seconds": 1.0}, {"accuracy": 0.5}]
    answers += [{"seconds": 1.0}, {"accuracy": 0.6}] * (accuracy.MOST_EPOCHS - 1)
    accuracy.train(Told(*answers), row, "fashion:100", 2)  # type: ignore[arg-type]
    assert row.values == []
    assert row.error == "seed 2: 0.6000 at best in 15 epochs"


def test_one_row_is_predicted_by_the_raw_path_and_by_the_model() -> None:
    rows = next(iter(latency.run(Options(systems=("fastnn_numpy",)))))
    assert [(r.system, r.error, len(r.values)) for r in rows] == [
        ("fastnn_numpy", None, 5),
        ("fastnn_model", None, 5),
    ]


def test_what_a_library_costs() -> None:
    size = footprint.installed_size("numpy")
    assert (size.error, size.unit, size.extra["packages"]) == (None, "bytes", ["numpy"])
    assert 2e7 < size.values[0] < 2e8
    own = footprint.installed_size("fastnn")
    assert {"fastnn-numpy", "numpy", "safetensors", "rich"} <= set(own.extra["packages"])
    assert own.extra["own"] < size.values[0] < own.values[0]
    assert footprint.import_time("fastnn", 1).values[0] > 0
    assert footprint.import_time("no_such_library", 1).error is not None
    memory = footprint.peak_memory("fastnn_numpy")
    assert memory.values[0] > 2e7
    assert len(footprint.first_step("fastnn_numpy").values) == 2


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(footprint.LIBRARIES, "absent", ("no-such-package",))
    assert footprint.installed_size("absent").error == "no-such-package is not installed"


def test_the_kernels_are_those_of_fastnn_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastnn.timing.comparison import COLUMNS, Effort, subjects

    monkeypatch.setattr(kernels, "EFFORT", Effort(1e-4, 1e-3, 1))
    monkeypatch.setattr(kernels, "subjects", lambda: subjects(["huber", "adam"], units=4))
    rows = [row for part in kernels.run(Options()) for row in part]
    labels = {row.case for row in rows}
    assert len(labels) == 11
    assert {"huber:1", "huber:10000", "adam:any"} <= labels
    assert [r.system for r in rows[:4]] == list(COLUMNS)
    known = Options(known=lambda section, label, systems: True)
    assert list(kernels.run(known)) == []


def test_loading_a_library_is_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    class Slow:
        """Takes 100 s to load, 3 to prepare and 2 for an epoch."""

        @staticmethod
        def prepare(c: object) -> Trained:
            clock[0] += 3
            return Trained(lambda: clock.__setitem__(0, clock[0] + 2))

    def load(name: str) -> type[Slow]:
        clock[0] += 100
        return Slow

    monkeypatch.setattr(importlib, "import_module", load)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    assert Server("slow").prepare("B:16") == {"prepare_seconds": 5.0}
