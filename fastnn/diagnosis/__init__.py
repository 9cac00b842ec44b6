"""Diagnosis: what the layers of a network are like on real examples, and what is wrong."""
