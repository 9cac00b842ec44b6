"""`fastnn info` and `fastnn check`."""

import json
import os
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from fastnn.backend.cuda.availability import cuda_status
from fastnn.backend.host.blas import find_blas
from fastnn.cli.diagnose import blas, gather
from fastnn.nn import activations
from fastnn.proofs import selfcheck
from fastnn.version import __version__


def test_info_for_people(fastnn) -> None:
    ran = fastnn("info")
    assert (ran.code, ran.err) == (0, "")
    text = " ".join(ran.out.split())
    status = cuda_status()
    assert f"fastnn {__version__}" in text
    assert f"numpy {np.__version__}" in text
    assert status.reason in text
    assert status.remedy in text
    assert max(map(len, ran.out.splitlines())) <= 80


def test_info_as_json(fastnn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found = json.loads(fastnn("info", "--json").out)
    assert found["environment"]["OMP_NUM_THREADS"] == "1"
    assert found["cpus"] == len(os.sched_getaffinity(0))
    assert found["cuda"]["usable"] == cuda_status().usable
    assert found["cuda"]["usable"] or (found["cuda"]["reason"] and found["cuda"]["remedy"])
    assert found["libraries"]["numpy"] == np.__version__


def test_info_says_where_kernels_are_kept(fastnn, monkeypatch, tmp_path) -> None:
    def said() -> str:
        return " ".join(fastnn("info").out.split())

    monkeypatch.setenv("FASTNN_CACHE", "off")
    assert "kernels on disk not kept; off (FASTNN_CACHE)" in said()
    monkeypatch.setenv("FASTNN_CACHE", str(tmp_path))
    tmp_path.chmod(0o777)
    assert "kernels on disk not kept; others may write to it; " in said()
    tmp_path.chmod(0o700)
    (tmp_path / "one.kernel").write_bytes(b"x" * 2**20)
    assert "kernels on disk 1.0 MiB in" in said()
    found = json.loads(fastnn("info", "--json").out)["compiled"]["cache"]
    assert found == {"folder": str(tmp_path), "bytes": 2**20, "problem": None}


def test_blas_is_named_with_and_without_threadpoolctl(run_python) -> None:
    known = find_blas()
    threads = known.get_threads() if known else None
    assert all(row["name"] for row in blas())
    code = "import sys; sys.modules['threadpoolctl'] = None\n" + (
        "from fastnn.cli.diagnose import blas; print(blas())"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
    assert f"'threads': {threads}" in done.stdout


def test_gather_is_json(fastnn) -> None:
    assert json.loads(json.dumps(gather())) is not None


def test_check_proves_the_kernels_here(fastnn) -> None:
    ran = fastnn("check", "--device", "cpu")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert [line.split()[-1] for line in lines[1:-1]] == ["ok"] * 3
    assert lines[-1].startswith("all ")
    assert max(map(len, lines)) <= 80


def test_check_as_json_says_what_was_not_checked(fastnn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a few networks: that all pass is shown above."""
    few = list(islice(selfcheck.combinations(), 3))
    monkeypatch.setattr(selfcheck, "combinations", lambda: iter(few))
    monkeypatch.setattr(selfcheck, "normalized", lambda: iter(()))
    found = json.loads(fastnn("check", "--json").out)
    assert found["passed"] is True
    assert (found["not_checked"] is None) == cuda_status().usable
    assert all(p["passed"] and p["largest_error"] <= p["allowed"] for p in found["proofs"])


def test_check_fails_when_a_derivative_is_wrong(fastnn, monkeypatch: pytest.MonkeyPatch) -> None:
    row = activations.ACTIVATIONS["tanh"]
    wrong = replace(row, derivative=lambda a: 1 - a)
    monkeypatch.setitem(activations.ACTIVATIONS._rows, "tanh", wrong)
    ran = fastnn("check", "--device", "cpu")
    assert ran.code == 1
    assert "FAILED: gradients against numeric gradient on cpu, worst at tanh" in ran.out
    assert ran.out.splitlines()[-1] == "3 of 3 proofs failed"


def test_check_of_a_device_that_is_not_there(fastnn) -> None:
    ran = fastnn("check", "--device", "cuda:9999")
    assert (ran.code, ran.out) == (4, "")
    assert "device 'cuda:9999' cannot be used" in ran.err
