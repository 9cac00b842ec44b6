"""Programs as NumPy calls."""
