"""The benchmark suite: ``python -m benchmarks`` in the project's folder, or ``./scripts/bench``."""
