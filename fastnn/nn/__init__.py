"""The mathematics of the notes, written once, examples as columns."""
