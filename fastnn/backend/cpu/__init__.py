"""The CPU through NumPy."""
