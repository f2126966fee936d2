"""Sources, fibre and detectors: pure functions of SI floats."""
