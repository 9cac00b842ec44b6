"""The benchmark suite runs, keeps what it measured and compares only what can be compared."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.measure import SYSTEMS, Row, measure
from benchmarks.networks import all_cases, case
from benchmarks.results import best_peer, by_case, compare, load, machine, save, table, to_json

ROOT = Path(__file__).resolve().parents[2]


def test_a_label_names_network_and_batch() -> None:
    found = case("A:128")
    assert (found.sizes, found.batch, found.label) == ((784, 512, 256, 10), 128, "A:128")
    assert found.n_rows % 128 == 0
    assert found.n_steps == found.n_rows // 128
    assert len({c.label for c in all_cases()}) == len(all_cases()) == 34


def test_the_products_of_a_step_by_hand() -> None:
    # 4-32-16-4 on 10,000: forward and dW for three layers, dA for the last two.
    assert case("F:10000").products() == [
        (32, 4, 10000), (32, 10000, 4),
        (16, 32, 10000), (16, 10000, 32), (32, 16, 10000),
        (4, 16, 10000), (4, 10000, 16), (16, 4, 10000),
    ]  # fmt: skip


def test_every_system_has_a_module() -> None:
    for name in SYSTEMS:
        assert (ROOT / "benchmarks" / "systems" / f"{name}.py").is_file(), name


def test_systems_are_measured_in_processes_of_their_own() -> None:
    rows = measure(case("B:16"), ["fastnn_numpy", "products"], repeats=2)
    assert [(r.system, r.error, len(r.seconds)) for r in rows] == [
        ("fastnn_numpy", None, 2),
        ("products", None, 2),
    ]
    assert all(r.minimum > 0 for r in rows)


def test_a_system_that_cannot_run_leaves_its_reason() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TORCH], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {"error": "torch is not installed"}


_WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
del sys.modules["torch"]
sys.meta_path.insert(0, Hidden())
from benchmarks.worker import main
sys.exit(main("pytorch", "B:16"))
"""


def _rows() -> list[Row]:
    return [
        Row("B:32", "fastnn_compiled", [2e-5, 3e-5]),
        Row("B:32", "products", [1e-5]),
        Row("B:32", "pytorch", [6e-5]),
        Row("B:32", "jax_scan", [4e-5, 8e-5]),
        Row("B:32", "keras_fit", error="keras is not installed"),
    ]


def test_ratios_are_of_the_minima() -> None:
    systems = by_case(_rows())["B:32"]
    assert best_peer(systems) is systems["jax_scan"]
    text = table(_rows())
    assert "2.00 x jax_scan" in text  # 40 us against 20
    assert "2.00 of products" in text  # 20 us against 10
    assert "keras is not installed" in text
    assert text.splitlines()[-1].startswith("fastnn_compiled: 2.00 times the best peer")


def test_a_run_is_kept_and_compared(tmp_path: Path) -> None:
    about = machine()
    save(tmp_path / "old.json", to_json(_rows(), about))
    rows, found = load(tmp_path / "old.json")
    assert rows == _rows()
    assert found == json.loads(json.dumps(about))
    slower = [Row("B:32", "fastnn_compiled", [5e-5]), Row("B:32", "pytorch", [6e-5])]
    assert compare(tmp_path / "old.json", slower, about) == (
        "B:32 fastnn_compiled: 2.50 times as long (20 us, now 50 us)"
    )
    assert compare(tmp_path / "old.json", _rows(), about).startswith("nothing is slower")
    elsewhere = {**about, "cores": about["cores"] + 1}
    assert "cannot be compared" in compare(tmp_path / "old.json", slower, elsewhere)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["X:1"], "a case is NETWORK:BATCH"), (["--systems", "torch"], "unknown system 'torch'")],
)
def test_wrong_arguments_are_refused(arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert message in done.stderr
