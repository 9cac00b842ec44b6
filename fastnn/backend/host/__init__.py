"""What the machine gives whatever computes: BLAS, threads, memory, arrays."""
