"""Quantum random numbers at work: devices, what is made of their samples, and who is given it."""
