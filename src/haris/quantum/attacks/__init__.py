"""Attacks: what Eve makes of a link's devices, while its users believe what they did."""
