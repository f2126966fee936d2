"""Quantum random numbers: what a source is worth, and how that is assessed."""
