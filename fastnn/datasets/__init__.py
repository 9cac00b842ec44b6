"""Data sets by name: those of the package, and those that are looked for on the disk."""
