"""A training on the GPU is the training on the CPU: what `fastnn check` proves, and larger."""

from __future__ import annotations

from benchmarks.gpu_check.report import Check, Report
from fastnn.backend.protocols import Backend
from fastnn.proofs.parity import parity
from fastnn.proofs.selfcheck import prove_parity


def section(backend: Backend, report: Report) -> None:
    """Add the proofs of parity as checks."""
    found = [*parity(backend), *(prove_parity(backend, dtype) for dtype in ("float64", "float32"))]
    for p in found:
        report.checks.append(
            Check("parity", p.subject, p.largest_error, p.allowed, p.cases, p.worst)
        )
