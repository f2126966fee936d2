"""Finite-key lengths and entropy bounds; no simulation, no I/O."""
