"""Whether a GPU computes what it should, and how fast: `scripts/gpu_check`."""
