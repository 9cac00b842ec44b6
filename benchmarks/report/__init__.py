"""From the JSON of a run to a page and pictures: ``python -m benchmarks.report RESULTS.json``."""
