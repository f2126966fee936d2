"""Light between a satellite and the ground: one effect a file, pure functions of arrays."""
